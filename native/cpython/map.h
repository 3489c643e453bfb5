/* SPDX-License-Identifier: MIT */
/* Function.map: one call per element of arrays. */
#ifndef PW_CPYTHON_MAP_H
#define PW_CPYTHON_MAP_H

#include <Python.h>

PyObject *pw_function_map(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
extern const char pw_map_doc[];

#endif
