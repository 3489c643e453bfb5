/* SPDX-License-Identifier: MIT */
/* The helper thread, on Windows, Linux and macOS. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* declares pthread_condattr_setclock */
#endif

#include "base/helper.h"
#include "base/platform.h"

static pw_helper_work helper_work;
static bool running;

#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Windows has no fork, so the helper never ends. */

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;

void pw_helper_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void pw_helper_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}

static DWORD WINAPI run(void *argument)
{
    (void)argument;
    pw_helper_lock();
    helper_work();
    pw_helper_unlock();
    return 0;
}

bool pw_helper_start(pw_helper_work work, pw_helper_forked forked)
{
    (void)forked;
    if (!running) {
        helper_work = work;
        HANDLE thread = CreateThread(NULL, 0, run, NULL, 0, NULL);
        running = thread != NULL;
        if (running) {
            CloseHandle(thread);
        }
    }
    return running;
}

void pw_helper_sleep(int64_t until)
{
    const int64_t millisecond = 1000 * PW_MICROSECOND, most = INT32_MAX;
    int64_t left = until == PW_NEVER ? PW_NEVER : until - pw_now();
    DWORD wait = INFINITE;
    if (left / millisecond < most) {
        wait = left > 0 ? (DWORD)((left + millisecond - 1) / millisecond) : 0;
    }
    SleepConditionVariableSRW(&changed, &lock, wait, 0);
}

void pw_helper_wake(void)
{
    WakeAllConditionVariable(&changed);
}

bool pw_helper_ending(void)
{
    return false;
}

#else

#include <pthread.h>
#include <signal.h>
#include <time.h>

/* Bytes. The helper needs little stack, but sanitizers and the C library take a part of it. */
#define STACK_SIZE (256 << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_t thread;
static bool ending;  /* a fork waits for the end of the helper */
static bool started; /* it was started once in this process or a parent of it */
static pw_helper_forked helper_forked;

void pw_helper_lock(void)
{
    pthread_mutex_lock(&lock);
}

void pw_helper_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

#ifdef __APPLE__

static void init_changed(void)
{
    pthread_cond_init(&changed, NULL);
}

static void wait_until(int64_t until)
{
    int64_t left = until - pw_now();
    if (left > 0) {
        struct timespec time = {left / PW_SECOND, left % PW_SECOND};
        pthread_cond_timedwait_relative_np(&changed, &lock, &time);
    }
}

#else

static void init_changed(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void wait_until(int64_t until)
{
    struct timespec time = {until / PW_SECOND, until % PW_SECOND};
    pthread_cond_timedwait(&changed, &lock, &time);
}

#endif

void pw_helper_sleep(int64_t until)
{
    if (until == PW_NEVER) {
        pthread_cond_wait(&changed, &lock);
    } else {
        wait_until(until);
    }
}

void pw_helper_wake(void)
{
    pthread_cond_broadcast(&changed);
}

bool pw_helper_ending(void)
{
    return ending;
}

static void *run(void *argument)
{
    pw_helper_lock();
    helper_work();
    pw_helper_unlock();
    return argument;
}

/* ---- forks ---- */

/* Ends the helper before a fork, so that a program with one thread forks as one, and keeps the lock
 * until the fork is over. If several threads fork, one ends the helper and the others wait. */
static void before_fork(void)
{
    pw_helper_lock();
    while (ending) {
        pthread_cond_wait(&changed, &lock);
    }
    if (!running) {
        return;
    }
    ending = true;
    pw_helper_wake();
    pw_helper_unlock();
    pthread_join(thread, NULL);
    pw_helper_lock();
    running = ending = false;
    pw_helper_wake();
}

static void after_fork_in_parent(void)
{
    helper_forked(false);
    pw_helper_unlock();
}

/* Threads that waited for the lock or the condition variable do not exist here, so both begin
 * anew. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&lock, NULL);
    init_changed();
    pw_helper_lock();
    helper_forked(true);
    pw_helper_unlock();
}

/* ---- starting ---- */

/* Creates the thread with all signals of the system blocked, which are for threads of Python. */
static bool create(void)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool created = pthread_create(&thread, &attributes, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return created;
}

bool pw_helper_start(pw_helper_work work, pw_helper_forked forked)
{
    if (!started) {
        init_changed();
        helper_work = work;
        helper_forked = forked;
        started = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
    }
    if (started && !running) {
        running = create();
    }
    return running;
}

#endif
