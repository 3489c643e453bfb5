/* SPDX-License-Identifier: MIT */
/* Running and stopping calls.
 *
 * Running code takes a tick at each call and each iteration of a loop. When the ticks are used up,
 * or when another thread asks for it, the engine calls the tick hook at the next checkpoint. The
 * hook runs on the thread of the call, which may hold the GIL or may have released it. */
#include "cpython/stop.h"

#include "cpython/gil.h"
#include "cpython/recursion.h"
#include "cpython/state.h"
#include "cpython/store.h"
#include "cpython/turn.h"
#include "cpython/watch.h"

/* How often the hook should run during a call. */
#define HOOK_INTERVAL (100 * PW_MICROSECOND)

/* Returns the time after a delay. */
static int64_t after(int64_t start, int64_t delay)
{
    return delay < PW_NEVER - start ? start + delay : PW_NEVER;
}

/* ---- deadlines ---- */

/* Returns the earliest deadline of a call that this thread makes. */
static int64_t first_deadline(pw_store_object *self)
{
    int64_t first = self->watch.call_deadline;
    uintptr_t me = pw_this_thread();
    pw_lock(&self->lock);
    for (const pw_deadline *deadline = self->watch.deadlines; deadline != NULL;
         deadline = deadline->next) {
        if (deadline->thread == me && deadline->time < first) {
            first = deadline->time;
        }
    }
    pw_unlock(&self->lock);
    return first;
}

/* Tells the timer when to stop the running call: at the earliest of its deadline and those of the
 * calls around it. The timer is called only if it would wake up too late. The order of these two
 * accesses to atomic variables matters: see timer.c. */
static void set_timer(const pw_store_object *self)
{
    pw_meter *meter = self->watch.meter;
    int64_t due = PW_NEVER;
    for (; self != NULL; self = self->outer) {
        due = self->watch.deadline < due ? self->watch.deadline : due;
    }
    if (due == PW_NEVER) {
        atomic_store_explicit(&meter->due, due, memory_order_relaxed);
        return;
    }
    atomic_store(&meter->due, due);
    if (due < atomic_load(pw_timer_wakes_at) || !meter->timed) {
        pw_engine->timer_call(meter);
    }
}

/* Applies a change of this thread's deadlines to the running call, in case a host function of that
 * call made the change. */
static void renew_deadline(pw_store_object *self)
{
    if (!pw_turn_mine(&self->turn) || pw_read(self->store) == NULL) {
        return;
    }
    self->watch.deadline = first_deadline(self);
    set_timer(self);
    pw_turn_notify(&self->turn);
}

/* Converts seconds from Python to nanoseconds. -1 with an error. */
static int take_seconds(PyObject *value, int64_t *delay)
{
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    if (!(seconds >= 0)) {
        PyErr_Format(PyExc_ValueError, "seconds must not be negative: %R", value);
        return -1;
    }
    *delay = seconds < 1e9 ? (int64_t)(seconds * (double)PW_SECOND) : PW_NEVER;
    return 0;
}

PyObject *pw_store_begin_deadline(PyObject *op, PyObject *seconds)
{
    static atomic_ullong ids;
    pw_store_object *self = (pw_store_object *)op;
    int64_t delay;
    if (take_seconds(seconds, &delay) < 0) {
        return NULL;
    }
    pw_deadline *deadline = PyMem_Malloc(sizeof *deadline);
    if (deadline == NULL) {
        return PyErr_NoMemory();
    }
    *deadline = (pw_deadline){NULL, pw_this_thread(), after(pw_engine->now(), delay), ++ids};
    PyObject *id = PyLong_FromUnsignedLongLong(deadline->id);
    if (id == NULL || pw_store_pin(self) < 0) {
        Py_XDECREF(id);
        PyMem_Free(deadline);
        return NULL;
    }
    deadline->next = self->watch.deadlines;
    self->watch.deadlines = deadline;
    pw_add_bits(self->watch.watched, PW_WATCH_DEADLINES);
    pw_store_unpin(self);
    renew_deadline(self);
    return id;
}

