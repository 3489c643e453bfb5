/* SPDX-License-Identifier: MIT */
/* Frees the objects of a store that nobody can reach any more, while the store itself lives on. */
#ifndef PW_COLLECT_H
#define PW_COLLECT_H

#include "runtime/objects.h"

/* An object lives while the embedder holds it, and while another object that lives refers to it:
 *
 * - an instance refers to what it imports and defines;
 * - a table, a global or an element segment refers to the objects of the heap, and to the instances
 *   of the functions, that its references name;
 * - an object of the heap refers to what its fields or elements refer to, and an exception also to
 *   its tag.
 *
 * pw_store_mark finds the objects that live, and pw_store_sweep frees the others. Memories are not
 * among them, because their references are counted. No call may run in the store, because
 * references on the value stack are not looked at. */

/* cdef: begin */

/* Holds an object once more. */
void pw_object_hold(pw_object *object);
/* Ends what one pw_object_hold began. */
void pw_object_drop(pw_object *object);

/* Marks all objects that live, and calls `visit` for each external reference in them. The result is
 * how many places were examined, as a measure of the time. */
uint64_t pw_store_mark(pw_store *store, pw_extern_visitor visit, void *arg);
/* Marks one object more, and all that it refers to, after pw_store_mark. */
uint64_t pw_store_mark_object(pw_store *store, pw_object *object, pw_extern_visitor visit,
                              void *arg);
/* Whether an object was marked. */
bool pw_object_marked(const pw_object *object);
/* Frees the objects that were not marked. */
void pw_store_sweep(pw_store *store);

/* cdef: end */

/* Frees all objects of a store that is about to be freed. */
void pw_store_free_objects(pw_store *store);

#endif
