/* SPDX-License-Identifier: MIT */
/* What is known of a wasm function: the description from which a Function is made, and a cache of
 * such descriptions. A guest that hands out references gives the same functions away again and
 * again, so their names and types are looked up once. */
#ifndef PW_CPYTHON_KNOWN_H
#define PW_CPYTHON_KNOWN_H

#include <Python.h>

#include "decode/types.h"
#include "engine/callee.h"
#include "runtime/objects.h"

/* The description of a function, from which a Function is made. */
typedef struct {
    pw_func *func;
    pw_callee callee;
    pw_module *module;        /* borrowed from the instance of the function */
    const pw_functype *types; /* borrowed from the module */
    PyObject *name;           /* a str */
    PyObject *label;          /* the name as messages show it */
    PyObject *type;           /* a FuncType */
} pw_known;

/* Looks up what the engine knows of a function of a store that is entered or pinned: the members
 * that are not Python objects. */
pw_known pw_known_of(pw_func *func);

/* A hash table with the address of the function as key. A zeroed one is empty. */
typedef struct {
    pw_known **slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} pw_known_functions;

/* Returns what is known of a function; NULL, without an error, if nothing is. */
const pw_known *pw_known_find(const pw_known_functions *self, const pw_func *func);
/* Adds a function, and takes references to its objects. The result is valid until the next
 * pw_known_clear. NULL with MemoryError. */
const pw_known *pw_known_add(pw_known_functions *self, const pw_known *known);
/* Forgets all functions, because the addresses of some may soon belong to others. */
void pw_known_clear(pw_known_functions *self);
int pw_known_traverse(const pw_known_functions *self, visitproc visit, void *arg);

#endif
