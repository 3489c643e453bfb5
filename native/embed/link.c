/* SPDX-License-Identifier: MIT */
/* Puts imports into the index spaces of an instance. The embedder has already compared names, kinds
 * and limits. A type index means nothing outside its module, so types that have one are compared
 * here: https://webassembly.github.io/spec/core/valid/matching.html */
#include "embed/link.h"
#include "engine/engine.h"
#include "runtime/deftypes.h"
#include "runtime/memory.h"

/* The instance that is being linked, and how many imports of each kind it has so far. */
typedef struct {
    pw_instance *instance;
    pw_error *error;
    uint32_t functions;
    uint32_t memories;
    uint32_t tables;
    uint32_t globals;
    uint32_t tags;
} linker;

static bool incompatible(const linker *l, const char *kind, uint32_t index)
{
    return pw_fail(l->error, PW_LINK, 0,
                   "incompatible import type: %s %u has another type than the module expects", kind,
                   (unsigned)index);
}

static bool link_function(linker *l, const pw_extern *import)
{
    M3Function *function = &l->instance->m3->functions[l->functions];
    code_t *thunk = &l->instance->thunks[(size_t)PW_THUNK_WORDS * l->functions];
    if (import->kind == PW_EXTERN_HOST) {
        pw_thunk_host(thunk, function, import->object);
    } else {
        if (!pw_is_subtype(pw_deftype_of(pw_m3(import->object)->funcType),
                           pw_deftype_of(function->funcType))) {
            return incompatible(l, "function", l->functions);
        }
        pw_thunk_link(thunk, pw_m3(import->object));
        l->instance->linked[l->functions] = pw_m3(import->object);
    }
    function->compiled = (pc_t)thunk;
    l->functions++;
    return true;
}

/* A global or table that the host made gets its resolved type from the first module that imports
 * it. */
static void adopt(pw_valtype *actual, pw_valtype expected)
{
    if (*actual == PW_UNRESOLVED) {
        *actual = expected;
    }
}

static bool equal_types(const linker *l, pw_valtype a, pw_valtype b)
{
    const pw_store *store = l->instance->store;
    return pw_type_matches(store, a, b) && pw_type_matches(store, b, a);
}

static bool link_table(linker *l, pw_table *table)
{
    const pw_instance *instance = l->instance;
    uint32_t index = l->tables++;
    pw_valtype expected = pw_resolve_type(instance, instance->module->tables[index].type);
    adopt(&table->resolved, expected);
    instance->tables[index] = table;
    /* Code is compiled for indices of this width, so it is compared here once more. */
    bool same_width = table->limits.is64 == instance->module->tables[index].limits.is64;
    return (same_width && equal_types(l, table->resolved, expected)) ||
           incompatible(l, "table", index);
}

static bool link_global(linker *l, pw_global *global)
{
    const pw_instance *instance = l->instance;
    uint32_t index = l->globals++;
    pw_valtype expected = pw_resolve_type(instance, instance->module->globals[index].type);
    adopt(&global->resolved, expected);
    instance->globals[index] = global;
    bool fits = global->is_mutable ? equal_types(l, global->resolved, expected)
                                   : pw_type_matches(instance->store, global->resolved, expected);
    return fits || incompatible(l, "global", index);
}

/* Code is compiled for the width of addresses that the module says. */
static bool link_memory(linker *l, pw_memory *memory)
{
    uint32_t index = l->memories++;
    pw_memory *own = pw_memory_for(l->instance->store, memory, l->error);
    l->instance->memories[index] = own;
    if (own == NULL) {
        return false;
    }
    return pw_memory_limits(own).is64 == l->instance->module->memories[index].limits.is64 ||
           incompatible(l, "memory", index);
}

static bool link_tag(linker *l, pw_tag *tag)
{
    const pw_instance *instance = l->instance;
    uint32_t index = l->tags++;
    instance->tags[index] = tag;
    IM3FuncType expected = instance->m3->funcTypes[instance->module->tags[index].type_index];
    return (expected != NULL && tag->type == expected) || incompatible(l, "tag", index);
}

static bool link_import(linker *l, pw_externkind kind, const pw_extern *import)
{
    switch (kind) {
    case PW_EXTERN_FUNC: return link_function(l, import);
    case PW_EXTERN_TABLE: return link_table(l, import->object);
    case PW_EXTERN_GLOBAL: return link_global(l, import->object);
    case PW_EXTERN_MEMORY: return link_memory(l, import->object);
    default: return link_tag(l, import->object);
    }
}

bool pw_link_imports(pw_instance *instance, const pw_extern *imports, pw_error *error)
{
    const pw_module_info *info = &instance->module->info;
    linker l = {.instance = instance, .error = error};
    for (uint32_t i = 0; i < info->nimports; i++) {
        if (!link_import(&l, info->imports[i].type.kind, &imports[i])) {
            return false;
        }
    }
    return true;
}
