/* SPDX-License-Identifier: MIT */
/* Globals. */
#include "base/zeroed.h"
#include "runtime/deftypes.h"
#include "runtime/objects.h"
#include "runtime/store.h"

#include <stdlib.h>

pw_global *pw_global_new(pw_store *store, pw_valtype type, bool is_mutable, const uint64_t *cells)
{
    pw_global *global = pw_zeroed(1, sizeof *global);
    if (global == NULL) {
        return NULL;
    }
    *global = (pw_global){
        .type = type,
        .resolved = pw_host_type(type),
        .is_mutable = is_mutable,
    };
    pw_global_set(global, cells);
    pw_store_add(store, PW_OBJECT_GLOBAL, &global->object);
    return global;
}

pw_valtype pw_global_type(const pw_global *global)
{
    return global->type;
}

bool pw_global_mutable(const pw_global *global)
{
    return global->is_mutable;
}

void pw_global_get(const pw_global *global, uint64_t *cells)
{
    for (uint32_t i = 0; i < pw_cells(global->type); i++) {
        cells[i] = global->cells[i];
    }
}

void pw_global_set(pw_global *global, const uint64_t *cells)
{
    for (uint32_t i = 0; i < pw_cells(global->type); i++) {
        global->cells[i] = cells[i];
    }
}
