/* SPDX-License-Identifier: MIT */
/* Takes snapshots: writes what an instance can change of itself to an image. */
#include "embed/image.h"
#include "embed/instance.h"
#include "embed/numbering.h"
#include "embed/outside.h"
#include "embed/pw.h"
#include "runtime/aggregate.h"
#include "runtime/mark.h"
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
    uint32_t steps;       /* cells that were saved since the last look at the clock */
    pw_numbering objects; /* structures and arrays */
    uint32_t *indices;    /* the module's lowest index of each type of the store, or PW_NO_INDEX;
                             NULL: nobody has asked yet */
    words heads;          /* of the objects */
    words image;          /* what follows the heads */
    words externs;
    words functions;
} saver;

/* Makes room for more words. */
static bool make_room(saver *s, words *to, size_t count)
{
    if (count <= to->capacity - to->count) {
        return true;
    }
    size_t capacity = to->capacity ? 2 * to->capacity : 64;
    capacity = count <= capacity - to->count ? capacity : to->count + count;
    uint64_t *items = realloc(to->items, capacity * sizeof *items);
    if (items == NULL) {
        s->failed = true;
        return false;
    }
    to->items = items;
    to->capacity = capacity;
    return true;
}

static void push(saver *s, words *to, uint64_t word)
{
    if (make_room(s, to, 1)) {
        to->items[to->count++] = word;
    }
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

/* ---- references ------------------------------------------------------------------------------ */

static uint64_t refuse(saver *s, const char *message)
{
    s->failed = true;
    pw_fail(s->error, PW_SNAPSHOT, 0, "%s", message);
    return 0;
}

/* Notes the module's indices of the types. */
static bool note_indices(saver *s)
{
    const pw_instance *instance = s->instance;
    size_t size = instance->store->ntypes * sizeof *s->indices;
    s->indices = malloc(size);
    if (s->indices == NULL) {
        return false;
    }
    memset(s->indices, 0xff, size);
    for (uint32_t i = instance->m3->numFuncTypes; i-- > 0;) {
        s->indices[pw_instance_type(instance, i)->id] = i;
    }
    return true;
}

/* Saves the head of an object that was just numbered. */
static void save_head(saver *s, const pw_heap_object *object)
{
    const pw_deftype *type = object->type;
    if (s->indices == NULL && !note_indices(s)) {
        s->failed = true;
        return;
    }
    uint32_t index = type->kind == PW_TYPE_EXCEPTION ? PW_NO_INDEX : s->indices[type->id];
    if (index == PW_NO_INDEX) {
        refuse(s, "cannot take a snapshot while the instance refers to a structure or an array "
                  "whose type its module does not define");
        return;
    }
    const pw_array *array = (const void *)object;
    uint64_t length = type->kind == PW_TYPE_ARRAY ? array->length : 0;
    push(s, &s->heads, length << 32 | index);
}

static uint64_t object_code(saver *s, uint64_t ref)
{
    uint32_t count = s->objects.count, number;
    if (!pw_numbering_find(&s->objects, ref, &number)) {
        s->failed = true;
        return 0;
    }
    if (number == count) {
        save_head(s, pw_object_at(ref));
    }
    return pw_image_object_code(number);
}

/* The code of a reference; the bits of any other value. */
static uint64_t code_of(saver *s, pw_valtype type, uint64_t bits)
{
    if (!pw_is_reference(type) || !bits) {
        return bits;
    }
    switch (pw_resolved_top(s->instance->store, type)) {
    case PW_FUNCREF: return function_code(s, bits);
    case PW_EXNREF:
        return refuse(s, "cannot take a snapshot while the instance refers to an exception");
    default: break;
    }
    if (pw_is_heap_reference(bits)) {
        return object_code(s, bits);
    }
    if (pw_is_i31(bits)) {
        return bits;
    }
    push(s, &s->externs, bits);
    return pw_image_extern_code(s->externs.count - 1);
}

/* Saves the code of one reference of many. False if the work must end. */
static bool save_code(saver *s, pw_valtype type, uint64_t bits)
{
    push(s, &s->image, code_of(s, type, bits));
    if (++s->steps >= PW_IMAGE_PIECE) {
        s->steps = 0;
        goes_on(s);
    }
    return !s->failed;
}

static void save_codes(saver *s, pw_valtype type, const uint64_t *refs, uint32_t count)
{
    for (uint32_t i = 0; i < count && save_code(s, type, refs[i]); i++) {
    }
}

/* ---- globals, tables and segments ------------------------------------------------------------ */

static void save_globals(saver *s)
{
    for (uint32_t i = 0; i < s->instance->nglobals; i++) {
        const pw_global *global = s->instance->globals[i];
        if (!pw_image_has_global(s->instance, i, s->imported)) {
            continue;
        }
        bool known = !global->is_mutable && !pw_is_heap_reference(global->cells[0]);
        for (uint32_t k = 0; k < pw_cells(global->type); k++) {
            push(s, &s->image, known ? 0 : code_of(s, global->resolved, global->cells[k]));
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
        save_codes(s, table->resolved, table->elements, table->size);
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

static void save_items(saver *s)
{
    const pw_instance *instance = s->instance;
    for (uint32_t i = 0; instance->has_values && i < instance->nelems; i++) {
        const pw_elem *segment = &instance->elems[i];
        if (segment->values != NULL) {
            pw_valtype type = pw_resolve_type(instance, instance->module->elems[i].type);
            save_codes(s, type, segment->values, segment->count);
        }
    }
}

/* ---- objects of the heap --------------------------------------------------------------------- */

static void save_field(saver *s, const pw_field_layout *field, const char *from)
{
    uint64_t cells[PW_MAX_CELLS];
    pw_read_field(from, field->log2, cells);
    for (uint32_t i = 0; i < pw_cells(field->type); i++) {
        save_code(s, field->type, cells[i]);
    }
}

static void save_numbers(saver *s, pw_array *array)
{
    uint64_t size = (uint64_t)array->length << array->object.type->fields->log2;
    size_t count = (size_t)pw_image_words(size);
    if (count == 0 || !make_room(s, &s->image, count)) {
        return;
    }
    uint64_t *to = s->image.items + s->image.count;
    to[count - 1] = 0;
    s->image.count += count;
    if (!pw_copy_bytes(s->instance->store, (uint8_t *)to, (const uint8_t *)pw_element_at(array, 0),
                       size, s->error)) {
        s->failed = true;
    }
}

static void save_object(saver *s, pw_heap_object *object)
{
    const pw_deftype *type = object->type;
    pw_array *array = (void *)object;
    if (type->kind == PW_TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->nfields && !s->failed; i++) {
            save_field(s, &type->fields[i], pw_field_at(object, &type->fields[i]));
        }
    } else if (type->nreferences != 0) {
        save_codes(s, type->fields->type, (const uint64_t *)(const void *)pw_element_at(array, 0),
                   array->length);
    } else {
        save_numbers(s, array);
    }
}

/* Objects get their numbers meanwhile, and those are saved, too. */
static void save_objects(saver *s)
{
    for (uint32_t i = 0; i < s->objects.count && !s->failed; i++) {
        save_object(s, pw_object_at(s->objects.refs[i]));
    }
}

/* A restore makes new objects. If others had the old ones, they would not see what the instance
 * does to the new ones. */
static void check_outside(saver *s)
{
    if (s->failed || s->objects.count == 0 || !pw_mark_outside(s->instance, s->imported)) {
        return;
    }
    for (uint32_t i = 0; i < s->objects.count; i++) {
        if (pw_heap_is_marked(s->objects.refs[i])) {
            refuse(s, "cannot take a snapshot while a global, a table or another instance, which "
                      "the snapshot does not have, refers to the same structures or arrays");
            return;
        }
    }
}

static bool any_of_heap(const uint64_t *refs, uint32_t count)
{
    uint32_t i = 0;
    while (i < count && !pw_is_heap_reference(refs[i])) {
        i++;
    }
    return i < count;
}

bool pw_instance_refers_to_heap(const pw_instance *instance)
{
    bool found = false;
    for (uint32_t i = 0; i < instance->nglobals && !found; i++) {
        const pw_global *global = instance->globals[i];
        found = pw_is_reference(global->type) && any_of_heap(global->cells, 1);
    }
    for (uint32_t i = 0; i < instance->nelems && !found; i++) {
        const pw_elem *segment = &instance->elems[i];
        found = segment->values != NULL && any_of_heap(segment->values, segment->count);
    }
    for (uint32_t i = 0; i < instance->ntables && !found; i++) {
        const pw_table *table = instance->tables[i];
        found = table->type != PW_FUNCREF && any_of_heap(table->elements, table->size);
    }
    return found;
}

/* ---- whole images ---------------------------------------------------------------------------- */

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

/* s->image begins with the memories. */
static bool copy_memories(saver *s, uint8_t *to)
{
    const uint64_t *word = s->image.items;
    for (uint32_t i = 0; i < s->instance->nmemories && word != NULL; i++) {
        if (pw_image_has_memory(s->instance, i, s->imported)) {
            word = copy_runs(s, pw_memory_at(s->instance, i), word, &to);
        }
    }
    return word != NULL || s->image.count == 0;
}

/* Copies bytes, which may be none, and returns the address behind them. */
static uint8_t *append(uint8_t *to, const void *from, size_t size)
{
    if (size != 0) {
        memcpy(to, from, size);
    }
    return to + size;
}

static bool finish(saver *s, pw_snapshot *snapshot)
{
    const uint64_t front[] = {PW_IMAGE_MAGIC, s->imported, s->heads.count};
    size_t heads = s->heads.count * sizeof(uint64_t), rest = s->image.count * sizeof(uint64_t);
    size_t size = sizeof front + heads + rest;
    uint8_t *image = s->failed ? NULL : malloc(size + (size_t)s->run_bytes);
    if (image == NULL) {
        return false;
    }
    uint8_t *end = append(image, front, sizeof front);
    end = append(append(end, s->heads.items, heads), s->image.items, rest);
    if (!copy_memories(s, end)) {
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

static void save(saver *s)
{
    goes_on(s);
    save_memories(s);
    save_globals(s);
    save_tables(s);
    save_segments(s);
    save_items(s);
    save_objects(s);
}

/* Ends the work, with the snapshot if it succeeded. */
static bool end(saver *s, pw_snapshot *snapshot)
{
    bool finished = finish(s, snapshot);
    pw_numbering_free(&s->objects);
    free(s->indices);
    free(s->heads.items);
    free(s->image.items);
    if (finished) {
        return true;
    }
    free(s->externs.items);
    free(s->functions.items);
    return pw_fail(s->error, PW_NO_MEMORY, 0, "out of memory: cannot allocate a snapshot");
}

bool pw_instance_save(pw_instance *instance, bool imported, pw_snapshot *snapshot, pw_error *error)
{
    saver s = {.instance = instance, .imported = imported, .error = error};
    save(&s);
    check_outside(&s);
    return end(&s, snapshot);
}

void pw_instance_forget_kept(pw_instance *instance)
{
    free(instance->kept);
    instance->kept = NULL;
    instance->nkept = 0;
}

bool pw_instance_keep(pw_instance *instance, pw_snapshot *snapshot, pw_error *error)
{
    saver s = {.instance = instance, .imported = true, .error = error};
    pw_instance_forget_kept(instance);
    save(&s);
    if (!s.failed) {
        instance->kept = s.objects.refs;
        instance->nkept = s.objects.count;
        s.objects.refs = NULL;
    }
    return end(&s, snapshot);
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
