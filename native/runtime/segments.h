/* SPDX-License-Identifier: MIT */
/* The element and data segments of an instance. */
#ifndef PW_SEGMENTS_H
#define PW_SEGMENTS_H

#include "runtime/store.h"

/* Gives an instance the segments of its module, none of which is dropped yet. False when there is
 * no memory. */
bool pw_segments_add(pw_instance *instance);
/* Evaluates the items of the segments that have structures or arrays. The globals of the instance
 * must exist. False with `error` set: see pw_evaluate. */
bool pw_segments_evaluate(pw_instance *instance, pw_error *error);
/* Frees the segments of an instance. */
void pw_segments_free(pw_instance *instance);
/* Copies the active segments into their tables and memories, and drops the active and the declared
 * ones. Fails at the first segment that does not fit: the result is false, `error` has the trap,
 * and the segments before it stay copied. */
bool pw_segments_apply(pw_instance *instance, pw_error *error);

/* Copies `count` items of a segment, from the item `from` on, to the elements of a table from `to`
 * on. False, and nothing is written, when that reaches beyond the end of the segment or of the
 * table.
 */
bool pw_elem_copy(pw_table *table, uint64_t to, const pw_elem *segment, uint32_t from,
                  uint32_t count);

/* Writes the values of `count` items of a segment, from the item `from` on. False, and nothing is
 * written, when that reaches beyond the end of the segment. */
bool pw_elem_read(const pw_elem *segment, uint32_t from, uint64_t *refs, uint32_t count);

#endif
