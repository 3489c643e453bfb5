/* SPDX-License-Identifier: MIT */
/* A bump allocator for many small tables that live and die together: those of a module. */
#ifndef PW_ARENA_H
#define PW_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct pw_chunk pw_chunk;

typedef struct {
    pw_chunk *chunks; /* owned; the head of the list is the chunk that is being filled */
    uint8_t *pos;     /* start of the free part of the head */
    size_t left;      /* bytes of the free part */
    size_t grown;     /* bytes of the last chunk that was not made for one large table */
} pw_arena;

/* Makes an empty arena, which owns no memory yet. */
void pw_arena_init(pw_arena *arena);

/* Allocates zeroed room for `count` items of `size` bytes, aligned to 8 bytes. The room is borrowed
 * from the arena. NULL only when there is no memory or when the product overflows: a request for 0
 * bytes also gives a pointer. */
void *pw_arena_alloc(pw_arena *arena, size_t count, size_t size);

/* Frees everything that was allocated from the arena. The arena is empty then, and can be used
 * again. */
void pw_arena_free(pw_arena *arena);

#endif
