/* SPDX-License-Identifier: MIT */
/* The data that decides when the calls of a store are stopped. */
#include "cpython/watch.h"

/* ---- fuel that stores share ---- */

struct pw_fuel_pool {
    atomic_uint references;
    atomic_llong left; /* PW_NO_FUEL: fuel is not metered */
};

/* A store draws at most this part of what is left: so little of the fuel stays where it is not
 * used, while another store has run out of it. */
#define LARGEST_PART 16

/* The fuel that the store itself has, without that of the pool; 0 if fuel is not metered. */
static long long own_fuel(const pw_meter *meter)
{
    return meter->fuel == PW_NO_FUEL ? 0 : meter->fuel + meter->ticks;
}

static long long portion_of(long long left, long long wanted)
{
    long long most = left / LARGEST_PART + (left > 0);
    return wanted < most ? wanted : most;
}

void pw_watch_draw_fuel(pw_watch *self)
{
    pw_meter *meter = self->meter;
    if (self->pool == NULL) {
        return;
    }
    long long left = atomic_load(&self->pool->left), portion = 0;
    long long own = meter->fuel == PW_NO_FUEL ? 0 : meter->fuel;
    do {
        if (left == PW_NO_FUEL) {
            meter->fuel = PW_NO_FUEL;
            return;
        }
        long long wanted = meter->period - own - meter->ticks;
        portion = wanted > 0 ? portion_of(left, wanted) : 0;
    } while (!atomic_compare_exchange_weak(&self->pool->left, &left, left - portion));
    meter->fuel = own + portion;
}

void pw_watch_return_fuel(pw_watch *self)
{
    pw_meter *meter = self->meter;
    if (self->pool == NULL) {
        return;
    }
    long long left = atomic_load(&self->pool->left);
    long long own = own_fuel(meter);
    while (left != PW_NO_FUEL &&
           !atomic_compare_exchange_weak(&self->pool->left, &left, left + own)) {
    }
    meter->fuel = left == PW_NO_FUEL ? PW_NO_FUEL : 0;
    meter->ticks = 0;
}

/* Takes the fuel of the store into the pool. */
static void join_pool(pw_watch *self, pw_fuel_pool *pool)
{
    atomic_fetch_add(&pool->references, 1);
    self->pool = pool;
    self->meter->fuel = self->meter->ticks = 0;
    pw_add_bits(self->watched, PW_WATCH_FUEL);
}

int pw_watch_share_fuel(pw_watch *self, pw_watch *other)
{
    if (self->pool == NULL) {
        pw_fuel_pool *pool = PyMem_RawCalloc(1, sizeof *pool);
        if (pool == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        atomic_init(&pool->left, pw_watch_fuel_left(self));
        join_pool(self, pool);
    }
    join_pool(other, self->pool);
    return 0;
}

static void leave_pool(pw_watch *self)
{
    pw_fuel_pool *pool = self->pool;
    self->pool = NULL;
    if (pool != NULL && atomic_fetch_sub(&pool->references, 1) == 1) {
        PyMem_RawFree(pool);
    }
}

/* ---- fuel ---- */

static void fill_pool(pw_watch *self, long long fuel)
{
    atomic_store(&self->pool->left, fuel);
    self->meter->fuel = fuel == PW_NO_FUEL ? PW_NO_FUEL : 0;
    self->meter->ticks = 0;
}

static void fill_alone(pw_watch *self, long long fuel)
{
    self->meter->fuel = fuel;
    self->meter->ticks = 0;
    if (fuel == PW_NO_FUEL) {
        pw_drop_bits(self->watched, PW_WATCH_FUEL);
    } else {
        pw_add_bits(self->watched, PW_WATCH_FUEL);
    }
}

void pw_watch_fill(pw_watch *self, long long fuel)
{
    if (self->pool != NULL) {
        fill_pool(self, fuel);
    } else {
        fill_alone(self, fuel);
    }
    atomic_store(&self->reported_fuel, fuel);
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
    if (self->pool == NULL) {
        return meter->fuel == PW_NO_FUEL ? PW_NO_FUEL : own_fuel(meter);
    }
    long long left = atomic_load(&self->pool->left);
    return left == PW_NO_FUEL ? PW_NO_FUEL : left + own_fuel(meter);
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
    leave_pool(self);
}

void pw_watch_settle(pw_watch *self)
{
    int once = PW_INTERRUPTED;
    atomic_compare_exchange_strong(&self->interrupted, &once, PW_NOT_INTERRUPTED);
    if (once != PW_INTERRUPTED_FOR_GOOD) {
        pw_drop_bits(self->watched, PW_WATCH_INTERRUPTED);
    }
    pw_watch_take_wanted_fuel(self);
    self->call_deadline = self->deadline = PW_NEVER;
    atomic_store_explicit(&self->meter->due, PW_NEVER, memory_order_relaxed);
}
