/* SPDX-License-Identifier: MIT */
/* Exceptions, and the collection that frees those to which no reference is left.
 *
 * References lie in globals, tables, the values of other exceptions, and in the frames of running
 * code. What a slot of a frame contains is not known while the code runs. So each number on the
 * value stack and on the spill stack that is the address of an exception counts as a reference to
 * it: an exception may live longer than it must, but never shorter. */
#include "runtime/exception.h"
#include "runtime/functypes.h"
#include "runtime/table.h"

#include <stdlib.h>
#include <string.h>

/* A collection takes place when there are this many exceptions, or twice as many as the one before
 * it has left. */
#define FIRST_COLLECTION 1024

pw_trap pw_exception_poll(const pw_store *store)
{
    return pw_poll(&store->meter, !store->exceptions.of_host);
}

/* ---- the set of all exceptions --------------------------------------------------------------- */

/* A hash table with open addressing of the exceptions in a store. */
typedef struct {
    pw_exception **places;
    size_t mask;
    uintptr_t first, last; /* the lowest and the highest address of an exception */
    pw_exception *pending; /* marked exceptions whose values are still to be followed */
    const pw_store *store;
    uint32_t steps; /* what the collection has done, counted to know when to poll */
    bool stopped;   /* the running call must end: the collection is given up */
} exception_set;

/* Steps of a collection between two calls of the poll hook, which take less than a millisecond. */
#define STEPS_OF_A_POLL 16384

/* Counts a step, and tells whether the collection goes on. A guest can have so many exceptions that
 * one takes seconds. */
static bool may_go_on(exception_set *set)
{
    if (++set->steps % STEPS_OF_A_POLL == 0 && pw_exception_poll(set->store) != PW_TRAP_NONE) {
        set->stopped = true;
    }
    return !set->stopped;
}

static size_t place_of(const exception_set *set, uint64_t bits)
{
    return (size_t)(bits * 0x9e3779b97f4a7c15u >> 20) & set->mask;
}

static bool make_set(const pw_store *store, exception_set *set)
{
    size_t size = 64;
    while (size < 2 * store->exceptions.count) {
        size *= 2;
    }
    *set = (exception_set){.mask = size - 1, .first = UINTPTR_MAX, .store = store};
    set->places = calloc(size, sizeof *set->places);
    if (set->places == NULL) {
        return false;
    }
    for (pw_exception *e = store->exceptions.list; e != NULL && may_go_on(set); e = e->next) {
        size_t i = place_of(set, (uintptr_t)e);
        while (set->places[i] != NULL) {
            i = (i + 1) & set->mask;
        }
        set->places[i] = e;
        set->first = (uintptr_t)e < set->first ? (uintptr_t)e : set->first;
        set->last = (uintptr_t)e > set->last ? (uintptr_t)e : set->last;
        e->marked = false;
    }
    return true;
}

static void mark(exception_set *set, uint64_t bits)
{
    if (bits < set->first || bits > set->last) {
        return;
    }
    size_t i = place_of(set, bits);
    while (set->places[i] != NULL && (uintptr_t)set->places[i] != bits) {
        i = (i + 1) & set->mask;
    }
    pw_exception *found = set->places[i];
    if (found != NULL && !found->marked) {
        found->marked = true;
        found->pending = set->pending;
        set->pending = found;
    }
}

/* ---- marking --------------------------------------------------------------------------------- */

static void mark_cells(exception_set *set, const uint64_t *from, const uint64_t *to)
{
    for (; from < to && may_go_on(set); from++) {
        mark(set, *from);
    }
}

static bool is_exnref(pw_valtype type)
{
    return pw_is_reference(type) && pw_heap_type(type) == PW_EXNREF;
}

static void mark_globals(const pw_store *store, exception_set *set)
{
    for (pw_object *o = store->objects[PW_OBJECT_GLOBAL]; o != NULL; o = o->next) {
        const pw_global *global = (const void *)o;
        if (is_exnref(global->type)) {
            mark(set, global->cells[0]);
        }
    }
}

static void mark_tables(const pw_store *store, exception_set *set)
{
    for (pw_object *o = store->objects[PW_OBJECT_TABLE]; o != NULL; o = o->next) {
        const pw_table *table = (const void *)o;
        if (is_exnref(table->type)) {
            mark_cells(set, table->elements, table->elements + table->size);
        }
    }
}

static void follow_values(exception_set *set)
{
    while (set->pending != NULL && may_go_on(set)) {
        const pw_exception *e = set->pending;
        set->pending = e->pending;
        mark_cells(set, e->cells, e->cells + e->ncells);
    }
}

/* ---- freeing --------------------------------------------------------------------------------- */

static size_t size_of(uint32_t ncells)
{
    return sizeof(pw_exception) + ncells * sizeof(uint64_t);
}

/* The bytes that the store is charged for an exception. They include its share of the set that a
 * collection makes, which has at most four places for each exception. */
static size_t charge_of(uint32_t ncells)
{
    return size_of(ncells) + 4 * sizeof(pw_exception *);
}

