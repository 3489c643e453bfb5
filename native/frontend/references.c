/* SPDX-License-Identifier: MIT */
/* Table and reference instructions:
 * https://webassembly.github.io/spec/core/valid/instructions.html#table-instructions */
#include "validate.h"

/* ---- tables ---------------------------------------------------------------------------------- */

static bool read_table(pw_decoder *d, const pw_tabledef **table, pw_valtype *address)
{
    uint32_t index;
    if (!pw_read_space_index(d, PW_EXTERN_TABLE, "table index", &index)) {
        return false;
    }
    *table = &d->tables[index];
    *address = pw_address_type(&(*table)->limits);
    return true;
}

bool pw_check_elem_index(pw_decoder *d, uint32_t index)
{
    return index < d->module->nelems ||
           pw_fail_index(d, "elem segment", pw_at(d), index, d->module->nelems);
}

bool pw_check_table_get(pw_decoder *d)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(d, &table, &address) && pw_pop(d, address) && pw_push(d, table->type);
}

bool pw_check_table_set(pw_decoder *d)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(d, &table, &address) && pw_pop(d, table->type) && pw_pop(d, address);
}

bool pw_check_table_init(pw_decoder *d)
{
    const pw_tabledef *table;
    pw_valtype address;
    uint32_t segment;
    return pw_read_index(d, "element segment index", &segment) && read_table(d, &table, &address) &&
           pw_check_elem_index(d, segment) &&
           pw_check_type(d, d->elems[segment].type, table->type) && pw_pop(d, PW_I32) &&
           pw_pop(d, PW_I32) && pw_pop(d, address);
}

bool pw_check_elem_drop(pw_decoder *d)
{
    uint32_t segment;
    return pw_read_index(d, "element segment index", &segment) && pw_check_elem_index(d, segment);
}

bool pw_check_table_copy(pw_decoder *d)
{
    const pw_tabledef *to;
    const pw_tabledef *from;
    pw_valtype to_address;
    pw_valtype from_address;
    if (!read_table(d, &to, &to_address) || !read_table(d, &from, &from_address)) {
        return false;
    }
    pw_valtype size = to_address == PW_I64 && from_address == PW_I64 ? PW_I64 : PW_I32;
    return pw_check_type(d, from->type, to->type) && pw_pop(d, size) && pw_pop(d, from_address) &&
           pw_pop(d, to_address);
}

bool pw_check_table_grow(pw_decoder *d)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(d, &table, &address) && pw_pop(d, address) && pw_pop(d, table->type) &&
           pw_push(d, address);
}

bool pw_check_table_size(pw_decoder *d)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(d, &table, &address) && pw_push(d, address);
}

bool pw_check_table_fill(pw_decoder *d)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(d, &table, &address) && pw_pop(d, address) && pw_pop(d, table->type) &&
           pw_pop(d, address);
}

/* ---- references ------------------------------------------------------------------------------ */

bool pw_check_ref_null(pw_decoder *d)
{
    pw_valtype type;
    return pw_read_heaptype(d, "type of ref.null", &type) && pw_push(d, type);
}

bool pw_check_ref_is_null(pw_decoder *d)
{
    pw_valtype type;
    return pw_pop_reference(d, &type) && pw_push(d, PW_I32);
}

/* A function is declared by what stands outside of bodies: they can be compiled without looking
 * at each other. */
bool pw_check_ref_func(pw_decoder *d)
{
    uint32_t function;
    if (!pw_read_space_index(d, PW_EXTERN_FUNC, "function index", &function)) {
        return false;
    }
    if (d->v.constant) {
        pw_declare(d, function);
    } else if (!pw_is_declared(d, function)) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "undeclared function reference: no export, global or element segment names "
                       "function %u",
                       function);
    }
    uint32_t type = d->module->typedefs[d->function_types[function]].canonical;
    return pw_push(d, pw_concrete(type, false));
}

bool pw_check_ref_eq(pw_decoder *d)
{
    return pw_pop(d, PW_EQREF) && pw_pop(d, PW_EQREF) && pw_push(d, PW_I32);
}

static pw_valtype without_null(pw_valtype type)
{
    return pw_reference_to(pw_heap_type(type), false);
}

bool pw_check_ref_as_non_null(pw_decoder *d)
{
    pw_valtype type;
    return pw_pop_reference(d, &type) && pw_push(d, without_null(type));
}

bool pw_check_br_on_null(pw_decoder *d)
{
    const pw_control *label;
    pw_valtype type;
    uint32_t count;
    if (!pw_read_label(d, &label) || !pw_pop_reference(d, &type)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    return pw_check_branch(d, types, count) && pw_push(d, without_null(type));
}

/* The branch takes the reference along, as the last value. */
bool pw_check_br_on_non_null(pw_decoder *d)
{
    const pw_control *label;
    pw_valtype type;
    uint32_t count;
    if (!pw_read_label(d, &label) || !pw_pop_reference(d, &type)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    if (count == 0) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "type mismatch: br_on_non_null expected a label that takes a reference");
    }
    return pw_check_type(d, without_null(type), types[count - 1]) &&
           pw_check_branch(d, types, count - 1);
}
