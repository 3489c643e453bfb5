/* SPDX-License-Identifier: MIT */
/* Evaluates constant expressions: https://webassembly.github.io/spec/core/exec/modules.html
 * The expressions are valid, so nothing is checked again here. */
#include "runtime/evaluate.h"
#include "base/limits.h"
#include "base/opcodes.h"
#include "decode/reader.h"

#include <string.h>

/* The state while the instructions of an expression run. */
typedef struct {
    const pw_instance *instance;
    pw_reader reader;
    pw_error error; /* the reader needs one; nothing fails */
    uint32_t count; /* cells in use */
    uint64_t cells[PW_MAX_CONSTANT_OPERANDS * PW_MAX_CELLS];
} machine;

static uint64_t function_reference(const pw_instance *instance, uint32_t index)
{
    return (uint64_t)(uintptr_t)&instance->m3->functions[index];
}

static void copy_global(const pw_instance *instance, uint32_t index, uint64_t *cells)
{
    const pw_global *global = instance->globals[index];
    for (uint32_t i = 0; i < pw_cells(global->type); i++) {
        cells[i] = global->cells[i];
    }
}

static void push(machine *m, uint64_t value)
{
    m->cells[m->count++] = value;
}

static void push_global(machine *m, uint32_t index)
{
    copy_global(m->instance, index, &m->cells[m->count]);
    m->count += pw_cells(m->instance->globals[index]->type);
}

static void combine(machine *m, uint8_t opcode)
{
    uint64_t right = m->cells[--m->count];
    uint64_t *left = &m->cells[m->count - 1];
    switch (opcode) {
    case PW_ID_i32_add: *left = (uint32_t)(*left + right); break;
    case PW_ID_i32_sub: *left = (uint32_t)(*left - right); break;
    case PW_ID_i32_mul: *left = (uint32_t)(*left * right); break;
    case PW_ID_i64_add: *left += right; break;
    case PW_ID_i64_sub: *left -= right; break;
    default: *left *= right; break; /* PW_ID_i64_mul */
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

/* v128.const is the only instruction behind 0xfd that is constant. */
static void push_vector(machine *m)
{
    uint32_t code;
    uint64_t half = 0;
    pw_read_u32(&m->reader, "opcode", &code);
    for (int i = 0; i < 2; i++) {
        pw_read_fixed(&m->reader, "v128.const", sizeof half, &half);
        push(m, half);
    }
}

static void run(machine *m, uint8_t opcode)
{
    switch (opcode) {
    case PW_ID_i32_const: push(m, read_i32(m)); break;
    case PW_ID_i64_const: push(m, read_i64(m)); break;
    case PW_ID_f32_const: push(m, read_float(m, 4)); break;
    case PW_ID_f64_const: push(m, read_float(m, 8)); break;
    case PW_ID_prefix_fd: push_vector(m); break;
    case PW_ID_global_get: push_global(m, read_index(m)); break;
    case PW_ID_ref_func: push(m, function_reference(m->instance, read_index(m))); break;
    case PW_ID_ref_null: push(m, read_null(m)); break;
    default: combine(m, opcode); break;
    }
}

static void run_all(const pw_instance *instance, uint32_t offset, uint64_t *cells)
{
    const pw_module_info *info = &instance->module->info;
    machine m;
    uint8_t opcode;
    m.instance = instance;
    m.count = 0;
    pw_error_clear(&m.error);
    pw_reader_init(&m.reader, info->bytes, (size_t)info->size, &m.error);
    m.reader.pos += offset;
    while (pw_read_byte(&m.reader, "opcode", &opcode) && opcode != PW_ID_end) {
        run(&m, opcode);
    }
    memcpy(cells, m.cells, m.count * sizeof *cells);
}

void pw_evaluate(const pw_instance *instance, const pw_constexpr *expression, uint64_t *cells)
{
    switch (expression->kind) {
    case PW_CONST_VALUE: *cells = expression->bits; break;
    case PW_CONST_GLOBAL: copy_global(instance, expression->index, cells); break;
    case PW_CONST_FUNC: *cells = function_reference(instance, expression->index); break;
    case PW_CONST_NULL: *cells = 0; break;
    case PW_CONST_CODE: run_all(instance, expression->offset, cells); break;
    }
}
