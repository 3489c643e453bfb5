/* SPDX-License-Identifier: MIT */
/* Python buffers as columns of numbers, for map(). */
#ifndef PW_CPYTHON_COLUMNS_H
#define PW_CPYTHON_COLUMNS_H

#include <Python.h>

#include <stdbool.h>

#include "cpython/numbers.h"
#include "engine/callee.h"

/* A column, and what keeps its bytes alive. All zero: not opened. */
typedef struct {
    pw_column column;
    Py_ssize_t size;              /* of an item, in bytes */
    Py_buffer view;               /* the buffer; without an object if there is none */
    void *copy;                   /* the items, if pw_copy_column has copied them */
    uint64_t cells[PW_MAX_CELLS]; /* the value that all elements share, if there is no buffer */
} pw_source;

/* Opens a one-dimensional buffer whose items all fit a parameter of a type, or are bit patterns of
 * it (`raw`). For v128 it may have more dimensions, if there are 16 bytes for each index of the
 * first one, without gaps. Returns the number of items; -1 with TypeError, ValueError, or the
 * exporter's error. */
Py_ssize_t pw_open_input(pw_source *self, PyObject *value, pw_valtype type, bool raw,
                         const pw_site *site);
/* Opens a writable buffer for results of a type in the same way. Its items have exactly the width
 * of the type. Returns the number of items; -1 with an error as pw_open_input. */
Py_ssize_t pw_open_output(pw_source *self, PyObject *value, pw_valtype type, bool raw,
                          const pw_site *site);
/* Tells whether a value is an array of values of a type, and not a single value. 16 bytes in one
 * dimension are a single v128, unless they are one item. */
bool pw_is_array(PyObject *value, pw_valtype type);
/* Makes a column of one value, which all elements share. -1 with TypeError, OverflowError, or what
 * the conversion raised. */
int pw_set_scalar(pw_source *self, PyObject *value, pw_valtype type, bool raw, const pw_site *site);
/* Tells whether the first `count` items of two columns may share bytes, judging by their places and
 * strides. */
bool pw_overlap(const pw_source *a, const pw_source *b, Py_ssize_t count);
/* Tells whether two columns have their items at the same places, and no item overlaps the next. */
bool pw_same_places(const pw_source *a, const pw_source *b);
/* Replaces the items of an input column by a copy. -1 with MemoryError. */
int pw_copy_column(pw_source *self, Py_ssize_t count);
void pw_close_source(pw_source *self);

#endif
