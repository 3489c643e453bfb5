/* SPDX-License-Identifier: MIT */
/* Waiting at a shared memory, and notifying those who wait, from Python. */
#include "cpython/waiting.h"

#include "base/platform.h"
#include "cpython/state.h"
#include "cpython/stop.h"

/* How long a thread sleeps at most before it looks whether it must stop. */
#define STEP (10000 * PW_MICROSECOND)

static int check_alignment(Py_ssize_t address, Py_ssize_t size)
{
    if (size != 4 && size != 8) {
        PyErr_Format(PyExc_ValueError, "size must be 4 or 8, not %zd", size);
        return -1;
    }
    if (address % size) {
        PyErr_Format(PyExc_ValueError, "unaligned atomic: address %zd is not a multiple of %zd",
                     address, size);
        return -1;
    }
    return 0;
}

/* Why the wait must end: a pw_trap if the call must stop whose host function waits here, or -1 with
 * an error that a handler of signals raised. */
static int must_stop(void)
{
    if (PyErr_CheckSignals() < 0) {
        return -1;
    }
    PyObject *code = pw_stop_code(NULL, NULL);
    int trap = code == NULL ? -1 : code == Py_None ? PW_TRAP_NONE : (int)PyLong_AsLong(code);
    Py_XDECREF(code);
    return trap;
}

/* Sleeps until the thread is notified, the time comes, or the wait must end. The result is that of
 * must_stop; `found` says how the wait ended if it is PW_TRAP_NONE. */
static int sleep_until(pw_waiting *waiting, int64_t end, pw_wait_result *found)
{
    for (;;) {
        int stop = must_stop();
        int64_t now = pw_engine->now();
        bool notified = false;
        *found = PW_WAIT_TIMED_OUT;
        if (stop != PW_TRAP_NONE || now >= end) {
            return stop;
        }
        Py_BEGIN_ALLOW_THREADS
        notified = pw_engine->wait_sleep(waiting, end - now < STEP ? end : now + STEP);
        Py_END_ALLOW_THREADS
        if (notified) {
            *found = PW_WAIT_OK;
            return PW_TRAP_NONE;
        }
    }
}

static PyObject *wait_until(const pw_mapping *mapping, uint64_t offset, uint32_t size,
                            uint64_t expected, int64_t end)
{
    pw_waiting *waiting;
    pw_wait_result found = pw_engine->wait_begin(mapping, offset, size, expected, &waiting);
    if (found == PW_WAIT_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    if (found != PW_WAIT_OK) {
        return PyLong_FromLong((long)found);
    }
    int stop = sleep_until(waiting, end, &found);
    if (pw_engine->wait_end(waiting)) {
        found = PW_WAIT_OK;
    }
    if (stop < 0) {
        return NULL;
    }
    return PyLong_FromLong(stop != PW_TRAP_NONE ? -(long)stop : (long)found);
}

PyObject *pw_wait_at(const pw_memory *memory, Py_ssize_t address, Py_ssize_t size,
                     PyObject *expected, PyObject *nanoseconds)
{
    uint64_t number = PyLong_AsUnsignedLongLong(expected);
    int64_t timeout = PyErr_Occurred() == NULL ? PyLong_AsLongLong(nanoseconds) : -1;
    if (PyErr_Occurred() != NULL || check_alignment(address, size) < 0) {
        return NULL;
    }
    if (!pw_engine->memory_is_shared(memory)) {
        PyErr_SetString(PyExc_ValueError, "expected shared memory: no thread can notify one that "
                                          "waits at a memory that is not shared");
        return NULL;
    }
    int64_t now = pw_engine->now();
    int64_t end = timeout < 0 || timeout > PW_NEVER - now ? PW_NEVER : now + timeout;
    return wait_until(pw_engine->memory_mapping(memory), (uint64_t)address, (uint32_t)size, number,
                      end);
}

PyObject *pw_notify_at(const pw_memory *memory, Py_ssize_t address, PyObject *count)
{
    unsigned long long most = PyLong_AsUnsignedLongLong(count);
    if (PyErr_Occurred() != NULL || check_alignment(address, 4) < 0) {
        return NULL;
    }
    uint32_t woken = 0;
    if (pw_engine->memory_is_shared(memory)) {
        woken = pw_engine->wait_notify(pw_engine->memory_mapping(memory), (uint64_t)address,
                                       most < UINT32_MAX ? (uint32_t)most : UINT32_MAX);
    }
    return PyLong_FromUnsignedLong(woken);
}
