/* SPDX-License-Identifier: MIT */
/* Every reader of a section needs these functions: room for tables, checks of indices, and a way to
 * note that the module uses a feature which this version cannot run. */
#include "decode/decoder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool pw_decode_grow(pw_decoder *d, void **array, uint32_t *capacity, uint32_t need, uint32_t max,
                    size_t size)
{
    uint64_t larger = *capacity == 0 ? 64 : 2 * (uint64_t)*capacity;
    if (larger < need) {
        larger = need;
    }
    if (larger > max) {
        larger = max;
    }
    void *grown = realloc(*array, (size_t)larger * size);
    if (grown == NULL) {
        return pw_fail(d->reader.error, PW_NO_MEMORY, pw_reader_offset(&d->reader),
                       "out of memory: cannot allocate %llu entries of %zu bytes",
                       (unsigned long long)larger, size);
    }
    *array = grown;
    *capacity = (uint32_t)larger;
    return true;
}

void *pw_decode_alloc(pw_decoder *d, size_t count, size_t size)
{
    void *result = pw_arena_alloc(&d->module->arena, count, size);
    if (result == NULL) {
        pw_fail(d->reader.error, PW_NO_MEMORY, pw_reader_offset(&d->reader),
                "out of memory: cannot allocate %zu entries of %zu bytes", count, size);
    }
    return result;
}

bool pw_fail_index(pw_decoder *d, const char *what, uint32_t offset, uint32_t index, uint32_t size)
{
    if (size == 0) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "unknown %s %u: there is no %s before this point", what, index, what);
    }
    return pw_fail(d->reader.error, PW_INVALID, offset, "unknown %s %u: expected an index below %u",
                   what, index, size);
}

static const char *const kind_names[PW_EXTERN_KINDS] = {"function", "table", "memory", "global",
                                                        "tag"};

bool pw_check_index(pw_decoder *d, pw_externkind kind, uint32_t offset, uint32_t index)
{
    uint32_t size = pw_module_count(d->module, kind);
    return index < size || pw_fail_index(d, kind_names[kind], offset, index, size);
}

void pw_note_unsupported(pw_decoder *d, pw_feature feature, uint32_t offset, const char *format,
                         ...)
{
    if ((d->unsupported.features & (uint32_t)feature) != 0) {
        return;
    }
    char what[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    d->unsupported.function = d->unsupported.code == PW_OK ? d->function : d->unsupported.function;
    pw_fail(&d->unsupported, PW_UNSUPPORTED, offset, "not supported: %s (%s)",
            pw_feature_name((uint32_t)feature), what);
    d->unsupported.features |= (uint32_t)feature;
}
