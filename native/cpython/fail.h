/* SPDX-License-Identifier: MIT */
/* How a failed call of a Function raises. */
#ifndef PW_CPYTHON_FAIL_H
#define PW_CPYTHON_FAIL_H

#include <Python.h>

#include "base/traps.h"
#include "cpython/function.h"

/* Leaves the store after a call that ended with a trap, and raises the exception. Returns NULL. */
PyObject *pw_function_fail(pw_function_object *self, pw_trap trap);

#endif
