/* SPDX-License-Identifier: MIT */
/* The class HostFunction. */
#ifndef PW_CPYTHON_HOST_H
#define PW_CPYTHON_HOST_H

#include <Python.h>

#include "base/traps.h"
#include "cpython/signature.h"
#include "cpython/state.h"

extern PyType_Spec pw_host_spec;

/* New reference; the store keeps one too. The party's name is "module.name" of the import. */
PyObject *pw_host_new(pw_state *state, const pw_signature *signature, PyObject *callable,
                      PyObject *instance);
pw_trap pw_host_call(void *object, uint64_t *values);

#endif
