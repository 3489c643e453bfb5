/* SPDX-License-Identifier: MIT */
/* Validates instructions on tables and element segments:
 * https://webassembly.github.io/spec/core/valid/instructions.html#table-instructions */
#include "validate/tables.h"
#include "validate/operands.h"

static bool read_table(pw_validator *v, const pw_tabledef **table, pw_valtype *address)
{
    uint32_t index;
    if (!pw_read_space_index(v, PW_EXTERN_TABLE, "table index", &index)) {
        return false;
    }
    *table = &v->decoder.tables[index];
    *address = pw_address_type(&(*table)->limits);
    return true;
}

bool pw_check_elem_index(pw_validator *v, uint32_t index)
{
    return index < v->decoder.module->nelems ||
           pw_fail_index(&v->decoder, "elem segment", pw_at(v), index, v->decoder.module->nelems);
}

bool pw_check_table_get(pw_validator *v)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(v, &table, &address) && pw_pop(v, address) && pw_push(v, table->type);
}

bool pw_check_table_set(pw_validator *v)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(v, &table, &address) && pw_pop(v, table->type) && pw_pop(v, address);
}

bool pw_check_table_init(pw_validator *v)
{
    const pw_tabledef *table;
    pw_valtype address;
    uint32_t segment;
    return pw_read_index(v, "element segment index", &segment) && read_table(v, &table, &address) &&
           pw_check_elem_index(v, segment) &&
           pw_check_type(v, v->decoder.elems[segment].type, table->type) && pw_pop(v, PW_I32) &&
           pw_pop(v, PW_I32) && pw_pop(v, address);
}

bool pw_check_elem_drop(pw_validator *v)
{
    uint32_t segment;
    return pw_read_index(v, "element segment index", &segment) && pw_check_elem_index(v, segment);
}

bool pw_check_table_copy(pw_validator *v)
{
    const pw_tabledef *to;
    const pw_tabledef *from;
    pw_valtype to_address;
    pw_valtype from_address;
    if (!read_table(v, &to, &to_address) || !read_table(v, &from, &from_address)) {
        return false;
    }
    return pw_check_type(v, from->type, to->type) &&
           pw_pop(v, pw_copy_length_type(to_address, from_address)) && pw_pop(v, from_address) &&
           pw_pop(v, to_address);
}

bool pw_check_table_grow(pw_validator *v)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(v, &table, &address) && pw_pop(v, address) && pw_pop(v, table->type) &&
           pw_push(v, address);
}

bool pw_check_table_size(pw_validator *v)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(v, &table, &address) && pw_push(v, address);
}

bool pw_check_table_fill(pw_validator *v)
{
    const pw_tabledef *table;
    pw_valtype address;
    return read_table(v, &table, &address) && pw_pop(v, address) && pw_pop(v, table->type) &&
           pw_pop(v, address);
}
