/* SPDX-License-Identifier: MIT */
/* Validates numeric constants, and all instructions that the columns of opcodes.def describe
 * completely.
 */
#include "validate/operands.h"

bool pw_check_unary(pw_validator *v)
{
    const pw_opcode *op = v->op;
    return pw_pop(v, op->params[0]) && pw_push(v, op->result);
}

bool pw_check_binary(pw_validator *v)
{
    const pw_opcode *op = v->op;
    return pw_pop(v, op->params[1]) && pw_pop(v, op->params[0]) && pw_push(v, op->result);
}

/* Checks an instruction with up to three operands and at most one result. */
bool pw_check_simple(pw_validator *v)
{
    const pw_opcode *op = v->op;
    for (int i = 2; i >= 0; i--) {
        if (op->params[i] != 0 && !pw_pop(v, op->params[i])) {
            return false;
        }
    }
    return op->result == 0 || pw_push(v, op->result);
}

bool pw_check_i32_const(pw_validator *v)
{
    pw_reader *r = &v->decoder.reader;
    int32_t value;
    if (r->pos < r->end && *r->pos < 0x80) {
        r->pos++;
    } else if (!pw_read_s32(r, "i32.const", &value)) {
        return false;
    }
    return pw_push(v, PW_I32);
}

bool pw_check_i64_const(pw_validator *v)
{
    int64_t value;
    return pw_read_s64(&v->decoder.reader, "i64.const", &value) && pw_push(v, PW_I64);
}

bool pw_check_f32_const(pw_validator *v)
{
    const uint8_t *data;
    return pw_read_bytes(&v->decoder.reader, "f32.const", 4, &data) && pw_push(v, PW_F32);
}

bool pw_check_f64_const(pw_validator *v)
{
    const uint8_t *data;
    return pw_read_bytes(&v->decoder.reader, "f64.const", 8, &data) && pw_push(v, PW_F64);
}

bool pw_check_nop(pw_validator *v)
{
    (void)v;
    return true;
}
