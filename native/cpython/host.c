/* SPDX-License-Identifier: MIT */
/* HostFunction: the Python callable behind an imported function. */
#include "cpython/host.h"

#include <stddef.h>
#include <structmember.h>

#include "cpython/numbers.h"
#include "cpython/recursion.h"
#include "cpython/references.h"
#include "cpython/stop.h"
#include "cpython/store.h"
#include "cpython/throw.h"
#include "cpython/vectors.h"

/* The most parameters of a host function whose arguments fit PW_LOCAL_VALUES places, with the
 * instance and the place before them. */
#define FEW_PARAMS (PW_LOCAL_VALUES - 2)

typedef struct {
    PyObject_VAR_HEAD
    PyObject *callable;     /* None: not linked yet; Python may set it at any time */
    PyObject *instance;     /* the first argument of the callable; NULL: it does not take one */
    pw_signature signature; /* owns the name; borrows the store, the only caller */
    pw_account *account;    /* of the store, which this object is charged to; one reference */
    Py_ssize_t nparams;
    Py_ssize_t nresults;
    uint32_t nresult_cells;
    bool few;        /* whether all values are numbers, of at most FEW_PARAMS parameters */
    bool mixed;      /* whether there are references or vectors among the values */
    bool refused;    /* whether there are references to exceptions among them */
    pw_kind types[]; /* of the parameters, then of the results */
} host_object;

/* Bytes that a HostFunction takes: its own, and those of its name. */
static uint64_t cost_of(const host_object *self)
{
    return sizeof *self + (uint64_t)(self->nparams + self->nresults) +
           (uint64_t)PyUnicode_GET_LENGTH(self->signature.name) + 128;
}

static int charge(host_object *self, pw_store_object *store)
{
    pw_account *account = pw_engine->store_account(store->store);
    if (!pw_engine->account_charge(account, PW_CHARGE_OTHER, cost_of(self))) {
        return pw_store_error(store, "the limits of the store leave no memory for the imports");
    }
    self->account = pw_engine->account_retain(account);
    return 0;
}

static void refund(host_object *self)
{
    if (self->account != NULL) {
        pw_engine->account_refund(self->account, PW_CHARGE_OTHER, cost_of(self));
        pw_engine->account_release(self->account);
    }
}

