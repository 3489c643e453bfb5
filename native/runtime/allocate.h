/* SPDX-License-Identifier: MIT */
/* Making heaps, and objects in them. */
#ifndef PW_ALLOCATE_H
#define PW_ALLOCATE_H

#include "runtime/heap.h"

/* The type that exceptions have: a pw_deftype of no module. */
extern const pw_deftype pw_exception_type;

/* The heap of a store, which is made when the first instance or exception needs it. NULL if there
 * is no memory. */
pw_heap *pw_heap_of(pw_store *store);
/* Frees the heap with all its objects. */
void pw_heap_free(pw_store *store);

/* The room hook, which is called in the middle of an operation when the limits leave no memory for
 * an object. `used` is the end of what running code uses of the value stack. The hook lets the host
 * release objects that wasm no longer refers to. The host may make calls in the store meanwhile.
 * The result says whether another attempt is worth it; if not, store->stopped may say why. */
typedef bool (*pw_room_hook)(pw_store *store, const uint64_t *used);
/* Sets the room hook of all stores. Without one, only objects of the heap make room for others. */
void pw_set_room_hook(pw_room_hook hook);

/* Gives a cell when the pool of the class has none at hand. `used` is the end of what running code
 * uses of the value stack, where a collection looks for references; NULL: no code runs. The room
 * hook may run. NULL if the limits of the store or the system leave no memory, or if the running
 * call must end. */
void *pw_heap_refill(pw_store *store, unsigned size_class, const uint64_t *used);
/* Allocates a large object, which is zero. */
void *pw_heap_new_large(pw_store *store, size_t size, const uint64_t *used);

/* Allocates an object of so many bytes, whose fields have no meaning yet unless it is large: then
 * they are zero. The store must have its heap. No collection may take place before the fields that
 * contain references have been written. */
static inline void *pw_heap_new(pw_store *store, const pw_deftype *type, size_t size,
                                const uint64_t *used)
{
    pw_heap_object *object;
    if (size <= PW_SMALL_OBJECT) {
        unsigned size_class = pw_size_class(size);
        pw_pool *pool = &store->heap->pools[size_class];
        object = (void *)pool->next;
        if (pool->next != pool->end) {
            pool->next += pool->cell;
        } else {
            object = pw_heap_refill(store, size_class, used);
        }
    } else {
        object = pw_heap_new_large(store, size, used);
    }
    if (object != NULL) {
        object->type = type;
    }
    return object;
}

#endif
