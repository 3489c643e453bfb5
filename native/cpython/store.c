/* SPDX-License-Identifier: MIT */
/* Stores: their lifetime, and the queue of threads that want to use one. */
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

/* A thread that waits for its turn. It is allocated on the heap because, at the end of the process,
 * the stack of a daemon thread may be gone before the store is. */
struct pw_waiter {
    pw_waiter *next;
    PyThread_type_lock lock; /* held until the thread's wait ends */
    uintptr_t thread;
    PW_SHARED(bool) queued; /* it is in the store's list, and its lock is held */
    bool granted;           /* the thread has the turn now; guarded by the store's lock */
    bool away;              /* the thread runs Python code meanwhile; guarded by the store's lock */
};

/* Keeps only the waits of this thread, whose signal handler has forked. The waiters of other
 * threads are leaked: such a thread, which does not exist here, may have been using its waiter in
 * the parent when it forked. */
static void forget_waiters(pw_store_object *self)
{
    uintptr_t me = pw_this_thread();
    pw_waiter **place = &self->waiters;
    while (*place != NULL) {
        if ((*place)->thread == me) {
            place = &(*place)->next;
        } else {
            *place = (*place)->next;
        }
    }
}

void pw_stores_after_fork(void)
{
    pw_forget_lock(&stores_lock);
    for (pw_store_object *self = stores; self != NULL; self = self->next) {
        pw_forget_lock(&self->lock);
        forget_waiters(self);
        if (pw_turn_taken(&self->turn) && !pw_turn_mine(&self->turn)) {
            self->orphaned = true;
            self->inner = NULL; /* nothing unlinks it any more, and it may be freed earlier */
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

/* The engine's store is freed first, because it refers to the host functions and to the objects of
 * externrefs. */
void pw_store_release(pw_store_object *self)
{
    pw_lock(&self->lock);
    pw_store *store = pw_read(self->store);
    pw_write(self->store, NULL);
    pw_watch_clear(&self->watch);
    pw_tenant *tenants = pw_tenants_take(&self->tenants);
    pw_unlock(&self->lock);
    /* An orphaned store is leaked: the thread that does not exist may have left it half changed. */
    if (store != NULL && !self->orphaned) {
        pw_engine->store_free(store);
    }
    if (self->orphaned) {
        Py_CLEAR(self->outer); /* the call that would do this never ends */
    }
    pw_tenants_free(tenants);
    pw_known_clear(&self->known);
    pw_externs_clear(&self->externs);
}

/* ---- errors ---- */

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

int pw_store_require_usable(pw_store_object *self)
{
    if (pw_read(self->store) == NULL) {
        return pw_store_closed_error(self);
    }
    if (self->orphaned) {
        return pw_store_error(
            self, "the store cannot be used in this process: another thread was using it "
                  "when the process was forked");
    }
    return 0;
}

int pw_store_require_entered(pw_store_object *self)
{
    if (pw_turn_mine(&self->turn)) {
        return pw_store_require_open(self);
    }
    PyErr_SetString(PyExc_RuntimeError, "this thread has not entered the store");
    return -1;
}

/* ---- waiting for a turn ---- */

int pw_store_refuse(pw_store_object *self)
{
    pw_turn_enter(&self->turn, pw_this_thread());
    pw_store_leave(self);
    return pw_store_closed_error(self);
}

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

/* Takes the turn and enters the store if no other thread has the turn. False: another thread has
 * it, and will look at the queue when it leaves. The caller has the store's lock. */
static bool take_or_notify(pw_store_object *self)
{
    uintptr_t me = pw_this_thread();
    do {
        if (pw_turn_take(&self->turn, me)) {
            pw_turn_enter(&self->turn, me);
            return true;
        }
    } while (!pw_turn_notify(&self->turn));
    return false;
}

/* Gives the turn to a new waiter, or adds it at the end of the queue. */
static void enqueue(pw_store_object *self, pw_waiter *waiter)
{
    pw_lock(&self->lock);
    waiter->granted = take_or_notify(self);
    if (!waiter->granted) {
        pw_waiter **end = &self->waiters;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = waiter;
        pw_write(waiter->queued, true);
    }
    pw_unlock(&self->lock);
}

/* Takes a waiter out of the queue and wakes its thread. The caller has the store's lock. */
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

/* Frees this thread's waiter. Returns whether the thread was given the turn. */
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

/* Runs signal handlers during a wait. Meanwhile the waiter keeps its place in the queue, but the
 * turn is not given to it: the handler may wait for another thread that needs the store first, or
 * enter the store itself, which is a second wait of this thread. -1 with an error. */
static int run_handlers(pw_store_object *self, pw_waiter *waiter)
{
    pw_lock(&self->lock);
    bool waits = pw_read(waiter->queued);
    waiter->away = waits;
    pw_unlock(&self->lock);
    if (!waits) {
        return 0; /* they run during the call, or after it */
    }
    int status = PyErr_CheckSignals();
    pw_lock(&self->lock);
    waiter->away = false;
    if (status == 0 && pw_read(waiter->queued) && !self->orphaned && take_or_notify(self)) {
        waiter->granted = true;
        dequeue(self, waiter);
    }
    pw_unlock(&self->lock);
    return status < 0 || self->orphaned ? -1 : 0;
}

/* Waits, without the GIL, until the waiter leaves the queue. -1 when a signal handler raises an
 * exception, so that Ctrl-C works meanwhile; also, without an error, in the child when a signal
 * handler forks and the store is unusable there. */
static int wait_for_turn(pw_store_object *self, pw_waiter *waiter)
{
    while (pw_read(waiter->queued)) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(waiter->lock, -1, 1);
        Py_END_ALLOW_THREADS
        if (status == PY_LOCK_ACQUIRED) {
            PyThread_release_lock(waiter->lock);
        } else if (run_handlers(self, waiter) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Threads get their turns in the order in which they came: the thread that leaves the store passes
 * the turn directly to the first in the queue, so that no other thread can overtake it. */
int pw_store_wait(pw_store_object *self)
{
    if (pw_store_require_usable(self) < 0) {
        return -1;
    }
    if (finalizing()) { /* the thread that has the turn may never run again */
        return pw_store_error(
            self, "the interpreter is shutting down while another thread uses the store");
    }
    pw_waiter *waiter = new_waiter();
    if (waiter == NULL) {
        return -1;
    }
    enqueue(self, waiter);
    int status = wait_for_turn(self, waiter);
    bool owns = end_waiting(self, waiter);
    if (status == 0 && !owns) {
        status = pw_store_error(self, "the call was cancelled before it began");
    }
    if (status == 0 || PyErr_Occurred() == NULL) {
        status = pw_store_require_usable(self);
    }
    if (status < 0 && owns) {
        pw_store_leave(self);
    }
    return status;
}

void pw_store_end_wait(pw_store_object *self, uintptr_t thread)
{
    pw_waiter *waiter = self->waiters, *next;
    for (; waiter != NULL; waiter = next) {
        next = waiter->next;
        if (waiter->thread == thread) {
            dequeue(self, waiter);
        }
    }
}

static bool collection_due(const pw_store_object *self)
{
    return pw_tenants_due(&self->tenants) || pw_externs_due(&self->externs);
}

/* Gives the turn to the first waiter that can take it, or to no thread. The caller has the lock. */
static void pass_on(pw_store_object *self)
{
    pw_waiter *waiter = finalizing() ? NULL : self->waiters;
    while (waiter != NULL && waiter->away) {
        waiter = waiter->next;
    }
    uintptr_t next = 0;
    if (waiter != NULL) {
        next = waiter->thread;
        waiter->granted = true;
        dequeue(self, waiter);
    }
    pw_turn_pass(&self->turn, next, self->waiters != NULL || collection_due(self));
}

/* Bytes that an externref is charged with: its share of the set, and of a small object. */
#define EXTERN_BYTES 96

/* Bytes that the objects which wasm refers to are charged with. */
static size_t cost_of_externs(const pw_store_object *self)
{
    return self->externs.count * EXTERN_BYTES + self->externs.bytes;
}

/* Releases the objects that are not marked, and takes them off the account. */
static void sweep_externs(pw_store_object *self, uint64_t places)
{
    pw_drop_bits(self->watch.watched, PW_WATCH_EXTERNS); /* finalizers may make objects again */
    pw_externs_sweep(&self->externs, places);
    size_t cost = cost_of_externs(self);
    if (self->charged_externs > cost) {
        pw_engine->account_refund(pw_engine->store_account(self->store), PW_CHARGE_OTHER,
                                  self->charged_externs - cost);
        self->charged_externs = cost;
    }
}

static void release_externs(pw_store_object *self)
{
    uint64_t places;
    if (pw_engine->store_mark_externs(self->store, pw_externs_mark, &self->externs, &places)) {
        sweep_externs(self, places);
    } else {
        pw_externs_unmark(&self->externs);
    }
}

void pw_store_release_externs(pw_store_object *self)
{
    if (self->sections == 0 && pw_externs_due(&self->externs)) {
        release_externs(self);
    }
}

/* Frees what nobody can reach any more. This thread still has the turn, and finalizers may use the
 * store on it. An exception that the call raised stays set. */
static void collect(pw_store_object *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    self->turn.depth++;
    pw_lock(&self->lock);
    pw_tenant *dead = pw_tenants_collect(&self->tenants, self->store, &self->externs);
    pw_unlock(&self->lock);
    if (dead != NULL) { /* new functions may get the addresses of freed ones */
        pw_known_clear(&self->known);
    }
    sweep_externs(self, self->tenants.places);
    pw_tenants_free(dead);
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
    if (pw_read(self->store) && collection_due(self)) {
        pw_unlock(&self->lock);
        collect(self);
        lock_and_settle(self);
    }
    pass_on(self);
    pw_unlock(&self->lock);
    Py_DECREF(self);
}

/* Enters the store, whose lock the caller has, unless another thread has the turn. In any case the
 * thread that has the turn settles when it leaves. */
static bool enter_to_settle(pw_store_object *self)
{
    bool entered = take_or_notify(self);
    if (entered) {
        pw_turn_notify(&self->turn);
    }
    return entered;
}

/* The anchor still has a reference to the store. If that is the last one, the whole store is freed
 * next. */
void pw_store_dropped(pw_store_object *self)
{
    bool entered = false;
    pw_lock(&self->lock);
    if (pw_read(self->store) && !self->orphaned) {
        self->tenants.dropped++;
        if (pw_tenants_due(&self->tenants) && Py_REFCNT(self) > 1) {
            entered = enter_to_settle(self);
        }
    }
    pw_unlock(&self->lock);
    if (entered) {
        pw_store_leave(self);
    }
}

void pw_store_overwritten(pw_store_object *self)
{
    pw_lock(&self->lock);
    if (self->tenants.unheld) {
        self->tenants.dropped++;
        pw_turn_notify(&self->turn);
    }
    pw_unlock(&self->lock);
}

/* Whether wasm reaches an instance is known only while no call runs. */
void pw_store_rescue(pw_store_object *self, pw_tenant *tenant)
{
    PyObject *origins = NULL;
    bool keeps = false, entered = false;
    pw_lock(&self->lock);
    if (pw_read(self->store) && !self->orphaned) {
        entered = take_or_notify(self);
        if (!entered || self->turn.depth > 1) {
            keeps = true;
            self->tenants.dropped++;
            pw_turn_notify(&self->turn);
        } else {
            keeps = !pw_tenants_may_mark(&self->tenants) ||
                    pw_tenants_reach(&self->tenants, self->store, tenant);
        }
        if (keeps) {
            origins = pw_tenant_drop(tenant);
        }
    }
    pw_unlock(&self->lock);
    Py_XDECREF(origins);
    if (entered) {
        pw_store_leave(self);
    }
}

/* Charges the objects that the store has begun to hold. False: the limits leave no room. */
static bool charge_externs(pw_store_object *self)
{
    size_t cost = cost_of_externs(self);
    if (self->charged_externs < cost) {
        if (!pw_engine->account_charge(pw_engine->store_account(self->store), PW_CHARGE_OTHER,
                                       cost - self->charged_externs)) {
            return false;
        }
        self->charged_externs = cost;
    }
    return true;
}

static void notice_due(pw_store_object *self)
{
    if (pw_externs_due(&self->externs)) {
        pw_turn_notify(&self->turn);
        pw_add_bits(self->watch.watched, PW_WATCH_EXTERNS);
    }
}

pw_held pw_store_hold(pw_store_object *self, PyObject *object)
{
    int status = pw_externs_hold(&self->externs, object);
    notice_due(self);
    if (status < 0) {
        return PW_HELD_ERROR;
    }
    return charge_externs(self) ? PW_HELD : PW_HELD_OVER_LIMIT;
}

/* Returns how many bytes a collection takes off the account at most. */
static uint64_t collectable(const pw_store_object *self)
{
    return cost_of_externs(self) + pw_engine->store_heap_bytes(self->store);
}

/* If a collection frees only a little, the next one would follow after a few more objects; so the
 * limit counts as reached then. */
bool pw_store_make_room(pw_store_object *self, const uint64_t *cells, uint32_t ncells)
{
    pw_roots roots = {.cells = cells, .count = &ncells};
    if (self->sections != 0) { /* a collection when the store is left serves the next attempt */
        self->externs.collect_at = self->externs.collect_at_bytes = 0;
        notice_due(self);
        return false;
    }
    uint64_t before = collectable(self);
    pw_engine->roots_add(self->store, &roots);
    release_externs(self);
    pw_engine->store_sweep_heap(self->store);
    pw_engine->roots_forget(self->store, &roots);
    return collectable(self) <= before - before / 16;
}

int pw_store_hold_over_limit(pw_store_object *self, const uint64_t *cells, uint32_t ncells)
{
    if (pw_store_make_room(self, cells, ncells) && charge_externs(self)) {
        return 0;
    }
    return pw_store_error(self, "the store holds as many externrefs as its limits allow");
}
