/* SPDX-License-Identifier: MIT */
/* Part of engine.c: call_ref, and the calls that end their function: see ops_tail.h. */

/* Moves the arguments to the callee's parameters in the frame that ends. It has the same results.
 */
static M3Result pass_arguments(IM3Compilation o, IM3FuncType type)
{
    u16 params = GetFuncTypeNumParams(type);
    for (u16 i = 0; i < params; ++i) {
        M3Result result = Pop(o);
        if (result)
            return result;
    }
    transfer t = {.first = o->stackIndex, .count = params, .packed = true};
    t.target = GetFuncTypeNumResults(type) * c_ioSlotCount;
    return move_values(o, &t, slots_above(o, &t));
}

/* Takes what says which function is called off the stack; the moves leave it in its register. */
static M3Result pop_to_register(IM3Compilation o)
{
    M3Result result = CopyStackTopToRegister(o, true);
    return result ? result : Pop(o);
}

static M3Result compile_return_call(IM3Compilation o, m3opcode_t opcode)
{
    IM3Function callee;
    M3Result result = read_function(o, &callee);
    if (!result)
        result = pass_arguments(o, callee->funcType);
    if (!result)
        result = EmitOp(o, op_pwReturnCall);
    if (result)
        return result;
    EmitPointer(o, callee);
    return SetStackPolymorphic(o);
}

static M3Result compile_return_call_indirect(IM3Compilation o, m3opcode_t opcode)
{
    IM3FuncType type;
    const void *table;
    M3Result result = read_function_type(o, &type);
    if (!result)
        result = read_table(o, &table);
    if (!result)
        result = pop_to_register(o);
    if (!result)
        result = pass_arguments(o, type);
    if (!result)
        result = EmitOp(o, op_pwReturnCallIndirect);
    if (result)
        return result;
    EmitPointer(o, table);
    EmitPointer(o, type);
    return SetStackPolymorphic(o);
}

static M3Result compile_return_call_ref(IM3Compilation o, m3opcode_t opcode)
{
    IM3FuncType type;
    M3Result result = read_function_type(o, &type);
    if (!result)
        result = pop_to_register(o);
    if (!result)
        result = pass_arguments(o, type);
    if (!result)
        result = EmitOp(o, op_pwReturnCallRef);
    return result ? result : SetStackPolymorphic(o);
}

static M3Result compile_call_ref(IM3Compilation o, m3opcode_t opcode)
{
    IM3FuncType type;
    u16 reference, frame;
    M3Result result = read_function_type(o, &type);
    if (!result && IsStackTopInRegister(o))
        result = PreserveRegisterIfOccupied(o, c_m3Type_i64);
    if (result)
        return result;
    reference = GetStackTopSlotNumber(o);
    result = CompileCallArgsAndReturn(o, &frame, type, true);
    if (!result)
        result = EmitOp(o, op_pwCallRef);
    if (result)
        return result;
    EmitSlotOffset(o, reference);
    EmitSlotOffset(o, frame);
    return NULL;
}
