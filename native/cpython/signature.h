/* SPDX-License-Identifier: MIT */
/* Whose parameters and results are converted, and how each of them is. */
#ifndef PW_CPYTHON_SIGNATURE_H
#define PW_CPYTHON_SIGNATURE_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/values.h"
#include "cpython/store.h"
#include "decode/types.h"
#include "runtime/objects.h"

/* How a value is converted. Of numbers and v128 it is the byte of the type; references are below.
 */
typedef uint8_t pw_kind;
enum {
    PW_KIND_FUNC = 1,
    PW_KIND_EXTERN = 2,
    PW_KIND_OTHER = 3, /* only null */
    PW_KIND_NON_NULL = 0x10
};

pw_kind pw_kind_of(pw_valtype type);

static inline bool pw_is_number(pw_kind kind)
{
    return kind >= PW_V128;
}

/* Of parameters, then results. Whether there are references among them. */
static inline bool pw_fill_kinds(pw_kind *kinds, const pw_functype *type)
{
    bool references = false;
    for (uint32_t i = 0; i < type->nparams; i++) {
        references |= !pw_is_number(*kinds++ = pw_kind_of(type->params[i]));
    }
    for (uint32_t i = 0; i < type->nresults; i++) {
        references |= !pw_is_number(*kinds++ = pw_kind_of(type->results[i]));
    }
    return references;
}

/* Whose parameters or results are converted. */
typedef struct {
    PyObject *name;
    pw_store_object *store;
    pw_module *module;       /* that type indices refer to; a Function retains it */
    const pw_functype *type; /* of the module */
} pw_signature;

#endif
