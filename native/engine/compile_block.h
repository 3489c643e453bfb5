/* SPDX-License-Identifier: MIT */
/* Part of engine.c: blocks, loops and ifs.
 *
 * The compiler's stack while a block is open, from the bottom: records of the parameters as they
 * were given (exitStackIndex), records of where the results go, then (blockStackIndex) the
 * operands, of which the parameters are the first. Records hold slots but do not keep them
 * allocated.
 */

/* ---- code that cannot be reached ---- */

/* Up to the `else` or `end` of the present block. wasm3 compiles dead code, whose operands have no
 * types, and finds no operation for it. */
static M3Result skip_dead_code(IM3Compilation o)
{
    u32 depth = 0;
    while (o->wasm < o->wasmEnd) {
        u8 opcode = *o->wasm;
        if (depth == 0 && (opcode == c_waOp_else || opcode == c_waOp_end))
            return NULL;
        depth += opcode >= c_waOp_block && opcode <= c_waOp_if;
        depth -= opcode == c_waOp_end;
        o->wasm = pw_skip_instruction(o->wasm);
    }
    return m3Err_wasmUnderrun;
}

/* ---- the instructions of a block ---- */

static M3Result compile_instruction(IM3Compilation o, m3opcode_t opcode)
{
    M3Compiler own = find_own_compiler(opcode);
    if (own)
        return own(o, opcode);
    IM3OpInfo info = GetOpInfo(opcode);
    if (!info)
        return ErrorCompile(m3Err_unknownOpcode, o, "opcode '%x' not available", opcode);
    return info->compiler ? info->compiler(o, opcode) : Compile_Operator(o, opcode);
}

/* Emitted operations between two places where a call can be stopped: some microseconds. */
#define MOST_UNSEEN 256

/* Calls and loops are checked; code that is long without them needs a check of its own. */
static M3Result look_now_and_then(IM3Compilation o)
{
#ifndef PW_UNCHECKED
    const pw_compilation *state = compilation_of(o);
    if (state->operations - state->seen > MOST_UNSEEN) {
        note_check(o);
        return EmitOp(o, op_pwLook);
    }
#endif
    return NULL;
}

M3Result CompileBlockStatements(IM3Compilation o)
{
    while (o->wasm < o->wasmEnd) {
        m3opcode_t opcode = 0;
        M3Result result = IsStackPolymorphic(o) ? skip_dead_code(o) : NULL;
        o->lastOpcodeStart = o->wasm;
        if (!result && !IsStackPolymorphic(o))
            result = look_now_and_then(o);
        if (!result)
            result = read_opcode(o, &opcode);
        if (!result)
            result = compile_instruction(o, opcode);
        if (result)
            return result;
        o->previousOpcode = opcode;
        if (opcode == c_waOp_else)
            return o->block.opcode == c_waOp_if ? NULL : m3Err_wasmMalformed;
        if (opcode == c_waOp_end)
            return NULL;
    }
    return m3Err_wasmMalformed;
}

/* ---- opening and closing ---- */

/* Takes the parameters off the stack; their records stay. The arm after `else` finds the records.
 */
static M3Result pop_params(IM3Compilation o, IM3FuncType type, m3opcode_t opcode)
{
    u16 count = GetFuncTypeNumParams(type);
    u16 top = o->stackIndex;
    if (opcode != c_waOp_else)
        for (u16 i = count; i > 0; --i) {
            M3Result result = PopType(o, GetFuncTypeParamType(type, i - 1));
            if (result)
                return result;
        }
    o->block.exitStackIndex = top - count;
    o->stackIndex = top;
    return NULL;
}

/* Finds slots for the results, keeps the records, and gives the slots back. */
static M3Result record_results(IM3Compilation o, IM3FuncType type)
{
    M3Result result = PushBlockResults(o);
    u16 top = o->stackIndex;
    for (u16 i = GetFuncTypeNumResults(type); i > 0 && !result; --i)
        result = Pop(o);
    o->block.blockStackIndex = o->stackIndex = top;
    return result;
}

/* wasm3 forgets that others may share a parameter's slot. */
static M3Result push_params(IM3Compilation o, IM3FuncType type)
{
    for (u16 i = 0; i < GetFuncTypeNumParams(type); ++i) {
        u8 param = GetFuncTypeParamType(type, i);
        u16 slot = o->wasmStack[o->block.exitStackIndex + i];
        M3Result result = Push(o, param, slot);
        if (result)
            return result;
        if (slot < o->slotFirstDynamicIndex)
            continue;
        if (IsSlotAllocated(o, slot))
            share_slots(o, slot, param);
        else
            MarkSlotsAllocatedByType(o, slot, param);
    }
    return NULL;
}

