/* SPDX-License-Identifier: MIT */
/* What pywasm3/_pure, which replaces the extension with the CPython types, needs of C: gates, calls
 * through them, and access to what cffi cannot read itself. */
#ifndef PW_GATE_H
#define PW_GATE_H

#include "embed/api.h"
#include "embed/holding.h"

/* cdef: begin */

/* The gate of a store is a lock that its owner may take again. The thread that has entered *has its
 * turn* to use the store, and may enter once more, as a host function does that calls wasm. Any
 * thread may use a gate at any time, also when its store is freed. */
typedef struct pw_gate pw_gate;

/* What a thread finds when it enters or leaves: any of these bits. */
enum {
    PW_GATE_CLOSED = 1,       /* the store is closed */
    PW_GATE_WATCHED = 2,      /* each call must be prepared */
    PW_GATE_UNSETTLED = 4,    /* the thread that leaves has something to settle before */
    PW_GATE_AWAITED = 8,      /* threads wait for the turn: only the first of them may take it */
    PW_GATE_INTERRUPTED = 16, /* the running call was interrupted, or one around it */
    PW_GATE_CANCELLED = 32    /* another thread has cancelled it, which counts as a deadline */
};

/* Makes the gate of a store; owned by caller. It becomes the store's pw_meter.embedder, which hooks
 * get as their argument. NULL without memory. */
pw_gate *pw_gate_new(pw_store *store);
void pw_gate_free(pw_gate *gate);
/* The number of the running thread, which no other running thread has; never 0. */
uintptr_t pw_gate_thread(void);
/* The thread that has the turn; 0: no thread. */
uintptr_t pw_gate_owner(const pw_gate *gate);
/* How often this thread has entered. */
uint32_t pw_gate_depth(const pw_gate *gate);
/* Takes the turn for this thread, if no other one has it, and enters once. `first` says that this
 * thread may take the turn although others wait for it. False: the thread has not entered. */
bool pw_gate_enter(pw_gate *gate, bool first);
/* Leaves until this thread has entered `depth` times, or does nothing if it has not entered as
 * often. The result is 0, or, if it has left for the last time, the bits PW_GATE_UNSETTLED and
 * PW_GATE_AWAITED. */
uint32_t pw_gate_leave_to(pw_gate *gate, uint32_t depth);
/* Makes sure that no thread ever gets the turn. */
void pw_gate_orphan(pw_gate *gate);
uint32_t pw_gate_bits(const pw_gate *gate);
void pw_gate_add_bits(pw_gate *gate, uint32_t bits);
void pw_gate_drop_bits(pw_gate *gate, uint32_t bits);

/* A function with what a call of it by Python needs. */
typedef struct {
    pw_callee callee;
    pw_gate *gate;
    const bool *freed; /* whether the instance is freed */
    bool raw;          /* numbers are bit patterns */
} pw_entry;

/* Results of pw_gate_call that are not a pw_trap. */
enum {
    PW_CALL_LATER = -1,    /* nothing has happened: the call cannot take place at once */
    PW_CALL_UNSETTLED = -2 /* it has ended, and pw_gate_leave_to would return bits */
};

/* Enters the store, calls a function whose parameters and results are numbers, and leaves the
 * store, if the call needs no preparation and this thread can take the turn. `args` are 64-bit
 * cells. An integer result is extended to 64 bits, a float result to a double; the bits of a raw
 * one are extended by zeros. After a trap the store is still entered. */
int pw_gate_call(const pw_entry *entry, const char *args, void *results);
/* Calls a function of a store that is entered: see pw_api.call. If the call succeeds and `holds` is
 * not NULL, it gets the holds of the results: see pw_hold_results. */
pw_trap pw_call_entered(const pw_callee *callee, uint64_t *values, pw_hold *holds);
pw_trap pw_call_map(const pw_callee *callee, pw_map_job *job);
pw_callee pw_callee_of(const pw_func *func);
/* What pw_instance_new was given as `embedder` for the instance of a function. */
void *pw_func_embedder(const pw_func *func);

pw_account *pw_store_account(const pw_store *store);
void pw_store_forget_frames(pw_store *store);
/* A call that ends with an exception leaves the store entered. The next three functions are about
 * the exception of the call that has ended at the present depth of entering. The first of them
 * returns what was thrown. */
pw_thrown pw_gate_thrown(const pw_gate *gate);
/* Returns an object that keeps the exception, as pw_exception_keep does. */
pw_object *pw_gate_keep_thrown(const pw_gate *gate);
/* Forgets the exception, because Python has taken it. */
void pw_gate_end_thrown(pw_gate *gate);
pw_tag *pw_object_tag(pw_object *object);
const pw_valtype *pw_tag_params(const pw_tag *tag, uint32_t *count);
const pw_mapping *pw_memory_waited(const pw_memory *memory);

/* The meter of a store: how its running code is counted and stopped (runtime/meter.h). */
typedef struct pw_meter pw_meter;
pw_meter *pw_store_meter_of(pw_store *store);
/* Lets the running call stop at a time of pw_now; INT64_MAX: never. */
void pw_meter_stop_at(pw_meter *meter, int64_t due);
int64_t pw_meter_stops_at(const pw_meter *meter);
/* Makes the tick hook run at the next checkpoint. */
void pw_meter_stop_now(pw_meter *meter);

/* What the functions of Python add to a pw_trap that they return. If Python could not even begin to
 * run one, as when its own bound on the stack is reached, the result can be any number. */
enum { PW_ANSWER = 0x5a000000 };
/* Sets the hooks of all stores. They are called by the thread of the call, without a lock of
 * Python, and return a pw_trap plus PW_ANSWER. They are not called where a call has used more than
 * `room` bytes of the native stack. */
void pw_set_python_hooks(int (*host)(void *object, uint64_t *values), int (*tick)(void *embedder),
                         int (*catching)(void *embedder, bool keep, uint64_t *reference),
                         uint64_t room);
int64_t pw_time(void);

/* cdef: end */

#endif
