/* SPDX-License-Identifier: MIT */
/* Part of engine.c: the frames of a trap, and the checks that a running call passes.
 *
 * What traps begins a record; on the way out each caller notes where it called and each entry which
 * function it was. The record is bounded, so a trap from a deep recursion costs no more than
 * others.
 */

const char pw_trap_host[] = "host function failed";
static const char trap_null_function[] = "null function reference";

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

/* A trap of a function before its first instruction. */
static PW_NOINLINE m3ret_t trap_in(pw_store *store, IM3Function function, m3ret_t trap)
{
    trap_at(store, NULL, NULL);
    leave_frame(store, function);
    return trap;
}

/* The hook can run code of the host that calls functions of the store: a signal handler. Their
 * values go above the running frame, whose base is sp. */
static PW_NOINLINE m3ret_t tick(pw_store *store, m3stack_t sp, pc_t pc)
{
    uint64_t *saved = store->sp;
    uint64_t *above = (uint64_t *)(void *)sp + PW_MAX_FRAME / sizeof(uint64_t);
    store->ticks = PW_TICK_PERIOD;
    store->sp = above < store->stack_end ? above : store->stack_end;
    bool ok = !tick_hook || tick_hook(store);
    store->sp = saved;
    return ok ? NULL : trap_at(store, pc, pw_trap_host);
}

static inline bool native_stack_left(const pw_store *store, uintptr_t reserve)
{
    return (uintptr_t)__builtin_frame_address(0) >= store->native_limit + reserve;
}

/* Passed at each call and each iteration of a loop, with the base of the running frame. */
static inline m3ret_t checkpoint(pw_store *store, m3stack_t sp, pc_t pc)
{
    if (M3_UNLIKELY(--store->ticks < 0)) {
        m3ret_t trap = tick(store, sp, pc);
        if (trap)
            return trap;
    }
    if (M3_UNLIKELY(!native_stack_left(store, 0)))
        return trap_at(store, pc, m3Err_trapStackOverflow);
    return NULL;
}
