/* SPDX-License-Identifier: MIT */
/* Structures and arrays of a store as Python objects, which keep them. */
#ifndef PW_CPYTHON_AGGREGATE_H
#define PW_CPYTHON_AGGREGATE_H

#include <Python.h>

#include <stdint.h>

#include "cpython/state.h"
#include "cpython/store.h"

/* Nothing in it changes after the object is made. */
typedef struct {
    PyObject_HEAD
    pw_store_object *store;
    uint64_t ref;    /* no other object has it as long as this one holds it */
    uint32_t handle; /* of the hold */
    uint32_t number; /* of its type */
    uint32_t length; /* how many fields or elements it has */
    bool is_array;
    PyObject *weakrefs;
} pw_aggregate_object;

/* Makes the object for a reference to a structure or an array of the store, which is entered. NULL
 * with an error. */
PyObject *pw_aggregate_new(pw_store_object *store, uint64_t ref);
/* Whether a Python object is such an object. */
bool pw_is_aggregate(PyObject *value, pw_state *state);
/* The reference to what it stands for, if that is in the store; otherwise 0. */
uint64_t pw_aggregate_in(PyObject *value, const pw_store_object *store);
/* Makes the object for a hold, which is transferred: it ends if there is an error. NULL then. The
 * store is entered. */
PyObject *pw_aggregate_wrap(pw_store_object *store, uint32_t handle);
/* Ends a hold, unless the store is closed. */
void pw_aggregate_drop(pw_store_object *store, uint32_t handle);

#endif
