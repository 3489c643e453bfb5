/* SPDX-License-Identifier: MIT */
/* Validates the throwing and catching of exceptions:
 * https://webassembly.github.io/spec/core/valid/instructions.html#control-instructions */
#include "validate/control.h"
#include "validate/operands.h"

#define CATCH_HAS_REFERENCE 1 /* bit of a clause's kind: the label also takes the exception */
#define LAST_CATCH 3

static const pw_functype *tag_type(const pw_validator *v, uint32_t tag)
{
    return &v->decoder.types[v->decoder.tags[tag].type_index];
}

bool pw_check_throw(pw_validator *v)
{
    uint32_t tag;
    if (!pw_read_space_index(v, PW_EXTERN_TAG, "tag index", &tag)) {
        return false;
    }
    const pw_functype *type = tag_type(v, tag);
    if (!pw_pop_types(v, type->params, type->nparams)) {
        return false;
    }
    pw_set_unreachable(v);
    return true;
}

bool pw_check_throw_ref(pw_validator *v)
{
    if (!pw_pop(v, PW_EXNREF)) {
        return false;
    }
    pw_set_unreachable(v);
    return true;
}

/* Checks that the label of a catch clause takes what the clause gives: the values of the tag (NULL
 * if the clause has no tag), and the exception if `reference` is set. */
static bool check_clause(pw_validator *v, const pw_functype *tag, bool reference)
{
    const pw_control *label;
    uint32_t count;
    if (!pw_read_label(v, &label)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    uint32_t nvalues = tag == NULL ? 0 : tag->nparams;
    if (reference && count > 0) {
        count--;
        if (!pw_check_type(v, pw_reference_to(PW_EXNREF, false), types[count])) {
            return false;
        }
        reference = false;
    }
    if (reference) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "type mismatch: try_table expected a label that takes the exception");
    }
    return pw_check_types(v, tag == NULL ? NULL : tag->params, nvalues, types, count);
}

static bool read_clause(pw_validator *v)
{
    uint32_t offset = pw_reader_offset(&v->decoder.reader);
    uint8_t kind;
    uint32_t tag;
    if (!pw_read_byte(&v->decoder.reader, "kind of a catch clause", &kind)) {
        return false;
    }
    if (kind > LAST_CATCH) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, offset,
                       "malformed catch clause: expected a kind of at most 3 but got 0x%02x", kind);
    }
    bool reference = (kind & CATCH_HAS_REFERENCE) != 0;
    if (kind >= PW_CATCH_ALL) {
        return check_clause(v, NULL, reference);
    }
    return pw_read_space_index(v, PW_EXTERN_TAG, "tag index", &tag) &&
           check_clause(v, tag_type(v, tag), reference);
}

bool pw_check_try_table(pw_validator *v)
{
    const pw_functype *type;
    pw_valtype single;
    uint32_t count;
    if (!pw_read_block_type(v, &type, &single) ||
        (type != NULL && !pw_pop_types(v, type->params, type->nparams)) ||
        !pw_read_count(&v->decoder.reader, "count of catch clauses", 2, UINT32_MAX, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_clause(v)) {
            return false;
        }
    }
    return pw_push_control(v, PW_ID_block, type, single);
}
