/* SPDX-License-Identifier: MIT */
/* BoundFunction: a Function whose first arguments are given once, checked and converted. */
#include "cpython/bind.h"

#include <stddef.h>
#include <structmember.h>

#include "cpython/call.h"
#include "cpython/function.h"
#include "cpython/map.h"
#include "cpython/numbers.h"
#include "cpython/references.h"
#include "cpython/signature.h"
#include "cpython/state.h"

const char pw_bind_doc[] = PyDoc_STR(
    "bind($self, /, *leading)\n--\n\n"
    "Returns a callable with the first arguments given.\n\n"
    "They are checked and converted once, which saves time in each call.\n\n"
    "Args:\n    *leading: The first arguments of every call.\n\n"
    "Raises:\n    TypeError: There are more arguments than parameters, or an argument has\n"
    "        the wrong type.\n"
    "    OverflowError: An int does not fit its parameter.");

typedef struct {
    PyObject_VAR_HEAD
    vectorcallfunc vectorcall;
    pw_function_object *function;
    PyObject *args;
    PyObject *weakrefs;
    uint64_t bits[]; /* the encoded args, if the function takes only numbers */
} bound_object;

/* The number of bound arguments. */
static Py_ssize_t given_before(const bound_object *self)
{
    return PyTuple_GET_SIZE(self->args);
}

/* ---- the call ---- */

static PyObject *wrong_arity(bound_object *self, Py_ssize_t given, PyObject *kwnames)
{
    PyObject *name = self->function->signature.name;
    Py_ssize_t wanted = self->function->nparams - given_before(self);
    if (kwnames != NULL && PyTuple_GET_SIZE(kwnames)) {
        PyErr_Format(PyExc_TypeError, "%U() takes no keyword arguments", name);
    } else {
        PyErr_Format(PyExc_TypeError,
                     "%U() takes %zd argument%s after those that are bound, but %zd %s given", name,
                     wanted, wanted == 1 ? "" : "s", given, given == 1 ? "was" : "were");
    }
    return NULL;
}

static PyObject *call(bound_object *self, PyObject *const *args, uint64_t *values)
{
    pw_function_object *function = self->function;
    Py_ssize_t before = given_before(self);
    for (Py_ssize_t i = 0; i < before; i++) {
        values[i] = self->bits[i];
    }
    for (Py_ssize_t i = before; i < function->nparams; i++) {
        pw_site site = {function->signature.name, "parameter", i};
        if (pw_encode(args[i - before], function->types[i], function->raw, &values[i], &site) < 0) {
            return NULL;
        }
    }
    return pw_call_encoded(function, values);
}

static PyObject *call_large(bound_object *self, PyObject *const *args)
{
    uint64_t *values = PyMem_New(uint64_t, pw_call_cells(&self->function->callee));
    if (values == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *result = call(self, args, values);
    PyMem_Free(values);
    return result;
}

/* Calls a function whose call cannot take place at once: see call.h. */
static PW_NOINLINE PyObject *call_later(bound_object *self, PyObject *const *args)
{
    if (pw_call_cells(&self->function->callee) > PW_LOCAL_VALUES) {
        return call_large(self, args);
    }
    uint64_t values[PW_LOCAL_VALUES];
    return call(self, args, values);
}

static PyObject *bound_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf,
                                  PyObject *kwnames)
{
    bound_object *self = (bound_object *)op;
    pw_function_object *function = self->function;
    Py_ssize_t before = given_before(self), given = PyVectorcall_NARGS(nargsf);
    if (given != function->nparams - before || (kwnames != NULL && PyTuple_GET_SIZE(kwnames))) {
        return wrong_arity(self, given, kwnames);
    }
    int entered = pw_enter_at_once(function);
    if (entered <= 0) {
        return entered < 0 ? NULL : call_later(self, args);
    }
    uint64_t *cells = *function->callee.sp, *arguments = cells + function->nresults;
    for (Py_ssize_t i = 0; i < before; i++) {
        arguments[i] = self->bits[i];
    }
    if (!pw_encode_at_once(function, before, args, arguments + before)) {
        pw_store_leave(function->signature.store);
        return call_later(self, args);
    }
    return pw_call_at_once(function, cells);
}

