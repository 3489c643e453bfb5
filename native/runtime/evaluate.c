/* SPDX-License-Identifier: MIT */
/* Constant expressions: https://webassembly.github.io/spec/core/exec/modules.html
 * They are valid, so nothing is checked again. */

#include "runtime/evaluate.h"
#include "base/limits.h"
#include "base/opcodes.h"
#include "decode/reader.h"

/* The instructions up to `end`. */
typedef struct {
    const pw_instance *instance;
    pw_reader reader;
    pw_error error; /* stays clear */
    uint32_t count;
    uint64_t values[PW_MAX_CONSTANT_OPERANDS];
} machine;

static uint64_t function_reference(const pw_instance *instance, uint32_t index)
{
    return (uint64_t)(uintptr_t)&instance->m3->functions[index];
}

static void push(machine *m, uint64_t value)
{
    m->values[m->count++] = value;
}

static void combine(machine *m, uint8_t opcode)
{
    uint64_t right = m->values[--m->count];
    uint64_t *left = &m->values[m->count - 1];
    switch (opcode) {
    case PW_OP_I32_ADD: *left = (uint32_t)(*left + right); break;
    case PW_OP_I32_SUB: *left = (uint32_t)(*left - right); break;
    case PW_OP_I32_MUL: *left = (uint32_t)(*left * right); break;
    case PW_OP_I64_ADD: *left += right; break;
    case PW_OP_I64_SUB: *left -= right; break;
    default: *left *= right; break; /* PW_OP_I64_MUL */
    }
}

static uint32_t read_index(machine *m)
{
    uint32_t index = 0;
    pw_read_u32(&m->reader, "index", &index);
    return index;
}

static uint64_t read_i32(machine *m)
{
    int32_t value = 0;
    pw_read_s32(&m->reader, "i32.const", &value);
    return (uint32_t)value;
}

static uint64_t read_i64(machine *m)
{
    int64_t value = 0;
    pw_read_s64(&m->reader, "i64.const", &value);
    return (uint64_t)value;
}

static uint64_t read_float(machine *m, size_t size)
{
    uint64_t bits = 0;
    pw_read_fixed(&m->reader, "float constant", size, &bits);
    return bits;
}

static uint64_t read_null(machine *m)
{
    int64_t heap_type;
    pw_read_s33(&m->reader, "heap type", &heap_type);
    return 0;
}

static void run(machine *m, uint8_t opcode)
{
    switch (opcode) {
    case PW_OP_I32_CONST: push(m, read_i32(m)); break;
    case PW_OP_I64_CONST: push(m, read_i64(m)); break;
    case PW_OP_F32_CONST: push(m, read_float(m, 4)); break;
    case PW_OP_F64_CONST: push(m, read_float(m, 8)); break;
    case PW_OP_GLOBAL_GET: push(m, m->instance->globals[read_index(m)]->bits); break;
    case PW_OP_REF_FUNC: push(m, function_reference(m->instance, read_index(m))); break;
    case PW_OP_REF_NULL: push(m, read_null(m)); break;
    default: combine(m, opcode); break;
    }
}

static uint64_t run_all(const pw_instance *instance, uint32_t offset)
{
    const pw_module_info *info = &instance->module->info;
    machine m;
    uint8_t opcode;
    m.instance = instance;
    m.count = 0;
    pw_error_clear(&m.error);
    pw_reader_init(&m.reader, info->bytes, (size_t)info->size, &m.error);
    m.reader.pos += offset;
    while (pw_read_byte(&m.reader, "opcode", &opcode) && opcode != PW_OP_END) {
        run(&m, opcode);
    }
    return m.values[0];
}

uint64_t pw_evaluate(const pw_instance *instance, const pw_constexpr *expression)
{
    switch (expression->kind) {
    case PW_CONST_VALUE: return expression->bits;
    case PW_CONST_GLOBAL: return instance->globals[expression->index]->bits;
    case PW_CONST_FUNC: return function_reference(instance, expression->index);
    case PW_CONST_NULL: return 0;
    case PW_CONST_CODE: break;
    }
    return run_all(instance, expression->offset);
}
