/* SPDX-License-Identifier: MIT */
/* A bump allocator: many small tables that live and die together. */
#ifndef PW_ARENA_H
#define PW_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct pw_chunk pw_chunk;

typedef struct {
    pw_chunk *chunks; /* owned; the head is the one being filled */
    uint8_t *pos;     /* free part of the head */
    size_t left;      /* bytes after pos */
    size_t grown;     /* bytes of the last ordinary chunk */
} pw_arena;

void pw_arena_init(pw_arena *arena);

/* Zeroed room for `count` items of `size` bytes, aligned to 8. NULL only when there is no memory or
 * the product overflows: 0 bytes give a pointer too. Borrowed from the arena. */
void *pw_arena_alloc(pw_arena *arena, size_t count, size_t size);

/* Frees everything the arena gave, and leaves it empty and usable. */
void pw_arena_free(pw_arena *arena);

#endif
