/* SPDX-License-Identifier: MIT */
/* Conversion of references. The bits of a funcref are the address of a pw_func. The bits of an
 * externref are the address of the Python object, which the store holds. Python never gives the
 * bits themselves, so it cannot forge a reference. */
#include "cpython/references.h"

#include "cpython/anchor.h"
#include "cpython/externs.h"
#include "cpython/function.h"
#include "cpython/known.h"
#include "cpython/names.h"
#include "cpython/numbers.h"
#include "cpython/state.h"
#include "cpython/vectors.h"

/* ---- to wasm ---- */

/* Checks that a function has the type with an index in the module. The store is entered because
 * looking up a type may add it to the store. */
static int check_type(PyObject *value, pw_func *func, uint32_t index, const pw_signature *signature)
{
    if (pw_store_enter(signature->store) < 0) {
        return -1;
    }
    const void *identity = pw_engine->store_type(signature->store->store, signature->module, index);
    bool same = pw_engine->func_type_identity(func) == identity;
    pw_store_leave(signature->store);
    if (!same) {
        PyErr_Format(PyExc_TypeError, "%R is not of type %u of the module", value, (unsigned)index);
    }
    return same ? 0 : -1;
}

static int encode_function(PyObject *value, pw_valtype type, const pw_signature *signature,
                           uint64_t *bits)
{
    pw_state *state = pw_state_of(Py_TYPE(signature->store));
    if (state == NULL) {
        return -1;
    }
    if (Py_TYPE(value) != state->function_type) {
        PyErr_Format(PyExc_TypeError, "a pywasm3.Function%s is expected, not %.200s",
                     type & PW_NON_NULL ? "" : " or None", Py_TYPE(value)->tp_name);
        return -1;
    }
    pw_func *func = pw_function_in(value, signature->store);
    if (func == NULL) {
        PyErr_Format(PyExc_TypeError, "%R belongs to another store", value);
        return -1;
    }
    if (type & PW_CONCRETE && check_type(value, func, type & PW_HEAP_MASK, signature) < 0) {
        return -1;
    }
    *bits = (uintptr_t)func;
    return 0;
}

int pw_encode_reference(PyObject *value, pw_valtype type, const pw_signature *signature,
                        uint64_t *bits)
{
    if (pw_store_require_open(signature->store) < 0) {
        return -1;
    }
    pw_kind kind = pw_kind_of(type);
    if (pw_is_exnref(kind)) {
        PyErr_SetString(PyExc_TypeError, "references to exceptions cannot come from Python");
        return -1;
    }
    if (value == Py_None) {
        if (kind & PW_KIND_NON_NULL) {
            PyErr_SetString(PyExc_TypeError, "None stands for null, which the type excludes");
        }
        *bits = 0;
        return kind & PW_KIND_NON_NULL ? -1 : 0;
    }
    switch (kind & ~PW_KIND_NON_NULL) {
    case PW_KIND_EXTERN: *bits = (uintptr_t)value; return 0;
    case PW_KIND_FUNC: return encode_function(value, type, signature, bits);
    default:
        PyErr_Format(PyExc_TypeError, "a value of this type can only be None, not %.200s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
}

int pw_hold_references(pw_store_object *store, const pw_kind *kinds, const uint64_t *bits,
                       Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        if ((kinds[i] & ~PW_KIND_NON_NULL) == PW_KIND_EXTERN && *bits) {
            if (pw_store_hold(store, (PyObject *)(uintptr_t)*bits) < 0) {
                return -1;
            }
        }
        bits += pw_cells(kinds[i]);
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
    switch (kind & ~PW_KIND_NON_NULL) {
    case PW_KIND_EXTERN: return decode_extern(bits, store);
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
    return tuple;
}
