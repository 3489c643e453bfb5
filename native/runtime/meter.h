/* SPDX-License-Identifier: MIT */
/* How running code is counted and stopped, and how it calls the host. */
#ifndef PW_METER_H
#define PW_METER_H

#include "base/traps.h"

#include <stdatomic.h>
#include <stdint.h>

/* The host-call hook, which is called when the guest calls a PW_EXTERN_HOST import. `object` is the
 * object of the import. `values` are 64-bit cells: those for the results come first, and those of
 * the arguments follow; how many there are is pw_cells_of the types. The result is PW_TRAP_NONE, or
 * stops the guest: PW_TRAP_HOST if the host function failed, PW_TRAP_STACK_EXHAUSTED if there is no
 * native stack left to run it. */
typedef pw_trap (*pw_host_hook)(void *object, uint64_t *values);

/* A meter counts the work of the code that runs in a store, and stops it. It belongs to the thread
 * that runs there; other threads may only store PW_STOP_NOW in `stop_limit`. */
typedef struct {
    int64_t ticks; /* how many calls and iterations of loops are left until the tick hook runs */
    atomic_uintptr_t stop_limit; /* end of the native stack, or PW_STOP_NOW */
    int64_t fuel;                /* what is left beyond `ticks`, or PW_NO_FUEL */
    int64_t period;              /* the most ticks between two calls of the tick hook */
    void *embedder;              /* argument of the tick hook */
    uintptr_t native_limit;      /* wasm code may use the native stack of its thread down to here */
} pw_meter;

/* In `stop_limit`: the tick hook runs at the next call or iteration of a loop. */
#define PW_STOP_NOW UINTPTR_MAX
/* In `fuel`: the code is not metered. */
#define PW_NO_FUEL (-1)
/* The largest `period`: a tight loop takes about 10 microseconds for it. */
#define PW_MAX_PERIOD 4096

/* The tick hook, which is called when the ticks are used up, and soon after PW_STOP_NOW was stored.
 * It may set `fuel` and `period`, and call other functions of the store. The result is
 * PW_TRAP_NONE, or stops the guest: PW_TRAP_HOST, PW_TRAP_INTERRUPTED, PW_TRAP_DEADLINE or
 * PW_TRAP_STACK_EXHAUSTED. */
typedef pw_trap (*pw_tick_hook)(void *embedder);

#endif
