/* SPDX-License-Identifier: MIT */
/* The class Function. */
#ifndef PW_CPYTHON_FUNCTION_TYPE_H
#define PW_CPYTHON_FUNCTION_TYPE_H

#include <Python.h>

extern PyType_Spec pw_function_spec;

#endif
