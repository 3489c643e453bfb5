/* SPDX-License-Identifier: MIT */
#include "base/opcodes.h"

#include <assert.h>
#include <stddef.h>

#define TYPE_NO 0
#define TYPE_ADDR PW_ADDRESS
#define TYPE_I32 PW_I32
#define TYPE_I64 PW_I64
#define TYPE_F32 PW_F32
#define TYPE_F64 PW_F64
#define TYPE_V128 PW_V128

#define ROW(code, name, text, immediates, check, a, b, c, result, log2, feature, constant, stops) \
    [PW_ID_##name] = {text,                                                                       \
                      PW_FEATURE_##feature,                                                       \
                      PW_IMM_##immediates,                                                        \
                      PW_CHECK_##check,                                                           \
                      {TYPE_##a, TYPE_##b, TYPE_##c},                                             \
                      TYPE_##result,                                                              \
                      log2,                                                                       \
                      constant,                                                                   \
                      stops},

const pw_opcode pw_opcodes[PW_ID_COUNT] = {
#define PW_OP ROW
#define PW_FB ROW
#define PW_FC ROW
#define PW_FD ROW
#define PW_FE ROW
#include "base/opcodes.def"
};

#define FIRST_PREFIX 0xfb

/* The ids of the instructions behind a prefix lie between an entry and the next. */
static const uint32_t first_ids[] = {PW_FIRST_FB, PW_FIRST_FC, PW_FIRST_FD, PW_FIRST_FE,
                                     PW_ID_COUNT};

/* The codes of each group fit between the bounds above, which have some room to grow. */
#define BELOW(code, name, limit) static_assert((code) < (limit), #name " needs more ids");
#define PW_OP(code, name, ...) BELOW(code, name, PW_FIRST_FB)
#define PW_FB(code, name, ...) BELOW(code, name, PW_FIRST_FC - PW_FIRST_FB)
#define PW_FC(code, name, ...) BELOW(code, name, PW_FIRST_FD - PW_FIRST_FC)
#define PW_FD(code, name, ...) BELOW(code, name, PW_FIRST_FE - PW_FIRST_FD)
#define PW_FE(code, name, ...) BELOW(code, name, PW_ID_COUNT - PW_FIRST_FE)
#include "base/opcodes.def"

uint32_t pw_prefixed_id(uint8_t prefix, uint32_t code)
{
    const uint32_t *first = &first_ids[prefix - FIRST_PREFIX];
    uint32_t count = first[1] - first[0];
    if (code >= count || pw_opcodes[first[0] + code].text == NULL) {
        return PW_ID_NONE;
    }
    return first[0] + code;
}
