/* SPDX-License-Identifier: MIT */
/* When calls hold the GIL.
 *
 * A thread that waits for the GIL asks for it only when it has waited for Python's switch interval,
 * 5 milliseconds, without being woken; then whoever releases the GIL waits until another thread
 * has taken it. Each release before that wakes the thread, and its wait begins anew. It takes the
 * GIL only if it is still free once the thread runs. So a guest that calls the host every few
 * microseconds, and releases the GIL in between, would keep it from all other threads. A call
 * whose releases turn out to be short therefore keeps the GIL longer and longer, in the end for
 * more than the switch interval. */
#include "cpython/gil.h"

#include "cpython/state.h"

/* A call keeps the GIL at least for this long, because taking it again can take as long as the
 * switch interval: short calls must not pay for that. */
#define KEEP_GIL (50 * PW_MICROSECOND)
/* A thread that waits for the GIL takes about this long to wake up. A release that another wish for
 * the GIL ends sooner is short. */
#define TIME_TO_WAKE (100 * PW_MICROSECOND)
/* How often a call on the main thread takes the GIL to run the handlers of signals. */
#define SIGNAL_INTERVAL (20000 * PW_MICROSECOND)

/* ---- the main thread ---- */

static unsigned long main_thread;

void pw_set_main_thread(unsigned long ident)
{
    main_thread = ident;
}

bool pw_on_main_thread(void)
{
#if PY_VERSION_HEX < 0x030D0000
    return _PyOS_IsMainThread();
#else
    return PyThread_get_thread_ident() == main_thread;
#endif
}

/* ---- how long to keep the GIL ---- */

/* How much longer than KEEP_GIL the calls of this thread keep the GIL. */
static PW_THREAD_LOCAL int64_t keep_longer;

/* Learns from a release, which lasted until the call wanted the GIL back. */
static void learn(int64_t released)
{
    if (released >= TIME_TO_WAKE) {
        keep_longer /= 2;
    } else if (keep_longer < PW_SECOND) {
        keep_longer = 2 * keep_longer + KEEP_GIL;
    }
}

/* Twice Python's switch interval. */
static int64_t two_intervals(void)
{
    PyObject *function = PySys_GetObject("getswitchinterval");
    PyObject *interval = function != NULL ? PyObject_CallNoArgs(function) : NULL;
    double seconds = interval != NULL ? PyFloat_AsDouble(interval) : -1;
    Py_XDECREF(interval);
    if (!(seconds > 0 && seconds < 1)) {
        PyErr_Clear();
        return PW_SECOND;
    }
    return (int64_t)(2 * seconds * (double)PW_SECOND);
}

/* Whether a call has kept the GIL for long enough. */
static bool kept_long_enough(const pw_watch *watch, int64_t time)
{
    int64_t kept = time - watch->started;
    if (kept < KEEP_GIL) {
        return false;
    }
    return kept >= KEEP_GIL + keep_longer || kept >= two_intervals();
}

/* ---- releasing and taking ---- */

void pw_release_gil(pw_watch *watch)
{
    watch->released_at = pw_engine->now();
    watch->next_signals = pw_on_main_thread() ? watch->released_at + SIGNAL_INTERVAL : PW_NEVER;
    watch->without_gil = PyEval_SaveThread();
}

void pw_take_gil(pw_watch *watch)
{
    PyThreadState *thread = watch->without_gil;
    learn(pw_engine->now() - watch->released_at);
    watch->without_gil = NULL;
    PyEval_RestoreThread(thread);
    watch->started = 0;
}

bool pw_may_release_gil(pw_watch *watch, int64_t time)
{
    if (watch->without_gil == NULL) {
        return kept_long_enough(watch, time);
    }
    if (time < watch->next_signals) {
        return false;
    }
    pw_take_gil(watch);
    watch->started = time;
    return true;
}

void pw_release_gil_in_work(pw_watch *watch, int64_t time)
{
    if (watch->without_gil != NULL) {
        return;
    }
    if (!watch->started) {
        watch->started = watch->hook_ran = time;
    } else if (kept_long_enough(watch, time)) {
        pw_release_gil(watch);
    }
}
