/* SPDX-License-Identifier: MIT */
/* Constant expressions: https://webassembly.github.io/spec/core/valid/instructions.html
 * #constant-expressions. Supported are those of one instruction. */
#include "decode.h"

#define OP_END 0x0b
#define OP_GLOBAL_GET 0x23
#define OP_I32_CONST 0x41
#define OP_I64_CONST 0x42
#define OP_F32_CONST 0x43
#define OP_F64_CONST 0x44
#define OP_REF_NULL 0xd0
#define OP_REF_FUNC 0xd2
#define OP_PREFIX_GC 0xfb
#define OP_PREFIX_MISC 0xfc
#define OP_PREFIX_SIMD 0xfd

#define OP_V128_CONST 12 /* after OP_PREFIX_SIMD */

/* First and last of each run of one-byte opcodes that WebAssembly 3.0 defines. */
static const uint8_t defined_opcodes[][2] = {
    {0x00, 0x05}, {0x08, 0x08}, {0x0a, 0x15}, {0x1a, 0x1c},
    {0x1f, 0x26}, {0x28, 0xc4}, {0xd0, 0xd6}, {OP_PREFIX_GC, OP_PREFIX_SIMD},
};

static bool is_defined(uint8_t opcode)
{
    for (size_t i = 0; i < sizeof defined_opcodes / sizeof defined_opcodes[0]; i++) {
        if (opcode >= defined_opcodes[i][0] && opcode <= defined_opcodes[i][1]) {
            return true;
        }
    }
    return false;
}

static bool fail_not_constant(pw_decoder *d, uint32_t offset, uint8_t opcode)
{
    if (!is_defined(opcode)) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "illegal opcode %02x: no instruction begins with this byte", opcode);
    }
    return pw_fail(d->reader.error, PW_INVALID, offset,
                   "constant expression required: opcode 0x%02x is not constant", opcode);
}

/* i32.add, i32.sub, i32.mul, i64.add, i64.sub, i64.mul. */
static bool is_extended(uint8_t opcode)
{
    return (opcode >= 0x6a && opcode <= 0x6c) || (opcode >= 0x7c && opcode <= 0x7e);
}

/* struct.new, struct.new_default, array.new, array.new_default, array.new_fixed,
 * any.convert_extern, extern.convert_any, ref.i31; after OP_PREFIX_GC. */
static bool is_constant_gc(uint32_t opcode)
{
    return opcode <= 1 || (opcode >= 6 && opcode <= 8) || (opcode >= 26 && opcode <= 28);
}

/* An opcode of two parts, of which none can be run. */
static bool fail_prefixed(pw_decoder *d, uint32_t offset, uint8_t prefix)
{
    uint32_t opcode;
    if (!pw_read_u32(&d->reader, "opcode after a prefix", &opcode)) {
        return false;
    }
    if (prefix == OP_PREFIX_GC && is_constant_gc(opcode)) {
        return pw_fail(d->reader.error, PW_UNSUPPORTED, offset,
                       "not supported: garbage-collected types (opcode 0xfb %u)", opcode);
    }
    if (prefix == OP_PREFIX_SIMD && opcode == OP_V128_CONST) {
        return pw_fail(d->reader.error, PW_UNSUPPORTED, offset,
                       "not supported: vector constants outside functions (v128.const)");
    }
    return fail_not_constant(d, offset, prefix);
}

static bool read_global_get(pw_decoder *d, pw_constexpr *c)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "global index", &c->index) ||
        !pw_check_index(d, PW_EXTERN_GLOBAL, offset, c->index)) {
        return false;
    }
    if (d->globals[c->index].is_mutable) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "constant expression required: global %u is mutable", c->index);
    }
    c->kind = PW_CONST_GLOBAL;
    c->type = d->globals[c->index].type;
    return true;
}

static bool read_ref_func(pw_decoder *d, pw_constexpr *c)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    c->kind = PW_CONST_FUNC;
    c->type = PW_FUNCREF;
    return pw_read_u32(&d->reader, "function index", &c->index) &&
           pw_check_index(d, PW_EXTERN_FUNC, offset, c->index);
}

static bool read_i32(pw_reader *r, pw_constexpr *c)
{
    int32_t value;
    if (!pw_read_s32(r, "i32.const", &value)) {
        return false;
    }
    c->type = PW_I32;
    c->bits = (uint32_t)value;
    return true;
}

static bool read_i64(pw_reader *r, pw_constexpr *c)
{
    int64_t value;
    if (!pw_read_s64(r, "i64.const", &value)) {
        return false;
    }
    c->type = PW_I64;
    c->bits = (uint64_t)value;
    return true;
}

static bool read_constant(pw_decoder *d, uint8_t opcode, pw_constexpr *c)
{
    switch (opcode) {
    case OP_I32_CONST: return read_i32(&d->reader, c);
    case OP_I64_CONST: return read_i64(&d->reader, c);
    case OP_F32_CONST: c->type = PW_F32; return pw_read_fixed(&d->reader, "f32.const", 4, &c->bits);
    case OP_F64_CONST: c->type = PW_F64; return pw_read_fixed(&d->reader, "f64.const", 8, &c->bits);
    case OP_GLOBAL_GET: return read_global_get(d, c);
    case OP_REF_NULL:
        c->kind = PW_CONST_NULL;
        return pw_read_heaptype(d, "type of ref.null", &c->type);
    case OP_REF_FUNC: return read_ref_func(d, c);
    case OP_PREFIX_GC:
    case OP_PREFIX_MISC:
    case OP_PREFIX_SIMD: return fail_prefixed(d, c->offset, opcode);
    default: return fail_not_constant(d, c->offset, opcode);
    }
}

/* What the instructions up to `end` leave on the stack, and the first of the extended ones. */
typedef struct {
    uint32_t depth;
    uint32_t extended;
} outcome;

static bool take_operands(pw_decoder *d, uint32_t offset, outcome *result)
{
    if (result->depth < 2) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "type mismatch: 2 operands expected, but the stack holds %u", result->depth);
    }
    result->depth--;
    if (result->extended == 0) {
        result->extended = offset;
    }
    return true;
}

static bool read_instructions(pw_decoder *d, pw_constexpr *first, outcome *result)
{
    for (;;) {
        pw_constexpr constant = {.offset = pw_reader_offset(&d->reader)};
        uint8_t opcode;
        if (!pw_read_byte(&d->reader, "opcode", &opcode)) {
            return false;
        }
        if (opcode == OP_END) {
            return true;
        }
        if (is_extended(opcode)) {
            if (!take_operands(d, constant.offset, result)) {
                return false;
            }
            continue;
        }
        if (!read_constant(d, opcode, &constant)) {
            return false;
        }
        if (result->depth++ == 0) {
            *first = constant;
        }
    }
}

bool pw_read_constexpr(pw_decoder *d, const char *what, pw_valtype expected,
                       pw_constexpr *expression)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    pw_constexpr first = {0};
    outcome result = {0};
    if (!read_instructions(d, &first, &result)) {
        return false;
    }
    if (result.depth != 1) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "type mismatch: the %s is expected to be one %s, but %u values are given",
                       what, pw_valtype_name(expected), result.depth);
    }
    if (result.extended != 0) {
        return pw_fail(d->reader.error, PW_UNSUPPORTED, result.extended,
                       "not supported: extended constant expressions (arithmetic in the %s)", what);
    }
    if (first.type != expected) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "type mismatch: the %s expected %s but got %s", what,
                       pw_valtype_name(expected), pw_valtype_name(first.type));
    }
    *expression = first;
    return true;
}
