/* SPDX-License-Identifier: MIT */
/* The embedder *holds* objects of a heap, which live as long as it does. Each hold has a number,
 * its *handle*. */
#ifndef PW_HANDLES_H
#define PW_HANDLES_H

#include "runtime/objects.h"

/* cdef: begin */

/* Holds the object that a reference refers to. False when there is no memory. The store must be
 * entered. */
bool pw_reference_hold(pw_store *store, uint64_t ref, uint32_t *handle);
/* Ends a hold. Another thread may be running code in the store meanwhile. */
void pw_reference_drop(pw_store *store, uint32_t handle);
/* The reference to an object that is held. */
uint64_t pw_reference_held(const pw_store *store, uint32_t handle);

/* cdef: end */

#endif
