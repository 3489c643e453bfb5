/* SPDX-License-Identifier: MIT */
#include "opcodes.h"

#include <stddef.h>

#include "validate.h"

#define TYPE_NO 0
#define TYPE_ADDR PW_ADDRESS
#define TYPE_I32 PW_I32
#define TYPE_I64 PW_I64
#define TYPE_F32 PW_F32
#define TYPE_F64 PW_F64
#define TYPE_V128 PW_V128

#define ROW(code, text, immediates, check, a, b, c, result, log2, feature, constant) \
    [code] = {text,                                                                  \
              PW_FEATURE_##feature,                                                  \
              PW_IMM_##immediates,                                                   \
              PW_CHECK_##check,                                                      \
              {TYPE_##a, TYPE_##b, TYPE_##c},                                        \
              TYPE_##result,                                                         \
              log2,                                                                  \
              constant},
#define NOTHING(...)

const pw_opcode pw_opcodes[256] = {
#define PW_OP ROW
#define PW_FB NOTHING
#define PW_FC NOTHING
#define PW_FD NOTHING
#define PW_FE NOTHING
#include "opcodes.def"
};

static const pw_opcode gc_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB ROW
#define PW_FC NOTHING
#define PW_FD NOTHING
#define PW_FE NOTHING
#include "opcodes.def"
};

static const pw_opcode misc_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB NOTHING
#define PW_FC ROW
#define PW_FD NOTHING
#define PW_FE NOTHING
#include "opcodes.def"
};

static const pw_opcode simd_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB NOTHING
#define PW_FC NOTHING
#define PW_FD ROW
#define PW_FE NOTHING
#include "opcodes.def"
};

static const pw_opcode atomic_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB NOTHING
#define PW_FC NOTHING
#define PW_FD NOTHING
#define PW_FE ROW
#include "opcodes.def"
};

#define FIRST_PREFIX 0xfb

static const struct {
    const pw_opcode *opcodes;
    uint32_t count;
} prefixed[] = {
    {gc_opcodes, sizeof gc_opcodes / sizeof gc_opcodes[0]},
    {misc_opcodes, sizeof misc_opcodes / sizeof misc_opcodes[0]},
    {simd_opcodes, sizeof simd_opcodes / sizeof simd_opcodes[0]},
    {atomic_opcodes, sizeof atomic_opcodes / sizeof atomic_opcodes[0]},
};

const pw_opcode *pw_prefixed_opcode(uint8_t prefix, uint32_t code)
{
    unsigned place = prefix - FIRST_PREFIX;
    if (code >= prefixed[place].count || prefixed[place].opcodes[code].text == NULL) {
        return NULL;
    }
    return &prefixed[place].opcodes[code];
}

/* ---- skipping -------------------------------------------------------------------------------- */

static const uint8_t *read_number(const uint8_t *pos, uint32_t *value)
{
    unsigned shift = 0;
    *value = 0;
    do {
        if (shift < 32) {
            *value |= (uint32_t)(*pos & 0x7f) << shift;
        }
        shift += 7;
    } while ((*pos++ & 0x80) != 0);
    return pos;
}

static const uint8_t *skip_numbers(const uint8_t *pos, uint64_t count)
{
    while (count > 0) {
        count -= (*pos++ & 0x80) == 0;
    }
    return pos;
}

/* A vector of catch clauses: a kind, a tag unless all are caught, a label. */
static const uint8_t *skip_catches(const uint8_t *pos)
{
    uint32_t count;
    pos = read_number(pos, &count);
    while (count-- > 0) {
        uint8_t kind = *pos++;
        pos = skip_numbers(pos, kind < PW_CATCH_ALL ? 2 : 1);
    }
    return pos;
}

static const uint8_t *skip_memarg(const uint8_t *pos)
{
    uint32_t flags;
    pos = read_number(pos, &flags);
    return skip_numbers(pos, flags & PW_MEMARG_HAS_MEMORY ? 2 : 1);
}

/* Value types are numbers too: a prefix byte that a heap type follows has no continuation bit. */
static const uint8_t *skip_types(const uint8_t *pos)
{
    uint32_t count;
    pos = read_number(pos, &count);
    while (count-- > 0) {
        bool has_heaptype = *pos == PW_TYPE_REF || *pos == PW_TYPE_REF_NULL;
        pos = skip_numbers(pos, has_heaptype ? 2 : 1);
    }
    return pos;
}

static const uint8_t *skip_block_type(const uint8_t *pos)
{
    bool has_heaptype = *pos == PW_TYPE_REF || *pos == PW_TYPE_REF_NULL;
    return skip_numbers(pos, has_heaptype ? 2 : 1);
}

static const uint8_t *skip_labels(const uint8_t *pos)
{
    uint32_t count;
    pos = read_number(pos, &count);
    return skip_numbers(pos, (uint64_t)count + 1);
}

static const uint8_t *skip_immediates(const uint8_t *pos, pw_immediates immediates)
{
    switch (immediates) {
    case PW_IMM_NONE:
    case PW_IMM_PREFIX: return pos;
    case PW_IMM_BLOCK: return skip_block_type(pos);
    case PW_IMM_U32:
    case PW_IMM_HEAPTYPE:
    case PW_IMM_I32:
    case PW_IMM_I64: return skip_numbers(pos, 1);
    case PW_IMM_U32_U32: return skip_numbers(pos, 2);
    case PW_IMM_LABELS: return skip_labels(pos);
    case PW_IMM_TYPES: return skip_types(pos);
    case PW_IMM_CAST: return skip_numbers(pos + 1, 3);
    case PW_IMM_TRY_TABLE: return skip_catches(skip_block_type(pos));
    case PW_IMM_MEMARG: return skip_memarg(pos);
    case PW_IMM_MEMARG_LANE: return skip_memarg(pos) + 1;
    case PW_IMM_LANE:
    case PW_IMM_BYTE: return pos + 1;
    case PW_IMM_F32: return pos + 4;
    case PW_IMM_F64: return pos + 8;
    case PW_IMM_V128:
    case PW_IMM_SHUFFLE: return pos + 16;
    }
    return pos;
}

const uint8_t *pw_skip_instruction(const uint8_t *pos)
{
    uint8_t byte = *pos++;
    const pw_opcode *opcode = &pw_opcodes[byte];
    if (opcode->immediates == PW_IMM_PREFIX) {
        uint32_t code;
        pos = read_number(pos, &code);
        opcode = pw_prefixed_opcode(byte, code);
    }
    return skip_immediates(pos, (pw_immediates)opcode->immediates);
}
