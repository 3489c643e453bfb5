/* SPDX-License-Identifier: MIT */
/* Conversion of numbers between Python objects and the 64 bits that the engine has for a value. The
 * common cases are inline. */
#ifndef PW_CPYTHON_NUMBERS_H
#define PW_CPYTHON_NUMBERS_H

#include <Python.h>

#include <string.h>

#include "base/attributes.h"
#include "base/values.h"

/* A call with at most this many parameters and results keeps them on the native stack; a larger one
 * allocates memory for them. */
#define PW_LOCAL_VALUES 16

/* Says which parameter or result a value belongs to, so that an error message can name it. */
typedef struct {
    PyObject *name;   /* the name of the function */
    const char *what; /* "parameter" or "result" */
    Py_ssize_t index; /* from 0; below 0: there is only one, or `what` says it all */
} pw_site;

/* Converts any object to a number of a type, or, if `raw`, to a bit pattern of it. -1 with
 * TypeError or OverflowError that names the site (if it is not NULL), or with what the object's own
 * conversion method raised. */
int pw_encode_slow(PyObject *value, pw_valtype type, bool raw, uint64_t *bits, const pw_site *site);
/* Puts the site and the type before the message of a TypeError or OverflowError that is set. Other
 * exceptions come from the user's own code and stay as they are. Returns -1. */
int pw_blame(const pw_site *site, pw_valtype type);
/* Converts several numbers to a tuple. New reference. *kept, which begins as NULL, keeps the tuple
 * unless it is large: if nobody else has it any more at the next call, it is filled again, because
 * making and freeing a tuple takes longer than calling a function. */
PyObject *pw_decode_tuple(const uint64_t *cells, const uint8_t *types, Py_ssize_t count, bool raw,
                          PyObject **kept);

/* The ints that Python keeps ready-made. This table has them without a function call. */
#define PW_SMALL_MIN (-5)
#define PW_SMALL_MAX 256
extern PW_HIDDEN PyObject *pw_small_ints[PW_SMALL_MAX - PW_SMALL_MIN + 1];

/* Fills the table of small ints, once per process. -1 with MemoryError. */
int pw_make_small_ints(void);

/* Makes an int. New reference. */
static inline PyObject *pw_int(long long number)
{
    if (number < PW_SMALL_MIN || number > PW_SMALL_MAX) {
        return PyLong_FromLongLong(number);
    }
    return Py_NewRef(pw_small_ints[number - PW_SMALL_MIN]);
}

/* Reads an int that has one digit of Python's representation, as nearly all have. A digit has at
 * most 30 bits, so the value fits any type. False: the object is something else. */
static inline bool pw_compact_int(PyObject *value, long long *result)
{
    if (!PyLong_CheckExact(value)) {
        return false;
    }
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyUnstable_Long_IsCompact((PyLongObject *)value)) {
        return false;
    }
    *result = PyUnstable_Long_CompactValue((PyLongObject *)value);
#else
    Py_ssize_t size = Py_SIZE(value);
    if (size > 1 || size < -1) {
        return false;
    }
    *result = size * (long long)((PyLongObject *)value)->ob_digit[0];
#endif
    return true;
}

/* Returns the bits of a float of a type. A number beyond the range of f32 becomes infinity, which
 * is what IEEE 754's rounding to nearest gives. */
static inline uint64_t pw_float_bits(double number, pw_valtype type)
{
    uint64_t bits = 0;
    float narrow = (float)number;
    if (type == PW_F64) {
        memcpy(&bits, &number, sizeof number);
    } else {
        memcpy(&bits, &narrow, sizeof narrow);
    }
    return bits;
}

/* Tells whether a number type has 32 bits, and not 64. */
static inline bool pw_narrow(pw_valtype type)
{
    return type == PW_I32 || type == PW_F32;
}

/* Converts what nearly all arguments are, an int of one digit or a float, without running Python
 * code. False: the object is something else, which pw_encode_slow converts or refuses. `type` must
 * be a number type. */
static inline bool pw_encode_common(PyObject *value, pw_valtype type, bool raw, uint64_t *bits)
{
    long long number;
    if (type == PW_I32) { /* a path of its own, because most arguments are of this type */
        if (!pw_compact_int(value, &number)) {
            return false;
        }
        *bits = (uint32_t)number;
        return true;
    }
    if (type == PW_I64 || raw) {
        if (!pw_compact_int(value, &number)) {
            return false;
        }
        *bits = pw_narrow(type) ? (uint32_t)number : (uint64_t)number;
        return true;
    }
    if (!PyFloat_CheckExact(value)) {
        return false;
    }
    *bits = pw_float_bits(PyFloat_AS_DOUBLE(value), type);
    return true;
}

/* Converts as pw_encode_slow does, but common objects without a function call. */
static inline int pw_encode(PyObject *value, pw_valtype type, bool raw, uint64_t *bits,
                            const pw_site *site)
{
    return pw_encode_common(value, type, raw, bits) ? 0
                                                    : pw_encode_slow(value, type, raw, bits, site);
}

/* Converts a number of a type to a Python object. New reference. Of a 32-bit number only that half
 * of the cell is read which the guest wrote: a processor that loads more than was stored has to
 * wait for the store. */
static inline PyObject *pw_decode(const uint64_t *cell, pw_valtype type, bool raw)
{
    double number;
    float narrow;
    uint32_t low;
    memcpy(&low, cell, sizeof low);
    if (raw) {
        return PyLong_FromUnsignedLongLong(pw_narrow(type) ? low : *cell);
    }
    switch (type) {
    case PW_I32: return pw_int((int32_t)low);
    case PW_I64: return pw_int((int64_t)*cell);
    case PW_F32: memcpy(&narrow, cell, sizeof narrow); return PyFloat_FromDouble((double)narrow);
    default: memcpy(&number, cell, sizeof number); return PyFloat_FromDouble(number);
    }
}

/* Converts the values of parameters or results, given the bytes of their types. `what` is
 * "parameter" or "result". -1 with an error, as pw_encode_slow. */
int pw_encode_all(PyObject *const *values, const uint8_t *types, Py_ssize_t count, bool raw,
                  uint64_t *bits, PyObject *name, const char *what);

/* Converts the results of a call: to None, to one object, or to a tuple, for which `kept` is as for
 * pw_decode_tuple. New reference. */
static inline PyObject *pw_decode_results(const uint64_t *cells, const uint8_t *types,
                                          Py_ssize_t count, bool raw, PyObject **kept)
{
    if (count == 1) {
        return pw_decode(cells, types[0], raw);
    }
    if (count == 0) {
        Py_RETURN_NONE;
    }
    return pw_decode_tuple(cells, types, count, raw, kept);
}

#endif
