/* SPDX-License-Identifier: MIT */
/* Part of engine.c: the frames of a trap, and the checks that a running call passes.
 *
 * What traps begins a record; on the way out each caller notes where it called and each entry which
 * function it was. The record is bounded, so a trap from a deep recursion costs no more than
 * others.
 */

const char pw_trap_host[] = "host function failed";
static const char trap_null_function[] = "null function reference";
static const char trap_null_reference[] = "null reference";
static const char trap_table_bounds[] = "out of bounds table access";
static const char trap_fuel[] = "out of fuel";
static const char trap_interrupted[] = "interrupted";
static const char trap_deadline[] = "deadline exceeded";
static const char trap_order[] = "calls returned out of order";

/* What code returns that ends its frame by a tail call; the store says which. No trap. */
static const char pw_tail_call[] = "tail call";

static pw_host_hook host_hook;
static pw_tick_hook tick_hook;

void pw_set_engine_hooks(pw_host_hook host, pw_tick_hook tick)
{
    host_hook = host;
    tick_hook = tick;
}

static void begin_trap(M3MemoryHeader *mem, pc_t pc)
{
    pw_record *record = &pw_header_of(mem)->store->record;
    record->count = 0;
    record->pc = pc;
}

static void leave_frame(pw_store *store, IM3Function function)
{
    pw_record *record = &store->record;
    pw_mark mark = {function, record->pc};
    if (record->count < PW_RECORD_HALF)
        record->head[record->count] = mark;
    else
        record->tail[record->count % PW_RECORD_HALF] = mark;
    record->count++;
}

static m3ret_t trap_at(pw_store *store, pc_t pc, m3ret_t trap)
{
    store->record.count = 0;
    store->record.pc = pc;
    return trap;
}

#define TRAP_HERE(TRAP) return trap_at(pw_header_of(_mem)->store, _pc - 1, TRAP)

/* A trap of a function before its first instruction. */
static PW_NOINLINE m3ret_t trap_in(pw_store *store, IM3Function function, m3ret_t trap)
{
    trap_at(store, NULL, NULL);
    leave_frame(store, function);
    return trap;
}

/* ---- the checks of a running call ---- */

static inline bool native_stack_left(const pw_store *store, uintptr_t reserve)
{
    return (uintptr_t)__builtin_frame_address(0) >= store->native_limit + reserve;
}

static m3ret_t trap_of(pw_trap trap)
{
    switch (trap) {
    case PW_TRAP_NONE: return NULL;
    case PW_TRAP_STACK_EXHAUSTED: return m3Err_trapStackOverflow;
    case PW_TRAP_OUT_OF_FUEL: return trap_fuel;
    case PW_TRAP_INTERRUPTED: return trap_interrupted;
    case PW_TRAP_DEADLINE: return trap_deadline;
    default: return pw_trap_host;
    }
}

/* The host runs, and may call functions of the store: their values go above the running frame. With
 * coroutines it can return from excursions in another order than it went, when frames have been
 * mixed: then none of them may go on. */
typedef struct {
    uint64_t *sp;
    uint64_t outer;
    uint64_t number;
} excursion;

static inline excursion begin_excursion(pw_store *store, uint64_t *above)
{
    excursion e = {store->sp, store->excursion, ++store->excursions};
    store->sp = above;
    store->excursion = e.number;
    return e;
}

/* Whether they end in order. */
static inline bool end_excursion(pw_store *store, const excursion *e)
{
    bool in_order = store->excursion == e->number;
    store->excursion = e->outer;
    if (M3_LIKELY(in_order) || e->sp < store->sp)
        store->sp = e->sp;
    return in_order;
}

/* The frame at sp is the running one. */
static m3ret_t call_tick_hook(pw_store *store, m3stack_t sp)
{
    uint64_t *above = (uint64_t *)(void *)sp + PW_MAX_FRAME / sizeof(uint64_t);
    if (!tick_hook)
        return NULL;
    excursion e = begin_excursion(store, above < store->stack_end ? above : store->stack_end);
    pw_trap trap = tick_hook(store->meter.embedder);
    bool in_order = end_excursion(store, &e);
    return trap == PW_TRAP_NONE && !in_order ? trap_order : trap_of(trap);
}

