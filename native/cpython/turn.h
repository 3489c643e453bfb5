/* SPDX-License-Identifier: MIT */
/* Locks, shared members, and the turns in which threads use a store. Where Python has a GIL, it
 * protects all of them, and these functions compile to plain reads and writes or to nothing. In
 * free-threaded Python (Py_GIL_DISABLED) they are atomic operations and mutexes.
 *
 * Code that holds a lock must not run Python code, wait for a turn, or release the GIL. */
#ifndef PW_CPYTHON_TURN_H
#define PW_CPYTHON_TURN_H

#include <Python.h>
#include <pythread.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A number that no other running thread has: not 0, and even, because PW_UNSETTLED is the low
 * bit. */
static inline uintptr_t pw_this_thread(void)
{
#if defined(__linux__) && defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
    return (uintptr_t)__builtin_thread_pointer();
#else
    return PyThread_get_thread_ident();
#endif
}

/* Looks up a key in a dict. 1 with a new reference to the value, 0 without one, -1 with an
 * error. */
static inline int pw_dict_get(PyObject *dict, PyObject *key, PyObject **value)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyDict_GetItemRef(dict, key, value);
#else
    *value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    return *value != NULL ? 1 : PyErr_Occurred() != NULL ? -1 : 0;
#endif
}

/* The turn to use a store, which one thread has at a time: a lock that its owner may take again, as
 * a host function does that calls wasm. Threads that wait for it queue in store.c. */
typedef struct {
#ifdef Py_GIL_DISABLED
    atomic_uintptr_t owner; /* the thread, with or without PW_UNSETTLED; 0: no thread */
#else
    uintptr_t owner; /* the thread; it means something only while `depth` is not 0 */
    bool unsettled;  /* the owner has something to settle when it leaves */
#endif
    Py_ssize_t depth; /* how often the owner has entered; without a GIL, only it may read this */
} pw_turn;

#ifdef Py_GIL_DISABLED

/* ---- members that threads read without a lock ---- */

#define PW_SHARED(type) _Atomic(type)
#define pw_read(place) atomic_load_explicit(&(place), memory_order_acquire)
#define pw_write(place, value) atomic_store_explicit(&(place), (value), memory_order_release)
#define pw_add_bits(place, bits) atomic_fetch_or(&(place), (unsigned char)(bits))
#define pw_drop_bits(place, bits) atomic_fetch_and(&(place), (unsigned char)~(bits))

/* Reads a member of an object that another thread may set at any time. New reference or NULL. */
static inline PyObject *pw_load(PyObject *object, PyObject **member)
{
    PyObject *value;
    Py_BEGIN_CRITICAL_SECTION(object);
    value = Py_XNewRef(*member);
    Py_END_CRITICAL_SECTION();
    return value;
}

/* Sets a member from NULL to the value that it keeps for good. If another thread has set it
 * already, nothing changes. The reference to the value is transferred in any case. */
static inline void pw_set_once(_Atomic(PyObject *) *member, PyObject *value)
{
    PyObject *nothing = NULL;
    if (!atomic_compare_exchange_strong(member, &nothing, value)) {
        Py_DECREF(value);
    }
}

/* ---- locks ---- */

typedef PyMutex pw_mutex;

static inline void pw_lock(pw_mutex *mutex)
{
    PyMutex_Lock(mutex);
}

static inline void pw_unlock(pw_mutex *mutex)
{
    PyMutex_Unlock(mutex);
}

/* Makes a lock free in the child of a fork, where the thread that held it does not exist. */
static inline void pw_forget_lock(pw_mutex *mutex)
{
    *mutex = (pw_mutex){0};
}

/* ---- turns ---- */

/* Set in `owner`: the owner has something to settle when it leaves. */
#define PW_UNSETTLED ((uintptr_t)1)

/* Takes the turn for this thread if no thread has it. Returns whether this thread has it now. */
static inline bool pw_turn_take(pw_turn *self, uintptr_t me)
{
    uintptr_t owner = atomic_load_explicit(&self->owner, memory_order_relaxed);
    if ((owner & ~PW_UNSETTLED) == me) {
        return true;
    }
    return !owner && atomic_compare_exchange_strong_explicit(
                         &self->owner, &owner, me, memory_order_acquire, memory_order_relaxed);
}

