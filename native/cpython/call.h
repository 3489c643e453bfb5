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
/* The vectorcall function of a Function with exnref among its parameters or results, which Python
 * cannot call. NULL with TypeError. */
PyObject *pw_call_refused(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames);

/* How many cells the array of a call needs: the results take the place of the arguments. */
static inline size_t pw_call_cells(const pw_callee *callee)
{
    uint32_t nparams = callee->nparam_cells, nresults = callee->nresult_cells;
    return nparams > nresults ? nparams : nresults;
}

/* The next four functions are for a Function whose parameters and results are all numbers.
 *
 * A call can take place at once if no other thread is using the store, nothing watches the call,
 * and the arguments are common objects. The arguments are then converted straight to the value
 * stack, and the results from there, while the store is entered: that runs no Python code.
 *
 * Any other call converts its arguments before it enters the store, and its results after it has
 * left it, because conversions can run Python code, which can use the store or close it. */

/* Calls the Function with arguments that are encoded in `values`, which has room for the results,
 * too. */
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
    return pw_decode_results(values, self->types + self->nparams, self->nresults, self->raw,
                             &self->kept);
}

/* Enters the store if the call can take place at once, as far as the store is concerned: 1 when it
 * is entered, 0 if the call cannot, -1 with an error. */
static PW_ALWAYS_INLINE int pw_enter_at_once(const pw_function_object *self)
{
    pw_store_object *store = self->signature.store;
    int entered = pw_may_call_at_once(store) ? pw_store_try_enter(store) : 0;
#ifdef Py_GIL_DISABLED
    /* Another thread may have stopped the store for good before this thread had the turn. */
    if (entered > 0 && !pw_may_call_at_once(store)) {
        pw_store_leave(store);
        return 0;
    }
#endif
    return entered;
}

/* Converts arguments from the parameter `first` on, if all are common objects. */
static PW_ALWAYS_INLINE bool pw_encode_at_once(const pw_function_object *self, Py_ssize_t first,
                                               PyObject *const *args, uint64_t *cells)
{
    const pw_kind *types = self->types + first;
    Py_ssize_t count = self->nparams - first;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!pw_encode_common(args[i], types[i], self->raw, &cells[i])) {
            return false;
        }
    }
    return true;
}

/* Makes the call at once. The store is entered, and the arguments are on the value stack, behind
 * the cells of the results, which begin at `cells`. */
static PW_ALWAYS_INLINE PyObject *pw_call_at_once(pw_function_object *self, const uint64_t *cells)
{
    pw_trap trap = pw_run_in_place(self->signature.store, &self->callee);
    if (trap != PW_TRAP_NONE) {
        return pw_function_fail(self, trap);
    }
    PyObject *result = pw_decode_results(cells, self->types + self->nparams, self->nresults,
                                         self->raw, &self->kept);
    pw_store_leave(self->signature.store);
    return result;
}

#endif
