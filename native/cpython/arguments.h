/* SPDX-License-Identifier: MIT */
/* Arguments of methods with the calling convention METH_FASTCALL. */
#ifndef PW_CPYTHON_ARGUMENTS_H
#define PW_CPYTHON_ARGUMENTS_H

#include <Python.h>

#include <stdbool.h>

/* Checks the number of arguments of a method. False with TypeError. */
bool pw_check_count(const char *name, Py_ssize_t given, Py_ssize_t min, Py_ssize_t max);
/* Finds the first two arguments of a method, which can be given by their names, too. `args` and
 * `kwnames` are those of METH_FASTCALL | METH_KEYWORDS. False with TypeError. */
bool pw_take_two(const char *method, const char *const names[2], PyObject *const *args,
                 Py_ssize_t nargs, PyObject *kwnames, PyObject *given[2]);

#endif
