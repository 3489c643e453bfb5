/* SPDX-License-Identifier: MIT */
/* What happens during a long call: it lets go of the GIL, signal handlers run, and it is stopped
 * when its time is over or somebody wants it.
 *
 * The tick hook runs on the thread of the call, which holds the GIL or not. All but the atomic
 * members of a pw_watch belong to the thread that runs in the store, or, when none does, to who
 * holds the GIL.
 */
#include "fastcall.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

#define MICROSECOND ((int64_t)1000)
#define SECOND ((int64_t)1000000000)

/* A call keeps the GIL so long: taking it again can cost 5 milliseconds (the switch interval). */
#define KEEP_GIL (50 * MICROSECOND)
/* How often the main thread takes it for the handlers of signals. */
#define SIGNAL_INTERVAL (20000 * MICROSECOND)
/* How often the hook shall run. */
#define LOOK_INTERVAL (100 * MICROSECOND)

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

/* A deadline that a thread has set for its calls. */
struct pw_scope {
    pw_scope *next;
    uintptr_t thread;
    int64_t deadline;
    unsigned long long id; /* an address could be that of a later one */
};

/* Of a call that this thread makes. */
static int64_t first_deadline(const pw_watch *watch)
{
    int64_t first = watch->call_deadline;
    uintptr_t me = pw_this_thread();
    for (const pw_scope *scope = watch->scopes; scope; scope = scope->next)
        if (scope->thread == me && scope->deadline < first)
            first = scope->deadline;
    return first;
}

static bool runs_here(const pw_store_object *self)
{
    return self->depth && self->owner == pw_this_thread();
}

static bool runs_elsewhere(const pw_store_object *self)
{
    return self->depth && self->owner != pw_this_thread();
}

static void update(pw_store_object *self)
{
    pw_watch *watch = &self->watch;
    watch->watched = watch->scopes || watch->timeout != PW_NEVER || watch->interrupted ||
                     watch->outer || watch->engine->fuel != PW_NO_FUEL;
    if (!runs_elsewhere(self))
        watch->deadline = first_deadline(watch);
}

/* Seconds from Python. -1 with an error. */
static int take_seconds(PyObject *value, int64_t *delay)
{
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1 && PyErr_Occurred())
        return -1;
    if (!(seconds >= 0)) {
        PyErr_Format(PyExc_ValueError, "seconds must not be negative: %R", value);
        return -1;
    }
    *delay = seconds < 1e9 ? (int64_t)(seconds * (double)SECOND) : PW_NEVER;
    return 0;
}

PyObject *pw_store_begin_deadline(PyObject *op, PyObject *seconds)
{
    static unsigned long long ids;
    pw_store_object *self = (pw_store_object *)op;
    int64_t delay;
    if (take_seconds(seconds, &delay) < 0 || pw_store_require_open(self) < 0)
        return NULL;
    pw_scope *scope = PyMem_Malloc(sizeof *scope);
    if (!scope)
        return PyErr_NoMemory();
    *scope = (pw_scope){self->watch.scopes, pw_this_thread(), after(now(), delay), ++ids};
    PyObject *id = PyLong_FromUnsignedLongLong(scope->id);
    if (!id) {
        PyMem_Free(scope);
        return NULL;
    }
    self->watch.scopes = scope;
    update(self);
    return id;
}

/* Where the scope is linked; NULL there: it has ended, as all do when the store is closed. NULL
 * with an error. */
static pw_scope **find_scope(pw_store_object *self, PyObject *id)
{
    unsigned long long wanted = PyLong_AsUnsignedLongLong(id);
    pw_scope **place = &self->watch.scopes;
    if (PyErr_Occurred())
        return NULL;
    while (*place && (*place)->id != wanted)
        place = &(*place)->next;
    return place;
}

PyObject *pw_store_end_deadline(PyObject *op, PyObject *id)
{
    pw_store_object *self = (pw_store_object *)op;
    pw_scope **place = find_scope(self, id);
    if (!place)
        return NULL;
    if (*place) {
        pw_scope *found = *place;
        *place = found->next;
        PyMem_Free(found);
        update(self);
    }
    Py_RETURN_NONE;
}

/* ---- fuel ---- */

static void fill(pw_store_object *self, long long fuel)
{
    pw_meter *engine = self->watch.engine;
    engine->fuel = fuel;
    engine->ticks = 0;
    atomic_store(&self->watch.seen_fuel, fuel);
}

