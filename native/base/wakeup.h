/* SPDX-License-Identifier: MIT */
/* Threads that sleep until another thread wakes them: one lock for all of them, and a condition
 * variable for each one. */
#ifndef PW_WAKEUP_H
#define PW_WAKEUP_H

#include <stdbool.h>
#include <stdint.h>

#ifndef _WIN32
#include <pthread.h>
#endif

/* The condition variable on which one thread sleeps. */
typedef struct {
#ifdef _WIN32
    void *condition; /* a CONDITION_VARIABLE, which is one pointer */
#else
    pthread_cond_t condition;
#endif
} pw_wakeup;

/* Called in the child of a fork, where the threads that waited do not exist. The lock is held. */
typedef void (*pw_wakeup_forked)(void);

/* Prepares the lock, and must have succeeded before the lock is used. False when the system has no
 * memory. Calling it more than once changes nothing. */
bool pw_wakeup_prepare(pw_wakeup_forked forked);
/* The lock. A thread that has it must not wait for anything else, nor take the GIL. */
void pw_wakeup_lock(void);
void pw_wakeup_unlock(void);

/* False when the system has no memory. */
bool pw_wakeup_init(pw_wakeup *wakeup);
void pw_wakeup_destroy(pw_wakeup *wakeup);
/* Releases the lock, which the caller has, and sleeps until a time of pw_now, or until another
 * thread wakes this one; it can also return earlier. The caller has the lock again then. */
void pw_wakeup_sleep(pw_wakeup *wakeup, int64_t until);
/* Wakes the thread that sleeps. The caller has the lock. */
void pw_wakeup_wake(pw_wakeup *wakeup);

#endif
