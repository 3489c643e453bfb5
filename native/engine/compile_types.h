/* SPDX-License-Identifier: MIT */
/* Part of engine.c: types in the code. To wasm3's compiler a reference is an i64. */

/* Past the immediates of the instruction that is being compiled. */
static void skip_immediates(IM3Compilation o)
{
    o->wasm = pw_skip_instruction(o->lastOpcodeStart);
}

/* Value types are one LEB, or a byte and a heap type. */
static M3Result skip_type(IM3Compilation o)
{
    M3Result result = NULL;
    u8 first = *o->wasm;
    for (u32 lebs = first == PW_TYPE_REF_NULL || first == PW_TYPE_REF ? 2 : 1; lebs && !result;
         --lebs) {
        i64 value;
        result = ReadLebSigned(&value, 64, &o->wasm, o->wasmEnd);
    }
    return result;
}

static M3Result read_value_type(IM3Compilation o, u8 *type)
{
    if (o->wasm == o->wasmEnd)
        return m3Err_wasmUnderrun;
    *type = pw_engine_type(*o->wasm);
    if (*type == c_m3Type_none)
        return m3Err_invalidTypeId;
    return skip_type(o);
}

static M3Result read_indexed_type(IM3Compilation o, IM3FuncType *type)
{
    i64 index;
    M3Result result = ReadLebSigned(&index, 33, &o->wasm, o->wasmEnd);
    if (result)
        return result;
    *type = index >= 0 && index < o->module->numFuncTypes ? o->module->funcTypes[index] : NULL;
    return *type ? NULL : m3Err_invalidTypeId;
}

/* No byte of a value type, or of none, is the beginning of a type index. */
static M3Result ReadBlockType(IM3Compilation o, IM3FuncType *type)
{
    u8 value = c_m3Type_none;
    if (o->wasm == o->wasmEnd)
        return m3Err_wasmUnderrun;
    if (*o->wasm < 0x40 || *o->wasm > 0x7f)
        return read_indexed_type(o, type);
    M3Result result = NULL;
    if (*o->wasm == 0x40)
        o->wasm++;
    else
        result = read_value_type(o, &value);
    *type = o->module->environment->retFuncTypes[value];
    return result;
}
