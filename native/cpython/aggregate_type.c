/* SPDX-License-Identifier: MIT */
/* The base of the classes Struct and Array, which add everything that need not be fast. */
#include "cpython/aggregate_type.h"

#include <stddef.h>
#include <structmember.h>

#include "cpython/aggregate.h"
#include "cpython/numbers.h"
#include "cpython/references.h"
#include "cpython/signature.h"
#include "embed/reference.h"

/* ---- making and freeing ---- */

static PyObject *aggregate_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                               PyObject *Py_UNUSED(kwargs))
{
    return PyErr_Format(PyExc_TypeError,
                        "cannot create '%.200s' objects: call pywasm3.Struct or pywasm3.Array",
                        type->tp_name);
}

static int aggregate_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((pw_aggregate_object *)op)->store);
    return 0;
}

static void aggregate_dealloc(PyObject *op)
{
    pw_aggregate_object *self = (pw_aggregate_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    pw_aggregate_drop(self->store, self->handle);
    Py_DECREF(self->store);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- comparing ---- */

/* Two objects are equal if they stand for the same structure or array. */
static PyObject *aggregate_compare(PyObject *op, PyObject *other, int operator)
{
    const pw_aggregate_object *a = (const pw_aggregate_object *)op;
    pw_state *state = pw_state_of(Py_TYPE(a->store));
    if (state == NULL) {
        return NULL;
    }
    if ((operator != Py_EQ && operator != Py_NE) || !pw_is_aggregate(other, state)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    bool equal = pw_aggregate_in(other, a->store) == a->ref;
    return PyBool_FromLong(equal == (operator == Py_EQ));
}

static Py_hash_t aggregate_hash(PyObject *op)
{
    const pw_aggregate_object *self = (const pw_aggregate_object *)op;
    return (Py_hash_t)(self->ref >> 4);
}

/* ---- values ---- */

static const char *kind_name(const pw_aggregate_object *self)
{
    return self->is_array ? "array" : "struct";
}

/* The type of a field, or of the elements of an array. The store is entered. */
static pw_field field_of(const pw_aggregate_object *self, uint32_t index)
{
    return pw_engine->type_field(self->store->store, self->number, self->is_array ? 0 : index);
}

/* Converts an index, and checks that it is one. -1 with an error. */
static int convert_index(const pw_aggregate_object *self, PyObject *key, uint32_t *index)
{
    PyObject *number = PyNumber_Index(key);
    if (number == NULL) {
        return -1;
    }
    Py_ssize_t position = PyNumber_AsSsize_t(number, NULL); /* clipped, and then out of range */
    int status = 0;
    if (position < 0 || (size_t)position >= self->length) {
        PyErr_Format(PyExc_IndexError, "%s index %S is out of range: the length is %u",
                     kind_name(self), number, (unsigned)self->length);
        status = -1;
    }
    *index = (uint32_t)position;
    Py_DECREF(number);
    return status;
}

/* Converts an int for a field of 8 or 16 bits, in the signed or the unsigned range. */
static int encode_packed(PyObject *value, pw_valtype type, uint64_t *cell)
{
    int bits = type == PW_PACKED_I8 ? 8 : 16, overflow;
    PyObject *number = PyNumber_Index(value);
    if (number == NULL) {
        return -1;
    }
    long long found = PyLong_AsLongLongAndOverflow(number, &overflow);
    Py_DECREF(number);
    if (overflow != 0 || found < -(1LL << (bits - 1)) || found >= 1LL << bits) {
        PyErr_Format(PyExc_OverflowError, "%R does not fit %d bits", value, bits);
        return -1;
    }
    *cell = (uint64_t)found;
    return 0;
}

/* Puts before the message of an error which field or element it is about. */
static void blame(const pw_aggregate_object *self, uint32_t index, pw_valtype type)
{
    PyObject *kind, *value, *traceback;
    PyErr_Fetch(&kind, &value, &traceback);
    pw_site site = {PyUnicode_FromString(kind_name(self)), self->is_array ? "element" : "field",
                    (Py_ssize_t)index};
    if (site.name == NULL) {
        PyErr_Clear();
    }
    PyErr_Restore(kind, value, traceback);
    if (site.name != NULL) {
        pw_blame(&site, pw_is_packed(type) ? PW_I32 : pw_shown_type(self->store, type));
        Py_DECREF(site.name);
    }
}

/* Writes a value to a field or an element, which must exist. The store is entered. */
static int write_value(const pw_aggregate_object *self, uint32_t index, PyObject *value)
{
    uint64_t cells[PW_MAX_CELLS];
    pw_valtype type = field_of(self, index).type;
    int status = pw_is_packed(type) ? encode_packed(value, type, cells)
                                    : pw_encode_value(self->store, NULL, value, type, cells);
    if (status < 0) {
        blame(self, index, type);
    } else {
        pw_engine->held_set(self->store->store, self->handle, index, cells);
    }
    return status;
}

static PyObject *read_value(const pw_aggregate_object *self, uint32_t index)
{
    uint64_t cells[PW_MAX_CELLS];
    pw_valtype type = field_of(self, index).type;
    pw_engine->held_get(self->store->store, self->handle, index, cells);
    return pw_is_packed(type) ? PyLong_FromUnsignedLongLong(*cells)
                              : pw_decode_any(cells, pw_kind_of(type), false, self->store);
}

static PyObject *aggregate_get(PyObject *op, PyObject *key)
{
    const pw_aggregate_object *self = (const pw_aggregate_object *)op;
    uint32_t index;
    if (convert_index(self, key, &index) < 0 || pw_store_enter(self->store) < 0) {
        return NULL;
    }
    PyObject *value = read_value(self, index);
    pw_store_leave(self->store);
    return value;
}

static int require_mutable(const pw_aggregate_object *self, uint32_t index)
{
    pw_field field = field_of(self, index);
    if (field.is_mutable) {
        return 0;
    }
    if (self->is_array) {
        PyErr_SetString(PyExc_TypeError, "the elements of the array are immutable");
    } else {
        PyErr_Format(PyExc_TypeError, "field %u of the struct is immutable", (unsigned)index);
    }
    return -1;
}

static PyObject *aggregate_set(PyObject *op, PyObject *args)
{
    const pw_aggregate_object *self = (const pw_aggregate_object *)op;
    PyObject *key, *value;
    uint32_t index;
    if (!PyArg_ParseTuple(args, "OO:_set", &key, &value) || convert_index(self, key, &index) < 0 ||
        pw_store_enter(self->store) < 0) {
        return NULL;
    }
    int status = require_mutable(self, index);
    if (status == 0) {
        status = write_value(self, index, value);
    }
    pw_store_leave(self->store);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

static Py_ssize_t aggregate_length(PyObject *op)
{
    const pw_aggregate_object *self = (const pw_aggregate_object *)op;
    return pw_store_require_open(self->store) < 0 ? -1 : (Py_ssize_t)self->length;
}

/* Holds a new structure, whose length is -1, or an array of default values. Meanwhile another
 * thread may end a hold, so this takes the lock, too. False: there is no memory. */
static bool try_to_make(pw_store_object *self, uint32_t number, Py_ssize_t length, uint32_t *handle)
{
    pw_lock(&self->lock);
    bool made = length < 0 ? pw_engine->struct_make(self->store, number, handle)
                           : pw_engine->array_make(self->store, number, (uint32_t)length, handle);
    pw_unlock(&self->lock);
    return made;
}

/* Does the same, and makes room for it if it must. -1 with an error. */
static int make(pw_store_object *self, pw_module *module, uint32_t type, Py_ssize_t length,
                uint32_t *handle)
{
    uint32_t number = pw_engine->type_number(self->store, module, type);
    bool made = number != PW_NO_INDEX &&
                (try_to_make(self, number, length, handle) ||
                 (pw_store_make_room(self, NULL, 0) && try_to_make(self, number, length, handle)));
    if (!made) {
        PyErr_Format(PyExc_MemoryError, "no memory for %s",
                     length < 0 ? "a struct" : "an array of this length");
    }
    return made ? 0 : -1;
}

/* Makes an object, and writes values to its first fields or elements. The store is entered. */
static PyObject *make_with(pw_store_object *store, pw_module *module, uint32_t type,
                           Py_ssize_t length, PyObject *values)
{
    uint32_t handle;
    if (make(store, module, type, length, &handle) < 0) {
        return NULL;
    }
    PyObject *made = pw_aggregate_wrap(store, handle);
    for (Py_ssize_t i = 0; made != NULL && i < PyTuple_GET_SIZE(values); i++) {
        if (write_value((pw_aggregate_object *)made, (uint32_t)i, PyTuple_GET_ITEM(values, i)) <
            0) {
            Py_CLEAR(made);
        }
    }
    return made;
}

static PyObject *aggregate_make(PyObject *cls, PyObject *args)
{
    pw_state *state = pw_state_of((PyTypeObject *)cls);
    PyObject *object, *values;
    unsigned long long module;
    unsigned int type;
    Py_ssize_t length;
    if (state == NULL || !PyArg_ParseTuple(args, "O!KInO!:_make", state->store_type, &object,
                                           &module, &type, &length, &PyTuple_Type, &values)) {
        return NULL;
    }
    pw_store_object *store = (pw_store_object *)object;
    if (pw_store_enter(store) < 0) {
        return NULL;
    }
    PyObject *made = make_with(store, (pw_module *)(uintptr_t)module, type, length, values);
    pw_store_leave(store);
    return made;
}

static PyMethodDef aggregate_methods[] = {
    {"_make", aggregate_make, METH_VARARGS | METH_CLASS,
     PyDoc_STR(
         "_make(store, module, type, length, values, /): makes a structure (length -1) or an\n"
         "array of a type of the pw_module, and writes the values to the first fields or\n"
         "elements. There must not be more values than these.")},
    {"_get", aggregate_get, METH_O, PyDoc_STR("_get(index, /): returns a field or an element.")},
    {"_set", aggregate_set, METH_VARARGS,
     PyDoc_STR("_set(index, value, /): writes a field or an element.")},
    {0},
};

static PyMemberDef aggregate_members[] = {
    {"store", T_OBJECT_EX, offsetof(pw_aggregate_object, store), READONLY,
     PyDoc_STR("The store that it lives in.")},
    {"_handle", T_UINT, offsetof(pw_aggregate_object, handle), READONLY,
     PyDoc_STR("The handle by which the engine knows it.")},
    {"_number", T_UINT, offsetof(pw_aggregate_object, number), READONLY,
     PyDoc_STR("The number of its type in the store.")},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(pw_aggregate_object, weakrefs), READONLY, NULL},
    {0},
};

static PyType_Slot aggregate_slots[] = {
    {Py_tp_doc, "A structure or an array of a store."},
    {Py_tp_new, aggregate_new},
    {Py_tp_dealloc, aggregate_dealloc},
    {Py_tp_traverse, aggregate_traverse},
    {Py_tp_richcompare, aggregate_compare},
    {Py_tp_hash, aggregate_hash},
    {Py_tp_members, aggregate_members},
    {Py_tp_methods, aggregate_methods},
    {Py_mp_length, aggregate_length},
    {Py_sq_length, aggregate_length},
    {0, NULL},
};

PyType_Spec pw_aggregate_spec = {
    .name = "pywasm3._cpython.Aggregate",
    .basicsize = sizeof(pw_aggregate_object),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = aggregate_slots,
};
