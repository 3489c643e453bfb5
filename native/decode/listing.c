/* SPDX-License-Identifier: MIT */
/* Lists or skips the instructions of validated code, so nothing is checked again here. */
#include "decode/listing.h"
#include "base/opcodes.h"

#include <stddef.h>

/* The operands that have been found. Those beyond the capacity are only counted. */
typedef struct {
    pw_operand *operands;
    uint32_t capacity;
    uint32_t count;
} list;

/* Every function below that takes a position returns the end of what it read. `out` may be NULL,
 * when only that end is wanted. */
static void add(list *out, pw_operandkind kind, uint64_t value)
{
    if (out == NULL) {
        return;
    }
    if (out->count < out->capacity) {
        out->operands[out->count] = (pw_operand){kind, value};
    }
    out->count++;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static const uint8_t *read_leb(const uint8_t *pos, bool is_signed, uint64_t *value)
{
    unsigned shift = 0;
    uint8_t byte;
    *value = 0;
    do {
        byte = *pos++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    if (is_signed && shift < 64 && (byte & 0x40) != 0) {
        *value |= UINT64_MAX << shift;
    }
    return pos;
}

static const uint8_t *number(const uint8_t *pos, pw_operandkind kind, list *out)
{
    uint64_t value;
    pos = read_leb(pos, kind == PW_OPERAND_I32 || kind == PW_OPERAND_I64, &value);
    add(out, kind, value);
    return pos;
}

/* Reads a little-endian number of at most 8 bytes. */
static const uint8_t *fixed(const uint8_t *pos, size_t size, pw_operandkind kind, list *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)pos[i] << 8 * i;
    }
    add(out, kind, value);
    return pos + size;
}

static const uint8_t *lanes(const uint8_t *pos, unsigned count, list *out)
{
    for (unsigned i = 0; i < count; i++) {
        add(out, PW_OPERAND_LANE, *pos++);
    }
    return pos;
}

static const uint8_t *labels(const uint8_t *pos, list *out)
{
    uint64_t count;
    pos = read_leb(pos, false, &count);
    for (uint64_t i = 0; i <= count; i++) {
        pos = number(pos, PW_OPERAND_LABEL, out);
    }
    return pos;
}

/* ---- types ----------------------------------------------------------------------------------- */

/* Whether a byte stands for a type by itself: such bytes are negative LEB128 numbers, and type
 * indices are not negative. */
static bool is_code(uint8_t byte)
{
    return (byte & 0xc0) == 0x40;
}

static const uint8_t *read_heaptype(const uint8_t *pos, bool nullable, pw_valtype *type)
{
    if (is_code(*pos)) {
        *type = pw_reference_to(*pos, nullable);
        return pos + 1;
    }
    uint64_t index;
    pos = read_leb(pos, false, &index);
    *type = pw_concrete((uint32_t)index, nullable);
    return pos;
}

static const uint8_t *read_valtype(const uint8_t *pos, pw_valtype *type)
{
    if (*pos == PW_TYPE_REF || *pos == PW_TYPE_REF_NULL) {
        return read_heaptype(pos + 1, *pos == PW_TYPE_REF_NULL, type);
    }
    *type = *pos;
    return pos + 1;
}

static const uint8_t *heaptype(const uint8_t *pos, pw_operandkind kind, bool nullable, list *out)
{
    pw_valtype type;
    pos = read_heaptype(pos, nullable, &type);
    add(out, kind, type);
    return pos;
}

static const uint8_t *valtype(const uint8_t *pos, pw_operandkind kind, list *out)
{
    pw_valtype type;
    pos = read_valtype(pos, &type);
    add(out, kind, type);
    return pos;
}

static const uint8_t *types(const uint8_t *pos, list *out)
{
    uint64_t count;
    pos = read_leb(pos, false, &count);
    while (count-- > 0) {
        pos = valtype(pos, PW_OPERAND_RESULT, out);
    }
    return pos;
}

static const uint8_t *block_type(const uint8_t *pos, list *out)
{
    if (*pos == PW_TYPE_EMPTY) {
        return pos + 1;
    }
    return is_code(*pos) ? valtype(pos, PW_OPERAND_RESULT, out)
                         : number(pos, PW_OPERAND_TYPEUSE, out);
}

/* ---- other forms ----------------------------------------------------------------------------- */

