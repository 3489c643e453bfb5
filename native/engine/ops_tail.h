/* SPDX-License-Identifier: MIT */
/* Part of engine.c: tail calls.
 *
 * The arguments are where the callee expects them from the base of the caller's frame; the caller's
 * maxStackSlots covers them. The operation names the callee in the store and returns pw_tail_call.
 * So the native frames of the caller's loops and of its entry end, and in their place end_frame
 * runs the callee: neither stack grows. Who called the caller sees an ordinary return.
 */

static inline m3ret_t end_by_call(pw_store *store, IM3Function callee, m3stack_t sp, pc_t pc)
{
    m3ret_t r = M3_LIKELY(callee->compiled) ? NULL : pw_compile(callee);
    if (M3_UNLIKELY(r)) {
        store->record.pc = pc;
        return r;
    }
    r = checkpoint(store, sp, pc);
    if (M3_UNLIKELY(r))
        return r;
    store->tail.callee = callee;
    store->tail.sp = (uint64_t *)(void *)sp;
    return pw_tail_call;
}

d_m3Op(pwReturnCall)
{
    IM3Function callee = immediate(IM3Function);
    return end_by_call(pw_header_of(_mem)->store, callee, _sp, _pc - 1);
}

d_m3Op(pwReturnCallIndirect)
{
    const pw_table *table = immediate(const pw_table *);
    IM3FuncType type = immediate(IM3FuncType);
    pw_store *store = pw_header_of(_mem)->store;
    IM3Function callee = NULL;

    m3ret_t r = find_callee(table, (u32)_r0, type, &callee);
    if (M3_UNLIKELY(r))
        return trap_at(store, _pc - 1, r);
    return end_by_call(store, callee, _sp, _pc - 1);
}

d_m3Op(pwReturnCallRef)
{
    IM3Function callee = (IM3Function)(uintptr_t)_r0;
    pw_store *store = pw_header_of(_mem)->store;

    if (M3_UNLIKELY(!callee))
        return trap_at(store, _pc - 1, trap_null_function);
    return end_by_call(store, callee, _sp, _pc - 1);
}
