/* SPDX-License-Identifier: MIT */
/* The embedder holds objects of a heap, each hold by a handle. */
#ifndef PW_HANDLES_H
#define PW_HANDLES_H

#include "runtime/store.h"

/* Holds the object that a reference refers to. *handle identifies the hold. False if there is no
 * memory. The store must be entered. */
bool pw_heap_hold(pw_store *store, uint64_t ref, uint32_t *handle);
/* Ends a hold. Another thread may be running code in the store meanwhile. */
void pw_heap_drop(pw_store *store, uint32_t handle);
/* The reference that is held. */
uint64_t pw_heap_held(const pw_store *store, uint32_t handle);
#endif
