/* SPDX-License-Identifier: MIT */
/* The class Store. */
#ifndef PW_CPYTHON_STORE_TYPE_H
#define PW_CPYTHON_STORE_TYPE_H

#include <Python.h>

extern PyType_Spec pw_store_spec;

#endif
