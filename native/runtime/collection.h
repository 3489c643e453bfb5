/* SPDX-License-Identifier: MIT */
/* Collections: finding out which objects of a heap live, and freeing the others.
 *
 * A collection in the middle of a call begins at the value stack and the spill stack, at all
 * globals, tables and element segments of the store, at the exception on its way, and at the
 * references that the embedder holds. What a slot of a frame contains is not known while the code
 * runs. So each number on the two stacks that is a reference to an object of the heap counts as
 * one: an object may live longer than it must, but never shorter. */
#ifndef PW_COLLECTION_H
#define PW_COLLECTION_H

#include "runtime/heap.h"

/* Frees what no reference is left to. `used` is the end of what running code uses of the value
 * stack; NULL: no code runs. False, and nothing was freed, if there is no memory for the work, or
 * if the running call must end. */
bool pw_heap_collect(pw_store *store, const uint64_t *used);

/* Lets collections look for references in a part of memory, until pw_heap_forget_roots. */
static inline void pw_heap_add_roots(pw_heap *heap, pw_roots *roots)
{
    roots->next = heap->roots;
    heap->roots = roots;
}

/* The host can run calls in coroutines, so the roots that were added last need not be the first to
 * be forgotten. */
static inline void pw_heap_forget_roots(pw_heap *heap, const pw_roots *roots)
{
    pw_roots **place = &heap->roots;
    while (*place != NULL && *place != roots) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = roots->next;
    }
}

/* Holds the object that a reference refers to. *handle identifies the hold. False if there is no
 * memory. The store must be entered. */
bool pw_heap_hold(pw_store *store, uint64_t ref, uint32_t *handle);
/* Ends a hold. Another thread may be running code in the store meanwhile. */
void pw_heap_drop(pw_store *store, uint32_t handle);
/* The reference that is held. */
uint64_t pw_heap_held(const pw_store *store, uint32_t handle);
/* Marks all objects that are held. */
void pw_heap_mark_held(pw_heap *heap);

#endif
