// SPDX-License-Identifier: MIT
// Ciphers and hash functions of 32-bit words work on independent blocks. With SIMD, one operation
// works on the same word of four blocks: each block has a lane. Without, there is one block.

#pragma once
#include "kernel.h"

#ifdef __wasm_simd128__
enum { LANES = 4 };
typedef uint32_t word __attribute__((vector_size(16)));
#else
enum { LANES = 1 };
typedef uint32_t word;
#endif

// With vectors, this is three instructions. BLAKE3's own code for WebAssembly rotates so, too.
static inline word rotate_right(word x, uint32_t count)
{
    return x >> count | x << (32 - count);
}

static inline word same_in_all_lanes(uint32_t x)
{
    return (word){0} + x;
}

// Returns first, first + 1, and so on.
static inline word count_from(uint32_t first)
{
#ifdef __wasm_simd128__
    return first + (word){0, 1, 2, 3};
#else
    return first;
#endif
}

#ifdef __wasm_simd128__

static inline void transpose(word rows[4])
{
    word low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
    word high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    word low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
    word high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
    rows[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    rows[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    rows[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    rows[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

// Loads `count` words of each block. Each block begins `stride` words after the one before. The
// count is a multiple of 4.
static inline void load_blocks(const uint32_t *from, uint32_t stride, uint32_t count, word *words)
{
#pragma clang loop unroll(full)
    for (uint32_t i = 0; i < count; i += 4) {
        for (uint32_t lane = 0; lane < 4; lane++) {
            words[i + lane] = (word)wasm_v128_load(from + lane * stride + i);
        }
        transpose(words + i);
    }
}

static inline void store_blocks(word *words, uint32_t stride, uint32_t count, uint32_t *to)
{
#pragma clang loop unroll(full)
    for (uint32_t i = 0; i < count; i += 4) {
        transpose(words + i);
        for (uint32_t lane = 0; lane < 4; lane++) {
            wasm_v128_store(to + lane * stride + i, (v128_t)words[i + lane]);
        }
    }
}

#else

static inline void load_blocks(const uint32_t *from, uint32_t stride, uint32_t count, word *words)
{
    (void)stride;
#pragma clang loop unroll(full)
    for (uint32_t i = 0; i < count; i++) {
        words[i] = from[i];
    }
}

static inline void store_blocks(word *words, uint32_t stride, uint32_t count, uint32_t *to)
{
    (void)stride;
#pragma clang loop unroll(full)
    for (uint32_t i = 0; i < count; i++) {
        to[i] = words[i];
    }
}

#endif
