/* SPDX-License-Identifier: MIT */
/* Tables, for the layers above; the host sees them through objects.h. */
#ifndef PW_TABLE_H
#define PW_TABLE_H

#include "runtime/store.h"

/* Writes `ref` to `count` elements from `start` on. False, and nothing is written, when that
 * reaches beyond the end of the table. */
bool pw_table_fill(pw_table *table, uint32_t start, uint64_t ref, uint32_t count);
/* Elements that are written in a fraction of a millisecond, also to memory that is new. */
#define PW_TABLE_PIECE (1u << 17)

/* Adds elements, for which the table has room. */
void pw_table_append(pw_table *table, uint64_t ref, uint32_t count);
/* Copies `count` elements from one table to another, or within one table, where they may overlap.
 * False, and nothing is written, when that reaches beyond the end of either table. */
bool pw_table_copy(pw_table *target, uint32_t to, const pw_table *source, uint32_t from,
                   uint32_t count);

/* Frees a table, which must no longer be in a list of its store, and takes its elements off the
 * account. */
void pw_table_free(pw_table *table);

/* Makes sure that the table has room for `size` elements, which may be at most table->max. The
 * number of its elements stays the same. False when a limit of the store is in the way, or when
 * there is no memory. */
bool pw_table_make_room(pw_table *table, uint64_t size);

#endif
