/* SPDX-License-Identifier: MIT */
/* Element and data segments of an instance. */
#ifndef PW_SEGMENTS_H
#define PW_SEGMENTS_H

#include "runtime/store.h"

/* The segments, none of them dropped. False without memory. */
bool pw_segments_add(pw_instance *instance);
/* Copies active segments into their tables and memories, and drops them and declared ones. False
 * at the first one that does not fit: what went before stays. */
bool pw_segments_apply(pw_instance *instance, pw_error *error);

/* Copies elements of a segment into a table. False, and nothing is written, when it reaches beyond
 * an end of either. */
bool pw_elem_copy(pw_table *table, uint64_t to, const pw_elem *segment, uint32_t from,
                  uint32_t count);

#endif
