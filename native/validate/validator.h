/* SPDX-License-Identifier: MIT */
/* The state of the validator of code, and what all its files need.
 * https://webassembly.github.io/spec/core/appendix/algorithm.html */
#ifndef PW_VALIDATOR_H
#define PW_VALIDATOR_H

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
    uint64_t comparisons; /* how many the module needed so far: see pw_charge_comparisons */
} pw_validator;

/* The validator that contains a decoder. */
static inline pw_validator *pw_validator_of(pw_decoder *decoder)
{
    return (pw_validator *)(void *)decoder;
}

/* Whether the instruction cannot be reached. */
static inline bool pw_is_unreachable(const pw_validator *v)
{
    return v->controls[v->ncontrols - 1].unreachable;
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

#endif
