/* SPDX-License-Identifier: MIT */
/* Makes instances: builds wasm3's structures from the decoded module, in the order that
 * instantiation has. https://webassembly.github.io/spec/core/exec/modules.html#instantiation */
#include "embed/instance.h"
#include "base/zeroed.h"
#include "embed/link.h"
#include "embed/pw.h"
#include "engine/engine.h"
#include "runtime/evaluate.h"
#include "runtime/allocate.h"
#include "runtime/deftypes.h"
#include "runtime/memory.h"
#include "runtime/segments.h"
#include "runtime/table.h"

#include <stdlib.h>
#include <string.h>

static void no_memory(pw_error *error)
{
    pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate an instance");
}

/* Allocates a zeroed array, which may be empty, and writes its address to `result`, the address of
 * a pointer. */
static bool allocate(void *result, size_t count, size_t size)
{
    void *array = pw_zeroed(count ? count : 1, size);
    memcpy(result, &array, sizeof array);
    return array != NULL;
}

/* Whether instantiation goes on after `done` functions or the like, of which a few thousand are
 * made in a fraction of a millisecond. False with `error` set when a deadline has passed. */
static bool goes_on(const pw_instance *instance, uint32_t done, pw_error *error)
{
    return done % 4096 != 0 || pw_may_go_on(&instance->store->meter, error);
}

/* ---- types and functions --------------------------------------------------------------------- */

static bool add_types(pw_instance *instance, pw_error *error)
{
    const pw_module_info *info = &instance->module->info;
    M3Module *m3 = instance->m3;
    if (!allocate(&m3->funcTypes, info->ntypes, sizeof *m3->funcTypes)) {
        no_memory(error);
        return false;
    }
    m3->numFuncTypes = info->ntypes;
    pw_code code = pw_store_intern(instance->store, instance->module, m3->funcTypes, error);
    if (code == PW_LIMIT) {
        pw_fail(error, code, 0,
                "instance too large: its %u types need more memory than the limits of the store "
                "leave",
                (unsigned)info->ntypes);
    } else if (code == PW_NO_MEMORY) {
        no_memory(error);
    }
    return code == PW_OK;
}

/* Makes the heap of the store if the module can make structures or arrays. */
static bool add_heap(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    for (uint32_t i = 0; i < module->info.ntypes; i++) {
        if (module->typedefs[i].kind != PW_TYPE_FUNC) {
            if (pw_heap_of(instance->store) == NULL) {
                no_memory(error);
                return false;
            }
            break;
        }
    }
    return true;
}

static bool add_functions(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    M3Module *m3 = instance->m3;
    uint32_t count = module->info.nfunctions;
    if (!allocate(&m3->functions, count, sizeof *m3->functions) ||
        !allocate(&instance->linked, module->nimported_functions, sizeof(M3Function *)) ||
        !allocate(&instance->thunks, module->nimported_functions,
                  PW_THUNK_WORDS * sizeof *instance->thunks)) {
        no_memory(error);
        return false;
    }
    m3->numFunctions = count;
    m3->numFuncImports = module->nimported_functions;
    for (uint32_t i = 0; i < count; i++) {
        M3Function *function = &m3->functions[i];
        if (!goes_on(instance, i, error)) {
            return false;
        }
        function->module = m3;
        function->funcType = m3->funcTypes[module->info.function_types[i]];
        if (i < module->nimported_functions) {
            continue;
        }
        const pw_body *body = &module->codes[i - module->nimported_functions];
        function->wasm = module->info.bytes + body->start;
        function->wasmEnd = module->info.bytes + body->end;
    }
    return true;
}

/* ---- memories, tables, globals, tags --------------------------------------------------------- */

/* Makes room for the index spaces. The imports are then put at the beginning of each. */
static bool add_spaces(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    if (!allocate(&instance->memories, module->nmemories, sizeof(pw_memory *)) ||
        !allocate(&instance->tables, module->ntables, sizeof(pw_table *)) ||
        !allocate(&instance->globals, module->nglobals, sizeof(pw_global *)) ||
        !allocate(&instance->tags, module->ntags, sizeof(pw_tag *))) {
        no_memory(error);
        return false;
    }
    instance->nmemories = module->nmemories;
    instance->ntables = module->ntables;
    instance->nglobals = module->nglobals;
    return true;
}

