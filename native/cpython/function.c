/* SPDX-License-Identifier: MIT */
/* Function: a wasm function as a Python callable. */
#include "cpython/function.h"

#include <structmember.h>

/* The record of a trap holds at most this many frames. */
#define MAX_FRAMES 64

/* ---- failed calls ---- */

static PyObject *frame_name(pw_name name)
{
    if (!name.size) {
        Py_RETURN_NONE;
    }
    return PyUnicode_DecodeUTF8(name.data, name.size, "replace");
}

static PyObject *frame_tuple(const pw_frame *frame)
{
    PyObject *name = frame_name(frame->name);
    if (name == NULL) {
        return NULL;
    }
    if (frame->offset == PW_NO_INDEX) {
        return Py_BuildValue("(ION)", frame->function, Py_None, name);
    }
    return Py_BuildValue("(IIN)", frame->function, frame->offset, name);
}

typedef struct {
    pw_frame frames[MAX_FRAMES];
    uint32_t count;
    uint32_t head;
    uint64_t omitted;
    char message[256];
} trap_report;

/* What the engine knows of a trap, copied while the store is ours. */
static void take_report(pw_store *store, trap_report *report)
{
    report->count =
        pw_engine->store_frames(store, report->frames, MAX_FRAMES, &report->head, &report->omitted);
    PyOS_snprintf(report->message, sizeof report->message, "%s", pw_engine->store_message(store));
}

static PyObject *frame_list(const trap_report *report)
{
    PyObject *list = PyList_New(report->count);
    if (list == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < report->count; i++) {
        PyObject *frame = frame_tuple(&report->frames[i]);
        if (frame == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, frame);
    }
    return list;
}

/* The host function's exception goes on as it is, with a note of the wasm frames it passed. */
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
    PyObject *result = PyObject_CallFunction(state->annotate, "OOIK", value, frames, report->head,
                                             (unsigned long long)report->omitted);
    if (result == NULL) {
        PyErr_Clear(); /* the exception matters more than its note */
    }
    Py_XDECREF(result);
    PyErr_Restore(type, value, traceback);
}

static void raise_trap(pw_state *state, pw_trap trap, PyObject *frames, const trap_report *report)
{
    PyObject *error = PyObject_CallFunction(state->trap, "iOIKs", (int)trap, frames, report->head,
                                            (unsigned long long)report->omitted,
                                            trap == PW_TRAP_UNSUPPORTED ? report->message : "");
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
}

/* In the entered store, for the names are in the modules. NULL without an exception. */
static PyObject *read_frames(const trap_report *report)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *frames = frame_list(report);
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

/* Not inlined, for the report is large and calls nest. */
PW_NOINLINE PyObject *pw_function_fail(pw_function_object *self, pw_trap trap)
{
    trap_report report;
    if (trap != PW_TRAP_HOST) {
        pw_write(self->party.store->trapped, true);
    }
    take_report(self->party.store->store, &report);
    PyObject *frames = read_frames(&report);
    pw_store_leave(self->party.store);
    raise(self, trap, frames, &report);
    Py_XDECREF(frames);
    if (PyErr_Occurred() == NULL) {
        PyErr_NoMemory();
    }
    return NULL;
}

static PyObject *wrong_arity(pw_function_object *self, Py_ssize_t given, PyObject *kwnames)
{
    if (kwnames != NULL && PyTuple_GET_SIZE(kwnames)) {
        PyErr_Format(PyExc_TypeError, "%U() takes no keyword arguments", self->party.name);
    } else {
        PyErr_Format(PyExc_TypeError, "%U() takes %zd argument%s but %zd %s given",
                     self->party.name, self->nparams, self->nparams == 1 ? "" : "s", given,
                     given == 1 ? "was" : "were");
    }
    return NULL;
}

/* ---- the call ---- */

/* Everything that can run Python code happens before the store is entered, or after it is left. */
static PW_ALWAYS_INLINE PyObject *call(pw_function_object *self, PyObject *const *args,
                                       uint64_t *values)
{
    if (pw_encode_all(args, self->types, self->nparams, self->raw, values, self->party.name,
                      "parameter") < 0) {
        return NULL;
    }
    return pw_call_encoded(self, values);
}

/* With references: objects are held, and handed out, while nobody else can make the store let them
 * go. */
static PyObject *call_mixed(pw_function_object *self, PyObject *const *args, uint64_t *values)
{
    pw_store_object *store = self->party.store;
    PyObject *result = NULL;
    if (pw_encode_mixed(args, self->types, self->nparams, self->raw, values, &self->party, false) <
        0) {
        return NULL;
    }
    if (pw_store_enter(store) < 0) {
        return NULL;
    }
    if (pw_hold_references(store, self->types, values, self->nparams) == 0) {
        pw_trap trap = pw_run_call(store, &self->callee, values);
        if (trap != PW_TRAP_NONE) {
            return pw_function_fail(self, trap);
        }
        result =
            pw_decode_mixed(values, self->types + self->nparams, self->nresults, self->raw, store);
    }
    pw_store_leave(store);
    return result;
}

