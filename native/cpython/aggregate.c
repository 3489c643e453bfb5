/* SPDX-License-Identifier: MIT */
/* Structures and arrays as Python objects. */
#include "cpython/aggregate.h"

#include "embed/reference.h"

/* ---- making and freeing ---- */

/* The class for a kind of objects, borrowed. The Python layer gives both classes when the first
 * object is made. NULL with an error. */
static PyTypeObject *class_for(pw_state *state, pw_typekind kind)
{
    if (state->struct_class == NULL) {
        PyTypeObject *structs, *arrays;
        PyObject *classes = PyObject_CallNoArgs(state->aggregates);
        if (classes == NULL ||
            !PyArg_ParseTuple(classes, "O!O!", &PyType_Type, &structs, &PyType_Type, &arrays)) {
            Py_XDECREF(classes);
            return NULL;
        }
        if (state->struct_class == NULL) { /* the call may have made an object */
            state->array_class = (PyTypeObject *)Py_NewRef((PyObject *)arrays);
            state->struct_class = (PyTypeObject *)Py_NewRef((PyObject *)structs);
        }
        Py_DECREF(classes);
    }
    return kind == PW_TYPE_STRUCT ? state->struct_class : state->array_class;
}

void pw_aggregate_drop(pw_store_object *store, uint32_t handle)
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

PyObject *pw_aggregate_wrap(pw_store_object *store, uint32_t handle)
{
    pw_state *state = pw_state_of(Py_TYPE(store));
    uint32_t number = pw_engine->held_type(store->store, handle);
    pw_definition type = pw_engine->type_definition(store->store, number);
    PyTypeObject *cls = state != NULL ? class_for(state, type.kind) : NULL;
    pw_aggregate_object *self = cls != NULL ? (pw_aggregate_object *)cls->tp_alloc(cls, 0) : NULL;
    if (self == NULL) {
        pw_aggregate_drop(store, handle);
        return NULL;
    }
    self->store = (pw_store_object *)Py_NewRef((PyObject *)store);
    self->ref = pw_engine->reference_held(store->store, handle);
    self->handle = handle;
    self->number = number;
    self->is_array = type.kind == PW_TYPE_ARRAY;
    self->length = self->is_array ? pw_engine->held_length(store->store, handle) : type.nfields;
    return (PyObject *)self;
}

PyObject *pw_aggregate_new(pw_store_object *store, uint64_t ref)
{
    uint32_t handle;
    return hold(store, ref, &handle) < 0 ? NULL : pw_aggregate_wrap(store, handle);
}

bool pw_is_aggregate(PyObject *value, pw_state *state)
{
    return PyObject_TypeCheck(value, state->aggregate_type);
}

uint64_t pw_aggregate_in(PyObject *value, const pw_store_object *store)
{
    const pw_aggregate_object *self = (const pw_aggregate_object *)value;
    return self->store == store ? self->ref : 0;
}
