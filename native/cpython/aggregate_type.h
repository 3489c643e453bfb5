/* SPDX-License-Identifier: MIT */
/* The type of structures and arrays of a store. */
#ifndef PW_CPYTHON_AGGREGATE_TYPE_H
#define PW_CPYTHON_AGGREGATE_TYPE_H

#include <Python.h>

extern PyType_Spec pw_aggregate_spec;

#endif
