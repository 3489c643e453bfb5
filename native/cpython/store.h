/* SPDX-License-Identifier: MIT */
/* The object behind the class Store: the engine's store, what wasm refers to in it, and whose turn
 * it is to use it. */
#ifndef PW_CPYTHON_STORE_H
#define PW_CPYTHON_STORE_H

#include <Python.h>

#include "base/attributes.h"
#include "cpython/externs.h"
#include "cpython/known.h"
#include "cpython/tenants.h"
#include "cpython/turn.h"
#include "cpython/watch.h"
#include "runtime/objects.h"

typedef struct pw_waiter pw_waiter;
typedef struct pw_store_object pw_store_object;

/* Only the thread that has the turn uses a member, unless the comment of the member says
 * otherwise. */
struct pw_store_object {
    PyObject_HEAD
    /* The engine's store; NULL: closed. Any thread may compare it with NULL. */
    PW_SHARED(pw_store *) store;
    /* The instances; guarded by the lock. */
    pw_tenants tenants;
    /* The functions that a guest has handed out. */
    pw_known_functions known;
    /* The objects that wasm refers to by externref. */
    pw_externs externs;
    /* Bytes that are charged for these objects to the account of the engine's store. */
    size_t charged_externs;
    /* How many functions of the Python layer run that may have bits of references in Python
     * variables, where no collection finds them. */
    unsigned sections;
    pw_turn turn;
    /* Guards what several threads change; while a thread holds it, the store is not closed. */
    pw_mutex lock;
    /* The threads that wait for the turn, in order; guarded by the lock. */
    pw_waiter *waiters;
    /* A call ended with a trap. An exception of a host function does not count. */
    PW_SHARED(bool) trapped;
    /* The process is the child of a fork, and the thread that was using the store is not in it. */
    bool orphaned;
    pw_watch watch;
    /* Is called with the exception that a call is about to raise, and returns what the call raises
     * instead; NULL: nothing is called. Set once, by the thread that has the turn. */
    PyObject *on_failure;
    /* A dict in which the Python layer notes the names of fields; NULL: nothing is noted. */
    PyObject *field_names;
    /* The store whose host function made the outermost call of this one, a strong reference; NULL:
     * no host function made it. */
    pw_store_object *outer;
    /* The store whose `outer` is this one; guarded by the lock. */
    pw_store_object *inner;
    /* The list of all stores, for pw_stores_after_fork. */
    pw_store_object *next, **link;
};

/* Completes a new object: gives it its engine store, which is transferred, the fuel (PW_NO_FUEL:
 * not metered) and the timeout in nanoseconds, and adds it to the list of all stores. */
void pw_store_open(pw_store_object *self, pw_store *store, long long fuel, int64_t timeout);
/* Closes the store: frees the engine's store and releases all Python objects that it held. */
void pw_store_release(pw_store_object *self);
/* Removes a store that is about to be freed from the list of all stores. */
void pw_store_delist(pw_store_object *self);
/* Raises `closed`, the class of pw_state for errors about wrong states. Returns -1. */
int pw_store_error(pw_store_object *self, const char *message);
/* Waits until this thread has the turn, without the GIL. -1 with an error: the store is closed, a
 * signal handler raised an exception, or the wait was cancelled. */
PW_COLD int pw_store_wait(pw_store_object *self);
/* Ends the waits of a thread, which raise an error there. A thread can wait several times: for its
 * call, and for what its signal handler calls meanwhile. The caller has the lock. */
void pw_store_end_wait(pw_store_object *self, uintptr_t thread);
/* Ends the turn of a thread that has left for the last time and has something to settle: frees what
 * nobody can reach any more, and passes the turn to the first thread that waits. */
PW_COLD void pw_store_settle(pw_store_object *self);
/* Raises the error for a closed store. Returns -1. */
int pw_store_closed_error(pw_store_object *self);
/* Checks that the store is open, and not orphaned. -1 with an error. */
int pw_store_require_usable(pw_store_object *self);
/* Checks that this thread has entered the store, because references may only be used until the
 * store is left. -1 with an error. */
