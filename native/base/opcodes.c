/* SPDX-License-Identifier: MIT */
#include "base/opcodes.h"

#include <stddef.h>

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
#include "base/opcodes.def"
};

static const pw_opcode gc_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB ROW
#define PW_FC NOTHING
#define PW_FD NOTHING
#define PW_FE NOTHING
#include "base/opcodes.def"
};

static const pw_opcode misc_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB NOTHING
#define PW_FC ROW
#define PW_FD NOTHING
#define PW_FE NOTHING
#include "base/opcodes.def"
};

static const pw_opcode simd_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB NOTHING
#define PW_FC NOTHING
#define PW_FD ROW
#define PW_FE NOTHING
#include "base/opcodes.def"
};

static const pw_opcode atomic_opcodes[] = {
#define PW_OP NOTHING
#define PW_FB NOTHING
#define PW_FC NOTHING
#define PW_FD NOTHING
#define PW_FE ROW
#include "base/opcodes.def"
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
