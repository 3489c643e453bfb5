/* SPDX-License-Identifier: MIT */
/* SipHash-1-3: Jean-Philippe Aumasson and Daniel J. Bernstein, "SipHash: a fast short-input PRF",
 * https://www.aumasson.jp/siphash/siphash.pdf */
#include "base/hash.h"

#include <stdatomic.h>

static uint64_t secret[2];
static atomic_flag secret_is_set = ATOMIC_FLAG_INIT;

static uint64_t load(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

void pw_set_hash_secret(const uint8_t *bytes)
{
    if (!atomic_flag_test_and_set(&secret_is_set)) {
        secret[0] = load(bytes, 8);
        secret[1] = load(bytes + 8, 8);
    }
}

static inline uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void mix(uint64_t *v)
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void add(uint64_t *v, uint64_t word)
{
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
}

static inline void begin(uint64_t *v)
{
    v[0] = secret[0] ^ 0x736f6d6570736575u;
    v[1] = secret[1] ^ 0x646f72616e646f6du;
    v[2] = secret[0] ^ 0x6c7967656e657261u;
    v[3] = secret[1] ^ 0x7465646279746573u;
}

static inline uint64_t finish(uint64_t *v, uint64_t last)
{
    add(v, last);
    v[2] ^= 0xff;
    mix(v);
    mix(v);
    mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t pw_hash_bytes(const uint8_t *data, size_t size)
{
    uint64_t v[4];
    size_t done = 0;
    begin(v);
    for (; size - done >= 8; done += 8) {
        add(v, load(data + done, 8));
    }
    return finish(v, (uint64_t)size << 56 | load(data + done, size - done));
}

void pw_hash_begin(pw_hash *hash)
{
    begin(hash->v);
    hash->pending = hash->count = 0;
}

void pw_hash_add(pw_hash *hash, uint32_t word)
{
    if (hash->count++ % 2 == 0) {
        hash->pending = word;
        return;
    }
    add(hash->v, hash->pending | (uint64_t)word << 32);
    hash->pending = 0;
}

uint64_t pw_hash_end(pw_hash *hash)
{
    return finish(hash->v, (hash->count * 4) << 56 | hash->pending);
}
