/* SPDX-License-Identifier: MIT */
/* Validates blocks and branches:
 * https://webassembly.github.io/spec/core/valid/instructions.html#control-instructions */
#include "validate/control.h"
#include "base/limits.h"
#include "validate/operands.h"
#include "validate/variables.h"

static pw_control *innermost(pw_validator *v)
{
    return &v->controls[v->ncontrols - 1];
}

/* ---- block types ----------------------------------------------------------------------------- */

static bool is_type_code(uint8_t byte)
{
    return (byte >= PW_V128 && byte <= PW_I32) || (byte >= PW_EXNREF && byte <= PW_NULLEXNREF) ||
           byte == PW_TYPE_REF || byte == PW_TYPE_REF_NULL;
}

static bool read_indexed_type(pw_validator *v, const pw_functype **type)
{
    uint32_t offset = pw_reader_offset(&v->decoder.reader);
    pw_reader ahead = v->decoder.reader;
    int64_t index;
    if (!pw_read_s33(&ahead, "block type", &index)) {
        return false;
    }
    if (index < 0) {
        return pw_fail(ahead.error, PW_MALFORMED, offset,
                       "malformed block type: 0x%02x is neither a value type nor a type index",
                       *v->decoder.reader.pos);
    }
    uint32_t limit = v->decoder.typesection.limit;
    if (index >= limit) {
        return pw_fail_index(&v->decoder, "type", offset, (uint32_t)index, limit);
    }
    if (v->decoder.typesection.typedefs[index].kind != PW_TYPE_FUNC) {
        return pw_fail(ahead.error, PW_INVALID, offset,
                       "type mismatch: expected a function type but type %u is not one",
                       (uint32_t)index);
    }
    if ((v->decoder.unrunnable & PW_FEATURE_MULTI_VALUE) != 0) {
        pw_note_unsupported(&v->decoder, PW_FEATURE_MULTI_VALUE, offset,
                            "a block with a type index");
    }
    *type = &v->decoder.types[index];
    v->decoder.reader = ahead;
    return true;
}

bool pw_read_block_type(pw_validator *v, const pw_functype **type, pw_valtype *single)
{
    pw_reader *r = &v->decoder.reader;
    *type = NULL;
    *single = PW_BOTTOM;
    if (r->pos < r->end && *r->pos == PW_TYPE_EMPTY) {
        r->pos++;
        return true;
    }
    if (r->pos < r->end && is_type_code(*r->pos)) {
        return pw_read_valtype(&v->decoder, "block type", single);
    }
    return read_indexed_type(v, type);
}

/* ---- the control stack ----------------------------------------------------------------------- */

PW_NOINLINE static bool grow_controls(pw_validator *v)
{
    if (v->ncontrols >= PW_MAX_NESTING) {
        return pw_fail(v->decoder.reader.error, PW_LIMIT, pw_at(v),
                       "too many: a function has more than %u blocks inside each other",
                       PW_MAX_NESTING);
    }
    void *controls = v->controls;
    bool grown = pw_decode_grow(&v->decoder, &controls, &v->controls_capacity, v->ncontrols + 1,
                                PW_MAX_NESTING, sizeof *v->controls);
    v->controls = controls;
    return grown;
}

static const pw_valtype *param_types(const pw_control *control, uint32_t *count)
{
    *count = control->type == NULL ? 0 : control->type->nparams;
    return control->type == NULL ? NULL : control->type->params;
}

static const pw_valtype *result_types(const pw_control *control, uint32_t *count)
{
    if (control->type == NULL) {
        *count = control->single != PW_BOTTOM;
        return &control->single;
    }
    *count = control->type->nresults;
    return control->type->results;
}

bool pw_push_control(pw_validator *v, uint8_t opcode, const pw_functype *type, pw_valtype single)
{
    if (v->ncontrols == v->controls_capacity && !grow_controls(v)) {
        return false;
    }
    v->height = v->noperands;
    v->controls[v->ncontrols++] = (pw_control){
        .type = type,
        .single = single,
        .height = v->height,
        .nassigned = v->nassigned,
        .opcode = opcode,
    };
    return type == NULL || pw_push_types(v, type->params, type->nparams);
}

void pw_set_unreachable(pw_validator *v)
{
    v->noperands = v->height;
    innermost(v)->unreachable = true;
}

PW_NOINLINE static bool fail_rest(pw_validator *v)
{
    return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: %s expected no more values but the stack has %u left",
                   v->op->text, v->noperands - v->height);
}

bool pw_pop_results(pw_validator *v)
{
    uint32_t count;
    const pw_valtype *types = result_types(innermost(v), &count);
    return pw_pop_types(v, types, count) && (v->noperands == v->height || fail_rest(v));
}

/* ---- block, loop, if, else, end -------------------------------------------------------------- */

bool pw_open_block(pw_validator *v, uint8_t opcode)
{
    const pw_functype *type;
    pw_valtype single;
    if (!pw_read_block_type(v, &type, &single)) {
        return false;
    }
    if (opcode == PW_ID_if && !pw_pop(v, PW_I32)) {
        return false;
    }
    return (type == NULL || pw_pop_types(v, type->params, type->nparams)) &&
           pw_push_control(v, opcode, type, single);
}

