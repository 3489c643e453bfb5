/* SPDX-License-Identifier: MIT */
/* Running and stopping calls. A call that runs long releases the GIL, runs the handlers of
 * signals, and is stopped when a deadline has passed or when another thread asks for it. */
#ifndef PW_CPYTHON_STOP_H
#define PW_CPYTHON_STOP_H

#include <Python.h>

#include "base/attributes.h"
#include "base/traps.h"
#include "cpython/gil.h"
#include "cpython/state.h"
#include "cpython/store.h"
#include "engine/callee.h"

/* Returns why the running call must stop: PW_TRAP_INTERRUPTED, PW_TRAP_DEADLINE or PW_TRAP_NONE. A
 * cancellation by another thread counts as a deadline. */
pw_trap pw_stop_pending(pw_store_object *self);
/* _cpython.stop_code(): returns why the call whose host function runs on this thread must stop, a
 * pw_trap; None if no host function runs here. */
PyObject *pw_stop_code(PyObject *module, PyObject *ignored);
/* The engine's tick hook (runtime/meter.h), for the store that runs. */
pw_trap pw_tick(void *store_object);
/* The poll hook of the runtime (runtime/meter.h), for the store that works. */
pw_trap pw_poll_call(void *store_object, bool in_call);

/* The methods and attributes of the class Store that are about stopping (store_type.c). */
PyObject *pw_store_interrupt(PyObject *op, PyObject *ignored);
PyObject *pw_store_stop(PyObject *op, PyObject *ignored);
PyObject *pw_store_begin_deadline(PyObject *op, PyObject *seconds);
PyObject *pw_store_end_deadline(PyObject *op, PyObject *id);
PyObject *pw_store_cancel(PyObject *op, PyObject *id);
PyObject *pw_store_watched(PyObject *op, PyObject *const *args, Py_ssize_t count);
PyObject *pw_store_get_fuel(PyObject *op, void *closure);
int pw_store_set_fuel(PyObject *op, PyObject *value, void *closure);

/* The store whose host function runs on this thread; NULL: none does. A strong reference. Host
 * functions of coroutines may end in another order than they began in, and then this can be a store
 * whose host function has ended. */
extern PW_THREAD_LOCAL pw_store_object *pw_hosting;

#ifdef Py_GIL_DISABLED

/* Tells whether a host function may be running on this thread. */
static inline bool pw_may_be_hosting(void)
{
    return pw_hosting;
}

static inline void pw_count_host_calls(Py_ssize_t Py_UNUSED(change))
{
}

#else

/* How many host functions run, on all threads. While there are none, a call need not read the
 * thread-local pw_hosting. */
extern PW_HIDDEN Py_ssize_t pw_host_calls;

static inline bool pw_may_be_hosting(void)
{
    return pw_host_calls;
}

static inline void pw_count_host_calls(Py_ssize_t change)
{
    pw_host_calls += change;
}

#endif

/* Tells whether a call of the store needs no preparation: nothing watches it, and no host function
 * makes it. */
static inline bool pw_may_call_at_once(const pw_store_object *self)
{
    return !pw_read(self->watch.watched) && !pw_may_be_hosting();
}

/* Does what pw_run_call does for a store with reasons to be stopped (pw_watch.watched), or within a
 * host function. */
pw_trap pw_watched_call(pw_store_object *self, const pw_callee *callee, uint64_t *values);

/* Calls a function of the store, which is entered. `values` has the arguments, and then the
 * results, as for pw_api.call. The GIL is held afterwards. */
static PW_ALWAYS_INLINE pw_trap pw_run_call(pw_store_object *self, const pw_callee *callee,
                                            uint64_t *values)
{
    if (!pw_may_call_at_once(self)) {
        return pw_watched_call(self, callee, values);
    }
    self->watch.started = 0;
    pw_trap trap = pw_engine->call(callee, values);
    if (self->watch.without_gil != NULL) {
        pw_take_gil(&self->watch);
    }
    return trap;
}

/* Does what pw_run_call does, for a function whose arguments are on the value stack already
 * (pw_api.call_in_place). The caller has asked pw_may_call_at_once. */
static PW_ALWAYS_INLINE pw_trap pw_run_in_place(pw_store_object *self, const pw_callee *callee)
{
    self->watch.started = 0;
    pw_trap trap = pw_engine->call_in_place(callee);
    if (self->watch.without_gil != NULL) {
        pw_take_gil(&self->watch);
    }
    return trap;
}

/* Calls a function of the store, which is entered, once per element of a map. The GIL is held
 * afterwards. */
pw_trap pw_watched_map(pw_store_object *self, const pw_callee *callee, pw_map_job *job);

#endif
