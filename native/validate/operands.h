/* SPDX-License-Identifier: MIT */
/* The operand stack of the validator. On failure, the result of each function is false and the
 * error is set. */
#ifndef PW_OPERANDS_H
#define PW_OPERANDS_H

#include "validate/validator.h"

/* The slow halves of the functions that follow, for when the operand stack must grow or the topmost
 * operand is not of the expected type itself. */
bool pw_grow_operands(pw_validator *v, uint32_t more);
bool pw_pop_other(pw_validator *v, pw_valtype expected);
bool pw_pop_other_types(pw_validator *v, const pw_valtype *types, uint32_t count);

/* Pushes an operand. */
static inline bool pw_push(pw_validator *v, pw_valtype type)
{
    if (v->noperands == v->operands_capacity && !pw_grow_operands(v, 1)) {
        return false;
    }
    v->operands[v->noperands++] = type;
    return true;
}

/* Pops an operand, whose type must match the expected one. */
static inline bool pw_pop(pw_validator *v, pw_valtype expected)
{
    if (v->noperands > v->height && v->operands[v->noperands - 1] == expected) {
        v->noperands--;
        return true;
    }
    return pw_pop_other(v, expected);
}

/* Counts `count` comparisons of types, for an instruction that may compare more types than it has
 * bytes. False with the error set if the module needs too many for its size so far: limits.h says
 * how many it may need. */
bool pw_charge_comparisons(pw_validator *v, uint64_t count);

/* Fails because an operand is not what the instruction expects. The result is always false. */
bool pw_fail_operand(pw_validator *v, const char *expected, pw_valtype actual);
/* Pops an operand of any type. */
bool pw_pop_any(pw_validator *v, pw_valtype *type);
/* Pops a reference of any type. */
bool pw_pop_reference(pw_validator *v, pw_valtype *type);
/* Pops or pushes several operands. The last of `types` is that of the topmost operand. */
bool pw_pop_types(pw_validator *v, const pw_valtype *types, uint32_t count);
bool pw_push_types(pw_validator *v, const pw_valtype *types, uint32_t count);
/* Checks that a list of types matches another one. False with the error "type mismatch". */
bool pw_check_types(pw_validator *v, const pw_valtype *actual, uint32_t nactual,
                    const pw_valtype *expected, uint32_t nexpected);
/* Checks that a type matches another one. False with the error "type mismatch". */
bool pw_check_type(pw_validator *v, pw_valtype actual, pw_valtype expected);

#endif
