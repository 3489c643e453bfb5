/* SPDX-License-Identifier: MIT */
/* What may stop the calls of a store: fuel, deadlines, an interruption. store.h embeds the data,
 * stop.h acts on it. */
#ifndef PW_CPYTHON_WATCH_H
#define PW_CPYTHON_WATCH_H

#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpython/turn.h"
#include "runtime/meter.h"

typedef struct pw_deadline pw_deadline;

/* A deadline that a thread has set for its calls. */
struct pw_deadline {
    pw_deadline *next;
    uintptr_t thread;
    int64_t time;
    unsigned long long id; /* an address could be that of a later one */
};

/* No such moment. */
#define PW_NEVER INT64_MAX

/* What stops calls, and when a running one lets go of the GIL: control.c. Times are in nanoseconds
 * of a clock that never goes back. What is not atomic belongs to the owner of the turn, or, where
 * it says so, to who has the store's lock. */
typedef struct {
    pw_meter *meter;        /* gone when the store is closed */
    PyThreadState *let_go;  /* of the thread that runs without the GIL; NULL: it holds it */
    int64_t started;        /* when the running call was first looked at; 0: not yet */
    int64_t hook_ran;       /* when it was last looked at */
    int64_t next_signals;   /* when signal handlers have their turn; PW_NEVER on other threads */
    int64_t timeout;        /* of each outermost call; PW_NEVER: none */
    int64_t call_deadline;  /* which that makes for the running one */
    int64_t deadline;       /* of the running call, all taken together; PW_NEVER between calls */
    pw_deadline *deadlines; /* deadlines that threads have set; with the lock */
    atomic_bool interrupted;
    atomic_bool cancelled;      /* a deadline of the running thread has been brought forward */
    atomic_llong wanted_fuel;   /* of another thread than the running one; or PW_NOTHING_WANTED */
    atomic_llong reported_fuel; /* for other threads */
    /* Why a call has to look at all this when it begins: PW_WATCH_... */
    PW_SHARED(unsigned char) watched;
} pw_watch;

#define PW_NOTHING_WANTED (-2)

#define PW_WATCH_FUEL 1u
#define PW_WATCH_TIMEOUT 2u
#define PW_WATCH_DEADLINES 4u
#define PW_WATCH_INTERRUPTED 8u
#define PW_WATCH_OUTER 16u

/* Sets the fuel and the timeout of a new store. */
void pw_watch_init(pw_watch *self, pw_meter *meter, long long fuel, int64_t timeout);
/* Ends all deadlines. With the lock. */
void pw_watch_clear(pw_watch *self);
/* The outermost call has ended: nobody wants to stop it any more. With the lock. */
void pw_watch_settle(pw_watch *self);
void pw_watch_fill(pw_watch *self, long long fuel);
void pw_watch_take_wanted_fuel(pw_watch *self);
long long pw_watch_fuel_left(const pw_watch *self);

#endif
