/* SPDX-License-Identifier: MIT */
/* Blocks and branches:
 * https://webassembly.github.io/spec/core/valid/instructions.html#control-instructions */
#include "limits.h"
#include "validate.h"

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

static bool read_indexed_type(pw_decoder *d, const pw_functype **type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    pw_reader ahead = d->reader;
    int64_t index;
    if (!pw_read_s33(&ahead, "block type", &index)) {
        return false;
    }
    if (index < 0) {
        return pw_fail(ahead.error, PW_MALFORMED, offset,
                       "malformed block type: 0x%02x is no value type and no index",
                       *d->reader.pos);
    }
    uint32_t limit = d->typesection.limit;
    if (index >= limit) {
        return pw_fail_index(d, "type", offset, (uint32_t)index, limit);
    }
    if (d->typesection.typedefs[index].kind != PW_TYPE_FUNC) {
        return pw_fail(ahead.error, PW_INVALID, offset,
                       "type mismatch: type %u is expected to be a function type", (uint32_t)index);
    }
    if ((d->unrunnable & PW_FEATURE_MULTI_VALUE) != 0) {
        pw_note_unsupported(d, PW_FEATURE_MULTI_VALUE, offset, "a block with a type index");
    }
    *type = &d->types[index];
    d->reader = ahead;
    return true;
}

/* *type is NULL for the empty type, where *single is PW_BOTTOM, and for that of one value. */
static bool read_block_type(pw_decoder *d, const pw_functype **type, pw_valtype *single)
{
    pw_reader *r = &d->reader;
    *type = NULL;
    *single = PW_BOTTOM;
    if (r->pos < r->end && *r->pos == PW_TYPE_EMPTY) {
        r->pos++;
        return true;
    }
    if (r->pos < r->end && is_type_code(*r->pos)) {
        return pw_read_valtype(d, "block type", single);
    }
    return read_indexed_type(d, type);
}

/* ---- the control stack ----------------------------------------------------------------------- */

