/* SPDX-License-Identifier: MIT */
/* The class Store: its constructor, methods and attributes. */
#include "cpython/store_type.h"

#include <stddef.h>
#include <structmember.h>

#include "base/limits.h"
#include "cpython/anchor.h"
#include "cpython/externs.h"
#include "cpython/function.h"
#include "cpython/host.h"
#include "cpython/names.h"
#include "cpython/numbers.h"
#include "cpython/references.h"
#include "cpython/signature.h"
#include "cpython/state.h"
#include "cpython/stop.h"
#include "cpython/store.h"
#include "cpython/vectors.h"

/* ---- making and freeing ---- */

typedef struct {
    pw_store_limits limits;
    long long fuel;
    long long timeout;
} store_options;

/* Reads the numbers of a Limits. -1 with an error. */
static int take_limits(PyTypeObject *type, PyObject *limits, store_options *options)
{
    pw_state *state = pw_state_of(type);
    unsigned long long memory, table, heap, total, stack;
    PyObject *numbers = state != NULL ? PyObject_CallOneArg(state->limits, limits) : NULL;
    if (numbers == NULL) {
        return -1;
    }
    int taken = PyArg_ParseTuple(numbers, "KKKKKLL", &memory, &table, &heap, &total, &stack,
                                 &options->fuel, &options->timeout);
    Py_DECREF(numbers);
    options->limits = (pw_store_limits){stack, memory, table, heap, total};
    return taken ? 0 : -1;
}

/* Reads the size of the stack in bytes. -1 with an error. */
static int take_stack(PyObject *value, store_options *options)
{
    Py_ssize_t stack = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (stack == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    if (stack < 1) {
        PyErr_Format(PyExc_ValueError, "stack must be at least 1 byte, not %zd", stack);
        return -1;
    }
    options->limits.stack = (uint64_t)stack;
    return 0;
}

/* Makes the object of an engine's store, which is transferred. NULL with an error. */
static pw_store_object *new_object(PyTypeObject *type, pw_store *store, long long fuel,
                                   int64_t timeout)
{
    pw_store_object *self = (pw_store_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        pw_engine->store_free(store);
    } else {
        pw_store_open(self, store, fuel, timeout);
    }
    return self;
}

static PyObject *store_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"stack", "limits", NULL};
    PyObject *stack = NULL, *limits = Py_None;
    store_options options = {
        {PW_DEFAULT_STACK, UINT64_MAX, UINT64_MAX, UINT64_MAX, PW_DEFAULT_TOTAL},
        PW_NO_FUEL,
        PW_NEVER};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OO:Store", keywords, &stack, &limits)) {
        return NULL;
    }
    if (pw_engine == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "import pywasm3 before using pywasm3._cpython");
        return NULL;
    }
    if ((limits != Py_None && take_limits(type, limits, &options) < 0) ||
        (stack != NULL && take_stack(stack, &options) < 0)) {
        return NULL;
    }
    pw_error error = {0};
    pw_store *store = pw_engine->store_new(&options.limits, &error);
    if (store == NULL) {
        PyErr_SetString(error.code == PW_LIMIT ? PyExc_ValueError : PyExc_MemoryError,
                        error.detail);
        return NULL;
    }
    return (PyObject *)new_object(type, store, options.fuel, options.timeout);
}

static int store_traverse(PyObject *op, visitproc visit, void *arg)
{
    pw_store_object *self = (pw_store_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->on_failure);
    Py_VISIT(self->field_names);
    int status = pw_known_traverse(&self->known, visit, arg);
    if (!status) {
        status = pw_tenants_traverse(&self->tenants, visit, arg);
    }
    return status ? status : pw_externs_traverse(&self->externs, visit, arg);
}

static int store_clear(PyObject *op)
{
    pw_store_release((pw_store_object *)op);
    Py_CLEAR(((pw_store_object *)op)->on_failure);
    Py_CLEAR(((pw_store_object *)op)->field_names);
    return 0;
}

