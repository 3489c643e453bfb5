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

/* ---- what is found --------------------------------------------------------------------------- */

typedef struct {
    const pw_store *store;
    pw_heap *heap; /* NULL: the store has none */
    address_set set;
    pw_extern_visitor visit; /* is told of objects of the host; NULL: nobody asks for them */
    void *arg;
    bool polls; /* the work ends early if the running call must end */
    uint64_t places;
} collection;

static bool goes_on(collection *c, uint32_t steps)
{
    c->places += steps;
    return c->heap == NULL || pw_heap_goes_on(c->heap, c->polls ? c->store : NULL, steps);
}

/* Marks what a reference refers to. */
static void mark(const collection *c, uint64_t ref)
{
    if (pw_is_heap_reference(ref)) {
        pw_heap_mark(c->heap, ref);
    } else if (c->visit != NULL && ref != 0 && !pw_is_i31(ref)) {
        c->visit(c->arg, ref);
    }
}

static void mark_references(collection *c, const uint64_t *refs, uint32_t count)
{
    for (uint32_t i = 0; i < count && goes_on(c, 1); i++) {
        mark(c, refs[i]);
    }
}

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

/* Whether a number with the tag of a reference to an object is one. */
static bool is_reference(const collection *c, uint64_t number)
{
    uintptr_t address = (uintptr_t)(number - PW_HEAP_TAG);
    if (c->heap == NULL) {
        return false;
    }
    return address & PW_LARGE_BIT
               ? has_address(&c->set, address)
               : has_address(&c->set, (uintptr_t)pw_block_of(address)) && is_small_object(address);
}

/* Marks what numbers refer to that may be references. */
static void mark_numbers(collection *c, const uint64_t *numbers, const uint64_t *end)
{
    for (; numbers < end; numbers++) {
        if (!pw_is_heap_reference(*numbers) || is_reference(c, *numbers)) {
            mark(c, *numbers);
        }
        c->places++;
    }
}

/* ---- where references are -------------------------------------------------------------------- */

static void mark_stacks(collection *c, const uint64_t *used)
{
    const pw_store *store = c->store;
    mark_numbers(c, store->stack, used < store->stack_end ? used : store->stack_end);
    if (store->spill != NULL) {
        mark_numbers(c, store->spill_stack, store->spill);
    }
    const pw_roots *roots = store->roots;
    for (; roots != NULL; roots = roots->next) {
        mark_numbers(c, roots->cells, roots->cells + *roots->count);
    }
}

static void mark_globals(collection *c)
{
    for (pw_object *o = c->store->objects[PW_OBJECT_GLOBAL]; o != NULL; o = o->next) {
        const pw_global *global = (const void *)o;
        if (pw_is_reference(global->type)) {
            mark(c, global->cells[0]);
        }
        c->places++;
    }
}

static void mark_tables(collection *c)
{
    for (pw_object *o = c->store->objects[PW_OBJECT_TABLE]; o != NULL; o = o->next) {
        const pw_table *table = (const void *)o;
        if (table->type != PW_FUNCREF) {
            mark_references(c, table->elements, table->size);
        }
    }
}

static void mark_segments(collection *c, const pw_instance *instance)
{
    for (uint32_t i = 0; instance->has_values && i < instance->nelems; i++) {
        const pw_elem *segment = &instance->elems[i];
        if (segment->values != NULL) {
            mark_references(c, segment->values, segment->count);
        }
    }
}

static void mark_instances(collection *c)
{
    for (pw_object *o = c->store->objects[PW_OBJECT_INSTANCE]; o != NULL; o = o->next) {
        const pw_instance *instance = (const void *)o;
        mark_segments(c, instance);
        mark_references(c, instance->kept, instance->nkept);
    }
}

void pw_roots_add(pw_store *store, pw_roots *roots)
{
    roots->next = store->roots;
    store->roots = roots;
}

/* The host can run calls in coroutines, so the roots that were added last need not be the first to
 * be forgotten. */
void pw_roots_forget(pw_store *store, const pw_roots *roots)
{
    pw_roots **place = &store->roots;
    while (*place != NULL && *place != roots) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = roots->next;
    }
}

void pw_heap_mark_held(pw_heap *heap)
{
    for (uint32_t i = 0; i < heap->nhandles; i++) {
        pw_heap_mark(heap, heap->handles[i]);
    }
}

/* ---- what objects refer to ------------------------------------------------------------------- */

static void visit_reference(void *arg, pw_valtype type, uint64_t ref)
{
    (void)type;
    mark(arg, ref);
}

static void visit_exception(void *arg, const pw_exception *exception)
{
    mark(arg, exception->host);
}

static void follow(collection *c)
{
    const pw_heap_visitor visitor = {visit_reference, visit_exception, c};
    c->places +=
        pw_heap_follow(c->heap, c->polls ? c->store : NULL, c->visit != NULL ? &visitor : NULL);
}

/* ---- collections ----------------------------------------------------------------------------- */

static void mark_all(collection *c, const uint64_t *used)
{
    mark_stacks(c, used);
    mark_globals(c);
    mark_tables(c);
    mark_instances(c);
    if (c->heap == NULL) {
        return;
    }
    pw_heap_mark_held(c->heap);
    if (c->store->exceptions.thrown != NULL) {
        pw_heap_mark(c->heap, pw_reference_of(c->store->exceptions.thrown));
    }
    follow(c);
}

static void end_collection(pw_heap *heap)
{
    pw_heap_begin_sweep(heap);
    heap->allocated = 0;
    heap->collect_at = heap->live > PW_HEAP_MIN_ADDED ? heap->live : PW_HEAP_MIN_ADDED;
}

/* Marks everything that can be reached, and sweeps the heap. False if there is no memory for the
 * work, or if the running call must end. */
static bool collect(collection *c, const uint64_t *used)
{
    if (c->heap != NULL) {
        pw_heap_finish_sweep(c->heap);
        if (!make_set(c->heap, &c->set)) {
            return false;
        }
        pw_heap_unmark(c->heap);
    }
    mark_all(c, used);
    free(c->set.places);
    if (c->heap != NULL) {
        if (c->heap->stopped) {
            return false;
        }
        end_collection(c->heap);
    }
    return true;
}

bool pw_heap_collect(pw_store *store, const uint64_t *used)
{
    collection c = {.store = store, .heap = store->heap, .polls = used != NULL};
    return collect(&c, used != NULL ? used : store->sp);
}

bool pw_store_mark_externs(pw_store *store, pw_extern_visitor visit, void *arg, uint64_t *places)
{
    collection c = {.store = store, .heap = store->heap, .visit = visit, .arg = arg};
    bool done = collect(&c, store->sp);
    *places = c.places;
    return done;
}
