/* SPDX-License-Identifier: MIT */
/* A function's parameters and results, for the code that converts their values. */
#ifndef PW_CPYTHON_SIGNATURE_H
#define PW_CPYTHON_SIGNATURE_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/values.h"
#include "cpython/store.h"
#include "decode/types.h"
#include "runtime/objects.h"

/* How a value is converted. The kind of a number or v128 is the byte of its type in the binary
 * format; the kinds of references are smaller than these bytes. So pw_cells(kind) is how many cells
 * a value of the kind takes. */
typedef uint8_t pw_kind;
enum {
    PW_KIND_FUNC = 1,       /* a function, or whatever is of a defined type */
    PW_KIND_EXTERN = 2,     /* any object */
    PW_KIND_ANY = 3,        /* a structure, an array, an int, or any object */
    PW_KIND_OTHER = 4,      /* a reference of which Python can only give null */
    PW_KIND_EXN = 5,        /* a reference to an exception, which never leaves wasm, nor null */
    PW_KIND_NON_NULL = 0x10 /* added to one of the others: null is excluded */
};

/* Returns the kind of a value type. */
pw_kind pw_kind_of(pw_valtype type);

/* Tells whether a kind is that of a number, which takes one cell, and not of v128 or a reference.
 */
static inline bool pw_is_number(pw_kind kind)
{
    return kind > PW_V128;
}

/* Writes the kinds of the parameters, then of the results. Returns whether there are others than
 * numbers among them. */
static inline bool pw_fill_kinds(pw_kind *kinds, const pw_functype *type)
{
    bool mixed = false;
    for (uint32_t i = 0; i < type->nparams; i++) {
        mixed |= !pw_is_number(*kinds++ = pw_kind_of(type->params[i]));
    }
    for (uint32_t i = 0; i < type->nresults; i++) {
        mixed |= !pw_is_number(*kinds++ = pw_kind_of(type->results[i]));
    }
    return mixed;
}

/* What Python sees of a type of the store, which is open. The number in a resolved type
 * (runtime/deftypes.h) means nothing to Python, so that a reference to a function of one type is
 * shown as one to any, and so are references to structures and arrays. */
pw_valtype pw_shown_type(const pw_store_object *store, pw_valtype type);

static inline bool pw_is_exnref(pw_kind kind)
{
    return (kind & ~PW_KIND_NON_NULL) == PW_KIND_EXN;
}

/* Tells whether there are references to exceptions among some types. */
static inline bool pw_has_exnref(const pw_valtype *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pw_is_exnref(pw_kind_of(types[i]))) {
            return true;
        }
    }
    return false;
}

/* Tells whether Python can neither call a function of a type, nor be called as one. */
static inline bool pw_is_refused(const pw_functype *type)
{
    return pw_has_exnref(type->params, type->nparams) ||
           pw_has_exnref(type->results, type->nresults);
}

/* The function whose parameters or results are converted: error messages name it, and references
 * need its store and its module. */
typedef struct {
    PyObject *name; /* for messages: a str that is short and printable (pw_label) */
    pw_store_object *store;
    pw_module *module;       /* defines the types that have an index; a Function retains it. NULL:
                                the types are resolved */
    const pw_functype *type; /* borrowed from the module */
} pw_signature;

#endif
