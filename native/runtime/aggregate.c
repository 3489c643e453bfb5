/* SPDX-License-Identifier: MIT */
/* Structures and arrays. */
#include "runtime/aggregate.h"

/* Makes an object that is zero, which all default values are. */
static void *new_object(pw_store *store, const pw_deftype *type, size_t size, const uint64_t *used)
{
    char *object = pw_heap_new(store, type, size, used);
    if (object != NULL && size <= PW_SMALL_OBJECT) {
        memset(object + sizeof(pw_heap_object), 0, size - sizeof(pw_heap_object));
    }
    return object;
}

pw_heap_object *pw_struct_new(pw_store *store, const pw_deftype *type, const uint64_t *used)
{
    return new_object(store, type, type->size, used);
}

pw_array *pw_array_new(pw_store *store, const pw_deftype *type, uint32_t length,
                       const uint64_t *used)
{
    pw_array *array = new_object(store, type, pw_array_size(type, length), used);
    if (array != NULL) {
        array->length = length;
    }
    return array;
}

void pw_array_fill(pw_array *array, uint32_t start, const uint64_t *cells, uint32_t count)
{
    uint8_t log2 = array->object.type->fields->log2;
    char *at = pw_element_at(array, start);
    if (log2 == 0) {
        memset(at, (int)(uint8_t)*cells, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        pw_write_field(at + ((size_t)i << log2), log2, cells);
    }
}
