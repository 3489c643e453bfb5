/* SPDX-License-Identifier: MIT */
/* Calling a Function: from the arguments to the result. */
#include "cpython/call.h"

#include "cpython/references.h"

static PyObject *wrong_arity(pw_function_object *self, Py_ssize_t given, PyObject *kwnames)
{
    if (kwnames != NULL && PyTuple_GET_SIZE(kwnames)) {
        PyErr_Format(PyExc_TypeError, "%U() takes no keyword arguments", self->signature.name);
    } else {
        PyErr_Format(PyExc_TypeError, "%U() takes %zd argument%s but %zd %s given",
                     self->signature.name, self->nparams, self->nparams == 1 ? "" : "s", given,
                     given == 1 ? "was" : "were");
    }
    return NULL;
}

/* Converts the arguments to an array, and calls the Function. */
static PyObject *call(pw_function_object *self, PyObject *const *args, uint64_t *values)
{
    if (pw_encode_all(args, self->types, self->nparams, self->raw, values, self->signature.name,
                      "parameter") < 0) {
        return NULL;
    }
    return pw_call_encoded(self, values);
}

/* Calls a Function with references or vectors among its values. The store holds the arguments'
 * objects, and the results are converted, while it is entered: no other thread can make it release
 * them then. */
static PyObject *call_mixed(pw_function_object *self, PyObject *const *args, uint64_t *values)
{
    pw_store_object *store = self->signature.store;
    PyObject *result = NULL;
    if (pw_encode_mixed(args, self->types, self->nparams, self->raw, values, &self->signature,
                        false) < 0) {
        return NULL;
    }
    if (pw_store_enter(store) < 0) {
        return NULL;
    }
    if (pw_hold_references(store, self->types, values, self->nparams) == 0) {
        pw_trap trap = pw_run_call(store, &self->callee, values);
        if (trap != PW_TRAP_NONE) {
            return pw_function_fail(self, trap);
        }
        result =
            pw_decode_mixed(values, self->types + self->nparams, self->nresults, self->raw, store);
    }
    pw_store_leave(store);
    return result;
}

typedef PyObject *(*caller)(pw_function_object *self, PyObject *const *args, uint64_t *values);

static PyObject *call_large(pw_function_object *self, PyObject *const *args, caller inner)
{
    uint64_t *values = PyMem_New(uint64_t, pw_call_cells(&self->callee));
    if (values == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *result = inner(self, args, values);
    PyMem_Free(values);
    return result;
}

/* Calls a Function of numbers whose call cannot take place at once. */
static PW_NOINLINE PyObject *call_later(pw_function_object *self, PyObject *const *args)
{
    if (pw_call_cells(&self->callee) > PW_LOCAL_VALUES) {
        return call_large(self, args, call);
    }
    uint64_t values[PW_LOCAL_VALUES];
    return call(self, args, values);
}

PyObject *pw_call_plain(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given != self->nparams || kwnames != NULL) {
        if (given != self->nparams || PyTuple_GET_SIZE(kwnames)) {
            return wrong_arity(self, given, kwnames);
        }
    }
    int entered = pw_enter_at_once(self);
    if (entered <= 0) {
        return entered < 0 ? NULL : call_later(self, args);
    }
    uint64_t *cells = *self->callee.sp;
    if (!pw_encode_at_once(self, 0, args, cells + self->nresults)) {
        pw_store_leave(self->signature.store);
        return call_later(self, args);
    }
    return pw_call_at_once(self, cells);
}

PyObject *pw_call_mixed(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given != self->nparams || (kwnames != NULL && PyTuple_GET_SIZE(kwnames))) {
        return wrong_arity(self, given, kwnames);
    }
    if (pw_call_cells(&self->callee) > PW_LOCAL_VALUES) {
        return call_large(self, args, call_mixed);
    }
    uint64_t values[PW_LOCAL_VALUES];
    return call_mixed(self, args, values);
}

PyObject *pw_call_refused(PyObject *op, PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(nargsf),
                          PyObject *Py_UNUSED(kwnames))
{
    pw_function_object *self = (pw_function_object *)op;
    return PyErr_Format(PyExc_TypeError,
                        "%U() cannot be called from Python, because a reference to an exception is "
                        "among its parameters or results: %S",
                        self->signature.name, self->type);
}
