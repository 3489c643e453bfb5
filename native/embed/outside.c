/* SPDX-License-Identifier: MIT */
/* Finds the objects of the heap to which something refers that is not part of a snapshot. */
#include "embed/outside.h"
#include "embed/image.h"
#include "runtime/mark.h"

static void mark_all(pw_heap *heap, const uint64_t *refs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pw_heap_mark(heap, refs[i]);
    }
}

static void unmark(pw_object *object)
{
    for (; object != NULL; object = object->next) {
        object->marked = false;
    }
}

/* Notes which tables and globals the snapshot has: they are marked. */
static void mark_inside(const pw_instance *instance, bool imported)
{
    unmark(instance->store->objects[PW_OBJECT_TABLE]);
    unmark(instance->store->objects[PW_OBJECT_GLOBAL]);
    for (uint32_t i = 0; i < instance->ntables; i++) {
        if (pw_image_has_table(instance, i, imported)) {
            instance->tables[i]->object.marked = true;
        }
    }
    for (uint32_t i = 0; i < instance->nglobals; i++) {
        if (pw_image_has_global(instance, i, imported)) {
            instance->globals[i]->object.marked = true;
        }
    }
}

static void mark_tables(const pw_store *store)
{
    for (const pw_object *o = store->objects[PW_OBJECT_TABLE]; o != NULL; o = o->next) {
        const pw_table *table = (const void *)o;
        if (!o->marked && table->type != PW_FUNCREF) {
            mark_all(store->heap, table->elements, table->size);
        }
    }
}

static void mark_globals(const pw_store *store)
{
    for (const pw_object *o = store->objects[PW_OBJECT_GLOBAL]; o != NULL; o = o->next) {
        const pw_global *global = (const void *)o;
        if (!o->marked && pw_is_reference(global->type)) {
            mark_all(store->heap, global->cells, 1);
        }
    }
}

static void mark_segments(const pw_instance *instance)
{
    const pw_store *store = instance->store;
    for (const pw_object *o = store->objects[PW_OBJECT_INSTANCE]; o != NULL; o = o->next) {
        const pw_instance *other = (const void *)o;
        for (uint32_t i = 0; other != instance && other->has_values && i < other->nelems; i++) {
            if (other->elems[i].values != NULL) {
                mark_all(store->heap, other->elems[i].values, other->elems[i].count);
            }
        }
    }
}

bool pw_mark_outside(const pw_instance *instance, bool imported)
{
    pw_store *store = instance->store;
    pw_heap_finish_sweep(store->heap);
    pw_heap_unmark(store->heap);
    mark_inside(instance, imported);
    mark_tables(store);
    mark_globals(store);
    mark_segments(instance);
    return pw_heap_follow(store->heap, NULL, NULL) != 0;
}
