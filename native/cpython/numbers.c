/* SPDX-License-Identifier: MIT */
/* The conversions of numbers that are not common enough to be inline. */
#include "cpython/numbers.h"

#include "cpython/raised.h"
#include "cpython/state.h"

int pw_blame(const pw_site *site, pw_valtype type)
{
    PyObject *kind = PyErr_ExceptionMatches(PyExc_TypeError)       ? PyExc_TypeError
                     : PyErr_ExceptionMatches(PyExc_OverflowError) ? PyExc_OverflowError
                                                                   : NULL;
    if (kind == NULL || site == NULL) {
        return -1;
    }
    PyObject *error = pw_raised_take();
    pw_typename given = pw_engine->valtype_name(type);
    bool enclosed = given.text[0] == '(';
    const char *open = enclosed ? "" : "(", *close = enclosed ? "" : ")";
    if (site->index < 0) {
        PyErr_Format(kind, "%U: %s %s%s%s: %S", site->name, site->what, open, given.text, close,
                     error);
    } else {
        PyErr_Format(kind, "%U: %s %zd %s%s%s: %S", site->name, site->what, site->index, open,
                     given.text, close, error);
    }
    Py_DECREF(error);
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

int pw_encode_all(PyObject *const *values, const uint8_t *types, Py_ssize_t count, bool raw,
                  uint64_t *bits, PyObject *name, const char *what)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        pw_site site = {name, what, i};
        if (pw_encode(values[i], types[i], raw, &bits[i], &site) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Tells whether nobody but its keeper has a tuple, so that it may be filled again. */
static inline bool is_unused(PyObject *tuple)
{
#ifdef Py_GIL_DISABLED
    (void)tuple;
    return false; /* two threads could fill it */
#else
    return tuple != NULL && Py_REFCNT(tuple) == 1;
#endif
}

/* Puts numbers into a tuple that has been filled before. Freeing the old ones runs no Python code.
 */
static PyObject *refill(PyObject *tuple, const uint64_t *cells, const uint8_t *types,
                        Py_ssize_t count, bool raw)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *old = PyTuple_GET_ITEM(tuple, i), *value = pw_decode(&cells[i], types[i], raw);
        if (value == NULL) {
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, value);
        Py_DECREF(old);
    }
#if PY_VERSION_HEX >= 0x030E0000
    ((PyTupleObject *)tuple)->ob_hash = -1; /* not known yet */
#endif
    return Py_NewRef(tuple);
}

/* Makes a tuple of objects, whose references are transferred. Making it can run the garbage
 * collector, and so any Python code. */
static PyObject *new_tuple(PyObject **items, Py_ssize_t count, PyObject **kept)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (tuple != NULL) {
            PyTuple_SET_ITEM(tuple, i, items[i]);
        } else {
            Py_DECREF(items[i]);
        }
    }
#ifdef Py_GIL_DISABLED
    (void)kept;
#else
    if (tuple != NULL && count <= PW_LOCAL_VALUES) { /* a large one is not worth its memory */
        Py_XSETREF(*kept, Py_NewRef(tuple));
    }
#endif
    return tuple;
}

PyObject *pw_decode_tuple(const uint64_t *cells, const uint8_t *types, Py_ssize_t count, bool raw,
                          PyObject **kept)
{
    if (is_unused(*kept)) {
        return refill(*kept, cells, types, count, raw);
    }
    PyObject *local[PW_LOCAL_VALUES], **items = local, *tuple = NULL;
    if (count > PW_LOCAL_VALUES && (items = PyMem_New(PyObject *, (size_t)count)) == NULL) {
        return PyErr_NoMemory();
    }
    Py_ssize_t made = 0;
    while (made < count && (items[made] = pw_decode(&cells[made], types[made], raw)) != NULL) {
        made++;
    }
    if (made == count) {
        tuple = new_tuple(items, count, kept);
    } else {
        while (made > 0) {
            Py_DECREF(items[--made]);
        }
    }
    if (items != local) {
        PyMem_Free(items);
    }
    return tuple;
}
