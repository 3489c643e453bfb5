/* SPDX-License-Identifier: MIT */
/* What the parts of a restore share: restore.c, and restore_memories.c for the memories. */
#ifndef PW_RESTORER_H
#define PW_RESTORER_H

#include "embed/image.h"
#include "embed/pw.h"

#include <string.h>

/* The part of an image that describes a memory. */
typedef struct {
    uint64_t pages;
    uint64_t nruns;
    const uint8_t *runs; /* the offsets and sizes of the runs */
} pw_memory_image;

typedef struct {
    pw_instance *instance;
    const pw_snapshot *snapshot;
    pw_error *error;
    bool apply;              /* the image was checked and is now applied */
    bool imported;           /* what is imported is part of the snapshot */
    const uint8_t *pos;      /* the next word of the image */
    uint64_t left;           /* bytes from `pos` to the end of the image */
    uint64_t steps;          /* cells since the last look at the clock */
    uint32_t nobjects;       /* structures and arrays in the image */
    const uint8_t *heads;    /* of the objects */
    const uint8_t *contents; /* of the objects */
    uint64_t *refs;          /* to the new objects; NULL: nothing was made yet */
    uint32_t made;           /* how many of them there are already */
    uint64_t run_bytes;      /* bytes that the runs of all memories have together */
    pw_memory_image memories[PW_MAX_MEMORIES]; /* by index, if the image has the memory */
} pw_restorer;

/* Fails because the image says something that no snapshot says. */
static inline bool pw_restore_damaged(pw_restorer *r, const char *what)
{
    pw_fail(r->error, PW_SNAPSHOT, 0, "the snapshot is damaged: %s", what);
    return false;
}

/* The word of an index, counted from a place in the image. */
static inline uint64_t pw_image_word(const uint8_t *place, uint64_t index)
{
    uint64_t word;
    memcpy(&word, place + index * sizeof word, sizeof word);
    return word;
}

/* Takes the next word of the image. */
static inline bool pw_restore_take(pw_restorer *r, uint64_t *word)
{
    if (r->left < sizeof *word) {
        return pw_restore_damaged(r, "it ends too early");
    }
    *word = pw_image_word(r->pos, 0);
    r->pos += sizeof *word;
    r->left -= sizeof *word;
    return true;
}

/* Passes over some words. */
static inline bool pw_restore_skip(pw_restorer *r, uint64_t count)
{
    if (count > r->left / sizeof(uint64_t)) {
        return pw_restore_damaged(r, "it ends too early");
    }
    r->pos += count * sizeof(uint64_t);
    r->left -= count * sizeof(uint64_t);
    return true;
}

/* Counts cells, and tells whether the work goes on. */
static inline bool pw_restore_goes_on(pw_restorer *r, uint64_t cells)
{
    r->steps += cells;
    if (r->steps < PW_IMAGE_PIECE) {
        return true;
    }
    r->steps = 0;
    return pw_may_go_on(&r->instance->store->meter, r->error);
}

/* Walks what the image has about memories. Checks it, and that they can have these sizes. */
bool pw_restore_walk_memories(pw_restorer *r);
/* Gives the memories their sizes and their bytes, which are next in the image. */
bool pw_restore_fill_memories(pw_restorer *r);

#endif
