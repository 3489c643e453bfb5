/* SPDX-License-Identifier: MIT */
/* Collections. */
#include "runtime/collection.h"
#include "runtime/blocks.h"
#include "runtime/mark.h"

#include <stdlib.h>

/* ---- the addresses of all blocks and large objects ------------------------------------------- */

/* A hash table with open addressing. */
typedef struct {
    uintptr_t *places;
    size_t mask;
} address_set;

static size_t place_of(const address_set *set, uintptr_t address)
{
    return (size_t)((uint64_t)address * 0x9e3779b97f4a7c15u >> 20) & set->mask;
}

static void add_address(const address_set *set, uintptr_t address)
{
    size_t i = place_of(set, address);
    while (set->places[i] != 0) {
        i = (i + 1) & set->mask;
    }
    set->places[i] = address;
}

static bool has_address(const address_set *set, uintptr_t address)
{
    size_t i = place_of(set, address);
    while (set->places[i] != 0 && set->places[i] != address) {
        i = (i + 1) & set->mask;
    }
    return set->places[i] != 0;
}

static size_t count_addresses(const pw_heap *heap)
{
    size_t count = 0;
    for (unsigned i = 0; i < PW_SIZE_CLASSES; i++) {
        for (const pw_block *block = heap->pools[i].swept; block != NULL; block = block->next) {
            count++;
        }
    }
    for (const pw_large *large = heap->large; large != NULL; large = large->next) {
        count++;
    }
    return count;
}

/* All blocks must be swept. False if there is no memory. */
static bool make_set(const pw_heap *heap, address_set *set)
{
    size_t size = 64, count = count_addresses(heap);
    while (size < 2 * count) {
        size *= 2;
    }
    *set = (address_set){calloc(size, sizeof *set->places), size - 1};
    if (set->places == NULL) {
        return false;
    }
    for (unsigned i = 0; i < PW_SIZE_CLASSES; i++) {
        for (const pw_block *block = heap->pools[i].swept; block != NULL; block = block->next) {
            add_address(set, (uintptr_t)block);
        }
    }
    for (const pw_large *large = heap->large; large != NULL; large = large->next) {
        add_address(set, (uintptr_t)(large + 1));
    }
    return true;
}

/* ---- references that may be none ------------------------------------------------------------- */

/* Whether an address in a block is that of an object. */
static bool is_small_object(uintptr_t address)
{
    const pw_block *block = pw_block_of(address);
    uintptr_t offset = address & (PW_BLOCK - 1);
    if (offset < PW_FIRST_CELL || (offset - PW_FIRST_CELL) % block->cell != 0 ||
        offset + block->cell > PW_BLOCK) {
        return false;
    }
    uintptr_t first = (uintptr_t)((const pw_heap_object *)address)->type;
    return first != 0 && (first & 1) == 0;
}

/* Marks what a number refers to if it is a reference to an object. */
static void mark_number(pw_heap *heap, const address_set *set, uint64_t number)
{
    uintptr_t address = (uintptr_t)number - PW_HEAP_TAG;
    if (!pw_is_heap_reference(number)) {
        return;
    }
    bool exists = address & PW_LARGE_BIT ? has_address(set, address)
                                         : has_address(set, (uintptr_t)pw_block_of(address)) &&
                                               is_small_object(address);
    if (exists) {
        pw_heap_mark(heap, number);
    }
}

static void mark_stacks(const pw_store *store, const address_set *set, const uint64_t *used)
{
    pw_heap *heap = store->heap;
    const uint64_t *end = used < store->stack_end ? used : store->stack_end;
    for (const uint64_t *cell = store->stack; cell < end; cell++) {
        mark_number(heap, set, *cell);
    }
    const uint64_t *spilled = store->spill != NULL ? store->spill_stack : NULL;
    for (; spilled < store->spill; spilled++) {
        mark_number(heap, set, *spilled);
    }
    for (const pw_roots *roots = heap->roots; roots != NULL; roots = roots->next) {
        for (uint32_t i = 0; i < *roots->count; i++) {
            mark_number(heap, set, roots->cells[i]);
        }
    }
}

/* ---- references of the store ----------------------------------------------------------------- */

static void mark_globals(const pw_store *store)
{
    for (pw_object *o = store->objects[PW_OBJECT_GLOBAL]; o != NULL; o = o->next) {
        const pw_global *global = (const void *)o;
        if (pw_is_reference(global->type)) {
            pw_heap_mark(store->heap, global->cells[0]);
        }
    }
}

static void mark_references(const pw_store *store, const uint64_t *refs, uint32_t count)
{
    for (uint32_t i = 0; i < count && pw_heap_goes_on(store->heap, store, 1); i++) {
        pw_heap_mark(store->heap, refs[i]);
    }
}

static void mark_tables(const pw_store *store)
{
    for (pw_object *o = store->objects[PW_OBJECT_TABLE]; o != NULL; o = o->next) {
        const pw_table *table = (const void *)o;
        if (table->type != PW_FUNCREF) {
            mark_references(store, table->elements, table->size);
        }
    }
}

static void mark_segments(const pw_store *store)
{
    for (pw_object *o = store->objects[PW_OBJECT_INSTANCE]; o != NULL; o = o->next) {
        const pw_instance *instance = (const void *)o;
        for (uint32_t i = 0; instance->has_values && i < instance->nelems; i++) {
            const pw_elem *segment = &instance->elems[i];
            if (segment->values != NULL) {
                mark_references(store, segment->values, segment->count);
            }
        }
    }
}

void pw_heap_mark_held(pw_heap *heap)
{
    for (uint32_t i = 0; i < heap->nhandles; i++) {
        pw_heap_mark(heap, heap->handles[i]);
    }
}

/* ---- collections ----------------------------------------------------------------------------- */

bool pw_heap_collect(pw_store *store, const uint64_t *used)
{
    pw_heap *heap = store->heap;
    address_set set;
    pw_heap_finish_sweep(heap);
    if (!make_set(heap, &set)) {
        return false;
    }
    pw_heap_unmark(heap);
    mark_stacks(store, &set, used != NULL ? used : store->sp);
    free(set.places);
    mark_globals(store);
    mark_tables(store);
    mark_segments(store);
    pw_heap_mark_held(heap);
    if (store->exceptions.thrown != NULL) {
        pw_heap_mark(heap, pw_reference_of(store->exceptions.thrown));
    }
    pw_heap_follow(heap, used != NULL ? store : NULL, NULL);
    if (heap->stopped) {
        return false;
    }
    pw_heap_begin_sweep(heap);
    heap->allocated = 0;
    heap->collect_at = heap->live > PW_HEAP_PATIENCE ? heap->live : PW_HEAP_PATIENCE;
    return true;
}

/* ---- what the embedder holds ----------------------------------------------------------------- */

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

bool pw_heap_hold(pw_store *store, uint64_t ref, uint32_t *handle)
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

void pw_heap_drop(pw_store *store, uint32_t handle)
{
    pw_heap *heap = store->heap;
    heap->handles[handle] = pw_i31_of(heap->free_handle);
    heap->free_handle = handle;
}

uint64_t pw_heap_held(const pw_store *store, uint32_t handle)
{
    return store->heap->handles[handle];
}
