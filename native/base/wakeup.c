/* SPDX-License-Identifier: MIT */
/* Threads that wait until another thread wakes them, on Windows, Linux and macOS. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* declares pthread_condattr_setclock */
#endif

#include "base/wakeup.h"
#include "base/platform.h"

#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

_Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(void *), "it fits into a pw_wakeup");

static SRWLOCK lock = SRWLOCK_INIT;

bool pw_wakeup_prepare(pw_wakeup_forked forked)
{
    (void)forked; /* Windows has no fork */
    return true;
}

void pw_wakeup_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void pw_wakeup_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}

bool pw_wakeup_init(pw_wakeup *wakeup)
{
    InitializeConditionVariable((CONDITION_VARIABLE *)&wakeup->condition);
    return true;
}

void pw_wakeup_destroy(pw_wakeup *wakeup)
{
    (void)wakeup;
}

void pw_wakeup_sleep(pw_wakeup *wakeup, int64_t until)
{
    const int64_t millisecond = 1000 * PW_MICROSECOND, most = INT32_MAX;
    int64_t left = until - pw_now();
    int64_t wait = left > 0 ? (left + millisecond - 1) / millisecond : 0;
    SleepConditionVariableSRW((CONDITION_VARIABLE *)&wakeup->condition, &lock,
                              (DWORD)(wait < most ? wait : most), 0);
}

void pw_wakeup_wake(pw_wakeup *wakeup)
{
    WakeAllConditionVariable((CONDITION_VARIABLE *)&wakeup->condition);
}

#else

#include <stdatomic.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pw_wakeup_forked when_forked;

void pw_wakeup_lock(void)
{
    pthread_mutex_lock(&lock);
}

void pw_wakeup_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

/* The child of a fork begins with a new lock. What the lock guards is whole there, because the fork
 * waits for it. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&lock, NULL);
    pw_wakeup_lock();
    when_forked();
    pw_wakeup_unlock();
}

bool pw_wakeup_prepare(pw_wakeup_forked forked)
{
    static bool prepared;
    pw_wakeup_lock();
    when_forked = forked;
    if (!prepared) {
        prepared = pthread_atfork(pw_wakeup_lock, pw_wakeup_unlock, after_fork_in_child) == 0;
    }
    bool done = prepared;
    pw_wakeup_unlock();
    return done;
}

#ifdef __APPLE__

bool pw_wakeup_init(pw_wakeup *wakeup)
{
    return pthread_cond_init(&wakeup->condition, NULL) == 0;
}

void pw_wakeup_sleep(pw_wakeup *wakeup, int64_t until)
{
    int64_t left = until - pw_now();
    if (left > 0) {
        struct timespec time = {left / PW_SECOND, left % PW_SECOND};
        pthread_cond_timedwait_relative_np(&wakeup->condition, &lock, &time);
    }
}

#else

bool pw_wakeup_init(pw_wakeup *wakeup)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool made = pthread_cond_init(&wakeup->condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return made;
}

void pw_wakeup_sleep(pw_wakeup *wakeup, int64_t until)
{
    struct timespec time = {until / PW_SECOND, until % PW_SECOND};
    pthread_cond_timedwait(&wakeup->condition, &lock, &time);
}

#endif

void pw_wakeup_destroy(pw_wakeup *wakeup)
{
    pthread_cond_destroy(&wakeup->condition);
}

void pw_wakeup_wake(pw_wakeup *wakeup)
{
    pthread_cond_broadcast(&wakeup->condition);
}

#endif