static M3Result open_block(IM3Compilation o, IM3FuncType type, m3opcode_t opcode)
{
    M3Result result = spend(o, GetFuncTypeNumParams(type) + GetFuncTypeNumResults(type));
    if (!result)
        result = pop_params(o, type, opcode);
    if (!result)
        result = record_results(o, type);
    return result ? result : push_params(o, type);
}

/* The results are where the records say. After the first arm of an if they are not yet on the
 * stack: the other arm begins with the stack as it was. */
static M3Result close_block(IM3Compilation o, IM3FuncType type, m3opcode_t opcode)
{
    M3Result result = IsStackPolymorphic(o) ? NULL : ResolveBlockResults(o, &o->block, false);
    if (!result)
        result = UnwindBlockStack(o);
    bool other_arm_follows =
        opcode == c_waOp_if && (o->previousOpcode == c_waOp_else || GetFuncTypeNumResults(type));
    if (!result && !other_arm_follows) {
        o->stackIndex = o->block.exitStackIndex;
        result = PushBlockResults(o);
    }
    PatchBranches(o);
    return result;
}

static const char blocks_nest_too_deep[] =
    "blocks nest too deep for the native stack of this thread";

M3Result CompileBlock(IM3Compilation o, IM3FuncType type, m3opcode_t opcode)
{
    pw_instance *instance = o->runtime->userdata;
    if (!native_stack_left(instance->store, 0))
        return blocks_nest_too_deep;
    pw_compilation *state = compilation_of(o);
    M3CompilationScope outer = o->block;
    M3Result result = grow_scopes(state, (u32)outer.depth);
    if (result)
        return result;
    u32 seen = state->seen;
    if (opcode == c_waOp_loop)
        note_check(o);
    state->scopes[outer.depth].scope = &outer;
    o->block.outer = &outer;
    o->block.pc = GetPagePC(o->page);
    o->block.patches = NULL;
    o->block.type = type;
    o->block.depth++;
    o->block.opcode = opcode;
    result = open_block(o, type, opcode);
    if (!result)
        result = CompileBlockStatements(o);
    if (!result)
        result = close_block(o, type, opcode);
    o->block = outer;
    state->seen = seen; /* branches to the end may pass none of those within */
    return result;
}

/* ---- block, loop, else ---- */

/* A branch back writes the parameters of a loop where they are at its beginning: none may be a
 * constant, or share its slot with another value. */
static M3Result own_param(IM3Compilation o, u16 index)
{
    u16 fresh, slot = o->wasmStack[index];
    u8 type = o->typeStack[index];
    bool dynamic = slot >= o->slotFirstDynamicIndex;
    if (dynamic && o->m3Slots[slot] == 1)
        return NULL;
    M3Result result = AllocateSlots(o, &fresh, type);
    if (!result)
        result = emit_move(o, fresh, slot, type);
    if (!result && dynamic)
        DeallocateSlot(o, (i16)slot, type);
    o->wasmStack[index] = fresh;
    return result;
}

static M3Result own_params(IM3Compilation o, IM3FuncType type)
{
    u16 count = GetFuncTypeNumParams(type);
    if (count > GetNumBlockValuesOnStack(o))
        return m3Err_functionStackUnderrun;
    for (u16 i = o->stackIndex - count; i < o->stackIndex; ++i) {
        M3Result result = own_param(o, i);
        if (result)
            return result;
    }
    return NULL;
}

static M3Result Compile_LoopOrBlock(IM3Compilation o, m3opcode_t opcode)
{
    IM3FuncType type;
    M3Result result = PreserveRegisters(o);
    if (!result)
        result = PreserveArgsAndLocals(o);
    if (!result)
        result = ReadBlockType(o, &type);
    if (!result && opcode == c_waOp_loop) {
        result = own_params(o, type);
        if (!result)
            result = EmitOp(o, op_Loop);
    }
    return result ? result : CompileBlock(o, type, opcode);
}

/* The arm after `else`, on a page of its own. wasm3's version loses a page when it fails. */
static M3Result CompileElseBlock(IM3Compilation o, pc_t *start, IM3FuncType type)
{
    IM3CodePage page, saved = o->page;
    M3Result result = AcquireCompilationCodePage(o, &page);
    if (result)
        return result;
    *start = GetPagePC(page);
    o->page = page;
    result = CompileBlock(o, type, c_waOp_else);
    if (!result)
        result = EmitOp(o, op_Branch);
    if (!result)
        EmitPointer(o, GetPagePC(saved));
    ReleaseCompilationCodePage(o);
    o->page = saved;
    return result;
}