static void free_exception(pw_store *store, pw_exception *exception)
{
    store->exceptions.count--;
    pw_account_refund(store->account, PW_CHARGE_OTHER, charge_of(exception->ncells));
    free(exception);
}

/* Frees the exceptions that are not marked. A collection, which is NULL for one of the whole store,
 * may be given up in between: what it leaves is freed by the next one. */
static void sweep(pw_store *store, exception_set *set)
{
    pw_exception **place = &store->exceptions.list;
    while (*place != NULL && (set == NULL || may_go_on(set))) {
        pw_exception *e = *place;
        if (e->marked) {
            place = &e->next;
        } else {
            *place = e->next;
            free_exception(store, e);
        }
    }
}

void pw_exceptions_sweep(pw_store *store)
{
    sweep(store, NULL);
}

/* Frees what no reference is left to. Without memory for the work, nothing is freed; and not all
 * if the running call must end meanwhile. */
static void collect(pw_store *store, const uint64_t *used)
{
    exception_set set;
    if (!make_set(store, &set)) {
        return;
    }
    mark_cells(&set, store->stack, used < store->stack_end ? used : store->stack_end);
    if (store->spill != NULL) {
        mark_cells(&set, store->spill_stack, store->spill);
    }
    mark_globals(store, &set);
    mark_tables(store, &set);
    if (store->exceptions.thrown != NULL) {
        mark(&set, (uintptr_t)store->exceptions.thrown);
    }
    follow_values(&set);
    free(set.places);
    if (!set.stopped) {
        sweep(store, &set);
    }
    store->exceptions.collect_at = 2 * store->exceptions.count;
}

/* ---- making ---------------------------------------------------------------------------------- */

static pw_exception *allocate(pw_store *store, uint32_t ncells)
{
    if (!pw_account_charge(store->account, PW_CHARGE_OTHER, charge_of(ncells))) {
        return NULL;
    }
    pw_exception *exception = malloc(size_of(ncells));
    if (exception == NULL) {
        pw_account_refund(store->account, PW_CHARGE_OTHER, charge_of(ncells));
    }
    return exception;
}

/* Makes room if there is no memory, and tells whether there may be some now. A collection takes
 * longer the more exceptions there are. If it frees only a few, the next one would follow after a
 * few more exceptions; so the memory counts as used up then, and code that throws ends. */
static bool make_room(pw_store *store, const uint64_t *used)
{
    size_t before = store->exceptions.count;
    collect(store, used);
    size_t freed = before - store->exceptions.count;
    return freed > 0 && (before < FIRST_COLLECTION || freed >= before / 8);
}

static pw_exception *make(pw_store *store, uint32_t ncells, const uint64_t *used)
{
    if (store->exceptions.count >= FIRST_COLLECTION &&
        store->exceptions.count >= store->exceptions.collect_at) {
        collect(store, used);
    }
    pw_exception *exception = allocate(store, ncells);
    if (exception == NULL && make_room(store, used)) {
        exception = allocate(store, ncells);
    }
    if (exception == NULL) {
        return NULL;
    }
    exception->next = store->exceptions.list;
    store->exceptions.list = exception;
    store->exceptions.count++;
    exception->tag = NULL;
    exception->host = 0;
    exception->ncells = ncells;
    exception->referenced = false;
    return exception;
}

pw_exception *pw_exception_new(pw_store *store, const pw_tag *tag, const uint64_t *used)
{
    pw_exception *exception = make(store, tag != NULL ? pw_type_cells(tag->type) : 0, used);
    if (exception != NULL) {
        exception->tag = tag;
    }
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
    uint64_t reference = (uintptr_t)exception;
    pw_global *keeper = pw_global_new(store, PW_EXNREF, false, &reference);
    if (keeper == NULL) {
        return NULL;
    }
    exception->referenced = true;
    return &keeper->object;
}

bool pw_exception_raise_kept(pw_store *store, const pw_object *object)
{
    const pw_global *keeper = (const void *)object;
    if (object->kind != PW_OBJECT_GLOBAL || !is_exnref(keeper->type) || !keeper->cells[0]) {
        return false;
    }
    store->exceptions.thrown = (pw_exception *)(uintptr_t)keeper->cells[0];
    store->exceptions.of_host = true;
    return true;
}

void pw_exception_end(pw_store *store)
{
    pw_exception *exception = store->exceptions.thrown;
    store->exceptions.thrown = NULL;
    store->exceptions.of_host = false;
    if (exception != NULL) {
        pw_exception_forget(store, exception);
    }
}

void pw_exception_forget(pw_store *store, pw_exception *exception)
{
    if (exception->referenced || store->exceptions.list != exception) {
        return; /* a later exception precedes it in the list, which happens rarely */
    }
    store->exceptions.list = exception->next;
    free_exception(store, exception);
}

void pw_exceptions_free(pw_store *store)
{
    while (store->exceptions.list != NULL) {
        pw_exception *exception = store->exceptions.list;
        store->exceptions.list = exception->next;
        free_exception(store, exception);
    }
}
