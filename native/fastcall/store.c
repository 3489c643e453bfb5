/* SPDX-License-Identifier: MIT */
/* Store: the lifetime and the lock of what instances share. */
#include "fastcall.h"

#include <structmember.h>

#define DEFAULT_STACK (1 << 20)

static PyObject *store_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"stack", NULL};
    Py_ssize_t stack = DEFAULT_STACK;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$n:Store", keywords, &stack))
        return NULL;
    if (!pw_engine) {
        PyErr_SetString(PyExc_RuntimeError, "pywasm3 is not imported");
        return NULL;
    }
    if (stack < 1) {
        PyErr_Format(PyExc_ValueError, "stack must be at least 1 byte, not %zd", stack);
        return NULL;
    }
    pw_error error = {0};
    pw_store *store = pw_engine->store_new((uint64_t)stack, &error);
    if (!store) {
        PyErr_SetString(error.code == PW_LIMIT ? PyExc_ValueError : PyExc_MemoryError,
                        error.detail);
        return NULL;
    }
    pw_store_object *self = (pw_store_object *)type->tp_alloc(type, 0);
    if (!self) {
        pw_engine->store_free(store);
        return NULL;
    }
    self->store = store;
    return (PyObject *)self;
}

static int store_traverse(PyObject *op, visitproc visit, void *arg)
{
    pw_store_object *self = (pw_store_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->hosts);
    return 0;
}

/* The engine's state goes first: it refers to the host functions. */
static void release(pw_store_object *self)
{
    pw_store *store = self->store;
    self->store = NULL;
    if (store)
        pw_engine->store_free(store);
    Py_CLEAR(self->hosts);
}

static int store_clear(PyObject *op)
{
    release((pw_store_object *)op);
    return 0;
}