static void take_wanted_fuel(pw_store_object *self)
{
    long long fuel = atomic_exchange(&self->watch.wanted_fuel, PW_NOTHING_WANTED);
    if (fuel != PW_NOTHING_WANTED)
        fill(self, fuel);
}

static long long fuel_left(const pw_store_object *self)
{
    const pw_meter *engine = self->watch.engine;
    return engine->fuel == PW_NO_FUEL ? PW_NO_FUEL : engine->fuel + engine->ticks;
}

PyObject *pw_store_get_fuel(PyObject *op, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    if (pw_store_require_open(self) < 0)
        return NULL;
    long long fuel;
    if (runs_elsewhere(self)) {
        fuel = atomic_load(&self->watch.wanted_fuel);
        if (fuel == PW_NOTHING_WANTED)
            fuel = atomic_load(&self->watch.seen_fuel);
    } else {
        take_wanted_fuel(self);
        update(self);
        fuel = fuel_left(self);
    }
    if (fuel == PW_NO_FUEL)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(fuel);
}

/* -1 with an error. */
static int take_fuel(PyObject *value, long long *fuel)
{
    *fuel = PW_NO_FUEL;
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "fuel cannot be deleted; None ends its metering");
        return -1;
    }
    if (value == Py_None)
        return 0;
    PyObject *number = PyNumber_Index(value);
    *fuel = number ? PyLong_AsLongLong(number) : -1;
    Py_XDECREF(number);
    if (*fuel == -1 && PyErr_Occurred())
        return -1;
    if (*fuel < 0) {
        PyErr_Format(PyExc_ValueError, "fuel must not be negative: %R", value);
        return -1;
    }
    return 0;
}

/* The next checkpoint of the running call, or of what a host function of it calls, calls the hook.
 */
static void poke(pw_store_object *self)
{
    self->attention = true;
    for (; self && self->store; self = self->watch.inner)
        atomic_store(&self->watch.engine->stop_limit, PW_STOP_NOW);
}

int pw_store_set_fuel(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    pw_store_object *self = (pw_store_object *)op;
    long long fuel;
    if (take_fuel(value, &fuel) < 0 || pw_store_require_open(self) < 0)
        return -1;
    if (runs_elsewhere(self)) {
        atomic_store(&self->watch.wanted_fuel, fuel);
        poke(self);
        return 0;
    }
    atomic_store(&self->watch.wanted_fuel, PW_NOTHING_WANTED);
    fill(self, fuel);
    update(self);
    return 0;
}

/* ---- interruption ---- */

PyObject *pw_store_interrupt(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pw_store_object *self = (pw_store_object *)op;
    if (!self->store || !self->depth)
        Py_RETURN_FALSE;
    atomic_store(&self->watch.interrupted, true);
    self->watch.watched = true;
    poke(self);
    Py_RETURN_TRUE;
}

/* Its thread runs in the store, waits for it, or will come: each finds the deadline past. */
PyObject *pw_store_cancel(PyObject *op, PyObject *id)
{
    pw_store_object *self = (pw_store_object *)op;
    pw_scope **place = find_scope(self, id);
    if (!place)
        return NULL;
    if (*place) {
        (*place)->deadline = INT64_MIN;
        pw_store_end_wait(self, (*place)->thread);
        if (self->depth && self->owner == (*place)->thread) {
            atomic_store(&self->watch.cancelled, true);
            poke(self);
        }
    }
    Py_RETURN_NONE;
}

/* ---- around calls ---- */

void pw_watch_init(pw_store_object *self, long long fuel, int64_t timeout)
{
    pw_watch *watch = &self->watch;
    watch->engine = pw_engine->store_meter(self->store);
    watch->engine->embedder = self;
    watch->timeout = timeout;
    watch->call_deadline = watch->deadline = watch->next_signals = PW_NEVER;
    atomic_init(&watch->wanted_fuel, PW_NOTHING_WANTED);
    if (fuel != PW_NO_FUEL)
        fill(self, fuel);
    watch->watched = fuel != PW_NO_FUEL || timeout != PW_NEVER;
}

void pw_watch_clear(pw_store_object *self)
{
    while (self->watch.scopes) {
        pw_scope *scope = self->watch.scopes;
        self->watch.scopes = scope->next;
        PyMem_Free(scope);
    }
}

void pw_watch_settle(pw_store_object *self)
{
    atomic_store(&self->watch.interrupted, false);
    take_wanted_fuel(self);
    self->watch.call_deadline = PW_NEVER;
    update(self);
}

