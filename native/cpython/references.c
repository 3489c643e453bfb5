/* SPDX-License-Identifier: MIT */
/* Conversion of references. The bits of a funcref are the address of a pw_func, and those of a
 * reference to an object of Python are its address; the store holds the object. Python never gives
 * the bits themselves, so it cannot forge a reference. */
#include "cpython/references.h"

#include "cpython/aggregate.h"
#include "cpython/anchor.h"
#include "cpython/externs.h"
#include "cpython/function.h"
#include "cpython/known.h"
#include "cpython/names.h"
#include "cpython/numbers.h"
#include "cpython/state.h"
#include "cpython/vectors.h"
#include "embed/reference.h"
#include "runtime/references.h"

/* ---- to wasm ---- */

/* Fails because a value, whose reference is known, does not have the type. -1. */
static int fail_type(PyObject *value, pw_valtype type, const pw_signature *signature)
{
    if ((type & PW_CONCRETE) != 0 && signature->module != NULL) {
        PyErr_Format(PyExc_TypeError, "%R is not of type %u of the module", value,
                     (unsigned)(type & PW_HEAP_MASK));
    } else if ((type & PW_CONCRETE) != 0) {
        PyErr_Format(PyExc_TypeError, "%R is not of the defined type that is expected", value);
    } else {
        PyErr_Format(PyExc_TypeError, "%R does not have the type %s", value,
                     pw_engine->valtype_name(type).text);
    }
    return -1;
}

/* Checks that a reference has a type. The store is entered because looking up a type may add it to
 * the store. */
static int check_type(PyObject *value, uint64_t ref, bool host, pw_valtype type,
                      const pw_signature *signature)
{
    if (pw_store_enter(signature->store) < 0) {
        return -1;
    }
    bool matches =
        pw_engine->reference_matches(signature->store->store, ref, host, type, signature->module);
    int status = matches ? 0 : fail_type(value, type, signature);
    pw_store_leave(signature->store);
    return status;
}

static int fail_store(PyObject *value)
{
    PyErr_Format(PyExc_TypeError, "%R belongs to another store", value);
    return -1;
}

static int encode_aggregate(PyObject *value, pw_valtype type, const pw_signature *signature,
                            uint64_t *bits)
{
    *bits = pw_aggregate_in(value, signature->store);
    return *bits ? check_type(value, *bits, false, type, signature) : fail_store(value);
}

/* The class that a value of a type must have, unless it is None. */
static const char *wanted(pw_valtype type, const pw_signature *signature)
{
    static const char *const names[] = {"pywasm3.Function", "pywasm3.Struct", "pywasm3.Array"};
    if ((type & PW_CONCRETE) == 0) {
        return names[0];
    }
    uint32_t index = type & PW_HEAP_MASK;
    if (signature->module != NULL) {
        return names[signature->module->typedefs[index].kind];
    }
    return names[pw_engine->type_definition(signature->store->store, index).kind];
}

static int encode_function(PyObject *value, pw_valtype type, const pw_signature *signature,
                           pw_state *state, uint64_t *bits)
{
    if (Py_TYPE(value) != state->function_type) {
        PyErr_Format(PyExc_TypeError, "a %s%s is expected, not %.200s", wanted(type, signature),
                     type & PW_NON_NULL ? "" : " or None", Py_TYPE(value)->tp_name);
        return -1;
    }
    pw_func *func = pw_function_in(value, signature->store);
    if (func == NULL) {
        return fail_store(value);
    }
    *bits = (uintptr_t)func;
    return type & PW_CONCRETE ? check_type(value, *bits, false, type, signature) : 0;
}

/* Converts an int that an i31 can hold. False if it cannot. An i31 comes to Python as an int, so an
 * int goes back as an i31, also as an externref. */
static bool encode_i31(PyObject *value, uint64_t *bits)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    *bits = pw_i31_of((uint32_t)number);
    return overflow == 0 && number >= -(1 << 30) && number < 1 << 30;
}

/* An int is an i31 if it fits; another object becomes a reference below `any` as it is. */
static int encode_any(PyObject *value, pw_valtype type, const pw_signature *signature,
                      uint64_t *bits)
{
    bool is_host = !PyLong_CheckExact(value) || !encode_i31(value, bits);
    if (!is_host) {
        return check_type(value, *bits, false, type, signature);
    }
    if (pw_heap_type(type) == PW_ANYREF) {
        *bits = (uintptr_t)value;
        return 0;
    }
    if (PyLong_CheckExact(value)) {
        PyErr_Format(PyExc_OverflowError,
                     "%R is out of the range of an i31, which is from -2**30 "
                     "to 2**30 - 1",
                     value);
    } else {
        PyErr_Format(PyExc_TypeError, "a value of the type %s is expected, not %.200s",
                     pw_engine->valtype_name(type).text, Py_TYPE(value)->tp_name);
    }
    return -1;
}

