/* SPDX-License-Identifier: MIT */
/* Python's allowance of recursion while Python code runs below a guest.
 *
 * Python ends a recursion that runs through C, such as that of a JSON parser on nested data, after
 * a number of levels, and trusts that this many fit the native stack. Below a guest that has used
 * much of the stack they need not fit. So while a host function or a signal handler runs, Python is
 * allowed only as many levels as do fit: what would be a crash is a RecursionError then.
 * Python 3.14 measures the stack itself. */
#ifndef PW_CPYTHON_RECURSION_H
#define PW_CPYTHON_RECURSION_H

#include <Python.h>

#include <stdbool.h>

#include "runtime/meter.h"

/* The levels that pw_recursion_restore gives back. */
typedef struct {
    PyThreadState *thread;
    int levels; /* that were taken from the thread's allowance */
} pw_recursion;

/* The most bytes of native stack that one level of Python's recursion was found to use: list.sort
 * with a key function that sorts, which keeps 4 KiB on the stack. From 3.12 on, a call of a Python
 * function by C counts as several levels. */
#if PY_VERSION_HEX < 0x030C0000
#define PW_LEVEL 2560
#else
#define PW_LEVEL 1792
#endif

#if PY_VERSION_HEX < 0x030E0000

/* How many levels of recursion through C Python allows this thread from here on. */
static inline int pw_recursion_left(const PyThreadState *thread)
{
#if PY_VERSION_HEX < 0x030B0000
    return Py_GetRecursionLimit() - thread->recursion_depth;
#elif PY_VERSION_HEX < 0x030C0000
    return thread->recursion_remaining;
#else
    return thread->c_recursion_remaining;
#endif
}

/* Adds levels to what Python allows this thread, or takes some away if the number is negative. A
 * sum rather than a value is stored, because the program may change the limit meanwhile. */
static inline void pw_recursion_add(PyThreadState *thread, int levels)
{
#if PY_VERSION_HEX < 0x030B0000
    thread->recursion_depth -= levels;
#elif PY_VERSION_HEX < 0x030C0000
    thread->recursion_remaining += levels;
#else
    thread->c_recursion_remaining += levels;
#endif
}

/* The slow half of pw_recursion_bound, for when the levels might not fit. */
bool pw_recursion_cut(pw_recursion *self, const pw_meter *meter);

/* Takes as many levels from the allowance of this thread, which runs a guest with this meter, that
 * the rest fits the native stack. False, and nothing has changed, if too few levels fit to run any
 * Python code. */
static inline bool pw_recursion_bound(pw_recursion *self, const pw_meter *meter)
{
    self->thread = PyThreadState_Get();
    self->levels = 0;
    int64_t left = (int64_t)((uintptr_t)__builtin_frame_address(0) - meter->native_limit);
    int64_t needed = (int64_t)pw_recursion_left(self->thread) * PW_LEVEL;
    return needed <= left || pw_recursion_cut(self, meter);
}

/* Gives back the levels that pw_recursion_bound took. */
static inline void pw_recursion_restore(const pw_recursion *self)
{
    if (self->levels) {
        pw_recursion_add(self->thread, self->levels);
    }
}

#else

static inline bool pw_recursion_bound(pw_recursion *self, const pw_meter *meter)
{
    (void)self, (void)meter;
    return true;
}

static inline void pw_recursion_restore(const pw_recursion *self)
{
    (void)self;
}

#endif
#endif
