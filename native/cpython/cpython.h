/* SPDX-License-Identifier: MIT */
/* The CPython half: types whose calls must cost nothing. It reaches the engine through pw_api only.
 */
#ifndef PW_FASTCALL_H
#define PW_FASTCALL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pythread.h>

#include <string.h>

#include "embed/api.h"
#include "cpython/turn.h"

/* Set by connect(), constant afterwards. */
extern const pw_api *pw_engine;

/* What the Python layer gave to connect(), and the types of this module. */
typedef struct {
    PyObject *trap;      /* (kind, frames, head, omitted, message) -> exception */
    PyObject *annotate;  /* (exception, frames, head, omitted) */
    PyObject *closed;    /* class of the error for closed stores and other wrong states */
    PyObject *signature; /* (function, bound) -> inspect.Signature */
    PyObject *call_argv; /* (function, arguments) -> result */
    PyObject *aio;       /* (function) -> its awaitable form */
    PyObject *describe;  /* (address of a pw_func) -> (name, FuncType) */
    PyObject *limits;    /* (Limits) -> (memory, table, stack, fuel, timeout) */
    PyObject *array;     /* (arguments, typecode, count) -> array for results of map() */
    PyObject *element;   /* (exception, index, whether map() made it) */
    PyTypeObject *store_type;
    PyTypeObject *function_type;
    PyTypeObject *bound_type;
    PyTypeObject *host_type;
    PyTypeObject *memory_type;
    PyTypeObject *fd_write_type;
} pw_state;

/* Of a type of this module, or a subclass of one. NULL with SystemError. */
pw_state *pw_state_of(PyTypeObject *type);

/* Values that most calls hold on the native stack; more are allocated. */
#define PW_LOCAL_VALUES 16

/* ---- values.c ---- */

/* Where a value goes, for the message when it does not fit. */
typedef struct {
    PyObject *name;   /* of the function */
    const char *what; /* "parameter" or "result" */
    Py_ssize_t index; /* from 0; below 0: not one of several */
} pw_site;

/* Any value. `raw` takes bit patterns. -1 with TypeError or OverflowError, or what a conversion
 * raised. */
int pw_encode_slow(PyObject *value, pw_valtype type, bool raw, uint64_t *bits, const pw_site *site);
/* Puts the site before the message of a TypeError or OverflowError. What else a conversion raised
 * is the caller's own and passes as it is. -1. */
int pw_blame(const pw_site *site, pw_valtype type);
PyObject *pw_decode_tuple(const uint64_t *bits, const uint8_t *types, Py_ssize_t count, bool raw);

/* Ints that Python keeps ready-made, at hand without a call. */
#define PW_SMALL_MIN (-5)
#define PW_SMALL_MAX 256
extern PyObject *pw_small_ints[PW_SMALL_MAX - PW_SMALL_MIN + 1];

/* Once; -1 with MemoryError. */
int pw_make_small_ints(void);

static inline PyObject *pw_int(long long number)
{
    if (number < PW_SMALL_MIN || number > PW_SMALL_MAX) {
        return PyLong_FromLongLong(number);
    }
    return Py_NewRef(pw_small_ints[number - PW_SMALL_MIN]);
}

/* The value of an int of one digit, which is nearly every one. It has 30 bits: it fits any type. */
static inline bool pw_compact_int(PyObject *value, long long *result)
{
    if (!PyLong_CheckExact(value)) {
        return false;
    }
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyUnstable_Long_IsCompact((PyLongObject *)value)) {
        return false;
    }
    *result = PyUnstable_Long_CompactValue((PyLongObject *)value);
#else
    Py_ssize_t size = Py_SIZE(value);
    if (size > 1 || size < -1) {
        return false;
    }
    *result = size * (long long)((PyLongObject *)value)->ob_digit[0];
#endif
    return true;
}