/* Returns the link to the deadline with an id. The link is NULL if the deadline has ended, as all
 * do when the store is closed. The caller has the lock. */
static pw_deadline **find_deadline(pw_store_object *self, unsigned long long id)
{
    pw_deadline **place = &self->watch.deadlines;
    while (*place != NULL && (*place)->id != id) {
        place = &(*place)->next;
    }
    return place;
}

PyObject *pw_store_end_deadline(PyObject *op, PyObject *id)
{
    pw_store_object *self = (pw_store_object *)op;
    unsigned long long wanted = PyLong_AsUnsignedLongLong(id);
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    pw_lock(&self->lock);
    pw_deadline **place = find_deadline(self, wanted), *found = *place;
    if (found != NULL) {
        *place = found->next;
    }
    if (self->watch.deadlines == NULL) {
        pw_drop_bits(self->watch.watched, PW_WATCH_DEADLINES);
    }
    pw_unlock(&self->lock);
    PyMem_Free(found);
    renew_deadline(self);
    Py_RETURN_NONE;
}

/* ---- fuel ---- */

PyObject *pw_store_get_fuel(PyObject *op, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    long long fuel;
    int entered = pw_store_require_usable(self) < 0 ? -1 : pw_store_try_enter(self);
    if (entered < 0) {
        return NULL;
    }
    if (entered) {
        pw_watch_take_wanted_fuel(&self->watch);
        fuel = pw_watch_fuel_left(&self->watch);
        pw_store_leave(self);
    } else {
        fuel = atomic_load(&self->watch.wanted_fuel);
        if (fuel == PW_NOTHING_WANTED) {
            fuel = atomic_load(&self->watch.reported_fuel);
        }
    }
    if (fuel == PW_NO_FUEL) {
        Py_RETURN_NONE;
    }
    return PyLong_FromLongLong(fuel);
}

/* Converts fuel from Python; None is PW_NO_FUEL. -1 with an error. */
static int take_fuel(PyObject *value, long long *fuel)
{
    *fuel = PW_NO_FUEL;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError,
                        "fuel cannot be deleted: set it to None to end its metering");
        return -1;
    }
    if (value == Py_None) {
        return 0;
    }
    PyObject *number = PyNumber_Index(value);
    *fuel = number != NULL ? PyLong_AsLongLong(number) : -1;
    Py_XDECREF(number);
    if (*fuel == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    if (*fuel < 0) {
        PyErr_Format(PyExc_ValueError, "fuel must not be negative: %R", value);
        return -1;
    }
    return 0;
}

/* Makes the next checkpoint call the hook, in the running call and in calls that its host functions
 * make in other stores. The caller has the lock. The lock is held while that of the inner store is
 * taken, so that the inner store cannot change meanwhile. */
static void request_hook(pw_store_object *self)
{
    pw_meter_stop(self->watch.meter);
    pw_store_object *inner = self->inner;
    if (inner == NULL) {
        return;
    }
    pw_lock(&inner->lock);
    request_hook(inner);
    pw_unlock(&inner->lock);
}

/* Leaves the fuel for the thread that has the turn, which takes it at the next checkpoint, or at
 * the latest when its outermost call ends. False: no thread has the turn, or the store is
 * closed. */
static bool want_fuel(pw_store_object *self, long long fuel)
{
    pw_lock(&self->lock);
    bool wanted = pw_read(self->store) && pw_turn_notify(&self->turn);
    if (wanted) {
        atomic_store(&self->watch.wanted_fuel, fuel);
        request_hook(self);
    }
    pw_unlock(&self->lock);
    return wanted;
}

int pw_store_set_fuel(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    long long fuel;
    int entered = 0;
    if (take_fuel(value, &fuel) < 0) {
        return -1;
    }
    do {
        entered = pw_store_require_usable(self) < 0 ? -1 : pw_store_try_enter(self);
    } while (!entered && !want_fuel(self, fuel));
    if (entered > 0) {
        atomic_store(&self->watch.wanted_fuel, PW_NOTHING_WANTED);
        pw_watch_fill(&self->watch, fuel);
        pw_store_leave(self);
    }
    return entered < 0 ? -1 : 0;
}

