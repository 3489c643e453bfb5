/* SPDX-License-Identifier: MIT */
/* Validates the instructions on operands of any type, drop and select:
 * https://webassembly.github.io/spec/core/valid/instructions.html#parametric-instructions */
#include "validate/operands.h"

bool pw_check_drop(pw_validator *v)
{
    pw_valtype type;
    return pw_pop_any(v, &type);
}

/* A select that names no type can select only numbers and vectors. */
bool pw_check_select(pw_validator *v)
{
    pw_valtype second;
    pw_valtype first;
    if (!pw_pop(v, PW_I32) || !pw_pop_any(v, &second) || !pw_pop_any(v, &first)) {
        return false;
    }
    if (pw_is_reference(first) || pw_is_reference(second)) {
        return pw_fail_operand(v, "a number or vector", pw_is_reference(first) ? first : second);
    }
    if (first == PW_BOTTOM) {
        return pw_push(v, second);
    }
    return pw_check_type(v, second, first) && pw_push(v, first);
}

bool pw_check_select_typed(pw_validator *v)
{
    uint32_t count;
    pw_valtype type;
    if (!pw_read_index(v, "type count", &count)) {
        return false;
    }
    if (count != 1) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "invalid result arity: select expected 1 type but got %u", count);
    }
    return pw_read_valtype(&v->decoder, "type of select", &type) && pw_pop(v, PW_I32) &&
           pw_pop(v, type) && pw_pop(v, type) && pw_push(v, type);
}
