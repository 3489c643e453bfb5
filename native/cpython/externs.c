/* SPDX-License-Identifier: MIT */
/* The set of objects that wasm refers to: a hash table of addresses, with open addressing. A slot's
 * low bit is set only during a collection, and only if wasm still refers to the object. */
#include "cpython/externs.h"

#include "cpython/state.h"

#define FIRST_CAPACITY 64
/* At least this many objects are added between two collections. */
#define MIN_ADDED 1024

/* At least so many bytes of texts, too. */
#define MIN_ADDED_BYTES ((size_t)1 << 20)
/* Making so many bytes of texts takes about as long as marking a place. */
#define PLACE_BYTES 64

#define MARK ((uintptr_t)1)

/* Bytes of an object that guests make by themselves, and can make large. */
static size_t bytes_of(PyObject *object)
{
    return PyUnicode_CheckExact(object)
               ? (size_t)PyUnicode_GET_LENGTH(object) * (size_t)PyUnicode_KIND(object)
               : 0;
}

static size_t hash(uintptr_t object)
{
    return (size_t)(((uint64_t)object >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

/* Returns the slot of an object, or the free slot where it belongs. */
static uintptr_t *find(uintptr_t *slots, size_t capacity, uintptr_t object)
{
    size_t i = hash(object) & (capacity - 1);
    while (slots[i] && (slots[i] & ~MARK) != object) {
        i = (i + 1) & (capacity - 1);
    }
    return &slots[i];
}

/* Allocates slots for `count` objects, which fill at most half of them. */
static uintptr_t *new_slots(size_t count, size_t *capacity)
{
    *capacity = FIRST_CAPACITY;
    while (*capacity < 2 * count) {
        *capacity *= 2;
    }
    return PyMem_Calloc(*capacity, sizeof(uintptr_t));
}

static int grow(pw_externs *self)
{
    size_t capacity;
    uintptr_t *slots = new_slots(2 * (self->count + 1), &capacity);
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i]) {
            *find(slots, capacity, self->slots[i]) = self->slots[i];
        }
    }
    PyMem_Free(self->slots);
    self->slots = slots;
    self->capacity = capacity;
    return 0;
}

int pw_externs_hold(pw_externs *self, PyObject *object)
{
    if (2 * (self->count + 1) > self->capacity && grow(self) < 0) {
        return -1;
    }
    uintptr_t *slot = find(self->slots, self->capacity, (uintptr_t)object);
    if (!*slot) {
        *slot = (uintptr_t)Py_NewRef(object);
        self->count++;
        self->bytes += bytes_of(object);
    }
    return 0;
}

bool pw_externs_has(const pw_externs *self, uint64_t bits)
{
    return self->count && bits && *find(self->slots, self->capacity, (uintptr_t)bits);
}

bool pw_externs_due(const pw_externs *self)
{
    return (self->count > self->collect_at && self->count > MIN_ADDED) ||
           (self->bytes > self->collect_at_bytes && self->bytes > MIN_ADDED_BYTES);
}

int pw_externs_traverse(const pw_externs *self, visitproc visit, void *arg)
{
    for (size_t i = 0; i < self->capacity; i++) {
        Py_VISIT((PyObject *)self->slots[i]);
    }
    return 0;
}

/* Releases the unmarked objects. Their finalizers may use the set of the store, so these slots must
 * not belong to it any more. */
static void drop(uintptr_t *slots, size_t capacity)
{
    for (size_t i = 0; i < capacity; i++) {
        if (slots[i] && !(slots[i] & MARK)) {
            Py_DECREF((PyObject *)slots[i]);
        }
    }
    PyMem_Free(slots);
}

void pw_externs_clear(pw_externs *self)
{
    pw_externs old = *self;
    *self = (pw_externs){0};
    drop(old.slots, old.capacity);
}

/* ---- collection ---- */

void pw_externs_mark(void *externs, uint64_t bits)
{
    pw_externs *self = externs;
    uintptr_t *slot = self->count ? find(self->slots, self->capacity, (uintptr_t)bits) : NULL;
    if (slot != NULL && *slot && !(*slot & MARK)) {
        self->marked_bytes += bytes_of((PyObject *)*slot);
        *slot |= MARK;
        self->marked++;
    }
}

void pw_externs_unmark(pw_externs *self)
{
    for (size_t i = 0; i < self->capacity; i++) {
        self->slots[i] &= ~MARK;
    }
    self->marked = self->marked_bytes = 0;
}

void pw_externs_sweep(pw_externs *self, uint64_t places)
{
    /* The next collection may cost as much as this one, so it waits for as many new objects. */
    size_t capacity, kept = self->marked, cost = places > kept ? (size_t)places : kept;
    size_t collect_at = kept + cost + MIN_ADDED, bytes = self->marked_bytes;
    size_t collect_at_bytes = 2 * bytes + MIN_ADDED_BYTES + PLACE_BYTES * cost;
    if (self->count == kept) {
        pw_externs_unmark(self);
        self->collect_at = collect_at;
        self->collect_at_bytes = collect_at_bytes;
        return;
    }
    uintptr_t *slots = new_slots(kept, &capacity);
    if (slots == NULL) { /* without memory, try again when the set has doubled */
        pw_externs_unmark(self);
        self->collect_at = 2 * self->count;
        self->collect_at_bytes = 2 * self->bytes;
        return;
    }
    pw_externs old = *self;
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i] & MARK) {
            *find(slots, capacity, old.slots[i] & ~MARK) = old.slots[i] & ~MARK;
        }
    }
    *self = (pw_externs){.slots = slots,
                         .capacity = capacity,
                         .count = kept,
                         .collect_at = collect_at,
                         .bytes = bytes,
                         .collect_at_bytes = collect_at_bytes};
    drop(old.slots, old.capacity);
}
