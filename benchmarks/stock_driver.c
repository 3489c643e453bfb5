/* SPDX-License-Identifier: MIT */
/* Gives unchanged wasm3 a few functions, which compute.py and load.py compile and call. */
#include <stdlib.h>

#include "wasm3.h"

__attribute__((visibility("default"))) IM3Function stock_load(const uint8_t *bytes, uint32_t size,
                                                              const char *name)
{
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, 1 << 20, NULL);
    IM3Module module;
    IM3Function function;
    if (m3_ParseModule(environment, &module, bytes, size) || m3_LoadModule(runtime, module) ||
        m3_FindFunction(&function, runtime, name))
        return NULL;
    return function;
}

/* Calls a function of type i32 -> i32. The process ends if the function traps. */
__attribute__((visibility("default"))) uint32_t stock_run(IM3Function function, uint32_t argument)
{
    uint32_t result = 0;
    const void *arguments[] = {&argument};
    if (m3_Call(function, 1, arguments) || m3_GetResultsV(function, &result))
        abort();
    return result;
}

/* Parses, loads and compiles a whole module, and frees it. Returns wasm3's error, or NULL. */
__attribute__((visibility("default"))) const char *stock_compile(const uint8_t *bytes,
                                                                 uint32_t size)
{
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, 1 << 20, NULL);
    IM3Module module;
    const char *error = m3_ParseModule(environment, &module, bytes, size);
    if (!error)
        error = m3_LoadModule(runtime, module);
    if (!error)
        error = m3_CompileModule(module);
    m3_FreeRuntime(runtime);
    m3_FreeEnvironment(environment);
    return error;
}
