// SPDX-License-Identifier: MIT
// ChaCha20 (RFC 8439): encrypts a message of 16 KiB.

#include "lanes.h"

enum { BLOCK = 16, BLOCKS = 256 }; // The size of a block is in words of 32 bits.

static struct {
    uint32_t key[8];
    uint32_t counter_and_nonce[4];
    uint32_t message[BLOCKS * BLOCK];
} in;
static uint32_t encrypted[BLOCKS * BLOCK];

// The count is a constant wherever this is inlined. A vector is rotated by whole bytes in one
// instruction, as in implementations for SSSE3, and otherwise in three.
static inline word rotate_left(word x, uint32_t count)
{
#ifdef __wasm_simd128__
    v128_t lanes = (v128_t)x;
    if (count == 16) {
        return (word)wasm_i8x16_shuffle(lanes, lanes, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15,
                                        12, 13);
    }
    if (count == 8) {
        return (word)wasm_i8x16_shuffle(lanes, lanes, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12,
                                        13, 14);
    }
#endif
    return rotate_right(x, 32 - count);
}

static inline void quarter_round(word *a, word *b, word *c, word *d)
{
    *a += *b;
    *d = rotate_left(*d ^ *a, 16);
    *c += *d;
    *b = rotate_left(*b ^ *c, 12);
    *a += *b;
    *d = rotate_left(*d ^ *a, 8);
    *c += *d;
    *b = rotate_left(*b ^ *c, 7);
}

static inline void double_round(word s[BLOCK])
{
    quarter_round(&s[0], &s[4], &s[8], &s[12]);
    quarter_round(&s[1], &s[5], &s[9], &s[13]);
    quarter_round(&s[2], &s[6], &s[10], &s[14]);
    quarter_round(&s[3], &s[7], &s[11], &s[15]);
    quarter_round(&s[0], &s[5], &s[10], &s[15]);
    quarter_round(&s[1], &s[6], &s[11], &s[12]);
    quarter_round(&s[2], &s[7], &s[8], &s[13]);
    quarter_round(&s[3], &s[4], &s[9], &s[14]);
}

static inline void start(uint32_t block, word s[BLOCK])
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int i = 0; i < 4; i++) {
        s[i] = same_in_all_lanes(constants[i]);
        s[4 + i] = same_in_all_lanes(in.key[i]);
        s[8 + i] = same_in_all_lanes(in.key[4 + i]);
        s[12 + i] = same_in_all_lanes(in.counter_and_nonce[i]);
    }
    s[12] += count_from(block);
}

KEPT void encrypt(void)
{
    for (uint32_t block = 0; block < BLOCKS; block += LANES) {
        word first[BLOCK], s[BLOCK], message[BLOCK];
        start(block, first);
        start(block, s);
        for (int i = 0; i < 10; i++) {
            double_round(s);
        }
        load_blocks(&in.message[block * BLOCK], BLOCK, BLOCK, message);
        for (int i = 0; i < BLOCK; i++) {
            message[i] ^= s[i] + first[i];
        }
        store_blocks(message, BLOCK, BLOCK, &encrypted[block * BLOCK]);
    }
}

KERNEL(&in, encrypted, encrypt)
