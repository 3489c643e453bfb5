/* SPDX-License-Identifier: MIT */
/* Exceptions. */
#include "runtime/exception.h"
#include "runtime/allocate.h"

#include <string.h>

/* ---- making ---------------------------------------------------------------------------------- */

static size_t size_of(uint32_t ncells)
{
    return sizeof(pw_exception) + ncells * sizeof(uint64_t);
}

pw_exception *pw_exception_new(pw_store *store, const pw_tag *tag, const uint64_t *used)
{
    uint32_t ncells = tag != NULL ? pw_type_cells(tag->type) : 0;
    pw_exception *exception = pw_heap_of(store) != NULL
                                  ? pw_heap_new(store, &pw_exception_type, size_of(ncells), used)
                                  : NULL;
    if (exception == NULL) {
        return NULL;
    }
    exception->tag = tag;
    exception->host = 0;
    exception->ncells = ncells;
    return exception;
}

/* ---- on their way ---------------------------------------------------------------------------- */

bool pw_exception_raise(pw_store *store, const pw_tag *tag, const uint64_t *cells)
{
    pw_exception *exception = NULL;
    store->exceptions.of_host = true;
    if (tag != NULL) {
        exception = pw_exception_new(store, tag, store->sp);
        if (exception == NULL) {
            store->exceptions.of_host = false;
            return false;
        }
        memcpy(exception->cells, cells, exception->ncells * sizeof *cells);
    }
    store->exceptions.thrown = exception;
    return true;
}

pw_object *pw_exception_keep(pw_store *store)
{
    pw_exception *exception = store->exceptions.thrown;
    uint64_t reference = pw_reference_of(exception);
    pw_global *keeper = pw_global_new(store, PW_EXNREF, false, &reference);
    return keeper != NULL ? &keeper->object : NULL;
}

bool pw_exception_raise_kept(pw_store *store, const pw_object *object)
{
    const pw_global *keeper = (const void *)object;
    if (object->kind != PW_OBJECT_GLOBAL || keeper->type != PW_EXNREF || !keeper->cells[0]) {
        return false;
    }
    store->exceptions.thrown = (pw_exception *)pw_object_at(keeper->cells[0]);
    store->exceptions.of_host = true;
    return true;
}

void pw_exception_end(pw_store *store)
{
    store->exceptions.thrown = NULL;
    store->exceptions.of_host = false;
}
