/* SPDX-License-Identifier: MIT */
/* The lifetime and the lock of what instances share. */
#include "cpython/store.h"

#include <pythread.h>

#include "cpython/state.h"

/* ---- all stores, for the child of a fork ---- */

static pw_store_object *stores;
static pw_mutex stores_lock;

static void enlist(pw_store_object *self)
{
    pw_lock(&stores_lock);
    self->next = stores;
    self->link = &stores;
    if (stores != NULL) {
        stores->link = &self->next;
    }
    stores = self;
    pw_unlock(&stores_lock);
}

void pw_store_delist(pw_store_object *self)
{
    pw_lock(&stores_lock);
    if (self->link != NULL) {
        *self->link = self->next;
    }
    if (self->next != NULL) {
        self->next->link = self->link;
    }
    pw_unlock(&stores_lock);
}

/* What other threads wait with stays behind: they may have been using it. */
void pw_stores_after_fork(void)
{
    pw_forget_lock(&stores_lock);
    for (pw_store_object *self = stores; self != NULL; self = self->next) {
        pw_forget_lock(&self->lock);
        self->waiters = NULL;
        if (pw_turn_taken(&self->turn) && !pw_turn_mine(&self->turn)) {
            self->orphaned = true;
            pw_turn_orphan(&self->turn);
        }
    }
}

/* ---- making and freeing ---- */

void pw_store_open(pw_store_object *self, pw_store *store, long long fuel, int64_t timeout)
{
    pw_meter *meter = pw_engine->store_meter(store);
    meter->embedder = self;
    pw_write(self->store, store);
    pw_watch_init(&self->watch, meter, fuel, timeout);
    enlist(self);
}

/* The engine's state goes first: it refers to the host functions and the external references. */
void pw_store_release(pw_store_object *self)
{
    pw_lock(&self->lock);
    pw_store *store = pw_read(self->store);
    pw_write(self->store, NULL);
    pw_watch_clear(&self->watch);
    pw_unlock(&self->lock);
    if (store != NULL && !self->orphaned) { /* else it may be in pieces */
        pw_engine->store_free(store);
    }
    Py_CLEAR(self->hosts);
    Py_CLEAR(self->known);
    pw_externs_clear(&self->externs);
}

/* ---- the lock ---- */

int pw_store_error(pw_store_object *self, const char *message)
{
    pw_state *state = pw_state_of(Py_TYPE(self));
    if (state != NULL) {
        PyErr_SetString(state->closed, message);
    }
    return -1;
}

int pw_store_closed_error(pw_store_object *self)
{
    return pw_store_error(self, "the store is closed");
}

int pw_store_refuse(pw_store_object *self)
{
    pw_turn_enter(&self->turn, pw_this_thread());
    pw_store_leave(self);
    return pw_store_closed_error(self);
}

/* A thread that waits for its turn. On the heap: at the end of the process, the stack of a daemon
 * thread may be gone before the store is. */
struct pw_waiter {
    pw_waiter *next;
    PyThread_type_lock lock; /* held until it is this one's turn */
    uintptr_t thread;
    PW_SHARED(bool) queued; /* in the list, with its lock held */
    bool granted;           /* it owns the store now; with the store's lock */
};

static bool finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

static pw_waiter *new_waiter(void)
{
    pw_waiter *waiter = PyMem_Calloc(1, sizeof *waiter);
    if (waiter != NULL) {
        waiter->lock = PyThread_allocate_lock();
    }
    if (waiter == NULL || waiter->lock == NULL) {
        PyMem_Free(waiter);
        PyErr_NoMemory();
        return NULL;
    }
    PyThread_acquire_lock(waiter->lock, NOWAIT_LOCK);
    waiter->thread = pw_this_thread();
    return waiter;
}

static void free_waiter(pw_waiter *waiter)
{
    PyThread_free_lock(waiter->lock);
    PyMem_Free(waiter);
}

/* False: there is nothing to wait for any more. */
static bool enqueue(pw_store_object *self, pw_waiter *waiter)
{
    pw_lock(&self->lock);
    bool taken = pw_turn_notify(&self->turn);
    if (taken) {
        pw_waiter **end = &self->waiters;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = waiter;
        pw_write(waiter->queued, true);
    }
    pw_unlock(&self->lock);
    return taken;
}

