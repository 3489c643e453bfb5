/* SPDX-License-Identifier: MIT */
/* Instances: wasm3's structures, built from the decoded module, and the order of instantiation. */
#include "bridge.h"

#include <stdlib.h>
#include <string.h>

static void no_memory(pw_error *error)
{
    pw_fail(error, PW_NO_MEMORY, 0, "no memory for an instance");
}

static bool unsupported(pw_error *error, const char *what)
{
    pw_fail(error, PW_UNSUPPORTED, 0, "%s cannot be run yet", what);
    return false;
}

/* An array that may be empty. */
static bool allocate(void *result, size_t count, size_t size)
{
    void *array = calloc(count ? count : 1, size);
    memcpy(result, &array, sizeof array);
    return array != NULL;
}

/* ---- what this version runs ---- */

static bool check_supported(const pw_module *module, pw_error *error)
{
    if (module->nmemories > 1)
        return unsupported(error, "multiple memories");
    for (uint32_t i = 0; i < module->nmemories; ++i) {
        if (module->memories[i].limits.is64)
            return unsupported(error, "a 64-bit memory");
        if (module->memories[i].limits.shared)
            return unsupported(error, "a shared memory");
    }
    if (module->ntags)
        return unsupported(error, "an exception tag");
    for (uint32_t i = 0; i < module->ntables; ++i) {
        if (module->tables[i].limits.is64)
            return unsupported(error, "a 64-bit table");
        if (module->tables[i].limits.min > PW_MAX_TABLE_SIZE)
            return pw_fail(error, PW_LIMIT, 0, "table too large: %llu elements, at most %u",
                           (unsigned long long)module->tables[i].limits.min, PW_MAX_TABLE_SIZE);
    }
    return true;
}

/* ---- types and functions ---- */

static bool add_types(pw_instance *instance, pw_error *error)
{
    const pw_module_info *info = &instance->module->info;
    M3Module *m3 = instance->m3;
    if (!allocate(&m3->funcTypes, info->ntypes, sizeof *m3->funcTypes)) {
        no_memory(error);
        return false;
    }
    m3->numFuncTypes = info->ntypes;
    if (pw_store_intern(instance->store, instance->module, m3->funcTypes))
        return true;
    no_memory(error);
    return false;
}

/* A type that wasm3 has no room for was left out of the table: it may stay unused. */
static bool check_type(const pw_instance *instance, uint32_t function, pw_error *error)
{
    uint32_t type = instance->module->info.function_types[function];
    if (instance->m3->funcTypes[type])
        return true;
    pw_fail(error, PW_UNSUPPORTED, 0,
            "function %u: parameters and results of type v128 cannot be run yet",
            (unsigned)function);
    error->function = function;
    return false;
}

/* The embedder compared the types; only here type indices of two modules can be. */
static bool check_import(const M3Function *function, const M3Function *given, uint32_t index,
                         pw_error *error)
{
    if (given->funcType == function->funcType)
        return true;
    pw_fail(error, PW_LINK, 0, "incompatible import type: function %u has another type",
            (unsigned)index);
    return false;
}

static bool link_functions(pw_instance *instance, const pw_extern *imports, pw_error *error)
{
    const pw_module_info *info = &instance->module->info;
    uint32_t next = 0;
    for (uint32_t i = 0; i < info->nimports; ++i) {
        if (info->imports[i].type.kind != PW_EXTERN_FUNC)
            continue;
        M3Function *function = &instance->m3->functions[next];
        code_t *thunk = &instance->thunks[(size_t)PW_THUNK_WORDS * next];
        if (imports[i].kind == PW_EXTERN_HOST)
            pw_thunk_host(thunk, function, imports[i].object);
        else if (check_import(function, pw_m3(imports[i].object), next, error))
            pw_thunk_link(thunk, pw_m3(imports[i].object));
        else
            return false;
        function->compiled = (pc_t)thunk;
        next++;
    }
    return true;
}

