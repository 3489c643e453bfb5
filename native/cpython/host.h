/* SPDX-License-Identifier: MIT */
/* The class HostFunction, and calls from wasm to Python. */
#ifndef PW_CPYTHON_HOST_H
#define PW_CPYTHON_HOST_H

#include <Python.h>

#include "base/traps.h"
#include "cpython/signature.h"
#include "cpython/state.h"

extern PyType_Spec pw_host_spec;

/* Makes a HostFunction in a store, which is entered. The signature's name is "module.name" of the
 * import. `instance` is handed to the callable as the first argument, unless it is None. */
PyObject *pw_host_new(pw_state *state, const pw_signature *signature, PyObject *callable,
                      PyObject *instance);
/* The engine's hook for calls of imports (runtime/meter.h); `object` is a HostFunction. */
pw_trap pw_host_call(void *object, uint64_t *values);

#endif