/* Beyond the range of f32: infinity, as rounding to nearest has it. */
static inline uint64_t pw_float_bits(double number, pw_valtype type)
{
    uint64_t bits = 0;
    float narrow = (float)number;
    if (type == PW_F64) {
        memcpy(&bits, &number, sizeof number);
    } else {
        memcpy(&bits, &narrow, sizeof narrow);
    }
    return bits;
}

static inline bool pw_narrow(pw_valtype type)
{
    return type == PW_I32 || type == PW_F32;
}

static inline int pw_encode(PyObject *value, pw_valtype type, bool raw, uint64_t *bits,
                            const pw_site *site)
{
    long long number;
    if (raw || type == PW_I32 || type == PW_I64) {
        if (!pw_compact_int(value, &number)) {
            return pw_encode_slow(value, type, raw, bits, site);
        }
        *bits = pw_narrow(type) ? (uint32_t)number : (uint64_t)number;
        return 0;
    }
    if (!PyFloat_CheckExact(value)) {
        return pw_encode_slow(value, type, raw, bits, site);
    }
    *bits = pw_float_bits(PyFloat_AS_DOUBLE(value), type);
    return 0;
}

static inline PyObject *pw_decode(uint64_t bits, pw_valtype type, bool raw)
{
    double number;
    float narrow;
    if (raw) {
        return PyLong_FromUnsignedLongLong(pw_narrow(type) ? (uint32_t)bits : bits);
    }
    switch (type) {
    case PW_I32: return pw_int((int32_t)(uint32_t)bits);
    case PW_I64: return pw_int((int64_t)bits);
    case PW_F32: memcpy(&narrow, &bits, sizeof narrow); return PyFloat_FromDouble((double)narrow);
    default: memcpy(&number, &bits, sizeof number); return PyFloat_FromDouble(number);
    }
}

/* The values of parameters or results, by their type bytes. */
static inline int pw_encode_all(PyObject *const *values, const uint8_t *types, Py_ssize_t count,
                                bool raw, uint64_t *bits, PyObject *name, const char *what)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        pw_site site = {name, what, i};
        if (pw_encode(values[i], types[i], raw, &bits[i], &site) < 0) {
            return -1;
        }
    }
    return 0;
}

/* None, the value, or a tuple. */
static inline PyObject *pw_decode_results(const uint64_t *bits, const uint8_t *types,
                                          Py_ssize_t count, bool raw)
{
    if (count == 1) {
        return pw_decode(bits[0], types[0], raw);
    }
    if (count == 0) {
        Py_RETURN_NONE;
    }
    return pw_decode_tuple(bits, types, count, raw);
}

/* ---- externs.c ---- */

/* The objects that wasm refers to: each is held once. */
typedef struct {
    uintptr_t *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t patience; /* count up to which no collection is worth its price */
} pw_externs;

/* Adds an object. -1 with MemoryError. Runs no other code. */
int pw_externs_hold(pw_externs *self, PyObject *object);
/* Whether the bits are the address of an object in it. */
bool pw_externs_has(const pw_externs *self, uint64_t bits);
/* Whether many objects came since the last collection. */
bool pw_externs_due(const pw_externs *self);
/* Lets go of what no global and no table of the store refers to. No call may run in the store.
 * Finalizers run at the end. */
void pw_externs_collect(pw_externs *self, const pw_store *store);
int pw_externs_traverse(const pw_externs *self, visitproc visit, void *arg);
void pw_externs_clear(pw_externs *self);

/* ---- store.c ---- */

typedef struct pw_waiter pw_waiter;
typedef struct pw_scope pw_scope;
typedef struct pw_store_object pw_store_object;

/* No such moment. */
#define PW_NEVER INT64_MAX

/* What stops calls, and when a running one lets go of the GIL: control.c. Times are in nanoseconds
 * of a clock that never goes back. What is not atomic belongs to the owner of the turn, or, where
 * it says so, to who has the store's lock. */
