/* SPDX-License-Identifier: MIT */
/* What the files of the bridge share. */
#ifndef PW_BRIDGE_H
#define PW_BRIDGE_H

#include "../engine/state.h"

#include "../engine/pages.h"
#include "../frontend/error.h"
#include "../frontend/limits.h"
#include "../frontend/module.h"

/* The store's one copy of each function type of a module; borrowed from its environment. NULL for
 * a type that this version cannot run. False without memory. */
bool pw_store_intern(pw_store *store, const pw_module *module, IM3FuncType *types);
/* The store's copy of a function type that refers to no other. */
pw_code pw_store_intern_one(pw_store *store, const pw_functype *type, IM3FuncType *result);
/* A type of the instance's module with the store's numbers in place of type indices. */
pw_valtype pw_resolve_type(const pw_instance *instance, pw_valtype type);
/* Of a global or table that the host made: only a module can give a type index a meaning. */
#define PW_UNRESOLVED 0
static inline pw_valtype pw_host_type(pw_valtype type)
{
    return type & PW_CONCRETE ? PW_UNRESOLVED : type;
}
/* Whether a resolved type is a subtype of another. */
bool pw_type_matches(pw_valtype actual, pw_valtype expected);
/* Forgets what pw_store_type keeps. */
void pw_store_end_linking(pw_store *store);

/* Whether elements, or bytes, [start, start + count) are there. */
static inline bool pw_fits(uint64_t size, uint32_t start, uint32_t count)
{
    return start <= size && count <= size - start;
}

/* The value of a constant expression; the globals that it reads are there. */
uint64_t pw_evaluate(const pw_instance *instance, const pw_constexpr *expression);

/* ---- link.c ---- */

/* Puts the imports, one value for each, in front of the index spaces. */
bool pw_link_imports(pw_instance *instance, const pw_extern *imports, pw_error *error);

/* ---- table.c ---- */

/* Gives an empty table its type and its first elements. False without memory, or when the store
 * does not allow its size. */
bool pw_table_init(pw_table *table, const pw_store *store, pw_valtype type, const pw_limits *limits,
                   uint64_t init, pw_error *error);

/* ---- segments.c ---- */

/* The segments, none of them dropped. False without memory. */
bool pw_segments_add(pw_instance *instance);
/* Copies active segments into their tables and memories, and drops them and declared ones. False
 * at the first one that does not fit: what went before stays. */
bool pw_segments_apply(pw_instance *instance, pw_error *error);

/* ---- calls from outside ---- */

static inline void pw_set_native_limit(pw_store *store, uintptr_t limit)
{
    store->native_limit = limit;
    atomic_store_explicit(&store->meter.stop_limit, limit, memory_order_relaxed);
}

/* Before functions run: how much native stack this thread has. False when it is used up. Takes back
 * what other threads wanted of an earlier call: the embedder sees to it when calls nest. */
static inline bool pw_begin_run(pw_store *store, uintptr_t *saved)
{
    uintptr_t limit = pw_native_stack_end() + PW_NATIVE_RESERVE;
    store->record.count = 0;
    if ((uintptr_t)__builtin_frame_address(0) < limit)
        return false;
    *saved = store->native_limit;
    pw_set_native_limit(store, limit);
    return true;
}

static inline void pw_end_run(pw_store *store, uintptr_t saved)
{
    pw_set_native_limit(store, saved);
}

/* Sees that a function's values fit the stack, and compiles it unless it is. */
static inline pw_trap pw_prepare_run(const pw_callee *callee)
{
    M3Function *function = callee->function;
    const uint64_t *sp = callee->store->sp;
    if (callee->nresults + callee->nparams > (size_t)(callee->store->stack_end - sp))
        return PW_TRAP_STACK_EXHAUSTED;
    M3Result error = function->compiled ? NULL : pw_compile(function);
    return error ? pw_classify(error) : PW_TRAP_NONE;
}

pw_trap pw_call_each(const pw_callee *callee, pw_batch *batch);

pw_meter *pw_store_meter(pw_store *store);
uint64_t pw_store_visit_externs(const pw_store *store, pw_extern_visitor visit, void *arg);
/* Frees an instance that its store no longer lists. */
void pw_instance_free(pw_instance *instance);

static inline M3Function *pw_m3(const pw_func *func)
{
    return (M3Function *)(void *)func;
}

static inline pw_func *pw_handle(M3Function *function)
{
    return (pw_func *)(void *)function;
}

#endif
