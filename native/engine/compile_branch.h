/* SPDX-License-Identifier: MIT */
/* Part of engine.c: branches, and the values that they carry. */

/* The last floating-point result of a block is in the register; it may be in a slot that the other
 * results are about to overwrite. */
static M3Result save_last(IM3Compilation o, const transfer *t, u16 *source, u8 type, u16 *fresh)
{
    for (u16 i = 0; i < t->count; ++i) {
        if (!overlap(target_slot(o, t, i), width_of(o->typeStack[t->first + i]), *source,
                     width_of(type)))
            continue;
        if (*fresh + c_ioSlotCount > d_m3MaxFunctionSlots)
            return m3Err_functionStackOverflow;
        M3Result result = emit_move(o, *fresh, *source, type);
        *source = *fresh;
        *fresh += c_ioSlotCount;
        return result;
    }
    return NULL;
}

static M3Result move_results(IM3Compilation o, transfer *t, bool last_in_register)
{
    u16 fresh = slots_above(o, t);
    if (!last_in_register)
        return move_values(o, t, fresh);
    u8 type = GetStackTopType(o);
    u16 source = GetStackTopSlotNumber(o);
    t->count--;
    if (IsRegisterSlotAlias(source))
        return move_values(o, t, fresh);
    M3Result result = save_last(o, t, &source, type, &fresh);
    if (!result)
        result = move_values(o, t, fresh);
    if (!result)
        result = EmitOp(o, c_setRegisterOps[type]);
    if (!result)
        EmitSlotOffset(o, source);
    return result;
}

/* Moves the values on top of the stack to where the target block expects its results, or a loop its
 * parameters. wasm3 counts a last floating-point result twice, and moves another value out of its
 * register for good in code that runs only when the branch is taken. */
static M3Result ResolveBlockResults(IM3Compilation o, IM3CompilationScope target, bool is_branch)
{
    bool to_loop = is_branch && target->opcode == c_waOp_loop;
    u16 params = GetFuncTypeNumParams(target->type);
    u16 count = to_loop ? params : GetFuncTypeNumResults(target->type);
    u16 height = GetNumBlockValuesOnStack(o);
    if (is_branch ? height < count : height != count)
        return m3Err_typeCountMismatch;
    if (!count)
        return NULL;
    transfer t = {.first = o->stackIndex - count, .count = count};
    t.target = target->exitStackIndex + (to_loop ? 0 : params);
    return move_results(o, &t, !to_loop && IsFpType(GetStackTopType(o)));
}

/* The code of a branch that is taken. */
static M3Result emit_jump(IM3Compilation o, IM3CompilationScope target)
{
    bool to_function = target->depth == 0;
    M3Result result =
        spend(o, GetFuncTypeNumParams(target->type) + GetFuncTypeNumResults(target->type));
    if (!result)
        result = to_function ? ReturnValues(o, target, true) : ResolveBlockResults(o, target, true);
    if (result)
        return result;
    if (to_function)
        return EmitOp(o, op_Return);
    if (target->opcode != c_waOp_loop)
        return EmitPatchingBranch(o, target);
    result = EmitOp(o, op_ContinueLoop);
    if (!result)
        EmitPointer(o, target->pc);
    return result;
}

static M3Result read_target(IM3Compilation o, IM3CompilationScope *target)
{
    u32 depth;
    M3Result result = ReadLEB_u32(&depth, &o->wasm, o->wasmEnd);
    return result ? result : GetBlockScope(o, target, (i32)depth);
}

/* The condition is popped; it is followed by where to go if it is false. */
static M3Result emit_conditional_jump(IM3Compilation o, IM3CompilationScope target)
{
    M3Result result =
        EmitOp(o, IsStackTopInRegister(o) ? op_BranchIfPrologue_r : op_BranchIfPrologue_s);
    if (!result)
        result = EmitSlotNumOfStackTopAndPop(o);
    if (result)
        return result;
    pc_t *otherwise = ReservePointer(o);
    result = emit_jump(o, target);
    *otherwise = GetPC(o);
    return result;
}

