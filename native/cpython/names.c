/* SPDX-License-Identifier: MIT */
/* Names that are decoded when they are needed, and names for messages. */
#include "cpython/names.h"

/* Bytes of a name that is decoded at once. It is at least as much as a message shows. */
#define SHORT_NAME 1028

/* Characters. pywasm3/_text.py returns a printable name of this length as it is. */
#define SHORT_LABEL 64

typedef struct {
    pw_module *module; /* retained: it owns the bytes of the name */
    pw_name name;
} long_name;

static const char capsule_name[] = "pywasm3.long_name";

static void free_long_name(PyObject *capsule)
{
    long_name *self = PyCapsule_GetPointer(capsule, capsule_name);
    pw_engine->module_release(self->module);
    PyMem_Free(self);
}

/* A character that is cut in two is left out. */
static PyObject *decode_long_name(PyObject *capsule, PyObject *most)
{
    const long_name *self = PyCapsule_GetPointer(capsule, capsule_name);
    Py_ssize_t size = PyLong_AsSsize_t(most);
    if (self == NULL || (size == -1 && PyErr_Occurred() != NULL)) {
        return NULL;
    }
    if (size < 0 || size >= (Py_ssize_t)self->name.size) {
        return PyUnicode_DecodeUTF8(self->name.data, self->name.size, "replace");
    }
    Py_ssize_t consumed;
    return PyUnicode_DecodeUTF8Stateful(self->name.data, size, "replace", &consumed);
}

static PyMethodDef decode_method = {
    "name", decode_long_name, METH_O,
    PyDoc_STR("name(most, /): decodes at most so many bytes of a name; -1: all of them.")};

static PyObject *new_long_name(pw_module *module, pw_name name)
{
    long_name *self = PyMem_New(long_name, 1);
    if (self == NULL) {
        return PyErr_NoMemory();
    }
    *self = (long_name){pw_engine->module_retain(module), name};
    PyObject *capsule = PyCapsule_New(self, capsule_name, free_long_name);
    if (capsule == NULL) {
        pw_engine->module_release(module);
        PyMem_Free(self);
        return NULL;
    }
    PyObject *callable = PyCFunction_New(&decode_method, capsule);
    Py_DECREF(capsule);
    return callable;
}

bool pw_name_is_long(pw_name name)
{
    return name.size > SHORT_NAME;
}

PyObject *pw_name_object(pw_module *module, pw_name name)
{
    if (!name.size) {
        Py_RETURN_NONE;
    }
    return pw_name_is_long(name) ? new_long_name(module, name)
                                 : PyUnicode_DecodeUTF8(name.data, name.size, "replace");
}

static bool is_plain(PyObject *name)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    if (!PyUnicode_IS_ASCII(name) || length > SHORT_LABEL) {
        return false;
    }
    const Py_UCS1 *characters = PyUnicode_1BYTE_DATA(name);
    for (Py_ssize_t i = 0; i < length; i++) {
        if (characters[i] < ' ' || characters[i] > '~') {
            return false;
        }
    }
    return true;
}

PyObject *pw_label(pw_state *state, PyObject *name)
{
    return is_plain(name) ? Py_NewRef(name) : PyObject_CallOneArg(state->brief, name);
}
