/* SPDX-License-Identifier: MIT */
/* The state of the extension module: the functions of the engine, the types of this module, and
 * what the Python layer gave to connect(). */
#ifndef PW_CPYTHON_STATE_H
#define PW_CPYTHON_STATE_H

#include <Python.h>

#include "base/attributes.h"
#include "embed/api.h"

/* The functions of the engine. connect() sets it, and it is constant afterwards. */
extern PW_HIDDEN const pw_api *pw_engine;
/* When the timer of the engine wakes up next. connect() sets the pointer. */
extern const pw_timer_time *pw_timer_wakes_at;

/* The definition of this module. It stands in module.c, above all other files: this pointer lets
 * pw_state_of recognise the module. */
extern PyModuleDef *pw_module_def;

/* Down to `aggregates`, the members are what the Python layer gave to connect(): each comment says
 * what the function takes and returns. The others are set when the module is executed. */
typedef struct {
    PyObject *trap;   /* (kind, frames, head, omitted, message) -> exception */
    PyObject *thrown; /* (store, anchor of the tag, its address, types, values or None, frames,
                         head, omitted) -> WasmException */
    PyObject *wasm_exception; /* the class WasmException */
    PyObject *error;          /* (address of a pw_error) -> exception */
    PyObject *note;       /* (frames, head, omitted) -> note for the exception of a host function */
    PyObject *add_note;   /* (exception, note): does what add_note() does since Python 3.11 */
    PyObject *closed;     /* the class of errors about wrong states, such as a closed store */
    PyObject *signature;  /* (function, number of bound arguments) -> inspect.Signature */
    PyObject *call_argv;  /* (function, arguments) -> result */
    PyObject *aio;        /* (function) -> AsyncFunction */
    PyObject *describe;   /* (address of a pw_func) -> (name, FuncType) */
    PyObject *limits;     /* (Limits) -> (memory, table, heap, total, stack, fuel, timeout) */
    PyObject *array;      /* (arguments, typecode, count) -> array for the results of map() */
    PyObject *element;    /* (exception, index of the element, whether it is a trap of map()) */
    PyObject *layout;     /* (format of struct) -> (size, function that packs, one that unpacks) */
    PyObject *brief;      /* (name) -> the name as messages show it */
    PyObject *aggregates; /* () -> (the class Struct, the class Array) */
    /* The vectorcall functions of a Function without and with references among its values, and of
     * one that Python cannot call. They decode references, and decoding a reference makes a
     * Function: calling through the state is what keeps function.c, which makes Functions, below
     * call.c, which calls them. */
    vectorcallfunc call_plain;
    vectorcallfunc call_mixed;
    vectorcallfunc call_refused;
    PyObject *add_note_name; /* the str "add_note" */
    PyObject *notes;         /* a dict: key of a report -> what `note` returned for it */
    PyObject *layouts;       /* a dict: format of struct -> what `layout` returned for it */
    PyTypeObject *store_type;
    PyTypeObject *anchor_type;
    PyTypeObject *sentinel_type;
    PyTypeObject *function_type;
    PyTypeObject *bound_type;
    PyTypeObject *host_type;
    PyTypeObject *memory_type;
    PyTypeObject *global_type;
    PyTypeObject *table_type;
    PyTypeObject *fd_write_type;
    PyTypeObject *once_type;
    PyTypeObject *aggregate_type;
    PyTypeObject *struct_class; /* these two are what `aggregates` has returned, or NULL */
    PyTypeObject *array_class;
} pw_state;

/* Finds the state of this module, given one of its types or a subclass of one. Borrowed from the
 * module; NULL with SystemError. */
pw_state *pw_state_of(PyTypeObject *type);

#endif
