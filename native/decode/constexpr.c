/* SPDX-License-Identifier: MIT */
/* Reads constant expressions:
 * https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
 * The validator checks them. An expression of one instruction, as nearly all are, is decoded here
 * once and for all; any other one is kept as code, which pw_evaluate runs. */
#include "decode/constexpr.h"

static bool read_i32(pw_reader *r, pw_constexpr *c)
{
    int32_t value;
    c->kind = PW_CONST_VALUE;
    if (!pw_read_s32(r, "i32.const", &value)) {
        return false;
    }
    c->bits = (uint32_t)value;
    return true;
}

static bool read_i64(pw_reader *r, pw_constexpr *c)
{
    int64_t value;
    c->kind = PW_CONST_VALUE;
    if (!pw_read_s64(r, "i64.const", &value)) {
        return false;
    }
    c->bits = (uint64_t)value;
    return true;
}

static bool read_float(pw_reader *r, size_t size, pw_constexpr *c)
{
    c->kind = PW_CONST_VALUE;
    return pw_read_fixed(r, "float constant", size, &c->bits);
}

static bool read_index(pw_reader *r, pw_constkind kind, pw_constexpr *c)
{
    c->kind = kind;
    return pw_read_u32(r, "index", &c->index);
}

/* Decodes a valid expression of one instruction. The reader is a copy, so it can be moved. An
 * instruction that is not listed leaves the expression as code. */
static bool read_single(pw_reader r, pw_constexpr *c)
{
    switch (*r.pos++) {
    case PW_ID_i32_const: return read_i32(&r, c);
    case PW_ID_i64_const: return read_i64(&r, c);
    case PW_ID_f32_const: return read_float(&r, 4, c);
    case PW_ID_f64_const: return read_float(&r, 8, c);
    case PW_ID_global_get: return read_index(&r, PW_CONST_GLOBAL, c);
    case PW_ID_ref_func: return read_index(&r, PW_CONST_FUNC, c);
    case PW_ID_ref_null: c->kind = PW_CONST_NULL; return true;
    default: return true;
    }
}

bool pw_read_constexpr(pw_decoder *d, const char *what, pw_valtype expected,
                       pw_constexpr *expression)
{
    pw_reader start = d->reader;
    uint32_t offset = pw_reader_offset(&start);
    uint32_t count;
    if (!d->checker->check_constant(d, what, expected, &count)) {
        return false;
    }
    *expression = (pw_constexpr){.kind = PW_CONST_CODE, .type = expected, .offset = offset};
    return count > 1 || read_single(start, expression);
}
