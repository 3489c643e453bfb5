/* SPDX-License-Identifier: MIT */
/* A bump allocator: memory is taken from large chunks, and all chunks are freed at once. */
#include "base/arena.h"
#include "base/zeroed.h"

#include <stdlib.h>

/* 64-bit integers and pointers have the strictest alignment of everything that is stored. */
#define ALIGNMENT 8
/* Bytes. The first chunk is small, so that a tiny module costs little; each further chunk is twice
 * as large as the one before, so that a large module needs few of them. */
#define FIRST_CHUNK 1024
#define LARGEST_CHUNK 65536

struct pw_chunk {
    pw_chunk *next;
    uint64_t data[];
};

void pw_arena_init(pw_arena *arena)
{
    *arena = (pw_arena){0};
}

static pw_chunk *new_chunk(size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(pw_chunk)) {
        return NULL;
    }
    return pw_zeroed(1, sizeof(pw_chunk) + bytes);
}

/* Allocates a chunk of its own for a large table. The chunk goes behind the head of the list, so
 * that the free part of the head stays in use. */
static void *alloc_large(pw_arena *arena, size_t bytes)
{
    pw_chunk *chunk = new_chunk(bytes);
    if (chunk == NULL) {
        return NULL;
    }
    if (arena->chunks == NULL) {
        arena->chunks = chunk;
    } else {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    }
    return chunk->data;
}

static size_t next_chunk_size(const pw_arena *arena)
{
    if (arena->grown == 0) {
        return FIRST_CHUNK;
    }
    return arena->grown < LARGEST_CHUNK ? 2 * arena->grown : LARGEST_CHUNK;
}

static int add_chunk(pw_arena *arena)
{
    size_t size = next_chunk_size(arena);
    pw_chunk *chunk = new_chunk(size);
    if (chunk == NULL) {
        return 0;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->pos = (uint8_t *)chunk->data;
    arena->left = size;
    arena->grown = size;
    return 1;
}

void *pw_arena_alloc(pw_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size) {
        return NULL;
    }
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) {
        bytes = ALIGNMENT;
    }
    if (bytes > arena->left) {
        if (bytes > next_chunk_size(arena) / 4) {
            return alloc_large(arena, bytes);
        }
        if (!add_chunk(arena)) {
            return NULL;
        }
    }
    void *result = arena->pos;
    arena->pos += bytes;
    arena->left -= bytes;
    return result;
}

void pw_arena_free(pw_arena *arena)
{
    pw_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        pw_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    pw_arena_init(arena);
}
