/* SPDX-License-Identifier: MIT */
/* Buffers of Python as columns of numbers: what fits what. */
#ifndef PW_CPYTHON_COLUMNS_H
#define PW_CPYTHON_COLUMNS_H

#include <Python.h>

#include <stdbool.h>

#include "cpython/numbers.h"
#include "engine/callee.h"

/* A column, and what keeps it there. Empty when all zero. */
typedef struct {
    pw_column column;
    Py_ssize_t size; /* of an item in bytes */
    Py_buffer view;  /* held, if it has an object */
    void *copy;
    uint64_t scalar;
} pw_source;

/* Opens a one-dimensional buffer with items for parameters of a type. `raw`: for bit patterns of
 * it. The number of items; -1 with an error: TypeError, ValueError, or the exporter's. */
Py_ssize_t pw_open_input(pw_source *self, PyObject *value, pw_valtype type, bool raw,
                         const pw_site *site);
/* The same for results: a writable buffer, whose items have just the width of the type. */
Py_ssize_t pw_open_output(pw_source *self, PyObject *value, pw_valtype type, bool raw,
                          const pw_site *site);
/* Whether a value is an array, and not one number. */
bool pw_is_array(PyObject *value);
/* One number for all elements. */
int pw_set_scalar(pw_source *self, PyObject *value, pw_valtype type, bool raw, const pw_site *site);
/* Whether items of both, `count` of each, share bytes, as far as their ends and strides tell. */
bool pw_overlap(const pw_source *a, const pw_source *b, Py_ssize_t count);
/* Whether both have the same items at the same places, each of them apart from the next. */
bool pw_same_places(const pw_source *a, const pw_source *b);
/* Puts a copy in place of an input. -1 with MemoryError. */
int pw_copy_column(pw_source *self, Py_ssize_t count);
void pw_close_source(pw_source *self);

#endif
