/* SPDX-License-Identifier: MIT */
/* Inside the validator of instructions: what its files share.
 * https://webassembly.github.io/spec/core/appendix/algorithm.html */
#ifndef PW_VALIDATE_H
#define PW_VALIDATE_H

#include "decode/decoder.h"
#include "decode/types.h"
#include "decode/valtypes.h"

/* The unknown type of a value that an unreachable block's stack gives; a subtype of all types. */
#define PW_BOTTOM 0
/* A reference of which nothing but that is known; a subtype of all reference types. */
#define PW_BOTTOM_REF (PW_TYPED_REF | PW_NON_NULL | PW_HEAP_BOTTOM)

/* ---- the state ------------------------------------------------------------------------------- */

/* A block that is open. */
typedef struct {
    const pw_functype *type; /* NULL: no parameters, and `single` is the result */
    pw_valtype single;       /* 0: no result */
    uint32_t height;         /* of the operands below it */
    uint32_t nassigned;      /* as it was at the block's beginning */
    uint8_t opcode;
    bool unreachable;
} pw_control;

/* Locals of one type. */
typedef struct {
    uint32_t end; /* index after the last */
    pw_valtype type;
} pw_localgroup;

/* Locals of small index have their types in an array; the others are searched in their groups, so
 * that a function costs no more than its size, however many locals it declares. */
#define PW_FAST_LOCALS 128

/* A decoder, and what validates the code that it meets. The buffers are owned, and serve all
 * bodies. */
typedef struct {
    pw_decoder decoder;  /* the first member: pw_code_checker's functions find the rest behind it */
    const pw_opcode *op; /* the instruction being checked */
    const uint8_t *at;   /* its first byte */
    pw_valtype *operands;
    uint32_t noperands;
    uint32_t operands_capacity;
    uint32_t height; /* of the innermost block, like controls[ncontrols - 1].height */
    uint32_t ncontrols;
    uint32_t controls_capacity;
    pw_control *controls;
    bool constant;    /* a constant expression is being checked */
    uint32_t nlocals; /* with the parameters */
    uint32_t nfast;
    pw_valtype fast[PW_FAST_LOCALS];
    const pw_functype *type; /* of the function */
    pw_localgroup *groups;
    uint32_t ngroups;
    uint32_t groups_capacity;
    uint8_t *is_assigned; /* bits: locals of non-nullable types that have a value */
    uint32_t *assigned;   /* their indices */
    uint32_t nassigned;
    uint32_t assigned_capacity;
} pw_validator;

extern const pw_code_checker pw_validating_checker;

void pw_free_validator(pw_validator *validator);

static inline pw_validator *pw_validator_of(pw_decoder *decoder)
{
    return (pw_validator *)(void *)decoder;
}

/* ---- the instructions ------------------------------------------------------------------------ */

/* Each reads the immediates and replaces operands by results; v->op says of which instruction. */
#define PW_CHECK_FUNCTION(name) bool pw_check_##name(pw_validator *v);
PW_CHECKS(PW_CHECK_FUNCTION)
#undef PW_CHECK_FUNCTION

/* Offset of the instruction. */
static inline uint32_t pw_at(const pw_validator *v)
{
    return (uint32_t)(v->at - v->decoder.reader.base);
}

/* ---- variables.c --------------------------------------------------------------------------------
 */

/* For pw_code_checker. */
void pw_begin_locals(pw_decoder *decoder, const pw_functype *type);
bool pw_add_locals(pw_decoder *decoder, uint32_t count, pw_valtype type);
/* Takes back the assignments to locals beyond the first `kept`. */
void pw_forget_assigned(pw_validator *validator, uint32_t kept);

/* ---- fast.c ---------------------------------------------------------------------------------- */

/* Goes past frequent instructions, up to one that needs a closer look. */
void pw_check_fast(pw_validator *v);

/* ---- operands (operands.c) ------------------------------------------------------------------- */