static bool add_memories(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    for (uint32_t i = 0; i < module->nmemories; i++) {
        const pw_memorydef *definition = &module->memories[i];
        if (definition->imported) {
            continue;
        }
        instance->memories[i] = pw_memory_new(instance->store, &definition->limits, error);
        if (instance->memories[i] == NULL) {
            return false;
        }
    }
    instance->header = module->nmemories != 0 ? pw_memory_header(pw_memory_at(instance, 0))
                                              : &instance->store->no_memory.m3;
    return true;
}

static bool add_tables(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    for (uint32_t i = 0; i < module->ntables; i++) {
        const pw_tabledef *definition = &module->tables[i];
        if (!goes_on(instance, i, error)) {
            return false;
        }
        if (definition->imported) {
            continue;
        }
        uint64_t init = 0;
        if (!pw_evaluate(instance, &definition->init, &init, error)) {
            return false;
        }
        pw_table *table =
            pw_table_new(instance->store, definition->type, &definition->limits, init, error);
        if (table == NULL) {
            return false;
        }
        table->resolved = pw_resolve_type(instance, definition->type);
        instance->tables[i] = table;
    }
    return true;
}

static bool add_globals(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    for (uint32_t i = 0; i < module->nglobals; i++) {
        const pw_globaldef *definition = &module->globals[i];
        if (!goes_on(instance, i, error)) {
            return false;
        }
        if (definition->imported) {
            continue;
        }
        uint64_t cells[PW_MAX_CELLS];
        if (!pw_evaluate(instance, &definition->init, cells, error)) {
            return false;
        }
        pw_global *global =
            pw_global_new(instance->store, definition->type, definition->is_mutable, cells);
        if (global == NULL) {
            no_memory(error);
            return false;
        }
        global->resolved = pw_resolve_type(instance, definition->type);
        instance->globals[i] = global;
    }
    return true;
}

static bool add_tags(pw_instance *instance, pw_error *error)
{
    const pw_module *module = instance->module;
    for (uint32_t i = 0; i < module->ntags; i++) {
        if (module->tags[i].imported) {
            continue;
        }
        pw_tag *tag = pw_zeroed(1, sizeof *tag);
        if (tag == NULL) {
            no_memory(error);
            return false;
        }
        tag->type = instance->m3->funcTypes[module->tags[i].type_index];
        pw_store_add(instance->store, PW_OBJECT_TAG, &tag->object);
        instance->tags[i] = tag;
    }
    return true;
}

/* ---- whole instances ------------------------------------------------------------------------- */

static bool add_segments(pw_instance *instance, pw_error *error)
{
    if (pw_segments_add(instance)) {
        return true;
    }
    no_memory(error);
    return false;
}

