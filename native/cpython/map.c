/* SPDX-License-Identifier: MIT */
/* Function.map: one call per element of arrays. The engine runs the loop over the columns, which
 * are the elements of each argument and result. For deadlines and interruption a map is one call,
 * which takes a tick for each element. */
#include "cpython/map.h"

#include "cpython/columns.h"
#include "cpython/fail.h"
#include "cpython/function.h"
#include "cpython/numbers.h"
#include "cpython/raised.h"
#include "cpython/signature.h"
#include "cpython/state.h"
#include "cpython/stop.h"
#include "cpython/store.h"

const char pw_map_doc[] = PyDoc_STR(
    "map($self, /, *arrays, out=None)\n--\n\n"
    "Calls the function once for each element of arrays, in order, with the loop in C.\n\n"
    "Each argument is a one-dimensional buffer (array.array, bytes, memoryview, numpy array)\n"
    "whose items always fit the parameter's type, or a number, which is used for all elements.\n"
    "For v128, an array has 16 bytes for each index of its first dimension, as a numpy array of\n"
    "shape (n, 4) of float32 has; 16 bytes alone are one value, which is used for all elements.\n"
    "All arrays have the same length, and there is at least one.\n\n"
    "Args:\n    *arrays: One array or number for each parameter.\n"
    "    out: A writable buffer for the result, or a tuple of buffers for several results. It\n"
    "        may be one of the arguments. By default new arrays are made: numpy arrays if an\n"
    "        argument is one, array.array otherwise. For v128 they are numpy arrays of 16-byte\n"
    "        items, or memoryviews of shape (n, 16).\n\n"
    "Returns:\n    The array of results (`out` if it is given), a tuple of arrays if the function\n"
    "    has several results, or None if it has none.\n\n"
    "Raises:\n    TypeError: The number of arguments is wrong, items do not fit a parameter, or a\n"
    "        parameter or result is a reference.\n"
    "    ValueError: The lengths differ, an array has several dimensions, or results overlap.\n"
    "    Trap: The call for the element with the index `element` trapped; `out` has the results\n"
    "        of the elements before it.");

typedef struct {
    pw_function_object *function;
    pw_source *sources; /* of the parameters, then of the results */
    pw_column *columns;
    PyObject *results; /* the object that map() returns */
    Py_ssize_t ncolumns;
    Py_ssize_t count; /* the number of elements; below 0: not known yet */
    pw_site measured; /* the array whose length is the count */
} mapping;

static pw_site site_of(const mapping *self, const char *what, Py_ssize_t index)
{
    return (pw_site){self->function->signature.name, what, index};
}

/* ---- checks ---- */

static int require_values(const pw_function_object *function)
{
    for (Py_ssize_t i = 0; i < function->nparams + function->nresults; i++) {
        pw_kind kind = function->types[i];
        if (kind >= PW_V128) {
            continue;
        }
        bool result = i >= function->nparams;
        Py_ssize_t index = result ? i - function->nparams : i;
        PyErr_Format(
            PyExc_TypeError, "%U: map() is for numbers and vectors, but %s %zd is a reference: %S",
            function->signature.name, result ? "result" : "parameter", index, function->type);
        return -1;
    }
    return 0;
}

static int require_arity(const pw_function_object *function, Py_ssize_t given)
{
    if (given == function->nparams) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%U.map() takes %zd argument%s but %zd %s given",
                 function->signature.name, function->nparams, function->nparams == 1 ? "" : "s",
                 given, given == 1 ? "was" : "were");
    return -1;
}

/* Names an argument or output in a message: "parameter 1", "out". */
static PyObject *words_of(const pw_site *site)
{
    return site->index < 0 ? PyUnicode_FromString(site->what)
                           : PyUnicode_FromFormat("%s %zd", site->what, site->index);
}

/* Checks that an array is as long as the ones before it. */
static int take_length(mapping *self, Py_ssize_t length, const pw_site *site)
{
    if (self->count < 0) {
        self->count = length;
        self->measured = *site;
    }
    if (length == self->count) {
        return 0;
    }
    PyObject *here = words_of(site), *there = words_of(&self->measured);
    if (here != NULL && there != NULL) {
        PyErr_Format(PyExc_ValueError, "%U: %U has %zd element%s, and %U has %zd", site->name, here,
                     length, length == 1 ? "" : "s", there, self->count);
    }
    Py_XDECREF(here);
    Py_XDECREF(there);
    return -1;
}