/* Cold halves of what follows. */
bool pw_grow_operands(pw_validator *v, uint32_t more);
bool pw_pop_other(pw_validator *v, pw_valtype expected);
bool pw_pop_other_types(pw_validator *v, const pw_valtype *types, uint32_t count);

static inline bool pw_push(pw_validator *v, pw_valtype type)
{
    if (v->noperands == v->operands_capacity && !pw_grow_operands(v, 1)) {
        return false;
    }
    v->operands[v->noperands++] = type;
    return true;
}

static inline bool pw_pop(pw_validator *v, pw_valtype expected)
{
    if (v->noperands > v->height && v->operands[v->noperands - 1] == expected) {
        v->noperands--;
        return true;
    }
    return pw_pop_other(v, expected);
}

/* An operand that is not what the instruction expected; always false. */
bool pw_fail_operand(pw_validator *v, const char *expected, pw_valtype actual);
/* An operand of any type. */
bool pw_pop_any(pw_validator *v, pw_valtype *type);
/* A reference of any type. */
bool pw_pop_reference(pw_validator *v, pw_valtype *type);
/* The last of `types` is the topmost. */
bool pw_pop_types(pw_validator *v, const pw_valtype *types, uint32_t count);
bool pw_push_types(pw_validator *v, const pw_valtype *types, uint32_t count);
/* Whether a list of types matches another; "type mismatch" if not. */
bool pw_check_types(pw_validator *v, const pw_valtype *actual, uint32_t nactual,
                    const pw_valtype *expected, uint32_t nexpected);
/* Whether the type matches, and the message. */
bool pw_check_type(pw_validator *v, pw_valtype actual, pw_valtype expected);

/* ---- blocks (control.c) ---------------------------------------------------------------------- */

bool pw_push_control(pw_validator *v, uint8_t opcode, const pw_functype *type, pw_valtype single);
static inline bool pw_is_unreachable(const pw_validator *v)
{
    return v->controls[v->ncontrols - 1].unreachable;
}

/* What follows cannot be reached. */
void pw_set_unreachable(pw_validator *v);
/* A label immediate. */
bool pw_read_label(pw_validator *v, const pw_control **label);
/* Operands for a branch, which stay as what the label says. */
bool pw_check_branch(pw_validator *v, const pw_valtype *types, uint32_t count);

/* The types that a branch to a block takes along. */
static inline const pw_valtype *pw_label_types(const pw_control *control, uint32_t *count)
{
    bool is_loop = control->opcode == PW_OP_LOOP;
    if (control->type == NULL) {
        *count = !is_loop && control->single != PW_BOTTOM;
        return &control->single;
    }
    *count = is_loop ? control->type->nparams : control->type->nresults;
    return is_loop ? control->type->params : control->type->results;
}

/* The type of a block: one of *type and *single, as pw_control has them. */
bool pw_read_block_type(pw_validator *v, const pw_functype **type, pw_valtype *single);

/* ---- memory.c -------------------------------------------------------------------------------- */

/* Alignment, memory and offset. *address is the type of the memory's addresses. `exact`: the
 * alignment must be the natural one. */
bool pw_read_memarg(pw_validator *v, bool exact, pw_valtype *address);

/* ---- immediates ------------------------------------------------------------------------------ */

static inline bool pw_read_index(pw_validator *v, const char *what, uint32_t *value)
{
    pw_reader *r = &v->decoder.reader;
    if (r->pos < r->end && *r->pos < 0x80) {
        *value = *r->pos++;
        return true;
    }
    return pw_read_u32(r, what, value);
}

/* An index of that kind. */
static inline bool pw_read_space_index(pw_validator *v, pw_externkind kind, const char *what,
                                       uint32_t *index)
{
    return pw_read_index(v, what, index) && pw_check_index(&v->decoder, kind, pw_at(v), *index);
}

/* Whether such a segment exists. */
bool pw_check_elem_index(pw_validator *v, uint32_t index);
bool pw_check_data_index(pw_validator *v, uint32_t index);

#endif