static void store_dealloc(PyObject *op)
{
    pw_store_object *self = (pw_store_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    release(self);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- the lock ---- */

static int state_error(pw_store_object *self, const char *message)
{
    pw_state *state = pw_state_of(Py_TYPE(self));
    if (state)
        PyErr_SetString(state->closed, message);
    return -1;
}

int pw_store_closed_error(pw_store_object *self)
{
    return state_error(self, "the store is closed");
}

/* A thread that waits for its turn. On the heap: at the end of the process, the stack of a daemon
 * thread may be gone before the store is. */
struct pw_waiter {
    pw_waiter *next;
    PyThread_type_lock lock; /* held until it is this one's turn */
    uintptr_t thread;
    bool granted;
};

static bool finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

static pw_waiter *new_waiter(pw_store_object *self)
{
    pw_waiter *waiter = PyMem_Calloc(1, sizeof *waiter);
    if (waiter)
        waiter->lock = PyThread_allocate_lock();
    if (!waiter || !waiter->lock) {
        PyMem_Free(waiter);
        PyErr_NoMemory();
        return NULL;
    }
    PyThread_acquire_lock(waiter->lock, NOWAIT_LOCK);
    waiter->thread = pw_this_thread();
    pw_waiter **end = &self->waiters;
    while (*end)
        end = &(*end)->next;
    *end = waiter;
    return waiter;
}

static void free_waiter(pw_store_object *self, pw_waiter *waiter)
{
    if (!waiter->granted) {
        pw_waiter **place = &self->waiters;
        while (*place != waiter)
            place = &(*place)->next;
        *place = waiter->next;
        PyThread_release_lock(waiter->lock);
    }
    PyThread_free_lock(waiter->lock);
    PyMem_Free(waiter);
}

/* Without the GIL. A signal handler may end it, so that Ctrl-C works while waiting. */
static int wait_for_turn(pw_waiter *waiter)
{
    while (!waiter->granted) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS status = PyThread_acquire_lock_timed(waiter->lock, -1, 1);
        Py_END_ALLOW_THREADS if (status == PY_LOCK_ACQUIRED) PyThread_release_lock(waiter->lock);
        if (PyErr_CheckSignals() < 0)
            return -1;
    }
    return 0;
}

/* Turns are given in the order in which threads came: who leaves makes the first the owner, so that
 * no other thread comes between. */
int pw_store_wait(pw_store_object *self)
{
    if (finalizing()) /* threads that wait or own it never run again */
        return state_error(self, "the interpreter ends while another thread uses the store");
    pw_waiter *waiter = new_waiter(self);
    if (!waiter)
        return -1;
    int status = wait_for_turn(waiter);
    bool owns = waiter->granted;
    free_waiter(self, waiter);
    if (status == 0 && !self->store)
        status = pw_store_closed_error(self);
    if (status < 0 && owns)
        pw_store_leave(self);
    return status;
}

void pw_store_pass_on(pw_store_object *self)
{
    pw_waiter *waiter = self->waiters;
    if (finalizing())
        return;
    self->waiters = waiter->next;
    self->owner = waiter->thread;
    self->depth = 1;
    waiter->granted = true;
    PyThread_release_lock(waiter->lock);
}

/* ---- methods ---- */

static PyObject *store_enter_method(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    if (pw_store_enter((pw_store_object *)op) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *store_leave_method(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    if (!self->depth || self->owner != pw_this_thread()) {
        PyErr_SetString(PyExc_RuntimeError, "this thread has not entered the store");
        return NULL;
    }
    pw_store_leave(self);
    Py_RETURN_NONE;
}

static PyObject *store_close(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    if (!self->store)
        Py_RETURN_NONE;
    if (pw_store_enter(self) < 0) {
        if (self->store)
            return NULL;
        PyErr_Clear(); /* closed by another thread meanwhile */
        Py_RETURN_NONE;
    }
    if (self->depth > 1) {
        pw_store_leave(self);
        state_error(self, "cannot close a store while a call runs in it");
        return NULL;
    }
    release(self);
    pw_store_leave(self);
    Py_RETURN_NONE;
}

static PyObject *store_enter_context(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    if (pw_store_require_open((pw_store_object *)op) < 0)
        return NULL;
    return Py_NewRef(op);
}

static PyObject *store_exit_context(PyObject *op, PyObject *Py_UNUSED(args))
{
    return store_close(op, NULL);
}

static PyObject *store_function(PyObject *op, PyObject *args)
{
    pw_store_object *self = (pw_store_object *)op;
    unsigned long long address;
    PyObject *name, *type;
    if (!PyArg_ParseTuple(args, "KUO:_function", &address, &name, &type))
        return NULL;
    if (pw_store_require_open(self) < 0)
        return NULL;
    pw_state *state = pw_state_of(Py_TYPE(op));
    if (!state)
        return NULL;
    return pw_function_new(state, self, (pw_func *)(uintptr_t)address, name, type, false);
}

static PyObject *store_export(PyObject *op, PyObject *args)
{
    pw_store_object *self = (pw_store_object *)op;
    unsigned long long instance;
    unsigned int index;
    PyObject *name, *type;
    if (!PyArg_ParseTuple(args, "KIUO:_export", &instance, &index, &name, &type))
        return NULL;
    if (pw_store_require_open(self) < 0)
        return NULL;
    pw_state *state = pw_state_of(Py_TYPE(op));
    if (!state)
        return NULL;
    pw_func *func = pw_engine->instance_func((pw_instance *)(uintptr_t)instance, index);
    return pw_function_new(state, self, func, name, type, false);
}

static PyObject *store_host(PyObject *op, PyObject *args)
{
    unsigned long long type;
    PyObject *callable, *label, *instance;
    if (!PyArg_ParseTuple(args, "OKUO:_host", &callable, &type, &label, &instance))
        return NULL;
    pw_state *state = pw_state_of(Py_TYPE(op));
    if (!state)
        return NULL;
    return pw_host_new(state, (pw_store_object *)op, callable, (const pw_functype *)(uintptr_t)type,
                       label, instance);
}

static PyObject *get_closed(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(!((pw_store_object *)op)->store);
}

static PyObject *get_running(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((pw_store_object *)op)->depth > 0);
}

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    if (pw_store_require_open(self) < 0)
        return NULL;
    return PyLong_FromVoidPtr(self->store);
}

static PyMethodDef store_methods[] = {
    {"close", store_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\n"
               "Frees every instance of the store. Does nothing when it is closed.\n\n"
               "Raises:\n    WasmError: a call runs in it.")},
    {"__enter__", store_enter_context, METH_NOARGS, NULL},
    {"__exit__", store_exit_context, METH_VARARGS, NULL},
    {"_enter", store_enter_method, METH_NOARGS,
     PyDoc_STR("Takes the store for this thread; waits while another one has it.")},
    {"_leave", store_leave_method, METH_NOARGS, PyDoc_STR("Gives the store back.")},
    {"_function", store_function, METH_VARARGS, PyDoc_STR("Makes the Function of a pw_func.")},
    {"_export", store_export, METH_VARARGS,
     PyDoc_STR("Makes the Function of an index in a pw_instance.")},
    {"_host", store_host, METH_VARARGS, PyDoc_STR("Makes a HostFunction that the store keeps.")},
    {NULL},
};

static PyGetSetDef store_getset[] = {
    {"closed", get_closed, NULL, PyDoc_STR("Whether close() was called."), NULL},
    {"running", get_running, NULL, PyDoc_STR("Whether some thread uses the store now."), NULL},
    {"_address", get_address, NULL, PyDoc_STR("The pw_store."), NULL},
    {NULL},
};

PyDoc_STRVAR(
    store_doc,
    "Store(*, stack=1048576)\n--\n\n"
    "What instances that know each other share: a value stack, function types and a lock.\n\n"
    "An instance makes its own store unless an import comes from another instance. One\n"
    "thread at a time runs in a store; others wait.\n\n"
    "Args:\n    stack: bytes for the values of running functions, at most 1 GiB.");

static PyType_Slot store_slots[] = {
    {Py_tp_doc, (void *)store_doc}, {Py_tp_new, store_new},
    {Py_tp_dealloc, store_dealloc}, {Py_tp_traverse, store_traverse},
    {Py_tp_clear, store_clear},     {Py_tp_methods, store_methods},
    {Py_tp_getset, store_getset},   {0, NULL},
};

PyType_Spec pw_store_spec = {
    .name = "pywasm3.Store",
    .basicsize = sizeof(pw_store_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = store_slots,
};
