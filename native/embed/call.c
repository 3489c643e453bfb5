/* SPDX-License-Identifier: MIT */
/* Calls of functions by the host, and what the host can ask about a function. */
#include "embed/api.h"
#include "engine/engine.h"
#include "runtime/collection.h"
#include "runtime/deftypes.h"
#include "runtime/exception.h"
#include "runtime/memory.h"
#include "runtime/store.h"

#include <string.h>

const pw_functype *pw_func_type(const pw_func *func)
{
    const pw_module_info *info = &pw_func_module(func)->info;
    return &info->types[info->function_types[pw_func_index(func)]];
}

pw_instance *pw_func_instance(const pw_func *func)
{
    return pw_instance_of(pw_m3(func));
}

pw_module *pw_func_module(const pw_func *func)
{
    return pw_func_instance(func)->module;
}

uint32_t pw_func_index(const pw_func *func)
{
    return (uint32_t)(pw_m3(func) - pw_func_instance(func)->m3->functions);
}

const void *pw_func_type_identity(const pw_func *func)
{
    return pw_m3(func)->funcType;
}

static pw_callee callee(const pw_func *func)
{
    M3Function *function = pw_m3(func);
    const pw_instance *instance = pw_func_instance(func);
    const pw_functype *type = pw_func_type(func);
    return (pw_callee){
        .store = instance->store,
        .function = function,
        .memory = instance->header,
        .sp = &instance->store->sp,
        .nparams = type->nparams,
        .nresults = type->nresults,
        .nparam_cells = pw_cells_of(type->params, type->nparams),
        .nresult_cells = pw_cells_of(type->results, type->nresults),
        .results = type->results,
    };
}

/* Reads one cell of a result, and of a 32-bit result only the half that the guest wrote: a
 * processor that loads more than was stored has to wait for the store. */
static inline uint64_t result_bits(pw_valtype type, const uint64_t *cell)
{
    uint32_t low;
    memcpy(&low, cell, sizeof low);
    return type == PW_I32 || type == PW_F32 ? low : *cell;
}

static void copy_results(const pw_callee *callee, const uint64_t *sp, uint64_t *values)
{
    uint32_t cell = 0;
    for (uint32_t i = 0; i < callee->nresults; i++) {
        pw_valtype type = callee->results[i];
        for (uint32_t end = cell + pw_cells(type); cell < end; cell++) {
            values[cell] = result_bits(type, &sp[cell]);
        }
    }
}

/* Whether so many cells fit the value stack. If they reach beyond the mark, it moves to the end. */
static inline bool fits(pw_store *store, size_t cells)
{
    uintptr_t end = (uintptr_t)(store->sp + cells);
    if (M3_LIKELY(end <= (uintptr_t)store->stack_mark)) {
        return true;
    }
    store->stack_mark = store->stack_end;
    return end <= (uintptr_t)store->stack_end;
}

/* Compiles the function, unless it is compiled already, and checks that its values fit the stack.
 */
static inline pw_trap prepare(const pw_callee *callee)
{
    M3Function *function = callee->function;
    if (!fits(callee->store, (size_t)callee->nresult_cells + callee->nparam_cells)) {
        return PW_TRAP_STACK_EXHAUSTED;
    }
    M3Result error = function->compiled != NULL ? NULL : pw_compile(function);
    return error != NULL ? pw_classify(error) : PW_TRAP_NONE;
}

static inline pw_trap run(const pw_callee *callee)
{
    pw_trap unfit = prepare(callee);
    if (unfit != PW_TRAP_NONE) {
        return unfit;
    }
    m3ret_t trap = pw_run(callee->function, callee->store->sp, callee->memory);
    return trap == NULL ? PW_TRAP_NONE : pw_classify(trap);
}

static inline pw_trap run_map(const pw_callee *callee, pw_map_job *job)
{
    pw_trap unfit = prepare(callee);
    return unfit == PW_TRAP_NONE ? pw_classify(pw_run_map(callee, job)) : unfit;
}

/* Stores the limit of the native stack. That replaces a PW_STOP_NOW which another thread stored:
 * when calls nest, the embedder makes sure that the outer one still stops. */
static inline void set_native_limit(pw_store *store, uintptr_t limit)
{
    store->meter.native_limit = limit;
    atomic_store_explicit(&store->meter.stop_limit, limit, memory_order_relaxed);
}

/* Notes how much of the native stack this thread may use. False when it is used up. */
static inline bool begin(pw_store *store, uintptr_t *saved)
{
    uintptr_t limit;
    *saved = store->meter.native_limit;
    store->backtrace.count = 0;
    if (!pw_guest_stack_left(&limit)) {
        return false;
    }
    set_native_limit(store, limit);
    return true;
}

static pw_trap call_in_place(const pw_callee *callee)
{
    pw_store *store = callee->store;
    uintptr_t saved;
    if (!begin(store, &saved)) {
        return PW_TRAP_NATIVE_STACK;
    }
    pw_trap trap = run(callee);
    set_native_limit(store, saved);
    return trap;
}

