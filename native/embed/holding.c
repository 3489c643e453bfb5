/* SPDX-License-Identifier: MIT */
/* References on their way to Python where pywasm3/_pure has the types. */
#include "embed/holding.h"

#include "embed/reference.h"
#include "runtime/collection.h"
#include "runtime/references.h"

/* ---- holding ---- */

/* Whether Python can have what a value of a type refers to. Exceptions are in the heap, too. */
static bool is_for_python(pw_valtype type)
{
    return pw_is_reference(type) && pw_heap_type(type) != PW_EXNREF;
}

pw_hold pw_hold_cell(pw_store *store, pw_valtype type, uint64_t ref)
{
    uint32_t handle;
    if (!is_for_python(type) || !pw_is_heap_reference(ref)) {
        return PW_HOLD_NONE;
    }
    return pw_reference_hold(store, ref, &handle) ? (pw_hold)handle : PW_HOLD_FAILED;
}

void pw_hold_results(const pw_callee *callee, const uint64_t *values, pw_hold *holds)
{
    for (uint32_t i = 0; i < callee->nresults; i++) {
        holds[i] = pw_hold_cell(callee->store, callee->results[i], *values);
        values += pw_cells(callee->results[i]);
    }
}

pw_hold pw_global_get_holding(pw_store *store, const pw_global *global, uint64_t *cells)
{
    pw_global_get(global, cells);
    return pw_hold_cell(store, pw_global_type(global), cells[0]);
}

pw_hold pw_table_get_holding(pw_store *store, const pw_table *table, uint32_t index, uint64_t *cell)
{
    *cell = pw_table_get(table, index);
    return pw_hold_cell(store, pw_table_type(table), *cell);
}

pw_hold pw_held_get_holding(pw_store *store, uint32_t handle, uint32_t index, uint64_t *cells)
{
    uint32_t number = pw_held_type(store, handle);
    bool is_array = pw_type_definition(store, number).kind == PW_TYPE_ARRAY;
    pw_held_get(store, handle, index, cells);
    return pw_hold_cell(store, pw_type_field(store, number, is_array ? 0 : index).type, cells[0]);
}

/* ---- objects of the host ---- */

void pw_extern_mark(void *arg, uint64_t bits)
{
    const pw_extern_marks *marks = arg;
    uint64_t low = 0, high = marks->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (marks->numbers[middle] < bits) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < marks->count && marks->numbers[low] == bits) {
        marks->marked[low] = true;
    }
}

bool pw_extern_mark_all(pw_store *store, pw_extern_marks *marks, uint64_t *places)
{
    return pw_store_mark_externs(store, pw_extern_mark, marks, places);
}
