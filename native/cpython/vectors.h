/* SPDX-License-Identifier: MIT */
/* Conversion of v128 between Python objects and its two cells, the low half first. */
#ifndef PW_CPYTHON_VECTORS_H
#define PW_CPYTHON_VECTORS_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "cpython/numbers.h"

/* Bytes of a v128. */
#define PW_VECTOR_SIZE 16

/* -1 with TypeError if the items of a buffer are objects of Python, as those of a numpy array with
 * dtype=object are: a guest must not read their addresses, or write them. */
int pw_refuse_objects(const Py_buffer *view);
/* Converts an object with the buffer protocol, of 16 bytes; or, if `raw`, a pair of ints, which are
 * the bit patterns of the halves. -1 with TypeError or OverflowError that names the site (if it is
 * not NULL). */
int pw_encode_vector(PyObject *value, bool raw, uint64_t *cells, const pw_site *site);
/* Converts a number or a vector of a type, as pw_encode and pw_encode_vector do. */
static inline int pw_encode_plain(PyObject *value, pw_valtype type, bool raw, uint64_t *cells,
                                  const pw_site *site)
{
    return type == PW_V128 ? pw_encode_vector(value, raw, cells, site)
                           : pw_encode(value, type, raw, cells, site);
}
/* Makes bytes; or, if `raw`, a pair of ints. New reference. */
PyObject *pw_decode_vector(const uint64_t *cells, bool raw);
/* Makes the int whose bits are those of a value of any type. New reference. */
PyObject *pw_bits_object(const uint64_t *cells, pw_valtype type);

#endif
