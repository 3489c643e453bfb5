/* SPDX-License-Identifier: MIT */
/* Part of engine.c: the locals of a function.
 *
 * The first PW_NEAR_LOCALS, parameters included, are slots of the frame. The others are *far*: 64
 * bits each on a stack of their own, with operations to load and store them.
 */

static M3Result read_local_group(IM3Compilation o, u32 *count, u8 *type)
{
    M3Result result = ReadLEB_u32(count, &o->wasm, o->wasmEnd);
    return result ? result : read_value_type(o, type);
}

static M3Result count_locals(IM3Compilation o, u32 groups, u32 *total)
{
    bytes_t start = o->wasm;
    M3Result result = NULL;
    *total = 0;
    while (groups-- && !result) {
        u32 count;
        u8 type;
        result = read_local_group(o, &count, &type);
        if (!result && count > UINT16_MAX - *total)
            result = m3Err_functionStackOverflow;
        *total += count;
    }
    o->wasm = start;
    return result;
}

/* Slots in the order of the locals. wasm3 looks for a free one from the beginning for each. */
static M3Result push_near_local(IM3Compilation o, u16 *slot, u8 type)
{
    AlignSlotToType(slot, type);
    MarkSlotsAllocatedByType(o, *slot, type);
    M3Result result = Push(o, type, *slot);
    *slot += width_of(type);
    return result;
}

static M3Result map_far_stack(pw_store *store)
{
    if (!store->far_stack)
        store->far_stack = pw_pages_reserve(PW_FAR_STACK);
    if (store->far)
        return NULL;
    if (!store->far_stack || !pw_pages_commit(store->far_stack, PW_FAR_STACK))
        return m3Err_mallocFailed;
    store->far = store->far_stack;
    store->far_end = store->far + PW_FAR_STACK / sizeof *store->far;
    return NULL;
}

static M3Result begin_far_locals(IM3Compilation o, pw_instance *instance, u32 count)
{
    M3Result result = map_far_stack(instance->store);
    if (result)
        return result;
    instance->far_types = malloc(count);
    if (!instance->far_types)
        return m3Err_mallocFailed;
    result = EmitOp(o, op_pwFarLocals);
    if (result)
        return result;
    EmitPointer(o, o->function);
    EmitConstant32(o, count);
    return NULL;
}

static M3Result CompileLocals(IM3Compilation o)
{
    pw_instance *instance = o->runtime->userdata;
    u32 groups, total, next = 0;
    u16 slot = o->slotFirstLocalIndex;
    M3Result result = ReadLEB_u32(&groups, &o->wasm, o->wasmEnd);
    if (!result)
        result = count_locals(o, groups, &total);
    if (result)
        return result;
    o->function->numLocals = (u16)total;
    if (has_far_locals(o->function))
        result = begin_far_locals(o, instance, total - (PW_NEAR_LOCALS - o->stackIndex));
    while (groups-- && !result) {
        u32 count = 0;
        u8 type = c_m3Type_none;
        result = read_local_group(o, &count, &type);
        for (; count && o->stackIndex < PW_NEAR_LOCALS && !result; --count)
            result = push_near_local(o, &slot, type);
        if (result || !count)
            continue;
        memset(instance->far_types + next, type, count);
        next += count;
    }
    return result;
}

/* ---- local.get, local.set, local.tee ---- */

static M3Result get_far_local(IM3Compilation o, u32 index, u32 count)
{
    const pw_instance *instance = o->runtime->userdata;
    u8 type = instance->far_types[index - PW_NEAR_LOCALS];
    M3Result result = EmitOp(o, Is64BitType(type) ? op_pwFarGet_64 : op_pwFarGet_32);
    if (result)
        return result;
    EmitConstant32(o, count - index);
    return PushAllocatedSlotAndEmit(o, type);
}

static M3Result set_far_local(IM3Compilation o, u32 index, u32 count)
{
    u8 type = GetStackTopType(o);
    M3Result result = NULL;
    if (IsStackTopInRegister(o))
        result = PreserveRegisterIfOccupied(o, type);
    if (!result)
        result = EmitOp(o, Is64BitType(type) ? op_pwFarSet_64 : op_pwFarSet_32);
    if (result)
        return result;
    EmitSlotOffset(o, GetStackTopSlotNumber(o));
    EmitConstant32(o, count - index);
    return NULL;
}

/* The index of a far local; that of a near one stays to be read again. */
static M3Result read_far_index(IM3Compilation o, u32 count, u32 *index)
{
    bytes_t start = o->wasm;
    M3Result result = read_index(o, count, index);
    if (!result && *index < PW_NEAR_LOCALS)
        o->wasm = start;
    return result;
}

static M3Result compile_local_get(IM3Compilation o, m3opcode_t opcode)
{
    u32 index = 0, count = GetFunctionNumArgsAndLocals(o->function);
    M3Result result = count > PW_NEAR_LOCALS ? read_far_index(o, count, &index) : NULL;
    if (result)
        return result;
    return index < PW_NEAR_LOCALS ? Compile_GetLocal(o, opcode) : get_far_local(o, index, count);
}

/* And local.tee. */
static M3Result compile_local_set(IM3Compilation o, m3opcode_t opcode)
{
    u32 index = 0, count = GetFunctionNumArgsAndLocals(o->function);
    M3Result result = count > PW_NEAR_LOCALS ? read_far_index(o, count, &index) : NULL;
    if (!result && index < PW_NEAR_LOCALS)
        return Compile_SetLocal(o, opcode);
    if (!result)
        result = set_far_local(o, index, count);
    return result || opcode == c_waOp_teeLocal ? result : Pop(o);
}
