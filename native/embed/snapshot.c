/* SPDX-License-Identifier: MIT */
/* Takes snapshots: writes what an instance can change of itself to an image. */
#include "embed/image.h"
#include "embed/pw.h"
#include "runtime/deftypes.h"
#include "runtime/heap.h"
#include "runtime/memory.h"
#include "runtime/table.h"

#include <stdlib.h>
#include <string.h>

/* Bytes. Runs begin and end at multiples of this number. */
#define BLOCK 4096

typedef struct {
    uint64_t *items;
    size_t count;
    size_t capacity;
} words;

typedef struct {
    pw_instance *instance;
    bool imported;
    bool failed; /* the system had no memory, or the work must end; `error` says which */
    pw_error *error;
    uint64_t run_bytes;
    words image;
    words externs;
    words functions;
} saver;

static void push(saver *s, words *to, uint64_t word)
{
    if (to->count == to->capacity) {
        size_t capacity = to->capacity ? 2 * to->capacity : 64;
        uint64_t *items = realloc(to->items, capacity * sizeof *items);
        if (items == NULL) {
            s->failed = true;
            return;
        }
        to->items = items;
        to->capacity = capacity;
    }
    to->items[to->count++] = word;
}

static bool is_zero(const uint8_t *block)
{
    static const uint8_t zeros[16];
    return !memcmp(block, zeros, sizeof zeros) &&
           !memcmp(block, block + sizeof zeros, BLOCK - sizeof zeros);
}

/* Whether the work goes on after a part of it. */
static bool goes_on(saver *s)
{
    s->failed = s->failed || !pw_may_go_on(&s->instance->store->meter, s->error);
    return !s->failed;
}

/* The offset of the first block from `at` on that is all zero, or the first that is not: `zero`
 * says which. `size` if there is none, or if the work must end. */
static uint64_t find_block(saver *s, const uint8_t *data, uint64_t at, uint64_t size, bool zero)
{
    while (at < size && is_zero(data + at) != zero) {
        at += BLOCK;
        if (at % PW_MEMORY_PIECE == 0 && !goes_on(s)) {
            return size;
        }
    }
    return at;
}

/* Saves the offsets and sizes of the runs, and returns how many there are. Views may write to the
 * memory meanwhile, so the bytes of a run can be zero by the time that they are copied. */
static uint64_t save_runs(saver *s, const uint8_t *data, uint64_t size)
{
    uint64_t count = 0, end = 0;
    for (;;) {
        uint64_t start = find_block(s, data, end, size, false);
        if (start == size) {
            return count;
        }
        end = find_block(s, data, start, size, true);
        push(s, &s->image, start);
        push(s, &s->image, end - start);
        s->run_bytes += end - start;
        count++;
    }
}

static void save_memory(saver *s, const pw_memory *memory)
{
    uint64_t size = pw_memory_size(memory);
    push(s, &s->image, size / PW_PAGE);
    size_t place = s->image.count;
    push(s, &s->image, 0);
    uint64_t count = save_runs(s, pw_memory_data(memory), size);
    if (!s->failed) {
        s->image.items[place] = count;
    }
}

static void save_memories(saver *s)
{
    for (uint32_t i = 0; i < s->instance->nmemories && !s->failed; i++) {
        if (!pw_image_has_memory(s->instance, i, s->imported)) {
            continue;
        }
        const pw_memory *memory = pw_memory_at(s->instance, i);
        if (pw_memory_is_own(memory)) {
            save_memory(s, memory);
        } else {
            s->failed = true;
            pw_fail(s->error, PW_SNAPSHOT, 0,
                    "cannot take a snapshot of a shared memory that other stores use, too: their "
                    "threads may change it meanwhile");
        }
    }
}

/* The code of a function. */
static uint64_t function_code(saver *s, uint64_t bits)
{
    const M3Module *m3 = s->instance->m3;
    const M3Function *function = (const M3Function *)(uintptr_t)bits;
    if (function->module == m3) {
        return 1 + (uint64_t)(function - m3->functions);
    }
    push(s, &s->functions, bits);
    return m3->numFunctions + s->functions.count;
}

/* ---- objects of the heap --------------------------------------------------------------------- */

static bool refers_to_heap(pw_valtype type, uint64_t ref)
{
    return pw_is_reference(type) && pw_is_heap_reference(ref);
}

static bool tables_refer_to_heap(const pw_instance *instance)
{
    for (uint32_t i = 0; i < instance->ntables; i++) {
        const pw_table *table = instance->tables[i];
        for (uint32_t k = 0; k < table->size && table->type != PW_FUNCREF; k++) {
            if (refers_to_heap(table->type, table->elements[k])) {
                return true;
            }
        }
    }
    return false;
}

/* A snapshot does not have the heap. An immutable global can refer to an object that changes, so
 * all globals count, and so do the items of element segments. */
bool pw_instance_refers_to_heap(const pw_instance *instance)
{
    for (uint32_t i = 0; i < instance->nglobals; i++) {
        const pw_global *global = instance->globals[i];
        if (refers_to_heap(global->type, global->cells[0])) {
            return true;
        }
    }
    for (uint32_t i = 0; i < instance->nelems; i++) {
        const pw_elem *segment = &instance->elems[i];
        for (uint32_t k = 0; segment->values != NULL && k < segment->count; k++) {
            if (pw_is_heap_reference(segment->values[k])) {
                return true;
            }
        }
    }
    return tables_refer_to_heap(instance);
}