static void store_dealloc(PyObject *op)
{
    pw_store_object *self = (pw_store_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    pw_store_delist(self);
    pw_store_release(self);
    Py_CLEAR(self->on_failure);
    Py_CLEAR(self->field_names);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- methods ---- */

/* Enters the store. -1 with an error; if this thread has entered it before, because a call runs or
 * the Python layer is using it, the error has the message `refusal`. */
static int enter_alone(pw_store_object *self, const char *refusal)
{
    if (pw_store_enter(self) < 0) {
        return -1;
    }
    if (self->turn.depth == 1) {
        return 0;
    }
    pw_store_leave(self);
    return pw_store_error(self, refusal);
}

/* Calls args[0] with the arguments after it, and then leaves the store. The thread cannot get an
 * asynchronous exception, such as KeyboardInterrupt, between entering the store and here, because
 * it gets those only when it runs Python code. */
static PyObject *call_and_leave(pw_store_object *self, PyObject *const *args, Py_ssize_t count)
{
    self->sections++;
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(count - 1), NULL);
    self->sections--;
    pw_store_leave(self);
    return result;
}

static PyObject *store_call_entered(PyObject *op, PyObject *const *args, Py_ssize_t count)
{
    pw_store_object *self = (pw_store_object *)op;
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "_call_entered() needs a callable");
        return NULL;
    }
    return pw_store_enter(self) < 0 ? NULL : call_and_leave(self, args, count);
}

static PyObject *store_call_alone(PyObject *op, PyObject *const *args, Py_ssize_t count)
{
    pw_store_object *self = (pw_store_object *)op;
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "_call_alone() needs a text and a callable");
        return NULL;
    }
    const char *refusal = PyUnicode_AsUTF8(args[0]);
    if (refusal == NULL || enter_alone(self, refusal) < 0) {
        return NULL;
    }
    return call_and_leave(self, args + 1, count - 1);
}

/* Tells whether a call trapped, and forgets it. */
static PyObject *store_take_trapped(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    bool trapped = pw_read(self->trapped);
    pw_write(self->trapped, false);
    return PyBool_FromLong(trapped);
}

static PyObject *store_on_failure(PyObject *op, PyObject *callable)
{
    pw_store_object *self = (pw_store_object *)op;
    if (pw_store_require_entered(self) < 0) {
        return NULL;
    }
    if (self->on_failure != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the store has a callable for failures already");
        return NULL;
    }
    self->on_failure = Py_NewRef(callable);
    Py_RETURN_NONE;
}

/* Lets the two stores share the fuel of the first one. -1 with an error. */
static int share_fuel(pw_store_object *self, pw_store_object *other)
{
    if (pw_store_pin(self) < 0) {
        return -1;
    }
    int status = self->watch.pool != NULL ? 0 : pw_store_require_entered(self);
    if (status == 0) {
        status = pw_watch_share_fuel(&self->watch, &other->watch);
    }
    pw_store_unpin(self);
    return status;
}

static PyObject *store_beside(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    pw_error error = {0};
    if (pw_store_pin(self) < 0) {
        return NULL;
    }
    pw_store *store = pw_engine->store_new_beside(self->store, &error);
    pw_store_unpin(self);
    if (store == NULL) {
        PyErr_SetString(PyExc_MemoryError, error.detail);
        return NULL;
    }
    pw_store_object *made = new_object(Py_TYPE(op), store, PW_NO_FUEL, PW_NEVER);
    if (made != NULL && share_fuel(self, made) < 0) {
        Py_CLEAR(made);
    }
    return (PyObject *)made;
}

static PyObject *store_close(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    if (pw_read(self->store) == NULL) {
        Py_RETURN_NONE;
    }
    if (self->orphaned) { /* nobody can use the store, so nobody needs to enter it */
        pw_store_release(self);
        Py_RETURN_NONE;
    }
    if (enter_alone(self, "cannot close a store while a call runs in it") < 0) {
        if (pw_read(self->store)) {
            return NULL;
        }
        PyErr_Clear(); /* another thread has closed it meanwhile */
        Py_RETURN_NONE;
    }
    pw_store_release(self);
    pw_store_leave(self);
    Py_RETURN_NONE;
}

static PyObject *store_enter_context(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    if (pw_store_require_usable((pw_store_object *)op) < 0) {
        return NULL;
    }
    return Py_NewRef(op);
}

static PyObject *store_exit_context(PyObject *op, PyObject *Py_UNUSED(args))
{
    return store_close(op, NULL);
}

/* Makes the instance of a tenant. False with `error` set: either there is no instance, and the
 * tenant is freed, or nobody but tables of other instances can refer to it. */
