/* SPDX-License-Identifier: MIT */
/* Part of engine.c: instructions on references, tables and segments. */

#define MAX_OPERANDS 3
#define MAX_OBJECTS 2

/* An operation whose code is its address, the slots of its operands from the deepest one on, and
 * addresses of what it works on. Its result, if any, is in the register. */
typedef struct {
    IM3Operation op;
    u16 noperands;
    u16 nobjects;
    u8 result;
    const void *objects[MAX_OBJECTS];
} slot_operation;

static M3Result pop_to_slots(IM3Compilation o, u16 *slots, u16 count)
{
    M3Result result = PreserveRegisterIfOccupied(o, c_m3Type_i64);
    for (u16 i = count; i > 0 && !result; --i) {
        slots[i - 1] = GetStackTopSlotNumber(o);
        result = Pop(o);
    }
    return result;
}

static M3Result emit_operation(IM3Compilation o, const slot_operation *operation)
{
    u16 slots[MAX_OPERANDS];
    M3Result result = pop_to_slots(o, slots, operation->noperands);
    if (!result) /* EmitOp makes room for one word less, and its entry in the map */
        result = EnsureCodePageNumLines(o, 2 + MAX_OPERANDS + MAX_OBJECTS);
    if (!result)
        result = EmitOp(o, operation->op);
    if (result)
        return result;
    for (u16 i = 0; i < operation->noperands; ++i)
        EmitSlotOffset(o, slots[i]);
    for (u16 i = 0; i < operation->nobjects; ++i)
        EmitPointer(o, operation->objects[i]);
    return operation->result == c_m3Type_none ? NULL : PushRegister(o, operation->result);
}

/* ---- immediates ---- */

static M3Result read_index(IM3Compilation o, u32 count, u32 *index)
{
    M3Result result = ReadLEB_u32(index, &o->wasm, o->wasmEnd);
    return result || *index < count ? result : m3Err_wasmMalformed;
}

static M3Result read_function(IM3Compilation o, IM3Function *function)
{
    u32 index;
    M3Result result = read_index(o, o->module->numFunctions, &index);
    *function = result ? NULL : &o->module->functions[index];
    return result;
}

static M3Result read_function_type(IM3Compilation o, IM3FuncType *type)
{
    u32 index;
    M3Result result = read_index(o, o->module->numFuncTypes, &index);
    *type = result ? NULL : o->module->funcTypes[index];
    return result || *type ? result : m3Err_invalidTypeId;
}

static M3Result read_table(IM3Compilation o, const void **table)
{
    u32 index;
    const pw_instance *instance = o->runtime->userdata;
    M3Result result = read_index(o, instance->ntables, &index);
    if (!result)
        *table = instance->tables[index];
    return result;
}

static M3Result read_elem(IM3Compilation o, const void **segment)
{
    u32 index;
    const pw_instance *instance = o->runtime->userdata;
    M3Result result = read_index(o, instance->nelems, &index);
    if (!result)
        *segment = &instance->elems[index];
    return result;
}

static M3Result read_data(IM3Compilation o, const void **segment)
{
    u32 index;
    const pw_instance *instance = o->runtime->userdata;
    M3Result result = read_index(o, instance->ndatas, &index);
    if (!result)
        *segment = &instance->datas[index];
    return result;
}

/* ---- tables ---- */

static M3Result compile_on_table(IM3Compilation o, slot_operation operation)
{
    operation.nobjects = 1;
    M3Result result = read_table(o, &operation.objects[0]);
    return result ? result : emit_operation(o, &operation);
}

static M3Result compile_table_get(IM3Compilation o, m3opcode_t opcode)
{
    return compile_on_table(
        o, (slot_operation){op_pwTableGet, .noperands = 1, .result = c_m3Type_i64});
}

static M3Result compile_table_set(IM3Compilation o, m3opcode_t opcode)
{
    return compile_on_table(o, (slot_operation){op_pwTableSet, .noperands = 2});
}

static M3Result compile_table_size(IM3Compilation o, m3opcode_t opcode)
{
    return compile_on_table(o, (slot_operation){op_pwTableSize, .result = c_m3Type_i32});
}

static M3Result compile_table_grow(IM3Compilation o, m3opcode_t opcode)
{
    return compile_on_table(
        o, (slot_operation){op_pwTableGrow, .noperands = 2, .result = c_m3Type_i32});
}

