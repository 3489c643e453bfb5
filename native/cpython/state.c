/* SPDX-License-Identifier: MIT */
/* The state of the extension module. */
#include "cpython/state.h"

const pw_api *pw_engine;
const pw_timer_time *pw_timer_wakes_at;
PyModuleDef *pw_module_def;

pw_state *pw_state_of(PyTypeObject *type)
{
    /* A subclass made in Python belongs to no module: look for the base that does. */
    for (; type != NULL; type = type->tp_base) {
        PyObject *module = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                               ? ((PyHeapTypeObject *)type)->ht_module
                               : NULL;
        if (module != NULL && PyModule_GetDef(module) == pw_module_def) {
            return PyModule_GetState(module);
        }
    }
    PyErr_SetString(PyExc_SystemError, "not a type of pywasm3._cpython");
    return NULL;
}
