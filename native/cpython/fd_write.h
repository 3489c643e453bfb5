/* SPDX-License-Identifier: MIT */
/* The class FdWrite: the common case of WASI's fd_write. */
#ifndef PW_CPYTHON_FD_WRITE_H
#define PW_CPYTHON_FD_WRITE_H

#include <Python.h>

extern PyType_Spec pw_fd_write_spec;

#endif