static bool instantiate(pw_store_object *self, pw_module *module, const pw_extern *externs,
                        bool eager, pw_tenant *tenant, pw_error *error)
{
    pw_instance *instance;
    Py_BEGIN_ALLOW_THREADS
    instance = pw_engine->instance_new(self->store, module, externs, eager, tenant, error);
    Py_END_ALLOW_THREADS
    if (instance == NULL) {
        pw_tenants_free(tenant);
        return false;
    }
    pw_lock(&self->lock);
    pw_tenants_add(&self->tenants, tenant, (pw_object *)(void *)instance);
    pw_unlock(&self->lock);
    return error->code == PW_OK;
}

/* Raises the exception that stands for a pw_error. */
static void raise_error(pw_store_object *self, const pw_error *error)
{
    pw_state *state = pw_state_of(Py_TYPE(self));
    PyObject *address = PyLong_FromVoidPtr((void *)(uintptr_t)error), *exception = NULL;
    if (state != NULL && address != NULL) {
        exception = PyObject_CallOneArg(state->error, address);
    }
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    }
    Py_XDECREF(exception);
    Py_XDECREF(address);
}

static PyObject *make_instance(pw_store_object *self, pw_module *module, const pw_extern *externs,
                               bool eager, pw_tenant *tenant)
{
    pw_error error = {0};
    bool made = instantiate(self, module, externs, eager, tenant, &error);
    pw_store_overwritten(self);
    if (made) {
        return pw_anchor_of(self, tenant);
    }
    pw_store_dropped(self); /* the tables and globals that the instance has made */
    raise_error(self, &error);
    return NULL;
}

static PyObject *store_instantiate(PyObject *op, PyObject *const *args, Py_ssize_t count)
{
    pw_store_object *self = (pw_store_object *)op;
    if (count != 5 || !PyTuple_Check(args[3]) || !PyTuple_Check(args[4])) {
        PyErr_SetString(PyExc_TypeError, "_instantiate() needs two numbers, a bool and two tuples");
        return NULL;
    }
    pw_module *module = PyLong_AsVoidPtr(args[0]);
    const pw_extern *externs = PyLong_AsVoidPtr(args[1]);
    int eager = PyObject_IsTrue(args[2]);
    if (PyErr_Occurred() != NULL || pw_store_require_entered(self) < 0) {
        return NULL;
    }
    pw_tenant *tenant = pw_tenant_new(args[3], args[4]);
    return tenant != NULL ? make_instance(self, module, externs, eager, tenant) : NULL;
}

static PyObject *store_anchor(PyObject *op, PyObject *address)
{
    pw_object *object = PyLong_AsVoidPtr(address);
    if (object == NULL || pw_store_require_entered((pw_store_object *)op) < 0) {
        return NULL;
    }
    return pw_anchor_new((pw_store_object *)op, object);
}

static PyObject *store_export(PyObject *op, PyObject *args)
{
    pw_store_object *self = (pw_store_object *)op;
    pw_state *state = pw_state_of(Py_TYPE(op));
    unsigned int index;
    PyObject *anchor, *name, *type;
    if (state == NULL || !PyArg_ParseTuple(args, "O!IUO:_export", state->anchor_type, &anchor,
                                           &index, &name, &type)) {
        return NULL;
    }
    if (pw_store_pin(self) < 0) {
        return NULL;
    }
    pw_instance *instance = (pw_instance *)(void *)pw_anchor_object(anchor);
    pw_known known = pw_known_of(pw_engine->instance_func(instance, index));
    pw_engine->module_retain(known.module);
    pw_store_unpin(self);
    known.name = name;
    known.label = pw_label(state, name);
    known.type = type;
    PyObject *function =
        known.label != NULL ? pw_function_new(state, self, &known, anchor, false) : NULL;
    pw_engine->module_release(known.module);
    Py_XDECREF(known.label);
    return function;
}

static PyObject *store_host(PyObject *op, PyObject *args)
{
    unsigned long long type, module;
    PyObject *callable, *label, *instance;
    if (!PyArg_ParseTuple(args, "OKKUO:_host", &callable, &module, &type, &label, &instance)) {
        return NULL;
    }
    pw_state *state = pw_state_of(Py_TYPE(op));
    if (state == NULL || pw_store_require_entered((pw_store_object *)op) < 0) {
        return NULL;
    }
    pw_signature signature = {label, (pw_store_object *)op, (pw_module *)(uintptr_t)module,
                              (const pw_functype *)(uintptr_t)type};
    return pw_host_new(state, &signature, callable, instance);
}