typedef struct {
    pw_meter *engine;      /* gone when the store is closed */
    PyThreadState *let_go; /* of the thread that runs without the GIL; NULL: it holds it */
    int64_t started;       /* when the running call was first looked at; 0: not yet */
    int64_t looked;        /* when it was last looked at */
    int64_t next_signals;  /* when signal handlers have their turn; PW_NEVER on other threads */
    int64_t timeout;       /* of each outermost call; PW_NEVER: none */
    int64_t call_deadline; /* which that makes for the running one */
    int64_t deadline;      /* of the running call, all taken together; PW_NEVER between calls */
    pw_scope *scopes;      /* deadlines that threads have set; with the lock */
    atomic_bool interrupted;
    atomic_bool cancelled;    /* a deadline of the running thread has been brought forward */
    atomic_llong wanted_fuel; /* of another thread than the running one; or PW_NOTHING_WANTED */
    atomic_llong seen_fuel;   /* for other threads */
    /* Why a call has to look at all this when it begins: PW_WATCH_... */
    PW_SHARED(unsigned char) watched;
    pw_store_object *outer; /* held: its host function made the outermost call */
    pw_store_object *inner; /* whose outer this is; with the lock */
} pw_watch;

#define PW_NOTHING_WANTED (-2)

#define PW_WATCH_FUEL 1u
#define PW_WATCH_TIMEOUT 2u
#define PW_WATCH_SCOPES 4u
#define PW_WATCH_INTERRUPTED 8u
#define PW_WATCH_OUTER 16u

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
    pw_store_object *next, **link; /* all stores, for after_fork */
};

extern PyType_Spec pw_store_spec;

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

/* ---- control.c ---- */

/* Of a new store: fuel, timeout. */
void pw_watch_init(pw_store_object *self, long long fuel, int64_t timeout);
/* The outermost call has ended: nobody wants to stop it any more. With the lock. */
void pw_watch_settle(pw_store_object *self);
/* Why the running call must stop. */
pw_trap pw_watch_pending(pw_store_object *self);
/* Takes the GIL again. */
void pw_take_gil(pw_store_object *self);
pw_trap pw_tick(void *store_object);
void pw_set_main_thread(unsigned long ident);

/* Methods and attributes of Store. */
PyObject *pw_store_interrupt(PyObject *op, PyObject *ignored);
PyObject *pw_store_begin_deadline(PyObject *op, PyObject *seconds);
PyObject *pw_store_end_deadline(PyObject *op, PyObject *id);
PyObject *pw_store_cancel(PyObject *op, PyObject *id);
PyObject *pw_store_get_fuel(PyObject *op, void *closure);
int pw_store_set_fuel(PyObject *op, PyObject *value, void *closure);
/* Ends all deadlines. With the lock. */
void pw_watch_clear(pw_store_object *self);

/* The store whose host function runs on this thread, or ran, for coroutines can mix; held. */
extern PW_THREAD_LOCAL pw_store_object *pw_hosting;

#ifdef Py_GIL_DISABLED

static inline bool pw_may_be_hosting(void)
{
    return pw_hosting;
}

static inline void pw_count_host_calls(Py_ssize_t Py_UNUSED(change))
{
}

#else

/* Host functions that run, on all threads: while there is none, no thread need look that up. */
extern Py_ssize_t pw_host_calls;

static inline bool pw_may_be_hosting(void)
{
    return pw_host_calls;
}

static inline void pw_count_host_calls(Py_ssize_t change)
{
    pw_host_calls += change;
}

#endif

/* A call of a store that is watched, or by a host function of another store. */
pw_trap pw_watched_call(pw_store_object *self, const pw_callee *callee, uint64_t *values);

/* Calls with values as pw_api.call has them, in the entered store. The GIL is held afterwards. */
static PW_ALWAYS_INLINE pw_trap pw_run_call(pw_store_object *self, const pw_callee *callee,
                                            uint64_t *values)
{
    if (pw_read(self->watch.watched) || pw_may_be_hosting()) {
        return pw_watched_call(self, callee, values);
    }
    self->watch.started = 0;
    pw_trap trap = pw_engine->call(callee, values);
    if (self->watch.let_go != NULL) {
        pw_take_gil(self);
    }
    return trap;
}

