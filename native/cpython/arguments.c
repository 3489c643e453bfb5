/* SPDX-License-Identifier: MIT */
/* The arguments of methods that read them from an array, because that is faster than a format. */
#include "cpython/arguments.h"

bool pw_check_count(const char *name, Py_ssize_t given, Py_ssize_t min, Py_ssize_t max)
{
    if (given >= min && given <= max) {
        return true;
    }
    char least[32] = "";
    if (min < max) {
        PyOS_snprintf(least, sizeof least, "%zd to ", min);
    }
    PyErr_Format(PyExc_TypeError, "%s() takes %s%zd arguments but %zd %s given", name, least, max,
                 given, given == 1 ? "was" : "were");
    return false;
}

bool pw_take_two(const char *method, const char *const names[2], PyObject *const *args,
                 Py_ssize_t nargs, PyObject *kwnames, PyObject *given[2])
{
    given[0] = nargs > 0 ? args[0] : NULL;
    given[1] = nargs > 1 ? args[1] : NULL;
    for (Py_ssize_t i = 0; kwnames != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        int place = PyUnicode_CompareWithASCIIString(name, names[0]) == 0   ? 0
                    : PyUnicode_CompareWithASCIIString(name, names[1]) == 0 ? 1
                                                                            : 2;
        if (place == 2 || given[place] != NULL) {
            PyErr_Format(
                PyExc_TypeError, "%s() got %s '%U'", method,
                place == 2 ? "an unexpected keyword argument" : "several values for argument",
                name);
            return false;
        }
        given[place] = args[nargs + i];
    }
    for (int place = 0; place < 2; place++) {
        if (given[place] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() needs the argument '%s'", method, names[place]);
            return false;
        }
    }
    return true;
}
