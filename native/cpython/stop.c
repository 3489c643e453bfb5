/* SPDX-License-Identifier: MIT */
/* What happens during a long call: it lets go of the GIL, signal handlers run, and it is stopped
 * when its time is over or somebody wants it.
 *
 * The tick hook runs on the thread of the call, which holds the GIL or not.
 */
#include "cpython/stop.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

#include "cpython/state.h"
#include "cpython/store.h"
#include "cpython/turn.h"
#include "cpython/watch.h"

#define MICROSECOND ((int64_t)1000)
#define SECOND ((int64_t)1000000000)

/* A call keeps the GIL so long: taking it again can cost 5 milliseconds (the switch interval). */
#define KEEP_GIL (50 * MICROSECOND)
/* How often the main thread takes it for the handlers of signals. */
#define SIGNAL_INTERVAL (20000 * MICROSECOND)
/* How often the hook shall run. */
#define HOOK_INTERVAL (100 * MICROSECOND)

static int64_t now(void)
{
#ifdef _WIN32
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return count.QuadPart / frequency.QuadPart * SECOND +
           count.QuadPart % frequency.QuadPart * SECOND / frequency.QuadPart;
#else
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
#endif
}

static int64_t after(int64_t start, int64_t delay)
{
    return delay < PW_NEVER - start ? start + delay : PW_NEVER;
}

/* ---- the main thread ---- */

static unsigned long main_thread;

void pw_set_main_thread(unsigned long ident)
{
    main_thread = ident;
}

static bool on_main_thread(void)
{
#if PY_VERSION_HEX < 0x030D0000
    return _PyOS_IsMainThread();
#else
    return PyThread_get_thread_ident() == main_thread;
#endif
}

/* ---- deadlines ---- */

/* Of a call that this thread makes. */
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

/* This thread's deadlines have changed: a host function of a running call may have done it. */
static void renew_deadline(pw_store_object *self)
{
    if (!pw_turn_mine(&self->turn)) {
        return;
    }
    self->watch.deadline = first_deadline(self);
    pw_turn_notify(&self->turn);
}

/* Seconds from Python. -1 with an error. */
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
    *delay = seconds < 1e9 ? (int64_t)(seconds * (double)SECOND) : PW_NEVER;
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
    *deadline = (pw_deadline){NULL, pw_this_thread(), after(now(), delay), ++ids};
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

/* Where the scope is linked; NULL there: it has ended, as all do when the store is closed. With the
 * lock. */
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
    int entered = pw_store_try_enter(self);
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

/* -1 with an error. */
static int take_fuel(PyObject *value, long long *fuel)
{
    *fuel = PW_NO_FUEL;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "fuel cannot be deleted; None ends its metering");
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

/* The next checkpoint of the running call, or of what a host function of it calls, calls the hook.
 * With the lock, and that of an outer store: so inner ones stay what they are. */
static void poke(pw_store_object *self)
{
    atomic_store(&self->watch.meter->stop_limit, PW_STOP_NOW);
    pw_store_object *inner = self->inner;
    if (inner == NULL) {
        return;
    }
    pw_lock(&inner->lock);
    poke(inner);
    pw_unlock(&inner->lock);
}

/* Lets the owner know; the call takes it up soon, its end at the latest. False: nobody owns it, or
 * it is closed. */
static bool want_fuel(pw_store_object *self, long long fuel)
{
    pw_lock(&self->lock);
    bool wanted = pw_read(self->store) && pw_turn_notify(&self->turn);
    if (wanted) {
        atomic_store(&self->watch.wanted_fuel, fuel);
        poke(self);
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
        entered = pw_store_require_open(self) < 0 ? -1 : pw_store_try_enter(self);
    } while (!entered && !want_fuel(self, fuel));
    if (entered > 0) {
        atomic_store(&self->watch.wanted_fuel, PW_NOTHING_WANTED);
        pw_watch_fill(&self->watch, fuel);
        pw_store_leave(self);
    }
    return entered < 0 ? -1 : 0;
}

/* ---- interruption ---- */

PyObject *pw_store_interrupt(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    pw_lock(&self->lock);
    bool runs = pw_read(self->store) && pw_turn_notify(&self->turn);
    if (runs) {
        atomic_store(&self->watch.interrupted, true);
        pw_add_bits(self->watch.watched, PW_WATCH_INTERRUPTED);
        poke(self);
    }
    pw_unlock(&self->lock);
    return PyBool_FromLong(runs);
}

