/* SPDX-License-Identifier: MIT */
/* The conversions of numbers that are not common enough to be inline. */
#include "cpython/numbers.h"

#include "cpython/state.h"

int pw_blame(const pw_site *site, pw_valtype type)
{
    PyObject *kind = PyErr_ExceptionMatches(PyExc_TypeError)       ? PyExc_TypeError
                     : PyErr_ExceptionMatches(PyExc_OverflowError) ? PyExc_OverflowError
                                                                   : NULL;
    if (kind == NULL || site == NULL) {
        return -1;
    }
    PyObject *cause, *value, *traceback;
    PyErr_Fetch(&cause, &value, &traceback);
    PyErr_NormalizeException(&cause, &value, &traceback);
    pw_typename given = pw_engine->valtype_name(type);
    bool enclosed = given.text[0] == '(';
    const char *open = enclosed ? "" : "(", *close = enclosed ? "" : ")";
    if (site->index < 0) {
        PyErr_Format(kind, "%U: %s %s%s%s: %S", site->name, site->what, open, given.text, close,
                     value);
    } else {
        PyErr_Format(kind, "%U: %s %zd %s%s%s: %S", site->name, site->what, site->index, open,
                     given.text, close, value);
    }
    Py_XDECREF(cause);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return -1;
}

static int out_of_range(PyObject *value, pw_valtype type)
{
    PyErr_Format(PyExc_OverflowError, "%R does not fit %s", value,
                 type == PW_I32 || type == PW_F32 ? "32 bits" : "64 bits");
    return -1;
}

/* Converts an object with __index__ to 32 or 64 bits, in the signed or the unsigned range. */
static int encode_int(PyObject *value, pw_valtype type, uint64_t *bits)
{
    bool narrow = type == PW_I32 || type == PW_F32;
    PyObject *index = PyNumber_Index(value);
    if (index == NULL) {
        return -1;
    }
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(index, &overflow);
    uint64_t pattern = (uint64_t)number;
    int result = 0;
    if (overflow > 0 && !narrow) {
        pattern = PyLong_AsUnsignedLongLong(index);
        if (pattern == (uint64_t)-1 && PyErr_Occurred() != NULL) {
            PyErr_Clear();
            result = out_of_range(index, type);
        }
    } else if (overflow || (narrow && (number < INT32_MIN || number > UINT32_MAX))) {
        result = out_of_range(index, type);
    }
    *bits = narrow ? (uint32_t)pattern : pattern;
    Py_DECREF(index);
    return result;
}

static int encode_float(PyObject *value, pw_valtype type, uint64_t *bits)
{
    double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred() != NULL) {
        return -1;
    }
    *bits = pw_float_bits(number, type);
    return 0;
}

int pw_encode_slow(PyObject *value, pw_valtype type, bool raw, uint64_t *bits, const pw_site *site)
{
    int result = raw || type == PW_I32 || type == PW_I64 ? encode_int(value, type, bits)
                                                         : encode_float(value, type, bits);
    return result < 0 ? pw_blame(site, type) : 0;
}

PyObject *pw_small_ints[PW_SMALL_MAX - PW_SMALL_MIN + 1];

int pw_make_small_ints(void)
{
    for (long i = PW_SMALL_MIN; i <= PW_SMALL_MAX; i++) {
        PyObject **place = &pw_small_ints[i - PW_SMALL_MIN];
        if (*place == NULL) {
            *place = PyLong_FromLong(i);
        }
        if (*place == NULL) {
            return -1;
        }
    }
    return 0;
}

PyObject *pw_decode_tuple(const uint64_t *bits, const uint8_t *types, Py_ssize_t count, bool raw)
{
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = pw_decode(bits[i], types[i], raw);
        if (value == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, value);
    }
    return tuple;
}
