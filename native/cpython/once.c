/* SPDX-License-Identifier: MIT */
/* Once: an object whose __init__ runs only once. A second run would replace what other threads are
 * using. Python code cannot check and mark that in one step, so the mark is made in C. */
#include "cpython/once.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    PyObject_HEAD
    atomic_bool begun; /* __init__ has begun, and may have failed */
} once_object;

static PyObject *once_begin(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    if (atomic_exchange(&((once_object *)op)->begun, true)) {
        return PyErr_Format(PyExc_TypeError,
                            "%.100s.__init__() cannot be called again: make a new object",
                            Py_TYPE(op)->tp_name);
    }
    Py_RETURN_NONE;
}

static PyMethodDef once_methods[] = {
    {"_begin", once_begin, METH_NOARGS,
     PyDoc_STR("Marks that __init__ has begun. Raises TypeError if it had begun before.")},
    {0},
};

static PyType_Slot once_slots[] = {
    {Py_tp_doc, "The base of classes whose objects are initialized only once."},
    {Py_tp_methods, once_methods},
    {0, NULL},
};

/* Because of the additional member, Python refuses to copy and to pickle the objects. */
PyType_Spec pw_once_spec = {
    .name = "pywasm3._cpython.Once",
    .basicsize = sizeof(once_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = once_slots,
};