static bool add_m3(pw_instance *instance, pw_error *error)
{
    pw_store *store = instance->store;
    instance->runtime = pw_zeroed(1, sizeof *instance->runtime);
    instance->m3 = pw_zeroed(1, sizeof *instance->m3);
    if (instance->runtime == NULL || instance->m3 == NULL) {
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

static bool compile_all(pw_instance *instance, pw_error *error)
{
    pw_store *store = instance->store;
    uintptr_t saved = store->meter.native_limit;
    uint32_t index;
    store->meter.native_limit = pw_guest_stack_end();
    pw_trap trap = pw_compile_all(instance, &index);
    store->meter.native_limit = saved;
    if (trap == PW_TRAP_NONE) {
        return true;
    }
    if (trap == PW_TRAP_INTERRUPTED || trap == PW_TRAP_DEADLINE) {
        pw_fail(error, PW_TRAPPED, 0, "%s", pw_trap_text(trap));
        error->trap = trap;
        return false;
    }
    pw_fail(error, trap == PW_TRAP_NO_MEMORY ? PW_NO_MEMORY : PW_UNSUPPORTED,
            instance->module->codes[index - instance->module->nimported_functions].start, "%s",
            store->message);
    error->function = index;
    return false;
}

/* Bytes that an instance of the module takes, without its memories, the elements of its tables, its
 * code, and the store's types. */
static uint64_t cost_of(const pw_module *module)
{
    const pw_module_info *info = &module->info;
    return sizeof(pw_instance) + sizeof(M3Runtime) + sizeof(M3Module) +
           info->ntypes * sizeof(IM3FuncType) + info->nfunctions * sizeof(M3Function) +
           module->nimported_functions * (PW_THUNK_WORDS * sizeof(code_t) + sizeof(M3Function *)) +
           module->nmemories * sizeof(pw_memory *) +
           module->ntables * (sizeof(pw_table *) + sizeof(pw_table)) +
           module->nglobals * (sizeof(pw_global *) + sizeof(pw_global)) +
           module->ntags * (sizeof(pw_tag *) + sizeof(pw_tag)) + module->nelems * sizeof(pw_elem) +
           module->ndatas * sizeof(pw_data);
}

static bool charge(pw_instance *instance, pw_error *error)
{
    uint64_t cost = cost_of(instance->module);
    if (!pw_account_charge(instance->store->account, PW_CHARGE_OTHER, cost)) {
        return pw_fail(error, PW_LIMIT, 0,
                       "instance too large: it needs %llu bytes, which is more than the limits of "
                       "the store leave",
                       (unsigned long long)cost);
    }
    instance->charged = cost;
    return true;
}

static bool set_up(pw_instance *instance, const pw_extern *imports, bool eager, pw_error *error)
{
    return charge(instance, error) && add_m3(instance, error) && add_types(instance, error) &&
           add_heap(instance, error) && add_functions(instance, error) &&
           add_spaces(instance, error) && pw_link_imports(instance, imports, error) &&
           add_memories(instance, error) && add_globals(instance, error) &&
           add_tables(instance, error) && add_tags(instance, error) &&
           add_segments(instance, error) && (!eager || compile_all(instance, error));
}

pw_instance *pw_instance_new(pw_store *store, pw_module *module, const pw_extern *imports,
                             bool eager, void *embedder, pw_error *error)
{
    if (module->is_listing) {
        pw_fail(error, PW_UNSUPPORTED, 0,
                "not supported: the module was made only to be looked at");
        return NULL;
    }
    pw_instance *instance = pw_zeroed(1, sizeof *instance);
    if (instance == NULL) {
        no_memory(error);
        return NULL;
    }
    instance->store = store;
    instance->embedder = embedder;
    instance->module = pw_module_retain(module);
    if (!set_up(instance, imports, eager, error)) {
        pw_instance_free(instance);
        return NULL;
    }
    pw_store_add(store, PW_OBJECT_INSTANCE, &instance->object);
    /* Even if a segment fails, the instance lives on: what earlier segments wrote into an imported
     * table can refer to it. */
    if (pw_segments_evaluate(instance, error)) {
        pw_segments_apply(instance, error);
    }
    return instance;
}

/* An instance that could not be made may lack some of its memories. */
static void release_memories(pw_instance *instance)
{
    for (uint32_t i = 0; i < instance->nmemories; i++) {
        pw_memory *memory = pw_memory_at(instance, i);
        if (memory != NULL) {
            pw_memory_release(memory);
        }
    }
    free(instance->memories);
}

void pw_instance_free(pw_instance *instance)
{
    if (instance->runtime != NULL && instance->m3 != NULL) {
        pw_store_forget_types(instance->store, instance->m3->funcTypes);
        m3_FreeRuntime(instance->runtime); /* this also frees instance->m3 */
        /* wasm3 would give the code pages to other instances, together with the maps of the old
         * code. */
        FreeCodePages(&instance->store->environment->pagesReleased);
    } else {
        free(instance->runtime);
        free(instance->m3);
    }
    pw_free_handlers(instance);
    pw_instance_forget_kept(instance);
    release_memories(instance);
    free(instance->linked);
    free(instance->tables);
    free(instance->globals);
    free(instance->tags);
    pw_segments_free(instance);
    free(instance->thunks);
    pw_module_release(instance->module);
    pw_account_refund(instance->store->account, PW_CHARGE_OTHER, instance->charged);
    free(instance);
}

pw_func *pw_instance_func(pw_instance *instance, uint32_t index)
{
    return pw_func_of(&instance->m3->functions[index]);
}

pw_table *pw_instance_table(pw_instance *instance, uint32_t index)
{
    return instance->tables[index];
}

pw_memory *pw_instance_memory(pw_instance *instance, uint32_t index)
{
    return index < instance->nmemories ? pw_memory_at(instance, index) : NULL;
}

pw_global *pw_instance_global(pw_instance *instance, uint32_t index)
{
    return instance->globals[index];
}

pw_tag *pw_instance_tag(pw_instance *instance, uint32_t index)
{
    return instance->tags[index];
}