static int encode_not_null(PyObject *value, pw_valtype type, const pw_signature *signature,
                           uint64_t *bits)
{
    pw_kind kind = pw_kind_of(type) & (pw_kind)~PW_KIND_NON_NULL;
    pw_state *state = pw_state_of(Py_TYPE(signature->store));
    if (state == NULL) {
        return -1;
    }
    if (pw_is_aggregate(value, state) && kind != PW_KIND_OTHER) {
        return encode_aggregate(value, type, signature, bits);
    }
    switch (kind) {
    case PW_KIND_EXTERN:
        if (!PyLong_CheckExact(value) || !encode_i31(value, bits)) {
            *bits = (uintptr_t)value;
        }
        return 0;
    case PW_KIND_FUNC: return encode_function(value, type, signature, state, bits);
    case PW_KIND_ANY: return encode_any(value, type, signature, bits);
    default:
        PyErr_Format(PyExc_TypeError, "a value of this type can only be None, not %.200s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
}

int pw_encode_reference(PyObject *value, pw_valtype type, const pw_signature *signature,
                        uint64_t *bits)
{
    if (pw_store_require_open(signature->store) < 0) {
        return -1;
    }
    if (pw_is_exnref(pw_kind_of(type))) {
        PyErr_SetString(PyExc_TypeError, "references to exceptions cannot come from Python");
        return -1;
    }
    if (value != Py_None) {
        return encode_not_null(value, type, signature, bits);
    }
    *bits = 0;
    if (type & PW_NON_NULL) {
        PyErr_SetString(PyExc_TypeError, "None stands for null, which the type excludes");
        return -1;
    }
    return 0;
}

/* Whether bits of a kind are a reference to an object of the host. */
static bool is_host(pw_kind kind, uint64_t bits)
{
    kind &= (pw_kind)~PW_KIND_NON_NULL;
    return (kind == PW_KIND_EXTERN || kind == PW_KIND_ANY) && bits && !(bits & PW_TAG_MASK);
}

/* Ends pw_hold_references, or makes room for the object that is over the limit of the store. */
static PW_NOINLINE int not_held(pw_store_object *store, pw_held held, const pw_kind *kinds,
                                const uint64_t *bits, Py_ssize_t count)
{
    uint32_t ncells = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        ncells += pw_cells(kinds[i]);
    }
    return held == PW_HELD_ERROR ? -1 : pw_store_hold_over_limit(store, bits, ncells);
}

int pw_hold_references(pw_store_object *store, const pw_kind *kinds, const uint64_t *bits,
                       Py_ssize_t count)
{
    const uint64_t *cell = bits;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_host(kinds[i], *cell)) {
            pw_held held = pw_store_hold(store, (PyObject *)(uintptr_t)*cell);
            if (held != PW_HELD && not_held(store, held, kinds, bits, count) < 0) {
                return -1;
            }
        }
        cell += pw_cells(kinds[i]);
    }
    return 0;
}

/* ---- to Python ---- */

/* The store holds every object that wasm was given. Bits that are not the address of one can only
 * come from code that was loaded without validation, and must not be used as an address. */
static PyObject *decode_extern(uint64_t bits, pw_store_object *store)
{
    if (pw_externs_has(&store->externs, bits)) {
        return Py_NewRef((PyObject *)(uintptr_t)bits);
    }
    PyErr_SetString(PyExc_SystemError, "wasm handed out an externref that it was never given");
    return NULL;
}

/* Asks the Python layer for the name and the type of a function, and notes them in the store. NULL
 * with an error. */
static const pw_known *describe(pw_state *state, pw_store_object *store, pw_func *func)
{
    const pw_known *noted = NULL;
    pw_known known = pw_known_of(func);
    PyObject *address = PyLong_FromVoidPtr(func);
    PyObject *pair = address != NULL ? PyObject_CallOneArg(state->describe, address) : NULL;
    if (pair != NULL && PyArg_ParseTuple(pair, "UO", &known.name, &known.type)) {
        known.label = pw_label(state, known.name);
    }
    if (known.label != NULL) {
        noted = pw_known_add(&store->known, &known);
    }
    Py_XDECREF(known.label);
    Py_XDECREF(pair);
    Py_XDECREF(address);
    return noted;
}

