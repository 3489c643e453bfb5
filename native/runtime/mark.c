/* SPDX-License-Identifier: MIT */
/* Marking. */
#include "runtime/mark.h"

#include <string.h>

/* ---- marks ----------------------------------------------------------------------------------- */

static void unmark_blocks(pw_block *block)
{
    for (; block != NULL; block = block->next) {
        memset(block->marked, 0, sizeof block->marked);
        memset(block->pending, 0, sizeof block->pending);
        block->is_pending = false;
    }
}

void pw_heap_unmark(pw_heap *heap)
{
    for (unsigned i = 0; i < PW_SIZE_CLASSES; i++) {
        unmark_blocks(heap->pools[i].swept);
    }
    for (pw_large *large = heap->large; large != NULL; large = large->next) {
        large->size_and_mark &= ~(size_t)1;
    }
    heap->pending_blocks = NULL;
    heap->pending_large = NULL;
    heap->live = 0;
    heap->steps = 0;
    heap->stopped = false;
}

static void mark_large(pw_heap *heap, uintptr_t address)
{
    pw_large *large = (pw_large *)address - 1;
    if (!(large->size_and_mark & 1)) {
        heap->live += large->size_and_mark;
        large->size_and_mark |= 1;
        large->next_pending = heap->pending_large;
        heap->pending_large = large;
    }
}

static void mark_small(pw_heap *heap, uintptr_t address)
{
    pw_block *block = pw_block_of(address);
    uint32_t granule = pw_granule_of(address), word = granule / 64;
    uint64_t bit = (uint64_t)1 << granule % 64;
    if (block->marked[word] & bit) {
        return;
    }
    heap->live += block->cell;
    block->marked[word] |= bit;
    block->pending[word] |= bit;
    if (!block->is_pending) {
        block->is_pending = true;
        block->first_pending = (uint16_t)word;
        block->next_pending = heap->pending_blocks;
        heap->pending_blocks = block;
    } else if (word < block->first_pending) {
        block->first_pending = (uint16_t)word;
    }
}

void pw_heap_mark(pw_heap *heap, uint64_t ref)
{
    if (!pw_is_heap_reference(ref)) {
        return;
    }
    uintptr_t address = (uintptr_t)pw_object_at(ref);
    if (address & PW_LARGE_BIT) {
        mark_large(heap, address);
    } else {
        mark_small(heap, address);
    }
}

bool pw_heap_is_marked(uint64_t ref)
{
    uintptr_t address = (uintptr_t)pw_object_at(ref);
    return address & PW_LARGE_BIT ? ((const pw_large *)address - 1)->size_and_mark & 1
                                  : pw_cell_is_marked(address);
}

/* ---- following ------------------------------------------------------------------------------- */

typedef struct {
    pw_heap *heap;
    const pw_store *store;
    const pw_heap_visitor *visitor;
} follower;

static void follow_reference(const follower *f, pw_valtype type, uint64_t ref)
{
    if (pw_is_heap_reference(ref)) {
        pw_heap_mark(f->heap, ref);
    } else if (f->visitor != NULL && ref != 0 && !pw_is_i31(ref)) {
        f->visitor->reference(f->visitor->arg, type, ref);
    }
}

static inline uint64_t reference_at(const pw_heap_object *object, uint32_t offset)
{
    uint64_t ref;
    memcpy(&ref, (const char *)object + offset, sizeof ref);
    return ref;
}

static void follow_struct(const follower *f, const pw_heap_object *object)
{
    const pw_deftype *type = object->type;
    for (uint32_t i = 0; i < type->nreferences; i++) {
        pw_heap_mark(f->heap, reference_at(object, type->references[i]));
    }
    for (uint32_t i = 0; f->visitor != NULL && i < type->nfields; i++) {
        const pw_field_layout *field = &type->fields[i];
        if (pw_is_reference(field->type)) {
            follow_reference(f, field->type, reference_at(object, field->offset));
        }
    }
}

static void follow_array(const follower *f, const pw_array *array)
{
    const pw_deftype *type = array->object.type;
    const uint64_t *elements =
        (const uint64_t *)(const void *)((const char *)array + PW_ARRAY_HEADER);
    if (type->nreferences == 0) {
        return;
    }
    for (uint32_t i = 0; i < array->length && pw_heap_goes_on(f->heap, f->store, 1); i++) {
        follow_reference(f, type->fields->type, elements[i]);
    }
}

static void follow_exception(const follower *f, const pw_exception *exception)
{
    const pw_tag *tag = exception->tag;
    uint32_t count = 0;
    const pw_valtype *types = tag != NULL ? pw_type_params(tag->type, &count) : NULL;
    const uint64_t *cell = exception->cells;
    for (uint32_t i = 0; i < count; i++) {
        if (pw_is_reference(types[i])) {
            follow_reference(f, types[i], *cell);
        }
        cell += pw_cells(types[i]);
    }
    if (f->visitor != NULL) {
        f->visitor->exception(f->visitor->arg, exception);
    }
}

static void follow_object(const follower *f, const pw_heap_object *object)
{
    switch (object->type->kind) {
    case PW_TYPE_STRUCT: follow_struct(f, object); break;
    case PW_TYPE_ARRAY: follow_array(f, (const void *)object); break;
    default: follow_exception(f, (const void *)object); break;
    }
}

/* Takes the first pending object of a block; NULL if it has none. */
static pw_heap_object *take_pending(pw_block *block)
{
    uint32_t word = block->first_pending;
    while (word < PW_BLOCK_WORDS && block->pending[word] == 0) {
        word++;
    }
    block->first_pending = (uint16_t)word;
    if (word == PW_BLOCK_WORDS) {
        return NULL;
    }
    unsigned bit = (unsigned)__builtin_ctzll(block->pending[word]);
    block->pending[word] &= block->pending[word] - 1;
    return (void *)((char *)block + (word * 64 + bit) * PW_GRANULE);
}

/* Follows the pending objects of a block, also those that become pending meanwhile. */
static uint64_t follow_block(const follower *f, pw_block *block)
{
    uint64_t count = 0;
    const pw_heap_object *object;
    while ((object = take_pending(block)) != NULL && pw_heap_goes_on(f->heap, f->store, 1)) {
        follow_object(f, object);
        count++;
    }
    block->is_pending = false;
    return count;
}

uint64_t pw_heap_follow(pw_heap *heap, const pw_store *store, const pw_heap_visitor *visitor)
{
    const follower f = {heap, store, visitor};
    uint64_t count = 0;
    while (!heap->stopped && (heap->pending_blocks != NULL || heap->pending_large != NULL)) {
        pw_block *block = heap->pending_blocks;
        pw_large *large = heap->pending_large;
        if (block != NULL) {
            heap->pending_blocks = block->next_pending;
            count += follow_block(&f, block);
        } else {
            heap->pending_large = large->next_pending;
            follow_object(&f, (const void *)(large + 1));
            count++;
        }
    }
    return count;
}