typedef PyObject *(*forward)(bound_object *self, PyObject *const *args, Py_ssize_t given,
                             PyObject *kwnames);

/* Calls `target` with the bound arguments before the given ones. The values of keyword arguments
 * come last, as in vectorcall. */
static PyObject *with_all(bound_object *self, PyObject *const *args, Py_ssize_t given,
                          PyObject *kwnames, forward target)
{
    Py_ssize_t before = given_before(self),
               keywords = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    PyObject *local[PW_LOCAL_VALUES] = {NULL}, **all = local;
    Py_ssize_t count = before + given + keywords;
    if (count > PW_LOCAL_VALUES) {
        all = PyMem_New(PyObject *, (size_t)count);
    }
    if (all == NULL) {
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        all[i] = i < before ? PyTuple_GET_ITEM(self->args, i) : args[i - before];
    }
    PyObject *result = target(self, all, before + given, kwnames);
    if (all != local) {
        PyMem_Free(all);
    }
    return result;
}

static PyObject *to_call(bound_object *self, PyObject *const *args, Py_ssize_t given,
                         PyObject *kwnames)
{
    return PyObject_Vectorcall((PyObject *)self->function, args, (size_t)given, kwnames);
}

/* Calls a function with references or vectors among its values. They are encoded anew for each
 * call, because the store may have been closed since they were bound. */
static PyObject *mixed_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf,
                                  PyObject *kwnames)
{
    bound_object *self = (bound_object *)op;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given != self->function->nparams - given_before(self) ||
        (kwnames != NULL && PyTuple_GET_SIZE(kwnames))) {
        return wrong_arity(self, given, kwnames);
    }
    return with_all(self, args, given, NULL, to_call);
}

/* ---- making and freeing ---- */

static int check(const pw_function_object *function, PyObject *const *args, Py_ssize_t count,
                 uint64_t *bits)
{
    if (count <= function->nparams) {
        return pw_encode_mixed(args, function->types, count, function->raw, bits,
                               &function->signature, false);
    }
    PyErr_Format(PyExc_TypeError, "%U() takes %zd argument%s, so %zd cannot be bound",
                 function->signature.name, function->nparams, function->nparams == 1 ? "" : "s",
                 count);
    return -1;
}

/* How many cells the first `count` parameters take; parameters that do not exist take none. */
static Py_ssize_t count_cells(const pw_function_object *function, Py_ssize_t count)
{
    Py_ssize_t cells = 0;
    for (Py_ssize_t i = 0; i < count && i < function->nparams; i++) {
        cells += pw_cells(function->types[i]);
    }
    return cells;
}

static bool is_mixed(const pw_function_object *function)
{
    for (Py_ssize_t i = 0; i < function->nparams + function->nresults; i++) {
        if (!pw_is_number(function->types[i])) {
            return true;
        }
    }
    return false;
}

/* Makes the tuple of bound arguments. A vector, or a number that is not exactly an int or a float,
 * is replaced by the value that it was converted to: it may be mutable, or map() may take it for an
 * array. */
