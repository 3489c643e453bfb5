/* SPDX-License-Identifier: MIT */
/* Waiting at a shared memory, and notifying those who wait, from Python. */
#ifndef PW_CPYTHON_WAITING_H
#define PW_CPYTHON_WAITING_H

#include <Python.h>

#include "runtime/objects.h"

/* The bytes from an address on must lie within the memory, for both functions. */

/* Waits at a number of 4 or 8 bytes while it equals `expected`. Returns a pw_wait_result, or a
 * negative pw_trap if the call must stop whose host function runs on this thread. A negative number
 * of nanoseconds is no limit. NULL with an error. */
PyObject *pw_wait_at(const pw_memory *memory, Py_ssize_t address, Py_ssize_t size,
                     PyObject *expected, PyObject *nanoseconds);
/* Wakes threads that wait at the address. Returns how many; NULL with an error. */
PyObject *pw_notify_at(const pw_memory *memory, Py_ssize_t address, PyObject *count);

#endif
