/* SPDX-License-Identifier: MIT */
/* The instruction table at run time; opcodes.def holds its rows. */
#ifndef PW_OPCODES_H
#define PW_OPCODES_H

#include <stdbool.h>

#include "base/features.h"
#include "base/values.h"

/* The kinds of immediates, which follow an opcode. */
typedef enum {
    PW_IMM_NONE,
    PW_IMM_PREFIX, /* u32: the rest of the opcode */
    PW_IMM_BLOCK,  /* s33: block type */
    PW_IMM_LABELS, /* a vector of labels, and one more */
    PW_IMM_TYPES,  /* a vector of value types */
    PW_IMM_HEAPTYPE,
    PW_IMM_REF,      /* a heap type ht, which stands for (ref ht) */
    PW_IMM_REF_NULL, /* a heap type ht, which stands for (ref null ht) */
    PW_IMM_CAST,     /* flags, a label, two heap types */
    PW_IMM_TRY_TABLE,
    PW_IMM_MEMARG,
    PW_IMM_MEMARG_LANE,
    PW_IMM_LANE,
    PW_IMM_BYTE,
    PW_IMM_I32,
    PW_IMM_I64,
    PW_IMM_F32,
    PW_IMM_F64,
    PW_IMM_V128,
    PW_IMM_SHUFFLE, /* 16 lanes */
    /* One u32, by what it counts */
    PW_IMM_LABEL,
    PW_IMM_LOCAL,
    PW_IMM_FUNC,
    PW_IMM_TABLE,
    PW_IMM_MEMORY,
    PW_IMM_GLOBAL,
    PW_IMM_TAG,
    PW_IMM_TYPE,
    PW_IMM_ELEM,
    PW_IMM_DATA,
    /* Two of them */
    PW_IMM_TYPE_TABLE,
    PW_IMM_TYPE_FIELD,
    PW_IMM_TYPE_COUNT,
    PW_IMM_TYPE_DATA,
    PW_IMM_TYPE_ELEM,
    PW_IMM_TYPE_TYPE,
    PW_IMM_DATA_MEMORY,
    PW_IMM_MEMORY_MEMORY,
    PW_IMM_ELEM_TABLE,
    PW_IMM_TABLE_TABLE
} pw_immediates;

/* The validator of an instruction: a function pw_check_* of native/validate. */
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
    X(try)                  \
    X(catch)                \
    X(catch_all)            \
    X(rethrow)              \
    X(delegate)             \
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
    X(wait)                 \
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

/* The number of each check. PW_CHECK_illegal is that of an opcode which is not in the table. */
#define PW_CHECK_NUMBER(name) PW_CHECK_##name,
typedef enum { PW_CHECK_illegal, PW_CHECKS(PW_CHECK_NUMBER) PW_CHECK_COUNT } pw_check;
#undef PW_CHECK_NUMBER

/* Every instruction has an id. For an instruction of one byte it is that byte; the ids of the
 * instructions behind a prefix are the numbers from PW_FIRST_<prefix> on, in the order of their
 * codes. */
#define PW_FIRST_FB 0x100
#define PW_FIRST_FC 0x120
#define PW_FIRST_FD 0x140
#define PW_FIRST_FE 0x260
#define PW_ID_COUNT 0x2b0

/* Stands for the id of an instruction that does not exist. */
#define PW_ID_NONE PW_ID_COUNT

typedef enum {
#define PW_OP(code, name, ...) PW_ID_##name = code,
#define PW_FB(code, name, ...) PW_ID_##name = PW_FIRST_FB + code,
#define PW_FC(code, name, ...) PW_ID_##name = PW_FIRST_FC + code,
#define PW_FD(code, name, ...) PW_ID_##name = PW_FIRST_FD + code,
#define PW_FE(code, name, ...) PW_ID_##name = PW_FIRST_FE + code,
#include "base/opcodes.def"
} pw_opcode_id;

/* The columns of opcodes.def. */
typedef struct {
    const char *text; /* NULL: no instruction has this id */
    uint32_t feature;
    uint8_t immediates;
    uint8_t check;
    uint8_t params[3]; /* value types; PW_ADDRESS; 0: none */
    uint8_t result;
    uint8_t log2;
    bool constant;
    bool stops;
} pw_opcode;

#define PW_ADDRESS 1

/* Bytes of immediates. */
#define PW_TYPE_EMPTY 0x40    /* the block type of a block without parameters and results */
#define PW_TYPE_REF_NULL 0x63 /* a reference type that may be null; its heap type follows */
#define PW_TYPE_REF 0x64      /* a reference type without null; its heap type follows */
/* The bit in the flags of a memarg which says that a memory index follows. */
#define PW_MEMARG_HAS_MEMORY 0x40

/* A catch clause whose first byte is this or a larger one has no tag. */
#define PW_CATCH_ALL 2

/* The table, by id. */
extern const pw_opcode pw_opcodes[PW_ID_COUNT];

/* The id of the instruction that has this code behind a prefix byte, or PW_ID_NONE. */
uint32_t pw_prefixed_id(uint8_t prefix, uint32_t code);

#endif
