/* SPDX-License-Identifier: MIT */
/* The object behind Store, and whose turn it is to use it. */
#ifndef PW_CPYTHON_STORE_H
#define PW_CPYTHON_STORE_H

#include <Python.h>

#include "base/attributes.h"
#include "cpython/externs.h"
#include "cpython/turn.h"
#include "cpython/watch.h"
#include "runtime/objects.h"

typedef struct pw_waiter pw_waiter;
typedef struct pw_store_object pw_store_object;

struct pw_store_object {
    PyObject_HEAD
    PW_SHARED(pw_store *) store; /* NULL: closed */
    PyObject *hosts;             /* list of HostFunction: what imports call */
    PyObject *known;    /* dict: address of a function that was handed out -> (name, FuncType) */
    pw_externs externs; /* what else wasm refers to */
    pw_turn turn;       /* whose it is; what is not said to be shared is the owner's */
    pw_mutex lock;      /* for what others change meanwhile; who has it keeps the store open */
    pw_waiter *waiters; /* threads that want it, in the order of their turns; with the lock */
    PW_SHARED(bool) trapped; /* a call ended with a trap; what a host function raised is none */
    bool orphaned;           /* the thread that used it is not there, for the process has forked */
    pw_watch watch;
    pw_store_object *outer;        /* held: its host function made the outermost call */
    pw_store_object *inner;        /* whose outer this is; with the lock */
    pw_store_object *next, **link; /* all stores, for after_fork */
};

/* Gives a new object its store of the engine, with so much fuel and such a timeout, and enters it
 * into the list of all. The store is transferred. */
void pw_store_open(pw_store_object *self, pw_store *store, long long fuel, int64_t timeout);
/* Frees what the engine has, and lets go of all objects. The store is closed then. */
void pw_store_release(pw_store_object *self);
/* Takes a store that is freed out of the list of all. */
void pw_store_delist(pw_store_object *self);
/* Raises the error for wrong states, with a message. -1. */
int pw_store_error(pw_store_object *self, const char *message);
/* Waits for this thread's turn, without the GIL. -1 with an error: closed, interrupted. */
PW_COLD int pw_store_wait(pw_store_object *self);
/* Ends the wait of a thread, with an error there. With the lock. */
void pw_store_end_wait(pw_store_object *self, uintptr_t thread);
/* When the last call left: collects what wasm let go, makes the first waiting thread the owner. */
PW_COLD void pw_store_settle(pw_store_object *self);
int pw_store_closed_error(pw_store_object *self);
/* For a turn that was taken in vain, since the store is closed. -1 with an error. */
PW_COLD int pw_store_refuse(pw_store_object *self);
/* In a child process: what other threads used cannot be used, or waited for, again. */
void pw_stores_after_fork(void);
/* Keeps an object that wasm is given, in the (entered) store. -1 with MemoryError. */
int pw_store_hold(pw_store_object *self, PyObject *object);

/* -1 with an error when the store is closed. */
static inline int pw_store_require_open(pw_store_object *self)
{
    return pw_read(self->store) ? 0 : pw_store_closed_error(self);
}

static inline int pw_store_enter(pw_store_object *self)
{
    uintptr_t me = pw_this_thread();
    if (!pw_turn_take(&self->turn, me)) {
        return pw_store_wait(self);
    }
    if (pw_read(self->store) == NULL) {
        return pw_store_refuse(self);
    }
    pw_turn_enter(&self->turn, me);
    return 0;
}

static inline void pw_store_leave(pw_store_object *self)
{
    if (!pw_turn_leave(&self->turn)) {
        pw_store_settle(self);
    }
}

/* Without waiting: 0 when it is another thread's turn, 1 when it is this one's, -1 with an error.
 */
static inline int pw_store_try_enter(pw_store_object *self)
{
    if (!pw_turn_take(&self->turn, pw_this_thread())) {
        return 0;
    }
    return pw_store_enter(self) < 0 ? -1 : 1;
}

/* For a glance at what the engine has of an open store, whoever uses it: it is not closed before
 * pw_store_unpin. -1 with an error. */
static inline int pw_store_pin(pw_store_object *self)
{
    pw_lock(&self->lock);
    if (pw_read(self->store)) {
        return 0;
    }
    pw_unlock(&self->lock);
    return pw_store_closed_error(self);
}

static inline void pw_store_unpin(pw_store_object *self)
{
    pw_unlock(&self->lock);
}

#endif
