/* SPDX-License-Identifier: MIT */
/* Functions: how they are made, and how a failed call of one raises. */
#include "cpython/function.h"

#include "cpython/kept.h"
#include "cpython/report.h"

/* ---- making and freeing ---- */

PyObject *pw_function_new(pw_state *state, pw_store_object *store, const pw_known *known,
                          PyObject *anchor, bool raw)
{
    const pw_functype *types = known->types;
    Py_ssize_t count = (Py_ssize_t)types->nparams + types->nresults;
    pw_function_object *self = PyObject_GC_NewVar(pw_function_object, state->function_type, count);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = pw_fill_kinds(self->types, types) ? state->call_mixed : state->call_plain;
    self->signature = (pw_signature){Py_NewRef(known->label), (pw_store_object *)Py_NewRef(store),
                                     pw_engine->module_retain(known->module), types};
    self->name = Py_NewRef(known->name);
    self->anchor = Py_NewRef(anchor);
    self->func = known->func;
    self->callee = known->callee;
    self->type = Py_NewRef(known->type);
    self->weakrefs = NULL;
    self->nparams = types->nparams;
    self->nresults = types->nresults;
    self->raw = raw;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

pw_func *pw_function_in(PyObject *function, pw_store_object *store)
{
    pw_function_object *self = (pw_function_object *)function;
    return self->signature.store == store ? self->func : NULL;
}

int pw_function_traverse(PyObject *op, visitproc visit, void *arg)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->signature.store);
    Py_VISIT(self->anchor);
    Py_VISIT(self->type);
    return 0;
}

/* There is no tp_clear: every cycle that a Function is part of also runs through its store or
 * through a HostFunction, whose tp_clear breaks it. */
void pw_function_dealloc(PyObject *op)
{
    pw_function_object *self = (pw_function_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    pw_engine->module_release(self->signature.module);
    Py_DECREF(self->anchor);
    Py_DECREF(self->signature.store);
    Py_DECREF(self->signature.name);
    Py_DECREF(self->name);
    Py_DECREF(self->type);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- traps ---- */

static void raise_trap(pw_state *state, pw_trap trap, PyObject *frames, const pw_report *report)
{
    PyObject *error = PyObject_CallFunction(state->trap, "iOIKs", (int)trap, frames, report->head,
                                            (unsigned long long)report->omitted, report->message);
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
        raise_trap(pw_state_of(Py_TYPE(self)), trap, frames, report);
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
    if (note != NULL && key != NULL && pw_keep(state->notes, key, note, MOST_NOTES) < 0) {
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

/* This is not inlined, because the report would enlarge the stack frame of every call, and calls
 * nest. */
PW_NOINLINE PyObject *pw_function_fail(pw_function_object *self, pw_trap trap)
{
    pw_report report;
    pw_report_take(self->signature.store->store, trap, &report);
    if (trap == PW_TRAP_HOST) {
        annotate(self, &report);
    } else {
        pw_write(self->signature.store->trapped, true);
        raise(self, trap, &report);
    }
    if (PyErr_Occurred() == NULL) {
        PyErr_NoMemory();
    }
    return NULL;
}
