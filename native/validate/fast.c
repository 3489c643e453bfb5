/* SPDX-License-Identifier: MIT */
/* Validates the most frequent instructions quickly, which are two out of three in the code that
 * compilers emit. It stops at any other instruction and at any error, and leaves them to the
 * functions of PW_CHECKS. The cursor and the top of the operand stack stay in registers meanwhile.
 */
#include "validate/fast.h"

#include <string.h>

typedef struct {
    const uint8_t *pos;
    const uint8_t *end;
    pw_valtype *top;    /* the first free place of the operand stack */
    pw_valtype *bottom; /* where the operands of the innermost block begin */
    pw_valtype *room;   /* the end of the operand stack's memory */
} cursor;

/* Bytes that checking one instruction may look at: an opcode, and immediates of two and five bytes.
 */
#define LOOKAHEAD 8

static inline bool push(cursor *c, pw_valtype type, size_t size)
{
    if (c->top >= c->room) {
        return false;
    }
    *c->top++ = type;
    c->pos += size;
    return true;
}

static inline bool has(const cursor *c, ptrdiff_t count)
{
    return c->top - c->bottom >= count;
}

static inline bool unary(const pw_opcode *op, cursor *c)
{
    if (!has(c, 1) || c->top[-1] != op->params[0]) {
        return false;
    }
    c->top[-1] = op->result;
    c->pos++;
    return true;
}

static inline bool binary(const pw_opcode *op, cursor *c)
{
    if (!has(c, 2) || c->top[-1] != op->params[1] || c->top[-2] != op->params[0]) {
        return false;
    }
    *(--c->top - 1) = op->result;
    c->pos++;
    return true;
}

/* The type of a local. PW_BOTTOM if the local is not among the first ones, or must be assigned
 * before it is used. */
static inline pw_valtype local_type(const pw_validator *v, const cursor *c)
{
    uint8_t index = c->pos[1];
    if (index >= v->nfast || !pw_is_defaultable(v->fast[index])) {
        return PW_BOTTOM;
    }
    return v->fast[index];
}

static inline bool local_get(const pw_validator *v, cursor *c)
{
    pw_valtype type = local_type(v, c);
    return type != PW_BOTTOM && push(c, type, 2);
}

static inline bool local_set(const pw_validator *v, cursor *c)
{
    pw_valtype type = local_type(v, c);
    if (type == PW_BOTTOM || !has(c, 1) || c->top[-1] != type) {
        return false;
    }
    c->top--;
    c->pos += 2;
    return true;
}

static inline bool local_tee(const pw_validator *v, cursor *c)
{
    pw_valtype type = local_type(v, c);
    if (type == PW_BOTTOM || !has(c, 1) || c->top[-1] != type) {
        return false;
    }
    c->pos += 2;
    return true;
}

/* The size in bytes of a LEB128 number. 0 if it has more than four bytes. */
static inline size_t leb_size(const uint8_t *pos)
{
    size_t size = 1;
    while (*pos++ >= 0x80) {
        if (++size > 4) {
            return 0;
        }
    }
    return size;
}

/* Four bits of a number's fifth byte belong to the number, and the other three must repeat the last
 * of them. */
static inline bool i32_const(cursor *c)
{
    size_t size = leb_size(c->pos + 1);
    if (size == 0 && (c->pos[5] <= 0x07 || (c->pos[5] >= 0x78 && c->pos[5] <= 0x7f))) {
        size = 5;
    }
    return size != 0 && push(c, PW_I32, 1 + size);
}

/* The size in bytes of the immediates of an access to the first memory. 0 if they are of an unusual
 * form.
 */
static inline size_t memarg_size(const pw_opcode *op, const cursor *c)
{
    if (c->pos[1] > op->log2) { /* refuses bit 6, too: a memory index would follow */
        return 0;
    }
    size_t size = leb_size(c->pos + 2);
    return size == 0 ? 0 : 1 + size;
}

static inline bool load(const pw_opcode *op, cursor *c)
{
    size_t size = memarg_size(op, c);
    if (size == 0 || !has(c, 1) || c->top[-1] != PW_I32) {
        return false;
    }
    c->top[-1] = op->result;
    c->pos += 1 + size;
    return true;
}

static inline bool store(const pw_opcode *op, cursor *c)
{
    size_t size = memarg_size(op, c);
    if (size == 0 || !has(c, 2) || c->top[-1] != op->params[1] || c->top[-2] != PW_I32) {
        return false;
    }
    c->top -= 2;
    c->pos += 1 + size;
    return true;
}

static inline bool step(const pw_validator *v, cursor *c, bool memory32)
{
    const pw_opcode *op = &pw_opcodes[*c->pos];
    switch (op->check) {
    case PW_CHECK_unary: return unary(op, c);
    case PW_CHECK_binary: return binary(op, c);
    case PW_CHECK_local_get: return local_get(v, c);
    case PW_CHECK_local_set: return local_set(v, c);
    case PW_CHECK_local_tee: return local_tee(v, c);
    case PW_CHECK_i32_const: return i32_const(c);
    case PW_CHECK_load: return memory32 && load(op, c);
    case PW_CHECK_store: return memory32 && store(op, c);
    default: return false;
    }
}

/* None of these instructions needs a feature that could be unsupported. */
void pw_check_fast(pw_validator *v)
{
    bool memory32 = v->decoder.module->nmemories != 0 &&
                    pw_address_type(&v->decoder.memories[0].limits) == PW_I32;
    cursor c = {
        .pos = v->decoder.reader.pos,
        .end = v->decoder.reader.end,
        .top = v->operands + v->noperands,
        .bottom = v->operands + v->height,
        .room = v->operands + v->operands_capacity,
    };
    while (c.end - c.pos >= LOOKAHEAD && step(v, &c, memory32)) {
    }
    v->decoder.reader.pos = c.pos;
    v->noperands = (uint32_t)(c.top - v->operands);
}
