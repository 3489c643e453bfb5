/* SPDX-License-Identifier: MIT */
/* Function.bind, and the class BoundFunction that it makes. */
#ifndef PW_CPYTHON_BIND_H
#define PW_CPYTHON_BIND_H

#include <Python.h>

extern PyType_Spec pw_bound_spec;
PyObject *pw_function_bind(PyObject *op, PyObject *const *args, Py_ssize_t nargs);
extern const char pw_bind_doc[];

#endif
