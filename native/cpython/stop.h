/* SPDX-License-Identifier: MIT */
/* What happens during a long call: it lets go of the GIL, the handlers of signals run, and it is
 * stopped when its time is over or when another thread asks for it. */
#ifndef PW_CPYTHON_STOP_H
#define PW_CPYTHON_STOP_H

#include <Python.h>

#include "base/attributes.h"
#include "base/traps.h"
#include "cpython/state.h"
#include "cpython/store.h"
#include "engine/callee.h"

/* Why the running call must stop. */
pw_trap pw_stop_pending(pw_store_object *self);
/* Takes the GIL again. */
void pw_take_gil(pw_store_object *self);
pw_trap pw_tick(void *store_object);
void pw_set_main_thread(unsigned long ident);

/* Methods and attributes of Store. */
PyObject *pw_store_interrupt(PyObject *op, PyObject *ignored);
PyObject *pw_store_begin_deadline(PyObject *op, PyObject *seconds);
PyObject *pw_store_end_deadline(PyObject *op, PyObject *id);
PyObject *pw_store_cancel(PyObject *op, PyObject *id);
PyObject *pw_store_get_fuel(PyObject *op, void *closure);
int pw_store_set_fuel(PyObject *op, PyObject *value, void *closure);

/* The store whose host function runs on this thread, or ran, for coroutines can mix; held. */
extern PW_THREAD_LOCAL pw_store_object *pw_hosting;

#ifdef Py_GIL_DISABLED

static inline bool pw_may_be_hosting(void)
{
    return pw_hosting;
}

static inline void pw_count_host_calls(Py_ssize_t Py_UNUSED(change))
{
}

#else

/* Host functions that run, on all threads: while there is none, no thread need look that up. */
extern Py_ssize_t pw_host_calls;

static inline bool pw_may_be_hosting(void)
{
    return pw_host_calls;
}

static inline void pw_count_host_calls(Py_ssize_t change)
{
    pw_host_calls += change;
}

#endif

/* A call of a store that is watched, or by a host function of another store. */
pw_trap pw_watched_call(pw_store_object *self, const pw_callee *callee, uint64_t *values);

/* Calls with values as pw_api.call has them, in the entered store. The GIL is held afterwards. */
static PW_ALWAYS_INLINE pw_trap pw_run_call(pw_store_object *self, const pw_callee *callee,
                                            uint64_t *values)
{
    if (pw_read(self->watch.watched) || pw_may_be_hosting()) {
        return pw_watched_call(self, callee, values);
    }
    self->watch.started = 0;
    pw_trap trap = pw_engine->call(callee, values);
    if (self->watch.let_go != NULL) {
        pw_take_gil(self);
    }
    return trap;
}

/* Calls once per element, likewise. */
pw_trap pw_run_map(pw_store_object *self, const pw_callee *callee, pw_batch *batch);

#endif