int pw_store_require_entered(pw_store_object *self);
/* Gives back a turn that was taken although the store is closed, and raises the error. Returns
 * -1. */
PW_COLD int pw_store_refuse(pw_store_object *self);
/* Adapts all stores to the child of a fork: a store that another thread was using is unusable from
 * now on, and nobody waits for it. */
void pw_stores_after_fork(void);
/* Says that an anchor was freed, so that what it kept may be unreachable. Collects what nobody can
 * reach if that is worth its price: now, or when the call ends that runs in the store. */
void pw_store_dropped(pw_store_object *self);
/* Says that a reference may have been overwritten, in case it was the last one to an instance. The
 * store is entered. */
void pw_store_overwritten(pw_store_object *self);
/* Ends the hold of an instance that Python no longer reaches, if wasm may still reach it. */
void pw_store_rescue(pw_store_object *self, pw_tenant *tenant);

/* Says whether a store has begun to hold an object. */
typedef enum {
    PW_HELD,
    PW_HELD_OVER_LIMIT, /* as long as pw_store_hold_over_limit has not made room: no error is set */
    PW_HELD_ERROR       /* with MemoryError */
} pw_held;

/* Collects what wasm no longer refers to because a limit is in the way, and tells whether that was
 * worth it. The store is entered, and this thread has the GIL. The cells include references that
 * are on their way to wasm. Finalizers can run Python code. While the Python layer may have
 * references in its hands, nothing is collected before the store is left. */
PW_COLD bool pw_store_make_room(pw_store_object *self, const uint64_t *cells, uint32_t ncells);
/* Lets the store, which is entered, hold an object that wasm is given. */
pw_held pw_store_hold(pw_store_object *self, PyObject *object);
/* Collects what wasm no longer refers to, after PW_HELD_OVER_LIMIT, so that the limits leave room
 * for the object. The cells include its reference, and may include others that are on their way to
 * wasm. -1 with WasmError: there is no room. Finalizers of other objects can run Python code. */
PW_COLD int pw_store_hold_over_limit(pw_store_object *self, const uint64_t *cells, uint32_t ncells);
/* Releases objects that wasm no longer refers to, if there may be enough of them. The GIL is held,
 * and a host call runs. Their finalizers can run Python code. */
void pw_store_release_externs(pw_store_object *self);

/* Checks that the store is open. -1 with an error. */
static inline int pw_store_require_open(pw_store_object *self)
{
    return pw_read(self->store) ? 0 : pw_store_closed_error(self);
}

/* Takes the store for this thread, and waits if another thread is using it. Each success needs a
 * pw_store_leave. -1 with an error. */
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

/* Ends what pw_store_enter began. */
static inline void pw_store_leave(pw_store_object *self)
{
    if (!pw_turn_leave(&self->turn)) {
        pw_store_settle(self);
    }
}

/* Enters the store unless another thread is using it: 1 when it is entered, 0 when another thread
 * has the turn, -1 with an error. */
static inline int pw_store_try_enter(pw_store_object *self)
{
    if (!pw_turn_take(&self->turn, pw_this_thread())) {
        return 0;
    }
    return pw_store_enter(self) < 0 ? -1 : 1;
}

/* Takes the lock of a usable store, whichever thread is using it, so that it is not closed before
 * pw_store_unpin. -1 with an error. */
static inline int pw_store_pin(pw_store_object *self)
{
    pw_lock(&self->lock);
    if (pw_read(self->store) && !self->orphaned) {
        return 0;
    }
    pw_unlock(&self->lock);
    return pw_store_require_usable(self);
}

static inline void pw_store_unpin(pw_store_object *self)
{
    pw_unlock(&self->lock);
}

#endif
