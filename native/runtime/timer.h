/* SPDX-License-Identifier: MIT */
/* The timer: one thread of the process that stops a call when its deadline has passed.
 *
 * Running code looks at the clock only after a number of ticks, and a tick can suddenly take much
 * longer than those before it, as when a guest begins to write to pages of memory that the system
 * has yet to provide. So the timer watches pw_meter.due of all meters in its list and calls
 * pw_meter_stop in time.
 *
 * Most calls end long before their deadline, and must pay nothing for it. A call only stores `due`,
 * and compares it with the time when the timer wakes up next. If calls have the same timeout, later
 * ones are due later, so that the timer is woken once for each timeout that passes, however many
 * calls there are. */
#ifndef PW_TIMER_H
#define PW_TIMER_H

#include "runtime/meter.h"

/* When the timer wakes up next: PW_NEVER if nothing is due or it does not run, INT64_MIN if the
 * system gives no thread for it. */
typedef _Atomic(int64_t) pw_timer_time;

const pw_timer_time *pw_timer_wakes(void);
/* Makes the timer aware of meter->due. The thread of the meter calls this after it has set `due`,
 * if the meter is not timed or is due before the timer wakes up. */
void pw_timer_call(pw_meter *meter);
/* Removes a meter that is about to be freed. */
void pw_timer_remove(pw_meter *meter);

#endif
