/* SPDX-License-Identifier: MIT */
/* Exceptions of host functions on their way into wasm. Which ones wasm may catch, and how the
 * values of a WasmException become those of its tag. */
#include "cpython/throw.h"

#include "cpython/anchor.h"
#include "cpython/numbers.h"
#include "cpython/raised.h"
#include "cpython/recursion.h"
#include "cpython/references.h"
#include "cpython/signature.h"
#include "cpython/state.h"
#include "cpython/stop.h"
#include "cpython/vectors.h"

/* ---- which exceptions ---- */

static bool is_a(PyObject *class, PyObject *base)
{
    return PyType_IsSubtype((PyTypeObject *)class, (PyTypeObject *)base);
}

/* Tells whether wasm may catch an exception of a class, when it has a clause for any exception.
 *
 * These are for the program around the guest, and a guest that caught them could go on although it
 * was told to stop, or hide that the program is wrong:
 * - what is not an Exception: KeyboardInterrupt, SystemExit, GeneratorExit, and
 *   asyncio.CancelledError;
 * - MemoryError and RecursionError: traps of the same kind cannot be caught either;
 * - every WasmError but WasmException: a Trap of a nested call ends all calls around it (fuel,
 *   deadlines, interruption), WasiExit ends the program, and the others say that the host uses this
 *   package wrongly, for example a closed store.
 * No code of Python runs here: only the bases of the class count. */
static bool may_be_caught(const pw_state *state, PyObject *class)
{
    return is_a(class, PyExc_Exception) && !is_a(class, PyExc_MemoryError) &&
           !is_a(class, PyExc_RecursionError) &&
           (!is_a(class, state->closed) || is_a(class, state->wasm_exception));
}

/* ---- the values of a WasmException ---- */

/* Finds the tag of a WasmException. *found is NULL if it is none of this store, and the exception
 * is then like any other of Python. -1 with an error. */
static int find_tag(pw_state *state, pw_store_object *store, PyObject *exception, pw_tag **found)
{
    *found = NULL;
    PyObject *tag = PyObject_GetAttrString(exception, "tag");
    PyObject *anchor = tag != NULL ? PyObject_GetAttrString(tag, "_anchor") : NULL;
    if (anchor != NULL && Py_TYPE(anchor) == state->anchor_type &&
        pw_anchor_store(anchor) == store) {
        *found = pw_engine->object_tag(pw_anchor_object(anchor));
    }
    if (PyErr_ExceptionMatches(PyExc_AttributeError)) { /* somebody has changed the attribute */
        PyErr_Clear();
    }
    Py_XDECREF(anchor);
    Py_XDECREF(tag);
    return PyErr_Occurred() == NULL ? 0 : -1;
}

static int encode_value(PyObject *value, pw_valtype type, Py_ssize_t index,
                        const pw_signature *signature, uint64_t *cells)
{
    pw_site site = {signature->name, "parameter", index};
    pw_kind kind = pw_kind_of(type);
    if (pw_is_number(kind)) {
        return pw_encode(value, type, false, cells, &site);
    }
    if (kind == PW_V128) {
        return pw_encode_vector(value, false, cells, &site);
    }
    return pw_encode_reference(value, type, signature, cells) < 0
               ? pw_blame(&site, pw_shown_type(signature->store, type))
               : 0;
}

/* Lets the store hold the objects of the external references. -1 with an error. */
static int hold(pw_store_object *store, const pw_valtype *types, uint32_t count,
                const uint64_t *cells)
{
    uint32_t ncells = 0;
    int status = 0;
    pw_roots roots = {.cells = cells, .count = &ncells}; /* a collection may become necessary */
    pw_engine->roots_add(store->store, &roots);
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        pw_kind kind = pw_kind_of(types[i]);
        status = pw_hold_references(store, &kind, cells + ncells, 1);
        ncells += pw_cells(kind);
    }
    pw_engine->roots_forget(store->store, &roots);
    return status;
}

/* Converts the values for the tag. -1 with an error. */
static int encode_payload(pw_store_object *store, PyObject *payload, const pw_valtype *types,
                          uint32_t count, uint64_t *cells)
{
    if (!PyTuple_Check(payload) || PyTuple_GET_SIZE(payload) != (Py_ssize_t)count) {
        PyErr_Format(PyExc_TypeError, "the payload must be a tuple of %u value%s, as the tag has",
                     (unsigned)count, count == 1 ? "" : "s");
        return -1;
    }
    const pw_signature signature = {.name = PyUnicode_FromString("tag"), .store = store};
    int status = signature.name != NULL ? 0 : -1;
    uint64_t *cell = cells;
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        status = encode_value(PyTuple_GET_ITEM(payload, i), types[i], i, &signature, cell);
        cell += pw_cells(types[i]);
    }
    Py_XDECREF(signature.name);
    return status < 0 ? -1 : hold(store, types, count, cells);
}

