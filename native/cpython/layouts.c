/* SPDX-License-Identifier: MIT */
/* Layouts, which are made once for each format as long as the formats are few. */
#include "cpython/layouts.h"

#include "cpython/cache.h"
#include "cpython/turn.h"

/* How many layouts are kept. Programs have a few formats; if one has more, all of them are made
 * again from time to time. */
#define MOST_LAYOUTS 128

static PyObject *make(pw_state *state, PyObject *format)
{
    PyObject *layout = PyObject_CallOneArg(state->layout, format);
    if (layout != NULL && (!PyTuple_Check(layout) || PyTuple_GET_SIZE(layout) != PW_LAYOUT_PARTS)) {
        Py_CLEAR(layout);
        PyErr_SetString(PyExc_SystemError, "a layout has a size and two functions");
    }
    return layout;
}

PyObject *pw_layout_of(pw_state *state, PyObject *format)
{
    PyObject *layout = NULL;
    if (pw_dict_get(state->layouts, format, &layout) != 0) {
        return layout;
    }
    layout = make(state, format);
    if (layout == NULL) {
        return NULL;
    }
    if (pw_cache_set(state->layouts, format, layout, MOST_LAYOUTS) < 0) {
        Py_CLEAR(layout);
    }
    return layout;
}