/* ---- arguments ---- */

static int take_input(mapping *self, Py_ssize_t index, PyObject *value)
{
    const pw_function_object *function = self->function;
    pw_site site = site_of(self, "parameter", index);
    pw_source *source = &self->sources[index];
    pw_valtype type = function->types[index];
    if (!pw_is_array(value, type)) {
        return pw_set_scalar(source, value, type, function->raw, &site);
    }
    Py_ssize_t length = pw_open_input(source, value, type, function->raw, &site);
    return length < 0 ? -1 : take_length(self, length, &site);
}

static int take_output(mapping *self, Py_ssize_t index, PyObject *value)
{
    const pw_function_object *function = self->function;
    Py_ssize_t place = function->nparams + index;
    pw_site site = site_of(self, "out", function->nresults == 1 ? -1 : index);
    Py_ssize_t length =
        pw_open_output(&self->sources[place], value, function->types[place], function->raw, &site);
    return length < 0 ? -1 : take_length(self, length, &site);
}

/* ---- results ---- */

/* Opens `out`: one buffer, or a tuple of buffers if the function has several results. */
static int take_outputs(mapping *self, PyObject *out)
{
    Py_ssize_t nresults = self->function->nresults;
    if (nresults == 1) {
        return take_output(self, 0, out);
    }
    if (nresults == 0) {
        PyErr_Format(PyExc_TypeError,
                     "%U: there are no results for out, because the function returns none",
                     self->function->signature.name);
        return -1;
    }
    if (!PyTuple_Check(out) || PyTuple_GET_SIZE(out) != nresults) {
        PyErr_Format(PyExc_TypeError, "%U: out must be a tuple of %zd buffers",
                     self->function->signature.name, nresults);
        return -1;
    }
    for (Py_ssize_t i = 0; i < nresults; i++) {
        if (take_output(self, i, PyTuple_GET_ITEM(out, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

static const char *typecode(pw_valtype type, bool raw)
{
    switch (type) {
    case PW_V128: return "v128";
    case PW_I32: return raw ? "I" : "i";
    case PW_I64: return raw ? "Q" : "q";
    case PW_F32: return raw ? "I" : "f";
    default: return raw ? "Q" : "d";
    }
}

static PyObject *new_result(mapping *self, PyObject *arguments, Py_ssize_t index)
{
    const pw_function_object *function = self->function;
    pw_state *state = pw_state_of(Py_TYPE(function));
    PyObject *array =
        state != NULL
            ? PyObject_CallFunction(
                  state->array, "Osn", arguments,
                  typecode(function->types[function->nparams + index], function->raw), self->count)
            : NULL;
    if (array != NULL && take_output(self, index, array) < 0) {
        Py_CLEAR(array);
    }
    return array;
}

static PyObject *new_results(mapping *self, PyObject *arguments)
{
    Py_ssize_t nresults = self->function->nresults;
    if (nresults == 0) {
        Py_RETURN_NONE;
    }
    if (nresults == 1) {
        return new_result(self, arguments, 0);
    }
    PyObject *tuple = PyTuple_New(nresults);
    for (Py_ssize_t i = 0; tuple != NULL && i < nresults; i++) {
        PyObject *array = new_result(self, arguments, i);
        if (array != NULL) {
            PyTuple_SET_ITEM(tuple, i, array);
        } else {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

/* ---- overlaps ---- */

static int require_apart(const mapping *self)
{
    const pw_function_object *function = self->function;
    const pw_source *outputs = self->sources + function->nparams;
    for (Py_ssize_t i = 1; i < function->nresults; i++) {
        for (Py_ssize_t j = 0; j < i; j++) {
            if (pw_overlap(&outputs[i], &outputs[j], self->count)) {
                PyErr_Format(PyExc_ValueError, "%U: out %zd and out %zd overlap",
                             function->signature.name, j, i);
                return -1;
            }
        }
    }
    return 0;
}

/* Tells whether writing results would change elements of an input before they are read. */
static bool overwritten(const mapping *self, const pw_source *input)
{
    const pw_source *outputs = self->sources + self->function->nparams;
    for (Py_ssize_t i = 0; i < self->function->nresults; i++) {
        if (pw_overlap(input, &outputs[i], self->count) && !pw_same_places(input, &outputs[i])) {
            return true;
        }
    }
    return false;
}

/* Makes sure that results overlap neither each other nor inputs that are still to be read. */
static int separate(mapping *self)
{
    if (require_apart(self) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->function->nparams; i++) {
        pw_source *input = &self->sources[i];
        if (input->view.obj != NULL && overwritten(self, input) &&
            pw_copy_column(input, self->count) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the map ---- */

static int take_arguments(mapping *self, PyObject *const *args, PyObject *out)
{
    for (Py_ssize_t i = 0; i < self->function->nparams; i++) {
        if (take_input(self, i, args[i]) < 0) {
            return -1;
        }
    }
    if (out != Py_None) {
        self->results = Py_NewRef(out);
        if (take_outputs(self, out) < 0) {
            return -1;
        }
    }
    if (self->count < 0) {
        PyErr_Format(PyExc_TypeError,
                     "%U.map() takes at least one array, whose length is the number of calls",
                     self->function->signature.name);
        return -1;
    }
    if (out == Py_None) {
        PyObject *arguments = PyTuple_New(self->function->nparams);
        for (Py_ssize_t i = 0; arguments != NULL && i < self->function->nparams; i++) {
            PyTuple_SET_ITEM(arguments, i, Py_NewRef(args[i]));
        }
        self->results = arguments != NULL ? new_results(self, arguments) : NULL;
        Py_XDECREF(arguments);
    }
    return self->results != NULL ? separate(self) : -1;
}

/* Tells the exception which element failed. `own` says that it is a trap of this call, or
 * that wasm threw it in this call. An error
 * here is ignored, because the exception is more important. */
static void name_element(const mapping *self, size_t element, bool own)
{
    pw_state *state = pw_state_of(Py_TYPE(self->function));
    PyObject *error = pw_raised_take();
    PyObject *done = state != NULL
                         ? PyObject_CallFunction(state->element, "OnO", error, (Py_ssize_t)element,
                                                 own ? Py_True : Py_False)
                         : NULL;
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
    pw_raised_set(error);
}

static int run(mapping *self)
{
    pw_function_object *function = self->function;
    pw_store_object *store = function->signature.store;
    for (Py_ssize_t i = 0; i < self->ncolumns; i++) {
        self->columns[i] = self->sources[i].column;
    }
    pw_map_job job = {self->columns, (size_t)self->count, 0};
    if (pw_store_enter(store) < 0) {
        return -1;
    }
    pw_trap trap = pw_watched_map(store, &function->callee, &job);
    if (trap == PW_TRAP_NONE) {
        pw_store_leave(store);
        return 0;
    }
    bool of_host = PyErr_Occurred() != NULL;
    pw_function_fail(function, trap);
    name_element(self, job.done, !of_host);
    return -1;
}

static PyObject *map(mapping *self, PyObject *const *args, PyObject *out)
{
    size_t ncolumns = (size_t)self->ncolumns;
    self->sources = PyMem_Calloc(ncolumns, sizeof *self->sources);
    self->columns = PyMem_Calloc(ncolumns, sizeof *self->columns);
    int status = -1;
    if (self->sources == NULL || self->columns == NULL) {
        PyErr_NoMemory();
    } else if (take_arguments(self, args, out) == 0) {
        status = run(self);
    }
    for (Py_ssize_t i = 0; self->sources != NULL && i < self->ncolumns; i++) {
        pw_close_source(&self->sources[i]);
    }
    PyMem_Free(self->sources);
    PyMem_Free(self->columns);
    if (status < 0) {
        Py_CLEAR(self->results);
    }
    return self->results;
}

/* Takes the value of the only keyword argument, which may be missing. */
static int take_out(PyObject *const *values, PyObject *kwnames, PyObject **out)
{
    *out = Py_None;
    for (Py_ssize_t i = 0; kwnames != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (PyUnicode_CompareWithASCIIString(name, "out") != 0) {
            PyErr_Format(PyExc_TypeError, "map() got an unexpected keyword argument '%U'", name);
            return -1;
        }
        *out = values[i];
    }
    return 0;
}

PyObject *pw_function_map(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    pw_function_object *function = (pw_function_object *)op;
    PyObject *out;
    if (take_out(args + nargs, kwnames, &out) < 0 || require_values(function) < 0 ||
        require_arity(function, nargs) < 0) {
        return NULL;
    }
    mapping self = {
        .function = function, .ncolumns = function->nparams + function->nresults, .count = -1};
    return map(&self, args, out);
}
