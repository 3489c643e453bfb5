/* SPDX-License-Identifier: MIT */
/* Dicts as caches of what takes long to make. */
#ifndef PW_CPYTHON_CACHE_H
#define PW_CPYTHON_CACHE_H

#include <Python.h>

/* Adds an item to a dict. A dict that has `most` items already is emptied first, as the struct
 * module does with its formats: that costs less than knowing which item was not used for longest.
 * -1 with an error. */
static inline int pw_cache_set(PyObject *dict, PyObject *key, PyObject *value, Py_ssize_t most)
{
    if (PyDict_Size(dict) >= most) {
        PyDict_Clear(dict);
    }
    return PyDict_SetItem(dict, key, value);
}

#endif
