/* SPDX-License-Identifier: MIT */
/* The data that decides when the calls of a store are stopped. */
#include "cpython/watch.h"

void pw_watch_fill(pw_watch *self, long long fuel)
{
    pw_meter *meter = self->meter;
    meter->fuel = fuel;
    meter->ticks = 0;
    atomic_store(&self->reported_fuel, fuel);
    if (fuel == PW_NO_FUEL) {
        pw_drop_bits(self->watched, PW_WATCH_FUEL);
    } else {
        pw_add_bits(self->watched, PW_WATCH_FUEL);
    }
}

void pw_watch_take_wanted_fuel(pw_watch *self)
{
    long long fuel = atomic_load(&self->wanted_fuel);
    /* The fuel is reported before it is no longer wanted, so that a thread that reads it meanwhile
     * never gets the fuel of before. */
    while (fuel != PW_NOTHING_WANTED) {
        pw_watch_fill(self, fuel);
        if (atomic_compare_exchange_strong(&self->wanted_fuel, &fuel, PW_NOTHING_WANTED)) {
            return;
        }
    }
}

long long pw_watch_fuel_left(const pw_watch *self)
{
    const pw_meter *meter = self->meter;
    return meter->fuel == PW_NO_FUEL ? PW_NO_FUEL : meter->fuel + meter->ticks;
}

void pw_watch_init(pw_watch *self, pw_meter *meter, long long fuel, int64_t timeout)
{
    self->meter = meter;
    self->timeout = timeout;
    self->call_deadline = self->deadline = self->next_signals = PW_NEVER;
    atomic_init(&self->wanted_fuel, PW_NOTHING_WANTED);
    if (fuel != PW_NO_FUEL) {
        pw_watch_fill(self, fuel);
    }
    if (timeout != PW_NEVER) {
        pw_add_bits(self->watched, PW_WATCH_TIMEOUT);
    }
}

void pw_watch_clear(pw_watch *self)
{
    while (self->deadlines != NULL) {
        pw_deadline *deadline = self->deadlines;
        self->deadlines = deadline->next;
        PyMem_Free(deadline);
    }
}

void pw_watch_settle(pw_watch *self)
{
    atomic_store(&self->interrupted, false);
    pw_drop_bits(self->watched, PW_WATCH_INTERRUPTED);
    pw_watch_take_wanted_fuel(self);
    self->call_deadline = self->deadline = PW_NEVER;
    atomic_store_explicit(&self->meter->due, PW_NEVER, memory_order_relaxed);
}
