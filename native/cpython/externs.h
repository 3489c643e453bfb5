/* SPDX-License-Identifier: MIT */
/* The Python objects that the wasm code of a store refers to by externref. */
#ifndef PW_CPYTHON_EXTERNS_H
#define PW_CPYTHON_EXTERNS_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "runtime/objects.h"

/* The objects that wasm refers to: each is held once. */
typedef struct {
    uintptr_t *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t patience; /* count up to which no collection is worth its price */
} pw_externs;

/* Adds an object. -1 with MemoryError. Runs no other code. */
int pw_externs_hold(pw_externs *self, PyObject *object);
/* Whether the bits are the address of an object in it. */
bool pw_externs_has(const pw_externs *self, uint64_t bits);
/* Whether many objects came since the last collection. */
bool pw_externs_due(const pw_externs *self);
/* Lets go of what no global and no table of the store refers to. No call may run in the store.
 * Finalizers run at the end. */
void pw_externs_collect(pw_externs *self, const pw_store *store);
int pw_externs_traverse(const pw_externs *self, visitproc visit, void *arg);
void pw_externs_clear(pw_externs *self);

#endif
