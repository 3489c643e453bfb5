/* SPDX-License-Identifier: MIT */
/* What the files of the bridge share. */
#ifndef PW_BRIDGE_H
#define PW_BRIDGE_H

#include "../engine/state.h"

#include "../engine/pages.h"
#include "../frontend/error.h"
#include "../frontend/limits.h"
#include "../frontend/module.h"

/* The store's one copy of a function type; borrowed from its environment. PW_UNSUPPORTED when a
 * type in it has no place in wasm3. */
pw_code pw_store_intern(pw_store *store, const pw_functype *type, IM3FuncType *result);
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