/* ---- interruption ---- */

/* Interrupts the running call, if there is one; PW_INTERRUPTED_FOR_GOOD interrupts all later calls,
 * too. Returns whether a call was running. */
static bool interrupt(pw_store_object *self, pw_interruption how)
{
    int was = PW_NOT_INTERRUPTED;
    pw_lock(&self->lock);
    bool usable = pw_read(self->store) && !self->orphaned;
    bool runs = usable && pw_turn_notify(&self->turn);
    if (runs || (usable && how == PW_INTERRUPTED_FOR_GOOD)) {
        while (was < (int)how &&
               !atomic_compare_exchange_weak(&self->watch.interrupted, &was, (int)how)) {
        }
        pw_add_bits(self->watch.watched, PW_WATCH_INTERRUPTED);
    }
    if (runs) {
        request_hook(self);
    }
    pw_unlock(&self->lock);
    return runs;
}

PyObject *pw_store_interrupt(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(interrupt((pw_store_object *)op, PW_INTERRUPTED));
}

PyObject *pw_store_stop(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(interrupt((pw_store_object *)op, PW_INTERRUPTED_FOR_GOOD));
}

/* Moves a deadline into the past. The thread that has set it may be running in the store, be
 * waiting for it, or come later: it finds the deadline passed in each case. */
PyObject *pw_store_cancel(PyObject *op, PyObject *id)
{
    pw_store_object *self = (pw_store_object *)op;
    unsigned long long wanted = PyLong_AsUnsignedLongLong(id);
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    pw_lock(&self->lock);
    pw_deadline *deadline = *find_deadline(self, wanted);
    if (deadline != NULL) {
        deadline->time = INT64_MIN;
        pw_store_end_wait(self, deadline->thread);
        if (pw_turn_owner(&self->turn) == deadline->thread) {
            atomic_store(&self->watch.cancelled, true);
            request_hook(self);
        }
    }
    pw_unlock(&self->lock);
    Py_RETURN_NONE;
}

/* ---- around calls ---- */

/* Returns why the running call must stop at a time. A call within a host function of another store
 * also stops for the reasons of that store. */
static pw_trap pending_at(const pw_store_object *self, int64_t time)
{
    for (; self != NULL; self = self->outer) {
        if (atomic_load(&self->watch.interrupted)) {
            return PW_TRAP_INTERRUPTED;
        }
        if (time >= self->watch.deadline) {
            return PW_TRAP_DEADLINE;
        }
    }
    return PW_TRAP_NONE;
}

/* Whether other threads have cancelled the running call or one around it. */
static bool is_cancelled(const pw_store_object *self)
{
    while (self != NULL && !atomic_load(&self->watch.cancelled)) {
        self = self->outer;
    }
    return self != NULL;
}

/* Applies cancellations by other threads, of the running call and of the calls around it. Deadlines
 * are guarded by their store's lock, or by the GIL where there is one, so the GIL is taken first.
 */
static void take_cancellations(pw_store_object *self)
{
    for (pw_store_object *store = self; store != NULL; store = store->outer) {
        if (atomic_load(&store->watch.cancelled)) {
            atomic_store(&store->watch.cancelled, false);
            if (self->watch.without_gil != NULL) {
                pw_take_gil(&self->watch);
            }
            store->watch.deadline = first_deadline(store);
        }
    }
}

pw_trap pw_stop_pending(pw_store_object *self)
{
    take_cancellations(self);
    return pending_at(self, pw_engine->now());
}

/* The call of the store will end with a trap, whatever the host function does, so it counts as
 * trapped from now on: the host function may raise the error itself. */