/* Gives ticks for the next period, unless there are some. */
static void give_ticks(pw_meter *meter)
{
    if (meter->ticks)
        return;
    meter->ticks = meter->period;
    if (meter->fuel == PW_NO_FUEL)
        return;
    if (meter->fuel < meter->ticks)
        meter->ticks = meter->fuel;
    meter->fuel -= meter->ticks;
}

/* False without fuel. */
static bool take_tick(pw_meter *meter)
{
    give_ticks(meter);
    if (meter->ticks == 0)
        return false;
    meter->ticks--;
    return true;
}

static PW_NOINLINE m3ret_t tick(pw_store *store, m3stack_t sp, pc_t pc)
{
    store->meter.ticks = 0;
    m3ret_t trap = call_tick_hook(store, sp);
    if (!trap && !take_tick(&store->meter))
        trap = trap_fuel;
    return trap ? trap_at(store, pc, trap) : NULL;
}

/* Another thread wants the hook to run, or the native stack is used up. */
static PW_NOINLINE m3ret_t stop(pw_store *store, m3stack_t sp, pc_t pc)
{
    m3ret_t trap = NULL;
    /* Before the hook looks for the reason: who gives one later stores PW_STOP_NOW later. */
    if (atomic_exchange(&store->meter.stop_limit, store->native_limit) == PW_STOP_NOW)
        trap = call_tick_hook(store, sp);
    if (!trap && !native_stack_left(store, 0))
        trap = m3Err_trapStackOverflow;
    return trap ? trap_at(store, pc, trap) : NULL;
}

/* Passed at each further iteration of a loop: one tick, and what else it may bring to light. */
static inline m3ret_t iterate(pw_store *store, m3stack_t sp, pc_t pc)
{
#ifdef PW_UNCHECKED
    return NULL;
#else
    return M3_LIKELY(--store->meter.ticks >= 0) ? NULL : tick(store, sp, pc);
#endif
}

/* Passed at each call and each entry of a loop, with the base of the running frame: these take
 * native stack, too. */
static inline m3ret_t checkpoint(pw_store *store, m3stack_t sp, pc_t pc)
{
#ifdef PW_UNCHECKED
    return NULL;
#else
    m3ret_t trap = iterate(store, sp, pc);
    if (M3_UNLIKELY(trap))
        return trap;
    uintptr_t limit = atomic_load_explicit(&store->meter.stop_limit, memory_order_relaxed);
    return M3_LIKELY((uintptr_t)__builtin_frame_address(0) >= limit) ? NULL : stop(store, sp, pc);
#endif
}

/* ---- time that passes without calls and iterations ---- */

static PW_NOINLINE m3ret_t look(pw_store *store, m3stack_t sp, pc_t pc)
{
    pw_meter *meter = &store->meter;
    if (meter->fuel != PW_NO_FUEL)
        meter->fuel += meter->ticks;
    meter->ticks = 0;
    m3ret_t trap = call_tick_hook(store, sp);
    give_ticks(meter);
    return trap ? trap_at(store, pc, trap) : NULL;
}

/* Work that takes as long as so many iterations may. It costs no fuel: what a unit of fuel is must
 * not hang on how the work is done. */
static inline m3ret_t pass_time(pw_store *store, m3stack_t sp, pc_t pc, u32 ticks)
{
#ifdef PW_UNCHECKED
    return NULL;
#else
    pw_meter *meter = &store->meter;
    if (M3_UNLIKELY(meter->ticks < ticks))
        return look(store, sp, pc);
    meter->ticks -= ticks;
    meter->fuel += meter->fuel == PW_NO_FUEL ? 0 : ticks;
    return NULL;
#endif
}