bool pw_check_block(pw_validator *v)
{
    return pw_open_block(v, PW_ID_block);
}

bool pw_check_loop(pw_validator *v)
{
    return pw_open_block(v, PW_ID_loop);
}

bool pw_check_if(pw_validator *v)
{
    return pw_open_block(v, PW_ID_if);
}

bool pw_check_else(pw_validator *v)
{
    pw_control *control = innermost(v);
    if (control->opcode != PW_ID_if) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                       "END opcode expected: this else does not belong to an if");
    }
    if (!pw_pop_results(v)) {
        return false;
    }
    pw_forget_assigned(v, control->nassigned);
    control->opcode = PW_ID_else;
    control->unreachable = false;
    uint32_t count;
    const pw_valtype *types = param_types(control, &count);
    return pw_push_types(v, types, count);
}

/* Checks an `if` that has no `else`: its parameters are then its results. */
static bool check_missing_else(pw_validator *v, const pw_control *control)
{
    uint32_t nparams;
    uint32_t nresults;
    const pw_valtype *params = param_types(control, &nparams);
    const pw_valtype *results = result_types(control, &nresults);
    return pw_check_types(v, params, nparams, results, nresults);
}

bool pw_check_end(pw_validator *v)
{
    pw_control control = *innermost(v);
    if (!pw_pop_results(v) || (control.opcode == PW_ID_if && !check_missing_else(v, &control))) {
        return false;
    }
    if (v->nassigned != control.nassigned) {
        pw_forget_assigned(v, control.nassigned);
    }
    if (--v->ncontrols == 0) {
        return true;
    }
    v->height = innermost(v)->height;
    uint32_t count;
    const pw_valtype *types = result_types(&control, &count);
    return pw_push_types(v, types, count);
}

/* ---- branches -------------------------------------------------------------------------------- */

bool pw_read_label(pw_validator *v, const pw_control **label)
{
    uint32_t index;
    if (!pw_read_index(v, "label", &index)) {
        return false;
    }
    if (index >= v->ncontrols) {
        return pw_fail_index(&v->decoder, "label", pw_at(v), index, v->ncontrols);
    }
    *label = &v->controls[v->ncontrols - 1 - index];
    return true;
}

bool pw_check_branch(pw_validator *v, const pw_valtype *types, uint32_t count)
{
    return pw_pop_types(v, types, count) && pw_push_types(v, types, count);
}

bool pw_check_br(pw_validator *v)
{
    const pw_control *label;
    uint32_t count;
    if (!pw_read_label(v, &label)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    if (!pw_pop_types(v, types, count)) {
        return false;
    }
    pw_set_unreachable(v);
    return true;
}

bool pw_check_br_if(pw_validator *v)
{
    const pw_control *label;
    uint32_t count;
    if (!pw_read_label(v, &label) || !pw_pop(v, PW_I32)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    return pw_check_branch(v, types, count);
}

/* The types that a target of br_table takes. */
typedef struct {
    const pw_valtype *types;
    uint32_t count;
} target;

static bool read_target(pw_validator *v, target *result)
{
    const pw_control *label;
    if (!pw_read_label(v, &label)) {
        return false;
    }
    result->types = pw_label_types(label, &result->count);
    return true;
}

/* Checks that the operands match the types of a target, and that the target takes as many values as
 * the one before it. The operands stay on the stack. */
static bool check_target(pw_validator *v, const target *before, const target *next)
{
    uint32_t noperands = v->noperands;
    if (before->count != next->count) {
        return pw_fail(
            v->decoder.reader.error, PW_INVALID, pw_at(v),
            "type mismatch: br_table expected targets that take equally many values but got "
            "%u and %u",
            before->count, next->count);
    }
    bool fit = pw_pop_types(v, next->types, next->count);
    v->noperands = noperands;
    return fit;
}

/* Targets that follow each other and take the same list of types are checked once. Many blocks of
 * one type have the same list, so it is the lists that are compared, and not the labels. */
bool pw_check_br_table(pw_validator *v)
{
    uint32_t count;
    target last;
    if (!pw_read_count(&v->decoder.reader, "label count", 1, UINT32_MAX, &count) ||
        !pw_pop(v, PW_I32) || !read_target(v, &last) || !check_target(v, &last, &last)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) { /* the default target follows the list */
        target next;
        if (!read_target(v, &next)) {
            return false;
        }
        bool same = next.types == last.types && next.count == last.count;
        if (!same && !check_target(v, &last, &next)) {
            return false;
        }
        last = next;
    }
    pw_set_unreachable(v);
    return true;
}

bool pw_check_return(pw_validator *v)
{
    uint32_t count;
    const pw_valtype *types = result_types(&v->controls[0], &count);
    if (!pw_pop_types(v, types, count)) {
        return false;
    }
    pw_set_unreachable(v);
    return true;
}

bool pw_check_unreachable(pw_validator *v)
{
    pw_set_unreachable(v);
    return true;
}
