/* SPDX-License-Identifier: MIT */
/* Part of engine.c: types in the code. To wasm3's compiler a reference is an i64. */

#define BYTE_REF_NULL 0x63
#define BYTE_REF 0x64

static M3Result skip_bytes(IM3Compilation o, u32 count)
{
    if (count > (size_t)(o->wasmEnd - o->wasm))
        return m3Err_wasmUnderrun;
    o->wasm += count;
    return NULL;
}

static M3Result skip_lebs(IM3Compilation o, u64 count)
{
    while (count--) {
        i64 value;
        M3Result result = ReadLebSigned(&value, 64, &o->wasm, o->wasmEnd);
        if (result)
            return result;
    }
    return NULL;
}

static bool heap_type_follows(IM3Compilation o)
{
    return o->wasm < o->wasmEnd && (*o->wasm == BYTE_REF_NULL || *o->wasm == BYTE_REF);
}

/* Value types and block types are one LEB, or a byte and a heap type. */
static M3Result skip_type(IM3Compilation o)
{
    return skip_lebs(o, heap_type_follows(o) ? 2 : 1);
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
    M3Result result = *o->wasm == 0x40 ? skip_bytes(o, 1) : read_value_type(o, &value);
    *type = o->module->environment->retFuncTypes[value];
    return result;
}
