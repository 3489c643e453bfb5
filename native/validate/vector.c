/* SPDX-License-Identifier: MIT */
/* Validates vector instructions that have lanes or constants as immediates:
 * https://webassembly.github.io/spec/core/valid/instructions.html#vector-instructions */
#include "validate/memory.h"
#include "validate/operands.h"

#define VECTOR_LOG2 4 /* a vector has 2^4 bytes */

static bool read_lane(pw_validator *v, uint32_t count)
{
    uint8_t lane;
    if (!pw_read_byte(&v->decoder.reader, "lane index", &lane)) {
        return false;
    }
    return lane < count || pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                                   "invalid lane index: %s expected one below %u but got %u",
                                   v->op->text, count, lane);
}

bool pw_check_lane(pw_validator *v)
{
    return read_lane(v, 1u << v->op->log2) && pw_check_simple(v);
}

bool pw_check_shuffle(pw_validator *v)
{
    for (int i = 0; i < 16; i++) {
        if (!read_lane(v, 32)) {
            return false;
        }
    }
    return pw_check_binary(v);
}

bool pw_check_v128_const(pw_validator *v)
{
    const uint8_t *data;
    return pw_read_bytes(&v->decoder.reader, "v128.const", 16, &data) && pw_push(v, PW_V128);
}

bool pw_check_access_lane(pw_validator *v)
{
    const pw_opcode *op = v->op;
    pw_valtype address;
    return pw_read_memarg(v, false, &address) && read_lane(v, 1u << (VECTOR_LOG2 - op->log2)) &&
           pw_pop(v, PW_V128) && pw_pop(v, address) && (op->result == 0 || pw_push(v, op->result));
}