static pw_trap pending_at(const pw_store_object *self, int64_t time)
{
    for (; self; self = self->watch.outer) {
        if (atomic_load(&self->watch.interrupted))
            return PW_TRAP_INTERRUPTED;
        if (time >= self->watch.deadline)
            return PW_TRAP_DEADLINE;
    }
    return PW_TRAP_NONE;
}

pw_trap pw_watch_pending(pw_store_object *self)
{
    return pending_at(self, now());
}

PW_THREAD_LOCAL pw_store_object *pw_hosting;
Py_ssize_t pw_host_calls;

/* Coroutines can leave a store behind whose call has ended, or one that runs elsewhere. */
static void link_outer(pw_store_object *self, pw_store_object *outer)
{
    if (!outer || outer == self || !runs_here(outer) || outer->watch.inner)
        return;
    self->watch.outer = (pw_store_object *)Py_NewRef((PyObject *)outer);
    outer->watch.inner = self;
    self->watch.watched = true;
}

static void unlink_outer(pw_store_object *self)
{
    if (!self->watch.outer)
        return;
    self->watch.outer->watch.inner = NULL;
    Py_CLEAR(self->watch.outer);
    update(self);
}

/* Why a call must not begin. */
static pw_trap begin(pw_store_object *self)
{
    pw_watch *watch = &self->watch;
    if (self->depth == 1) {
        link_outer(self, pw_hosting);
        watch->started = 0;
        watch->call_deadline = watch->timeout == PW_NEVER ? PW_NEVER : after(now(), watch->timeout);
    }
    watch->deadline = first_deadline(watch);
    atomic_store(&watch->seen_fuel, fuel_left(self));
    pw_engine->store_forget_frames(self->store);
    return pw_watch_pending(self);
}

static void end(pw_store_object *self)
{
    if (self->watch.let_go)
        pw_take_gil(self);
    if (self->depth == 1)
        unlink_outer(self);
}

pw_trap pw_watched_call(pw_store_object *self, const pw_callee *callee, uint64_t *values)
{
    pw_trap trap = begin(self);
    if (trap == PW_TRAP_NONE)
        trap = pw_engine->call(callee, values);
    end(self);
    return trap;
}

pw_trap pw_run_batch(pw_store_object *self, const pw_callee *callee, pw_batch *batch)
{
    pw_trap trap = begin(self);
    if (trap == PW_TRAP_NONE)
        trap = pw_engine->call_each(callee, batch);
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
    int64_t elapsed = time - watch->looked, period = watch->engine->period;
    if (elapsed > 2 * LOOK_INTERVAL) {
        period = period * LOOK_INTERVAL / elapsed;
        watch->engine->period = period ? period : 1;
    } else if (period < PW_MAX_PERIOD) {
        watch->engine->period = 2 * period;
    }
}

/* With the GIL. What a handler raises stops the call; it may have used the store. */
static pw_trap run_handlers(pw_store_object *self)
{
    return PyErr_CheckSignals() < 0 ? PW_TRAP_HOST : pw_watch_pending(self);
}

static void let_go(pw_watch *watch, bool main)
{
    watch->next_signals = main ? after(now(), SIGNAL_INTERVAL) : PW_NEVER;
    watch->let_go = PyEval_SaveThread();
}

static pw_trap look(pw_store_object *self, int64_t time)
{
    pw_watch *watch = &self->watch;
    bool main = watch->next_signals != PW_NEVER;
    if (watch->let_go) {
        if (time < watch->next_signals)
            return PW_TRAP_NONE;
        pw_take_gil(self);
        watch->started = time;
    } else {
        if (time - watch->started < KEEP_GIL)
            return PW_TRAP_NONE;
        main = on_main_thread();
    }
    pw_trap trap = main ? run_handlers(self) : PW_TRAP_NONE;
    if (trap == PW_TRAP_NONE)
        let_go(watch, main);
    return trap;
}

/* Another thread has changed this one's deadlines, which the GIL guards. */
static void take_cancellation(pw_store_object *self)
{
    if (self->watch.let_go)
        pw_take_gil(self);
    self->watch.deadline = first_deadline(&self->watch);
}

pw_trap pw_tick(void *store_object)
{
    pw_store_object *self = store_object;
    pw_watch *watch = &self->watch;
    int64_t time = now();
    if (watch->started)
        adapt(watch, time);
    else
        watch->started = time;
    watch->looked = time;
    take_wanted_fuel(self);
    atomic_store(&watch->seen_fuel, fuel_left(self));
    if (atomic_exchange(&watch->cancelled, false))
        take_cancellation(self);
    pw_trap trap = pending_at(self, time);
    return trap == PW_TRAP_NONE ? look(self, time) : trap;
}
