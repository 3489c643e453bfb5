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
/* The type of a reference to it, resolved. */
pw_valtype pw_function_type(const M3Function *function);
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

/* Makes sure that it can have so many elements, at most table->max; its size stays. False without
 * memory. */
bool pw_table_make_room(pw_table *table, uint64_t size);

/* ---- segments.c ---- */

/* The segments, none of them dropped. False without memory. */
bool pw_segments_add(pw_instance *instance);
/* Copies active segments into their tables and memories, and drops them and declared ones. False
 * at the first one that does not fit: what went before stays. */
bool pw_segments_apply(pw_instance *instance, pw_error *error);

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
