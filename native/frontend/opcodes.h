/* SPDX-License-Identifier: MIT */
/* The instruction table at run time; opcodes.def holds its rows. */
#ifndef PW_OPCODES_H
#define PW_OPCODES_H

#include <stdbool.h>

#include "../bridge/pw.h"
#include "features.h"

/* What follows an opcode. */
typedef enum {
    PW_IMM_NONE,
    PW_IMM_PREFIX, /* u32: the rest of the opcode */
    PW_IMM_BLOCK,  /* s33: block type */
    PW_IMM_LABELS, /* a vector of labels, and one more */
    PW_IMM_TYPES,  /* a vector of value types */
    PW_IMM_HEAPTYPE,
    PW_IMM_REF,      /* a heap type: what is meant is a reference to it, */
    PW_IMM_REF_NULL, /* or one that may be null */
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

/* The columns of opcodes.def. */
typedef struct {
    const char *text; /* NULL: no instruction has this opcode */
    uint32_t feature;
    uint8_t immediates;
    uint8_t check;
    uint8_t params[3]; /* value types; PW_ADDRESS; 0: none */
    uint8_t result;
    uint8_t log2;
    bool constant;
} pw_opcode;

#define PW_ADDRESS 1

/* In immediates: the byte of an empty block type, those that a heap type follows, and the bit of a
 * memarg's flags that a memory index follows. */
#define PW_TYPE_EMPTY 0x40
#define PW_TYPE_REF_NULL 0x63
#define PW_TYPE_REF 0x64
#define PW_MEMARG_HAS_MEMORY 0x40

#define PW_OP_BLOCK 0x02
#define PW_OP_LOOP 0x03
#define PW_OP_IF 0x04
#define PW_OP_ELSE 0x05
#define PW_OP_END 0x0b
#define PW_OP_GLOBAL_GET 0x23
#define PW_OP_I32_CONST 0x41
#define PW_OP_I64_CONST 0x42
#define PW_OP_F32_CONST 0x43
#define PW_OP_F64_CONST 0x44
#define PW_OP_I32_ADD 0x6a
#define PW_OP_I32_SUB 0x6b
#define PW_OP_I32_MUL 0x6c
#define PW_OP_I64_ADD 0x7c
#define PW_OP_I64_SUB 0x7d
#define PW_OP_I64_MUL 0x7e
#define PW_OP_REF_NULL 0xd0
#define PW_OP_REF_FUNC 0xd2

extern const pw_opcode pw_opcodes[256];

/* The instruction after a prefix byte; NULL if there is none. */
const pw_opcode *pw_prefixed_opcode(uint8_t prefix, uint32_t code);

/* The end of the instruction at `pos` of a validated body; the instructions inside a block are not
 * part of its `block`. */
const uint8_t *pw_skip_instruction(const uint8_t *pos);

#endif
