/* SPDX-License-Identifier: MIT */
/* The set of the Python objects that the wasm code of a store refers to by externref. It holds a
 * reference to each object as long as wasm may have it. */
#ifndef PW_CPYTHON_EXTERNS_H
#define PW_CPYTHON_EXTERNS_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "runtime/objects.h"

typedef struct {
    uintptr_t *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t marked;     /* how many objects pw_externs_mark has marked */
    size_t collect_at; /* a collection is worth its price only when `count` exceeds this, */
    size_t bytes;      /* that the texts among the objects take */
    size_t marked_bytes;
    size_t collect_at_bytes; /* or when `bytes` exceeds this */
} pw_externs;

/* Adds an object. -1 with MemoryError. It runs no other Python code. */
int pw_externs_hold(pw_externs *self, PyObject *object);
/* Tells whether the bits are the address of an object in the set. */
bool pw_externs_has(const pw_externs *self, uint64_t bits);
/* Tells whether enough objects were added since the last collection for another one. */
bool pw_externs_due(const pw_externs *self);
/* Marks an object, for pw_externs_sweep; the first argument is a pw_externs (embed/collect.h). */
void pw_externs_mark(void *externs, uint64_t bits);
/* Ends the marks of all objects. */
void pw_externs_unmark(pw_externs *self);
/* Releases the objects that are not marked, and ends the marks of the others. `places` says how
 * much the marking cost. Finalizers of released objects run when the set is complete again. */
void pw_externs_sweep(pw_externs *self, uint64_t places);
int pw_externs_traverse(const pw_externs *self, visitproc visit, void *arg);
void pw_externs_clear(pw_externs *self);

#endif
