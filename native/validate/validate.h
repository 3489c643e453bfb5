/* SPDX-License-Identifier: MIT */
/* The state of the validator of code, and what its files share.
 * https://webassembly.github.io/spec/core/appendix/algorithm.html */
#ifndef PW_VALIDATE_H
#define PW_VALIDATE_H

#include "decode/decoder.h"
#include "decode/types.h"
#include "decode/valtypes.h"

/* The unknown type of a value that the stack of unreachable code gives. It is a subtype of all
 * types. */
#define PW_BOTTOM 0
/* The type of a value of which only one thing is known: that it is a reference. It is a subtype of
 * all reference types. */
#define PW_BOTTOM_REF (PW_TYPED_REF | PW_NON_NULL | PW_HEAP_BOTTOM)

/* ---- the state ------------------------------------------------------------------------------- */

/* A block that has begun and not ended yet. The outermost one stands for the function. */
typedef struct {
    const pw_functype *type; /* NULL: the block has no parameters, and `single` is its result */
    pw_valtype single;       /* the only result if `type` is NULL; PW_BOTTOM: no result */
    uint32_t height;         /* how many operands are below the block's own ones */
    uint32_t nassigned;      /* the value of pw_validator.nassigned when the block began */
    uint8_t opcode;
    bool unreachable; /* the rest of the block cannot be reached */
} pw_control;

/* Locals of one type, which were declared together. */
typedef struct {
    uint32_t end; /* the index after the last one */
    pw_valtype type;
} pw_localgroup;

/* How many locals have their types in an array. The types of the others are found by a binary
 * search among the groups of locals, so that a function with many locals costs no more than its
 * size. */
#define PW_FAST_LOCALS 128

/* A decoder, and the state of the validator that checks the code which the decoder meets. The
 * buffers are owned by the validator, and used for one body after the other. */
typedef struct {
    pw_decoder decoder;   /* the first member, so that pw_validator_of can find the others */
    const pw_opcode *op;  /* the instruction that is being checked */
    const uint8_t *at;    /* the first byte of that instruction */
    pw_valtype *operands; /* the operand stack: the type of each value */
    uint32_t noperands;
    uint32_t operands_capacity;
    uint32_t height; /* the height of the innermost block: controls[ncontrols - 1].height */
    uint32_t ncontrols;
    uint32_t controls_capacity;
    pw_control *controls;            /* the control stack: the blocks that have not ended */
    bool constant;                   /* a constant expression is being checked */
    uint32_t nlocals;                /* how many locals there are, parameters included */
    uint32_t nfast;                  /* how many of them have their types in `fast` */
    pw_valtype fast[PW_FAST_LOCALS]; /* the types of the first locals */
    const pw_functype *type;         /* the type of the function */
    pw_localgroup *groups;           /* the declared locals */
    uint32_t ngroups;
    uint32_t groups_capacity;
    uint8_t *is_assigned; /* a bit for each local of a non-nullable type: it has a value */
    uint32_t *assigned;   /* the indices of these locals, in the order of their assignment */
    uint32_t nassigned;
    uint32_t assigned_capacity;
} pw_validator;

/* The checker to be given to the decoder that a pw_validator contains. */
extern const pw_code_checker pw_validating_checker;

/* Frees the buffers of a validator. */
void pw_free_validator(pw_validator *validator);

/* The validator that contains a decoder. */
static inline pw_validator *pw_validator_of(pw_decoder *decoder)
{
    return (pw_validator *)(void *)decoder;
}

/* ---- the instructions ------------------------------------------------------------------------ */

/* Each of these functions checks the instruction v->op: it reads the immediates, pops the operands
 * and pushes the results. False with the error set. */
#define PW_CHECK_FUNCTION(name) bool pw_check_##name(pw_validator *v);
PW_CHECKS(PW_CHECK_FUNCTION)
#undef PW_CHECK_FUNCTION

/* The byte offset in the module of the instruction that is being checked. */
static inline uint32_t pw_at(const pw_validator *v)
{
    return (uint32_t)(v->at - v->decoder.reader.base);
}

/* ---- locals (variables.c) -------------------------------------------------------------------- */

/* The functions of these names in pw_code_checker. */
void pw_begin_locals(pw_decoder *decoder, const pw_functype *type);
bool pw_add_locals(pw_decoder *decoder, uint32_t count, pw_valtype type);
/* Takes back all assignments to locals except for the first `kept` ones. */
void pw_forget_assigned(pw_validator *validator, uint32_t kept);

/* ---- frequent instructions (fast.c) ---------------------------------------------------------- */

/* Checks frequent instructions, up to one that is not frequent or not valid. */
void pw_check_fast(pw_validator *v);

/* ---- operands (operands.c) ------------------------------------------------------------------- */

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

/* ---- blocks (control.c) ---------------------------------------------------------------------- */

/* Opens a block of the type that `type` and `single` give, as pw_control has them, and pushes its
 * parameters. */
bool pw_push_control(pw_validator *v, uint8_t opcode, const pw_functype *type, pw_valtype single);

/* Whether the instruction cannot be reached. */
static inline bool pw_is_unreachable(const pw_validator *v)
{
    return v->controls[v->ncontrols - 1].unreachable;
}

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
    bool is_loop = control->opcode == PW_OP_LOOP;
    if (control->type == NULL) {
        *count = !is_loop && control->single != PW_BOTTOM;
        return &control->single;
    }
    *count = is_loop ? control->type->nparams : control->type->nresults;
    return is_loop ? control->type->params : control->type->results;
}

/* Reads the type of a block into *type and *single, as pw_control has them. */
bool pw_read_block_type(pw_validator *v, const pw_functype **type, pw_valtype *single);

/* ---- memory accesses (memory.c) -------------------------------------------------------------- */

/* Reads and checks the alignment, the memory and the offset of an access. *address is the type of
 * the memory's addresses. If `exact` is set, the alignment must be the natural one. */
bool pw_read_memarg(pw_validator *v, bool exact, pw_valtype *address);

/* ---- immediates ------------------------------------------------------------------------------ */

/* Reads an index. `what` names it in errors. */
static inline bool pw_read_index(pw_validator *v, const char *what, uint32_t *value)
{
    pw_reader *r = &v->decoder.reader;
    if (r->pos < r->end && *r->pos < 0x80) {
        *value = *r->pos++;
        return true;
    }
    return pw_read_u32(r, what, value);
}

/* Reads the index of a function, table, memory, global or tag, which must exist. */
static inline bool pw_read_space_index(pw_validator *v, pw_externkind kind, const char *what,
                                       uint32_t *index)
{
    return pw_read_index(v, what, index) && pw_check_index(&v->decoder, kind, pw_at(v), *index);
}

/* Check that the module has an element segment, or a data segment, with this index. */
bool pw_check_elem_index(pw_validator *v, uint32_t index);
bool pw_check_data_index(pw_validator *v, uint32_t index);

#endif