static bool add_functions(pw_instance *instance, const pw_extern *imports, pw_error *error)
{
    const pw_module *module = instance->module;
    M3Module *m3 = instance->m3;
    uint32_t count = module->info.nfunctions;
    if (!allocate(&m3->functions, count, sizeof *m3->functions) ||
        !allocate(&instance->thunks, module->nimported_functions,
                  PW_THUNK_WORDS * sizeof *instance->thunks)) {
        no_memory(error);
        return false;
    }
    m3->numFunctions = count;
    m3->numFuncImports = module->nimported_functions;
    for (uint32_t i = 0; i < count; ++i) {
        M3Function *function = &m3->functions[i];
        if (!check_type(instance, i, error))
            return false;
        function->module = m3;
        function->funcType = m3->funcTypes[module->info.function_types[i]];
        if (i < module->nimported_functions)
            continue;
        const pw_body *body = &module->codes[i - module->nimported_functions];
        function->wasm = module->info.bytes + body->start;
        function->wasmEnd = module->info.bytes + body->end;
    }
    return link_functions(instance, imports, error);
}

/* ---- memories, tables, globals ---- */

static void *imported(const pw_instance *instance, const pw_extern *imports, pw_externkind kind,
                      uint32_t index)
{
    const pw_module_info *info = &instance->module->info;
    for (uint32_t i = 0; i < info->nimports; ++i)
        if (info->imports[i].type.kind == kind && index-- == 0)
            return imports[i].object;
    return NULL;
}

static bool add_memory(pw_instance *instance, const pw_extern *imports, pw_error *error)
{
    const pw_module *module = instance->module;
    instance->header = &instance->store->no_memory.m3;
    if (!module->nmemories)
        return true;
    if (module->memories[0].imported)
        instance->memory = pw_memory_retain(imported(instance, imports, PW_EXTERN_MEMORY, 0));
    else
        instance->memory = pw_memory_new(instance->store, &module->memories[0].limits);
    if (!instance->memory) {
        pw_fail(error, PW_NO_MEMORY, 0, "no address space for a memory of %llu pages",
                (unsigned long long)module->memories[0].limits.min);
        return false;
    }
    instance->header = pw_memory_header(instance->memory);
    return true;
}

static bool add_tables(pw_instance *instance, const pw_extern *imports, pw_error *error)
{
    const pw_module *module = instance->module;
    if (!allocate(&instance->tables, module->ntables, sizeof *instance->tables) ||
        !allocate(&instance->own_tables, module->ntables, sizeof *instance->own_tables)) {
        no_memory(error);
        return false;
    }
    instance->ntables = module->ntables;
    for (uint32_t i = 0; i < module->ntables; ++i) {
        if (module->tables[i].imported) {
            instance->tables[i] = imported(instance, imports, PW_EXTERN_TABLE, i);
            continue;
        }
        instance->tables[i] = &instance->own_tables[i];
        if (!pw_table_init(instance->tables[i], module->tables[i].type, &module->tables[i].limits,
                           0)) {
            no_memory(error);
            return false;
        }
    }
    return true;
}

pw_global *pw_global_new(pw_store *store, pw_valtype type, bool is_mutable, uint64_t bits)
{
    pw_global *global = calloc(1, sizeof *global);
    if (!global)
        return NULL;
    *global = (pw_global){store->globals, bits, type, is_mutable};
    store->globals = global;
    return global;
}

uint64_t pw_evaluate(const pw_instance *instance, const pw_constexpr *expression)
{
    switch (expression->kind) {
    case PW_CONST_VALUE: return expression->bits;
    case PW_CONST_GLOBAL: return instance->globals[expression->index]->bits;
    case PW_CONST_FUNC: return (uint64_t)(uintptr_t)&instance->m3->functions[expression->index];
    case PW_CONST_NULL: break;
    }
    return 0;
}

