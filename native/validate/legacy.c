/* SPDX-License-Identifier: MIT */
/* Validates the exceptions of an earlier proposal, which try_table has replaced. Compilers emitted
 * them for years, so that many modules contain them. A `try` block has clauses, which are parts of
 * the block as `else` is one of an `if`:
 * https://github.com/WebAssembly/exception-handling/blob/main/proposals/exception-handling/legacy/Exceptions.md
 */
#include "validate/control.h"
#include "validate/operands.h"
#include "validate/variables.h"

/* Ends the part of a `try` block before a clause, and begins that clause. */
static bool begin_clause(pw_validator *v, uint8_t opcode)
{
    pw_control *control = &v->controls[v->ncontrols - 1];
    if (control->opcode != PW_ID_try && control->opcode != PW_ID_catch) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                       "END opcode expected: this %s does not belong to a try", v->op->text);
    }
    if (!pw_pop_results(v)) {
        return false;
    }
    pw_forget_assigned(v, control->nassigned);
    control->opcode = opcode;
    control->unreachable = false;
    return true;
}

bool pw_check_try(pw_validator *v)
{
    return pw_open_block(v, PW_ID_try);
}

bool pw_check_catch(pw_validator *v)
{
    uint32_t tag;
    if (!pw_read_space_index(v, PW_EXTERN_TAG, "tag index", &tag) ||
        !begin_clause(v, PW_ID_catch)) {
        return false;
    }
    const pw_functype *type = &v->decoder.types[v->decoder.tags[tag].type_index];
    return pw_push_types(v, type->params, type->nparams);
}

bool pw_check_catch_all(pw_validator *v)
{
    return begin_clause(v, PW_ID_catch_all);
}

bool pw_check_rethrow(pw_validator *v)
{
    const pw_control *label;
    if (!pw_read_label(v, &label)) {
        return false;
    }
    if (label->opcode != PW_ID_catch && label->opcode != PW_ID_catch_all) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "invalid rethrow label: the block is not in a catch clause");
    }
    pw_set_unreachable(v);
    return true;
}

/* A `delegate` is the end of its `try` block. Its label counts from the block around that one. */
bool pw_check_delegate(pw_validator *v)
{
    uint32_t index;
    if (!pw_read_index(v, "label", &index)) {
        return false;
    }
    if (v->controls[v->ncontrols - 1].opcode != PW_ID_try) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                       "END opcode expected: this delegate does not end a try without clauses");
    }
    if (index >= v->ncontrols - 1) {
        return pw_fail_index(&v->decoder, "label", pw_at(v), index, v->ncontrols - 1);
    }
    return pw_check_end(v);
}
