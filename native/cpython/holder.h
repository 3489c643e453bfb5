/* SPDX-License-Identifier: MIT */
/* The bases of the classes Global and Table: access to the values of a global or a table. */
#ifndef PW_CPYTHON_HOLDER_H
#define PW_CPYTHON_HOLDER_H

#include <Python.h>

extern PyType_Spec pw_global_spec;
extern PyType_Spec pw_table_spec;

#endif
