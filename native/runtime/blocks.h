/* SPDX-License-Identifier: MIT */
/* The blocks of a heap: where they come from, and how unmarked objects are freed. */
#ifndef PW_BLOCKS_H
#define PW_BLOCKS_H

#include "runtime/heap.h"

/* The block that contains an address, if that is the address of a small object. */
static inline pw_block *pw_block_of(uintptr_t address)
{
    return (pw_block *)(address & ~(PW_BLOCK - 1));
}

/* Which bit of a block belongs to an object. */
static inline uint32_t pw_granule_of(uintptr_t address)
{
    return (uint32_t)(address & (PW_BLOCK - 1)) / PW_GRANULE;
}

/* Whether the small object at an address is marked. */
static inline bool pw_cell_is_marked(uintptr_t address)
{
    uint32_t granule = pw_granule_of(address);
    return pw_block_of(address)->marked[granule / 64] >> granule % 64 & 1;
}

/* Gives a pool the cells of one block more. False if the limits of the store or the system leave no
 * memory. */
bool pw_pool_grow(pw_heap *heap, pw_pool *pool);
/* Sets the next free cells of a pool, freeing unmarked ones first if need be. False if it has none.
 */
bool pw_pool_next(pw_heap *heap, pw_pool *pool);

/* Leaves a pool one free cell at hand, and the others for later. */
void pw_pool_keep_one(pw_pool *pool);

/* Frees what is not marked in all blocks that were not swept yet. Until this has been done, no
 * collection may begin: what is not marked can refer to cells that were freed. */
void pw_heap_finish_sweep(pw_heap *heap);
/* Frees the large objects that are not marked, and has all blocks wait to be swept. */
void pw_heap_begin_sweep(pw_heap *heap);
/* Frees a large object. */
void pw_heap_free_large(pw_heap *heap, pw_large *large);
/* Gives the memory of all blocks back. */
void pw_heap_free_chunks(pw_heap *heap);

#endif
