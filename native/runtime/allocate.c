/* SPDX-License-Identifier: MIT */
/* The lifetime of a heap, and what allocation does when no cell is at hand. */
#include "runtime/allocate.h"
#include "base/zeroed.h"
#include "runtime/blocks.h"
#include "runtime/collection.h"

#include <stdlib.h>
#include <string.h>

const pw_deftype pw_exception_type = {
    .kind = PW_TYPE_EXCEPTION, .super = PW_NO_INDEX, .is_final = true};

/* ---- the lifetime ---------------------------------------------------------------------------- */

/* Bytes of the largest cell of each size class. */
static size_t cell_of_class(unsigned size_class)
{
    size_t units = size_class + 1;
    if (size_class >= 8) {
        unsigned shift = size_class / 4 - 1;
        units = (size_t)(size_class % 4 + 5) << shift;
    }
    return units * PW_GRANULE;
}

static pw_heap *new_heap(pw_account *account)
{
    pw_heap *heap = pw_zeroed(1, sizeof *heap);
    if (heap == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < PW_SIZE_CLASSES; i++) {
        heap->pools[i].cell = cell_of_class(i);
    }
    heap->account = account;
    heap->collect_at = PW_HEAP_MIN_ADDED;
    heap->free_handle = PW_NO_HANDLE;
    return heap;
}

pw_heap *pw_heap_of(pw_store *store)
{
    if (store->heap == NULL) {
        store->heap = new_heap(store->account);
    }
    return store->heap;
}

void pw_heap_free(pw_store *store)
{
    pw_heap *heap = store->heap;
    if (heap == NULL) {
        return;
    }
    while (heap->large != NULL) {
        pw_large *large = heap->large;
        heap->large = large->next;
        pw_heap_free_large(heap, large);
    }
    pw_heap_free_chunks(heap);
    free(heap->handles);
    free(heap);
    store->heap = NULL;
}

/* ---- allocation ------------------------------------------------------------------------------ */

/* Collects because an allocation failed, and tells whether another one may succeed. If a collection
 * frees only a little, the next one would follow after a few more objects; so the memory counts as
 * used up then. */
static bool make_room(pw_store *store, const uint64_t *used)
{
    uint64_t before = pw_account_used(store->account, PW_CHARGE_HEAP);
    if (!pw_heap_collect(store, used)) {
        return false;
    }
    pw_heap_finish_sweep(store->heap);
    return store->heap->live <= before - before / 16;
}

static pw_room_hook room_hook;

void pw_set_room_hook(pw_room_hook hook)
{
    room_hook = hook;
}

/* Lets the host make room, if code of a guest runs that is to go on. While an exception of the host
 * is on its way, the host runs no other code. */
static bool ask_host(pw_store *store, const uint64_t *used)
{
    return used != NULL && room_hook != NULL && !store->exceptions.of_host &&
           room_hook(store, used);
}

/* Does the same after a collection, unless what the host holds for the guest is so little beside
 * the heap that it is not worth marking the heap once more. */
static bool host_makes_room(pw_store *store, const uint64_t *used)
{
    uint64_t heap = pw_account_used(store->account, PW_CHARGE_HEAP);
    return pw_account_used(store->account, PW_CHARGE_OTHER) > heap / 16 && ask_host(store, used);
}

#ifdef PW_GC_STRESS
/* Each of a heap's first allocations collects, and then only some do, because a guest that
 * allocates a million times would not end. */
static bool is_due(pw_heap *heap)
{
    heap->allocations++;
    return heap->allocations <= 5000 || heap->allocations % 64 == 0;
}
#else
static bool is_due(const pw_heap *heap)
{
    return heap->allocated >= heap->collect_at;
}
#endif

/* Collects before an allocation, if that is due. False if the running call must end. */
static bool prepare(pw_store *store, const uint64_t *used)
{
    if (is_due(store->heap)) {
        pw_heap_collect(store, used);
    }
#ifdef PW_GC_STRESS
    if (store->heap->allocations % 32 == 0 && !ask_host(store, used)) {
        return store->stopped == NULL;
    }
#endif
    return true;
}

/* Gives a pool a cell at hand. The hook may have done that already. */
static bool find_cell(pw_heap *heap, pw_pool *pool)
{
    return pool->next != pool->end || pw_pool_next(heap, pool) ||
           (pw_pool_grow(heap, pool) && pw_pool_next(heap, pool));
}

void *pw_heap_refill(pw_store *store, unsigned size_class, const uint64_t *used)
{
    pw_heap *heap = store->heap;
    pw_pool *pool = &heap->pools[size_class];
    if (!prepare(store, used)) {
        return NULL;
    }
    if (!find_cell(heap, pool) && !(make_room(store, used) && find_cell(heap, pool)) &&
        !(host_makes_room(store, used) && find_cell(heap, pool))) {
        return NULL;
    }
#ifdef PW_GC_STRESS
    pw_pool_keep_one(pool);
#endif
    void *cell = pool->next;
    pool->next += pool->cell;
    return cell;
}

static pw_large *allocate_large(pw_heap *heap, size_t size)
{
    if (!pw_account_charge(heap->account, PW_CHARGE_HEAP, sizeof(pw_large) + size)) {
        return NULL;
    }
    pw_large *large = pw_zeroed(1, sizeof *large + size);
    if (large == NULL) {
        pw_account_refund(heap->account, PW_CHARGE_HEAP, sizeof(pw_large) + size);
    }
    return large;
}

void *pw_heap_new_large(pw_store *store, size_t size, const uint64_t *used)
{
    pw_heap *heap = store->heap;
    size = (size + 1) & ~(size_t)1;
    if (!prepare(store, used)) {
        return NULL;
    }
    pw_large *large = allocate_large(heap, size);
    if (large == NULL && make_room(store, used)) {
        large = allocate_large(heap, size);
    }
    if (large == NULL && host_makes_room(store, used)) {
        large = allocate_large(heap, size);
    }
    if (large == NULL) {
        return NULL;
    }
    heap->allocated += size;
    *large = (pw_large){.next = heap->large, .size_and_mark = size};
    heap->large = large;
    return large + 1;
}