static pw_trap call(const pw_callee *callee, uint64_t *values)
{
    uint64_t *sp = callee->store->sp;
    memcpy(sp + callee->nresult_cells, values, callee->nparam_cells * sizeof *values);
    pw_trap trap = call_in_place(callee);
    if (trap == PW_TRAP_NONE) {
        copy_results(callee, sp, values);
    }
    return trap;
}

static pw_trap call_map(const pw_callee *callee, pw_map_job *job)
{
    uintptr_t saved;
    if (!begin(callee->store, &saved)) {
        return PW_TRAP_NATIVE_STACK;
    }
    pw_trap trap = run_map(callee, job);
    set_native_limit(callee->store, saved);
    return trap;
}

static void forget_frames(pw_store *store)
{
    store->backtrace.count = 0;
}

static pw_thrown exception_thrown(const pw_store *store)
{
    const pw_exception *exception = store->exceptions.thrown;
    pw_thrown thrown = {.of_host = store->exceptions.of_host};
    if (exception != NULL) {
        thrown.tag = (pw_tag *)(uintptr_t)exception->tag;
        thrown.cells = exception->cells;
        thrown.ncells = exception->ncells;
        thrown.host = exception->host;
    }
    return thrown;
}

static pw_tag *object_tag(pw_object *object)
{
    return object->kind == PW_OBJECT_TAG ? (pw_tag *)(void *)object : NULL;
}

static const pw_valtype *tag_params(const pw_tag *tag, uint32_t *count)
{
    return pw_type_params(tag->type, count);
}

static pw_account *store_account(const pw_store *store)
{
    return store->account;
}

static void *func_embedder(const pw_func *func)
{
    return pw_func_instance(func)->embedder;
}

const char *pw_engine_version(void)
{
    return M3_VERSION;
}

const pw_api *pw_get_api(void)
{
    static const pw_api api = {
        .size = sizeof api,
        .set_hooks = pw_prepare_engine,
        .set_poll_hook = pw_set_poll_hook,
        .now = pw_now,
        .timer_wakes = pw_timer_wakes,
        .timer_call = pw_timer_call,
        .store_new = pw_store_new,
        .store_new_beside = pw_store_new_beside,
        .store_meter = pw_store_meter,
        .store_free = pw_store_free,
        .store_account = store_account,
        .account_retain = pw_account_retain,
        .account_release = pw_account_release,
        .account_charge = pw_account_charge,
        .account_refund = pw_account_refund,
        .store_frames = pw_store_frames,
        .store_forget_frames = forget_frames,
        .store_message = pw_store_message,
        .exception_thrown = exception_thrown,
        .exception_raise = pw_exception_raise,
        .exception_keep = pw_exception_keep,
        .exception_raise_kept = pw_exception_raise_kept,
        .exception_end = pw_exception_end,
        .object_tag = object_tag,
        .tag_params = tag_params,
        .instance_new = pw_instance_new,
        .func_embedder = func_embedder,
        .instance_func = pw_instance_func,
        .func_type = pw_func_type,
        .valtype_name = pw_valtype_name,
        .func_module = pw_func_module,
        .module_retain = pw_module_retain,
        .module_release = pw_module_release,
        .func_type_identity = pw_func_type_identity,
        .store_type = pw_store_type,
        .object_hold = pw_object_hold,
        .object_drop = pw_object_drop,
        .store_mark = pw_store_mark,
        .store_mark_object = pw_store_mark_object,
        .object_marked = pw_object_marked,
        .store_sweep = pw_store_sweep,
        .callee = callee,
        .call = call,
        .call_in_place = call_in_place,
        .call_map = call_map,
        .instance_memory = pw_instance_memory,
        .memory_new = pw_memory_new,
        .memory_retain = pw_memory_retain,
        .memory_release = pw_memory_release,
        .memory_data = pw_memory_data,
        .memory_size = pw_memory_size,
        .memory_limits = pw_memory_limits,
        .memory_grow = pw_memory_grow,
        .memory_is_shared = pw_memory_is_shared,
        .memory_identity = pw_memory_identity,
        .memory_mapping = pw_memory_mapping,
        .wait_begin = pw_wait_begin,
        .wait_sleep = pw_wait_sleep,
        .wait_end = pw_wait_end,
        .wait_notify = pw_wait_notify,
        .table_size = pw_table_size,
        .table_get = pw_table_get,
        .table_set = pw_table_set,
        .global_get = pw_global_get,
        .global_set = pw_global_set,
        .reference_hold = pw_reference_hold,
        .reference_drop = pw_reference_drop,
        .reference_held = pw_reference_held,
        .reference_matches = pw_reference_matches,
        .held_type = pw_held_type,
        .type_definition = pw_type_definition,
        .type_field = pw_type_field,
        .type_number = pw_type_number,
        .held_length = pw_held_length,
        .held_get = pw_held_get,
        .held_set = pw_held_set,
        .struct_make = pw_struct_make,
        .array_make = pw_array_make,
        .store_sweep_heap = pw_store_sweep_heap,
        .store_heap_bytes = pw_store_heap_bytes,
        .store_mark_externs = pw_store_mark_externs,
        .roots_add = pw_roots_add,
        .roots_forget = pw_roots_forget,
        .stack_size = pw_stack_size,
    };
    return &api;
}
