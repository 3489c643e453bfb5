/* SPDX-License-Identifier: MIT */
/* Collections: finding out which objects of a heap live, and freeing the others.
 *
 * A collection in the middle of a call begins at the value stack and the spill stack, at all
 * globals, tables and element segments of the store, at the exception on its way, at what instances
 * keep for a restore, and at the references that the embedder holds. What a slot of a frame
 * contains is not known while the code runs. So each number on the two stacks that is a reference
 * to an object of the heap counts as one: an object may live longer than it must, but never
 * shorter. */
#ifndef PW_COLLECTION_H
#define PW_COLLECTION_H

#include "runtime/heap.h"

/* Frees the objects that no reference leads to. `used` is the end of what running code uses of the
 * value stack; NULL: no code runs. False, and nothing was freed, if there is no memory for the
 * work, or if the running call must end. */
bool pw_heap_collect(pw_store *store, const uint64_t *used);

/* Does the same while a host call runs, and calls `visit` for everything that may be a reference to
 * an object of the host. *places is how many places were examined, as a measure of the time. */
bool pw_store_mark_externs(pw_store *store, pw_extern_visitor visit, void *arg, uint64_t *places);

/* Lets collections look for references in a part of memory, until pw_roots_forget. */
void pw_roots_add(pw_store *store, pw_roots *roots);
void pw_roots_forget(pw_store *store, const pw_roots *roots);

/* Marks all objects that are held. */
void pw_heap_mark_held(pw_heap *heap);

#endif
