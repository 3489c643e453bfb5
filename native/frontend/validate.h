/* SPDX-License-Identifier: MIT */
/* Inside the validator of instructions: what its files share.
 * https://webassembly.github.io/spec/core/appendix/algorithm.html */
#ifndef PW_VALIDATE_H
#define PW_VALIDATE_H

#include "decode.h"

/* The first byte of a catch clause, from this one on without a tag. */
#define PW_CATCH_ALL 2

/* The unknown type of a value that an unreachable block's stack gives; a subtype of all types. */
#define PW_BOTTOM 0
/* A reference of which nothing but that is known; a subtype of all reference types. */
#define PW_BOTTOM_REF (PW_TYPED_REF | PW_NON_NULL | PW_HEAP_BOTTOM)

/* ---- the instructions ------------------------------------------------------------------------ */

#define PW_CHECKS(X)        \
    X(unary)                \
    X(binary)               \
    X(local_get)            \
    X(local_set)            \
    X(local_tee)            \
    X(i32_const)            \
    X(load)                 \
    X(store)                \
    X(simple)               \
    X(i64_const)            \
    X(f32_const)            \
    X(f64_const)            \
    X(v128_const)           \
    X(prefix)               \
    X(unreachable)          \
    X(nop)                  \
    X(block)                \
    X(loop)                 \
    X(if)                   \
    X(else)                 \
    X(end)                  \
    X(br)                   \
    X(br_if)                \
    X(br_table)             \
    X(return)               \
    X(call)                 \
    X(call_indirect)        \
    X(call_ref)             \
    X(return_call)          \
    X(return_call_indirect) \
    X(return_call_ref)      \
    X(throw)                \
    X(throw_ref)            \
    X(try_table)            \
    X(drop)                 \
    X(select)               \
    X(select_typed)         \
    X(global_get)           \
    X(global_set)           \
    X(table_get)            \
    X(table_set)            \
    X(table_init)           \
    X(elem_drop)            \
    X(table_copy)           \
    X(table_grow)           \
    X(table_size)           \
    X(table_fill)           \
    X(memory_size)          \
    X(memory_grow)          \
    X(memory_init)          \
    X(data_drop)            \
    X(memory_copy)          \
    X(memory_fill)          \
    X(ref_null)             \
    X(ref_is_null)          \
    X(ref_func)             \
    X(ref_eq)               \
    X(ref_as_non_null)      \
    X(br_on_null)           \
    X(br_on_non_null)       \
    X(shuffle)              \
    X(lane)                 \
    X(access_lane)          \
    X(atomic)               \
    X(fence)                \
    X(struct_new)           \
    X(struct_new_default)   \
    X(struct_get)           \
    X(struct_get_packed)    \
    X(struct_set)           \
    X(array_new)            \
    X(array_new_default)    \
    X(array_new_fixed)      \
    X(array_new_data)       \
    X(array_new_elem)       \
    X(array_get)            \
    X(array_get_packed)     \
    X(array_set)            \
    X(array_len)            \
    X(array_fill)           \
    X(array_copy)           \
    X(array_init_data)      \
    X(array_init_elem)      \
    X(ref_test)             \
    X(ref_cast)             \
    X(ref_cast_null)        \
    X(br_on_cast)           \
    X(br_on_cast_fail)      \
    X(any_convert_extern)   \
    X(extern_convert_any)   \
    X(ref_i31)              \
    X(i31_get)

/* 0 is for opcodes that are not in the table. */
#define PW_CHECK_NUMBER(name) PW_CHECK_##name,
typedef enum { PW_CHECK_illegal, PW_CHECKS(PW_CHECK_NUMBER) PW_CHECK_COUNT } pw_check;
#undef PW_CHECK_NUMBER

/* Each reads the immediates and replaces operands by results; d->v.op says of which instruction. */
#define PW_CHECK_FUNCTION(name) bool pw_check_##name(pw_decoder *d);
PW_CHECKS(PW_CHECK_FUNCTION)
#undef PW_CHECK_FUNCTION