/* Reads a list of catch clauses. Each has a kind, a tag unless it catches all exceptions, and a
 * label.
 */
static const uint8_t *catches(const uint8_t *pos, list *out)
{
    uint64_t count;
    pos = read_leb(pos, false, &count);
    while (count-- > 0) {
        uint8_t kind = *pos++;
        add(out, PW_OPERAND_CATCH, kind);
        if (kind < PW_CATCH_ALL) {
            pos = number(pos, PW_OPERAND_TAG, out);
        }
        pos = number(pos, PW_OPERAND_LABEL, out);
    }
    return pos;
}

static const uint8_t *memarg(const uint8_t *pos, unsigned natural, list *out)
{
    uint64_t flags;
    pos = read_leb(pos, false, &flags);
    if ((flags & PW_MEMARG_HAS_MEMORY) != 0) {
        pos = number(pos, PW_OPERAND_MEMORY, out);
    }
    pos = number(pos, PW_OPERAND_OFFSET, out);
    uint64_t log2 = flags & (PW_MEMARG_HAS_MEMORY - 1);
    if (log2 != natural) {
        add(out, PW_OPERAND_ALIGN, UINT64_C(1) << log2);
    }
    return pos;
}

#define CAST_FROM_NULL 1
#define CAST_TO_NULL 2

static const uint8_t *cast(const uint8_t *pos, list *out)
{
    uint8_t flags = *pos++;
    pos = number(pos, PW_OPERAND_LABEL, out);
    pos = heaptype(pos, PW_OPERAND_REFTYPE, (flags & CAST_FROM_NULL) != 0, out);
    return heaptype(pos, PW_OPERAND_REFTYPE, (flags & CAST_TO_NULL) != 0, out);
}

/* The immediates that are one index or two. The text format writes some pairs in the other order.
 */
static const struct {
    uint8_t count;
    uint8_t kinds[2];
    bool swapped;
} indices[] = {
    [PW_IMM_LABEL] = {1, {PW_OPERAND_LABEL}, false},
    [PW_IMM_LOCAL] = {1, {PW_OPERAND_LOCAL}, false},
    [PW_IMM_FUNC] = {1, {PW_OPERAND_FUNC}, false},
    [PW_IMM_TABLE] = {1, {PW_OPERAND_TABLE}, false},
    [PW_IMM_MEMORY] = {1, {PW_OPERAND_MEMORY}, false},
    [PW_IMM_GLOBAL] = {1, {PW_OPERAND_GLOBAL}, false},
    [PW_IMM_TAG] = {1, {PW_OPERAND_TAG}, false},
    [PW_IMM_TYPE] = {1, {PW_OPERAND_TYPE}, false},
    [PW_IMM_ELEM] = {1, {PW_OPERAND_ELEM}, false},
    [PW_IMM_DATA] = {1, {PW_OPERAND_DATA}, false},
    [PW_IMM_TYPE_TABLE] = {2, {PW_OPERAND_TYPEUSE, PW_OPERAND_TABLE}, true},
    [PW_IMM_TYPE_FIELD] = {2, {PW_OPERAND_TYPE, PW_OPERAND_FIELD}, false},
    [PW_IMM_TYPE_COUNT] = {2, {PW_OPERAND_TYPE, PW_OPERAND_COUNT}, false},
    [PW_IMM_TYPE_DATA] = {2, {PW_OPERAND_TYPE, PW_OPERAND_DATA}, false},
    [PW_IMM_TYPE_ELEM] = {2, {PW_OPERAND_TYPE, PW_OPERAND_ELEM}, false},
    [PW_IMM_TYPE_TYPE] = {2, {PW_OPERAND_TYPE, PW_OPERAND_TYPE}, false},
    [PW_IMM_DATA_MEMORY] = {2, {PW_OPERAND_DATA, PW_OPERAND_MEMORY}, true},
    [PW_IMM_MEMORY_MEMORY] = {2, {PW_OPERAND_MEMORY, PW_OPERAND_MEMORY}, false},
    [PW_IMM_ELEM_TABLE] = {2, {PW_OPERAND_ELEM, PW_OPERAND_TABLE}, true},
    [PW_IMM_TABLE_TABLE] = {2, {PW_OPERAND_TABLE, PW_OPERAND_TABLE}, false},
};

