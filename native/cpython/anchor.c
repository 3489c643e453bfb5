/* SPDX-License-Identifier: MIT */
/* Anchors, and how Python's garbage collector treats those that are part of a reference cycle. */
#include "cpython/anchor.h"

/* An instance can be part of a cycle of Python objects, because a host function that it imports can
 * refer to its exports. Python's garbage collector finds such a cycle, but it cannot know whether
 * wasm still reaches the instance through a table. So each anchor has a sentinel, which is an
 * object that becomes unreachable together with the anchor. Python then calls the sentinel's
 * finalizer. If wasm may reach the instance, the finalizer makes the store the owner of what the
 * instance needs, which takes the whole cycle out of the garbage again. An anchor cannot do this
 * itself, because Python calls the finalizer of an object only once. */

typedef struct anchor_object anchor_object;

typedef struct {
    PyObject_HEAD
    anchor_object *anchor; /* borrowed; NULL: it has another sentinel, or is freed */
} sentinel_object;

struct anchor_object {
    PyObject_HEAD
    pw_store_object *store;
    pw_object *object;
    pw_tenant *tenant; /* NULL: the object is not an instance */
    bool holds;        /* it has called object_hold for a table, a global or a tag */
    sentinel_object *sentinel;
#ifdef Py_GIL_DISABLED
    PyObject
        *successor; /* keeps the instance when the tenant has another anchor; see take_anchor */
#endif
};

pw_object *pw_anchor_object(PyObject *anchor)
{
    return ((anchor_object *)anchor)->object;
}

pw_store_object *pw_anchor_store(PyObject *anchor)
{
    return ((anchor_object *)anchor)->store;
}

/* ---- making ---- */

static sentinel_object *new_sentinel(const pw_state *state, anchor_object *anchor)
{
    sentinel_object *sentinel = PyObject_GC_New(sentinel_object, state->sentinel_type);
    if (sentinel != NULL) {
        sentinel->anchor = anchor;
        PyObject_GC_Track(sentinel);
    }
    return sentinel;
}

