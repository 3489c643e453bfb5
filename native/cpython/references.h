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

/* Converts a Function, None or any object to a reference of a type, for the signature's store. The
 * caller lets the store hold the object of an externref afterwards, with pw_hold_references. -1
 * with TypeError, to which the caller adds the function's name with pw_blame, or with an error
 * because the store is closed. */
int pw_encode_reference(PyObject *value, pw_valtype type, const pw_signature *signature,
                        uint64_t *bits);
/* Lets the store, which is entered, hold the objects of the externrefs among encoded values. -1
 * with MemoryError, or with WasmError if the limits of the store leave no room even after a
 * collection, whose finalizers can run Python code. */
int pw_hold_references(pw_store_object *store, const pw_kind *kinds, const uint64_t *bits,
                       Py_ssize_t count);
/* Converts a value of any type that is about to be written to the store, which is entered and holds
 * the object of an externref from now on. A type index refers to the module. -1 with an error, to
 * which the caller adds with pw_blame what the value is for. */
int pw_encode_value(pw_store_object *store, pw_module *module, PyObject *value, pw_valtype type,
                    uint64_t *cells);
/* Converts the value that a new global, or a new element of a table, begins with, as
 * pw_encode_value does. None is also null for a reference to an exception, because it stands for
 * "no value was given". */
int pw_encode_new(pw_store_object *store, pw_module *module, PyObject *value, pw_valtype type,
                  uint64_t *cells);
/* Converts a value of any type from the store, which is entered. New reference. */
PyObject *pw_decode_any(const uint64_t *cells, pw_kind kind, bool raw, pw_store_object *store);

/* The next two do what pw_encode_all and pw_decode_results do, for values of any type. `raw` says
 * that numbers and vectors are bit patterns; references have none. */
int pw_encode_mixed(PyObject *const *values, const pw_kind *kinds, Py_ssize_t count, bool raw,
                    uint64_t *bits, const pw_signature *signature, bool results);
PyObject *pw_decode_mixed(const uint64_t *bits, const pw_kind *kinds, Py_ssize_t count, bool raw,
                          pw_store_object *store);

#endif
