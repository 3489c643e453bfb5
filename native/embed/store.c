/* SPDX-License-Identifier: MIT */
/* Makes and frees stores. A store has one wasm3 environment, one value stack, and the instances
 * that share them. */
#include "base/limits.h"
#include "base/zeroed.h"
#include "embed/collect.h"
#include "embed/pw.h"
#include "engine/engine.h"
#include "runtime/allocate.h"
#include "runtime/deftypes.h"
#include "runtime/timer.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of the smallest value stack, which has room for about a hundred frames of small functions.
 */
#define MIN_STACK 16384
/* Bytes of the largest value stack. A larger one would be of no use, because the native stack ends
 * before it; and sums of sizes cannot overflow. */
#define MAX_STACK ((uint64_t)1 << 30)

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* ---- value stacks ---------------------------------------------------------------------------- */

/* The mapping of a stack has room for the values, then the red zone, and last a page that cannot be
 * accessed. */

/* Mapping a stack costs more than everything else about a store, so a few stacks of the default
 * size are recycled. No run reads what an earlier one has left there, because code writes each
 * value before it reads it. A recycled stack keeps the system's memory only for this many bytes at
 * its beginning, so that one deep recursion does not keep more. */
#define KEPT_OF_STACK (1 << 20)
/* To ask the system to take back the rest costs a twentieth of what a small store does, so it is
 * done only if a call went beyond this many bytes. What a callee that is checked later writes ends
 * before KEPT_OF_STACK. */
#define MARK_IN_STACK (KEPT_OF_STACK / 2)

static pw_recycler recycled_stacks;

static void *take_recycled(void)
{
    void *stack = NULL;
    for (unsigned i = 0; i < PW_RECYCLER_PLACES && stack == NULL; i++) {
        stack = pw_recycler_take(&recycled_stacks, i);
    }
    return stack;
}

/* The size in bytes of the mapping for a stack of `values` bytes. Smaller stacks get the mapping of
 * the usual size, so that all of them can be recycled. */
static size_t mapped_size(size_t values)
{
    if (values < PW_DEFAULT_STACK) {
        values = PW_DEFAULT_STACK;
    }
    return round_up(values + PW_RED_ZONE, pw_page_size()) + pw_page_size();
}

static void *map_stack(size_t size)
{
    void *stack = pw_pages_reserve(size);
    if (stack != NULL && !pw_pages_commit(stack, size - pw_page_size())) {
        pw_pages_release(stack, size);
        return NULL;
    }
    return stack;
}

static bool add_stack(pw_store *store, size_t values)
{
    values = round_up(values, sizeof(uint64_t));
    store->sp = values <= PW_DEFAULT_STACK ? take_recycled() : NULL;
    if (store->sp == NULL) {
        store->sp = map_stack(mapped_size(values));
    }
    if (store->sp == NULL) {
        return false;
    }
    store->stack = store->sp;
    store->stack_end = store->sp + values / sizeof(uint64_t);
    store->stack_mark =
        values > MARK_IN_STACK ? store->sp + MARK_IN_STACK / sizeof(uint64_t) : store->stack_end;
    return true;
}

/* The bytes of a store's value stack. */
static size_t stack_size(const pw_store *store)
{
    return (size_t)((char *)store->stack_end - (char *)store->stack);
}

/* Gives back to the system what the stack shall not keep. False if the system refuses. */
static bool shorten(const pw_store *store)
{
    char *stack = store->stack;
    size_t rest = mapped_size(stack_size(store)) - pw_page_size() - KEPT_OF_STACK;
    return (char *)store->stack_mark <= stack + MARK_IN_STACK ||
           pw_pages_clear(stack + KEPT_OF_STACK, rest);
}

/* False if the stack has another size, if the system refuses, or if enough stacks wait already. */
static bool recycle(const pw_store *store)
{
    return stack_size(store) <= PW_DEFAULT_STACK && shorten(store) &&
           pw_recycler_put(&recycled_stacks, store->stack);
}

static void free_stack(pw_store *store)
{
    if (store->stack != NULL && !recycle(store)) {
        pw_pages_release(store->stack, mapped_size(stack_size(store)));
    }
}

/* ---- stores ---------------------------------------------------------------------------------- */

