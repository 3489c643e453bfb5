/* SPDX-License-Identifier: MIT */
/* Functions: how they are made, and how a failed call of one raises. */
#include "cpython/function.h"

#include "cpython/names.h"

/* An exception shows at most this many frames of wasm. */
#define MAX_FRAMES 64

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

/* ---- failed calls ---- */

static PyObject *index_object(uint32_t index)
{
    return index == PW_NO_INDEX ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(index);
}

/* Makes a tuple: index, offset and name of the function. */
static PyObject *frame_tuple(const pw_frame *frame)
{
    PyObject *tuple = PyTuple_New(3);
    if (tuple == NULL) {
        return NULL;
    }
    PyTuple_SET_ITEM(tuple, 0, PyLong_FromUnsignedLong(frame->function));
    PyTuple_SET_ITEM(tuple, 1, index_object(frame->offset));
    PyTuple_SET_ITEM(tuple, 2, pw_name_object(frame->module, frame->name));
    for (Py_ssize_t i = 0; i < 3; i++) {
        if (PyTuple_GET_ITEM(tuple, i) == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

typedef struct {
    pw_frame frames[MAX_FRAMES];
    uint32_t count;
    uint32_t head;
    uint64_t omitted;
    bool long_names; /* the objects for some names keep their module alive: see pw_name_object */
    char message[256];
} trap_report;

/* Copies what the engine recorded about a trap. The store is entered. */
static void take_report(pw_store *store, pw_trap trap, trap_report *report)
{
    report->count =
        pw_engine->store_frames(store, report->frames, MAX_FRAMES, &report->head, &report->omitted);
    report->long_names = false;
    for (uint32_t i = 0; i < report->count; i++) {
        report->long_names |= pw_name_is_long(report->frames[i].name);
    }
    report->message[0] = 0;
    if (trap == PW_TRAP_UNSUPPORTED) {
        PyOS_snprintf(report->message, sizeof report->message, "%s",
                      pw_engine->store_message(store));
    }
}

static PyObject *frames_tuple(const trap_report *report)
{
    PyObject *tuple = PyTuple_New(report->count);
    if (tuple == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < report->count; i++) {
        PyObject *frame = frame_tuple(&report->frames[i]);
        if (frame == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, frame);
    }
    return tuple;
}

/* Adds a note to the exception of a host function, which says through which wasm frames it passed.
 * The exception itself stays the same. */
static void annotate(pw_state *state, PyObject *frames, const trap_report *report)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) {
        return;
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    PyObject *head = PyLong_FromUnsignedLong(report->head);
    PyObject *omitted = PyLong_FromUnsignedLongLong(report->omitted);
    PyObject *lasting = report->long_names ? Py_False : Py_True;
    PyObject *arguments[] = {value, frames, head, omitted, lasting}, *result = NULL;
    if (head != NULL && omitted != NULL) {
        result = PyObject_Vectorcall(state->annotate, arguments, 5, NULL);
    }
    if (result == NULL) {
        PyErr_Clear(); /* the exception is more important than its note */
    }
    Py_XDECREF(head);
    Py_XDECREF(omitted);
    Py_XDECREF(result);
    PyErr_Restore(type, value, traceback);
}

static void raise_trap(pw_state *state, pw_trap trap, PyObject *frames, const trap_report *report)
{
    PyObject *error = PyObject_CallFunction(state->trap, "iOIKs", (int)trap, frames, report->head,
                                            (unsigned long long)report->omitted, report->message);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
}

/* Makes a tuple of frames. The store is entered, because the modules own the names. NULL, without
 * setting an exception, if there is no memory. */
static PyObject *read_frames(const trap_report *report)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *frames = frames_tuple(report);
    if (frames == NULL) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
    return frames;
}

static void raise(pw_function_object *self, pw_trap trap, PyObject *frames,
                  const trap_report *report)
{
    pw_state *state = pw_state_of(Py_TYPE(self));
    if (frames != NULL && trap == PW_TRAP_HOST) {
        annotate(state, frames, report);
    } else if (trap == PW_TRAP_NO_MEMORY) {
        PyErr_NoMemory();
    } else if (frames != NULL) {
        raise_trap(state, trap, frames, report);
    }
}

/* This is not inlined, because the report would enlarge the stack frame of every call, and calls
 * nest. */
PW_NOINLINE PyObject *pw_function_fail(pw_function_object *self, pw_trap trap)
{
    trap_report report;
    if (trap != PW_TRAP_HOST) {
        pw_write(self->signature.store->trapped, true);
    }
    take_report(self->signature.store->store, trap, &report);
    PyObject *frames = read_frames(&report);
    pw_store_leave(self->signature.store);
    raise(self, trap, frames, &report);
    Py_XDECREF(frames);
    if (PyErr_Occurred() == NULL) {
        PyErr_NoMemory();
    }
    return NULL;
}