static PyObject *store_encode(PyObject *op, PyObject *args)
{
    pw_store_object *self = (pw_store_object *)op;
    pw_site site = {.index = -1};
    unsigned long long module;
    unsigned int type;
    uint64_t cells[PW_MAX_CELLS];
    PyObject *value;
    if (!PyArg_ParseTuple(args, "OIKUs:_encode", &value, &type, &module, &site.name, &site.what)) {
        return NULL;
    }
    if (pw_store_require_entered(self) < 0) {
        return NULL;
    }
    if (pw_encode_new(self, (pw_module *)(uintptr_t)module, value, type, cells) < 0) {
        pw_blame(&site, type);
        return NULL;
    }
    return pw_bits_object(cells, type);
}

static PyObject *store_decode(PyObject *op, PyObject *args)
{
    pw_store_object *self = (pw_store_object *)op;
    unsigned long long bits;
    unsigned int type;
    if (!PyArg_ParseTuple(args, "KI:_decode", &bits, &type)) {
        return NULL;
    }
    if (pw_store_require_entered(self) < 0) {
        return NULL;
    }
    const uint64_t reference = bits;
    return pw_decode_any(&reference, pw_kind_of(type), false, self);
}

static PyObject *get_closed(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(pw_read(((pw_store_object *)op)->store) == NULL);
}

static PyObject *get_running(PyObject *op, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    return PyBool_FromLong(!self->orphaned && pw_turn_taken(&self->turn));
}

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    pw_store *store = pw_read(self->store);
    if (store == NULL) {
        pw_store_closed_error(self);
    }
    return store != NULL ? PyLong_FromVoidPtr(store) : NULL;
}

static PyMethodDef store_methods[] = {
    {"close", store_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\n"
               "Frees every instance of the store. Does nothing if the store is closed already.\n\n"
               "Waits while another thread uses the store.\n\n"
               "Raises:\n    WasmError: A call of this thread is running in the store.")},
    {"interrupt", pw_store_interrupt, METH_NOARGS,
     PyDoc_STR(
         "interrupt($self, /)\n--\n\n"
         "Stops the running call, which raises Interrupted.\n\n"
         "Any thread may call this, and host functions, too. Calls that are nested in the running\n"
         "call are also stopped, and no further one begins until it has ended.\n\n"
         "Returns:\n    Whether a call was running. It may still end by itself.")},
    {"_stop", pw_store_stop, METH_NOARGS,
     PyDoc_STR("_stop(): does what interrupt() does, and stops all later calls at once, too.")},
    {"_on_failure", store_on_failure, METH_O,
     PyDoc_STR(
         "_on_failure(callable, /): lets callable(error) return the exception that a failed call\n"
         "raises in place of `error`. This can be set once.\n\n"
         "This thread must have entered the store.")},
    {"_beside", store_beside, METH_NOARGS,
     PyDoc_STR("_beside(): makes a store that has this one's limits and shares its fuel.\n\n"
               "What both allocate counts for the limits of this one. This thread must have\n"
               "entered the store when it calls this for the first time.")},
    {"_begin_deadline", pw_store_begin_deadline, METH_O,
     PyDoc_STR(
         "_begin_deadline(seconds, /): sets a deadline for this thread's calls, counted from\n"
         "now. Returns its id.")},
    {"_end_deadline", pw_store_end_deadline, METH_O,
     PyDoc_STR("_end_deadline(id, /): ends a deadline.")},
    {"_cancel", pw_store_cancel, METH_O,
     PyDoc_STR("_cancel(id, /): stops the calls within a deadline. Any thread may call this.")},
    {"__enter__", store_enter_context, METH_NOARGS, NULL},
    {"__exit__", store_exit_context, METH_VARARGS, NULL},
    {"_call_entered", (PyCFunction)(void (*)(void))store_call_entered, METH_FASTCALL,
     PyDoc_STR(
         "_call_entered(function, /, *args): calls function(*args) while this thread has the\n"
         "store, so that no other thread uses or closes it. Waits while another thread uses it.\n\n"
         "No exception, not even KeyboardInterrupt, leaves the store taken afterwards.\n\n"
         "Raises:\n    WasmError: The store is closed.")},
    {"_call_alone", (PyCFunction)(void (*)(void))store_call_alone, METH_FASTCALL,
     PyDoc_STR("_call_alone(refusal, function, /, *args): does what _call_entered does.\n\n"
               "Raises WasmError with the text `refusal` if this thread has the store already.")},
    {"_watched", (PyCFunction)(void (*)(void))pw_store_watched, METH_FASTCALL,
     PyDoc_STR(
         "_watched(function, /, *args): calls function(*args), which lets the engine do long\n"
         "work by cffi. The work counts as a call: deadlines and interrupt() stop it.\n\n"
         "This thread must have entered the store.")},
    {"_take_trapped", store_take_trapped, METH_NOARGS,
     PyDoc_STR(
         "Tells whether a call has trapped since this was last asked. An exception of a host\n"
         "function is not a trap.")},
    {"_instantiate", (PyCFunction)(void (*)(void))store_instantiate, METH_FASTCALL,
     PyDoc_STR(
         "_instantiate(module, externs, eager, hosts, origins, /): makes a pw_instance.\n\n"
         "`hosts` has the HostFunctions that it imports, and `origins` the anchors of imported\n"
         "functions. Returns its anchor.\n\n"
         "This thread must have entered the store.")},
    {"_anchor", store_anchor, METH_O,
     PyDoc_STR("_anchor(address, /): makes an anchor of a pw_table, pw_global or pw_tag.\n\n"
               "This thread must have entered the store.")},
    {"_export", store_export, METH_VARARGS,
     PyDoc_STR("_export(anchor, index, name, type, /): makes the Function of an index in the\n"
               "instance of an anchor.")},
    {"_host", store_host, METH_VARARGS,
     PyDoc_STR("_host(callable, module, type, label, instance, /): makes a HostFunction.\n\n"
               "This thread must have entered the store.")},
    {"_encode", store_encode, METH_VARARGS,
     PyDoc_STR(
         "_encode(value, type, module, name, what, /): converts the value that a new place begins\n"
         "with to its bits.\n\n"
         "A type index refers to the pw_module. An error names the value by `name` and `what`.\n"
         "This thread must have entered the store, which holds the object of an externref.")},
    {"_decode", store_decode, METH_VARARGS,
     PyDoc_STR("_decode(bits, type, /): converts bits to a value of a type.\n\n"
               "This thread must have entered the store.")},
    {0},
};

