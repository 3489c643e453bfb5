/* SPDX-License-Identifier: MIT */
/* The exception that is set, as one object with its traceback. Before Python 3.12, Python keeps it
 * as three, of which the second may not be an exception yet. */
#ifndef PW_CPYTHON_RAISED_H
#define PW_CPYTHON_RAISED_H

#include <Python.h>

/* Takes the exception that is set, so that none is set. May run Python code, which makes it. New
 * reference. */
static inline PyObject *pw_raised_take(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* Sets an exception with the context and the traceback that it has, while PyErr_SetObject would
 * give it another context. The reference is transferred. */
static inline void pw_raised_set(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception,
                  PyException_GetTraceback(exception));
#endif
}

#endif