static void check_heap(saver *s)
{
    if (pw_instance_refers_to_heap(s->instance)) {
        s->failed = true;
        pw_fail(s->error, PW_SNAPSHOT, 0,
                "cannot take a snapshot while a global, a table or an element segment refers to a "
                "structure, an array or an exception");
    }
}

/* ---- globals and tables ---------------------------------------------------------------------- */

/* The code of a reference; the bits of any other value. */
static uint64_t code_of(saver *s, pw_valtype type, uint64_t bits)
{
    if (!pw_is_reference(type) || !bits) {
        return bits;
    }
    switch (pw_resolved_top(s->instance->store, type)) {
    case PW_FUNCREF: return function_code(s, bits);
    case PW_EXTERNREF: push(s, &s->externs, bits); return s->externs.count;
    default: break;
    }
    if (!pw_is_i31(bits)) {
        s->failed = true;
        pw_fail(s->error, PW_SNAPSHOT, 0,
                "cannot take a snapshot while a global or a table refers to an object of the host "
                "by an anyref");
    }
    return bits;
}

static void save_globals(saver *s)
{
    for (uint32_t i = 0; i < s->instance->nglobals; i++) {
        const pw_global *global = s->instance->globals[i];
        if (!pw_image_has_global(s->instance, i, s->imported)) {
            continue;
        }
        for (uint32_t k = 0; k < pw_cells(global->type); k++) {
            push(s, &s->image, code_of(s, global->resolved, global->cells[k]));
        }
    }
}

static void save_tables(saver *s)
{
    for (uint32_t i = 0; i < s->instance->ntables; i++) {
        const pw_table *table = s->instance->tables[i];
        if (!pw_image_has_table(s->instance, i, s->imported)) {
            continue;
        }
        push(s, &s->image, table->size);
        for (uint32_t k = 0; k < table->size && !s->failed; k++) {
            push(s, &s->image, code_of(s, table->resolved, table->elements[k]));
            if (k % PW_TABLE_PIECE == 0 && !goes_on(s)) {
                return;
            }
        }
    }
}

/* Adds the bit of one of `count` segments to a word, and saves the word when it is full or the bit
 * is the last one. */
static void push_bit(saver *s, uint64_t *word, uint32_t index, uint32_t count, bool bit)
{
    *word |= (uint64_t)bit << index % 64;
    if (index % 64 != 63 && index + 1 != count) {
        return;
    }
    push(s, &s->image, *word);
    *word = 0;
}

static void save_segments(saver *s)
{
    const pw_instance *instance = s->instance;
    uint64_t word = 0;
    for (uint32_t i = 0; i < instance->nelems; i++) {
        push_bit(s, &word, i, instance->nelems, !instance->elems[i].count);
    }
    for (uint32_t i = 0; i < instance->ndatas; i++) {
        push_bit(s, &word, i, instance->ndatas, !instance->datas[i].size);
    }
}

/* Copies the bytes of the runs of a memory to the address in *to, which moves behind them. `word`
 * is what the image has about the memory; the result is the word behind that. NULL with an error if
 * the work must end. */
static const uint64_t *copy_runs(saver *s, const pw_memory *memory, const uint64_t *word,
                                 uint8_t **to)
{
    uint64_t count = word[1];
    for (word += 2; count; count--, word += 2) {
        if (!pw_copy_bytes(s->instance->store, *to, pw_memory_data(memory) + word[0], word[1],
                           s->error)) {
            return NULL;
        }
        *to += word[1];
    }
    return word;
}

/* The first two words of the image precede those about memories. */
static bool copy_memories(saver *s, uint8_t *to)
{
    const uint64_t *word = s->image.items + 2;
    for (uint32_t i = 0; i < s->instance->nmemories && word != NULL; i++) {
        if (pw_image_has_memory(s->instance, i, s->imported)) {
            word = copy_runs(s, pw_memory_at(s->instance, i), word, &to);
        }
    }
    return word != NULL;
}

static bool finish(saver *s, pw_snapshot *snapshot)
{
    size_t size = s->image.count * sizeof(uint64_t);
    uint8_t *image = s->failed ? NULL : malloc(size + (size_t)s->run_bytes);
    if (image == NULL) {
        return false;
    }
    memcpy(image, s->image.items, size);
    if (!copy_memories(s, image + size)) {
        free(image);
        return false;
    }
    *snapshot = (pw_snapshot){image,
                              size + s->run_bytes,
                              s->externs.items,
                              s->externs.count,
                              s->functions.items,
                              s->functions.count};
    return true;
}

bool pw_instance_save(pw_instance *instance, bool imported, pw_snapshot *snapshot, pw_error *error)
{
    saver s = {.instance = instance, .imported = imported, .error = error};
    goes_on(&s);
    push(&s, &s.image, PW_IMAGE_MAGIC);
    push(&s, &s.image, imported);
    check_heap(&s);
    save_memories(&s);
    save_globals(&s);
    save_tables(&s);
    save_segments(&s);
    bool finished = finish(&s, snapshot);
    free(s.image.items);
    if (finished) {
        return true;
    }
    free(s.externs.items);
    free(s.functions.items);
    return pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate a snapshot");
}

bool pw_snapshot_copy_image(const pw_instance *instance, const pw_snapshot *snapshot, uint8_t *to,
                            pw_error *error)
{
    return pw_copy_bytes(instance->store, to, snapshot->image, snapshot->size, error);
}

void pw_snapshot_free(pw_snapshot *snapshot)
{
    free(snapshot->image);
    free(snapshot->externs);
    free(snapshot->functions);
}
