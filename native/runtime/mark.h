/* SPDX-License-Identifier: MIT */
/* Marking: which objects of a heap can be reached. Marked objects whose references are still to be
 * followed are *pending*. They are noted in their blocks, so that marking needs no memory and no
 * recursion, however the objects refer to each other. */
#ifndef PW_MARK_H
#define PW_MARK_H

#include "runtime/blocks.h"

/* Is told of what the marked objects refer to outside of the heap. */
typedef struct {
    void (*reference)(void *arg, pw_valtype type, uint64_t ref); /* not null, nor an i31 */
    void (*exception)(void *arg, const pw_exception *exception); /* see its tag, and its `host` */
    void *arg;
} pw_heap_visitor;

/* Ends all marks, before a collection. */
void pw_heap_unmark(pw_heap *heap);
/* Marks the object that a reference of any type refers to, if this is an object of the heap. */
void pw_heap_mark(pw_heap *heap, uint64_t ref);
/* Whether the object of the heap that a reference refers to is marked. */
bool pw_heap_is_marked(uint64_t ref);
/* Follows the references of all pending objects. `visitor` may be NULL. Ends early, with
 * heap->stopped set, if the running call must end; but not if `store` is NULL. The result is how
 * many objects were followed. */
uint64_t pw_heap_follow(pw_heap *heap, const pw_store *store, const pw_heap_visitor *visitor);

/* Counts the steps of a collection, and tells whether it goes on: see pw_heap_follow. */
static inline bool pw_heap_goes_on(pw_heap *heap, const pw_store *store, uint32_t steps)
{
    /* So many steps take less than a millisecond. */
    const uint32_t steps_per_poll = 16384;
    heap->steps += steps;
    if (heap->steps >= steps_per_poll && store != NULL) {
        heap->steps = 0;
        heap->stopped |= pw_store_poll(store) != PW_TRAP_NONE;
    }
    return !heap->stopped;
}

#endif
