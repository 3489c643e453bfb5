/* SPDX-License-Identifier: MIT */
/* Structures and arrays as Python objects. */
#include "cpython/aggregate.h"

#include <stddef.h>
#include <structmember.h>

#include "embed/reference.h"

typedef struct {
    PyObject_HEAD
    pw_store_object *store;
    uint64_t ref;    /* no other object has it as long as this one holds it */
    uint32_t handle; /* of the hold */
    uint32_t number; /* of its type */
    PyObject *weakrefs;
} aggregate_object;

/* ---- making and freeing ---- */

/* The class for a kind of objects, borrowed. The Python layer gives both classes when the first
 * object is made. NULL with an error. */
static PyTypeObject *class_for(pw_state *state, pw_definedkind kind)
{
    if (state->struct_class == NULL) {
        PyObject *classes = PyObject_CallNoArgs(state->aggregates);
        if (classes == NULL ||
            !PyArg_ParseTuple(classes, "O!O!", &PyType_Type, &state->struct_class, &PyType_Type,
                              &state->array_class)) {
            Py_XDECREF(classes);
            return NULL;
        }
        Py_INCREF(state->struct_class);
        Py_INCREF(state->array_class);
        Py_DECREF(classes);
    }
    return kind == PW_DEFINED_STRUCT ? state->struct_class : state->array_class;
}

/* Ends the hold, unless the store is closed. */
static void drop(pw_store_object *store, uint32_t handle)
{
    pw_lock(&store->lock);
    if (pw_read(store->store) && !store->orphaned) {
        pw_engine->reference_drop(store->store, handle);
    }
    pw_unlock(&store->lock);
}

/* Holds what a reference refers to. -1 with an error. */
static int hold(pw_store_object *store, uint64_t ref, uint32_t *handle)
{
    pw_lock(&store->lock);
    bool held = pw_engine->reference_hold(store->store, ref, handle);
    pw_unlock(&store->lock);
    return held ? 0
                : pw_store_error(store, "the store holds as many references as its limits allow");
}

PyObject *pw_aggregate_new(pw_store_object *store, uint64_t ref)
{
    uint32_t handle;
    if (hold(store, ref, &handle) < 0) {
        return NULL;
    }
    pw_state *state = pw_state_of(Py_TYPE(store));
    uint32_t number = pw_engine->held_type(store->store, handle);
    pw_definition type = pw_engine->type_definition(store->store, number);
    PyTypeObject *cls = state != NULL ? class_for(state, type.kind) : NULL;
    aggregate_object *self = cls != NULL ? (aggregate_object *)cls->tp_alloc(cls, 0) : NULL;
    if (self == NULL) {
        drop(store, handle);
        return NULL;
    }
    self->store = (pw_store_object *)Py_NewRef((PyObject *)store);
    self->ref = ref;
    self->handle = handle;
    self->number = number;
    return (PyObject *)self;
}

bool pw_is_aggregate(PyObject *value, pw_state *state)
{
    return PyObject_TypeCheck(value, state->aggregate_type);
}

uint64_t pw_aggregate_in(PyObject *value, const pw_store_object *store)
{
    const aggregate_object *self = (const aggregate_object *)value;
    return self->store == store ? self->ref : 0;
}

static PyObject *aggregate_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                               PyObject *Py_UNUSED(kwargs))
{
    return PyErr_Format(PyExc_TypeError, "cannot create '%.200s' objects: use its type's new()",
                        type->tp_name);
}

static int aggregate_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((aggregate_object *)op)->store);
    return 0;
}

static void aggregate_dealloc(PyObject *op)
{
    aggregate_object *self = (aggregate_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    drop(self->store, self->handle);
    Py_DECREF(self->store);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- comparing ---- */

/* Two objects are equal if they stand for the same structure or array. */
static PyObject *aggregate_compare(PyObject *op, PyObject *other, int operator)
{
    const aggregate_object *a = (const aggregate_object *)op;
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
    const aggregate_object *self = (const aggregate_object *)op;
    return (Py_hash_t)(self->ref >> 4);
}

static PyMemberDef aggregate_members[] = {
    {"store", T_OBJECT_EX, offsetof(aggregate_object, store), READONLY,
     PyDoc_STR("The store that it lives in.")},
    {"_handle", T_UINT, offsetof(aggregate_object, handle), READONLY,
     PyDoc_STR("The handle by which the engine knows it.")},
    {"_number", T_UINT, offsetof(aggregate_object, number), READONLY,
     PyDoc_STR("The number of its type in the store.")},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(aggregate_object, weakrefs), READONLY, NULL},
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
    {0, NULL},
};

PyType_Spec pw_aggregate_spec = {
    .name = "pywasm3._cpython.Aggregate",
    .basicsize = sizeof(aggregate_object),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = aggregate_slots,
};