/* Enters once more; this thread must have taken the turn. */
static inline void pw_turn_enter(pw_turn *self, uintptr_t Py_UNUSED(me))
{
    self->depth++;
}

/* Leaves once. False: this was the last time, but the owner keeps the turn, because it has
 * something to settle before it passes the turn on. */
static inline bool pw_turn_leave(pw_turn *self)
{
    if (--self->depth) {
        return true;
    }
    uintptr_t owner = pw_this_thread();
    return atomic_compare_exchange_strong_explicit(&self->owner, &owner, 0, memory_order_release,
                                                   memory_order_relaxed);
}

/* Gives the turn to another thread, which has then entered once; 0: to no thread. `unsettled` says
 * whether that thread will have something to settle, too. */
static inline void pw_turn_pass(pw_turn *self, uintptr_t thread, bool unsettled)
{
    self->depth = thread ? 1 : 0;
    atomic_store_explicit(&self->owner, thread && unsettled ? thread | PW_UNSETTLED : thread,
                          memory_order_release);
}

/* Makes sure that no thread ever gets the turn, in the child of a fork where its owner does not
 * exist. */
static inline void pw_turn_orphan(pw_turn *self)
{
    atomic_store(&self->owner, PW_UNSETTLED);
}

/* Tells whether any thread has the turn; also true once nobody can get it. */
static inline bool pw_turn_taken(const pw_turn *self)
{
    return atomic_load(&self->owner);
}

/* The thread that has the turn; 0: no thread. */
static inline uintptr_t pw_turn_owner(const pw_turn *self)
{
    return atomic_load(&self->owner) & ~PW_UNSETTLED;
}

/* Makes the owner settle before it passes the turn on. Settling takes the store's lock, so if the
 * caller has the lock, what it changes meanwhile is seen. False: no thread has the turn. */
static inline bool pw_turn_notify(pw_turn *self)
{
    uintptr_t owner = atomic_load(&self->owner);
    while (owner && !(owner & PW_UNSETTLED)) {
        if (atomic_compare_exchange_weak(&self->owner, &owner, owner | PW_UNSETTLED)) {
            return true;
        }
    }
    return owner;
}

#else

#define PW_SHARED(type) type
#define pw_read(place) (place)
#define pw_write(place, value) ((place) = (value))
#define pw_add_bits(place, bits) ((place) = (unsigned char)((place) | (bits)))
#define pw_drop_bits(place, bits) ((place) = (unsigned char)((place) & ~(bits)))

static inline PyObject *pw_load(PyObject *Py_UNUSED(object), PyObject **member)
{
    return Py_XNewRef(*member);
}

static inline void pw_set_once(PyObject **member, PyObject *value)
{
    if (*member != NULL) {
        Py_DECREF(value);
    } else {
        *member = value;
    }
}

typedef struct {
    char unused;
} pw_mutex;

static inline void pw_lock(pw_mutex *Py_UNUSED(mutex))
{
}

static inline void pw_unlock(pw_mutex *Py_UNUSED(mutex))
{
}

static inline void pw_forget_lock(pw_mutex *Py_UNUSED(mutex))
{
}

static inline bool pw_turn_take(const pw_turn *self, uintptr_t me)
{
    return !(self->depth && self->owner != me);
}

static inline void pw_turn_enter(pw_turn *self, uintptr_t me)
{
    self->owner = me;
    self->depth++;
}

static inline bool pw_turn_leave(pw_turn *self)
{
    return --self->depth || !self->unsettled;
}

static inline void pw_turn_pass(pw_turn *self, uintptr_t thread, bool unsettled)
{
    self->owner = thread;
    self->depth = thread ? 1 : 0;
    self->unsettled = unsettled;
}

static inline void pw_turn_orphan(pw_turn *self)
{
    self->owner = 0;
}

static inline bool pw_turn_taken(const pw_turn *self)
{
    return self->depth;
}

static inline uintptr_t pw_turn_owner(const pw_turn *self)
{
    return self->depth ? self->owner : 0;
}

static inline bool pw_turn_notify(pw_turn *self)
{
    self->unsettled |= self->depth > 0;
    return self->depth;
}

#endif

/* Tells whether this thread has the turn. */
static inline bool pw_turn_mine(const pw_turn *self)
{
    return pw_turn_owner(self) == pw_this_thread();
}

#endif