PW_NOINLINE static bool grow_controls(pw_decoder *d)
{
    pw_validator *v = &d->v;
    if (v->ncontrols >= PW_MAX_NESTING) {
        return pw_fail(d->reader.error, PW_LIMIT, pw_at(d),
                       "too many: more than %u blocks inside each other", PW_MAX_NESTING);
    }
    void *controls = v->controls;
    bool grown = pw_decode_grow(d, &controls, &v->controls_capacity, v->ncontrols + 1,
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

bool pw_push_control(pw_decoder *d, uint8_t opcode, const pw_functype *type, pw_valtype single)
{
    pw_validator *v = &d->v;
    if (v->ncontrols == v->controls_capacity && !grow_controls(d)) {
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
    return type == NULL || pw_push_types(d, type->params, type->nparams);
}

void pw_set_unreachable(pw_decoder *d)
{
    pw_validator *v = &d->v;
    v->noperands = v->height;
    innermost(v)->unreachable = true;
}

PW_NOINLINE static bool fail_rest(pw_decoder *d)
{
    return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "type mismatch: %s expected no more values but %u are left on the stack",
                   d->v.op->text, d->v.noperands - d->v.height);
}

/* The results of the innermost block, and nothing else, are on the stack. */
static bool pop_results(pw_decoder *d)
{
    uint32_t count;
    const pw_valtype *types = result_types(innermost(&d->v), &count);
    return pw_pop_types(d, types, count) && (d->v.noperands == d->v.height || fail_rest(d));
}

/* ---- block, loop, if, else, end -------------------------------------------------------------- */

static bool open_block(pw_decoder *d, uint8_t opcode)
{
    const pw_functype *type;
    pw_valtype single;
    if (!read_block_type(d, &type, &single)) {
        return false;
    }
    if (opcode == PW_OP_IF && !pw_pop(d, PW_I32)) {
        return false;
    }
    return (type == NULL || pw_pop_types(d, type->params, type->nparams)) &&
           pw_push_control(d, opcode, type, single);
}

bool pw_check_block(pw_decoder *d)
{
    return open_block(d, PW_OP_BLOCK);
}

bool pw_check_loop(pw_decoder *d)
{
    return open_block(d, PW_OP_LOOP);
}

bool pw_check_if(pw_decoder *d)
{
    return open_block(d, PW_OP_IF);
}

bool pw_check_else(pw_decoder *d)
{
    pw_validator *v = &d->v;
    pw_control *control = innermost(v);
    if (control->opcode != PW_OP_IF) {
        return pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                       "END opcode expected: else stands in no if");
    }
    if (!pop_results(d)) {
        return false;
    }
    pw_forget_assigned(v, control->nassigned);
    control->opcode = PW_OP_ELSE;
    control->unreachable = false;
    uint32_t count;
    const pw_valtype *types = param_types(control, &count);
    return pw_push_types(d, types, count);
}

/* Without else the parameters are the results. */
static bool check_missing_else(pw_decoder *d, const pw_control *control)
{
    uint32_t nparams;
    uint32_t nresults;
    const pw_valtype *params = param_types(control, &nparams);
    const pw_valtype *results = result_types(control, &nresults);
    return pw_check_types(d, params, nparams, results, nresults);
}

bool pw_check_end(pw_decoder *d)
{
    pw_validator *v = &d->v;
    pw_control control = *innermost(v);
    if (!pop_results(d) || (control.opcode == PW_OP_IF && !check_missing_else(d, &control))) {
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
    return pw_push_types(d, types, count);
}

/* ---- branches -------------------------------------------------------------------------------- */

bool pw_read_label(pw_decoder *d, const pw_control **label)
{
    pw_validator *v = &d->v;
    uint32_t index;
    if (!pw_read_index(d, "label", &index)) {
        return false;
    }
    if (index >= v->ncontrols) {
        return pw_fail_index(d, "label", pw_at(d), index, v->ncontrols);
    }
    *label = &v->controls[v->ncontrols - 1 - index];
    return true;
}

bool pw_check_branch(pw_decoder *d, const pw_valtype *types, uint32_t count)
{
    return pw_pop_types(d, types, count) && pw_push_types(d, types, count);
}

bool pw_check_br(pw_decoder *d)
{
    const pw_control *label;
    uint32_t count;
    if (!pw_read_label(d, &label)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    if (!pw_pop_types(d, types, count)) {
        return false;
    }
    pw_set_unreachable(d);
    return true;
}

bool pw_check_br_if(pw_decoder *d)
{
    const pw_control *label;
    uint32_t count;
    if (!pw_read_label(d, &label) || !pw_pop(d, PW_I32)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    return pw_check_branch(d, types, count);
}

/* The operands fit a target, of as many types as the first one; they stay. */
static bool check_target(pw_decoder *d, const pw_control *label, uint32_t expected)
{
    uint32_t count;
    uint32_t noperands = d->v.noperands;
    const pw_valtype *types = pw_label_types(label, &count);
    if (count != expected) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "type mismatch: br_table expected targets of %u types but got one of %u",
                       expected, count);
    }
    bool fit = pw_pop_types(d, types, count);
    d->v.noperands = noperands;
    return fit;
}

bool pw_check_br_table(pw_decoder *d)
{
    uint32_t count;
    uint32_t arity = 0;
    const pw_control *last = NULL;
    if (!pw_read_count(&d->reader, "label count", 1, UINT32_MAX, &count) || !pw_pop(d, PW_I32)) {
        return false;
    }
    for (uint64_t i = 0; i <= count; i++) { /* the default target follows the list */
        const pw_control *label;
        if (!pw_read_label(d, &label)) {
            return false;
        }
        if (i == 0) {
            pw_label_types(label, &arity);
        }
        if (label != last && !check_target(d, label, arity)) {
            return false;
        }
        last = label;
    }
    pw_set_unreachable(d);
    return true;
}

bool pw_check_return(pw_decoder *d)
{
    uint32_t count;
    const pw_valtype *types = result_types(&d->v.controls[0], &count);
    if (!pw_pop_types(d, types, count)) {
        return false;
    }
    pw_set_unreachable(d);
    return true;
}

bool pw_check_unreachable(pw_decoder *d)
{
    pw_set_unreachable(d);
    return true;
}

/* ---- exceptions ------------------------------------------------------------------------------ */

#define CATCH_HAS_REFERENCE 1 /* bit of a clause's kind */
#define LAST_CATCH 3

static const pw_functype *tag_type(const pw_decoder *d, uint32_t tag)
{
    return &d->types[d->tags[tag].type_index];
}

bool pw_check_throw(pw_decoder *d)
{
    uint32_t tag;
    if (!pw_read_space_index(d, PW_EXTERN_TAG, "tag index", &tag)) {
        return false;
    }
    const pw_functype *type = tag_type(d, tag);
    if (!pw_pop_types(d, type->params, type->nparams)) {
        return false;
    }
    pw_set_unreachable(d);
    return true;
}

bool pw_check_throw_ref(pw_decoder *d)
{
    if (!pw_pop(d, PW_EXNREF)) {
        return false;
    }
    pw_set_unreachable(d);
    return true;
}

/* What a clause gives: the values of the tag, and the exception. */
static bool check_clause(pw_decoder *d, const pw_functype *tag, bool reference)
{
    const pw_control *label;
    uint32_t count;
    if (!pw_read_label(d, &label)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    uint32_t nvalues = tag == NULL ? 0 : tag->nparams;
    if (reference && count > 0) {
        count--;
        if (!pw_check_type(d, pw_reference_to(PW_EXNREF, false), types[count])) {
            return false;
        }
        reference = false;
    }
    if (reference) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "type mismatch: try_table expected a label that takes the exception");
    }
    return pw_check_types(d, tag == NULL ? NULL : tag->params, nvalues, types, count);
}

static bool read_clause(pw_decoder *d)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint8_t kind;
    uint32_t tag;
    if (!pw_read_byte(&d->reader, "kind of a catch clause", &kind)) {
        return false;
    }
    if (kind > LAST_CATCH) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed catch clause: kind 0x%02x is above 3", kind);
    }
    bool reference = (kind & CATCH_HAS_REFERENCE) != 0;
    if (kind >= PW_CATCH_ALL) {
        return check_clause(d, NULL, reference);
    }
    return pw_read_space_index(d, PW_EXTERN_TAG, "tag index", &tag) &&
           check_clause(d, tag_type(d, tag), reference);
}

bool pw_check_try_table(pw_decoder *d)
{
    const pw_functype *type;
    pw_valtype single;
    uint32_t count;
    if (!read_block_type(d, &type, &single) ||
        (type != NULL && !pw_pop_types(d, type->params, type->nparams)) ||
        !pw_read_count(&d->reader, "count of catch clauses", 2, UINT32_MAX, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_clause(d)) {
            return false;
        }
    }
    return pw_push_control(d, PW_OP_BLOCK, type, single);
}
