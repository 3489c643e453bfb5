/* SPDX-License-Identifier: MIT */
/* The validator of instructions: its loop, and what is most frequent in bodies. */
#include "validate.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"

/* ---- locals ---------------------------------------------------------------------------------- */

void pw_begin_locals(pw_decoder *d, const pw_functype *type)
{
    pw_validator *v = &d->v;
    v->type = type;
    v->nlocals = type->nparams;
    v->nfast = type->nparams < PW_FAST_LOCALS ? type->nparams : PW_FAST_LOCALS;
    v->ngroups = 0;
    if (v->nfast != 0) {
        memcpy(v->fast, type->params, v->nfast * sizeof *v->fast);
    }
}

bool pw_add_locals(pw_decoder *d, uint32_t count, pw_valtype type)
{
    pw_validator *v = &d->v;
    if (count == 0) {
        return true;
    }
    v->nlocals += count;
    while (v->nfast < v->nlocals && v->nfast < PW_FAST_LOCALS) {
        v->fast[v->nfast++] = type;
    }
    if (v->ngroups == v->groups_capacity) {
        void *groups = v->groups;
        bool grown = pw_decode_grow(d, &groups, &v->groups_capacity, v->ngroups + 1, PW_MAX_LOCALS,
                                    sizeof *v->groups);
        v->groups = groups;
        if (!grown) {
            return false;
        }
    }
    v->groups[v->ngroups++] = (pw_localgroup){v->nlocals, type};
    return true;
}

PW_NOINLINE static pw_valtype find_local(const pw_validator *v, uint32_t index)
{
    if (index < v->type->nparams) {
        return v->type->params[index];
    }
    uint32_t low = 0;
    uint32_t high = v->ngroups - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (index < v->groups[middle].end) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return v->groups[low].type;
}

static bool read_local(pw_decoder *d, uint32_t *index, pw_valtype *type)
{
    const pw_validator *v = &d->v;
    if (!pw_read_index(d, "local index", index)) {
        return false;
    }
    if (*index < v->nfast) {
        *type = v->fast[*index];
        return true;
    }
    if (*index >= v->nlocals) {
        return pw_fail_index(d, "local", pw_at(d), *index, v->nlocals);
    }
    *type = find_local(v, *index);
    return true;
}

/* ---- locals that must be assigned before use ------------------------------------------------- */

static bool is_assigned(const pw_validator *v, uint32_t index)
{
    return index < v->type->nparams ||
           (v->is_assigned != NULL && (v->is_assigned[index / 8] >> index % 8 & 1) != 0);
}

PW_NOINLINE static bool check_assigned(pw_decoder *d, uint32_t index)
{
    return is_assigned(&d->v, index) ||
           pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "uninitialized local: local %u of a type without null has no value yet", index);
}

/* The bits are all clear between bodies: pw_forget_assigned. */
PW_NOINLINE static bool assign(pw_decoder *d, uint32_t index)
{
    pw_validator *v = &d->v;
    if (is_assigned(v, index)) {
        return true;
    }
    if (v->is_assigned == NULL) {
        v->is_assigned = calloc(PW_MAX_LOCALS / 8 + 1, 1);
        if (v->is_assigned == NULL) {
            return pw_fail(d->reader.error, PW_NO_MEMORY, pw_at(d), "out of memory: locals");
        }
    }
    if (v->nassigned == v->assigned_capacity) {
        void *assigned = v->assigned;
        bool grown = pw_decode_grow(d, &assigned, &v->assigned_capacity, v->nassigned + 1,
                                    PW_MAX_LOCALS, sizeof *v->assigned);
        v->assigned = assigned;
        if (!grown) {
            return false;
        }
    }
    v->assigned[v->nassigned++] = index;
    v->is_assigned[index / 8] |= (uint8_t)(1u << index % 8);
    return true;
}

void pw_forget_assigned(pw_validator *v, uint32_t kept)
{
    while (v->nassigned > kept) {
        uint32_t index = v->assigned[--v->nassigned];
        v->is_assigned[index / 8] &= (uint8_t)~(1u << index % 8);
    }
}

/* ---- frequent instructions ------------------------------------------------------------------- */

bool pw_check_local_get(pw_decoder *d)
{
    uint32_t index;
    pw_valtype type;
    return read_local(d, &index, &type) && (pw_is_defaultable(type) || check_assigned(d, index)) &&
           pw_push(d, type);
}

bool pw_check_local_set(pw_decoder *d)
{
    uint32_t index;
    pw_valtype type;
    return read_local(d, &index, &type) && pw_pop(d, type) &&
           (pw_is_defaultable(type) || assign(d, index));
}

bool pw_check_local_tee(pw_decoder *d)
{
    uint32_t index;
    pw_valtype type;
    return read_local(d, &index, &type) && pw_pop(d, type) && pw_push(d, type) &&
           (pw_is_defaultable(type) || assign(d, index));
}

bool pw_check_unary(pw_decoder *d)
{
    const pw_opcode *op = d->v.op;
    return pw_pop(d, op->params[0]) && pw_push(d, op->result);
}

bool pw_check_binary(pw_decoder *d)
{
    const pw_opcode *op = d->v.op;
    return pw_pop(d, op->params[1]) && pw_pop(d, op->params[0]) && pw_push(d, op->result);
}

/* Up to three operands. */
bool pw_check_simple(pw_decoder *d)
{
    const pw_opcode *op = d->v.op;
    for (int i = 2; i >= 0; i--) {
        if (op->params[i] != 0 && !pw_pop(d, op->params[i])) {
            return false;
        }
    }
    return op->result == 0 || pw_push(d, op->result);
}