PyObject *pw_stop_code(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = pw_hosting;
    if (self == NULL || !pw_turn_mine(&self->turn)) {
        Py_RETURN_NONE;
    }
    pw_trap trap = pw_stop_pending(self);
    if (trap != PW_TRAP_NONE) {
        pw_write(self->trapped, true);
    }
    return PyLong_FromLong((long)trap);
}

PW_THREAD_LOCAL pw_store_object *pw_hosting;
#ifndef Py_GIL_DISABLED
Py_ssize_t pw_host_calls;
#endif

/* Notes that a host function of `outer` makes the outermost call of a store. After coroutines have
 * switched, `outer` may be a store whose call has ended or that another thread uses: such a store
 * is ignored. */
static void link_outer(pw_store_object *self, pw_store_object *outer)
{
    if (outer == NULL || outer == self || !pw_turn_mine(&outer->turn) || outer->inner != NULL) {
        return;
    }
    self->outer = (pw_store_object *)Py_NewRef((PyObject *)outer);
    pw_add_bits(self->watch.watched, PW_WATCH_OUTER);
    pw_lock(&outer->lock);
    outer->inner = self;
    pw_unlock(&outer->lock);
}

static void unlink_outer(pw_store_object *self)
{
    pw_store_object *outer = self->outer;
    if (outer == NULL) {
        return;
    }
    pw_lock(&outer->lock);
    outer->inner = NULL;
    pw_unlock(&outer->lock);
    pw_drop_bits(self->watch.watched, PW_WATCH_OUTER);
    Py_CLEAR(self->outer);
}

/* Prepares a call. Returns why it must not begin, or PW_TRAP_NONE. */
static pw_trap begin(pw_store_object *self)
{
    pw_watch *watch = &self->watch;
    if (self->turn.depth == 1) {
        link_outer(self, pw_hosting);
        watch->started = 0;
        watch->call_deadline =
            watch->timeout == PW_NEVER ? PW_NEVER : after(pw_engine->now(), watch->timeout);
    }
    watch->deadline = first_deadline(self);
    set_timer(self);
    if (self->turn.depth > 1) { /* end() does not reset the deadline of a nested call */
        pw_turn_notify(&self->turn);
    }
    atomic_store_explicit(&watch->reported_fuel, pw_watch_fuel_left(&self->watch),
                          memory_order_relaxed);
    pw_engine->store_forget_frames(self->store);
    return pw_stop_pending(self);
}

/* Takes the GIL after a call, and forgets the deadline of the outermost one. */
static void end(pw_store_object *self)
{
    if (self->watch.without_gil != NULL) {
        pw_take_gil(&self->watch);
    }
    if (self->turn.depth == 1) {
        unlink_outer(self);
        pw_watch_return_fuel(&self->watch);
        self->watch.call_deadline = self->watch.deadline = PW_NEVER;
        atomic_store_explicit(&self->watch.meter->due, PW_NEVER, memory_order_relaxed);
    }
}

pw_trap pw_watched_call(pw_store_object *self, const pw_callee *callee, uint64_t *values)
{
    pw_trap trap = begin(self);
    if (trap == PW_TRAP_NONE) {
        trap = pw_engine->call(callee, values);
    }
    end(self);
    return trap;
}

pw_trap pw_watched_map(pw_store_object *self, const pw_callee *callee, pw_map_job *job)
{
    pw_trap trap = begin(self);
    if (trap == PW_TRAP_NONE) {
        trap = pw_engine->call_map(callee, job);
    }
    end(self);
    return trap;
}

PyObject *pw_store_watched(PyObject *op, PyObject *const *args, Py_ssize_t count)
{
    pw_store_object *self = (pw_store_object *)op;
    if (count < 1 || !pw_turn_mine(&self->turn) || pw_store_require_open(self) < 0) {
        if (PyErr_Occurred() == NULL) {
            PyErr_SetString(PyExc_TypeError, "_watched() needs an entered store and a callable");
        }
        return NULL;
    }
    begin(self); /* if the work must not begin, it finds out itself */
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(count - 1), NULL);
    end(self);
    return result;
}

