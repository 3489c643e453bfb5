/* SPDX-License-Identifier: MIT */
/* Tables and globals as the host sees them. */
#include "bridge.h"

#include <stdlib.h>
#include <string.h>

uint32_t pw_table_size(const pw_table *table)
{
    return table->size;
}

pw_valtype pw_table_type(const pw_table *table)
{
    return table->type;
}

pw_limits pw_table_limits(const pw_table *table)
{
    pw_limits limits = table->limits;
    limits.min = table->size;
    return limits;
}

pw_func *pw_table_get(const pw_table *table, uint32_t index)
{
    return pw_handle(table->elements[index]);
}

void pw_table_set(pw_table *table, uint32_t index, pw_func *func)
{
    table->elements[index] = pw_m3(func);
}

int64_t pw_table_grow(pw_table *table, uint32_t delta, pw_func *init)
{
    uint32_t before = table->size;
    uint64_t max = PW_MAX_TABLE_SIZE;
    if (table->limits.has_max && table->limits.max < max)
        max = table->limits.max;
    if (before > max || delta > max - before)
        return -1;
    uint32_t size = before + delta;
    if (size > table->capacity) {
        uint64_t capacity = table->capacity + (uint64_t)table->capacity / 2;
        capacity = capacity < size ? size : capacity > max ? max : capacity;
        IM3Function *elements = realloc(table->elements, (size_t)capacity * sizeof *elements);
        if (!elements)
            return -1;
        table->elements = elements;
        table->capacity = (uint32_t)capacity;
    }
    for (uint32_t i = before; i < size; ++i)
        table->elements[i] = pw_m3(init);
    table->size = size;
    return before;
}

pw_valtype pw_global_type(const pw_global *global)
{
    return global->type;
}

bool pw_global_mutable(const pw_global *global)
{
    return global->is_mutable;
}

uint64_t pw_global_get(const pw_global *global)
{
    return global->bits;
}

void pw_global_set(pw_global *global, uint64_t bits)
{
    global->bits = bits;
}
