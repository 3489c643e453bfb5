/* SPDX-License-Identifier: MIT */
/* Calling a Function. */
#ifndef PW_CPYTHON_CALL_H
#define PW_CPYTHON_CALL_H

#include <Python.h>

#include "base/attributes.h"
#include "cpython/fail.h"
#include "cpython/function.h"
#include "cpython/numbers.h"
#include "cpython/stop.h"
#include "cpython/store.h"

/* Vectorcall functions of a Function: the first one for functions whose parameters and results are
 * all numbers, which take one cell each, the second one for those with references or vectors. */
PyObject *pw_call_plain(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames);
PyObject *pw_call_mixed(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames);
/* The same for functions with exnref among their parameters or results. NULL with TypeError. */
PyObject *pw_call_refused(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames);

/* How many cells the array of a call needs: the results take the place of the arguments. */
static inline size_t pw_call_cells(const pw_callee *callee)
{
    uint32_t nparams = callee->nparam_cells, nresults = callee->nresult_cells;
    return nparams > nresults ? nparams : nresults;
}

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