/* Its thread goes on. With the lock. */
static void dequeue(pw_store_object *self, pw_waiter *waiter)
{
    pw_waiter **place = &self->waiters;
    while (*place != waiter) {
        place = &(*place)->next;
    }
    *place = waiter->next;
    pw_write(waiter->queued, false);
    PyThread_release_lock(waiter->lock);
}

/* Whether the store is this thread's now. */
static bool end_waiting(pw_store_object *self, pw_waiter *waiter)
{
    pw_lock(&self->lock);
    if (pw_read(waiter->queued)) {
        dequeue(self, waiter);
    }
    bool owns = waiter->granted;
    pw_unlock(&self->lock);
    free_waiter(waiter);
    return owns;
}

/* Without the GIL. A signal handler may end it, so that Ctrl-C works while waiting. */
static int wait_for_turn(pw_waiter *waiter)
{
    while (pw_read(waiter->queued)) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(waiter->lock, -1, 1);
        Py_END_ALLOW_THREADS
        if (status == PY_LOCK_ACQUIRED) {
            PyThread_release_lock(waiter->lock);
        }
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    return 0;
}

/* Turns are given in the order in which threads came: who leaves makes the first the owner, so that
 * no other thread comes between. */
int pw_store_wait(pw_store_object *self)
{
    if (self->orphaned) {
        return pw_store_error(self, "another thread used the store when this process was forked");
    }
    if (finalizing()) { /* threads that wait or own it never run again */
        return pw_store_error(self, "the interpreter ends while another thread uses the store");
    }
    pw_waiter *waiter = new_waiter();
    if (waiter == NULL) {
        return -1;
    }
    if (!enqueue(self, waiter)) {
        free_waiter(waiter);
        return pw_store_enter(self);
    }
    int status = wait_for_turn(waiter);
    bool owns = end_waiting(self, waiter);
    if (status == 0 && !owns) {
        status = pw_store_error(self, "the call was cancelled before it began");
    }
    if (status == 0) {
        status = pw_store_require_open(self);
    }
    if (status < 0 && owns) {
        pw_store_leave(self);
    }
    return status;
}

void pw_store_end_wait(pw_store_object *self, uintptr_t thread)
{
    pw_waiter *waiter = self->waiters;
    while (waiter != NULL && waiter->thread != thread) {
        waiter = waiter->next;
    }
    if (waiter != NULL) {
        dequeue(self, waiter);
    }
}

/* With the lock. */
static void pass_on(pw_store_object *self)
{
    pw_waiter *waiter = finalizing() ? NULL : self->waiters;
    uintptr_t next = 0;
    if (waiter != NULL) {
        next = waiter->thread;
        waiter->granted = true;
        dequeue(self, waiter);
    }
    pw_turn_pass(&self->turn, next, self->waiters != NULL || pw_externs_due(&self->externs));
}

/* Finalizers may use the store, which is still this thread's, and an exception may be on its way.
 */
static void collect(pw_store_object *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    self->turn.depth++;
    pw_externs_collect(&self->externs, self->store);
    self->turn.depth--;
    PyErr_Restore(type, value, traceback);
}

static void lock_and_settle(pw_store_object *self)
{
    pw_lock(&self->lock);
    if (pw_read(self->store)) {
        pw_watch_settle(&self->watch);
    }
}

void pw_store_settle(pw_store_object *self)
{
    Py_INCREF(self);
    lock_and_settle(self);
    if (pw_read(self->store) && pw_externs_due(&self->externs)) {
        pw_unlock(&self->lock);
        collect(self);
        lock_and_settle(self);
    }
    pass_on(self);
    pw_unlock(&self->lock);
    Py_DECREF(self);
}

int pw_store_hold(pw_store_object *self, PyObject *object)
{
    int status = pw_externs_hold(&self->externs, object);
    if (pw_externs_due(&self->externs)) {
        pw_turn_notify(&self->turn);
    }
    return status;
}
