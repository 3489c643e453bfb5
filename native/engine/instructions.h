/* SPDX-License-Identifier: MIT */
/* Part of engine.c: the instructions that wasm3 does not know, or that are compiled by ours. */

/* By opcode; for those of two parts, the first of which is 0xfc, by the second. */
static const M3Compiler own_compilers[0x100] = {
    [0x12] = compile_return_call,  [0x13] = compile_return_call_indirect,
    [0x14] = compile_call_ref,     [0x15] = compile_return_call_ref,
    [0x1c] = compile_typed_select, [0x20] = compile_local_get,
    [0x21] = compile_local_set,    [0x22] = compile_local_set,
    [0x25] = compile_table_get,    [0x26] = compile_table_set,
    [0xd0] = compile_ref_null,     [0xd1] = compile_ref_is_null,
    [0xd2] = compile_ref_func,     [0xd4] = compile_ref_as_non_null,
    [0xd5] = compile_br_on_null,   [0xd6] = compile_br_on_non_null,
};

static const M3Compiler own_extended_compilers[0x100] = {
    [0x08] = compile_memory_init, [0x09] = compile_data_drop,  [0x0c] = compile_table_init,
    [0x0d] = compile_elem_drop,   [0x0e] = compile_table_copy, [0x0f] = compile_table_grow,
    [0x10] = compile_table_size,  [0x11] = compile_table_fill,
};

/* NULL: the instruction is compiled as wasm3 does. */
static inline M3Compiler find_own_compiler(m3opcode_t opcode)
{
    return opcode <= 0xff ? own_compilers[opcode] : own_extended_compilers[opcode & 0xff];
}

/* An opcode of two parts has the first in its high byte. wasm3 takes the second one for a byte. */
static M3Result read_opcode(IM3Compilation o, m3opcode_t *opcode)
{
    u32 second;
    if (o->wasm == o->wasmEnd)
        return m3Err_wasmUnderrun;
    *opcode = *o->wasm++;
    if (*opcode != 0xfc)
        return NULL;
    M3Result result = ReadLEB_u32(&second, &o->wasm, o->wasmEnd);
    if (!result && second > 0xff)
        result = m3Err_unknownOpcode;
    *opcode = (m3opcode_t)(*opcode << 8 | (second & 0xff));
    return result;
}
