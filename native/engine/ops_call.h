/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operations that enter and leave functions and loops. */

/* Most functions have few locals and constants, for which a call of the C library's functions costs
 * more than the work. From 8 to 16 bytes, two accesses overlap. Sizes are multiples of a slot. */
static inline void clear_slots(u8 *target, size_t size)
{
    const u64 zero = 0;
    if (size - 8 > 8) {
        memset(target, 0, size);
        return;
    }
    memcpy(target, &zero, 8);
    memcpy(target + size - 8, &zero, 8);
}

static inline void copy_slots(u8 *target, const void *source, size_t size)
{
    u64 first, last;
    if (size - 8 > 8) {
        memcpy(target, source, size);
        return;
    }
    memcpy(&first, source, 8);
    memcpy(&last, (const u8 *)source + size - 8, 8);
    memcpy(target, &first, 8);
    memcpy(target + size - 8, &last, 8);
}

/* Where code goes on after a frame that ended by a tail call. */
static inline m3ret_t run_tail_call(const pw_store *store)
{
    const M3Function *callee = store->tail.callee;
    return pw_run(callee, store->tail.sp, pw_instance_of(callee)->header);
}

/* A frame ended by something else than a return. Far locals are given back before a tail call. */
static PW_NOINLINE m3ret_t end_frame(pw_store *store, IM3Function function, m3ret_t r)
{
    if (r != pw_tail_call) {
        leave_frame(store, function);
        return r;
    }
    return has_far_locals(function) ? r : run_tail_call(store);
}

/* Ours notes the function of a trap's frame, and does not reload the memory's address: it is fixed.
 */
d_m3Op(pwEntry)
{
    d_m3ClearRegisters IM3Function function = immediate(IM3Function);
    pw_store *store = pw_header_of(_mem)->store;

    if (M3_UNLIKELY((void *)(_sp + function->maxStackSlots) >= _mem->maxStack))
        return trap_in(store, function, m3Err_trapStackOverflow);
    u8 *locals = (u8 *)(_sp + function->numRetAndArgSlots);
    if (function->numLocalBytes)
        clear_slots(locals, function->numLocalBytes);
    if (function->constants)
        copy_slots(locals + function->numLocalBytes, function->constants,
                   function->numConstantBytes);

    m3ret_t r = nextOpImpl();
    return M3_LIKELY(!r) ? r : end_frame(store, function, r);
}

d_m3Op(pwLoop)
{
    d_m3ClearRegisters pw_store *store = pw_header_of(_mem)->store;
    m3ret_t r = checkpoint(store, _sp, _pc - 1);
    while (M3_LIKELY(!r)) {
        r = nextOpImpl();
        if (r != _pc)
            return r;
        r = iterate(store, _sp, _pc - 1);
    }
    return r;
}

/* Within code that is long without calls and loops. */
d_m3Op(pwLook)
{
    m3ret_t r = pass_time(pw_header_of(_mem)->store, _sp, _pc - 1, 1);
    if (M3_UNLIKELY(r))
        return r;
    nextOp();
}

d_m3Op(pwCall)
{
    pc_t target = immediate(pc_t);
    i32 offset = immediate(i32);
    pw_store *store = pw_header_of(_mem)->store;

    m3ret_t r = checkpoint(store, _sp, NULL);
    if (M3_LIKELY(!r))
        r = ((IM3Operation)*target)(target + 1, _sp + offset, _mem, d_m3OpDefaultArgs);
    if (M3_LIKELY(!r))
        nextOp();
    store->record.pc = _pc - 1;
    return r;
}

/* What an element of a table is to call_indirect: the function, or why there is none. */
static inline m3ret_t find_callee(const pw_table *table, u32 index, IM3FuncType type,
                                  IM3Function *callee)
{
    if (M3_UNLIKELY(index >= table->size))
        return m3Err_trapTableIndexOutOfRange;
    *callee = (IM3Function)(uintptr_t)table->elements[index];
    if (M3_UNLIKELY(!*callee))
        return m3Err_trapTableElementIsNull;
    return M3_LIKELY((*callee)->funcType == type) ? NULL : m3Err_trapIndirectCallTypeMismatch;
}