static M3Result emit_continue_if(IM3Compilation o, IM3CompilationScope target)
{
    M3Result result = CopyStackTopToRegister(o, false);
    if (!result)
        result = PopType(o, c_m3Type_i32);
    if (!result)
        result = EmitOp(o, op_ContinueLoopIf);
    if (!result)
        EmitPointer(o, target->pc);
    return result;
}

static M3Result emit_branch_if(IM3Compilation o, IM3CompilationScope target)
{
    M3Result result = EmitOp(o, IsStackTopInRegister(o) ? op_BranchIf_r : op_BranchIf_s);
    if (!result)
        result = EmitSlotNumOfStackTopAndPop(o);
    if (!result)
        EmitPatchingBranchPointer(o, target);
    return result;
}

static M3Result compile_branch_if(IM3Compilation o, IM3CompilationScope target)
{
    bool to_loop = target->opcode == c_waOp_loop;
    bool carries =
        to_loop ? GetFuncTypeNumParams(target->type) : GetFuncTypeNumResults(target->type);
    if (carries || target->depth == 0)
        return emit_conditional_jump(o, target);
    return to_loop ? emit_continue_if(o, target) : emit_branch_if(o, target);
}

/* br and br_if. wasm3's br passes no values to a loop. */
static M3Result Compile_Branch(IM3Compilation o, m3opcode_t opcode)
{
    IM3CompilationScope target;
    M3Result result = read_target(o, &target);
    if (result)
        return result;
    if (opcode == c_waOp_branchIf)
        return compile_branch_if(o, target);
    result = emit_jump(o, target);
    return result ? result : SetStackPolymorphic(o);
}

/* The jump to one target of a table, on a page beside the present one. wasm3's version loses a page
 * when it fails. */
static M3Result emit_table_jump(IM3Compilation o, IM3CompilationScope target, pc_t *start)
{
    IM3CodePage page, saved = o->page;
    M3Result result = AcquireCompilationCodePage(o, &page);
    if (result)
        return result;
    *start = GetPagePC(page);
    o->page = page;
    result = emit_jump(o, target);
    ReleaseCompilationCodePage(o);
    o->page = saved;
    return result;
}

/* A target that the table has named before has its code. */
static M3Result find_table_jump(IM3Compilation o, IM3CompilationScope target, pc_t *start)
{
    pw_compilation *state = compilation_of(o);
    pw_scope *known = &state->scopes[target->depth];
    M3Result result = NULL;
    if (known->table != state->table) {
        result = emit_table_jump(o, target, &known->jump);
        known->table = state->table;
    }
    *start = known->jump;
    return result;
}

static M3Result emit_table(IM3Compilation o, u32 count)
{
    M3Result result = grow_scopes(compilation_of(o), (u32)o->block.depth);
    compilation_of(o)->table++;
    for (u32 i = 0; i < count && !result; ++i) {
        IM3CompilationScope target;
        pc_t start = NULL;
        result = read_target(o, &target);
        if (!result)
            result = find_table_jump(o, target, &start);
        EmitPointer(o, start);
    }
    return result;
}

static M3Result Compile_BranchTable(IM3Compilation o, m3opcode_t opcode)
{
    u32 count;
    M3Result result = ReadLEB_u32(&count, &o->wasm, o->wasmEnd);
    if (!result)
        result = PreserveRegisterIfOccupied(o, c_m3Type_i64); /* the index is read from a slot */
    if (result)
        return result;
    u16 index = GetStackTopSlotNumber(o);
    result = Pop(o);
    if (!result) /* operation, slot, count, targets, default */
        result = EnsureCodePageNumLines(o, count + 4);
    if (!result)
        result = EmitOp(o, op_BranchTable);
    if (result)
        return result;
    EmitSlotOffset(o, index);
    EmitConstant32(o, count);
    result = emit_table(o, count + 1);
    return result ? result : SetStackPolymorphic(o);
}