static uint32_t max_elements(const pw_store_limits *limits)
{
    return limits->table < PW_MAX_TABLE_SIZE ? (uint32_t)limits->table : PW_MAX_TABLE_SIZE;
}

/* Makes a store with a stack of the size, in bytes. What it allocates is charged to the account
 * `payer`, too; NULL: there is no such account. */
static pw_store *new_store(size_t stack, const pw_account_limits *limits, pw_account *payer,
                           pw_error *error)
{
    pw_store *store = pw_zeroed(1, sizeof *store);
    if (store != NULL) {
        store->environment = m3_NewEnvironment();
        store->account = pw_account_new(limits, payer);
    }
    if (store == NULL || store->environment == NULL || store->account == NULL ||
        !add_stack(store, stack)) {
        pw_store_free(store);
        pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate a store");
        return NULL;
    }
    store->meter.ticks = store->meter.period = PW_MAX_PERIOD;
    store->meter.fuel = PW_NO_FUEL;
    atomic_init(&store->meter.due, PW_NEVER);
    store->no_memory.store = store;
    store->no_memory.m3.maxStack = store->stack_mark;
    return store;
}

pw_store *pw_store_new(const pw_store_limits *limits, pw_error *error)
{
    const pw_account_limits account = {limits->memory, max_elements(limits), limits->heap,
                                       limits->total};
    uint64_t stack = limits->stack < MIN_STACK ? MIN_STACK : limits->stack;
    if (stack > MAX_STACK) {
        pw_fail(error, PW_LIMIT, 0,
                "stack too large: %llu bytes were asked for, but the limit is %llu bytes",
                (unsigned long long)stack, (unsigned long long)MAX_STACK);
        return NULL;
    }
    return new_store((size_t)stack, &account, NULL, error);
}

pw_store *pw_store_new_beside(const pw_store *store, pw_error *error)
{
    const pw_account_limits limits = pw_account_limits_of(store->account);
    return new_store(stack_size(store), &limits, store->account, error);
}

void pw_store_free(pw_store *store)
{
    if (store == NULL) {
        return;
    }
    pw_timer_remove(&store->meter);
    pw_store_free_objects(store);
    pw_heap_free(store);
    /* The environment owns the types that store->types points to. */
    m3_FreeEnvironment(store->environment);
    pw_store_end_linking(store);
    free(store->types);
    free(store->type_places);
    free(store->compilation.scopes);
    free_stack(store);
    if (store->spill_stack != NULL) {
        pw_pages_release(store->spill_stack, PW_SPILL_STACK);
    }
    if (store->account != NULL) {
        pw_account_release(store->account);
    }
    free(store);
}

uint64_t pw_store_allocated(const pw_store *store)
{
    return pw_account_total(store->account);
}

const char *pw_store_message(const pw_store *store)
{
    return store->message;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static pw_frame describe(const pw_backtrace_frame *left)
{
    const pw_instance *instance = pw_instance_of(left->function);
    pw_frame frame = {.function = (uint32_t)(left->function - instance->m3->functions)};
    frame.module = instance->module;
    frame.name = pw_module_function_name(instance->module, frame.function);
    frame.offset = left->pc != NULL ? pw_code_offset(instance->runtime, left->pc)
                   : left->function->wasm != NULL
                       ? (uint32_t)(left->function->wasm - instance->m3->wasmStart)
                       : PW_NO_INDEX;
    return frame;
}

uint32_t pw_store_frames(const pw_store *store, pw_frame *frames, uint32_t capacity, uint32_t *head,
                         uint64_t *omitted)
{
    const pw_backtrace *backtrace = &store->backtrace;
    uint32_t written = 0;
    uint64_t tail = PW_BACKTRACE_HALF;
    if (backtrace->count > 2 * PW_BACKTRACE_HALF) {
        tail = backtrace->count - PW_BACKTRACE_HALF;
    }
    for (uint64_t i = 0; i < backtrace->count && i < PW_BACKTRACE_HALF && written < capacity; i++) {
        frames[written++] = describe(&backtrace->head[i]);
    }
    *head = written;
    *omitted = tail - PW_BACKTRACE_HALF;
    for (uint64_t i = tail; i < backtrace->count && written < capacity; i++) {
        frames[written++] = describe(&backtrace->tail[i % PW_BACKTRACE_HALF]);
    }
    return written;
}
