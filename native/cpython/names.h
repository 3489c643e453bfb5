/* SPDX-License-Identifier: MIT */
/* Names of modules as Python objects. A module chooses its names, so they can have megabytes, and
 * contain anything. */
#ifndef PW_CPYTHON_NAMES_H
#define PW_CPYTHON_NAMES_H

#include <Python.h>

#include <stdbool.h>

#include "cpython/state.h"

/* Makes an object for a name: None for an empty name, a str for one of usual length. For a long
 * name it is a callable with one argument, which keeps the module alive: it decodes at most so many
 * bytes of the name, or the whole name if the argument is -1. */
PyObject *pw_name_object(pw_module *module, pw_name name);
/* Tells whether a name is so long that its object is a callable. */
bool pw_name_is_long(pw_name name);

/* Returns what messages show for a name: the name itself, or if that is long or not printable, what
 * pywasm3/_text.py makes of it. New reference. */
PyObject *pw_label(pw_state *state, PyObject *name);

#endif
