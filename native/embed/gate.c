/* SPDX-License-Identifier: MIT */
/* Gates, and calls through them.
 *
 * A call enters, runs and leaves within one function of C: no asynchronous exception of Python can
 * come in between and leave the store taken. */
#include "embed/gate.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "embed/thrown.h"
#include "engine/engine.h"
#include "runtime/memory.h"

struct pw_gate {
    atomic_uintptr_t owner; /* 0: no thread has the turn */
    uint32_t depth;         /* how often the owner has entered; only the owner reads it */
    atomic_uint bits;
    pw_store *store;       /* valid while it is open */
    const pw_meter *meter; /* of the store */
    pw_endings endings;
};

/* Stands for a thread that does not exist. */
#define ORPHAN ((uintptr_t)1)

/* How many host functions run on this thread. */
static PW_THREAD_LOCAL unsigned hosting;
/* Where the outermost call of this thread began to use the native stack. */
static PW_THREAD_LOCAL uintptr_t stack_base;

static void note_stack(void)
{
    if (hosting == 0) {
        stack_base = (uintptr_t)__builtin_frame_address(0);
    }
}

/* ---- gates ---- */

pw_gate *pw_gate_new(pw_store *store)
{
    pw_gate *gate = calloc(1, sizeof *gate);
    if (gate != NULL) {
        gate->store = store;
        gate->meter = pw_store_meter(store);
        pw_store_meter(store)->embedder = gate;
    }
    return gate;
}

void pw_gate_free(pw_gate *gate)
{
    if (gate != NULL) {
        free(gate->endings.endings);
        free(gate);
    }
}

uintptr_t pw_gate_thread(void)
{
    return (uintptr_t)&hosting;
}

uintptr_t pw_gate_owner(const pw_gate *gate)
{
    return atomic_load(&gate->owner);
}

static bool is_mine(const pw_gate *gate)
{
    return atomic_load_explicit(&gate->owner, memory_order_relaxed) == pw_gate_thread();
}

uint32_t pw_gate_depth(const pw_gate *gate)
{
    return is_mine(gate) ? gate->depth : 0;
}

static bool take(pw_gate *gate)
{
    uintptr_t nobody = 0;
    return atomic_compare_exchange_strong(&gate->owner, &nobody, pw_gate_thread());
}

bool pw_gate_enter(pw_gate *gate, bool first)
{
    if (!is_mine(gate)) {
        if ((!first && (atomic_load(&gate->bits) & PW_GATE_AWAITED)) || !take(gate)) {
            return false;
        }
    }
    gate->depth++;
    return true;
}

/* A thread that begins to wait sets PW_GATE_AWAITED and then tries to take the turn. This one gives
 * the turn up and then reads the bits. So one of the two sees what the other has done. */
static uint32_t leave(pw_gate *gate)
{
    if (--gate->depth > 0) {
        return 0;
    }
    atomic_store(&gate->owner, 0);
    return atomic_load(&gate->bits) & (PW_GATE_UNSETTLED | PW_GATE_AWAITED);
}

uint32_t pw_gate_leave_to(pw_gate *gate, uint32_t depth)
{
    uint32_t bits = 0;
    while (pw_gate_depth(gate) > depth) {
        bits = leave(gate);
    }
    return bits;
}

void pw_gate_orphan(pw_gate *gate)
{
    atomic_store(&gate->owner, ORPHAN);
}

uint32_t pw_gate_bits(const pw_gate *gate)
{
    return atomic_load(&gate->bits);
}

void pw_gate_add_bits(pw_gate *gate, uint32_t bits)
{
    atomic_fetch_or(&gate->bits, bits);
}

void pw_gate_drop_bits(pw_gate *gate, uint32_t bits)
{
    atomic_fetch_and(&gate->bits, ~bits);
}

/* ---- calls ---- */

static void begin_call(pw_store *store, pw_aside *aside)
{
    note_stack();
    pw_set_aside(store, aside);
}

