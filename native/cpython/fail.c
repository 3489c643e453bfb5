/* SPDX-License-Identifier: MIT */
/* How a failed call of a Function raises. */
#include "cpython/fail.h"

#include "cpython/anchor.h"
#include "cpython/cache.h"
#include "cpython/externs.h"
#include "cpython/raised.h"
#include "cpython/references.h"
#include "cpython/report.h"
#include "cpython/signature.h"
#include "cpython/state.h"
#include "cpython/store.h"

/* ---- traps ---- */

static void raise_trap(pw_function_object *self, pw_trap trap, PyObject *frames,
                       const pw_report *report)
{
    PyObject *error =
        PyObject_CallFunction(pw_state_of(Py_TYPE(self))->trap, "iOIKs", (int)trap, frames,
                              report->head, (unsigned long long)report->omitted, report->message);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
}

/* Makes a tuple of frames, and leaves an exception that is set as it is. NULL, without setting one,
 * if there is no memory. */
static PyObject *read_frames(const pw_report *report)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *frames = pw_report_frames(report);
    if (frames == NULL) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
    return frames;
}

/* Raises the exception for a trap. The store is entered, and left before the exception is made. */
static void raise(pw_function_object *self, pw_trap trap, const pw_report *report)
{
    PyObject *frames = read_frames(report);
    pw_store_leave(self->signature.store);
    if (trap == PW_TRAP_NO_MEMORY) {
        PyErr_NoMemory();
    } else if (frames != NULL) {
        raise_trap(self, trap, frames, report);
    }
    Py_XDECREF(frames);
}

/* ---- exceptions of host functions ---- */

/* How many notes are kept. A guest whose host functions raise often, for example to unwind its
 * stack, does it at a few places. */
#define MOST_NOTES 16

/* Makes the text of a note, and keeps it unless it is NULL or `key` is. */
static PyObject *make_note(pw_state *state, PyObject *key, PyObject *frames,
                           const pw_report *report)
{
    PyObject *note = PyObject_CallFunction(state->note, "OIK", frames, report->head,
                                           (unsigned long long)report->omitted);
    if (note != NULL && key != NULL && pw_cache_set(state->notes, key, note, MOST_NOTES) < 0) {
        Py_CLEAR(note);
    }
    return note;
}

/* Returns the note for an exception that passed through the frames of a report. The store is
 * entered, and left before Python code runs. New reference; NULL with or without an error: there is
 * no note. */
static PyObject *note_of(pw_state *state, pw_store_object *store, const pw_report *report)
{
    PyObject *note = NULL, *frames = NULL;
    PyObject *key = report->long_names ? NULL : pw_report_key(report);
    int found = key != NULL ? pw_dict_get(state->notes, key, &note) : 0;
    if (!found && PyErr_Occurred() == NULL) {
        frames = pw_report_frames(report);
    }
    pw_store_leave(store);
    if (frames != NULL) {
        note = make_note(state, key, frames, report);
    }
    Py_XDECREF(frames);
    Py_XDECREF(key);
    return note;
}

static PyObject *add_note(pw_state *state, PyObject *exception, PyObject *note)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyObject_CallMethodObjArgs(exception, state->add_note_name, note, NULL);
#else
    return PyObject_CallFunctionObjArgs(state->add_note, exception, note, NULL);
#endif
}

/* Adds a note to the exception of a host function, which says through which wasm frames it passed.
 * The exception itself stays the same, and is more important than its note: if that cannot be made,
 * there is none. The store is entered, and left before the note is added. */
static void annotate(pw_function_object *self, const pw_report *report)
{
    PyObject *type, *value, *traceback, *result = NULL;
    pw_state *state = pw_state_of(Py_TYPE(self));
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *note = note_of(state, self->signature.store, report);
    PyErr_Clear();
    if (note != NULL && type != NULL && PyObject_IsTrue(note) > 0) {
        PyErr_NormalizeException(&type, &value, &traceback);
        if (traceback != NULL) {
            PyException_SetTraceback(value, traceback);
        }
        result = add_note(state, value, note);
        PyErr_Clear();
    }
    Py_XDECREF(result);
    Py_XDECREF(note);
    PyErr_Restore(type, value, traceback);
}

/* ---- exceptions that wasm threw ---- */

/* An exception of wasm as Python objects, and its tag. */
typedef struct {
    pw_tag *tag;
    PyObject *anchor;  /* of the tag */
    PyObject *codes;   /* a tuple: the types of the values */
    PyObject *payload; /* a tuple of the values; or the anchor of what keeps the exception, if one
                          of them cannot be given to Python */
} thrown_parts;

static PyObject *code_tuple(const pw_store_object *store, const pw_valtype *types, uint32_t count)
{
    PyObject *codes = PyTuple_New(count);
    for (uint32_t i = 0; codes != NULL && i < count; i++) {
        PyObject *code = PyLong_FromUnsignedLong(pw_shown_type(store, types[i]));
        if (code == NULL) {
            Py_CLEAR(codes);
        } else {
            PyTuple_SET_ITEM(codes, i, code);
        }
    }
    return codes;
}

