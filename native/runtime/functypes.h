/* SPDX-License-Identifier: MIT */
/* The identity of function types within a store. */
#ifndef PW_FUNCTYPES_H
#define PW_FUNCTYPES_H

#include "runtime/store.h"

/* A *resolved* value type has the store's number of a function type where a module has the type's
 * index, so that types of several modules can be compared. */

/* Finds or makes the store's copy of each function type of a module. types[i] is the copy for type
 * `i`, borrowed from the store. PW_OK, PW_NO_MEMORY,
 * PW_LIMIT when the limits of the store leave no room for the types, or PW_TRAPPED with `error` set
 * when the work must end; it does not end early if `error` is NULL. */
pw_code pw_store_intern(pw_store *store, const pw_module *module, IM3FuncType *types,
                        pw_error *error);

/* Finds or makes the store's copy of one function type that refers to no other type. *result is
 * borrowed from the store. Fails with PW_NO_MEMORY or PW_LIMIT, and *result is then NULL. */
pw_code pw_store_intern_one(pw_store *store, const pw_functype *type, IM3FuncType *result);

/* Resolves a type of the instance's module. */
pw_valtype pw_resolve_type(const pw_instance *instance, pw_valtype type);

/* How many cells the results and parameters of a function take together; the same by its type. */
uint32_t pw_type_cells(IM3FuncType type);
uint32_t pw_function_cells(const M3Function *function);

/* The resolved types of the parameters, borrowed from the type. */
const pw_valtype *pw_type_params(IM3FuncType type, uint32_t *count);

/* The resolved type of a reference to a function. */
pw_valtype pw_function_type(const M3Function *function);

/* The resolved type of a global or table that the host made, as long as its type has an index:
 * only the first module that imports it can say which type the index means. */
#define PW_UNRESOLVED 0

/* The resolved type of a global or table that the host makes. */
static inline pw_valtype pw_host_type(pw_valtype type)
{
    return type & PW_CONCRETE ? PW_UNRESOLVED : type;
}

/* Whether a resolved type is a subtype of another one. */
bool pw_type_matches(pw_valtype actual, pw_valtype expected);

/* Frees what pw_store_type remembers of the module that it was last asked about. */
void pw_store_end_linking(pw_store *store);
/* The same, if it borrows these types of an instance that is about to be freed. */
void pw_store_forget_types(pw_store *store, IM3FuncType *types);

#endif
