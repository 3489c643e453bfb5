/* SPDX-License-Identifier: MIT */
/* Function types of a store. */
#ifndef PW_FUNCTYPES_H
#define PW_FUNCTYPES_H

#include "runtime/store.h"

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

#endif
