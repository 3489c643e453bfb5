/* SPDX-License-Identifier: MIT */
/* Numbers: Python objects to the 64 bits that wasm has of them, and back. */
#ifndef PW_CPYTHON_NUMBERS_H
#define PW_CPYTHON_NUMBERS_H

#include <Python.h>

#include <string.h>

#include "base/values.h"

/* Values that most calls hold on the native stack; more are allocated. */
#define PW_LOCAL_VALUES 16

/* Where a value goes, for the message when it does not fit. */
typedef struct {
    PyObject *name;   /* of the function */
    const char *what; /* "parameter" or "result" */
    Py_ssize_t index; /* from 0; below 0: not one of several */
} pw_site;

/* Any value. `raw` takes bit patterns. -1 with TypeError or OverflowError, or what a conversion
 * raised. */
int pw_encode_slow(PyObject *value, pw_valtype type, bool raw, uint64_t *bits, const pw_site *site);
/* Puts the site before the message of a TypeError or OverflowError. What else a conversion raised
 * is the caller's own and passes as it is. -1. */
int pw_blame(const pw_site *site, pw_valtype type);
PyObject *pw_decode_tuple(const uint64_t *bits, const uint8_t *types, Py_ssize_t count, bool raw);

/* Ints that Python keeps ready-made, at hand without a call. */
#define PW_SMALL_MIN (-5)
#define PW_SMALL_MAX 256
extern PyObject *pw_small_ints[PW_SMALL_MAX - PW_SMALL_MIN + 1];

/* Once; -1 with MemoryError. */
int pw_make_small_ints(void);

static inline PyObject *pw_int(long long number)
{
    if (number < PW_SMALL_MIN || number > PW_SMALL_MAX) {
        return PyLong_FromLongLong(number);
    }
    return Py_NewRef(pw_small_ints[number - PW_SMALL_MIN]);
}

/* The value of an int of one digit, which is nearly every one. It has 30 bits: it fits any type. */
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

/* Beyond the range of f32: infinity, as rounding to nearest has it. */
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

static inline bool pw_narrow(pw_valtype type)
{
    return type == PW_I32 || type == PW_F32;
}

static inline int pw_encode(PyObject *value, pw_valtype type, bool raw, uint64_t *bits,
                            const pw_site *site)
{
    long long number;
    if (raw || type == PW_I32 || type == PW_I64) {
        if (!pw_compact_int(value, &number)) {
            return pw_encode_slow(value, type, raw, bits, site);
        }
        *bits = pw_narrow(type) ? (uint32_t)number : (uint64_t)number;
        return 0;
    }
    if (!PyFloat_CheckExact(value)) {
        return pw_encode_slow(value, type, raw, bits, site);
    }
    *bits = pw_float_bits(PyFloat_AS_DOUBLE(value), type);
    return 0;
}

static inline PyObject *pw_decode(uint64_t bits, pw_valtype type, bool raw)
{
    double number;
    float narrow;
    if (raw) {
        return PyLong_FromUnsignedLongLong(pw_narrow(type) ? (uint32_t)bits : bits);
    }
    switch (type) {
    case PW_I32: return pw_int((int32_t)(uint32_t)bits);
    case PW_I64: return pw_int((int64_t)bits);
    case PW_F32: memcpy(&narrow, &bits, sizeof narrow); return PyFloat_FromDouble((double)narrow);
    default: memcpy(&number, &bits, sizeof number); return PyFloat_FromDouble(number);
    }
}

/* The values of parameters or results, by their type bytes. */
static inline int pw_encode_all(PyObject *const *values, const uint8_t *types, Py_ssize_t count,
                                bool raw, uint64_t *bits, PyObject *name, const char *what)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        pw_site site = {name, what, i};
        if (pw_encode(values[i], types[i], raw, &bits[i], &site) < 0) {
            return -1;
        }
    }
    return 0;
}

/* None, the value, or a tuple. */
static inline PyObject *pw_decode_results(const uint64_t *bits, const uint8_t *types,
                                          Py_ssize_t count, bool raw)
{
    if (count == 1) {
        return pw_decode(bits[0], types[0], raw);
    }
    if (count == 0) {
        Py_RETURN_NONE;
    }
    return pw_decode_tuple(bits, types, count, raw);
}

#endif
