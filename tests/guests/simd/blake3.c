// SPDX-License-Identifier: MIT
// BLAKE3: hashes 16 KiB, which are 16 chunks. These are the leaves of a tree, and chunks and
// parents of the same level do not depend on each other, so each has a lane.

#include "lanes.h"

enum { CHUNKS = 16, BLOCKS_OF_A_CHUNK = 16, BLOCK = 16, VALUE = 8 }; // Blocks, values: in words.
enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

static uint32_t data[CHUNKS * BLOCKS_OF_A_CHUNK * BLOCK];
static uint32_t values[CHUNKS * VALUE]; // the chaining values of a level, and the hash at last

static const uint32_t start_value[VALUE] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// The word that each step of a round takes. A round permutes what the round before took.
static const uint8_t schedule[7][BLOCK] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

static inline void mix(word s[16], int a, int b, int c, int d, word x, word y)
{
    s[a] += s[b] + x;
    s[d] = rotate_right(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate_right(s[b] ^ s[c], 12);
    s[a] += s[b] + y;
    s[d] = rotate_right(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate_right(s[b] ^ s[c], 7);
}

// Puts a block into a chaining value.
static inline void compress(const word block[BLOCK], word counter, uint32_t flags,
                            word value[VALUE])
{
    word s[16];
    for (int i = 0; i < VALUE; i++) {
        s[i] = value[i];
    }
    for (int i = 0; i < 4; i++) {
        s[8 + i] = same_in_all_lanes(start_value[i]);
    }
    s[12] = counter;
    s[13] = same_in_all_lanes(0);
    s[14] = same_in_all_lanes(BLOCK * sizeof(uint32_t));
    s[15] = same_in_all_lanes(flags);
#pragma clang loop unroll(full)
    for (int round = 0; round < 7; round++) {
        const uint8_t *order = schedule[round];
        mix(s, 0, 4, 8, 12, block[order[0]], block[order[1]]);
        mix(s, 1, 5, 9, 13, block[order[2]], block[order[3]]);
        mix(s, 2, 6, 10, 14, block[order[4]], block[order[5]]);
        mix(s, 3, 7, 11, 15, block[order[6]], block[order[7]]);
        mix(s, 0, 5, 10, 15, block[order[8]], block[order[9]]);
        mix(s, 1, 6, 11, 12, block[order[10]], block[order[11]]);
        mix(s, 2, 7, 8, 13, block[order[12]], block[order[13]]);
        mix(s, 3, 4, 9, 14, block[order[14]], block[order[15]]);
    }
    for (int i = 0; i < VALUE; i++) {
        value[i] = s[i] ^ s[8 + i];
    }
}

// Hashes as many pieces as there are lanes. A piece is a chunk, or a parent of one block.
KEPT void hash_pieces(const uint32_t *pieces, uint32_t blocks, word counter, uint32_t flags,
                      uint32_t *to)
{
    word value[VALUE], block[BLOCK];
    for (int i = 0; i < VALUE; i++) {
        value[i] = same_in_all_lanes(start_value[i]);
    }
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t ends = 0;
        if (blocks > 1) {
            ends = i == 0 ? CHUNK_START : i == blocks - 1 ? CHUNK_END : 0;
        }
        load_blocks(pieces + i * BLOCK, blocks * BLOCK, BLOCK, block);
        compress(block, counter, flags | ends, value);
    }
    store_blocks(value, VALUE, VALUE, to);
}

// A parent's block consists of the values of its two children. At the upper levels, some lanes
// compute what nobody reads.
KEPT void hash(void)
{
    for (uint32_t i = 0; i < CHUNKS; i += LANES) {
        hash_pieces(&data[i * BLOCKS_OF_A_CHUNK * BLOCK], BLOCKS_OF_A_CHUNK, count_from(i), 0,
                    &values[i * VALUE]);
    }
    for (uint32_t parents = CHUNKS / 2; parents > 0; parents /= 2) {
        for (uint32_t i = 0; i < parents; i += LANES) {
            hash_pieces(&values[i * BLOCK], 1, same_in_all_lanes(0),
                        parents == 1 ? PARENT | ROOT : PARENT, &values[i * VALUE]);
        }
    }
}

KERNEL(data, values, hash)
