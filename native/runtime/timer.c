/* SPDX-License-Identifier: MIT */
/* The timer: one thread of the process that stops a call when its deadline has passed. */
#include "runtime/timer.h"
#include "base/helper.h"

/* A call that has been told to stop, but is still running, is told again after this time: a host
 * function of it may run, or it may have begun at the moment when it was told. */
#define AGAIN (10000 * PW_MICROSECOND)

static pw_timer_time wakes = PW_NEVER;
/* All timed meters; guarded by the lock of the helper. */
static pw_meter *meters;

const pw_timer_time *pw_timer_wakes(void)
{
    return &wakes;
}

/* Stops the calls that are due, and returns when the next one is. */
static int64_t stop_due(int64_t now)
{
    int64_t first = PW_NEVER;
    for (pw_meter *meter = meters; meter != NULL; meter = meter->next) {
        int64_t due = atomic_load(&meter->due);
        if (due <= now) {
            pw_meter_stop(meter);
            due = now + AGAIN;
        }
        if (due < first) {
            first = due;
        }
    }
    return first;
}

/* While the meters are looked at, `wakes` is PW_NEVER. So a call that sets `due` meanwhile either
 * is seen, or finds that it is due earlier and calls the timer, which waits for the lock. */
static void work(void)
{
    while (!pw_helper_ending()) {
        atomic_store(&wakes, PW_NEVER);
        int64_t first = stop_due(pw_now());
        atomic_store(&wakes, first);
        pw_helper_sleep(first);
    }
    atomic_store(&wakes, PW_NEVER);
}

static bool start(void);

/* In the child of a fork the calls of other threads do not exist. The call of this thread, if there
 * is one, sets `due` again when its tick hook runs. */
static void forked(bool in_child)
{
    bool any = false;
    atomic_store(&wakes, PW_NEVER);
    for (pw_meter *meter = meters; meter != NULL; meter = meter->next) {
        if (in_child) {
            atomic_store(&meter->due, PW_NEVER);
        }
        any |= atomic_load(&meter->due) != PW_NEVER;
    }
    if (any) {
        start();
    }
}

static bool start(void)
{
    return pw_helper_start(work, forked);
}

static void enlist(pw_meter *meter)
{
    if (meter->timed) {
        return;
    }
    meter->timed = true;
    meter->next = meters;
    meter->link = &meters;
    if (meters != NULL) {
        meters->link = &meter->next;
    }
    meters = meter;
}

/* Without a thread, calls look at the clock themselves after a number of ticks, and none calls the
 * timer again except those of a new store. */
void pw_timer_call(pw_meter *meter)
{
    pw_helper_lock();
    enlist(meter);
    int64_t due = atomic_load(&meter->due);
    if (!start()) {
        atomic_store(&wakes, INT64_MIN);
    } else if (due < atomic_load(&wakes)) {
        atomic_store(&wakes, due);
        pw_helper_wake();
    }
    pw_helper_unlock();
}

void pw_timer_remove(pw_meter *meter)
{
    if (!meter->timed) {
        return;
    }
    pw_helper_lock();
    *meter->link = meter->next;
    if (meter->next != NULL) {
        meter->next->link = meter->link;
    }
    meter->timed = false;
    pw_helper_unlock();
}
