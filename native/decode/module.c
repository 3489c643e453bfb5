/* SPDX-License-Identifier: MIT */
/* Making and freeing modules, and looking up what they contain. */
#include "decode/module.h"
#include "base/zeroed.h"

#include <stdlib.h>

pw_module *pw_module_allocate(const uint8_t *bytes, size_t size)
{
    pw_module *module = pw_zeroed(1, sizeof *module);
    if (module == NULL) {
        return NULL;
    }
    atomic_init(&module->references, 1);
    pw_arena_init(&module->arena);
    module->info.start = PW_NO_INDEX;
    module->info.size = size;
    module->info.bytes = bytes;
    return module;
}

void pw_module_free(pw_module *module)
{
    pw_arena_free(&module->arena);
    free(module);
}

pw_module *pw_module_retain(pw_module *module)
{
    atomic_fetch_add_explicit(&module->references, 1, memory_order_relaxed);
    return module;
}

void pw_module_release(pw_module *module)
{
    if (atomic_fetch_sub_explicit(&module->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    free((void *)(uintptr_t)module->info.bytes);
    pw_module_free(module);
}

const pw_module_info *pw_module_get_info(const pw_module *module)
{
    return &module->info;
}

pw_name pw_module_function_name(const pw_module *module, uint32_t function)
{
    if (function >= module->info.nfunctions) {
        return (pw_name){0};
    }
    return module->function_names[function];
}

uint32_t pw_module_count(const pw_module *module, pw_externkind kind)
{
    switch (kind) {
    case PW_EXTERN_FUNC: return module->info.nfunctions;
    case PW_EXTERN_TABLE: return module->ntables;
    case PW_EXTERN_MEMORY: return module->nmemories;
    case PW_EXTERN_GLOBAL: return module->nglobals;
    default: return module->ntags;
    }
}

pw_externtype pw_module_extern(const pw_module *module, pw_externkind kind, uint32_t index)
{
    pw_externtype type = {.kind = kind};
    switch (kind) {
    case PW_EXTERN_FUNC: type.type_index = module->info.function_types[index]; break;
    case PW_EXTERN_TABLE:
        type.valtype = module->tables[index].type;
        type.limits = module->tables[index].limits;
        break;
    case PW_EXTERN_MEMORY: type.limits = module->memories[index].limits; break;
    case PW_EXTERN_GLOBAL:
        type.valtype = module->globals[index].type;
        type.is_mutable = module->globals[index].is_mutable;
        break;
    default: type.type_index = module->tags[index].type_index; break;
    }
    return type;
}

pw_definition pw_module_definition(const pw_module *module, uint32_t type)
{
    const pw_typedef *found = &module->typedefs[type];
    return (pw_definition){(pw_typekind)found->kind, found->super, found->is_final, found->nfields};
}

pw_field pw_module_field(const pw_module *module, uint32_t type, uint32_t field)
{
    return module->typedefs[type].fields[field];
}

pw_body pw_module_body(const pw_module *module, uint32_t function)
{
    if (function < module->nimported_functions || function >= module->info.nfunctions) {
        return (pw_body){0};
    }
    return module->codes[function - module->nimported_functions];
}
