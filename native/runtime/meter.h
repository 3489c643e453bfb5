/* SPDX-License-Identifier: MIT */
/* How running code is counted and stopped, and how it calls the host. */
#ifndef PW_METER_H
#define PW_METER_H

#include "base/error.h"
#include "base/platform.h"
#include "base/traps.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host-call hook, which is called when the guest calls a PW_EXTERN_HOST import. `object` is the
 * object of the import. `values` are 64-bit cells: those for the results come first, and those of
 * the arguments follow; how many there are is pw_cells_of the types. The result is PW_TRAP_NONE, or
 * stops the guest: PW_TRAP_HOST if the host function failed, PW_TRAP_NATIVE_STACK if there is no
 * native stack left to run it. */
typedef pw_trap (*pw_host_hook)(void *object, uint64_t *values);

typedef struct pw_meter pw_meter;

/* A meter counts the work of the code that runs in a store, and stops it. It belongs to the thread
 * that runs there; other threads may only call pw_meter_stop. */
struct pw_meter {
    int64_t ticks; /* how many calls and iterations of loops are left until the tick hook runs */
    _Atomic(int64_t) ticks_wanted; /* an iteration runs the hook if fewer are left: 0, or all */
    atomic_uintptr_t stop_limit;   /* end of the native stack, or PW_STOP_NOW */
    int64_t fuel;                  /* what is left beyond `ticks`, or PW_NO_FUEL */
    int64_t period;                /* the most ticks between two calls of the tick hook */
    void *embedder;                /* argument of the tick hook and of the poll hook */
    uintptr_t native_limit; /* wasm code may use the native stack of its thread down to here */
    _Atomic(int64_t) due;   /* when the timer stops the running call; PW_NEVER: it does not */
    bool wants_room;        /* the tick hook is to make room: see pw_tick_hook */
    bool made_room;         /* it has made room */
    bool timed;             /* it is in the list of the timer; see timer.h */
    pw_meter *next, **link; /* that list, guarded by its lock */
};

/* In `stop_limit`: the tick hook runs at the next call. */
#define PW_STOP_NOW UINTPTR_MAX
/* In `fuel`: the code is not metered. */
#define PW_NO_FUEL (-1)
/* The largest `period`: a tight loop takes about 10 microseconds for it. */
#define PW_MAX_PERIOD 4096

/* The tick hook, which is called when the ticks are used up, and soon after pw_meter_stop.
 * It may set `fuel` and `period`, and call other functions of the store. The result is
 * PW_TRAP_NONE, or stops the guest: PW_TRAP_HOST, PW_TRAP_INTERRUPTED, PW_TRAP_DEADLINE or
 * PW_TRAP_NATIVE_STACK.
 *
 * The meter's `wants_room` says that the limits leave no memory for an object of the heap. Then the
 * hook clears it, releases the objects of the host that the guest no longer refers to, and sets
 * `made_room` if that was worth it: the guest makes another attempt. */
typedef pw_trap (*pw_tick_hook)(void *embedder);

/* Is called with the pw_meter.embedder of a store when code catches an exception that a host
 * function raised, which the host forgets now. If `keep` is set, the code may throw the exception
 * again: *reference becomes the external reference that stands for it. The result says why the
 * running call must end instead, or PW_TRAP_NONE. */
typedef pw_trap (*pw_catch_hook)(void *embedder, bool keep, uint64_t *reference);

/* The poll hook, which long work calls every fraction of a millisecond. It may be called in the
 * middle of a change, so it runs no other code. `in_call` says whether the work is part of a call
 * of a function. The result is PW_TRAP_NONE, or ends the work: PW_TRAP_INTERRUPTED or
 * PW_TRAP_DEADLINE. */
typedef pw_trap (*pw_poll_hook)(void *embedder, bool in_call);

/* Sets the poll hook of all stores. Without one, work is not stopped. */
void pw_set_poll_hook(pw_poll_hook hook);
/* Calls the poll hook. */
pw_trap pw_poll(const pw_meter *meter, bool in_call);
/* Calls the poll hook for work that is not part of a call. False with `error` set, as for a trap,
 * if the work must end. */
bool pw_may_go_on(const pw_meter *meter, pw_error *error);

/* Makes the tick hook run at the next call or iteration of a loop. Any thread may call this. A call
 * that begins at the same moment may miss it, but not its loops. */
static inline void pw_meter_stop(pw_meter *meter)
{
    atomic_store(&meter->ticks_wanted, INT64_MAX);
    atomic_store(&meter->stop_limit, PW_STOP_NOW);
}

#endif
