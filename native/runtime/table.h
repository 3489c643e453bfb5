/* SPDX-License-Identifier: MIT */
/* Tables, inside the engine. */
#ifndef PW_TABLE_H
#define PW_TABLE_H

#include "runtime/store.h"

/* The next two return false, and write nothing, when they reach beyond an end. */
bool pw_table_fill(pw_table *table, uint32_t start, uint64_t ref, uint32_t count);
bool pw_table_copy(pw_table *target, uint32_t to, const pw_table *source, uint32_t from,
                   uint32_t count);

/* Gives an empty table its type and its first elements. False without memory, or when the store
 * does not allow its size. */
bool pw_table_init(pw_table *table, const pw_store *store, pw_valtype type, const pw_limits *limits,
                   uint64_t init, pw_error *error);

/* Makes sure that it can have so many elements, at most table->max; its size stays. False without
 * memory. */
bool pw_table_make_room(pw_table *table, uint64_t size);

#endif
