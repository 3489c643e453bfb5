/* SPDX-License-Identifier: MIT */
/* What counts and stops running code, and how running code reaches the host. */
#ifndef PW_METER_H
#define PW_METER_H

#include "base/traps.h"

#include <stdatomic.h>
#include <stdint.h>

/* Called for a PW_EXTERN_HOST import: `object` as given; values[0 .. nresults) is for the results,
 * the arguments follow. Anything but PW_TRAP_NONE stops the guest: PW_TRAP_HOST, or
 * PW_TRAP_STACK_EXHAUSTED if the host has none left for the function. */
typedef pw_trap (*pw_host_hook)(void *object, uint64_t *values);

/* What engine and embedder share of a store. It belongs to the thread that runs in the store; other
 * threads may store PW_STOP_NOW in `stop_limit`. */
typedef struct {
    int64_t ticks; /* one is taken at each call and each iteration of a loop; then the hook runs */
    atomic_uintptr_t stop_limit; /* end of the native stack; PW_STOP_NOW: the hook runs at once */
    int64_t fuel;                /* beyond `ticks`; PW_NO_FUEL: not metered */
    int64_t period;              /* ticks between two calls of the hook, at most */
    void *embedder;              /* for the hook */
} pw_meter;

#define PW_STOP_NOW UINTPTR_MAX
#define PW_NO_FUEL (-1)
#define PW_MAX_PERIOD 4096 /* some 10 microseconds of a tight loop */

/* Called when the ticks are used up, and soon after PW_STOP_NOW. Anything but PW_TRAP_NONE stops
 * the guest: PW_TRAP_HOST, PW_TRAP_INTERRUPTED, PW_TRAP_DEADLINE. It may set `fuel` and `period`,
 * and call other functions of the store. */
typedef pw_trap (*pw_tick_hook)(void *embedder);

#endif
