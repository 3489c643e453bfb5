/* SPDX-License-Identifier: MIT */
/* Tables. */

#include "runtime/table.h"
#include "base/error.h"
#include "base/zeroed.h"
#include "runtime/deftypes.h"

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

uint64_t pw_table_get(const pw_table *table, uint32_t index)
{
    return table->elements[index];
}

void pw_table_set(pw_table *table, uint32_t index, uint64_t ref)
{
    table->elements[index] = ref;
}

/* Enlarges the array of elements, and charges the difference. */
static bool set_capacity(pw_table *table, uint32_t capacity)
{
    uint32_t more = capacity - table->capacity;
    if (!pw_account_charge(table->account, PW_CHARGE_TABLE, more)) {
        return false;
    }
    uint64_t *elements = realloc(table->elements, (size_t)capacity * sizeof *elements);
    if (elements == NULL) {
        pw_account_refund(table->account, PW_CHARGE_TABLE, more);
        return false;
    }
    table->elements = elements;
    table->capacity = capacity;
    return true;
}

void pw_table_free(pw_table *table)
{
    pw_account_refund(table->account, PW_CHARGE_TABLE, table->capacity);
    free(table->elements);
    free(table);
}

bool pw_table_make_room(pw_table *table, uint64_t size)
{
    if (size <= table->capacity) {
        return true;
    }
    uint64_t capacity = table->capacity + (uint64_t)table->capacity / 2;
    if (capacity > table->max) {
        capacity = table->max;
    }
    if (capacity < size) {
        capacity = size;
    }
    /* Room for later growth is only taken if the limits of the store leave it. */
    return set_capacity(table, (uint32_t)capacity) ||
           (capacity > size && set_capacity(table, (uint32_t)size));
}

int64_t pw_table_grow(pw_table *table, uint64_t delta, uint64_t init)
{
    uint32_t before = table->size;
    if (delta > table->max - before || !pw_table_make_room(table, before + delta)) {
        return -1;
    }
    pw_table_append(table, init, (uint32_t)delta);
    return before;
}

void pw_table_append(pw_table *table, uint64_t ref, uint32_t count)
{
    uint32_t before = table->size;
    table->size = before + count;
    pw_table_fill(table, before, ref, count);
}

bool pw_table_fill(pw_table *table, uint32_t start, uint64_t ref, uint32_t count)
{
    if (!pw_fits(table->size, start, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        table->elements[start + i] = ref;
    }
    return true;
}

bool pw_table_copy(pw_table *target, uint32_t to, const pw_table *source, uint32_t from,
                   uint32_t count)
{
    if (!pw_fits(target->size, to, count) || !pw_fits(source->size, from, count)) {
        return false;
    }
    if (count) {
        memmove(target->elements + to, source->elements + from, count * sizeof *source->elements);
    }
    return true;
}

static uint32_t max_size(const pw_store *store, const pw_limits *limits)
{
    uint64_t allowed = pw_account_limit(store->account, PW_CHARGE_TABLE);
    bool declared = limits->has_max && limits->max < allowed;
    return (uint32_t)(declared ? limits->max : allowed);
}

/* Gives a zeroed table its type and limits.min elements. Most tables are made with null in all
 * elements, which calloc has written already. */
static bool set_up(pw_table *table, const pw_store *store, pw_valtype type, const pw_limits *limits,
                   uint64_t init, pw_error *error)
{
    table->type = type;
    table->resolved = pw_host_type(type);
    table->limits = *limits;
    table->account = store->account;
    table->max = max_size(store, limits);
    if (limits->min > table->max) {
        return pw_fail(
            error, PW_LIMIT, 0, "table too large: it needs %llu element%s, but the limit is %u",
            (unsigned long long)limits->min, pw_plural(limits->min), (unsigned)table->max);
    }
    uint32_t size = (uint32_t)limits->min;
    if (!size) {
        return true;
    }
    if (!pw_account_charge(store->account, PW_CHARGE_TABLE, size)) {
        return pw_fail(error, PW_LIMIT, 0,
                       "table too large: it needs %u element%s, which is more than the limits "
                       "of the store leave",
                       (unsigned)size, pw_plural(size));
    }
    table->elements = pw_zeroed(size, sizeof *table->elements);
    if (table->elements == NULL) {
        pw_account_refund(store->account, PW_CHARGE_TABLE, size);
        return pw_fail(error, PW_NO_MEMORY, 0,
                       "out of memory: cannot allocate a table of %u element%s", (unsigned)size,
                       pw_plural(size));
    }
    table->capacity = size;
    if (!init) {
        table->size = size;
    }
    while (table->size < size) {
        uint32_t piece = size - table->size < PW_TABLE_PIECE ? size - table->size : PW_TABLE_PIECE;
        pw_table_append(table, init, piece);
        if (!pw_may_go_on(&store->meter, error)) {
            return false;
        }
    }
    return true;
}

pw_table *pw_table_new(pw_store *store, pw_valtype type, const pw_limits *limits, uint64_t init,
                       pw_error *error)
{
    pw_table *table = pw_zeroed(1, sizeof *table);
    if (table == NULL) {
        pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate a table");
        return NULL;
    }
    if (!set_up(table, store, type, limits, init, error)) {
        pw_table_free(table);
        return NULL;
    }
    pw_store_add(store, PW_OBJECT_TABLE, &table->object);
    return table;
}
