/* SPDX-License-Identifier: MIT */
/* What threads do to one object at the same time. The GIL, where there is one, is lock enough for
 * all of it, and what is here costs nothing then. Without it (Py_GIL_DISABLED), it is atomic.
 *
 * Code with a lock held runs no Python code, waits for no turn, and keeps the GIL.
 */
#ifndef PW_CPYTHON_TURN_H
#define PW_CPYTHON_TURN_H

#include <Python.h>
#include <pythread.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What tells running threads apart: not 0, and even. */
static inline uintptr_t pw_this_thread(void)
{
#if defined(__linux__) && defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
    return (uintptr_t)__builtin_thread_pointer();
#else
    return PyThread_get_thread_ident();
#endif
}

/* A reference in a dict: 1 with a new one, 0 when there is none, -1 with an error. */
static inline int pw_dict_get(PyObject *dict, PyObject *key, PyObject **value)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyDict_GetItemRef(dict, key, value);
#else
    *value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    return *value != NULL ? 1 : PyErr_Occurred() != NULL ? -1 : 0;
#endif
}

/* Whose turn it is to use a store. Whoever has it may enter several times. */
typedef struct {
#ifdef Py_GIL_DISABLED
    atomic_uintptr_t owner; /* the thread, with or without PW_ATTENTION; 0: nobody's */
#else
    uintptr_t owner; /* the thread, if it has entered */
    bool attention;  /* there is something to settle when it leaves */
#endif
    Py_ssize_t depth; /* how often the owner entered, which alone may look at it */
} pw_turn;

#ifdef Py_GIL_DISABLED

/* ---- members that others read without the lock ---- */

#define PW_SHARED(type) _Atomic(type)
#define pw_read(place) atomic_load_explicit(&(place), memory_order_acquire)
#define pw_write(place, value) atomic_store_explicit(&(place), (value), memory_order_release)
#define pw_add_bits(place, bits) atomic_fetch_or(&(place), (unsigned char)(bits))
#define pw_drop_bits(place, bits) atomic_fetch_and(&(place), (unsigned char)~(bits))

/* A new reference to what a member of an object refers to, which may be set at any time. */
static inline PyObject *pw_load(PyObject *object, PyObject **member)
{
    PyObject *value;
    Py_BEGIN_CRITICAL_SECTION(object);
    value = Py_XNewRef(*member);
    Py_END_CRITICAL_SECTION();
    return value;
}

/* Gives a member that is NULL its value for good, unless another thread was quicker. The reference
 * is transferred. */
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

/* In the child of a fork: who held it is not there. */
static inline void pw_forget_lock(pw_mutex *mutex)
{
    *mutex = (pw_mutex){0};
}

/* ---- turns ---- */

#define PW_ATTENTION ((uintptr_t)1)

/* Whether it is this thread's turn; it is from now on, if it was nobody's. */
static inline bool pw_turn_take(pw_turn *self, uintptr_t me)
{
    uintptr_t owner = atomic_load_explicit(&self->owner, memory_order_relaxed);
    if ((owner & ~PW_ATTENTION) == me) {
        return true;
    }
    return !owner && atomic_compare_exchange_strong_explicit(
                         &self->owner, &owner, me, memory_order_acquire, memory_order_relaxed);
}

static inline void pw_turn_enter(pw_turn *self, uintptr_t Py_UNUSED(me))
{
    self->depth++;
}

/* False: the owner left, but its turn lasts until it has settled what there is. */
static inline bool pw_turn_leave(pw_turn *self)
{
    if (--self->depth) {
        return true;
    }
    uintptr_t owner = pw_this_thread();
    return atomic_compare_exchange_strong_explicit(&self->owner, &owner, 0, memory_order_release,
                                                   memory_order_relaxed);
}

/* Gives it to another thread, which has entered then; 0: nobody. */
static inline void pw_turn_pass(pw_turn *self, uintptr_t thread, bool attention)
{
    self->depth = thread ? 1 : 0;
    atomic_store_explicit(&self->owner, thread && attention ? thread | PW_ATTENTION : thread,
                          memory_order_release);
}

/* In the child of a fork: its owner is not there, and it is nobody's ever again. */
static inline void pw_turn_orphan(pw_turn *self)
{
    atomic_store(&self->owner, PW_ATTENTION);
}

static inline bool pw_turn_taken(const pw_turn *self)
{
    return atomic_load(&self->owner);
}

/* The thread that has it; 0: nobody has. */
static inline uintptr_t pw_turn_owner(const pw_turn *self)
{
    return atomic_load(&self->owner) & ~PW_ATTENTION;
}

/* The owner will settle before its turn ends, not without the lock of who calls this. False: it is
 * nobody's turn. */
static inline bool pw_turn_notify(pw_turn *self)
{
    uintptr_t owner = atomic_load(&self->owner);
    while (owner && !(owner & PW_ATTENTION)) {
        if (atomic_compare_exchange_weak(&self->owner, &owner, owner | PW_ATTENTION)) {
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
    return --self->depth || !self->attention;
}

static inline void pw_turn_pass(pw_turn *self, uintptr_t thread, bool attention)
{
    self->owner = thread;
    self->depth = thread ? 1 : 0;
    self->attention = attention;
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
    self->attention |= self->depth > 0;
    return self->depth;
}

#endif

/* Whether this thread has it. */
static inline bool pw_turn_mine(const pw_turn *self)
{
    return pw_turn_owner(self) == pw_this_thread();
}

#endif