/* Its thread runs in the store, waits for it, or will come: each finds the deadline past. */
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
            poke(self);
        }
    }
    pw_unlock(&self->lock);
    Py_RETURN_NONE;
}

/* ---- around calls ---- */

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

pw_trap pw_stop_pending(pw_store_object *self)
{
    return pending_at(self, now());
}

PW_THREAD_LOCAL pw_store_object *pw_hosting;
#ifndef Py_GIL_DISABLED
Py_ssize_t pw_host_calls;
#endif

/* Coroutines can leave a store behind whose call has ended, or one that runs elsewhere. */
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

/* Why a call must not begin. */
static pw_trap begin(pw_store_object *self)
{
    pw_watch *watch = &self->watch;
    if (self->turn.depth == 1) {
        link_outer(self, pw_hosting);
        watch->started = 0;
        watch->call_deadline = watch->timeout == PW_NEVER ? PW_NEVER : after(now(), watch->timeout);
    }
    watch->deadline = first_deadline(self);
    if (self->turn.depth > 1) { /* the end of this call does not put it back */
        pw_turn_notify(&self->turn);
    }
    atomic_store(&watch->reported_fuel, pw_watch_fuel_left(&self->watch));
    pw_engine->store_forget_frames(self->store);
    return pw_stop_pending(self);
}

static void end(pw_store_object *self)
{
    if (self->watch.let_go != NULL) {
        pw_take_gil(self);
    }
    if (self->turn.depth == 1) {
        unlink_outer(self);
        self->watch.call_deadline = self->watch.deadline = PW_NEVER;
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

pw_trap pw_run_map(pw_store_object *self, const pw_callee *callee, pw_batch *batch)
{
    pw_trap trap = begin(self);
    if (trap == PW_TRAP_NONE) {
        trap = pw_engine->call_each(callee, batch);
    }
    end(self);
    return trap;
}

void pw_take_gil(pw_store_object *self)
{
    PyThreadState *thread = self->watch.let_go;
    self->watch.let_go = NULL;
    PyEval_RestoreThread(thread);
    self->watch.started = 0;
}

/* ---- the hook ---- */

/* Ticks are counted, not time: their number follows what they take. */
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

/* With the GIL. What a handler raises stops the call; it may have used the store. */
static pw_trap run_handlers(pw_store_object *self)
{
    return PyErr_CheckSignals() < 0 ? PW_TRAP_HOST : pw_stop_pending(self);
}

static void let_go(pw_watch *watch, bool main)
{
    watch->next_signals = main ? after(now(), SIGNAL_INTERVAL) : PW_NEVER;
    watch->let_go = PyEval_SaveThread();
}

static pw_trap let_others_run(pw_store_object *self, int64_t time)
{
    pw_watch *watch = &self->watch;
    bool main = watch->next_signals != PW_NEVER;
    if (watch->let_go != NULL) {
        if (time < watch->next_signals) {
            return PW_TRAP_NONE;
        }
        pw_take_gil(self);
        watch->started = time;
    } else {
        if (time - watch->started < KEEP_GIL) {
            return PW_TRAP_NONE;
        }
        main = on_main_thread();
    }
    pw_trap trap = main ? run_handlers(self) : PW_TRAP_NONE;
    if (trap == PW_TRAP_NONE) {
        let_go(watch, main);
    }
    return trap;
}

/* Another thread has changed this one's deadlines, which the lock, or the GIL, guards. */
static void take_cancellation(pw_store_object *self)
{
    if (self->watch.let_go != NULL) {
        pw_take_gil(self);
    }
    self->watch.deadline = first_deadline(self);
}

pw_trap pw_tick(void *store_object)
{
    pw_store_object *self = store_object;
    pw_watch *watch = &self->watch;
    int64_t time = now();
    if (watch->started) {
        adapt(watch, time);
    } else {
        watch->started = time;
    }
    watch->hook_ran = time;
    pw_watch_take_wanted_fuel(&self->watch);
    atomic_store(&watch->reported_fuel, pw_watch_fuel_left(&self->watch));
    if (atomic_exchange(&watch->cancelled, false)) {
        take_cancellation(self);
    }
    pw_trap trap = pending_at(self, time);
    return trap == PW_TRAP_NONE ? let_others_run(self, time) : trap;
}
