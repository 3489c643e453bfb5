/* SPDX-License-Identifier: MIT */
/* The class Once: the base of classes whose objects are initialized only once. */
#ifndef PW_CPYTHON_ONCE_H
#define PW_CPYTHON_ONCE_H

#include <Python.h>

extern PyType_Spec pw_once_spec;

#endif
