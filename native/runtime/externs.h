/* SPDX-License-Identifier: MIT */
/* Finding the external references that a store holds. */
#ifndef PW_EXTERNS_H
#define PW_EXTERNS_H

#include "runtime/objects.h"

/* Is called with the bits of an external reference that is not null. */
typedef void (*pw_extern_visitor)(void *arg, uint64_t bits);

/* Calls `visit` for every external reference in a global or a table of the store. The result is how
 * many places were examined, which says how long it took. */
uint64_t pw_store_visit_externs(const pw_store *store, pw_extern_visitor visit, void *arg);

#endif
