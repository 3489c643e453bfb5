/* SPDX-License-Identifier: MIT */
/* Visits the external references of a store. They are in globals and tables only: an element
 * segment can name one only through a global. */
#include "runtime/externs.h"
#include "runtime/store.h"
#include "runtime/table.h"

static bool is_extern(pw_valtype type)
{
    return pw_heap_type(type) == PW_EXTERNREF;
}

typedef struct {
    pw_extern_visitor visit;
    void *arg;
    uint64_t places;
} walk;

static void visit_bits(walk *w, uint64_t bits)
{
    w->places++;
    if (bits) {
        w->visit(w->arg, bits);
    }
}

static void visit_table(walk *w, const pw_table *table)
{
    if (!is_extern(table->type)) {
        return;
    }
    for (uint32_t i = 0; i < table->size; i++) {
        visit_bits(w, pw_table_get(table, i));
    }
}

uint64_t pw_store_visit_externs(const pw_store *store, pw_extern_visitor visit, void *arg)
{
    walk w = {visit, arg, 0};
    for (const pw_global *global = store->globals; global != NULL; global = global->next) {
        if (is_extern(global->type)) {
            visit_bits(&w, global->bits);
        } else {
            w.places++;
        }
    }
    for (const pw_table *table = store->tables; table != NULL; table = table->next) {
        visit_table(&w, table);
    }
    for (const pw_instance *instance = store->instances; instance != NULL;
         instance = instance->next) {
        for (uint32_t i = 0; i < instance->ntables; i++) {
            visit_table(&w, &instance->own_tables[i]);
        }
    }
    return w.places;
}
