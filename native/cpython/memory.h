/* SPDX-License-Identifier: MIT */
/* The class Memory. */
#ifndef PW_CPYTHON_MEMORY_H
#define PW_CPYTHON_MEMORY_H

#include <Python.h>

#include "runtime/objects.h"

extern PyType_Spec pw_memory_spec;

/* Returns the pw_memory of a Memory. Borrowed from the Memory. */
pw_memory *pw_memory_of(PyObject *op);

#endif
