/* SPDX-License-Identifier: MIT */
/* What the embedder holds. */
#include "runtime/handles.h"
#include "runtime/allocate.h"

#include <stdlib.h>

/* The places of handles that were dropped form a list. Each contains the number of the next one as
 * an i31, so that a collection takes no notice of it. */
static bool add_handles(pw_heap *heap)
{
    uint32_t capacity = heap->handle_capacity ? 2 * heap->handle_capacity : 16;
    uint64_t more = (capacity - heap->handle_capacity) * sizeof *heap->handles;
    if (capacity >= PW_NO_HANDLE || !pw_account_charge(heap->account, PW_CHARGE_OTHER, more)) {
        return false;
    }
    uint64_t *handles = realloc(heap->handles, capacity * sizeof *handles);
    if (handles == NULL) {
        pw_account_refund(heap->account, PW_CHARGE_OTHER, more);
        return false;
    }
    heap->handles = handles;
    heap->handle_capacity = capacity;
    return true;
}

bool pw_reference_hold(pw_store *store, uint64_t ref, uint32_t *handle)
{
    pw_heap *heap = pw_heap_of(store);
    if (heap == NULL) {
        return false;
    }
    *handle = heap->free_handle;
    if (*handle != PW_NO_HANDLE) {
        heap->free_handle = pw_i31_unsigned(heap->handles[*handle]);
    } else if (heap->nhandles < heap->handle_capacity || add_handles(heap)) {
        *handle = heap->nhandles++;
    } else {
        return false;
    }
    heap->handles[*handle] = ref;
    return true;
}

void pw_reference_drop(pw_store *store, uint32_t handle)
{
    pw_heap *heap = store->heap;
    heap->handles[handle] = pw_i31_of(heap->free_handle);
    heap->free_handle = handle;
}

uint64_t pw_reference_held(const pw_store *store, uint32_t handle)
{
    return store->heap->handles[handle];
}