/* Ends what begin_call has begun. The result is `trap`, or another one if there is no memory. */
static pw_trap end_call(pw_store *store, pw_aside *aside, pw_trap trap)
{
    pw_gate *gate = store->meter.embedder;
    if (trap == PW_TRAP_EXCEPTION && !pw_keep_ending(store, &gate->endings, gate->depth)) {
        trap = PW_TRAP_NO_MEMORY;
    }
    pw_put_back(store, aside);
    return trap;
}

/* ---- calls at once ---- */

/* Enters if a call needs no preparation. The outermost call of a store needs some if a host
 * function makes it: what stops the call around that function stops it, too. */
static bool enter_at_once(pw_gate *gate)
{
    bool nested = is_mine(gate);
    uint32_t obstacles = PW_GATE_CLOSED | PW_GATE_WATCHED;
    if (!nested) {
        obstacles |= PW_GATE_UNSETTLED | PW_GATE_AWAITED;
        if (hosting > 0 || !take(gate)) {
            return false;
        }
    }
    if (atomic_load(&gate->bits) & obstacles) {
        if (!nested) {
            atomic_store(&gate->owner, 0);
        }
        return false;
    }
    gate->depth++;
    return true;
}

/* Extends a result as pw_gate_call promises. */
static uint64_t extended(pw_valtype type, uint64_t cell, bool raw)
{
    uint32_t low = (uint32_t)cell;
    float narrow;
    double wide;
    uint64_t bits;
    if (type != PW_I32 && type != PW_F32) {
        return cell;
    }
    if (raw) {
        return low;
    }
    if (type == PW_I32) {
        return (uint64_t)(int64_t)(int32_t)low;
    }
    memcpy(&narrow, &low, sizeof narrow);
    wide = (double)narrow;
    memcpy(&bits, &wide, sizeof bits);
    return bits;
}

int pw_gate_call(const pw_entry *entry, const char *args, void *results)
{
    pw_gate *gate = entry->gate;
    const pw_callee *callee = &entry->callee;
    if (!enter_at_once(gate)) {
        return PW_CALL_LATER;
    }
    if (*entry->freed) {
        leave(gate); /* whoever waits takes the turn when the call is made later */
        return PW_CALL_LATER;
    }
    uint64_t *sp = *callee->sp, *cells = results;
    memcpy(sp + callee->nresults, args, callee->nparams * sizeof *sp);
    pw_aside aside;
    begin_call(callee->store, &aside);
    pw_trap trap = end_call(callee->store, &aside, pw_get_api()->call_in_place(callee));
    if (trap != PW_TRAP_NONE) {
        return (int)trap;
    }
    for (uint32_t i = 0; i < callee->nresults; i++) {
        cells[i] = extended(callee->results[i], sp[i], entry->raw);
    }
    return leave(gate) ? PW_CALL_UNSETTLED : PW_TRAP_NONE;
}

/* ---- the table of functions ---- */

pw_trap pw_call_entered(const pw_callee *callee, uint64_t *values, pw_hold *holds)
{
    pw_aside aside;
    begin_call(callee->store, &aside);
    pw_trap trap = end_call(callee->store, &aside, pw_get_api()->call(callee, values));
    if (trap == PW_TRAP_NONE && holds != NULL) {
        pw_hold_results(callee, values, holds);
    }
    return trap;
}

pw_trap pw_call_map(const pw_callee *callee, pw_map_job *job)
{
    pw_aside aside;
    begin_call(callee->store, &aside);
    return end_call(callee->store, &aside, pw_get_api()->call_map(callee, job));
}

pw_callee pw_callee_of(const pw_func *func)
{
    return pw_get_api()->callee(func);
}

void *pw_func_embedder(const pw_func *func)
{
    return pw_get_api()->func_embedder(func);
}

pw_account *pw_store_account(const pw_store *store)
{
    return pw_get_api()->store_account(store);
}

void pw_store_forget_frames(pw_store *store)
{
    pw_get_api()->store_forget_frames(store);
}

pw_thrown pw_gate_thrown(const pw_gate *gate)
{
    return pw_ending_thrown(gate->store, &gate->endings, gate->depth);
}