static PyGetSetDef store_getset[] = {
    {"closed", get_closed, NULL, PyDoc_STR("Whether the store is closed."), NULL},
    {"fuel", pw_store_get_fuel, pw_store_set_fuel,
     PyDoc_STR("How many calls and loop iterations may still run; None: fuel is not metered.\n\n"
               "It can be set at any time. While a call runs on another thread, reading it gives\n"
               "the number of a short time ago."),
     NULL},
    {"running", get_running, NULL, PyDoc_STR("Whether a thread is using the store now."), NULL},
    {"_address", get_address, NULL, PyDoc_STR("The address of the pw_store."), NULL},
    {0},
};

static PyMemberDef store_members[] = {
    {"_field_names", T_OBJECT, offsetof(pw_store_object, field_names), 0,
     PyDoc_STR("A dict with the names of fields that are known, or None.")},
    {0},
};

PyDoc_STRVAR(
    store_doc,
    "Store(*, stack=16777216, limits=None)\n--\n\n"
    "What instances that know each other share: a value stack, function types and a lock.\n\n"
    "An instance makes its own store, unless one of its imports comes from another instance:\n"
    "then it joins the store of that one. Only one thread at a time can use a store; others\n"
    "wait.\n\n"
    "Args:\n    stack: The size in bytes of the stack for the values of running functions, at\n"
    "        most 1 GiB. It overrides the stack of `limits`.\n"
    "    limits: A Limits for everything that lives in the store.\n\n"
    "Raises:\n    ValueError: `stack` is out of range.\n"
    "    MemoryError: There is not enough memory for the stack.");

static PyType_Slot store_slots[] = {
    {Py_tp_doc, (void *)store_doc},
    {Py_tp_new, store_new},
    {Py_tp_dealloc, store_dealloc},
    {Py_tp_traverse, store_traverse},
    {Py_tp_clear, store_clear},
    {Py_tp_methods, store_methods},
    {Py_tp_getset, store_getset},
    {Py_tp_members, store_members},
    {0, NULL},
};

PyType_Spec pw_store_spec = {
    .name = "pywasm3.Store",
    .basicsize = sizeof(pw_store_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = store_slots,
};
