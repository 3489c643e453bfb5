/* SPDX-License-Identifier: MIT */
/* Structures and arrays. */
#ifndef PW_AGGREGATE_H
#define PW_AGGREGATE_H

#include "runtime/allocate.h"

#include <string.h>

/* Elements that are written between two polls of long work. */
#define PW_ARRAY_PIECE 65536

static inline char *pw_field_at(void *object, const pw_field_layout *field)
{
    return (char *)object + field->offset;
}

static inline char *pw_element_at(pw_array *array, uint32_t index)
{
    return (char *)array + PW_ARRAY_HEADER + ((size_t)index << array->object.type->fields->log2);
}

/* Writes a value of 2^log2 bytes to a field or an element, from the cells that it has on a stack.
 */
static inline void pw_write_field(char *to, uint8_t log2, const uint64_t *cells)
{
    uint32_t word = (uint32_t)*cells;
    uint16_t half = (uint16_t)word;
    switch (log2) {
    case 0: *to = (char)word; break;
    case 1: memcpy(to, &half, sizeof half); break;
    case 2: memcpy(to, &word, sizeof word); break;
    case 3: memcpy(to, cells, sizeof *cells); break;
    default: memcpy(to, cells, 2 * sizeof *cells); break;
    }
}

/* Reads such a value. A packed one is extended with zeros. */
static inline void pw_read_field(const char *from, uint8_t log2, uint64_t *cells)
{
    uint32_t word;
    uint16_t half;
    switch (log2) {
    case 0: *cells = (uint8_t)*from; break;
    case 1:
        memcpy(&half, from, sizeof half);
        *cells = half;
        break;
    case 2:
        memcpy(&word, from, sizeof word);
        *cells = word;
        break;
    case 3: memcpy(cells, from, sizeof *cells); break;
    default: memcpy(cells, from, 2 * sizeof *cells); break;
    }
}

/* In these functions, `used` is what pw_heap_refill takes, and NULL means what it means there. */

/* Makes a structure whose fields have their default values. */
pw_heap_object *pw_struct_new(pw_store *store, const pw_deftype *type, const uint64_t *used);
/* Makes an array whose elements have their default value. */
pw_array *pw_array_new(pw_store *store, const pw_deftype *type, uint32_t length,
                       const uint64_t *used);
/* Writes a value to `count` elements, which must exist. */
void pw_array_fill(pw_array *array, uint32_t start, const uint64_t *cells, uint32_t count);

#endif
