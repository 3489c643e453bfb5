/* SPDX-License-Identifier: MIT */
/* Marks the objects of a store that somebody can reach, and frees the others. */
#include "embed/collect.h"
#include "embed/instance.h"
#include "runtime/exception.h"
#include "runtime/functypes.h"
#include "runtime/store.h"
#include "runtime/table.h"

#include <stdlib.h>

void pw_object_hold(pw_object *object)
{
    object->holds++;
}

void pw_object_drop(pw_object *object)
{
    object->holds--;
}

bool pw_object_marked(const pw_object *object)
{
    return object->marked;
}

/* ---- marking --------------------------------------------------------------------------------- */

/* A list of the marked objects whose references are still to be followed makes recursion
 * unnecessary: a guest could make it deep. */
typedef struct {
    pw_object *pending;
    pw_exception *exceptions; /* the same list for exceptions */
    pw_extern_visitor visit;
    void *arg;
    uint64_t places;
} marking;

static void mark(marking *m, pw_object *object)
{
    if (object != NULL && !object->marked) {
        object->marked = true;
        object->pending = m->pending;
        m->pending = object;
    }
}

static void mark_function(marking *m, const M3Function *function)
{
    if (function != NULL) {
        mark(m, &pw_instance_of(function)->object);
    }
}

static void mark_extern(const marking *m, uint64_t bits)
{
    if (m->visit != NULL) {
        m->visit(m->arg, bits);
    }
}

static void mark_exception(marking *m, pw_exception *exception)
{
    if (!exception->marked) {
        exception->marked = true;
        exception->pending = m->exceptions;
        m->exceptions = exception;
    }
}

/* Follows a reference that a table, a global or an exception contains. */
static void mark_reference(marking *m, pw_valtype type, uint64_t bits)
{
    if (!bits) {
        return;
    }
    switch (pw_heap_type(type)) {
    case PW_EXTERNREF: mark_extern(m, bits); break;
    case PW_EXNREF: mark_exception(m, (pw_exception *)(uintptr_t)bits); break;
    default: mark_function(m, (const M3Function *)(uintptr_t)bits); break;
    }
}

/* An exception also keeps its tag, because a new tag could get the address of one that is freed. */
static void follow_exception(marking *m, const pw_exception *exception)
{
    const pw_tag *tag = exception->tag;
    uint32_t count = 0;
    const pw_valtype *types = tag != NULL ? pw_type_params(tag->type, &count) : NULL;
    const uint64_t *cell = exception->cells;
    for (uint32_t i = 0; i < count; i++) {
        if (pw_is_reference(types[i])) {
            mark_reference(m, types[i], *cell);
        }
        cell += pw_cells(types[i]);
    }
    if (exception->host) {
        mark_extern(m, exception->host);
    }
    if (tag != NULL) {
        mark(m, (pw_object *)(uintptr_t)&tag->object);
    }
    m->places += 1 + count;
}

static void follow_table(marking *m, const pw_table *table)
{
    m->places += table->size;
    for (uint32_t i = 0; i < table->size; i++) {
        mark_reference(m, table->type, pw_table_get(table, i));
    }
}

static void follow_global(marking *m, const pw_global *global)
{
    if (pw_is_reference(global->type)) {
        mark_reference(m, global->type, global->cells[0]);
    }
}

/* Element segments need not be followed: what they name is a function of the instance or the value
 * of a global that the instance has. */
static void follow_instance(marking *m, const pw_instance *instance)
{
    const pw_module *module = instance->module;
    m->places += module->nimported_functions + module->ntables + module->nglobals + module->ntags;
    for (uint32_t i = 0; i < module->nimported_functions; i++) {
        mark_function(m, instance->linked[i]);
    }
    for (uint32_t i = 0; i < module->ntables; i++) {
        mark(m, &instance->tables[i]->object);
    }
    for (uint32_t i = 0; i < module->nglobals; i++) {
        mark(m, &instance->globals[i]->object);
    }
    for (uint32_t i = 0; i < module->ntags; i++) {
        mark(m, &instance->tags[i]->object);
    }
}

static void follow(marking *m, const pw_object *object)
{
    const void *whole = object;
    m->places++;
    switch (object->kind) {
    case PW_OBJECT_INSTANCE: follow_instance(m, whole); break;
    case PW_OBJECT_TABLE: follow_table(m, whole); break;
    case PW_OBJECT_GLOBAL: follow_global(m, whole); break;
    default: break; /* a tag refers to its type only, which the store keeps */
    }
}

static uint64_t follow_all(marking *m)
{
    while (m->pending != NULL || m->exceptions != NULL) {
        const pw_object *object = m->pending;
        const pw_exception *exception = m->exceptions;
        if (object != NULL) {
            m->pending = object->pending;
            follow(m, object);
        } else {
            m->exceptions = exception->pending;
            follow_exception(m, exception);
        }
    }
    return m->places;
}

uint64_t pw_store_mark_object(pw_object *object, pw_extern_visitor visit, void *arg)
{
    marking m = {.visit = visit, .arg = arg};
    mark(&m, object);
    return follow_all(&m);
}

/* Ends all marks. Returns how many objects the store has. */
static uint64_t unmark(pw_store *store)
{
    uint64_t count = 0;
    for (unsigned kind = 0; kind < PW_OBJECT_KINDS; kind++) {
        for (pw_object *object = store->objects[kind]; object != NULL; object = object->next) {
            object->marked = false;
            count++;
        }
    }
    for (pw_exception *e = store->exceptions.list; e != NULL; e = e->next) {
        e->marked = false;
        count++;
    }
    return count;
}

uint64_t pw_store_mark(pw_store *store, pw_extern_visitor visit, void *arg)
{
    marking m = {.visit = visit, .arg = arg, .places = unmark(store)};
    for (unsigned kind = 0; kind < PW_OBJECT_KINDS; kind++) {
        for (pw_object *object = store->objects[kind]; object != NULL; object = object->next) {
            if (object->holds) {
                mark(&m, object);
            }
        }
    }
    return follow_all(&m);
}

/* ---- freeing --------------------------------------------------------------------------------- */

static void free_object(pw_object *object)
{
    void *whole = object;
    switch (object->kind) {
    case PW_OBJECT_INSTANCE: pw_instance_free(whole); break;
    case PW_OBJECT_TABLE: pw_table_free(whole); break;
    default: free(whole); break;
    }
}

static void sweep(pw_object **place)
{
    while (*place != NULL) {
        pw_object *object = *place;
        if (object->marked) {
            place = &object->next;
        } else {
            *place = object->next;
            free_object(object);
        }
    }
}

/* The backtrace of the last trap may name functions that are freed. */
void pw_store_sweep(pw_store *store)
{
    store->backtrace.count = 0;
    pw_exceptions_sweep(store);
    for (unsigned kind = 0; kind < PW_OBJECT_KINDS; kind++) {
        sweep(&store->objects[kind]);
    }
}

void pw_store_free_objects(pw_store *store)
{
    unmark(store);
    pw_store_sweep(store);
}
