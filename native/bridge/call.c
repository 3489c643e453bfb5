/* SPDX-License-Identifier: MIT */
/* Calls from outside, and what there is to know of a function. */
#include "bridge.h"

#include "../frontend/types.h"

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
    return (pw_callee){instance->store, function, instance->header, function->funcType->numArgs,
                       function->funcType->numRets};
}

/* Reads what the guest wrote and no more: the processor would have to wait for the store of half of
 * what it loads. */
static inline uint64_t result_bits(const M3FuncType *type, uint32_t index, const uint64_t *sp)
{
    uint8_t valtype = type->types[index];
    uint32_t low;
    memcpy(&low, &sp[index], sizeof low);
    return valtype == c_m3Type_i32 || valtype == c_m3Type_f32 ? low : sp[index];
}

static inline pw_trap run(const pw_callee *callee, uint64_t *values)
{
    M3Function *function = callee->function;
    uint64_t *sp = callee->store->sp;
    uint64_t *arguments = sp + callee->nresults;
    pw_trap unfit = pw_prepare_run(callee);
    if (unfit != PW_TRAP_NONE)
        return unfit;
    for (uint32_t i = 0; i < callee->nparams; ++i)
        arguments[i] = values[i];
    m3ret_t trap = pw_run(function, sp, callee->memory);
    if (trap)
        return pw_classify(trap);
    for (uint32_t i = 0; i < callee->nresults; ++i)
        values[i] = result_bits(function->funcType, i, sp);
    return PW_TRAP_NONE;
}

static pw_trap call(const pw_callee *callee, uint64_t *values)
{
    uintptr_t saved;
    if (!pw_begin_run(callee->store, &saved))
        return PW_TRAP_STACK_EXHAUSTED;
    pw_trap trap = run(callee, values);
    pw_end_run(callee->store, saved);
    return trap;
}

static void forget_frames(pw_store *store)
{
    store->record.count = 0;
}

const char *pw_engine_version(void)
{
    return M3_VERSION;
}

const pw_api *pw_get_api(void)
{
    static const pw_api api = {
        .size = sizeof api,
        .set_hooks = pw_set_engine_hooks,
        .store_new = pw_store_new,
        .store_meter = pw_store_meter,
        .store_free = pw_store_free,
        .store_frames = pw_store_frames,
        .store_forget_frames = forget_frames,
        .store_message = pw_store_message,
        .instance_func = pw_instance_func,
        .func_type = pw_func_type,
        .valtype_name = pw_valtype_name,
        .func_module = pw_func_module,
        .func_type_identity = pw_func_type_identity,
        .store_type = pw_store_type,
        .visit_externs = pw_store_visit_externs,
        .callee = callee,
        .call = call,
        .call_each = pw_call_each,
        .instance_memory = pw_instance_memory,
        .memory_new = pw_memory_new,
        .memory_retain = pw_memory_retain,
        .memory_release = pw_memory_release,
        .memory_data = pw_memory_data,
        .memory_size = pw_memory_size,
        .memory_grow = pw_memory_grow,
    };
    return &api;
}
