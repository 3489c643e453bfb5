/* SPDX-License-Identifier: MIT */
/* Calling a Function. */
#ifndef PW_CPYTHON_CALL_H
#define PW_CPYTHON_CALL_H

#include <Python.h>

#include "base/attributes.h"
#include "cpython/function.h"
#include "cpython/numbers.h"
#include "cpython/stop.h"
#include "cpython/store.h"

/* Vectorcall functions of a Function: the first one for functions whose parameters and results are
 * all numbers, the second one for the others. */
PyObject *pw_call_plain(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames);
PyObject *pw_call_mixed(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames);

/* Calls a Function whose arguments are encoded in `values`, which has room for the results, too.
 * All parameters and results are numbers. */
static PW_ALWAYS_INLINE PyObject *pw_call_encoded(pw_function_object *self, uint64_t *values)
{
    if (pw_store_enter(self->signature.store) < 0) {
        return NULL;
    }
    pw_trap trap = pw_run_call(self->signature.store, &self->callee, values);
    if (trap != PW_TRAP_NONE) {
        return pw_function_fail(self, trap);
    }
    pw_store_leave(self->signature.store);
    return pw_decode_results(values, self->types + self->nparams, self->nresults, self->raw);
}

#endif
