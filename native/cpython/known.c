/* SPDX-License-Identifier: MIT */
/* The table of the functions that Python knows: open addressing, with at most half of the slots
 * used. */
#include "cpython/known.h"

#include "cpython/state.h"

#define FIRST_CAPACITY 8

pw_known pw_known_of(pw_func *func)
{
    return (pw_known){
        .func = func,
        .callee = pw_engine->callee(func),
        .module = pw_engine->func_module(func),
        .types = pw_engine->func_type(func),
    };
}

static size_t hash(const pw_func *func)
{
    return (size_t)(((uint64_t)(uintptr_t)func >> 3) * 0x9e3779b97f4a7c15u >> 32);
}

/* Returns the slot of a function, or the free slot where it belongs. */
static pw_known **find(pw_known **slots, size_t capacity, const pw_func *func)
{
    size_t i = hash(func) & (capacity - 1);
    while (slots[i] != NULL && slots[i]->func != func) {
        i = (i + 1) & (capacity - 1);
    }
    return &slots[i];
}

const pw_known *pw_known_find(const pw_known_functions *self, const pw_func *func)
{
    return self->count ? *find(self->slots, self->capacity, func) : NULL;
}

static int grow(pw_known_functions *self)
{
    size_t capacity = self->capacity ? 2 * self->capacity : FIRST_CAPACITY;
    pw_known **slots = PyMem_Calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i] != NULL) {
            *find(slots, capacity, self->slots[i]->func) = self->slots[i];
        }
    }
    PyMem_Free(self->slots);
    self->slots = slots;
    self->capacity = capacity;
    return 0;
}

const pw_known *pw_known_add(pw_known_functions *self, const pw_known *known)
{
    if (2 * (self->count + 1) > self->capacity && grow(self) < 0) {
        return NULL;
    }
    pw_known **slot = find(self->slots, self->capacity, known->func);
    if (*slot != NULL) {
        return *slot;
    }
    pw_known *copy = PyMem_New(pw_known, 1);
    if (copy == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *copy = *known;
    Py_INCREF(copy->name);
    Py_INCREF(copy->label);
    Py_INCREF(copy->type);
    *slot = copy;
    self->count++;
    return copy;
}

void pw_known_clear(pw_known_functions *self)
{
    pw_known_functions old = *self;
    *self = (pw_known_functions){0};
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i] != NULL) {
            Py_DECREF(old.slots[i]->name);
            Py_DECREF(old.slots[i]->label);
            Py_DECREF(old.slots[i]->type);
            PyMem_Free(old.slots[i]);
        }
    }
    PyMem_Free(old.slots);
}

int pw_known_traverse(const pw_known_functions *self, visitproc visit, void *arg)
{
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i] != NULL) {
            Py_VISIT(self->slots[i]->type);
        }
    }
    return 0;
}
