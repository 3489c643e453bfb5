/* SPDX-License-Identifier: MIT */
/* The object behind Function: a wasm function of a store as a Python object. */
#ifndef PW_CPYTHON_FUNCTION_H
#define PW_CPYTHON_FUNCTION_H

#include <Python.h>

#include <stdbool.h>

#include "cpython/signature.h"
#include "cpython/state.h"
#include "cpython/store.h"
#include "decode/types.h"
#include "engine/callee.h"

typedef struct {
    PyObject_VAR_HEAD
    vectorcallfunc vectorcall;
    pw_signature signature; /* it holds the name, the store and the module */
    pw_func *func;          /* lives as long as the store is open, like the next */
    pw_callee callee;
    PyObject *type; /* FuncType */
    PyObject *weakrefs;
    Py_ssize_t nparams;
    Py_ssize_t nresults;
    bool raw;
    pw_kind types[]; /* parameters, then results; valid after the store is closed, too */
} pw_function_object;

/* What a Function is made of. */
typedef struct {
    pw_func *func;
    pw_callee callee;
    pw_module *module; /* retained */
    const pw_functype *type;
} pw_target;

/* Of a function of a store that is entered or pinned. */
pw_target pw_target_of(pw_func *func);
/* The module of the target is transferred in any case. */
PyObject *pw_function_new(pw_state *state, pw_store_object *store, const pw_target *target,
                          PyObject *name, PyObject *type, bool raw);
/* The pw_func of a Function of the (open) store; NULL: it is of another one. */
pw_func *pw_function_in(PyObject *function, pw_store_object *store);

/* Raises for a trap, and leaves the store. NULL. */
PyObject *pw_function_fail(pw_function_object *self, pw_trap trap);

/* The slots of the type, which function_type.c describes. */
int pw_function_traverse(PyObject *op, visitproc visit, void *arg);
void pw_function_dealloc(PyObject *op);

#endif