/* Offset of the instruction. */
static inline uint32_t pw_at(const pw_decoder *d)
{
    return (uint32_t)(d->v.at - d->reader.base);
}

/* ---- fast.c ---------------------------------------------------------------------------------- */

/* Goes past frequent instructions, up to one that needs a closer look. */
void pw_check_fast(pw_decoder *d);

/* ---- operands (operands.c) ------------------------------------------------------------------- */

/* Cold halves of what follows. */
bool pw_grow_operands(pw_decoder *d, uint32_t more);
bool pw_pop_other(pw_decoder *d, pw_valtype expected);
bool pw_pop_other_types(pw_decoder *d, const pw_valtype *types, uint32_t count);

static inline bool pw_push(pw_decoder *d, pw_valtype type)
{
    pw_validator *v = &d->v;
    if (v->noperands == v->operands_capacity && !pw_grow_operands(d, 1)) {
        return false;
    }
    v->operands[v->noperands++] = type;
    return true;
}

static inline bool pw_pop(pw_decoder *d, pw_valtype expected)
{
    pw_validator *v = &d->v;
    if (v->noperands > v->height && v->operands[v->noperands - 1] == expected) {
        v->noperands--;
        return true;
    }
    return pw_pop_other(d, expected);
}

/* An operand that is not what the instruction expected; always false. */
bool pw_fail_operand(pw_decoder *d, const char *expected, pw_valtype actual);
/* An operand of any type. */
bool pw_pop_any(pw_decoder *d, pw_valtype *type);
/* A reference of any type. */
bool pw_pop_reference(pw_decoder *d, pw_valtype *type);
/* The last of `types` is the topmost. */
bool pw_pop_types(pw_decoder *d, const pw_valtype *types, uint32_t count);
bool pw_push_types(pw_decoder *d, const pw_valtype *types, uint32_t count);
/* Whether a list of types matches another; "type mismatch" if not. */
bool pw_check_types(pw_decoder *d, const pw_valtype *actual, uint32_t nactual,
                    const pw_valtype *expected, uint32_t nexpected);
/* Whether the type matches, and the message. */
bool pw_check_type(pw_decoder *d, pw_valtype actual, pw_valtype expected);

/* ---- blocks (control.c) ---------------------------------------------------------------------- */

bool pw_push_control(pw_decoder *d, uint8_t opcode, const pw_functype *type, pw_valtype single);
/* Takes back the assignments to locals beyond the first `kept`. */
void pw_forget_assigned(pw_validator *validator, uint32_t kept);
static inline bool pw_is_unreachable(const pw_validator *v)
{
    return v->controls[v->ncontrols - 1].unreachable;
}

/* What follows cannot be reached. */
void pw_set_unreachable(pw_decoder *d);
/* A label immediate. */
bool pw_read_label(pw_decoder *d, const pw_control **label);
/* Operands for a branch, which stay as what the label says. */
bool pw_check_branch(pw_decoder *d, const pw_valtype *types, uint32_t count);

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

/* ---- immediates ------------------------------------------------------------------------------ */

static inline bool pw_read_index(pw_decoder *d, const char *what, uint32_t *value)
{
    pw_reader *r = &d->reader;
    if (r->pos < r->end && *r->pos < 0x80) {
        *value = *r->pos++;
        return true;
    }
    return pw_read_u32(r, what, value);
}

/* An index of that kind. */
static inline bool pw_read_space_index(pw_decoder *d, pw_externkind kind, const char *what,
                                       uint32_t *index)
{
    return pw_read_index(d, what, index) && pw_check_index(d, kind, pw_at(d), *index);
}

/* Whether such a segment exists. */
bool pw_check_elem_index(pw_decoder *d, uint32_t index);
bool pw_check_data_index(pw_decoder *d, uint32_t index);

static inline pw_valtype pw_address_type(const pw_limits *limits)
{
    return limits->is64 ? PW_I64 : PW_I32;
}

#endif
