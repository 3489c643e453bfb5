/* SPDX-License-Identifier: MIT */
/* The base of the classes Struct and Array: a structure or an array of a store, which lives as long
 * as Python has the object. */
#ifndef PW_CPYTHON_AGGREGATE_H
#define PW_CPYTHON_AGGREGATE_H

#include <Python.h>

#include <stdint.h>

#include "cpython/state.h"
#include "cpython/store.h"

extern PyType_Spec pw_aggregate_spec;

/* Makes the object for a reference to a structure or an array of the store, which is entered. NULL
 * with an error. */
PyObject *pw_aggregate_new(pw_store_object *store, uint64_t ref);
/* Whether a Python object is such an object. */
bool pw_is_aggregate(PyObject *value, pw_state *state);
/* The reference to what it stands for, if that is in the store; otherwise 0. */
uint64_t pw_aggregate_in(PyObject *value, const pw_store_object *store);

#endif