static const uint8_t *index_list(const uint8_t *pos, pw_immediates immediates, list *out)
{
    uint64_t values[2];
    unsigned count = indices[immediates].count;
    for (unsigned i = 0; i < count; i++) {
        pos = read_leb(pos, false, &values[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned place = indices[immediates].swapped ? 1 - i : i;
        add(out, (pw_operandkind)indices[immediates].kinds[place], values[place]);
    }
    return pos;
}

/* ---- instructions ---------------------------------------------------------------------------- */

static const uint8_t *immediates_of(const uint8_t *pos, const pw_opcode *opcode, list *out)
{
    pw_immediates immediates = (pw_immediates)opcode->immediates;
    switch (immediates) {
    case PW_IMM_NONE:
    case PW_IMM_PREFIX: return pos;
    case PW_IMM_BLOCK: return block_type(pos, out);
    case PW_IMM_LABELS: return labels(pos, out);
    case PW_IMM_TYPES: return types(pos, out);
    case PW_IMM_HEAPTYPE: return heaptype(pos, PW_OPERAND_HEAPTYPE, true, out);
    case PW_IMM_REF: return heaptype(pos, PW_OPERAND_REFTYPE, false, out);
    case PW_IMM_REF_NULL: return heaptype(pos, PW_OPERAND_REFTYPE, true, out);
    case PW_IMM_CAST: return cast(pos, out);
    case PW_IMM_TRY_TABLE: return catches(block_type(pos, out), out);
    case PW_IMM_MEMARG: return memarg(pos, opcode->log2, out);
    case PW_IMM_MEMARG_LANE: return lanes(memarg(pos, opcode->log2, out), 1, out);
    case PW_IMM_LANE: return lanes(pos, 1, out);
    case PW_IMM_BYTE: return pos + 1; /* the text format does not show this byte */
    case PW_IMM_I32: return number(pos, PW_OPERAND_I32, out);
    case PW_IMM_I64: return number(pos, PW_OPERAND_I64, out);
    case PW_IMM_F32: return fixed(pos, 4, PW_OPERAND_F32, out);
    case PW_IMM_F64: return fixed(pos, 8, PW_OPERAND_F64, out);
    case PW_IMM_V128: return fixed(fixed(pos, 8, PW_OPERAND_V128, out), 8, PW_OPERAND_V128, out);
    case PW_IMM_SHUFFLE: return lanes(pos, 16, out);
    default: return index_list(pos, immediates, out);
    }
}

/* Reads the opcode at *pos, and moves *pos behind it. */
static const pw_opcode *read_opcode(const uint8_t **pos)
{
    uint8_t byte = *(*pos)++;
    if (pw_opcodes[byte].immediates != PW_IMM_PREFIX) {
        return &pw_opcodes[byte];
    }
    uint64_t code;
    *pos = read_leb(*pos, false, &code);
    return &pw_opcodes[pw_prefixed_id(byte, (uint32_t)code)];
}

const uint8_t *pw_skip_instruction(const uint8_t *pos)
{
    const pw_opcode *opcode = read_opcode(&pos);
    return immediates_of(pos, opcode, NULL);
}

void pw_list_instruction(const pw_module *module, uint32_t offset, pw_operand *operands,
                         uint32_t capacity, pw_instruction *instruction)
{
    const uint8_t *bytes = module->info.bytes;
    const uint8_t *pos = bytes + offset;
    list out = {operands, capacity, 0};
    const pw_opcode *opcode = read_opcode(&pos);
    pos = immediates_of(pos, opcode, &out);
    *instruction = (pw_instruction){
        .text = opcode->text, .end = (uint32_t)(pos - bytes), .noperands = out.count};
}

void pw_list_locals(const pw_module *module, uint32_t offset, pw_operand *operands,
                    uint32_t capacity, pw_instruction *declarations)
{
    const uint8_t *bytes = module->info.bytes;
    list out = {operands, capacity, 0};
    uint64_t count;
    const uint8_t *pos = read_leb(bytes + offset, false, &count);
    while (count-- > 0) {
        pos = valtype(number(pos, PW_OPERAND_COUNT, &out), PW_OPERAND_RESULT, &out);
    }
    *declarations =
        (pw_instruction){.text = "local", .end = (uint32_t)(pos - bytes), .noperands = out.count};
}
