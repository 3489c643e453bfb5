/* SPDX-License-Identifier: MIT */
/* The class Function: its attributes and methods. */
#include "cpython/function_type.h"

#include <stddef.h>
#include <structmember.h>

#include "cpython/bind.h"
#include "cpython/function.h"
#include "cpython/map.h"
#include "cpython/state.h"
#include "cpython/store.h"

static PyObject *get_signature(PyObject *op, void *Py_UNUSED(closure))
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? PyObject_CallFunction(state->signature, "Oi", op, 0) : NULL;
}

static PyObject *get_aio(PyObject *op, void *Py_UNUSED(closure))
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? PyObject_CallOneArg(state->aio, op) : NULL;
}

static PyObject *get_raw(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    if (self->raw) {
        return Py_NewRef(op);
    }
    const pw_signature *signature = &self->signature;
    if (pw_store_require_open(signature->store) < 0) {
        return NULL;
    }
    pw_state *state = pw_state_of(Py_TYPE(op));
    if (state == NULL) {
        return NULL;
    }
    pw_known known = {self->func, self->callee,    signature->module, signature->type,
                      self->name, signature->name, self->type};
    return pw_function_new(state, signature->store, &known, self->anchor, true);
}

static PyObject *get_anchor(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(((pw_function_object *)op)->anchor);
}

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    if (pw_store_require_open(self->signature.store) < 0) {
        return NULL;
    }
    return PyLong_FromVoidPtr(self->func);
}

static PyObject *get_num_args(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(((pw_function_object *)op)->nparams);
}

static PyObject *get_num_rets(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(((pw_function_object *)op)->nresults);
}

/* Returns a tuple of the type codes that the `wasm3` package (PyPI's pywasm3 0.5.0) uses: i32 1,
 * i64 2, f32 3, f64 4; 0 for other types. */
static PyObject *type_codes(const pw_kind *types, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *code = PyLong_FromLong(types[i] < PW_F64 ? 0 : PW_I32 + 1 - types[i]);
        if (code == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, code);
        }
    }
    return tuple;
}

static PyObject *get_arg_types(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    return type_codes(self->types, self->nparams);
}

static PyObject *get_ret_types(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    return type_codes(self->types + self->nparams, self->nresults);
}

static PyObject *call_argv(PyObject *op, PyObject *args)
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? PyObject_CallFunctionObjArgs(state->call_argv, op, args, NULL) : NULL;
}

static PyObject *function_repr(PyObject *op)
{
    pw_function_object *self = (pw_function_object *)op;
    return PyUnicode_FromFormat("<pywasm3.Function %U%s: %S>", self->signature.name,
                                self->raw ? ".raw" : "", self->type);
}

static PyObject *function_richcompare(PyObject *op, PyObject *other, int operation)
{
    if ((operation != Py_EQ && operation != Py_NE) || Py_TYPE(op) != Py_TYPE(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    pw_function_object *a = (pw_function_object *)op, *b = (pw_function_object *)other;
    bool same = a->signature.store == b->signature.store && a->func == b->func && a->raw == b->raw;
    return PyBool_FromLong(same == (operation == Py_EQ));
}

static Py_hash_t function_hash(PyObject *op)
{
    return (Py_hash_t)((uintptr_t)((pw_function_object *)op)->func >> 4);
}

/* A Function that is an attribute of a class does not become a method of its instances, as with
 * built-in functions. Having tp_descr_get also makes pydoc show a Function as a routine. */
static PyObject *function_descr_get(PyObject *op, PyObject *Py_UNUSED(instance),
                                    PyObject *Py_UNUSED(owner))
{
    return Py_NewRef(op);
}

static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(pw_function_object, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(pw_function_object, weakrefs), READONLY, NULL},
    {"name", T_OBJECT_EX, offsetof(pw_function_object, name), READONLY,
     PyDoc_STR("The name of the export, or the name that the function has in its module.")},
    {"__name__", T_OBJECT_EX, offsetof(pw_function_object, name), READONLY, NULL},
    {"__qualname__", T_OBJECT_EX, offsetof(pw_function_object, name), READONLY, NULL},
    {"_label", T_OBJECT_EX, offsetof(pw_function_object, signature.name), READONLY,
     PyDoc_STR("The name as messages show it.")},
    {"type", T_OBJECT_EX, offsetof(pw_function_object, type), READONLY,
     PyDoc_STR("The FuncType: the types of the parameters and results.")},
    {"store", T_OBJECT_EX, offsetof(pw_function_object, signature.store), READONLY,
     PyDoc_STR("The Store that the function runs in.")},
    {0},
};

static PyGetSetDef function_getset[] = {
    {"raw", get_raw, NULL,
     PyDoc_STR(
         "The same function, but taking and returning numbers as bit patterns.\n\n"
         "Every number is an int of 32 or 64 bits, so that floats pass bit-exactly, including\n"
         "signalling NaNs. A v128 is a pair of ints, of which the first has the low 64 bits.\n"
         "References have no bit patterns: they are the same objects that the function itself\n"
         "takes and returns."),
     NULL},
    {"aio", get_aio, NULL,
     PyDoc_STR(
         "The same function for asyncio: ``await f.aio(1, 2)`` runs it on another thread.\n\n"
         "Cancelling the task stops the guest. Host functions that such a call reaches may be\n"
         "``async def``."),
     NULL},
    {"num_args", get_num_args, NULL, PyDoc_STR("The number of parameters."), NULL},
    {"num_rets", get_num_rets, NULL, PyDoc_STR("The number of results."), NULL},
    {"arg_types", get_arg_types, NULL,
     PyDoc_STR("The parameter types as wasm3's numbers: i32 1, i64 2, f32 3, f64 4, others 0."),
     NULL},
    {"ret_types", get_ret_types, NULL,
     PyDoc_STR("The result types as wasm3's numbers: i32 1, i64 2, f32 3, f64 4, others 0."), NULL},
    {"__signature__", get_signature, NULL, NULL, NULL},
    {"_address", get_address, NULL, PyDoc_STR("The address of the pw_func."), NULL},
    {"_anchor", get_anchor, NULL, PyDoc_STR("The anchor of the instance."), NULL},
    {0},
};

static PyMethodDef function_methods[] = {
    {"call_argv", call_argv, METH_VARARGS,
     PyDoc_STR("call_argv($self, /, *args)\n--\n\n"
               "Calls the function with arguments given as text, as on a command line.\n\n"
               "Raises:\n    WasmError: The number of arguments is wrong, or a text is not a value "
               "of the\n"
               "        parameter's type.")},
    {"map", (PyCFunction)(void (*)(void))pw_function_map, METH_FASTCALL | METH_KEYWORDS,
     pw_map_doc},
    {"bind", (PyCFunction)(void (*)(void))pw_function_bind, METH_FASTCALL, pw_bind_doc},
    {0},
};

static PyType_Slot function_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, pw_function_dealloc},
    {Py_tp_traverse, pw_function_traverse},
    {Py_tp_descr_get, function_descr_get},
    {Py_tp_repr, function_repr},
    {Py_tp_richcompare, function_richcompare},
    {Py_tp_hash, function_hash},
    {Py_tp_members, function_members},
    {Py_tp_getset, function_getset},
    {Py_tp_methods, function_methods},
    {0, NULL},
};

PyType_Spec pw_function_spec = {
    .name = "pywasm3.Function",
    .basicsize = offsetof(pw_function_object, types),
    .itemsize = 1,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = function_slots,
};
