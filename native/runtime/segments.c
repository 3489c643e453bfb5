/* SPDX-License-Identifier: MIT */
/* Element and data segments of instances: https://webassembly.github.io/spec/core/exec/modules.html
 */
#include "runtime/segments.h"
#include "base/zeroed.h"
#include "runtime/evaluate.h"
#include "runtime/memory.h"
#include "runtime/table.h"

#include <stdlib.h>
#include <string.h>

bool pw_segments_add(pw_instance *instance)
{
    const pw_module *module = instance->module;
    if (module->nelems) {
        instance->elems = pw_zeroed(module->nelems, sizeof *instance->elems);
        if (instance->elems == NULL) {
            return false;
        }
    }
    if (module->ndatas) {
        instance->datas = pw_zeroed(module->ndatas, sizeof *instance->datas);
        if (instance->datas == NULL) {
            return false;
        }
    }
    instance->nelems = module->nelems;
    instance->ndatas = module->ndatas;
    for (uint32_t i = 0; i < module->nelems; i++) {
        instance->elems[i] =
            (pw_elem){.instance = instance, .index = i, .count = module->elems[i].count};
    }
    for (uint32_t i = 0; i < module->ndatas; i++) {
        instance->datas[i] = (pw_data){module->datas[i].data, module->datas[i].size};
    }
    return true;
}

/* ---- the values of items --------------------------------------------------------------------- */

/* Items are evaluated when they are copied, and not when the instance is made: the functions and
 * immutable globals that they name cannot change meanwhile. But an item that makes a structure or
 * an array is evaluated once, and then all items of its segment are. */
static bool evaluate_items(pw_instance *instance, pw_elem *elem, pw_error *error)
{
    const pw_elemsegment *segment = &instance->module->elems[elem->index];
    uint64_t size = segment->count * sizeof *elem->values;
    if (!pw_account_charge(instance->store->account, PW_CHARGE_OTHER, size)) {
        return pw_fail(
            error, PW_LIMIT, 0,
            "instance too large: element segment %u needs %llu bytes, which is more than "
            "the limits of the store leave",
            (unsigned)elem->index, (unsigned long long)size);
    }
    instance->charged += size;
    elem->values = pw_zeroed(segment->count, sizeof *elem->values);
    if (elem->values == NULL) {
        return pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate an instance");
    }
    instance->has_values = true;
    for (uint32_t i = 0; i < segment->count; i++) {
        const pw_constexpr item = pw_unpack_item(segment->items[i]);
        if (!pw_evaluate(instance, &item, &elem->values[i], error) ||
            (i % PW_TABLE_PIECE == 0 && !pw_may_go_on(&instance->store->meter, error))) {
            return false;
        }
    }
    return true;
}

bool pw_segments_evaluate(pw_instance *instance, pw_error *error)
{
    for (uint32_t i = 0; i < instance->nelems; i++) {
        if (instance->module->elems[i].has_code &&
            !evaluate_items(instance, &instance->elems[i], error)) {
            return false;
        }
    }
    return true;
}

void pw_segments_free(pw_instance *instance)
{
    for (uint32_t i = 0; instance->has_values && i < instance->nelems; i++) {
        free(instance->elems[i].values);
    }
    free(instance->elems);
    free(instance->datas);
}

bool pw_elem_read(const pw_elem *segment, uint32_t from, uint64_t *refs, uint32_t count)
{
    if (!pw_fits(segment->count, from, count)) {
        return false;
    }
    const pw_instance *instance = segment->instance;
    const pw_elemitem *items = instance->module->elems[segment->index].items;
    if (segment->values != NULL) {
        memcpy(refs, segment->values + from, count * sizeof *refs);
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        refs[i] = pw_evaluate_item(instance, items[from + i]);
    }
    return true;
}

bool pw_elem_copy(pw_table *table, uint64_t to, const pw_elem *segment, uint32_t from,
                  uint32_t count)
{
    return pw_fits(table->size, to, count) &&
           pw_elem_read(segment, from, table->elements + to, count);
}

/* ---- applying -------------------------------------------------------------------------------- */

/* Copies a segment, whose place has been checked, in pieces. False with `error` set if
 * instantiation must end. */
static bool copy_elem(pw_table *table, uint64_t to, const pw_elem *segment, pw_error *error)
{
    for (uint32_t done = 0, piece; done < segment->count; done += piece) {
        uint32_t left = segment->count - done;
        piece = left < PW_TABLE_PIECE ? left : PW_TABLE_PIECE;
        pw_elem_copy(table, to + done, segment, done, piece);
        if (!pw_may_go_on(&segment->instance->store->meter, error)) {
            return false;
        }
    }
    return true;
}

static bool trapped(pw_error *error, pw_trap trap, const char *kind, uint32_t segment,
                    uint64_t offset)
{
    pw_fail(error, PW_TRAPPED, offset, "%s: %s segment %u does not fit", pw_trap_text(trap), kind,
            (unsigned)segment);
    error->trap = trap;
    return false;
}

/* Where an active segment goes. An i32 fills the low half of its cell, and the high half has no
 * meaning. */
static uint64_t evaluate_offset(const pw_instance *instance, const pw_constexpr *offset)
{
    uint64_t cell = 0;
    pw_error none; /* an expression that gives a number makes no object, so that it cannot fail */
    pw_error_clear(&none);
    pw_evaluate(instance, offset, &cell, &none);
    return offset->type == PW_I32 ? (uint32_t)cell : cell;
}

static bool apply_elem(pw_instance *instance, uint32_t index, pw_error *error)
{
    const pw_elemsegment *segment = &instance->module->elems[index];
    pw_elem *elem = &instance->elems[index];
    if (segment->mode == PW_SEGMENT_PASSIVE) {
        return true;
    }
    if (segment->mode == PW_SEGMENT_ACTIVE) {
        uint64_t to = evaluate_offset(instance, &segment->offset);
        pw_table *table = instance->tables[segment->table];
        if (!pw_fits(table->size, to, elem->count)) {
            return trapped(error, PW_TRAP_TABLE_OUT_OF_BOUNDS, "element", index,
                           segment->offset.offset);
        }
        if (!copy_elem(table, to, elem, error)) {
            return false;
        }
    }
    elem->count = 0;
    return true;
}

static bool apply_data(pw_instance *instance, uint32_t index, pw_error *error)
{
    const pw_datasegment *segment = &instance->module->datas[index];
    pw_data *data = &instance->datas[index];
    if (segment->mode == PW_SEGMENT_PASSIVE) {
        return true;
    }
    uint64_t to = evaluate_offset(instance, &segment->offset);
    const pw_memory *memory = pw_memory_at(instance, segment->memory);
    if (!pw_fits(pw_memory_size(memory), to, data->size)) {
        return trapped(error, PW_TRAP_MEMORY_OUT_OF_BOUNDS, "data", index, segment->offset.offset);
    }
    if (!pw_copy_bytes(instance->store, pw_memory_data(memory) + to, data->data, data->size,
                       error)) {
        return false;
    }
    data->size = 0;
    return true;
}

bool pw_segments_apply(pw_instance *instance, pw_error *error)
{
    for (uint32_t i = 0; i < instance->nelems; i++) {
        if (!apply_elem(instance, i, error)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < instance->ndatas; i++) {
        if (!apply_data(instance, i, error)) {
            return false;
        }
    }
    return true;
}
