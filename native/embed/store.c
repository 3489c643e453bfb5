/* SPDX-License-Identifier: MIT */
/* Stores: one wasm3 environment, one value stack, and the instances that share them. */

#include "base/limits.h"
#include "embed/instance.h"
#include "embed/pw.h"
#include "engine/engine.h"
#include "runtime/functypes.h"

#include <stdlib.h>
#include <string.h>

/* What the smallest request gets: room for some hundred frames of small functions. */
#define MIN_STACK 16384
/* Beyond it recursion is bounded by the native stack; it keeps sums far from overflow. */
#define MAX_STACK ((uint64_t)1 << 30)

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* ---- stacks: values, the red zone, and a last page without access ---- */

/* A few stacks of the usual size are kept: mapping one costs more than all else about a store. What
 * they hold of earlier runs is never read, since code writes each value before it reads it. */
#define KEPT_STACK_SIZE (1 << 20)

static pw_kept kept_stacks;

static void *take_kept(void)
{
    void *stack = NULL;
    for (unsigned i = 0; i < PW_KEPT && stack == NULL; i++) {
        stack = pw_kept_take(&kept_stacks, i);
    }
    return stack;
}

/* Bytes that are mapped for a stack of so many bytes: all small ones are of one size. */
static size_t mapped_size(size_t values)
{
    if (values < KEPT_STACK_SIZE) {
        values = KEPT_STACK_SIZE;
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
    store->sp = values <= KEPT_STACK_SIZE ? take_kept() : NULL;
    if (store->sp == NULL) {
        store->sp = map_stack(mapped_size(values));
    }
    if (store->sp == NULL) {
        return false;
    }
    store->stack = store->sp;
    store->stack_end = store->sp + values / sizeof(uint64_t);
    return true;
}

static void free_stack(pw_store *store)
{
    size_t values = (size_t)((char *)store->stack_end - (char *)store->stack);
    if (store->stack != NULL &&
        !(values <= KEPT_STACK_SIZE && pw_kept_put(&kept_stacks, store->stack))) {
        pw_pages_release(store->stack, mapped_size(values));
    }
}

/* ---- stores ---- */

pw_store *pw_store_new(const pw_store_limits *limits, pw_error *error)
{
    uint64_t stack_bytes = limits->stack;
    if (stack_bytes > MAX_STACK) {
        pw_fail(error, PW_LIMIT, 0, "stack too large: %llu bytes, at most %llu",
                (unsigned long long)stack_bytes, (unsigned long long)MAX_STACK);
        return NULL;
    }
    pw_store *store = calloc(1, sizeof *store);
    if (store != NULL) {
        store->environment = m3_NewEnvironment();
    }
    if (store == NULL || store->environment == NULL ||
        !add_stack(store, (size_t)(stack_bytes < MIN_STACK ? MIN_STACK : stack_bytes))) {
        pw_store_free(store);
        pw_fail(error, PW_NO_MEMORY, 0, "no memory for a store");
        return NULL;
    }
    store->meter.ticks = store->meter.period = PW_MAX_PERIOD;
    store->meter.fuel = PW_NO_FUEL;
    store->max_pages = limits->memory / PW_PAGE;
    store->max_elements =
        limits->table < PW_MAX_TABLE_SIZE ? (uint32_t)limits->table : PW_MAX_TABLE_SIZE;
    store->no_memory.store = store;
    store->no_memory.m3.maxStack = store->stack_end;
    return store;
}

void pw_store_free(pw_store *store)
{
    if (store == NULL) {
        return;
    }
    while (store->instances != NULL) {
        pw_instance *instance = store->instances;
        store->instances = instance->next;
        pw_instance_free(instance);
    }
    while (store->globals != NULL) {
        pw_global *global = store->globals;
        store->globals = global->next;
        free(global);
    }
    while (store->tables != NULL) {
        pw_table *table = store->tables;
        store->tables = table->next;
        free(table->elements);
        free(table);
    }
    while (store->tags != NULL) {
        pw_tag *tag = store->tags;
        store->tags = tag->next;
        free(tag);
    }
    /* The environment owns what the table of types points to. */
    m3_FreeEnvironment(store->environment);
    pw_store_end_linking(store);
    free(store->types);
    free(store->type_places);
    free(store->compilation.scopes);
    free_stack(store);
    if (store->spill_stack != NULL) {
        pw_pages_release(store->spill_stack, PW_SPILL_STACK);
    }
    free(store);
}

const char *pw_store_message(const pw_store *store)
{
    return store->message;
}

/* ---- frames ---- */

static pw_frame describe(const pw_backtrace_frame *left)
{
    const pw_instance *instance = pw_instance_of(left->function);
    pw_frame frame = {.function = (uint32_t)(left->function - instance->m3->functions)};
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
