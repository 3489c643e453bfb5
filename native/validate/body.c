/* SPDX-License-Identifier: MIT */
/* Validates function bodies and constant expressions, in a loop over their instructions.
 * https://webassembly.github.io/spec/core/appendix/algorithm.html */
#include "validate/body.h"
#include "base/limits.h"
#include "validate/control.h"
#include "validate/fast.h"
#include "validate/variables.h"

#include <stdlib.h>

/* ---- the loop -------------------------------------------------------------------------------- */

static bool check_illegal(pw_validator *v)
{
    return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                   "illegal opcode %02x: no instruction begins with this byte", *v->at);
}

#define FUNCTION(name) pw_check_##name,
static bool (*const checks[PW_CHECK_COUNT])(pw_validator *v) = {check_illegal, PW_CHECKS(FUNCTION)};
#undef FUNCTION

PW_NOINLINE static void note_instruction(pw_validator *v)
{
    pw_note_unsupported(&v->decoder, (pw_feature)v->op->feature, pw_at(v), "%s", v->op->text);
}

static bool fail_not_constant(pw_validator *v)
{
    return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "constant expression required: %s is not constant", v->op->text);
}

bool pw_check_prefix(pw_validator *v)
{
    uint32_t code;
    if (!pw_read_index(v, "opcode after a prefix", &code)) {
        return false;
    }
    uint32_t id = pw_prefixed_id(*v->at, code);
    if (id == PW_ID_NONE) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                       "illegal opcode %02x %02x: no instruction has this number", *v->at, code);
    }
    v->op = &pw_opcodes[id];
    if (v->constant && !v->op->constant) {
        return fail_not_constant(v);
    }
    if ((v->op->feature & v->decoder.unrunnable) != 0) {
        note_instruction(v);
    }
    return checks[v->op->check](v);
}

static inline bool check_instruction(pw_validator *v)
{
    const pw_opcode *op = v->op;
    if ((op->feature & v->decoder.unrunnable) != 0) {
        note_instruction(v);
    }
    return checks[op->check](v);
}

/* Fails because a function has no `end`. The phrase depends on what follows: an `end` right behind
 * the function means that the function's size is wrong. */
static bool fail_end(pw_validator *v)
{
    const pw_reader *r = &v->decoder.reader;
    const char *phrase = r->end == r->limit     ? "unexpected end of section or function"
                         : *r->end == PW_ID_end ? "section size mismatch"
                                                : "END opcode expected";
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                   "%s: the %s ends inside a block or before its final end", phrase, r->unit);
}

static bool check_body(pw_decoder *d, const pw_functype *type)
{
    pw_validator *v = pw_validator_of(d);
    pw_reader *r = &v->decoder.reader;
    v->noperands = v->height = v->ncontrols = 0;
    v->at = r->pos;
    bool valid = pw_push_control(v, 0, type, PW_BOTTOM);
    v->noperands = 0; /* parameters of a function are locals, and not on the operand stack */
    while (valid && v->ncontrols != 0) {
        pw_check_fast(v);
        if (r->pos == r->end) {
            valid = fail_end(v);
            break;
        }
        v->at = r->pos;
        v->op = &pw_opcodes[*r->pos++];
        valid = check_instruction(v);
    }
    pw_forget_assigned(v, 0);
    if (valid && r->pos != r->end) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "section size mismatch: %zu byte%s of the function follow%s its final end",
                       pw_reader_left(r), pw_plural(pw_reader_left(r)),
                       pw_reader_left(r) == 1 ? "s" : "");
    }
    return valid;
}

static bool check_constant_instruction(pw_validator *v, uint8_t opcode)
{
    v->op = &pw_opcodes[opcode];
    if (v->op->text != NULL && !v->op->constant) {
        return fail_not_constant(v);
    }
    if (!check_instruction(v)) {
        return false;
    }
    if (v->noperands > PW_MAX_CONSTANT_OPERANDS && (v->decoder.unrunnable & PW_FEATURE_ALL) != 0) {
        pw_note_unsupported(&v->decoder, PW_FEATURE_EXTENDED_CONSTANTS, pw_at(v),
                            "more than %u values", PW_MAX_CONSTANT_OPERANDS);
    }
    return true;
}

static bool check_constant_result(const pw_validator *v, const char *what, pw_valtype expected,
                                  uint32_t offset)
{
    if (v->noperands != 1) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, offset,
                       "type mismatch: the %s must be one value of type %s, but it gives %u values",
                       what, pw_valtype_name(expected).text, v->noperands);
    }
    if (!pw_matches(v->decoder.module->typedefs, v->operands[0], expected)) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, offset,
                       "type mismatch: the %s expected %s but got %s", what,
                       pw_valtype_name(expected).text, pw_valtype_name(v->operands[0]).text);
    }
    return true;
}

static bool check_constant(pw_decoder *d, const char *what, pw_valtype expected, uint32_t *count)
{
    static const pw_functype nothing;
    pw_validator *v = pw_validator_of(d);
    uint32_t offset = pw_reader_offset(&d->reader);
    v->noperands = v->height = v->ncontrols = 0;
    v->at = v->decoder.reader.pos;
    v->constant = true;
    bool valid = pw_push_control(v, 0, &nothing, PW_BOTTOM);
    for (*count = 0; valid; (*count)++) {
        uint8_t opcode;
        v->at = v->decoder.reader.pos;
        valid = pw_read_byte(&v->decoder.reader, "opcode", &opcode);
        if (valid && opcode == PW_ID_end) {
            break;
        }
        valid = valid && check_constant_instruction(v, opcode);
    }
    v->constant = false;
    return valid && check_constant_result(v, what, expected, offset);
}

const pw_code_checker pw_validating_checker = {
    .begin_locals = pw_begin_locals,
    .add_locals = pw_add_locals,
    .check_body = check_body,
    .check_constant = check_constant,
};

void pw_free_validator(pw_validator *v)
{
    free(v->operands);
    free(v->controls);
    free(v->groups);
    free(v->is_assigned);
    free(v->assigned);
}
