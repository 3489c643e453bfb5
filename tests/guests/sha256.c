// SPDX-License-Identifier: MIT
// SHA-256 (FIPS 180-4) in pieces: init, then update as often as there is data, then final. The host
// puts each piece into the guest's buffer, or anywhere else in linear memory, and names it by
// address and size.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

enum { BLOCK = 64, DIGEST = 32, BUFFER = 64 * 1024 };

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint8_t buffer[BUFFER];
static uint8_t digest[DIGEST];

static uint32_t state[8];
static uint8_t block[BLOCK];
static uint64_t total; // bytes seen so far; total % BLOCK of them wait in `block`

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

static uint32_t load_big_endian(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void store_big_endian(uint8_t *to, uint32_t word)
{
    to[0] = (uint8_t)(word >> 24);
    to[1] = (uint8_t)(word >> 16);
    to[2] = (uint8_t)(word >> 8);
    to[3] = (uint8_t)word;
}

static void compress(const uint8_t *input)
{
    uint32_t w[64];
    for (int t = 0; t < 16; t++) {
        w[t] = load_big_endian(input + 4 * t);
    }
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }

    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        uint32_t choice = (e & f) ^ (~e & g);
        uint32_t t1 = h + sum1 + choice + round_constants[t] + w[t];
        uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + sum0 + majority;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

// The host may put the next piece at this address, where buffer_size() bytes fit.
EXPORT(buffer) uint8_t *get_buffer(void)
{
    return buffer;
}

EXPORT(buffer_size) uint32_t get_buffer_size(void)
{
    return BUFFER;
}

// Begins a new message.
EXPORT(init) void init(void)
{
    static const uint32_t start[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    for (int i = 0; i < 8; i++) {
        state[i] = start[i];
    }
    total = 0;
}

// Takes the next `size` bytes of the message; any size, also 0.
EXPORT(update) void update(const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        block[total++ % BLOCK] = data[i];
        if (total % BLOCK == 0) {
            compress(block);
        }
    }
}

// Ends the message and returns the address of its digest, 32 bytes.
EXPORT(final) const uint8_t * final(void)
{
    static const uint8_t one_bit = 0x80, zero = 0;
    uint64_t bits = total * 8;

    update(&one_bit, 1);
    while (total % BLOCK != BLOCK - 8) {
        update(&zero, 1);
    }
    store_big_endian(block + BLOCK - 8, (uint32_t)(bits >> 32));
    store_big_endian(block + BLOCK - 4, (uint32_t)bits);
    compress(block);

    for (int i = 0; i < 8; i++) {
        store_big_endian(digest + 4 * i, state[i]);
    }
    return digest;
}
