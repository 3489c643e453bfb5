/* SPDX-License-Identifier: MIT */
#ifndef PW_EXTERNS_H
#define PW_EXTERNS_H

#include "runtime/objects.h"

/* Sees the bits of an external reference that is not null. */
typedef void (*pw_extern_visitor)(void *arg, uint64_t bits);

/* Shows every external reference in a global or a table of the store to `visit`. The number of
 * places looked at. */
uint64_t pw_store_visit_externs(const pw_store *store, pw_extern_visitor visit, void *arg);

#endif
