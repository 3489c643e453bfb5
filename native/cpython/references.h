/* SPDX-License-Identifier: MIT */
/* References: Functions and any other objects to the 64 bits that wasm has of them, and back. */
#ifndef PW_CPYTHON_REFERENCES_H
#define PW_CPYTHON_REFERENCES_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/values.h"
#include "cpython/signature.h"
#include "cpython/store.h"

/* A reference for the store of the party. The object of an external one is not held yet. -1 with
 * TypeError that does not name the party, or when the store is closed. */
int pw_encode_reference(PyObject *value, pw_valtype type, const pw_signature *signature,
                        uint64_t *bits);
/* Holds the objects among encoded values, in the (entered) store. */
int pw_hold_references(pw_store_object *store, const pw_kind *kinds, const uint64_t *bits,
                       Py_ssize_t count);
/* A number or a reference, in the (entered) store. */
PyObject *pw_decode_any(uint64_t bits, pw_kind kind, bool raw, pw_store_object *store);

/* As pw_encode_all and pw_decode_results, with references among the values. `raw` is about numbers
 * only. */
int pw_encode_mixed(PyObject *const *values, const pw_kind *kinds, Py_ssize_t count, bool raw,
                    uint64_t *bits, const pw_signature *signature, bool results);
PyObject *pw_decode_mixed(const uint64_t *bits, const pw_kind *kinds, Py_ssize_t count, bool raw,
                          pw_store_object *store);

#endif
