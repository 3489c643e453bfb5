/* SPDX-License-Identifier: MIT */
/* The blocks of a heap. */
#include "runtime/blocks.h"

#include <stdlib.h>
#include <string.h>

/* ---- blocks ---------------------------------------------------------------------------------- */

/* The system is asked for so many blocks at a time. A page of them takes memory when it is used
 * first. */
#define BLOCKS_PER_CHUNK 16
#define CHUNK_SIZE ((BLOCKS_PER_CHUNK + 1) * (size_t)PW_BLOCK)

/* At most so many free blocks keep their memory. */
#define KEPT_BLOCKS 64

struct pw_chunk {
    pw_chunk *next;
    void *start;
};

static void add_free(pw_heap *heap, pw_block *block)
{
    block->next = heap->free;
    heap->free = block;
    heap->nfree++;
}

/* Reserves a chunk, and adds its blocks, which are zero, to the free ones. */
static bool add_chunk(pw_heap *heap)
{
    pw_chunk *chunk = malloc(sizeof *chunk);
    void *start = chunk != NULL ? pw_pages_reserve(CHUNK_SIZE) : NULL;
    if (start == NULL || !pw_pages_commit(start, CHUNK_SIZE)) {
        if (start != NULL) {
            pw_pages_release(start, CHUNK_SIZE);
        }
        free(chunk);
        return false;
    }
    *chunk = (pw_chunk){heap->chunks, start};
    heap->chunks = chunk;
    char *first = (char *)start + (PW_BLOCK - (uintptr_t)start % PW_BLOCK);
    for (int i = BLOCKS_PER_CHUNK - 1; i >= 0; i--) {
        add_free(heap, (pw_block *)(void *)(first + (size_t)i * PW_BLOCK));
    }
    return true;
}

void pw_heap_free_chunks(pw_heap *heap)
{
    while (heap->chunks != NULL) {
        pw_chunk *chunk = heap->chunks;
        heap->chunks = chunk->next;
        pw_pages_release(chunk->start, CHUNK_SIZE);
        free(chunk);
    }
}

/* Takes a free block, all of whose bytes behind its head are zero. */
static pw_block *take_block(pw_heap *heap)
{
    if (!pw_account_charge(heap->account, PW_CHARGE_HEAP, PW_BLOCK)) {
        return NULL;
    }
    if (heap->free == NULL && !add_chunk(heap)) {
        pw_account_refund(heap->account, PW_CHARGE_HEAP, PW_BLOCK);
        return NULL;
    }
    pw_block *block = heap->free;
    heap->free = block->next;
    heap->nfree--;
    if (block->is_dirty) {
        memset(block, 0, PW_BLOCK);
    }
    return block;
}

static void release_block(pw_heap *heap, pw_block *block)
{
    pw_account_refund(heap->account, PW_CHARGE_HEAP, PW_BLOCK);
    block->is_dirty = heap->nfree < KEPT_BLOCKS || !pw_pages_clear(block, PW_BLOCK);
    add_free(heap, block);
}

/* ---- runs of free cells ---------------------------------------------------------------------- */

static void add_run(pw_pool *pool, char *start, char *end)
{
    pw_free_run *run = (pw_free_run *)(void *)start;
    *run = (pw_free_run){pool->runs | 1, end};
    pool->runs = (uintptr_t)run;
}

static void take_run(pw_heap *heap, pw_pool *pool)
{
    pw_free_run *run = (pw_free_run *)pool->runs;
    pool->runs = run->next & ~(uintptr_t)1;
    pool->next = (char *)run;
    pool->end = run->end;
    run->next = 0;
    heap->allocated += (size_t)(pool->end - pool->next);
}

static char *end_of_cells(pw_block *block)
{
    size_t count = (PW_BLOCK - PW_FIRST_CELL) / block->cell;
    return (char *)block + PW_FIRST_CELL + count * block->cell;
}

bool pw_pool_grow(pw_heap *heap, pw_pool *pool)
{
    pw_block *block = take_block(heap);
    if (block == NULL) {
        return false;
    }
    block->cell = (uint32_t)pool->cell;
    block->next = pool->swept;
    pool->swept = block;
    add_run(pool, (char *)block + PW_FIRST_CELL, end_of_cells(block));
    return true;
}

/* ---- sweeping -------------------------------------------------------------------------------- */

static bool has_marks(const pw_block *block)
{
    uint64_t any = 0;
    for (size_t i = 0; i < PW_BLOCK_WORDS; i++) {
        any |= block->marked[i];
    }
    return any != 0;
}

/* Frees the unmarked cells of a block. The first word of each becomes 0, so that the address of a
 * free cell is never taken for that of an object. */
static void free_cells(pw_pool *pool, pw_block *block)
{
    char *run = NULL, *end = end_of_cells(block);
    for (char *cell = (char *)block + PW_FIRST_CELL; cell < end; cell += block->cell) {
        if (!pw_cell_is_marked((uintptr_t)cell)) {
            memset(cell, 0, sizeof(pw_heap_object));
            run = run != NULL ? run : cell;
        } else if (run != NULL) {
            add_run(pool, run, cell);
            run = NULL;
        }
    }
    if (run != NULL) {
        add_run(pool, run, end);
    }
}

/* Sweeps the next block of a pool. */
static void sweep_block(pw_heap *heap, pw_pool *pool)
{
    pw_block *block = pool->unswept;
    pool->unswept = block->next;
    if (!has_marks(block)) {
        release_block(heap, block);
        return;
    }
    free_cells(pool, block);
    block->next = pool->swept;
    pool->swept = block;
}

bool pw_pool_next(pw_heap *heap, pw_pool *pool)
{
    while (pool->runs == 0 && pool->unswept != NULL) {
        sweep_block(heap, pool);
    }
    if (pool->runs == 0) {
        return false;
    }
    take_run(heap, pool);
    return true;
}

void pw_pool_keep_one(pw_pool *pool)
{
    char *second = pool->next + pool->cell;
    if (second < pool->end) {
        add_run(pool, second, pool->end);
        pool->end = second;
    }
}

void pw_heap_finish_sweep(pw_heap *heap)
{
    for (unsigned i = 0; i < PW_SIZE_CLASSES; i++) {
        while (heap->pools[i].unswept != NULL) {
            sweep_block(heap, &heap->pools[i]);
        }
    }
}

void pw_heap_free_large(pw_heap *heap, pw_large *large)
{
    pw_account_refund(heap->account, PW_CHARGE_HEAP,
                      sizeof *large + (large->size_and_mark & ~(size_t)1));
    free(large);
}

static void sweep_large(pw_heap *heap)
{
    pw_large **place = &heap->large;
    while (*place != NULL) {
        pw_large *large = *place;
        if (large->size_and_mark & 1) {
            place = &large->next;
        } else {
            *place = large->next;
            pw_heap_free_large(heap, large);
        }
    }
}

/* What is left of the runs is found again. */
void pw_heap_begin_sweep(pw_heap *heap)
{
    for (unsigned i = 0; i < PW_SIZE_CLASSES; i++) {
        pw_pool *pool = &heap->pools[i];
        pool->unswept = pool->swept;
        pool->swept = NULL;
        pool->runs = 0;
        pool->next = pool->end = NULL;
    }
    sweep_large(heap);
}
