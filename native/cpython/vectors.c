/* SPDX-License-Identifier: MIT */
/* Conversion of v128, which is 16 bytes to Python: the lanes one after the other, little-endian. */
#include "cpython/vectors.h"

/* Names of fields stand between colons in a format (PEP 3118), and are not letters of items. */
int pw_refuse_objects(const Py_buffer *view)
{
    bool name = false;
    for (const char *letter = view->format != NULL ? view->format : ""; *letter; letter++) {
        name ^= *letter == ':';
        if (*letter == 'O' && !name) {
            PyErr_SetString(PyExc_TypeError, "the items are objects of Python, and not bytes");
            return -1;
        }
    }
    return 0;
}

static int copy_bytes(PyObject *value, uint64_t *cells)
{
    Py_buffer view;
    if (!PyObject_CheckBuffer(value)) {
        PyErr_Format(PyExc_TypeError, "a bytes-like object of 16 bytes is expected, not %.200s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    if (PyObject_GetBuffer(value, &view, PyBUF_FULL_RO) < 0) {
        return -1;
    }
    int status = pw_refuse_objects(&view);
    if (status == 0 && view.len == PW_VECTOR_SIZE) {
        status = PyBuffer_ToContiguous(cells, &view, view.len, 'C');
    } else if (status == 0) {
        PyErr_Format(PyExc_TypeError, "16 bytes are expected, not %zd", view.len);
        status = -1;
    }
    PyBuffer_Release(&view);
    return status;
}

static int copy_patterns(PyObject *value, uint64_t *cells)
{
    if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) != 2) {
        PyErr_Format(PyExc_TypeError,
                     "a tuple of two ints is expected, the low and the high half, not %R", value);
        return -1;
    }
    for (Py_ssize_t i = 0; i < 2; i++) {
        if (pw_encode(PyTuple_GET_ITEM(value, i), PW_I64, true, &cells[i], NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

int pw_encode_vector(PyObject *value, bool raw, uint64_t *cells, const pw_site *site)
{
    int status = raw ? copy_patterns(value, cells) : copy_bytes(value, cells);
    return status < 0 ? pw_blame(site, PW_V128) : 0;
}

PyObject *pw_decode_vector(const uint64_t *cells, bool raw)
{
    if (raw) {
        return Py_BuildValue("KK", (unsigned long long)cells[0], (unsigned long long)cells[1]);
    }
    return PyBytes_FromStringAndSize((const char *)cells, PW_VECTOR_SIZE);
}

PyObject *pw_bits_object(const uint64_t *cells, pw_valtype type)
{
    if (type != PW_V128) {
        return PyLong_FromUnsignedLongLong(*cells);
    }
    return PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "Ns",
                               pw_decode_vector(cells, false), "little");
}