pw_object *pw_gate_keep_thrown(const pw_gate *gate)
{
    return pw_ending_keep(gate->store, &gate->endings, gate->depth);
}

void pw_gate_end_thrown(pw_gate *gate)
{
    pw_end_endings(gate->store, &gate->endings, gate->depth);
}

pw_tag *pw_object_tag(pw_object *object)
{
    return pw_get_api()->object_tag(object);
}

const pw_valtype *pw_tag_params(const pw_tag *tag, uint32_t *count)
{
    return pw_get_api()->tag_params(tag, count);
}

const pw_mapping *pw_memory_waited(const pw_memory *memory)
{
    return pw_memory_mapping(memory);
}

/* ---- the meter ---- */

pw_meter *pw_store_meter_of(pw_store *store)
{
    return pw_store_meter(store);
}

/* The timer is called only if it would wake up too late. The order of these two accesses to atomic
 * variables matters: see timer.c. */
void pw_meter_stop_at(pw_meter *meter, int64_t due)
{
    atomic_store(&meter->due, due);
    if (due != PW_NEVER && (due < atomic_load(pw_timer_wakes()) || !meter->timed)) {
        pw_timer_call(meter);
    }
}

int64_t pw_meter_stops_at(const pw_meter *meter)
{
    return atomic_load(&meter->due);
}

void pw_meter_stop_now(pw_meter *meter)
{
    pw_meter_stop(meter);
}

/* ---- hooks ---- */

static int (*python_host)(void *object, uint64_t *values);
static int (*python_tick)(void *embedder);
static int (*python_catch)(void *embedder, bool keep, uint64_t *reference);
static uint64_t python_room = UINT64_MAX;

/* Whether Python may run: see `room` of pw_set_python_hooks. */
static bool is_room_left(void)
{
    return stack_base - (uintptr_t)__builtin_frame_address(0) < python_room;
}

/* What a function of Python has answered. */
static pw_trap trap_in(int answer)
{
    int trap = answer - PW_ANSWER;
    return trap >= PW_TRAP_NONE && trap < PW_TRAP_COUNT ? (pw_trap)trap : PW_TRAP_NATIVE_STACK;
}

static pw_trap call_host(void *object, uint64_t *values)
{
    if (!is_room_left()) {
        return PW_TRAP_NATIVE_STACK;
    }
    hosting++;
    pw_trap trap = trap_in(python_host(object, values));
    hosting--;
    return trap;
}

/* The poll hook. Work may call it in the middle of a change, when no code of Python may run. The
 * earliest deadline of the running call and of those around it is when the timer stops it. */
static pw_trap poll(void *embedder, bool in_call)
{
    const pw_gate *gate = embedder;
    uint32_t bits = atomic_load(&gate->bits);
    (void)in_call;
    if (bits & PW_GATE_INTERRUPTED) {
        return PW_TRAP_INTERRUPTED;
    }
    bool due = bits & PW_GATE_CANCELLED || pw_now() >= atomic_load(&gate->meter->due);
    return due ? PW_TRAP_DEADLINE : PW_TRAP_NONE;
}

static pw_trap tick(void *embedder)
{
    return is_room_left() ? trap_in(python_tick(embedder)) : poll(embedder, true);
}

/* Without room, the exception passes as if the code did not catch it. */
static pw_trap catch(void *embedder, bool keep, uint64_t *reference)
{
    return is_room_left() ? trap_in(python_catch(embedder, keep, reference)) : PW_TRAP_HOST;
}

void pw_set_python_hooks(int (*host)(void *object, uint64_t *values),
                         int (*on_tick)(void *embedder),
                         int (*catching)(void *embedder, bool keep, uint64_t *reference),
                         uint64_t room)
{
    python_host = host;
    python_tick = on_tick;
    python_catch = catching;
    python_room = room;
    pw_get_api()->set_hooks(call_host, tick, catch);
    pw_get_api()->set_poll_hook(poll);
}

int64_t pw_time(void)
{
    return pw_now();
}
