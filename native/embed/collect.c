/* SPDX-License-Identifier: MIT */
/* Marks the objects of a store that somebody can reach, and frees the others. */
#include "embed/collect.h"
#include "embed/instance.h"
#include "runtime/collection.h"
#include "runtime/deftypes.h"
#include "runtime/mark.h"
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
 * unnecessary: a guest could make it deep. The heap has such lists of its own. */
typedef struct {
    pw_object *pending;
    pw_heap *heap; /* NULL: the store has none */
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

/* Follows a reference that a table, a global or an object of the heap contains. An anyref can refer
 * to an object of the host, and otherwise what is not in the heap is a function. */
static void mark_reference(marking *m, pw_valtype type, uint64_t bits)
{
    if (!bits || pw_is_i31(bits)) {
        return;
    }
    if (pw_is_heap_reference(bits)) {
        pw_heap_mark(m->heap, bits);
        return;
    }
    switch (pw_heap_type(type)) {
    case PW_EXTERNREF:
    case PW_ANYREF: mark_extern(m, bits); break;
    default: mark_function(m, (const M3Function *)(uintptr_t)bits); break;
    }
}

static void visit_reference(void *m, pw_valtype type, uint64_t bits)
{
    mark_reference(m, type, bits);
}

/* An exception also keeps its tag, because a new tag could get the address of one that is freed. */
static void visit_exception(void *m, const pw_exception *exception)
{
    const pw_tag *tag = exception->tag;
    if (exception->host) {
        mark_extern(m, exception->host);
    }
    if (tag != NULL) {
        mark(m, (pw_object *)(uintptr_t)&tag->object);
    }
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

/* An element segment without values need not be followed: what it names is a function of the
 * instance or the value of a global that the instance has. */
static void follow_segments(marking *m, const pw_instance *instance)
{
    for (uint32_t i = 0; instance->has_values && i < instance->nelems; i++) {
        const pw_elem *segment = &instance->elems[i];
        for (uint32_t k = 0; segment->values != NULL && k < segment->count; k++) {
            mark_reference(m, instance->module->elems[i].type, segment->values[k]);
        }
    }
}

static void follow_instance(marking *m, const pw_instance *instance)
{
    const pw_module *module = instance->module;
    m->places += module->nimported_functions + module->ntables + module->nglobals + module->ntags +
                 instance->nkept;
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
    follow_segments(m, instance);
    for (uint32_t i = 0; i < instance->nkept; i++) {
        pw_heap_mark(m->heap, instance->kept[i]);
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
    const pw_heap_visitor visitor = {visit_reference, visit_exception, m};
    do {
        while (m->pending != NULL) {
            const pw_object *object = m->pending;
            m->pending = object->pending;
            follow(m, object);
        }
        if (m->heap != NULL) {
            m->places += pw_heap_follow(m->heap, NULL, &visitor);
        }
    } while (m->pending != NULL);
    return m->places;
}

uint64_t pw_store_mark_object(pw_store *store, pw_object *object, pw_extern_visitor visit,
                              void *arg)
{
    marking m = {.heap = store->heap, .visit = visit, .arg = arg};
    mark(&m, object);
    return follow_all(&m);
}

/* Ends all marks. Returns how many objects the store has, those of the heap not counted. */
static uint64_t unmark(pw_store *store)
{
    uint64_t count = 0;
    for (unsigned kind = 0; kind < PW_OBJECT_KINDS; kind++) {
        for (pw_object *object = store->objects[kind]; object != NULL; object = object->next) {
            object->marked = false;
            count++;
        }
    }
    return count;
}

uint64_t pw_store_mark(pw_store *store, pw_extern_visitor visit, void *arg)
{
    marking m = {.heap = store->heap, .visit = visit, .arg = arg, .places = unmark(store)};
    if (m.heap != NULL) {
        pw_heap_finish_sweep(m.heap);
        pw_heap_unmark(m.heap);
        pw_heap_mark_held(m.heap);
    }
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
static void sweep_objects(pw_store *store)
{
    store->backtrace.count = 0;
    for (unsigned kind = 0; kind < PW_OBJECT_KINDS; kind++) {
        sweep(&store->objects[kind]);
    }
}

static bool drops_tags(const pw_store *store)
{
    const pw_object *tag = store->objects[PW_OBJECT_TAG];
    while (tag != NULL && tag->marked) {
        tag = tag->next;
    }
    return tag != NULL;
}

/* The objects of the heap are left to its own collections, which know when they are worth their
 * price. But no exception may be left whose tag is freed: a collection that takes a number for a
 * reference to it would look at the tag. */
void pw_store_sweep(pw_store *store)
{
    if (store->heap != NULL && drops_tags(store)) {
        pw_heap_begin_sweep(store->heap);
        pw_heap_finish_sweep(store->heap);
    }
    sweep_objects(store);
}

void pw_store_free_objects(pw_store *store)
{
    unmark(store);
    sweep_objects(store);
}
