/* SPDX-License-Identifier: MIT */
/* Evaluates constant expressions: https://webassembly.github.io/spec/core/exec/modules.html
 * The expressions are valid, so nothing is checked again here. */
#include "runtime/evaluate.h"
#include "base/limits.h"
#include "base/opcodes.h"
#include "decode/reader.h"
#include "runtime/aggregate.h"
#include "runtime/collection.h"

#include <stdlib.h>
#include <string.h>

/* The state while the instructions of an expression run. */
typedef struct {
    const pw_instance *instance;
    pw_reader reader;
    pw_error *error;
    uint32_t count;    /* cells in use */
    uint32_t capacity; /* cells that there is room for */
    uint64_t *cells;   /* `few`, or allocated */
    pw_roots roots;    /* the cells, for collections */
    uint64_t few[32];
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

/* Makes room for the value that one instruction pushes. */
static bool make_room(machine *m)
{
    if (m->count + PW_MAX_CELLS <= m->capacity) {
        return true;
    }
    uint32_t capacity = 2 * m->capacity;
    uint64_t *cells = malloc(capacity * sizeof *cells);
    if (cells == NULL) {
        return pw_fail(m->error, PW_NO_MEMORY, 0, "out of memory: cannot allocate an instance");
    }
    memcpy(cells, m->cells, m->count * sizeof *cells);
    if (m->cells != m->few) {
        free(m->cells);
    }
    m->roots.cells = m->cells = cells;
    m->capacity = capacity;
    return true;
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

/* ---- structures and arrays ------------------------------------------------------------------- */

static bool no_room(const machine *m)
{
    return pw_fail(m->error, PW_LIMIT, pw_reader_offset(&m->reader),
                   "instance too large: the structures and arrays of its constant expressions need "
                   "more memory than the limits of the store leave");
}

/* Replaces `count` cells by a reference to an object that was made of them. */
static bool push_object(machine *m, uint32_t count, const void *object)
{
    if (object == NULL) {
        return no_room(m);
    }
    m->count -= count;
    push(m, pw_reference_of(object));
    return true;
}

static uint32_t cells_of_fields(const pw_deftype *type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->nfields; i++) {
        count += pw_cells(type->fields[i].type);
    }
    return count;
}

static bool make_struct(machine *m, const pw_deftype *type)
{
    pw_heap_object *object = pw_struct_new(m->instance->store, type, NULL);
    uint32_t count = cells_of_fields(type);
    const uint64_t *cells = &m->cells[m->count - count];
    for (uint32_t i = 0; i < type->nfields && object != NULL; i++) {
        const pw_field_layout *field = &type->fields[i];
        pw_write_field(pw_field_at(object, field), field->log2, cells);
        cells += pw_cells(field->type);
    }
    return push_object(m, count, object);
}

/* Fills a new array in pieces. The array is on the stack of the machine already. */
static bool fill(const machine *m, pw_array *array, const uint64_t *value)
{
    for (uint32_t done = 0, piece; done < array->length; done += piece) {
        uint32_t left = array->length - done;
        piece = left < PW_ARRAY_PIECE ? left : PW_ARRAY_PIECE;
        pw_array_fill(array, done, value, piece);
        if (!pw_may_go_on(&m->instance->store->meter, m->error)) {
            return false;
        }
    }
    return true;
}

static bool make_array(machine *m, const pw_deftype *type, bool filled)
{
    uint64_t value[PW_MAX_CELLS];
    uint32_t length = (uint32_t)m->cells[m->count - 1];
    uint32_t width = filled ? pw_cells(type->fields->type) : 0;
    pw_array *array = pw_array_new(m->instance->store, type, length, NULL);
    memcpy(value, &m->cells[m->count - 1 - width], width * sizeof *value);
    return push_object(m, 1 + width, array) && (!filled || fill(m, array, value));
}

static bool make_fixed_array(machine *m, const pw_deftype *type, uint32_t length)
{
    pw_array *array = pw_array_new(m->instance->store, type, length, NULL);
    uint32_t width = pw_cells(type->fields->type), count = length * width;
    const uint64_t *cells = &m->cells[m->count - count];
    for (uint32_t i = 0; i < length && array != NULL; i++) {
        pw_write_field(pw_element_at(array, i), type->fields->log2, &cells[i * width]);
    }
    return push_object(m, count, array);
}

static const pw_deftype *read_type(machine *m)
{
    return pw_instance_type(m->instance, read_index(m));
}

/* The instructions behind the prefix 0xfb that are constant. */
static bool run_aggregate(machine *m)
{
    const pw_deftype *type;
    pw_store *store = m->instance->store;
    switch (pw_prefixed_id(PW_ID_prefix_fb, read_index(m))) {
    case PW_ID_struct_new: return make_struct(m, read_type(m));
    case PW_ID_struct_new_default:
        return push_object(m, 0, pw_struct_new(store, read_type(m), NULL));
    case PW_ID_array_new: return make_array(m, read_type(m), true);
    case PW_ID_array_new_default: return make_array(m, read_type(m), false);
    case PW_ID_array_new_fixed:
        type = read_type(m);
        return make_fixed_array(m, type, read_index(m));
    case PW_ID_ref_i31: m->cells[m->count - 1] = pw_i31_of((uint32_t)m->cells[m->count - 1]); break;
    default: break; /* a conversion between anyref and externref, which are the same */
    }
    return true;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static bool run(machine *m, uint8_t opcode)
{
    switch (opcode) {
    case PW_ID_i32_const: push(m, read_i32(m)); break;
    case PW_ID_i64_const: push(m, read_i64(m)); break;
    case PW_ID_f32_const: push(m, read_float(m, 4)); break;
    case PW_ID_f64_const: push(m, read_float(m, 8)); break;
    case PW_ID_prefix_fb: return run_aggregate(m);
    case PW_ID_prefix_fd: push_vector(m); break;
    case PW_ID_global_get: push_global(m, read_index(m)); break;
    case PW_ID_ref_func: push(m, function_reference(m->instance, read_index(m))); break;
    case PW_ID_ref_null: push(m, read_null(m)); break;
    default: combine(m, opcode); break;
    }
    return true;
}

static void begin(machine *m, const pw_instance *instance, uint32_t offset, pw_error *error)
{
    const pw_module_info *info = &instance->module->info;
    m->instance = instance;
    m->error = error;
    m->count = 0;
    m->capacity = sizeof m->few / sizeof m->few[0];
    m->cells = m->few;
    m->roots = (pw_roots){.cells = m->cells, .count = &m->count};
    pw_reader_init(&m->reader, info->bytes, (size_t)info->size, error);
    m->reader.pos += offset;
    pw_roots_add(instance->store, &m->roots);
}

static void end(machine *m)
{
    pw_roots_forget(m->instance->store, &m->roots);
    if (m->cells != m->few) {
        free(m->cells);
    }
}

static bool run_all(const pw_instance *instance, uint32_t offset, uint64_t *cells, pw_error *error)
{
    machine m;
    uint8_t opcode;
    bool succeeded = true;
    begin(&m, instance, offset, error);
    while (succeeded && pw_read_byte(&m.reader, "opcode", &opcode) && opcode != PW_ID_end) {
        succeeded = make_room(&m) && run(&m, opcode);
    }
    if (succeeded) {
        memcpy(cells, m.cells, m.count * sizeof *cells);
    }
    end(&m);
    return succeeded;
}

bool pw_evaluate(const pw_instance *instance, const pw_constexpr *expression, uint64_t *cells,
                 pw_error *error)
{
    switch (expression->kind) {
    case PW_CONST_VALUE: *cells = expression->bits; break;
    case PW_CONST_GLOBAL: copy_global(instance, expression->index, cells); break;
    case PW_CONST_FUNC: *cells = function_reference(instance, expression->index); break;
    case PW_CONST_NULL: *cells = 0; break;
    case PW_CONST_CODE: return run_all(instance, expression->offset, cells, error);
    }
    return true;
}

uint64_t pw_evaluate_item(const pw_instance *instance, pw_elemitem item)
{
    const pw_constexpr expression = pw_unpack_item(item);
    uint64_t ref = 0;
    if (expression.kind == PW_CONST_GLOBAL) {
        copy_global(instance, expression.index, &ref);
    } else if (expression.kind == PW_CONST_FUNC) {
        ref = function_reference(instance, expression.index);
    }
    return ref;
}
