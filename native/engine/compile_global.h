/* SPDX-License-Identifier: MIT */
/* Part of engine.c: global.get and global.set on the store's own cells, which instances can share.
 */

static M3Result emit_global_get(IM3Compilation o, pw_global *global, u8 type)
{
    M3Result result = EmitOp(o, Is64BitType(type) ? op_GetGlobal_s64 : op_GetGlobal_s32);
    if (result)
        return result;
    EmitPointer(o, &global->bits);
    return PushAllocatedSlotAndEmit(o, type);
}

static M3Result emit_global_set(IM3Compilation o, pw_global *global, u8 type)
{
    bool in_register = IsStackTopInRegister(o);
    IM3Operation op = in_register         ? c_setGlobalOps[type]
                      : Is64BitType(type) ? op_SetGlobal_s64
                                          : op_SetGlobal_s32;
    M3Result result = EmitOp(o, op);
    if (result)
        return result;
    EmitPointer(o, &global->bits);
    if (!in_register)
        EmitSlotOffset(o, GetStackTopSlotNumber(o));
    return Pop(o);
}

static M3Result Compile_GetSetGlobal(IM3Compilation o, m3opcode_t opcode)
{
    u32 index;
    M3Result result = ReadLEB_u32(&index, &o->wasm, o->wasmEnd);
    if (result)
        return result;
    pw_instance *instance = o->runtime->userdata;
    if (index >= instance->nglobals)
        return m3Err_globaIndexOutOfBounds;
    pw_global *global = instance->globals[index];
    u8 type = pw_engine_type(global->type);
    if (type == c_m3Type_none)
        return m3Err_invalidTypeId;
    return opcode == 0x23 ? emit_global_get(o, global, type) : emit_global_set(o, global, type);
}
