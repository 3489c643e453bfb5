/* SPDX-License-Identifier: MIT */
/* The helper: the one thread that the C code starts, on which the timer runs (runtime/timer.h).
 * It has a lock, and a condition variable on which it sleeps. It runs no code of Python, takes no
 * signals of the system, and does not exist in the child of a fork. */
#ifndef PW_HELPER_H
#define PW_HELPER_H

#include <stdbool.h>
#include <stdint.h>

/* The function that the helper runs, with the lock held. It returns after pw_helper_ending(). */
typedef void (*pw_helper_work)(void);
/* Called with the lock held after a fork: in the child, where the helper does not run, and in the
 * parent, where it has ended before the fork. */
typedef void (*pw_helper_forked)(bool in_child);

/* The lock of the helper, which guards what the helper and other threads share. */
void pw_helper_lock(void);
void pw_helper_unlock(void);
/* Starts the helper unless it runs. The caller has the lock. False when the system gives no thread.
 */
bool pw_helper_start(pw_helper_work work, pw_helper_forked forked);
/* Releases the lock and sleeps until a time of pw_now, or until pw_helper_wake; it can also return
 * earlier. Only the helper calls this. */
void pw_helper_sleep(int64_t until);
/* Wakes the helper. The caller has the lock. */
void pw_helper_wake(void);
/* Whether the helper must return, because a fork waits for its end. */
bool pw_helper_ending(void);

#endif
