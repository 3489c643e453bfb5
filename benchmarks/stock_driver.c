/* SPDX-License-Identifier: MIT */
/* Gives unchanged wasm3 a few functions, which compute.py and load.py compile and call. Errors are
 * wasm3's texts, and null if there was none. */
#include <stdlib.h>
#include <string.h>

#include "m3_env.h"
#include "wasm3.h"

#define EXPORT __attribute__((visibility("default")))

enum { STACK = 1 << 20 };

/* Parses a module and loads it into an environment of its own, which is never freed. The bytes must
 * stay. If the module imports its memory, it gets one of so many pages. */
EXPORT IM3Module stock_open(const uint8_t *bytes, uint32_t size, uint32_t pages, M3Result *error)
{
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, STACK, NULL);
    IM3Module module = NULL;
    *error = m3_ParseModule(environment, &module, bytes, size);
    if (!*error && pages) {
        runtime->memory.maxPages = pages;
        *error = ResizeMemory(runtime, pages);
    }
    if (!*error) {
        *error = m3_LoadModule(runtime, module);
    }
    return module;
}

/* A host function that does nothing. A result, if there is one, is in the first cell. */
static const void *return_zero(IM3Runtime runtime, IM3ImportContext context, uint64_t *sp,
                               void *memory)
{
    IM3FuncType type = context->function->funcType;
    if (type->numRets) {
        sp[0] = 0;
    }
    return NULL;
}

/* A host function (to, from, size) -> (), which copies memory. */
static const void *copy_memory(IM3Runtime runtime, IM3ImportContext context, uint64_t *sp,
                               void *memory)
{
    uint64_t to = (uint32_t)sp[0], from = (uint32_t)sp[1], size = (uint32_t)sp[2];
    uint64_t length = m3_GetMemorySize(runtime);
    if (to + size > length || from + size > length) {
        return m3Err_trapOutOfBoundsMemoryAccess;
    }
    memmove((uint8_t *)memory + to, (uint8_t *)memory + from, size);
    return NULL;
}

EXPORT M3Result stock_link(IM3Module module, const char *from, const char *name,
                           const char *signature, int copies)
{
    return m3_LinkRawFunction(module, from, name, signature, copies ? copy_memory : return_zero);
}

EXPORT M3Result stock_start(IM3Module module)
{
    return m3_RunStart(module);
}

/* Returns an exported function, which is compiled then. */
EXPORT IM3Function stock_find(IM3Module module, const char *name, M3Result *error)
{
    IM3Function function = NULL;
    *error = m3_FindFunction(&function, module->runtime, name);
    return function;
}

/* Calls a function with its arguments in cells of 8 bytes. It has one result or none. */
EXPORT M3Result stock_call(IM3Function function, uint32_t count, uint64_t *arguments, void *result)
{
    const void *pointers[16] = {NULL};
    const void *results[] = {result};
    for (uint32_t i = 0; i < count && i < 16; i++) {
        pointers[i] = &arguments[i];
    }
    M3Result error = m3_Call(function, count, pointers);
    if (!error && m3_GetRetCount(function)) {
        error = m3_GetResults(function, 1, results);
    }
    return error;
}

/* Returns the type of a function's result, as wasm3 numbers the types; 0 if there is none. */
EXPORT int stock_type(IM3Function function)
{
    return m3_GetRetCount(function) ? (int)m3_GetRetType(function, 0) : 0;
}

EXPORT uint8_t *stock_memory(IM3Module module)
{
    return m3_GetMemory(module->runtime, NULL, 0);
}

/* Parses, loads and compiles a whole module, and frees it. */
EXPORT M3Result stock_compile(const uint8_t *bytes, uint32_t size)
{
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, STACK, NULL);
    IM3Module module;
    M3Result error = m3_ParseModule(environment, &module, bytes, size);
    if (!error) {
        error = m3_LoadModule(runtime, module);
    }
    if (!error) {
        error = m3_CompileModule(module);
    }
    m3_FreeRuntime(runtime);
    m3_FreeEnvironment(environment);
    return error;
}
