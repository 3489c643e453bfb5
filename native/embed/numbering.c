/* SPDX-License-Identifier: MIT */
/* Numbers for objects of the heap. A guest can choose which of the objects that it makes survive,
 * and so where in the heap they are. */
#include "embed/numbering.h"
#include "base/hash.h"
#include "base/zeroed.h"

#include <stdlib.h>

/* The place that has the number of an object, or else the free place where it belongs. */
static uint32_t *find_place(const pw_numbering *self, uint64_t ref)
{
    pw_hash hash;
    pw_hash_begin(&hash);
    pw_hash_add(&hash, (uint32_t)ref);
    pw_hash_add(&hash, (uint32_t)(ref >> 32));
    uint32_t mask = self->nplaces - 1, i = (uint32_t)pw_hash_end(&hash) & mask;
    while (self->places[i] && self->refs[self->places[i] - 1] != ref) {
        i = (i + 1) & mask;
    }
    return &self->places[i];
}

/* Doubles the room for references. The hash table has twice as many places as there is room. */
static bool grow(pw_numbering *self)
{
    uint32_t capacity = self->capacity ? 2 * self->capacity : 64;
    if (capacity > UINT32_MAX / 4) {
        return false;
    }
    uint64_t *refs = realloc(self->refs, capacity * sizeof *refs);
    if (refs == NULL) {
        return false;
    }
    self->refs = refs;
    uint32_t *places = pw_zeroed(2 * (size_t)capacity, sizeof *places);
    if (places == NULL) {
        return false;
    }
    free(self->places);
    self->places = places;
    self->nplaces = 2 * capacity;
    self->capacity = capacity;
    for (uint32_t i = 0; i < self->count; i++) {
        *find_place(self, refs[i]) = i + 1;
    }
    return true;
}

bool pw_numbering_find(pw_numbering *self, uint64_t ref, uint32_t *number)
{
    if (self->count == self->capacity && !grow(self)) {
        return false;
    }
    uint32_t *place = find_place(self, ref);
    if (!*place) {
        self->refs[self->count++] = ref;
        *place = self->count;
    }
    *number = *place - 1;
    return true;
}

void pw_numbering_free(const pw_numbering *self)
{
    free(self->refs);
    free(self->places);
}