static bool add_globals(pw_instance *instance, const pw_extern *imports, pw_error *error)
{
    const pw_module *module = instance->module;
    if (!allocate(&instance->globals, module->nglobals, sizeof *instance->globals)) {
        no_memory(error);
        return false;
    }
    for (uint32_t i = 0; i < module->nglobals; ++i) {
        const pw_globaldef *definition = &module->globals[i];
        pw_global *global =
            definition->imported
                ? imported(instance, imports, PW_EXTERN_GLOBAL, i)
                : pw_global_new(instance->store, definition->type, definition->is_mutable,
                                pw_evaluate(instance, &definition->init));
        if (!global) {
            no_memory(error);
            return false;
        }
        instance->globals[i] = global;
        instance->nglobals = i + 1;
    }
    return true;
}

/* ---- the whole ---- */

static bool add_segments(pw_instance *instance, pw_error *error)
{
    if (pw_segments_add(instance))
        return true;
    no_memory(error);
    return false;
}

/* Nearly all of a runtime is the compiler's state, its first member, which CompileFunction clears.
 */
static M3Runtime *new_runtime(void)
{
    M3Runtime *runtime = malloc(sizeof *runtime);
    size_t cleared = offsetof(M3Runtime, environment);
    if (runtime)
        memset((char *)runtime + cleared, 0, sizeof *runtime - cleared);
    return runtime;
}

static bool add_m3(pw_instance *instance, pw_error *error)
{
    pw_store *store = instance->store;
    instance->runtime = new_runtime();
    instance->m3 = calloc(1, sizeof *instance->m3);
    if (!instance->runtime || !instance->m3) {
        no_memory(error);
        return false;
    }
    m3_ResetErrorInfo(instance->runtime);
    instance->runtime->environment = store->environment;
    instance->runtime->userdata = instance;
    instance->runtime->modules = instance->m3;
    instance->m3->runtime = instance->runtime;
    instance->m3->environment = store->environment;
    instance->m3->name = "";
    instance->m3->startFunction = -1;
    instance->m3->wasmStart = instance->module->info.bytes;
    instance->m3->wasmEnd = instance->m3->wasmStart + instance->module->info.size;
    return true;
}

pw_instance *pw_instance_new(pw_store *store, pw_module *module, const pw_extern *imports,
                             pw_error *error)
{
    pw_store_end_linking(store);
    if (!check_supported(module, error))
        return NULL;
    pw_instance *instance = calloc(1, sizeof *instance);
    if (!instance) {
        no_memory(error);
        return NULL;
    }
    instance->store = store;
    instance->module = pw_module_retain(module);
    if (!add_m3(instance, error) || !add_types(instance, error) ||
        !add_functions(instance, imports, error) || !add_memory(instance, imports, error) ||
        !add_globals(instance, imports, error) || !add_tables(instance, imports, error) ||
        !add_segments(instance, error)) {
        pw_instance_free(instance);
        return NULL;
    }
    /* From here on the store keeps it: what a segment wrote into an imported table stays. */
    instance->next = store->instances;
    store->instances = instance;
    return pw_segments_apply(instance, error) ? instance : NULL;
}

void pw_instance_free(pw_instance *instance)
{
    if (instance->runtime && instance->m3)
        m3_FreeRuntime(instance->runtime); /* with its module and code */
    else {
        free(instance->runtime);
        free(instance->m3);
    }
    if (instance->own_tables)
        for (uint32_t i = 0; i < instance->module->ntables; ++i)
            free(instance->own_tables[i].elements);
    free(instance->own_tables);
    free(instance->tables);
    free(instance->globals);
    free(instance->elems);
    free(instance->datas);
    free(instance->thunks);
    if (instance->memory)
        pw_memory_release(instance->memory);
    pw_module_release(instance->module);
    free(instance);
}

pw_func *pw_instance_func(pw_instance *instance, uint32_t index)
{
    return pw_handle(&instance->m3->functions[index]);
}

pw_table *pw_instance_table(pw_instance *instance, uint32_t index)
{
    return instance->tables[index];
}

pw_memory *pw_instance_memory(pw_instance *instance, uint32_t index)
{
    (void)index; /* at most one yet */
    return instance->memory;
}

pw_global *pw_instance_global(pw_instance *instance, uint32_t index)
{
    return instance->globals[index];
}