typedef PyObject *(*caller)(pw_function_object *self, PyObject *const *args, uint64_t *values);

static PyObject *call_large(pw_function_object *self, PyObject *const *args, caller inner)
{
    Py_ssize_t count = self->nparams > self->nresults ? self->nparams : self->nresults;
    uint64_t *values = PyMem_New(uint64_t, (size_t)count);
    if (values == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *result = inner(self, args, values);
    PyMem_Free(values);
    return result;
}

static PyObject *function_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf,
                                     PyObject *kwnames)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given != self->nparams || kwnames != NULL) {
        if (given != self->nparams || PyTuple_GET_SIZE(kwnames)) {
            return wrong_arity(self, given, kwnames);
        }
    }
    if (self->nparams > PW_LOCAL_VALUES || self->nresults > PW_LOCAL_VALUES) {
        return call_large(self, args, call);
    }
    uint64_t values[PW_LOCAL_VALUES];
    return call(self, args, values);
}

/* Of functions with references. */
static PyObject *mixed_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf,
                                  PyObject *kwnames)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given != self->nparams || (kwnames != NULL && PyTuple_GET_SIZE(kwnames))) {
        return wrong_arity(self, given, kwnames);
    }
    if (self->nparams > PW_LOCAL_VALUES || self->nresults > PW_LOCAL_VALUES) {
        return call_large(self, args, call_mixed);
    }
    uint64_t values[PW_LOCAL_VALUES];
    return call_mixed(self, args, values);
}

/* ---- making and freeing ---- */

pw_target pw_target_of(pw_func *func)
{
    pw_module *module = pw_engine->module_retain(pw_engine->func_module(func));
    return (pw_target){func, pw_engine->callee(func), module, pw_engine->func_type(func)};
}

PyObject *pw_function_new(pw_state *state, pw_store_object *store, const pw_target *target,
                          PyObject *name, PyObject *type, bool raw)
{
    const pw_functype *signature = target->type;
    Py_ssize_t count = (Py_ssize_t)signature->nparams + signature->nresults;
    pw_function_object *self = PyObject_GC_NewVar(pw_function_object, state->function_type, count);
    if (self == NULL) {
        pw_engine->module_release(target->module);
        return NULL;
    }
    self->vectorcall =
        pw_fill_kinds(self->types, signature) ? mixed_vectorcall : function_vectorcall;
    self->party =
        (pw_party){Py_NewRef(name), (pw_store_object *)Py_NewRef(store), target->module, signature};
    self->func = target->func;
    self->callee = target->callee;
    self->type = Py_NewRef(type);
    self->weakrefs = NULL;
    self->nparams = signature->nparams;
    self->nresults = signature->nresults;
    self->raw = raw;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

pw_func *pw_function_in(PyObject *function, pw_store_object *store)
{
    pw_function_object *self = (pw_function_object *)function;
    return self->party.store == store ? self->func : NULL;
}

static int function_traverse(PyObject *op, visitproc visit, void *arg)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->party.store);
    Py_VISIT(self->type);
    return 0;
}

/* No tp_clear: a function refers to nothing that it could not be freed after; the store breaks
 * the cycles that run through host functions. */
static void function_dealloc(PyObject *op)
{
    pw_function_object *self = (pw_function_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    pw_engine->module_release(self->party.module);
    Py_DECREF(self->party.store);
    Py_DECREF(self->party.name);
    Py_DECREF(self->type);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- attributes ---- */

static PyObject *get_signature(PyObject *op, void *Py_UNUSED(closure))
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? PyObject_CallFunction(state->signature, "Oi", op, 0) : NULL;
}

static PyObject *get_aio(PyObject *op, void *Py_UNUSED(closure))
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? PyObject_CallOneArg(state->aio, op) : NULL;
}

static PyObject *get_raw(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    if (self->raw) {
        return Py_NewRef(op);
    }
    const pw_party *party = &self->party;
    if (pw_store_require_open(party->store) < 0) {
        return NULL;
    }
    pw_state *state = pw_state_of(Py_TYPE(op));
    if (state == NULL) {
        return NULL;
    }
    pw_target target = {self->func, self->callee, pw_engine->module_retain(party->module),
                        party->type};
    return pw_function_new(state, party->store, &target, party->name, self->type, true);
}

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    if (pw_store_require_open(self->party.store) < 0) {
        return NULL;
    }
    return PyLong_FromVoidPtr(self->func);
}

static PyObject *get_num_args(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(((pw_function_object *)op)->nparams);
}

static PyObject *get_num_rets(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(((pw_function_object *)op)->nresults);
}

/* The published binding's codes: i32 1, i64 2, f32 3, f64 4; 0 for what it does not know. */
static PyObject *type_codes(const pw_kind *types, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *code = PyLong_FromLong(types[i] < PW_F64 ? 0 : PW_I32 + 1 - types[i]);
        if (code == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, code);
        }
    }
    return tuple;
}