static M3Result compile_table_fill(IM3Compilation o, m3opcode_t opcode)
{
    return compile_on_table(o, (slot_operation){op_pwTableFill, .noperands = 3});
}

static M3Result compile_table_copy(IM3Compilation o, m3opcode_t opcode)
{
    slot_operation operation = {op_pwTableCopy, .noperands = 3, .nobjects = 2};
    M3Result result = read_table(o, &operation.objects[0]);
    if (!result)
        result = read_table(o, &operation.objects[1]);
    return result ? result : emit_operation(o, &operation);
}

/* The segment stands before the table. */
static M3Result compile_table_init(IM3Compilation o, m3opcode_t opcode)
{
    slot_operation operation = {op_pwTableInit, .noperands = 3, .nobjects = 2};
    M3Result result = read_elem(o, &operation.objects[1]);
    if (!result)
        result = read_table(o, &operation.objects[0]);
    return result ? result : emit_operation(o, &operation);
}

static M3Result compile_elem_drop(IM3Compilation o, m3opcode_t opcode)
{
    slot_operation operation = {op_pwElemDrop, .nobjects = 1};
    M3Result result = read_elem(o, &operation.objects[0]);
    return result ? result : emit_operation(o, &operation);
}

static M3Result Compile_CallIndirect(IM3Compilation o, m3opcode_t opcode)
{
    IM3FuncType type;
    const void *table;
    u16 frame;
    M3Result result = read_function_type(o, &type);
    if (!result)
        result = read_table(o, &table);
    if (!result)
        result = PreserveRegisterIfOccupied(o, c_m3Type_i32);
    if (result)
        return result;
    u16 slot = GetStackTopSlotNumber(o);
    result = CompileCallArgsAndReturn(o, &frame, type, true);
    if (!result)
        result = EmitOp(o, op_CallIndirect);
    if (result)
        return result;
    EmitSlotOffset(o, slot);
    EmitPointer(o, table);
    EmitPointer(o, type);
    EmitSlotOffset(o, frame);
    return NULL;
}

/* ---- references ---- */

static M3Result compile_ref_null(IM3Compilation o, m3opcode_t opcode)
{
    skip_immediates(o);
    return PushConst(o, 0, c_m3Type_i64);
}

static M3Result compile_ref_is_null(IM3Compilation o, m3opcode_t opcode)
{
    return Compile_Operator(o, 0x50); /* i64.eqz */
}

static M3Result compile_ref_func(IM3Compilation o, m3opcode_t opcode)
{
    IM3Function function;
    M3Result result = read_function(o, &function);
    return result ? result : PushConst(o, (u64)(uintptr_t)function, c_m3Type_i64);
}

static M3Result compile_ref_as_non_null(IM3Compilation o, m3opcode_t opcode)
{
    M3Result result = PreserveRegisterIfOccupied(o, c_m3Type_i64);
    if (!result)
        result = EmitOp(o, op_pwNonNull);
    if (!result)
        EmitSlotOffset(o, GetStackTopSlotNumber(o));
    return result;
}

/* The jump of a branch that is taken when `op` goes on, with the values below the reference, or
 * with it, too. */
static M3Result compile_br_on(IM3Compilation o, IM3Operation op, bool takes_reference)
{
    IM3CompilationScope target;
    M3Result result = read_target(o, &target);
    if (!result)
        result = PreserveRegisterIfOccupied(o, c_m3Type_i64);
    if (!result)
        result = EmitOp(o, op);
    if (result)
        return result;
    EmitSlotOffset(o, GetStackTopSlotNumber(o));
    pc_t *otherwise = ReservePointer(o);
    o->stackIndex -= !takes_reference; /* and keeps its slot */
    result = emit_jump(o, target);
    o->stackIndex += !takes_reference;
    *otherwise = GetPC(o);
    return result;
}

static M3Result compile_br_on_null(IM3Compilation o, m3opcode_t opcode)
{
    return compile_br_on(o, op_pwIfNull, false);
}

static M3Result compile_br_on_non_null(IM3Compilation o, m3opcode_t opcode)
{
    M3Result result = compile_br_on(o, op_pwIfNonNull, true);
    return result ? result : Pop(o);
}

/* The operands' own type says which operation it is. */
static M3Result compile_typed_select(IM3Compilation o, m3opcode_t opcode)
{
    skip_immediates(o);
    return Compile_Select(o, opcode);
}
