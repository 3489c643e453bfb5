/* SPDX-License-Identifier: MIT */
/* Validates memory instructions:
 * https://webassembly.github.io/spec/core/valid/instructions.html#memory-instructions */
#include "validate/memory.h"
#include "validate/operands.h"

#define ALIGNMENT_MASK 0x3f

/* ---- memory arguments ------------------------------------------------------------------------ */

PW_NOINLINE static bool fail_alignment(pw_validator *v, uint32_t log2, bool exact)
{
    return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "alignment must %s natural: %s expected 2^%u but got 2^%u",
                   exact ? "be equal to" : "not be larger than", v->op->text, v->op->log2, log2);
}

static bool read_memory_index(pw_validator *v, uint32_t flags, uint32_t *memory)
{
    *memory = 0;
    return (flags & PW_MEMARG_HAS_MEMORY) == 0 || pw_read_index(v, "memory index", memory);
}

static bool read_offset(pw_validator *v, uint64_t *offset)
{
    pw_reader *r = &v->decoder.reader;
    if (r->pos < r->end && *r->pos < 0x80) {
        *offset = *r->pos++;
        return true;
    }
    return pw_read_u64(r, "offset of a memory access", offset);
}

bool pw_read_memarg(pw_validator *v, bool exact, pw_valtype *address)
{
    uint32_t flags;
    uint32_t memory;
    uint64_t offset;
    if (!pw_read_index(v, "flags of a memory access", &flags)) {
        return false;
    }
    if (flags > (ALIGNMENT_MASK | PW_MEMARG_HAS_MEMORY)) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                       "malformed memop flags: 0x%x has bits beyond 0x7f", flags);
    }
    if (!read_memory_index(v, flags, &memory) || !read_offset(v, &offset) ||
        !pw_check_index(&v->decoder, PW_EXTERN_MEMORY, pw_at(v), memory)) {
        return false;
    }
    uint32_t log2 = flags & ALIGNMENT_MASK;
    if (log2 > v->op->log2 || (exact && log2 < v->op->log2)) {
        return fail_alignment(v, log2, exact);
    }
    *address = pw_address_type(&v->decoder.memories[memory].limits);
    if (offset > UINT32_MAX && *address == PW_I32) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "offset out of range: %llu does not fit the 32-bit addresses of the memory",
                       (unsigned long long)offset);
    }
    return true;
}

/* ---- loads and stores ------------------------------------------------------------------------ */

bool pw_check_load(pw_validator *v)
{
    pw_valtype address;
    return pw_read_memarg(v, false, &address) && pw_pop(v, address) && pw_push(v, v->op->result);
}

bool pw_check_store(pw_validator *v)
{
    pw_valtype address;
    return pw_read_memarg(v, false, &address) && pw_pop(v, v->op->params[1]) && pw_pop(v, address);
}

bool pw_check_atomic(pw_validator *v)
{
    const pw_opcode *op = v->op;
    pw_valtype address;
    if (!pw_read_memarg(v, true, &address)) {
        return false;
    }
    for (int i = 2; i > 0; i--) {
        if (op->params[i] != 0 && !pw_pop(v, op->params[i])) {
            return false;
        }
    }
    return pw_pop(v, address) && (op->result == 0 || pw_push(v, op->result));
}

/* The engine sets waiting and notifying apart from the accesses, which have the same immediates. */
bool pw_check_wait(pw_validator *v)
{
    return pw_check_atomic(v);
}

bool pw_check_fence(pw_validator *v)
{
    uint8_t byte;
    if (!pw_read_byte(&v->decoder.reader, "byte of atomic.fence", &byte)) {
        return false;
    }
    return byte == 0 || pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                                "zero byte expected: atomic.fence got 0x%02x", byte);
}

/* ---- whole memories -------------------------------------------------------------------------- */

static bool read_memory(pw_validator *v, pw_valtype *address)
{
    uint32_t memory;
    if (!pw_read_space_index(v, PW_EXTERN_MEMORY, "memory index", &memory)) {
        return false;
    }
    *address = pw_address_type(&v->decoder.memories[memory].limits);
    return true;
}

bool pw_check_memory_size(pw_validator *v)
{
    pw_valtype address;
    return read_memory(v, &address) && pw_push(v, address);
}

bool pw_check_memory_grow(pw_validator *v)
{
    pw_valtype address;
    return read_memory(v, &address) && pw_pop(v, address) && pw_push(v, address);
}

bool pw_check_memory_init(pw_validator *v)
{
    pw_valtype address;
    uint32_t segment;
    return pw_read_index(v, "data segment index", &segment) && read_memory(v, &address) &&
           pw_check_data_index(v, segment) && pw_pop(v, PW_I32) && pw_pop(v, PW_I32) &&
           pw_pop(v, address);
}

bool pw_check_memory_copy(pw_validator *v)
{
    pw_valtype to;
    pw_valtype from;
    if (!read_memory(v, &to) || !read_memory(v, &from)) {
        return false;
    }
    return pw_pop(v, pw_copy_length_type(to, from)) && pw_pop(v, from) && pw_pop(v, to);
}

bool pw_check_memory_fill(pw_validator *v)
{
    pw_valtype address;
    return read_memory(v, &address) && pw_pop(v, address) && pw_pop(v, PW_I32) &&
           pw_pop(v, address);
}

bool pw_check_data_index(pw_validator *v, uint32_t index)
{
    if (!v->decoder.has_data_count) {
        return pw_fail(
            v->decoder.reader.error, PW_MALFORMED, pw_at(v),
            "data count section required: %s names data segment %u, but there is no such section",
            v->op->text, index);
    }
    return index < v->decoder.data_count ||
           pw_fail_index(&v->decoder, "data segment", pw_at(v), index, v->decoder.data_count);
}

bool pw_check_data_drop(pw_validator *v)
{
    uint32_t segment;
    return pw_read_index(v, "data segment index", &segment) && pw_check_data_index(v, segment);
}
