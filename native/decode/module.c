/* SPDX-License-Identifier: MIT */
#include "decode/module.h"

#include <stdlib.h>

pw_module *pw_module_allocate(const uint8_t *bytes, size_t size)
{
    pw_module *module = calloc(1, sizeof *module);
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