PyObject *pw_host_new(pw_state *state, const pw_signature *signature, PyObject *callable,
                      PyObject *instance)
{
    const pw_functype *type = signature->type;
    pw_store_object *store = signature->store;
    Py_ssize_t count = (Py_ssize_t)type->nparams + type->nresults;
    host_object *self = PyObject_GC_NewVar(host_object, state->host_type, count);
    if (self == NULL) {
        return NULL;
    }
    self->callable = Py_NewRef(callable);
    self->instance = instance == Py_None ? NULL : Py_NewRef(instance);
    self->signature = *signature;
    Py_INCREF(signature->name);
    self->account = NULL;
    self->nparams = type->nparams;
    self->nresults = type->nresults;
    self->nresult_cells = pw_cells_of(type->results, type->nresults);
    self->mixed = pw_fill_kinds(self->types, type);
    self->few = !self->mixed && self->nparams <= FEW_PARAMS;
    self->refused = self->mixed && pw_is_refused(type);
    PyObject_GC_Track(self);
    if (charge(self, store) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int host_traverse(PyObject *op, visitproc visit, void *arg)
{
    host_object *self = (host_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->callable);
    Py_VISIT(self->instance);
    return 0;
}

static int host_clear(PyObject *op)
{
    host_object *self = (host_object *)op;
    Py_CLEAR(self->callable);
    Py_CLEAR(self->instance);
    return 0;
}

static void host_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    host_clear(op);
    refund((host_object *)op);
    Py_CLEAR(((host_object *)op)->signature.name);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- the call ---- */

static PyObject *not_linked(host_object *self)
{
    pw_state *state = pw_state_of(Py_TYPE(self));
    if (state != NULL) {
        PyErr_Format(state->closed, "missing imported function (%U is not linked)",
                     self->signature.name);
    }
    return NULL;
}

static PyObject *refuse(const host_object *self)
{
    return PyErr_Format(PyExc_TypeError,
                        "host function %U cannot be called, because a reference to an exception is "
                        "among its parameters or results",
                        self->signature.name);
}

/* Tells whether Python has enough of its recursion limit left. Python 3.12 and 3.13 limit how deep
 * calls through C may nest, however much stack there is, and the callable needs some of that. */
static bool python_stack_left(void)
{
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030E0000
    return pw_recursion_left(PyThreadState_Get()) > 50;
#else
    return true;
#endif
}

static int wrong_results(host_object *self, PyObject *result)
{
    if (self->nresults == 0) {
        PyErr_Format(PyExc_TypeError,
                     "host function %U: no result expected, but it returned %.200s",
                     self->signature.name, Py_TYPE(result)->tp_name);
    } else if (PyTuple_Check(result) || PyList_Check(result)) {
        PyErr_Format(PyExc_TypeError, "host function %U: %zd results expected, but it returned %zd",
                     self->signature.name, self->nresults, PySequence_Fast_GET_SIZE(result));
    } else {
        PyErr_Format(PyExc_TypeError,
                     "host function %U: a tuple of %zd results expected, but it returned %.200s",
                     self->signature.name, self->nresults, Py_TYPE(result)->tp_name);
    }
    return -1;
}

/* Encodes the only result, which is a reference or a vector. */
static PW_NOINLINE int encode_mixed(host_object *self, PyObject *result, uint64_t *values)
{
    const pw_kind *kind = self->types + self->nparams;
    pw_site site = {self->signature.name, "result", -1};
    if (*kind == PW_V128) {
        return pw_encode_vector(result, false, values, &site);
    }
    pw_valtype type = self->signature.type->results[0];
    if (pw_encode_reference(result, type, &self->signature, values) < 0) {
        return pw_blame(&site, type);
    }
    return pw_hold_references(self->signature.store, kind, values, 1);
}

static PW_NOINLINE int encode_items(host_object *self, PyObject *const *items, uint64_t *values)
{
    const pw_kind *types = self->types + self->nparams;
    if (!self->mixed) {
        return pw_encode_all(items, types, self->nresults, false, values, self->signature.name,
                             "result");
    }
    if (pw_encode_mixed(items, types, self->nresults, false, values, &self->signature, true) < 0) {
        return -1;
    }
    return pw_hold_references(self->signature.store, types, values, self->nresults);
}

static PW_NOINLINE int encode_results(host_object *self, PyObject *result, uint64_t *values)
{
    const pw_kind *types = self->types + self->nparams;
    if (self->nresults == 0) {
        return result == Py_None ? 0 : wrong_results(self, result);
    }
    pw_site site = {self->signature.name, "result", -1};
    if (self->nresults == 1) {
        return self->mixed && !pw_is_number(types[0])
                   ? encode_mixed(self, result, values)
                   : pw_encode(result, types[0], false, values, &site);
    }
    if (!(PyTuple_Check(result) || PyList_Check(result))) {
        return wrong_results(self, result);
    }
    /* A conversion of an item, or another thread, could change a list. */
    PyObject *items = PyList_Check(result) ? PyList_AsTuple(result) : Py_NewRef(result);
    if (items == NULL) {
        return -1;
    }
    int status = PyTuple_GET_SIZE(items) == self->nresults
                     ? encode_items(self, PySequence_Fast_ITEMS(items), values)
                     : wrong_results(self, items);
    Py_DECREF(items);
    return status;
}

/* Calls the callable with `given` arguments, which begin at arguments[1]: Python may use the place
 * before them (PY_VECTORCALL_ARGUMENTS_OFFSET). */
static PW_ALWAYS_INLINE PyObject *call_with(host_object *self, PyObject **arguments,
                                            Py_ssize_t given)
{
    PyObject *callable = pw_load((PyObject *)self, &self->callable);
    if (callable == NULL || callable == Py_None) {
        Py_XDECREF(callable);
        return not_linked(self);
    }
    PyObject *result = PyObject_Vectorcall(callable, arguments + 1,
                                           (size_t)given | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(callable);
    return result;
}

/* Does what call_any does for a host function that takes at most FEW_PARAMS numbers. */
static PW_ALWAYS_INLINE PyObject *call_few(host_object *self, const uint64_t *cells)
{
    PyObject *arguments[PW_LOCAL_VALUES], **end = arguments + 1, *result = NULL;
    if (self->instance != NULL) {
        *end++ = Py_NewRef(self->instance);
    }
    const pw_kind *types = self->types, *types_end = types + self->nparams;
    while (types < types_end && (*end = pw_decode(cells++, *types, false)) != NULL) {
        types++;
        end++;
    }
    if (types == types_end) {
        result = call_with(self, arguments, end - arguments - 1);
    }
    while (--end > arguments) {
        Py_DECREF(*end);
    }
    return result;
}

/* Calls the callable with arguments from the given cells. */
static PW_NOINLINE PyObject *call_any(host_object *self, const uint64_t *cells)
{
    if (self->refused) {
        return refuse(self);
    }
    PyObject *local[PW_LOCAL_VALUES], **arguments = local, *result = NULL;
    if (self->nparams > FEW_PARAMS) {
        arguments = PyMem_New(PyObject *, (size_t)self->nparams + 2);
    }
    if (arguments == NULL) {
        return PyErr_NoMemory();
    }
    Py_ssize_t taken = 0, count = 1;
    if (self->instance != NULL) {
        arguments[count++] = Py_NewRef(self->instance);
    }
    for (; taken < self->nparams; taken++) {
        pw_kind kind = self->types[taken];
        PyObject *value = pw_decode_any(cells, kind, false, self->signature.store);
        if (value == NULL) {
            break;
        }
        cells += pw_cells(kind);
        arguments[count++] = value;
    }
    if (taken == self->nparams) {
        result = call_with(self, arguments, count - 1);
    }
    while (count > 1) {
        Py_DECREF(arguments[--count]);
    }
    if (arguments != local) {
        PyMem_Free(arguments);
    }
    return result;
}

/* Converts a common result of a host function whose values are all numbers. */
static PW_ALWAYS_INLINE bool take_common(const host_object *self, PyObject *result,
                                         uint64_t *values)
{
    return self->nresults == 1 ? pw_encode_common(result, self->types[self->nparams], false, values)
                               : !self->nresults && result == Py_None;
}

/* Converts what the callable returned. -1 with an error. */
static PW_ALWAYS_INLINE int take_result(host_object *self, PyObject *result, uint64_t *values)
{
    return self->few && take_common(self, result, values) ? 0
                                                          : encode_results(self, result, values);
}

/* Does what is due after a host function if the store has bits in watch.watched, and returns
 * whether the call goes on. The results are where the guest expects them, so that a collection
 * finds them. */
static PW_NOINLINE pw_trap after_watched_call(pw_store_object *store)
{
    pw_store_release_externs(store);
    return pw_stop_pending(store);
}

pw_trap pw_host_call(void *object, uint64_t *values)
{
    host_object *self = object;
    pw_store_object *store = self->signature.store;
    if (store->watch.without_gil != NULL) {
        pw_take_gil(&store->watch);
    }
    pw_recursion recursion;
    if (!python_stack_left() || !pw_recursion_bound(&recursion, store->watch.meter)) {
        return PW_TRAP_NATIVE_STACK;
    }
    Py_INCREF(self);
    pw_store_object *hosting = pw_hosting;
    pw_hosting = (pw_store_object *)Py_NewRef((PyObject *)store);
    pw_count_host_calls(1);
    const uint64_t *cells = values + self->nresult_cells;
    PyObject *result = self->few ? call_few(self, cells) : call_any(self, cells);
    bool done = result != NULL && take_result(self, result, values) == 0;
    Py_XDECREF(result);
    pw_trap trap = done ? PW_TRAP_NONE : pw_throw(store);
    pw_count_host_calls(-1);
    Py_XSETREF(pw_hosting, hosting);
    Py_DECREF(self);
    if (done && pw_read(store->watch.watched)) {
        trap = after_watched_call(store);
    }
    pw_recursion_restore(&recursion);
    return trap;
}

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromVoidPtr(op);
}

static PyMemberDef host_members[] = {
    {"callable", T_OBJECT, offsetof(host_object, callable), 0,
     PyDoc_STR("The callable; None while the import is not linked.")},
    {0},
};

static PyGetSetDef host_getset[] = {
    {"_address", get_address, NULL, PyDoc_STR("The address of this object, for pw_extern."), NULL},
    {0},
};

static PyType_Slot host_slots[] = {
    {Py_tp_doc, "A Python callable behind an imported function."},
    {Py_tp_dealloc, host_dealloc},
    {Py_tp_traverse, host_traverse},
    {Py_tp_clear, host_clear},
    {Py_tp_members, host_members},
    {Py_tp_getset, host_getset},
    {0, NULL},
};

PyType_Spec pw_host_spec = {
    .name = "pywasm3._cpython.HostFunction",
    .basicsize = offsetof(host_object, types),
    .itemsize = 1,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = host_slots,
};
