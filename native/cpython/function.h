/* SPDX-License-Identifier: MIT */
/* What the ways to call a Function share. */
#ifndef PW_FUNCTION_H
#define PW_FUNCTION_H

#include "cpython/cpython.h"

typedef struct {
    PyObject_VAR_HEAD
    vectorcallfunc vectorcall;
    pw_party party; /* it holds the name, the store and the module */
    pw_func *func;  /* lives as long as the store is open, like the next */
    pw_callee callee;
    PyObject *type; /* FuncType */
    PyObject *weakrefs;
    Py_ssize_t nparams;
    Py_ssize_t nresults;
    bool raw;
    pw_kind types[]; /* parameters, then results; valid after the store is closed, too */
} pw_function_object;

/* ---- function.c ---- */

/* Raises for a trap, and leaves the store. NULL. */
PyObject *pw_function_fail(pw_function_object *self, pw_trap trap);

/* Calls with numbers that are encoded. `values` has room for the results. */
static PW_ALWAYS_INLINE PyObject *pw_call_encoded(pw_function_object *self, uint64_t *values)
{
    if (pw_store_enter(self->party.store) < 0) {
        return NULL;
    }
    pw_trap trap = pw_run_call(self->party.store, &self->callee, values);
    if (trap != PW_TRAP_NONE) {
        return pw_function_fail(self, trap);
    }
    pw_store_leave(self->party.store);
    return pw_decode_results(values, self->types + self->nparams, self->nresults, self->raw);
}

/* ---- map.c ---- */

PyObject *pw_function_map(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
extern const char pw_map_doc[];

/* ---- bind.c ---- */

extern PyType_Spec pw_bound_spec;
PyObject *pw_function_bind(PyObject *op, PyObject *const *args, Py_ssize_t nargs);
extern const char pw_bind_doc[];

#endif
