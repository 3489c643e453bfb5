/* SPDX-License-Identifier: MIT */
/* Listing the instructions of a module with their operands. Tools that show modules need this, and
 * so does the compiler, which skips instructions that cannot be reached. */
#ifndef PW_LISTING_H
#define PW_LISTING_H

#include "decode/module.h"

/* cdef: begin */

/* The kinds of operands of an instruction. Those from PW_OPERAND_LABEL to PW_OPERAND_DATA are
 * indices. */
typedef enum {
    PW_OPERAND_LABEL,
    PW_OPERAND_LOCAL,
    PW_OPERAND_FUNC,
    PW_OPERAND_TABLE,
    PW_OPERAND_MEMORY,
    PW_OPERAND_GLOBAL,
    PW_OPERAND_TAG,
    PW_OPERAND_TYPE,
    PW_OPERAND_TYPEUSE, /* the index of a type, where the text format writes (type 3) */
    PW_OPERAND_FIELD,
    PW_OPERAND_ELEM,
    PW_OPERAND_DATA,
    PW_OPERAND_COUNT,
    PW_OPERAND_RESULT,   /* a pw_valtype whose type index is the one in the module, not canonical */
    PW_OPERAND_REFTYPE,  /* a pw_valtype of the same form */
    PW_OPERAND_HEAPTYPE, /* a heap type, given as the nullable reference type to it */
    PW_OPERAND_OFFSET,
    PW_OPERAND_ALIGN, /* in bytes; listed only if it is not the natural alignment */
    PW_OPERAND_LANE,
    PW_OPERAND_CATCH, /* 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref; its tag and label
                         follow */
    PW_OPERAND_I32,   /* sign-extended to 64 bits */
    PW_OPERAND_I64,
    PW_OPERAND_F32, /* the bits of the number */
    PW_OPERAND_F64,
    PW_OPERAND_V128 /* 8 of its 16 bytes; two operands make one vector, the low half first */
} pw_operandkind;

typedef struct {
    pw_operandkind kind;
    uint64_t value;
} pw_operand;

typedef struct {
    const char *text;   /* the name of the instruction in the text format; static */
    uint32_t end;       /* offset of the next instruction in the module's bytes */
    uint32_t noperands; /* how many operands the instruction has */
} pw_instruction;

/* Lists the instruction at `offset`, a byte offset in the module that lies in a function body. At
 * most `capacity` operands are written, in the order of the text format. */
void pw_list_instruction(const pw_module *module, uint32_t offset, pw_operand *operands,
                         uint32_t capacity, pw_instruction *instruction);
/* Lists the declarations of a function's locals, which begin at the offset pw_body.body. Each group
 * of locals is a PW_OPERAND_COUNT and a PW_OPERAND_RESULT. At most `capacity` operands are written.
 */
void pw_list_locals(const pw_module *module, uint32_t offset, pw_operand *operands,
                    uint32_t capacity, pw_instruction *declarations);

/* cdef: end */

/* The end of the instruction at `pos`, which must lie in a validated body. The instructions inside
 * a block do not belong to its `block` instruction. */
const uint8_t *pw_skip_instruction(const uint8_t *pos);

#endif