static PyObject *get_arg_types(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    return type_codes(self->types, self->nparams);
}

static PyObject *get_ret_types(PyObject *op, void *Py_UNUSED(closure))
{
    pw_function_object *self = (pw_function_object *)op;
    return type_codes(self->types + self->nparams, self->nresults);
}

static PyObject *call_argv(PyObject *op, PyObject *args)
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? PyObject_CallFunctionObjArgs(state->call_argv, op, args, NULL) : NULL;
}

static PyObject *function_repr(PyObject *op)
{
    pw_function_object *self = (pw_function_object *)op;
    return PyUnicode_FromFormat("<pywasm3.Function %U%s: %S>", self->party.name,
                                self->raw ? ".raw" : "", self->type);
}

static PyObject *function_richcompare(PyObject *op, PyObject *other, int operation)
{
    if ((operation != Py_EQ && operation != Py_NE) || Py_TYPE(op) != Py_TYPE(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    pw_function_object *a = (pw_function_object *)op, *b = (pw_function_object *)other;
    bool same = a->party.store == b->party.store && a->func == b->func && a->raw == b->raw;
    return PyBool_FromLong(same == (operation == Py_EQ));
}

static Py_hash_t function_hash(PyObject *op)
{
    return (Py_hash_t)((uintptr_t)((pw_function_object *)op)->func >> 4);
}

/* A class may hold one: like a built-in function, it does not bind. It makes pydoc show a routine.
 */
static PyObject *function_descr_get(PyObject *op, PyObject *Py_UNUSED(instance),
                                    PyObject *Py_UNUSED(owner))
{
    return Py_NewRef(op);
}

static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(pw_function_object, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(pw_function_object, weakrefs), READONLY, NULL},
    {"name", T_OBJECT_EX, offsetof(pw_function_object, party.name), READONLY,
     PyDoc_STR("Name of the export, or of the function in its module.")},
    {"__name__", T_OBJECT_EX, offsetof(pw_function_object, party.name), READONLY, NULL},
    {"__qualname__", T_OBJECT_EX, offsetof(pw_function_object, party.name), READONLY, NULL},
    {"type", T_OBJECT_EX, offsetof(pw_function_object, type), READONLY,
     PyDoc_STR("Its FuncType: types of parameters and results.")},
    {"store", T_OBJECT_EX, offsetof(pw_function_object, party.store), READONLY,
     PyDoc_STR("The Store it runs in.")},
    {NULL},
};

static PyGetSetDef function_getset[] = {
    {"raw", get_raw, NULL,
     PyDoc_STR(
         "The same function on bit patterns: every number is an int of 32 or 64 bits, so that\n"
         "floats pass bit-exactly, signalling NaNs included. References have no patterns: they\n"
         "are the objects that the function itself takes and gives."),
     NULL},
    {"aio", get_aio, NULL,
     PyDoc_STR("The same function for asyncio: ``await f.aio(1, 2)`` runs it on another thread.\n"
               "Cancelling the task stops the guest. Host functions may be ``async def`` then."),
     NULL},
    {"num_args", get_num_args, NULL, PyDoc_STR("Number of parameters."), NULL},
    {"num_rets", get_num_rets, NULL, PyDoc_STR("Number of results."), NULL},
    {"arg_types", get_arg_types, NULL,
     PyDoc_STR("Parameter types in wasm3's numbers: i32 1, i64 2, f32 3, f64 4."), NULL},
    {"ret_types", get_ret_types, NULL, PyDoc_STR("Result types in wasm3's numbers."), NULL},
    {"__signature__", get_signature, NULL, NULL, NULL},
    {"_address", get_address, NULL, PyDoc_STR("The pw_func."), NULL},
    {NULL},
};

static PyMethodDef function_methods[] = {
    {"call_argv", call_argv, METH_VARARGS,
     PyDoc_STR(
         "call_argv($self, /, *args)\n--\n\n"
         "Calls with arguments given as text, as a command line has them.\n\n"
         "Raises:\n    WasmError: wrong number of arguments, or text that is no such value.")},
    {"map", (PyCFunction)(void (*)(void))pw_function_map, METH_FASTCALL | METH_KEYWORDS,
     pw_map_doc},
    {"bind", (PyCFunction)(void (*)(void))pw_function_bind, METH_FASTCALL, pw_bind_doc},
    {NULL},
};

static PyType_Slot function_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, function_dealloc},
    {Py_tp_traverse, function_traverse},
    {Py_tp_descr_get, function_descr_get},
    {Py_tp_repr, function_repr},
    {Py_tp_richcompare, function_richcompare},
    {Py_tp_hash, function_hash},
    {Py_tp_members, function_members},
    {Py_tp_getset, function_getset},
    {Py_tp_methods, function_methods},
    {0, NULL},
};

PyType_Spec pw_function_spec = {
    .name = "pywasm3.Function",
    .basicsize = offsetof(pw_function_object, types),
    .itemsize = 1,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = function_slots,
};
