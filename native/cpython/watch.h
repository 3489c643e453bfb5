/* SPDX-License-Identifier: MIT */
/* The data that decides when the calls of a store are stopped: fuel, deadlines, an interruption.
 * Each store has such data (store.h), and stop.c acts on it. */
#ifndef PW_CPYTHON_WATCH_H
#define PW_CPYTHON_WATCH_H

#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpython/turn.h"
#include "runtime/meter.h"

typedef struct pw_deadline pw_deadline;

/* A deadline that a thread has set for its calls in a store, as `with instance.deadline()` does. */
struct pw_deadline {
    pw_deadline *next;
    uintptr_t thread;
    int64_t time;          /* INT64_MIN: cancelled */
    unsigned long long id; /* for Python; an address could be that of a later deadline */
};

/* Fuel that the stores of one program share, each of which runs on a thread of its own. A store
 * draws portions of it, and gives back what it has not used when its outermost call ends. */
typedef struct pw_fuel_pool pw_fuel_pool;

/* How a call was interrupted. */
typedef enum {
    PW_NOT_INTERRUPTED,
    PW_INTERRUPTED,         /* until the outermost call has ended */
    PW_INTERRUPTED_FOR_GOOD /* no later call begins, either */
} pw_interruption;

/* Times are those of pw_now. Atomic members may be used by any thread;
 * the others only by the thread that owns the store's turn, unless their comment names the lock. */
typedef struct {
    /* Shared with the engine; freed when the store is closed. */
    pw_meter *meter;
    /* The state of the thread that runs a call and has released the GIL; NULL: it holds the
     * GIL. */
    PyThreadState *without_gil;
    /* When it released the GIL. */
    int64_t released_at;
    /* When the hook first ran since the call began or last took the GIL; 0: it has not run yet. */
    int64_t started;
    /* When the hook last ran. */
    int64_t hook_ran;
    /* When the call next takes the GIL to run signal handlers; PW_NEVER: another thread runs
     * them. */
    int64_t next_signals;
    /* How long each outermost call may take; PW_NEVER: without limit. */
    int64_t timeout;
    /* When the timeout of the running outermost call ends. */
    int64_t call_deadline;
    /* The earliest of all deadlines of the running call; PW_NEVER between calls. */
    int64_t deadline;
    /* All deadlines that threads have set; guarded by the store's lock. */
    pw_deadline *deadlines;
    /* A pw_interruption. */
    atomic_int interrupted;
    /* Another thread has cancelled a deadline of the running thread. */
    atomic_bool cancelled;
    /* The fuel that another thread has set while a call runs; PW_NOTHING_WANTED: none was set. */
    atomic_llong wanted_fuel;
    /* NULL: the store shares its fuel with no other one. Set by the thread that owns the turn. */
    pw_fuel_pool *pool;
    /* The fuel that was left when a call began or the hook last ran; other threads read it. */
    atomic_llong reported_fuel;
    /* Bits PW_WATCH_..., each a reason why pw_watched_call must prepare a call of the store, or why
     * there is something to do after a host function. Without any, and outside host functions, a
     * call goes straight to the engine. */
    PW_SHARED(unsigned char) watched;
} pw_watch;

#define PW_NOTHING_WANTED (-2)

#define PW_WATCH_FUEL 1u        /* fuel is metered */
#define PW_WATCH_TIMEOUT 2u     /* calls have a timeout */
#define PW_WATCH_DEADLINES 4u   /* a thread has set a deadline */
#define PW_WATCH_INTERRUPTED 8u /* the calls of the store were interrupted */
#define PW_WATCH_OUTER 16u      /* a host function of another store made the outermost call */
#define PW_WATCH_EXTERNS 32u    /* enough externrefs were made for a collection (externs.h) */

/* Sets the fuel (PW_NO_FUEL: not metered) and the timeout of a new store. */
void pw_watch_init(pw_watch *self, pw_meter *meter, long long fuel, int64_t timeout);
/* Ends all deadlines, and the sharing of fuel. The caller has the store's lock. */
void pw_watch_clear(pw_watch *self);
/* Forgets an interruption and the deadline when the outermost call has ended, and takes the fuel
 * that another thread has set. The caller has the store's lock. */
void pw_watch_settle(pw_watch *self);
/* Sets the fuel that is left; PW_NO_FUEL ends its metering. Stores that share it share the new
 * fuel. */
void pw_watch_fill(pw_watch *self, long long fuel);
/* Lets two stores share the fuel of the first one, also if it is not metered now. The second store
 * is new. -1 with MemoryError. */
int pw_watch_share_fuel(pw_watch *self, pw_watch *other);
/* Draws a portion of shared fuel, if the store has less. The tick hook calls this. */
void pw_watch_draw_fuel(pw_watch *self);
/* Gives back what the store has drawn and not used, at the end of its outermost call. */
void pw_watch_return_fuel(pw_watch *self);
/* Sets the fuel to what another thread wanted, if one did. */
void pw_watch_take_wanted_fuel(pw_watch *self);
/* Returns how many calls and loop iterations may still run; PW_NO_FUEL: not metered. */
long long pw_watch_fuel_left(const pw_watch *self);

#endif