static PyObject *decode_function(uint64_t bits, pw_store_object *store)
{
    pw_func *func = (pw_func *)(uintptr_t)bits;
    pw_state *state = pw_state_of(Py_TYPE(store));
    if (state == NULL) {
        return NULL;
    }
    const pw_known *known = pw_known_find(&store->known, func);
    if (known == NULL) {
        known = describe(state, store, func);
    }
    PyObject *anchor = known != NULL ? pw_anchor_of(store, pw_engine->func_embedder(func)) : NULL;
    if (anchor == NULL) {
        return NULL;
    }
    PyObject *function = pw_function_new(state, store, known, anchor, false);
    Py_DECREF(anchor);
    return function;
}

static PyObject *decode_reference(uint64_t bits, pw_kind kind, pw_store_object *store)
{
    if (pw_is_exnref(kind)) {
        PyErr_SetString(PyExc_TypeError,
                        "Python cannot have references to exceptions, which are of type exnref");
        return NULL;
    }
    if (!bits) {
        Py_RETURN_NONE;
    }
    if (pw_is_i31(bits)) {
        return PyLong_FromLong(pw_i31_signed(bits));
    }
    if (pw_is_heap_reference(bits)) {
        return pw_aggregate_new(store, bits);
    }
    switch (kind & ~PW_KIND_NON_NULL) {
    case PW_KIND_EXTERN:
    case PW_KIND_ANY: return decode_extern(bits, store);
    case PW_KIND_FUNC: return decode_function(bits, store);
    default:
        PyErr_SetString(PyExc_SystemError, "Python cannot receive a reference of this type");
        return NULL;
    }
}

/* ---- values of all types ---- */

int pw_encode_value(pw_store_object *store, pw_module *module, PyObject *value, pw_valtype type,
                    uint64_t *cells)
{
    pw_kind kind = pw_kind_of(type);
    if (kind >= PW_V128) {
        return pw_encode_plain(value, kind, false, cells, NULL);
    }
    pw_signature signature = {.store = store, .module = module};
    if (pw_encode_reference(value, type, &signature, cells) < 0 ||
        pw_hold_references(store, &kind, cells, 1) < 0) {
        return -1;
    }
    pw_store_overwritten(store);
    return 0;
}

int pw_encode_new(pw_store_object *store, pw_module *module, PyObject *value, pw_valtype type,
                  uint64_t *cells)
{
    if (value == Py_None && pw_kind_of(type) == PW_KIND_EXN) {
        *cells = 0;
        return 0;
    }
    return pw_encode_value(store, module, value, type, cells);
}

int pw_encode_mixed(PyObject *const *values, const pw_kind *kinds, Py_ssize_t count, bool raw,
                    uint64_t *bits, const pw_signature *signature, bool results)
{
    for (Py_ssize_t i = 0; i < count; bits += pw_cells(kinds[i++])) {
        pw_site site = {signature->name, results ? "result" : "parameter", i};
        if (kinds[i] >= PW_V128) {
            if (pw_encode_plain(values[i], kinds[i], raw, bits, &site) < 0) {
                return -1;
            }
            continue;
        }
        /* The types belong to the module, which a closed store may have freed. */
        if (pw_store_require_open(signature->store) < 0) {
            return -1;
        }
        pw_valtype type = results ? signature->type->results[i] : signature->type->params[i];
        if (pw_encode_reference(values[i], type, signature, bits) < 0) {
            return pw_blame(&site, type);
        }
    }
    return 0;
}

PyObject *pw_decode_any(const uint64_t *cells, pw_kind kind, bool raw, pw_store_object *store)
{
    if (pw_is_number(kind)) {
        return pw_decode(cells, kind, raw);
    }
    return kind == PW_V128 ? pw_decode_vector(cells, raw) : decode_reference(*cells, kind, store);
}

PyObject *pw_decode_mixed(const uint64_t *bits, const pw_kind *kinds, Py_ssize_t count, bool raw,
                          pw_store_object *store)
{
    if (count == 1) {
        return pw_decode_any(bits, kinds[0], raw, store);
    }
    if (count == 0) {
        Py_RETURN_NONE;
    }
    uint32_t ncells = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        ncells += pw_cells(kinds[i]);
    }
    /* Making an object can run Python code, and this a collection. */
    pw_roots roots = {.cells = bits, .count = &ncells};
    pw_engine->roots_add(store->store, &roots);
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *value = pw_decode_any(bits, kinds[i], raw, store);
        bits += pw_cells(kinds[i]);
        if (value == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, value);
        }
    }
    pw_engine->roots_forget(store->store, &roots);
    return tuple;
}
