/* SPDX-License-Identifier: MIT */
/* Part of engine.c: the instructions that wasm3 does not know, or that are compiled by ours. */

/* In the order of the opcodes, as read_opcode gives them. */
static const struct {
    m3opcode_t opcode;
    M3Compiler compiler;
} own_instructions[] = {
    {0x1c, compile_typed_select},    {0x25, compile_table_get},    {0x26, compile_table_set},
    {0xd0, compile_ref_null},        {0xd1, compile_ref_is_null},  {0xd2, compile_ref_func},
    {0xd4, compile_ref_as_non_null}, {0xd5, compile_br_on_null},   {0xd6, compile_br_on_non_null},
    {0xfc08, compile_memory_init},   {0xfc09, compile_data_drop},  {0xfc0c, compile_table_init},
    {0xfc0d, compile_elem_drop},     {0xfc0e, compile_table_copy}, {0xfc0f, compile_table_grow},
    {0xfc10, compile_table_size},    {0xfc11, compile_table_fill},
};

static M3Compiler find_own_compiler(m3opcode_t opcode)
{
    size_t low = 0, high = M3_COUNT_OF(own_instructions);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (own_instructions[middle].opcode == opcode)
            return own_instructions[middle].compiler;
        if (own_instructions[middle].opcode < opcode)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
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