bool pw_check_i32_const(pw_decoder *d)
{
    pw_reader *r = &d->reader;
    int32_t value;
    if (r->pos < r->end && *r->pos < 0x80) {
        r->pos++;
    } else if (!pw_read_s32(r, "i32.const", &value)) {
        return false;
    }
    return pw_push(d, PW_I32);
}

bool pw_check_i64_const(pw_decoder *d)
{
    int64_t value;
    return pw_read_s64(&d->reader, "i64.const", &value) && pw_push(d, PW_I64);
}

bool pw_check_f32_const(pw_decoder *d)
{
    const uint8_t *data;
    return pw_read_bytes(&d->reader, "f32.const", 4, &data) && pw_push(d, PW_F32);
}

bool pw_check_f64_const(pw_decoder *d)
{
    const uint8_t *data;
    return pw_read_bytes(&d->reader, "f64.const", 8, &data) && pw_push(d, PW_F64);
}

bool pw_check_nop(pw_decoder *d)
{
    (void)d;
    return true;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool check_illegal(pw_decoder *d)
{
    return pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                   "illegal opcode %02x: no instruction begins with this byte", *d->v.at);
}

#define FUNCTION(name) pw_check_##name,
static bool (*const checks[PW_CHECK_COUNT])(pw_decoder *d) = {check_illegal, PW_CHECKS(FUNCTION)};
#undef FUNCTION

PW_NOINLINE static void note_instruction(pw_decoder *d)
{
    pw_note_unsupported(d, (pw_feature)d->v.op->feature, pw_at(d), "%s", d->v.op->text);
}

static bool fail_not_constant(pw_decoder *d)
{
    return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "constant expression required: %s is not constant", d->v.op->text);
}

bool pw_check_prefix(pw_decoder *d)
{
    pw_validator *v = &d->v;
    uint32_t code;
    if (!pw_read_index(d, "opcode after a prefix", &code)) {
        return false;
    }
    v->op = pw_prefixed_opcode(*v->at, code);
    if (v->op == NULL) {
        return pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                       "illegal opcode %02x %02x: no instruction has this number", *v->at, code);
    }
    if (v->constant && !v->op->constant) {
        return fail_not_constant(d);
    }
    if ((v->op->feature & d->unrunnable) != 0) {
        note_instruction(d);
    }
    return checks[v->op->check](d);
}

static inline bool check_instruction(pw_decoder *d)
{
    const pw_opcode *op = d->v.op;
    if ((op->feature & d->unrunnable) != 0) {
        note_instruction(d);
    }
    return checks[op->check](d);
}

/* An `end` right behind the function would have been its own. */
static bool fail_end(pw_decoder *d)
{
    const pw_reader *r = &d->reader;
    const char *phrase = r->end == r->limit     ? "unexpected end of section or function"
                         : *r->end == PW_OP_END ? "section size mismatch"
                                                : "END opcode expected";
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                   "%s: the %s ends inside a block or before its last end", phrase, r->unit);
}

bool pw_check_body(pw_decoder *d, const pw_functype *type)
{
    pw_validator *v = &d->v;
    pw_reader *r = &d->reader;
    v->noperands = v->height = v->ncontrols = 0;
    v->at = r->pos;
    bool valid = pw_push_control(d, 0, type, PW_BOTTOM);
    v->noperands = 0; /* a function's parameters are locals */
    while (valid && v->ncontrols != 0) {
        pw_check_fast(d);
        if (r->pos == r->end) {
            valid = fail_end(d);
            break;
        }
        v->at = r->pos;
        v->op = &pw_opcodes[*r->pos++];
        valid = check_instruction(d);
    }
    pw_forget_assigned(v, 0);
    if (valid && r->pos != r->end) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "section size mismatch: the function ends %zu bytes before its size says",
                       pw_reader_left(r));
    }
    return valid;
}

static bool check_constant_instruction(pw_decoder *d, uint8_t opcode)
{
    pw_validator *v = &d->v;
    v->op = &pw_opcodes[opcode];
    if (v->op->text != NULL && !v->op->constant) {
        return fail_not_constant(d);
    }
    if (!check_instruction(d)) {
        return false;
    }
    if (v->noperands > PW_MAX_CONSTANT_OPERANDS && (d->unrunnable & PW_FEATURE_ALL) != 0) {
        pw_note_unsupported(d, PW_FEATURE_EXTENDED_CONSTANTS, pw_at(d), "more than %u values",
                            PW_MAX_CONSTANT_OPERANDS);
    }
    return true;
}

bool pw_check_constant(pw_decoder *d, uint32_t *count)
{
    static const pw_functype nothing;
    pw_validator *v = &d->v;
    v->noperands = v->height = v->ncontrols = 0;
    v->at = d->reader.pos;
    v->constant = true;
    bool valid = pw_push_control(d, 0, &nothing, PW_BOTTOM);
    for (*count = 0; valid; (*count)++) {
        uint8_t opcode;
        v->at = d->reader.pos;
        valid = pw_read_byte(&d->reader, "opcode", &opcode);
        if (valid && opcode == PW_OP_END) {
            break;
        }
        valid = valid && check_constant_instruction(d, opcode);
    }
    v->constant = false;
    return valid;
}

void pw_free_validator(pw_validator *v)
{
    free(v->operands);
    free(v->controls);
    free(v->groups);
    free(v->is_assigned);
    free(v->assigned);
}