/* Puts an exception with a tag on its way. False: there is no memory. */
static bool raise_tagged(pw_store_object *store, const pw_tag *tag, const uint64_t *cells,
                         uint32_t ncells)
{
    return pw_engine->exception_raise(store->store, tag, cells) ||
           (pw_store_make_room(store, cells, ncells) &&
            pw_engine->exception_raise(store->store, tag, cells));
}

/* Makes an exception with a tag of the store, and puts it on its way. -1 with an error. */
static int throw_new(pw_store_object *store, PyObject *exception, const pw_tag *tag)
{
    uint32_t count;
    const pw_valtype *types = pw_engine->tag_params(tag, &count);
    PyObject *payload = PyObject_GetAttrString(exception, "_payload");
    uint64_t *cells = PyMem_New(uint64_t, (size_t)count *PW_MAX_CELLS + 1);
    int status = -1;
    if (payload != NULL && cells != NULL) {
        status = encode_payload(store, payload, types, count, cells);
    }
    if (cells == NULL ||
        (status == 0 && !raise_tagged(store, tag, cells, pw_cells_of(types, count)))) {
        PyErr_NoMemory();
        status = -1;
    }
    PyMem_Free(cells);
    Py_XDECREF(payload);
    return status;
}

/* Puts a WasmException with a tag of the store on its way. If Python cannot have the values, it
 * has kept what wasm threw, which is thrown again. -1 with an error. */
static int throw_tagged(pw_state *state, pw_store_object *store, PyObject *exception,
                        const pw_tag *tag)
{
    PyObject *kept = PyObject_GetAttrString(exception, "_kept");
    if (kept == NULL) {
        return -1;
    }
    bool raised = Py_TYPE(kept) == state->anchor_type && pw_anchor_store(kept) == store &&
                  pw_engine->exception_raise_kept(store->store, pw_anchor_object(kept));
    Py_DECREF(kept);
    return raised ? 0 : throw_new(store, exception, tag);
}

/* Sets the `__context__` of the exception that is set. */
static void set_context(PyObject *context)
{
    PyObject *exception = pw_raised_take();
    if (exception != context) {
        PyException_SetContext(exception, Py_NewRef(context));
    }
    pw_raised_set(exception);
}

/* Puts a WasmException on its way. -1 with an error. */
static int throw_value(pw_state *state, pw_store_object *store, PyObject *exception)
{
    pw_tag *tag;
    if (find_tag(state, store, exception, &tag) < 0) {
        return -1;
    }
    if (tag != NULL) {
        return throw_tagged(state, store, exception, tag);
    }
    pw_engine->exception_raise(store->store, NULL, NULL);
    return 0;
}

/* Throws the WasmException that is set. If its values cannot be converted, the error takes its
 * place, and may be caught itself. */
static pw_trap throw_wasm_exception(pw_state *state, pw_store_object *store)
{
    PyObject *exception = pw_raised_take();
    if (throw_value(state, store, exception) == 0) {
        pw_raised_set(exception);
        return PW_TRAP_EXCEPTION;
    }
    set_context(exception);
    Py_DECREF(exception);
    if (!may_be_caught(state, PyErr_Occurred())) {
        return PW_TRAP_HOST;
    }
    pw_engine->exception_raise(store->store, NULL, NULL);
    return PW_TRAP_EXCEPTION;
}

/* ---- the border ---- */

/* A call that must stop does not go on because its guest catches exceptions. */
pw_trap pw_throw(pw_store_object *store)
{
    pw_state *state = pw_state_of(Py_TYPE(store));
    PyObject *class = PyErr_Occurred();
    if (state == NULL || !may_be_caught(state, class) ||
        (pw_read(store->watch.watched) && pw_stop_pending(store) != PW_TRAP_NONE)) {
        return PW_TRAP_HOST;
    }
    if (is_a(class, state->wasm_exception)) {
        return throw_wasm_exception(state, store);
    }
    pw_engine->exception_raise(store->store, NULL, NULL);
    return PW_TRAP_EXCEPTION;
}

/* Lets the store hold the exception that is set, so that wasm can refer to it. */
static int keep_exception(pw_store_object *store, uint64_t *reference)
{
    PyObject *exception = pw_raised_take();
    const pw_kind kind = PW_KIND_EXTERN;
    uint64_t bits = (uintptr_t)exception;
    int status = pw_hold_references(store, &kind, &bits, 1);
    *reference = status == 0 ? bits : 0;
    Py_DECREF(exception);
    return status;
}

/* Finalizers may run here. Where too little of the stack is left for them, the exception passes as
 * if the code did not catch it. */
pw_trap pw_catch(void *store_object, bool keep, uint64_t *reference)
{
    pw_store_object *store = store_object;
    pw_recursion recursion = {NULL, 0};
    if (!pw_recursion_bound(&recursion, store->watch.meter)) {
        return PW_TRAP_HOST;
    }
    int status = 0;
    if (keep) {
        status = keep_exception(store, reference);
    } else {
        PyErr_Clear();
    }
    pw_recursion_restore(&recursion);
    return status < 0 ? PW_TRAP_HOST : PW_TRAP_NONE;
}