static anchor_object *new_anchor(pw_store_object *store, pw_object *object, pw_tenant *tenant)
{
    pw_state *state = pw_state_of(Py_TYPE(store));
    anchor_object *self = state != NULL ? PyObject_GC_New(anchor_object, state->anchor_type) : NULL;
    if (self == NULL) {
        return NULL;
    }
    self->store = (pw_store_object *)Py_NewRef(store);
    self->object = object;
    self->tenant = NULL;
    self->holds = false;
    self->sentinel = NULL;
#ifdef Py_GIL_DISABLED
    self->successor = NULL;
#endif
    if (tenant != NULL && PyTuple_GET_SIZE(tenant->hosts)) {
        self->sentinel = new_sentinel(state, self);
        if (self->sentinel == NULL) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return self;
}

PyObject *pw_anchor_new(pw_store_object *store, pw_object *object)
{
    anchor_object *self = new_anchor(store, object, NULL);
    if (self != NULL) {
        pw_lock(&store->lock);
        pw_engine->object_hold(object);
        self->holds = true;
        pw_unlock(&store->lock);
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

#ifdef Py_GIL_DISABLED

/* Takes a reference to the tenant's anchor, unless another thread is freeing the anchor or Python's
 * garbage collector is. In the second case the anchor may come back to life, and then keeps the
 * anchor that replaces it. The caller has the store's lock. */
static PyObject *take_anchor(const pw_tenant *tenant)
{
    PyObject *anchor = NULL;
    if (tenant->weak != NULL) {
        (void)PyWeakref_GetRef(tenant->weak, &anchor);
    }
    return anchor;
}

/* Makes the weak reference from which other threads take the new anchor. -1 with an error. */
static int new_weak(anchor_object *self, PyObject **weak)
{
    *weak = PyWeakref_NewRef((PyObject *)self, NULL);
    return *weak != NULL ? 0 : -1;
}

/* Gives a tenant the weak reference to its new anchor; *weak becomes the one that it had. The
 * caller has the store's lock. */
static void swap_weak(pw_tenant *tenant, anchor_object *self, PyObject **weak)
{
    if (tenant->anchor != NULL) {
        ((anchor_object *)tenant->anchor)->successor = Py_NewRef((PyObject *)self);
    }
    PyObject *before = tenant->weak;
    tenant->weak = *weak;
    *weak = before;
}

#else

static PyObject *take_anchor(const pw_tenant *tenant)
{
    return Py_XNewRef(tenant->anchor);
}

static int new_weak(anchor_object *Py_UNUSED(self), PyObject **weak)
{
    *weak = NULL;
    return 0;
}

static void swap_weak(pw_tenant *Py_UNUSED(tenant), anchor_object *Py_UNUSED(self),
                      PyObject **Py_UNUSED(weak))
{
}

#endif

static PyObject *find_anchor(pw_store_object *store, pw_tenant *tenant)
{
    pw_lock(&store->lock);
    PyObject *anchor = take_anchor(tenant);
    if (anchor != NULL) {
        pw_tenant_hold(tenant);
    }
    pw_unlock(&store->lock);
    return anchor;
}

PyObject *pw_anchor_of(pw_store_object *store, pw_tenant *tenant)
{
    PyObject *anchor = find_anchor(store, tenant), *weak;
    if (anchor != NULL) {
        return anchor;
    }
    anchor_object *self = new_anchor(store, tenant->object, tenant);
    if (self == NULL || new_weak(self, &weak) < 0) {
        Py_XDECREF(self);
        return NULL;
    }
    PyObject_GC_Track(self);
    pw_lock(&store->lock);
    swap_weak(tenant, self, &weak);
    atomic_fetch_add(&tenant->references, 1);
    self->tenant = tenant;
    tenant->anchor = (PyObject *)self;
    pw_tenant_hold(tenant);
    pw_unlock(&store->lock);
    Py_XDECREF(weak);
    return (PyObject *)self;
}

/* ---- freeing ---- */

static int anchor_traverse(PyObject *op, visitproc visit, void *arg)
{
    anchor_object *self = (anchor_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->store);
    Py_VISIT(self->sentinel);
#ifdef Py_GIL_DISABLED
    Py_VISIT(self->successor);
#endif
    if (self->tenant != NULL && self->tenant->anchor == op && self->tenant->is_held) {
        Py_VISIT(self->tenant->hosts);
        Py_VISIT(self->tenant->origins);
    }
    return 0;
}

/* Ends what the anchor kept. */
static void release_kept(anchor_object *self)
{
    pw_store_object *store = self->store;
    PyObject *origins = NULL;
    pw_lock(&store->lock);
    if (self->tenant != NULL) {
        if (self->tenant->anchor == (PyObject *)self) {
            origins = pw_tenant_drop(self->tenant);
            self->tenant->anchor = NULL;
        }
    } else if (self->holds && pw_read(store->store)) {
        pw_engine->object_drop(self->object);
    }
    pw_unlock(&store->lock);
    Py_XDECREF(origins);
    if (self->tenant != NULL) {
        pw_tenant_release(self->tenant);
    }
    pw_store_dropped(store);
}

/* There is no tp_clear: every cycle that an anchor is part of also runs through a HostFunction,
 * whose tp_clear breaks it. */
static void anchor_dealloc(PyObject *op)
{
    anchor_object *self = (anchor_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
#ifdef Py_GIL_DISABLED
    PyObject_ClearWeakRefs(op);
#endif
    if (self->sentinel != NULL) {
        self->sentinel->anchor = NULL;
        Py_DECREF(self->sentinel);
    }
    release_kept(self);
#ifdef Py_GIL_DISABLED
    Py_XDECREF(self->successor);
#endif
    Py_DECREF(self->store);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- sentinels ---- */

static int sentinel_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

/* Runs in the middle of a garbage collection, so it must not change an exception that is set. The
 * anchor gets a new sentinel in any case, because another finalizer may bring it back to life.
 * Without memory for one, the next collection breaks the cycle unasked, and calls through it raise
 * errors. */
static void sentinel_finalize(PyObject *op)
{
    anchor_object *anchor = ((sentinel_object *)op)->anchor;
    PyObject *type, *value, *traceback;
    if (anchor == NULL) {
        return;
    }
    PyErr_Fetch(&type, &value, &traceback);
    pw_state *state = pw_state_of(Py_TYPE(anchor->store));
    anchor->sentinel = state != NULL ? new_sentinel(state, anchor) : NULL;
    PyErr_Clear();
    ((sentinel_object *)op)->anchor = NULL;
    Py_DECREF(op);
    pw_store_rescue(anchor->store, anchor->tenant);
    PyErr_Restore(type, value, traceback);
}

static void sentinel_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- the classes ---- */

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromVoidPtr(pw_anchor_object(op));
}

static PyGetSetDef anchor_getset[] = {
    {"_address", get_address, NULL,
     PyDoc_STR("The address of the object of the engine, valid while the store is open."), NULL},
    {0},
};

static PyType_Slot anchor_slots[] = {
    {Py_tp_doc, "What keeps an instance, a table, a global or a tag of a store."},
    {Py_tp_dealloc, anchor_dealloc},
    {Py_tp_traverse, anchor_traverse},
    {Py_tp_getset, anchor_getset},
    {0, NULL},
};

#ifdef Py_GIL_DISABLED
#define WEAKLY_REFERABLE Py_TPFLAGS_MANAGED_WEAKREF
#else
#define WEAKLY_REFERABLE 0
#endif

PyType_Spec pw_anchor_spec = {
    .name = "pywasm3._cpython.Anchor",
    .basicsize = sizeof(anchor_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION | WEAKLY_REFERABLE,
    .slots = anchor_slots,
};

static PyType_Slot sentinel_slots[] = {
    {Py_tp_doc, "Notices that the anchor of an instance is part of garbage."},
    {Py_tp_dealloc, sentinel_dealloc},
    {Py_tp_traverse, sentinel_traverse},
    {Py_tp_finalize, sentinel_finalize},
    {0, NULL},
};

PyType_Spec pw_sentinel_spec = {
    .name = "pywasm3._cpython.Sentinel",
    .basicsize = sizeof(sentinel_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = sentinel_slots,
};