static PyObject *frozen(const pw_function_object *function, PyObject *const *args, Py_ssize_t count,
                        const uint64_t *bits)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        pw_kind kind = function->types[i];
        bool constant = kind < PW_V128 || PyLong_CheckExact(args[i]) || PyFloat_CheckExact(args[i]);
        PyObject *value =
            constant ? Py_NewRef(args[i]) : pw_decode_any(bits, kind, function->raw, NULL);
        bits += pw_cells(kind);
        if (value != NULL) {
            PyTuple_SET_ITEM(tuple, i, value);
        } else {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

PyObject *pw_function_bind(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    pw_function_object *function = (pw_function_object *)op;
    Py_ssize_t cells = count_cells(function, nargs);
    pw_state *state = pw_state_of(Py_TYPE(op));
    bound_object *self =
        state != NULL ? PyObject_GC_NewVar(bound_object, state->bound_type, cells) : NULL;
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = is_mixed(function) ? mixed_vectorcall : bound_vectorcall;
    self->function = (pw_function_object *)Py_NewRef(op);
    self->args = NULL;
    self->weakrefs = NULL;
    if (check(function, args, nargs, self->bits) == 0) {
        self->args = frozen(function, args, nargs, self->bits);
    }
    if (self->args == NULL) {
        Py_CLEAR(self);
    } else {
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

static int bound_traverse(PyObject *op, visitproc visit, void *arg)
{
    bound_object *self = (bound_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->function);
    Py_VISIT(self->args);
    return 0;
}

/* There is no tp_clear, as with tuples: a BoundFunction never changes, so it can only be part of a
 * cycle through an object that was changed later, and which has a tp_clear. */
static void bound_dealloc(PyObject *op)
{
    bound_object *self = (bound_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    Py_DECREF(self->function);
    Py_XDECREF(self->args);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- attributes ---- */

static PyObject *to_map(bound_object *self, PyObject *const *args, Py_ssize_t given,
                        PyObject *kwnames)
{
    return pw_function_map((PyObject *)self->function, args, given, kwnames);
}

static PyObject *bound_map(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    return with_all((bound_object *)op, args, nargs, kwnames, to_map);
}

static PyObject *to_bind(bound_object *self, PyObject *const *args, Py_ssize_t given,
                         PyObject *Py_UNUSED(kwnames))
{
    return pw_function_bind((PyObject *)self->function, args, given);
}

static PyObject *bound_bind(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    return with_all((bound_object *)op, args, nargs, NULL, to_bind);
}

static PyObject *get_name(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(((bound_object *)op)->function->name);
}

static PyObject *get_signature(PyObject *op, void *Py_UNUSED(closure))
{
    bound_object *self = (bound_object *)op;
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL
               ? PyObject_CallFunction(state->signature, "On", self->function, given_before(self))
               : NULL;
}

/* The bound arguments may contain this object itself. */
static PyObject *bound_repr(PyObject *op)
{
    bound_object *self = (bound_object *)op;
    int entered = Py_ReprEnter(op);
    if (entered) {
        return entered < 0 ? NULL : PyUnicode_FromString("<pywasm3.BoundFunction ...>");
    }
    PyObject *text = PyUnicode_FromFormat(
        "<pywasm3.BoundFunction %U%s: %S, bound %R>", self->function->signature.name,
        self->function->raw ? ".raw" : "", self->function->type, self->args);
    Py_ReprLeave(op);
    return text;
}

static PyMemberDef bound_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(bound_object, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(bound_object, weakrefs), READONLY, NULL},
    {"function", T_OBJECT_EX, offsetof(bound_object, function), READONLY,
     PyDoc_STR("The Function that is called.")},
    {"args", T_OBJECT_EX, offsetof(bound_object, args), READONLY,
     PyDoc_STR("The bound arguments, a tuple.")},
    {0},
};

static PyGetSetDef bound_getset[] = {
    {"name", get_name, NULL, PyDoc_STR("The name of the function."), NULL},
    {"__name__", get_name, NULL, NULL, NULL},
    {"__qualname__", get_name, NULL, NULL, NULL},
    {"__signature__", get_signature, NULL, NULL, NULL},
    {0},
};

static PyMethodDef bound_methods[] = {
    {"map", (PyCFunction)(void (*)(void))bound_map, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("map($self, /, *arrays, out=None)\n--\n\n"
               "Calls the function once for each element of arrays: see Function.map.\n\n"
               "The bound arguments are the same for all elements, and not among `arrays`.")},
    {"bind", (PyCFunction)(void (*)(void))bound_bind, METH_FASTCALL,
     PyDoc_STR("bind($self, /, *leading)\n--\n\n"
               "Returns a callable with more arguments given, after those that are bound already:\n"
               "see Function.bind.")},
    {0},
};

static PyType_Slot bound_slots[] = {
    {Py_tp_doc, "A Function whose first arguments are given: see Function.bind."},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, bound_dealloc},
    {Py_tp_traverse, bound_traverse},
    {Py_tp_repr, bound_repr},
    {Py_tp_members, bound_members},
    {Py_tp_getset, bound_getset},
    {Py_tp_methods, bound_methods},
    {0, NULL},
};

PyType_Spec pw_bound_spec = {
    .name = "pywasm3.BoundFunction",
    .basicsize = offsetof(bound_object, bits),
    .itemsize = sizeof(uint64_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = bound_slots,
};