/* ---- the hook ---- */

/* Adapts the number of ticks between two calls of the hook to the time that they take, so that the
 * hook runs about every HOOK_INTERVAL. */
static void adapt(pw_watch *watch, int64_t time)
{
    int64_t elapsed = time - watch->hook_ran, period = watch->meter->period;
    if (elapsed > 2 * HOOK_INTERVAL) {
        period = period * HOOK_INTERVAL / elapsed;
        watch->meter->period = period ? period : 1;
    } else if (period < PW_MAX_PERIOD) {
        watch->meter->period = 2 * period;
    }
}

/* Runs the handlers of signals; the GIL is held. A handler that raises an exception stops the call.
 * It may also have interrupted the store or changed its deadlines. Python 3.12 and newer may
 * collect garbage here, too, which runs finalizers. */
static pw_trap run_handlers(pw_store_object *self)
{
    pw_recursion recursion = {NULL, 0};
    if (!pw_recursion_bound(&recursion, self->watch.meter)) {
        return PW_TRAP_NATIVE_STACK;
    }
    int status = PyErr_CheckSignals();
    pw_recursion_restore(&recursion);
    return status < 0 ? PW_TRAP_HOST : pw_stop_pending(self);
}

/* Releases the GIL if the call has kept it long enough. The handlers of signals run before. */
static pw_trap let_others_run(pw_store_object *self, int64_t time)
{
    if (!pw_may_release_gil(&self->watch, time)) {
        return PW_TRAP_NONE;
    }
    pw_trap trap = pw_on_main_thread() ? run_handlers(self) : PW_TRAP_NONE;
    if (trap == PW_TRAP_NONE) {
        pw_release_gil(&self->watch);
    }
    return trap;
}

/* Makes room for an object of the heap that the call is about to make, which needs the GIL. Where
 * too little of the stack is left for finalizers, there is no room. They may have interrupted the
 * store or changed its deadlines. */
static pw_trap make_room(pw_store_object *self)
{
    pw_recursion recursion = {NULL, 0};
    if (self->watch.without_gil != NULL) {
        pw_take_gil(&self->watch);
    }
    if (pw_recursion_bound(&recursion, self->watch.meter)) {
        bool made = pw_store_make_room(self, NULL, 0);
        pw_recursion_restore(&recursion);
        self->watch.meter->made_room = made;
    }
    return pw_stop_pending(self);
}

/* Work that is not part of a call was begun by cffi, which has released the GIL. */
pw_trap pw_poll_call(void *store_object, bool in_call)
{
    pw_store_object *self = store_object;
    int64_t time = pw_engine->now();
    if (in_call) {
        take_cancellations(self);
        pw_release_gil_in_work(&self->watch, time);
    } else if (is_cancelled(self)) {
        PyGILState_STATE state = PyGILState_Ensure();
        take_cancellations(self);
        PyGILState_Release(state);
    }
    return pending_at(self, time);
}

pw_trap pw_tick(void *store_object)
{
    pw_store_object *self = store_object;
    pw_watch *watch = &self->watch;
    int64_t time = pw_engine->now();
    bool wants_room = watch->meter->wants_room;
    watch->meter->wants_room = false; /* calls of finalizers do not want it */
    if (watch->started) {
        adapt(watch, time);
    } else {
        watch->started = time;
    }
    watch->hook_ran = time;
    pw_watch_take_wanted_fuel(&self->watch);
    pw_watch_draw_fuel(&self->watch);
    atomic_store(&watch->reported_fuel, pw_watch_fuel_left(&self->watch));
    take_cancellations(self);
    pw_trap trap = pending_at(self, time);
    if (atomic_load_explicit(&watch->meter->due, memory_order_relaxed) == PW_NEVER) {
        set_timer(self); /* a fork makes the timer forget what is due */
    }
    if (trap == PW_TRAP_NONE && wants_room) {
        trap = make_room(self);
    }
    return trap == PW_TRAP_NONE ? let_others_run(self, time) : trap;
}