static PyObject *decode_payload(const pw_valtype *types, uint32_t count, const uint64_t *cells,
                                pw_store_object *store)
{
    uint32_t ncells = pw_cells_of(types, count);
    pw_roots roots = {.cells = cells, .count = &ncells};
    pw_engine->roots_add(store->store, &roots);
    PyObject *payload = PyTuple_New(count);
    for (uint32_t i = 0; payload != NULL && i < count; i++) {
        pw_kind kind = pw_kind_of(types[i]);
        PyObject *value = pw_decode_any(cells, kind, false, store);
        cells += pw_cells(kind);
        if (value == NULL) {
            Py_CLEAR(payload);
        } else {
            PyTuple_SET_ITEM(payload, i, value);
        }
    }
    pw_engine->roots_forget(store->store, &roots);
    return payload;
}

/* Keeps the exception with which a call ended. New reference; NULL with an error. */
static PyObject *keep(pw_store_object *store)
{
    pw_object *keeper = pw_engine->exception_keep(store->store);
    return keeper != NULL ? pw_anchor_new(store, keeper) : PyErr_NoMemory();
}

/* Takes the parts of the exception with which a call ended, and ends its way. Decoding references
 * can run Python code, which can throw and catch other exceptions in the store; so the values are
 * copied before. -1 with an error. */
static int take_parts(pw_store_object *store, const pw_thrown *thrown, thrown_parts *parts)
{
    uint32_t count;
    const pw_valtype *types = pw_engine->tag_params(thrown->tag, &count);
    uint64_t *cells = PyMem_New(uint64_t, thrown->ncells + 1);
    if (cells == NULL) {
        PyErr_NoMemory();
    } else {
        for (uint32_t i = 0; i < thrown->ncells; i++) {
            cells[i] = thrown->cells[i];
        }
        parts->tag = thrown->tag;
        parts->anchor = pw_anchor_new(store, (pw_object *)(void *)thrown->tag);
    }
    bool hidden = pw_has_exnref(types, count);
    if (parts->anchor != NULL && hidden) {
        parts->payload = keep(store);
    }
    pw_engine->exception_end(store->store);
    if (parts->anchor != NULL && !hidden) {
        parts->payload = decode_payload(types, count, cells, store);
    }
    if (parts->payload != NULL) {
        parts->codes = code_tuple(store, types, count);
    }
    PyMem_Free(cells);
    return parts->codes != NULL && parts->payload != NULL ? 0 : -1;
}

/* Raises a WasmException. The store is entered, and left before the exception is made. */
static void raise_thrown(pw_function_object *self, const pw_thrown *thrown, const pw_report *report)
{
    pw_store_object *store = self->signature.store;
    pw_state *state = pw_state_of(Py_TYPE(self));
    thrown_parts parts = {NULL, NULL, NULL, NULL};
    PyObject *frames = NULL, *error = NULL;
    if (take_parts(store, thrown, &parts) == 0) {
        frames = pw_report_frames(report);
    }
    pw_store_leave(store);
    if (frames != NULL) {
        error = PyObject_CallFunction(state->thrown, "OOKOOOIK", store, parts.anchor,
                                      (unsigned long long)(uintptr_t)parts.tag, parts.codes,
                                      parts.payload, frames, report->head,
                                      (unsigned long long)report->omitted);
    }
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
    Py_XDECREF(frames);
    Py_XDECREF(parts.payload);
    Py_XDECREF(parts.codes);
    Py_XDECREF(parts.anchor);
}

/* Raises once more an exception of a host function that wasm has caught and thrown again. */
static void raise_again(pw_store_object *store, uint64_t host)
{
    if (!pw_externs_has(&store->externs, host)) {
        PyErr_SetString(PyExc_SystemError, "wasm threw an exception that it was never given");
        return;
    }
    pw_raised_set(Py_NewRef((PyObject *)(uintptr_t)host));
}

static void fail_with_exception(pw_function_object *self, const pw_report *report)
{
    pw_store_object *store = self->signature.store;
    pw_thrown thrown = pw_engine->exception_thrown(store->store);
    if (!thrown.of_host && !thrown.host) {
        raise_thrown(self, &thrown, report);
        return;
    }
    pw_engine->exception_end(store->store);
    if (!thrown.of_host) {
        raise_again(store, thrown.host);
    }
    annotate(self, report);
}

/* ---- any failure ---- */

/* Lets the store's callable choose the exception that the failed call raises. */
static void choose_error(pw_function_object *self)
{
    PyObject *on_failure = self->signature.store->on_failure;
    if (on_failure == NULL) {
        return;
    }
    PyObject *error = pw_raised_take();
    PyObject *final = PyObject_CallOneArg(on_failure, error);
    if (final == error) {
        pw_raised_set(Py_NewRef(final));
    } else if (final != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(final), final);
    }
    Py_XDECREF(final);
    Py_DECREF(error);
}

/* This is not inlined, because the report would enlarge the stack frame of every call, and calls
 * nest. An exception does not count as a trap: like one of a host function, it ends the frames of
 * the guest as the guest can expect it. */
PW_NOINLINE PyObject *pw_function_fail(pw_function_object *self, pw_trap trap)
{
    pw_report report;
    pw_report_take(self->signature.store->store, trap, &report);
    if (trap == PW_TRAP_HOST) {
        annotate(self, &report);
    } else if (trap == PW_TRAP_EXCEPTION) {
        fail_with_exception(self, &report);
    } else {
        pw_write(self->signature.store->trapped, true);
        raise(self, trap, &report);
    }
    if (PyErr_Occurred() == NULL) {
        PyErr_NoMemory();
    }
    choose_error(self);
    return NULL;
}