/* Calls once per element, likewise. */
pw_trap pw_run_batch(pw_store_object *self, const pw_callee *callee, pw_map_job *batch);

/* ---- references.c ---- */

/* How a value is converted. Of numbers and v128 it is the byte of the type; references are below.
 */
typedef uint8_t pw_kind;
enum {
    PW_KIND_FUNC = 1,
    PW_KIND_EXTERN = 2,
    PW_KIND_OTHER = 3, /* only null */
    PW_KIND_NON_NULL = 0x10
};

pw_kind pw_kind_of(pw_valtype type);

static inline bool pw_is_number(pw_kind kind)
{
    return kind >= PW_V128;
}

/* Of parameters, then results. Whether there are references among them. */
static inline bool pw_fill_kinds(pw_kind *kinds, const pw_functype *type)
{
    bool references = false;
    for (uint32_t i = 0; i < type->nparams; i++) {
        references |= !pw_is_number(*kinds++ = pw_kind_of(type->params[i]));
    }
    for (uint32_t i = 0; i < type->nresults; i++) {
        references |= !pw_is_number(*kinds++ = pw_kind_of(type->results[i]));
    }
    return references;
}

/* Whose parameters or results are converted. */
typedef struct {
    PyObject *name;
    pw_store_object *store;
    pw_module *module;       /* that type indices refer to; a Function retains it */
    const pw_functype *type; /* of the module */
} pw_party;

/* A reference for the store of the party. The object of an external one is not held yet. -1 with
 * TypeError that does not name the party, or when the store is closed. */
int pw_encode_reference(PyObject *value, pw_valtype type, const pw_party *party, uint64_t *bits);
/* Holds the objects among encoded values, in the (entered) store. */
int pw_hold_references(pw_store_object *store, const pw_kind *kinds, const uint64_t *bits,
                       Py_ssize_t count);
/* A number or a reference, in the (entered) store. */
PyObject *pw_decode_any(uint64_t bits, pw_kind kind, bool raw, pw_store_object *store);

/* As pw_encode_all and pw_decode_results, with references among the values. `raw` is about numbers
 * only. */
int pw_encode_mixed(PyObject *const *values, const pw_kind *kinds, Py_ssize_t count, bool raw,
                    uint64_t *bits, const pw_party *party, bool results);
PyObject *pw_decode_mixed(const uint64_t *bits, const pw_kind *kinds, Py_ssize_t count, bool raw,
                          pw_store_object *store);

/* ---- host.c ---- */

extern PyType_Spec pw_host_spec;

/* New reference; the store keeps one too. The party's name is "module.name" of the import. */
PyObject *pw_host_new(pw_state *state, const pw_party *party, PyObject *callable,
                      PyObject *instance);
pw_trap pw_host_call(void *object, uint64_t *values);

/* ---- function.c ---- */

extern PyType_Spec pw_function_spec;

/* What a Function is made of. */
typedef struct {
    pw_func *func;
    pw_callee callee;
    pw_module *module; /* retained */
    const pw_functype *type;
} pw_target;

/* Of a function of a store that is entered or pinned. */
pw_target pw_target_of(pw_func *func);
/* The module of the target is transferred in any case. */
PyObject *pw_function_new(pw_state *state, pw_store_object *store, const pw_target *target,
                          PyObject *name, PyObject *type, bool raw);
/* The pw_func of a Function of the (open) store; NULL: it is of another one. */
pw_func *pw_function_in(PyObject *function, pw_store_object *store);

/* ---- memory.c ---- */

extern PyType_Spec pw_memory_spec;

/* Of a Memory; borrowed from it. */
pw_memory *pw_memory_of(PyObject *op);

/* ---- wasi.c ---- */

extern PyType_Spec pw_fd_write_spec;

#endif
