/* SPDX-License-Identifier: MIT */
/* What a module contains, instruction by instruction: for tools that show modules, and for the
 * compiler, which skips instructions that cannot be reached. */
#ifndef PW_LISTING_H
#define PW_LISTING_H

#include "decode/module.h"

/* cdef: begin */

/* What an operand of an instruction is. */
typedef enum {
    PW_OPERAND_LABEL, /* an index, like those up to PW_OPERAND_DATA */
    PW_OPERAND_LOCAL,
    PW_OPERAND_FUNC,
    PW_OPERAND_TABLE,
    PW_OPERAND_MEMORY,
    PW_OPERAND_GLOBAL,
    PW_OPERAND_TAG,
    PW_OPERAND_TYPE,
    PW_OPERAND_TYPEUSE, /* of a type, too: where the text format writes (type 3) */
    PW_OPERAND_FIELD,
    PW_OPERAND_ELEM,
    PW_OPERAND_DATA,
    PW_OPERAND_COUNT,
    PW_OPERAND_RESULT, /* a pw_valtype, like the next two; but type indices are as they stand */
    PW_OPERAND_REFTYPE,
    PW_OPERAND_HEAPTYPE, /* as the nullable reference to it */
    PW_OPERAND_OFFSET,
    PW_OPERAND_ALIGN, /* in bytes; only if it is not the natural one */
    PW_OPERAND_LANE,
    PW_OPERAND_CATCH, /* 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref; its operands follow */
    PW_OPERAND_I32,   /* sign-extended */
    PW_OPERAND_I64,
    PW_OPERAND_F32, /* bits */
    PW_OPERAND_F64,
    PW_OPERAND_V128 /* 8 of its 16 bytes; there are two of them */
} pw_operandkind;

typedef struct {
    pw_operandkind kind;
    uint64_t value;
} pw_operand;

typedef struct {
    const char *text;   /* name in the text format; static */
    uint32_t end;       /* offset of what follows */
    uint32_t noperands; /* in the order of the text format */
} pw_instruction;

/* The instruction at an offset in a body. At most `capacity` operands are written. */
void pw_list_instruction(const pw_module *module, uint32_t offset, pw_operand *operands,
                         uint32_t capacity, pw_instruction *instruction);
/* The same for the locals, at pw_body.body: PW_OPERAND_COUNT and PW_OPERAND_RESULT for each group.
 */
void pw_list_locals(const pw_module *module, uint32_t offset, pw_operand *operands,
                    uint32_t capacity, pw_instruction *declarations);

/* cdef: end */

/* The end of the instruction at `pos` of a validated body; the instructions inside a block are not
 * part of its `block`. */
const uint8_t *pw_skip_instruction(const uint8_t *pos);

#endif
