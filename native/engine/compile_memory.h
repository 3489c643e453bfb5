/* SPDX-License-Identifier: MIT */
/* Part of engine.c: instructions on memories. wasm3 reads the index of the memory as one byte, and
 * none in loads and stores, where a bit of the alignment announces it. */

static M3Result read_memory(IM3Compilation o)
{
    u32 index;
    return read_index(o, 1, &index);
}

static M3Result Compile_Load_Store(IM3Compilation o, m3opcode_t opcode)
{
    u32 alignment;
    u64 offset; /* below 2^32, but it may have the length of a 64-bit number */
    M3Result result = ReadLEB_u32(&alignment, &o->wasm, o->wasmEnd);
    if (!result && (alignment & PW_MEMARG_HAS_MEMORY))
        result = read_memory(o);
    if (!result)
        result = ReadLebUnsigned(&offset, 64, &o->wasm, o->wasmEnd);
    if (!result && IsFpType(GetOpInfo(opcode)->type))
        result = PreserveRegisterIfOccupied(o, c_m3Type_f64);
    if (!result)
        result = Compile_Operator(o, opcode);
    if (!result)
        EmitConstant32(o, (u32)offset);
    return result;
}

static M3Result Compile_Memory_Size(IM3Compilation o, m3opcode_t opcode)
{
    M3Result result = read_memory(o);
    slot_operation operation = {op_MemSize, .result = c_m3Type_i32};
    return result ? result : emit_operation(o, &operation);
}

static M3Result Compile_Memory_Grow(IM3Compilation o, m3opcode_t opcode)
{
    M3Result result = read_memory(o);
    if (!result)
        result = CopyStackTopToRegister(o, false);
    if (!result)
        result = PopType(o, c_m3Type_i32);
    if (!result)
        result = EmitOp(o, op_MemGrow);
    return result ? result : PushRegister(o, c_m3Type_i32);
}

/* wasm3's operations take the size from the register, then the slots from the top on. */
static M3Result Compile_Memory_CopyFill(IM3Compilation o, m3opcode_t opcode)
{
    bool copies = opcode == c_waOp_memoryCopy;
    M3Result result = read_memory(o);
    if (!result && copies)
        result = read_memory(o);
    if (!result)
        result = CopyStackTopToRegister(o, false);
    if (!result)
        result = EmitOp(o, copies ? op_MemCopy : op_MemFill);
    if (!result)
        result = PopType(o, c_m3Type_i32);
    if (!result)
        result = EmitSlotNumOfStackTopAndPop(o);
    return result ? result : EmitSlotNumOfStackTopAndPop(o);
}

/* The segment stands before the memory. */
static M3Result compile_memory_init(IM3Compilation o, m3opcode_t opcode)
{
    slot_operation operation = {op_pwMemoryInit, .noperands = 3, .nobjects = 1};
    M3Result result = read_data(o, &operation.objects[0]);
    if (!result)
        result = read_memory(o);
    return result ? result : emit_operation(o, &operation);
}

static M3Result compile_data_drop(IM3Compilation o, m3opcode_t opcode)
{
    slot_operation operation = {op_pwDataDrop, .nobjects = 1};
    M3Result result = read_data(o, &operation.objects[0]);
    return result ? result : emit_operation(o, &operation);
}
