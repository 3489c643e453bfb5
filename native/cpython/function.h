/* SPDX-License-Identifier: MIT */
/* The object behind Function: a wasm function of a store as a Python object. */
#ifndef PW_CPYTHON_FUNCTION_H
#define PW_CPYTHON_FUNCTION_H

#include <Python.h>

#include <stdbool.h>

#include "cpython/known.h"
#include "cpython/signature.h"
#include "cpython/state.h"
#include "cpython/store.h"
#include "decode/types.h"
#include "engine/callee.h"

typedef struct {
    PyObject_VAR_HEAD
    vectorcallfunc vectorcall;
    pw_signature signature; /* the Function owns its name, its store and its module */
    PyObject *anchor;       /* of the instance; keeps `func` and `callee` while the store is open */
    pw_func *func;
    pw_callee callee;
    PyObject *name; /* the whole name, while messages show signature.name */
    PyObject *type; /* a FuncType */
    PyObject *weakrefs;
    PyObject *kept; /* the tuple of its last results, for pw_decode_tuple; NULL: none */
    Py_ssize_t nparams;
    Py_ssize_t nresults;
    bool raw;
    pw_kind types[]; /* of the parameters, then of the results; still valid in a closed store */
} pw_function_object;

/* Makes a Function. The anchor is that of its instance. `raw` says that its numbers are bit
 * patterns. */
PyObject *pw_function_new(pw_state *state, pw_store_object *store, const pw_known *known,
                          PyObject *anchor, bool raw);
/* Returns the pw_func of a Function, or NULL if the Function belongs to another store. */
pw_func *pw_function_in(PyObject *function, pw_store_object *store);

/* Slots of the class Function, which function_type.c defines. */
int pw_function_traverse(PyObject *op, visitproc visit, void *arg);
void pw_function_dealloc(PyObject *op);

#endif