/* The callee may belong to another instance of the store: its code runs on its own memory. */
static inline m3ret_t call_function(pw_store *store, IM3Function callee, m3stack_t sp)
{
    m3ret_t r = M3_LIKELY(callee->compiled) ? NULL : pw_compile(callee);
    if (M3_LIKELY(!r))
        r = checkpoint(store, sp, NULL);
    if (M3_LIKELY(!r))
        r = pw_run(callee, (uint64_t *)(void *)sp, pw_instance_of(callee)->header);
    return r;
}

d_m3Op(pwCallIndirect)
{
    u32 index = slot(u32);
    const pw_table *table = immediate(const pw_table *);
    IM3FuncType type = immediate(IM3FuncType);
    i32 offset = immediate(i32);
    pw_store *store = pw_header_of(_mem)->store;
    IM3Function callee = NULL;

    m3ret_t r = find_callee(table, index, type, &callee);
    if (M3_UNLIKELY(r))
        return trap_at(store, _pc - 1, r);
    r = call_function(store, callee, _sp + offset);
    if (M3_LIKELY(!r))
        nextOp();
    store->record.pc = _pc - 1;
    return r;
}

d_m3Op(pwCallRef)
{
    IM3Function callee = slot(IM3Function);
    i32 offset = immediate(i32);
    pw_store *store = pw_header_of(_mem)->store;

    if (M3_UNLIKELY(!callee))
        return trap_at(store, _pc - 1, trap_null_function);
    m3ret_t r = call_function(store, callee, _sp + offset);
    if (M3_LIKELY(!r))
        nextOp();
    store->record.pc = _pc - 1;
    return r;
}

/* The first call of a function: compiles it and becomes the call. wasm3's becomes the call first,
 * so that a second call of a function that cannot be compiled runs data. */
d_m3Op(pwCompile)
{
    IM3Function function = immediate(IM3Function);
    if (!function->compiled) {
        M3Result error = pw_compile(function);
        if (error) {
            pw_header_of(_mem)->store->record.pc = _pc - 1;
            return error;
        }
    }
    code_t *word = (code_t *)(void *)(_pc - 2);
    word[0] = (code_t)op_pwCall;
    word[1] = (code_t)(uintptr_t)function->compiled;
    --_pc;
    return op_pwCall(_pc, d_m3OpArgs);
}

/* The code of a function that cannot be compiled: compile_function.h. */
d_m3Op(pwFailed)
{
    IM3Function function = immediate(IM3Function);
    m3ret_t error = immediate(m3ret_t);
    pw_store *store = pw_header_of(_mem)->store;
    memcpy(store->message, _pc, sizeof store->message);
    return trap_in(store, function, error);
}

/* An import that the host provides. */
d_m3Op(pwHost)
{
    IM3Function function = immediate(IM3Function);
    void *object = immediate(void *);
    IM3FuncType type = function->funcType;
    pw_store *store = pw_header_of(_mem)->store;
    uint64_t *values = (uint64_t *)(void *)_sp;

    if (M3_UNLIKELY(!native_stack_left(store, PW_HOST_RESERVE)))
        return trap_at(store, NULL, m3Err_trapStackOverflow);
    excursion e = begin_excursion(store, values + type->numRets + type->numArgs);
    pw_trap trap = host_hook(object, values);
    bool in_order = end_excursion(store, &e);
    if (M3_LIKELY(trap == PW_TRAP_NONE && in_order))
        return NULL;
    return trap_at(store, NULL, trap == PW_TRAP_NONE ? trap_order : trap_of(trap));
}

/* An import that another instance of the store provides. */
d_m3Op(pwLink)
{
    IM3Function target = immediate(IM3Function);
    M3Result error = target->compiled ? NULL : pw_compile(target);
    if (M3_UNLIKELY(error))
        return error;
    return pw_run(target, (uint64_t *)(void *)_sp, pw_instance_of(target)->header);
}
