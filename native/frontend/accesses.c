/* SPDX-License-Identifier: MIT */
/* Memory and vector instructions:
 * https://webassembly.github.io/spec/core/valid/instructions.html#memory-instructions */
#include "validate.h"

#define ALIGNMENT_MASK 0x3f
#define VECTOR_LOG2 4

/* ---- memory arguments ------------------------------------------------------------------------ */

PW_NOINLINE static bool fail_alignment(pw_decoder *d, uint32_t log2, bool exact)
{
    return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "alignment must %s natural: %s expected 2^%u but got 2^%u",
                   exact ? "be equal to" : "not be larger than", d->v.op->text, d->v.op->log2,
                   log2);
}

static bool read_memory_index(pw_decoder *d, uint32_t flags, uint32_t *memory)
{
    *memory = 0;
    return (flags & PW_MEMARG_HAS_MEMORY) == 0 || pw_read_index(d, "memory index", memory);
}

static bool read_offset(pw_decoder *d, uint64_t *offset)
{
    pw_reader *r = &d->reader;
    if (r->pos < r->end && *r->pos < 0x80) {
        *offset = *r->pos++;
        return true;
    }
    return pw_read_u64(r, "offset of a memory access", offset);
}

/* Alignment, memory and offset; *address is the type of addresses. */
static bool read_memarg(pw_decoder *d, bool exact, pw_valtype *address)
{
    uint32_t flags;
    uint32_t memory;
    uint64_t offset;
    if (!pw_read_index(d, "flags of a memory access", &flags)) {
        return false;
    }
    if (flags > (ALIGNMENT_MASK | PW_MEMARG_HAS_MEMORY)) {
        return pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                       "malformed memop flags: 0x%x has bits beyond 0x7f", flags);
    }
    if (!read_memory_index(d, flags, &memory) || !read_offset(d, &offset) ||
        !pw_check_index(d, PW_EXTERN_MEMORY, pw_at(d), memory)) {
        return false;
    }
    uint32_t log2 = flags & ALIGNMENT_MASK;
    if (log2 > d->v.op->log2 || (exact && log2 < d->v.op->log2)) {
        return fail_alignment(d, log2, exact);
    }
    *address = pw_address_type(&d->memories[memory].limits);
    if (offset > UINT32_MAX && *address == PW_I32) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "offset out of range: %llu in a memory of 32-bit addresses",
                       (unsigned long long)offset);
    }
    return true;
}

/* ---- loads and stores ------------------------------------------------------------------------ */

bool pw_check_load(pw_decoder *d)
{
    pw_valtype address;
    return read_memarg(d, false, &address) && pw_pop(d, address) && pw_push(d, d->v.op->result);
}

bool pw_check_store(pw_decoder *d)
{
    pw_valtype address;
    return read_memarg(d, false, &address) && pw_pop(d, d->v.op->params[1]) && pw_pop(d, address);
}

bool pw_check_atomic(pw_decoder *d)
{
    const pw_opcode *op = d->v.op;
    pw_valtype address;
    if (!read_memarg(d, true, &address)) {
        return false;
    }
    for (int i = 2; i > 0; i--) {
        if (op->params[i] != 0 && !pw_pop(d, op->params[i])) {
            return false;
        }
    }
    return pw_pop(d, address) && (op->result == 0 || pw_push(d, op->result));
}

bool pw_check_fence(pw_decoder *d)
{
    uint8_t byte;
    if (!pw_read_byte(&d->reader, "byte of atomic.fence", &byte)) {
        return false;
    }
    return byte == 0 || pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                                "zero byte expected: atomic.fence has 0x%02x", byte);
}

/* ---- vectors --------------------------------------------------------------------------------- */

static bool read_lane(pw_decoder *d, uint32_t count)
{
    uint8_t lane;
    if (!pw_read_byte(&d->reader, "lane index", &lane)) {
        return false;
    }
    return lane < count || pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                                   "invalid lane index: %s expected one below %u but got %u",
                                   d->v.op->text, count, lane);
}

bool pw_check_lane(pw_decoder *d)
{
    return read_lane(d, 1u << d->v.op->log2) && pw_check_simple(d);
}

bool pw_check_shuffle(pw_decoder *d)
{
    for (int i = 0; i < 16; i++) {
        if (!read_lane(d, 32)) {
            return false;
        }
    }
    return pw_check_binary(d);
}

bool pw_check_v128_const(pw_decoder *d)
{
    const uint8_t *data;
    return pw_read_bytes(&d->reader, "v128.const", 16, &data) && pw_push(d, PW_V128);
}

bool pw_check_access_lane(pw_decoder *d)
{
    const pw_opcode *op = d->v.op;
    pw_valtype address;
    return read_memarg(d, false, &address) && read_lane(d, 1u << (VECTOR_LOG2 - op->log2)) &&
           pw_pop(d, PW_V128) && pw_pop(d, address) && (op->result == 0 || pw_push(d, op->result));
}

/* ---- whole memories -------------------------------------------------------------------------- */

static bool read_memory(pw_decoder *d, pw_valtype *address)
{
    uint32_t memory;
    if (!pw_read_space_index(d, PW_EXTERN_MEMORY, "memory index", &memory)) {
        return false;
    }
    *address = pw_address_type(&d->memories[memory].limits);
    return true;
}

bool pw_check_memory_size(pw_decoder *d)
{
    pw_valtype address;
    return read_memory(d, &address) && pw_push(d, address);
}

bool pw_check_memory_grow(pw_decoder *d)
{
    pw_valtype address;
    return read_memory(d, &address) && pw_pop(d, address) && pw_push(d, address);
}

bool pw_check_memory_init(pw_decoder *d)
{
    pw_valtype address;
    uint32_t segment;
    return pw_read_index(d, "data segment index", &segment) && read_memory(d, &address) &&
           pw_check_data_index(d, segment) && pw_pop(d, PW_I32) && pw_pop(d, PW_I32) &&
           pw_pop(d, address);
}

bool pw_check_memory_copy(pw_decoder *d)
{
    pw_valtype to;
    pw_valtype from;
    if (!read_memory(d, &to) || !read_memory(d, &from)) {
        return false;
    }
    pw_valtype size = to == PW_I64 && from == PW_I64 ? PW_I64 : PW_I32;
    return pw_pop(d, size) && pw_pop(d, from) && pw_pop(d, to);
}

bool pw_check_memory_fill(pw_decoder *d)
{
    pw_valtype address;
    return read_memory(d, &address) && pw_pop(d, address) && pw_pop(d, PW_I32) &&
           pw_pop(d, address);
}

bool pw_check_data_index(pw_decoder *d, uint32_t index)
{
    if (!d->has_data_count) {
        return pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                       "data count section required: %s names data segment %u", d->v.op->text,
                       index);
    }
    return index < d->data_count ||
           pw_fail_index(d, "data segment", pw_at(d), index, d->data_count);
}

bool pw_check_data_drop(pw_decoder *d)
{
    uint32_t segment;
    return pw_read_index(d, "data segment index", &segment) && pw_check_data_index(d, segment);
}
