/* SPDX-License-Identifier: MIT */
/* The layouts of the formats of the struct module, for Memory.pack and Memory.unpack. */
#ifndef PW_CPYTHON_LAYOUTS_H
#define PW_CPYTHON_LAYOUTS_H

#include <Python.h>

#include "cpython/state.h"

/* The items of the tuple with which the Python layer describes a format. */
enum { PW_LAYOUT_SIZE, PW_LAYOUT_PACK, PW_LAYOUT_UNPACK, PW_LAYOUT_PARTS };

/* Returns the layout of a format. New reference; NULL with an error, which is a struct.error if the
 * format is wrong. */
PyObject *pw_layout_of(pw_state *state, PyObject *format);

#endif
