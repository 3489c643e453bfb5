/* SPDX-License-Identifier: MIT */
/* The control stack of the validator: blocks and labels. On failure, the result of each function
 * that can fail is false and the error is set. */
#ifndef PW_CONTROL_H
#define PW_CONTROL_H

#include "validate/validator.h"

/* Opens a block and pushes its parameters. `type` and `single` are what pw_control has for its
 * type.
 */
bool pw_push_control(pw_validator *v, uint8_t opcode, const pw_functype *type, pw_valtype single);

/* Reads the type of a block, pops its parameters, and opens it. An `if` also pops its condition. */
bool pw_open_block(pw_validator *v, uint8_t opcode);
/* Pops the results of the innermost block. Nothing else may be on its stack. */
bool pw_pop_results(pw_validator *v);

/* Notes that the rest of the innermost block cannot be reached, and drops the operands of the
 * block. */
void pw_set_unreachable(pw_validator *v);
/* Reads a label. *label is the block that it stands for. */
bool pw_read_label(pw_validator *v, const pw_control **label);
/* Pops the operands that a branch takes along, and pushes them again with the types of its label.
 */
bool pw_check_branch(pw_validator *v, const pw_valtype *types, uint32_t count);

/* The types of the values that a branch to a block takes along. */
static inline const pw_valtype *pw_label_types(const pw_control *control, uint32_t *count)
{
    bool is_loop = control->opcode == PW_ID_loop;
    if (control->type == NULL) {
        *count = !is_loop && control->single != PW_BOTTOM;
        return &control->single;
    }
    *count = is_loop ? control->type->nparams : control->type->nresults;
    return is_loop ? control->type->params : control->type->results;
}

/* Reads the type of a block into *type and *single, as pw_control has them. */
bool pw_read_block_type(pw_validator *v, const pw_functype **type, pw_valtype *single);

#endif
