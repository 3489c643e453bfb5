/* SPDX-License-Identifier: MIT */
/* Snapshots: everything that an instance can change of itself is written to bytes, and read back.
 *
 * An image consists of 64-bit words in the machine's byte order, followed by bytes of memory:
 *   the word MAGIC;
 *   1 if imported memories, tables and globals are part of the snapshot, or else 0;
 *   if there is a memory: its size in pages, the number of its runs, and the offset and the size in
 *     bytes of each run, a run being a part of the memory that is not all zero;
 *   for each mutable global: its cells, of which one that is a reference is replaced by its code;
 *   for each table: its size, and the code of each element;
 *   a bit for each element segment, which is set if the segment is empty, as a dropped one is;
 *   the same bits for the data segments, in whole words;
 *   the bytes of the runs.
 *
 * The code of a reference is 0 for null. For a function, the code 1 + i is function i of the
 * instance, and each larger code is a function of another instance: 1 + nfunctions + i is the one
 * at pw_snapshot.functions[i], where nfunctions is how many functions the instance has. For an
 * external reference, the code 1 + i is the one at pw_snapshot.externs[i]. References of other
 * types are always null.
 *
 * An image that is restored can be any bytes. So it is walked twice: the first time it is checked
 * and nothing changes, and the second time it is applied. */
#include "embed/pw.h"
#include "runtime/functypes.h"
#include "runtime/memory.h"
#include "runtime/table.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC 0x31706e73337977f0u /* a machine of the other byte order reads another number */

/* Bytes. Runs begin and end at multiples of this number. */
#define BLOCK 4096

/* The format has room for one memory, which is all that an instance can have so far. */
#define SAVED_MEMORY 0

static bool has_memory(const pw_instance *instance, bool imported)
{
    return pw_memory_at(instance, SAVED_MEMORY) != NULL &&
           (imported || !instance->module->memories[SAVED_MEMORY].imported);
}

static bool has_global(const pw_instance *instance, uint32_t index, bool imported)
{
    const pw_globaldef *definition = &instance->module->globals[index];
    return definition->is_mutable && (imported || !definition->imported);
}

static bool has_table(const pw_instance *instance, uint32_t index, bool imported)
{
    return imported || !instance->module->tables[index].imported;
}

/* Copies bytes in pieces. False with `error` set if the work must end. */
static bool copy_bytes(const pw_instance *instance, uint8_t *to, const uint8_t *from, uint64_t size,
                       pw_error *error)
{
    for (uint64_t done = 0, piece; done < size; done += piece) {
        piece = size - done < PW_MEMORY_PIECE ? size - done : PW_MEMORY_PIECE;
        memcpy(to + done, from + done, (size_t)piece);
        if (!pw_may_go_on(&instance->store->meter, error)) {
            return false;
        }
    }
    return true;
}

static bool holds_externs(pw_valtype type)
{
    return pw_heap_type(type) == PW_EXTERNREF;
}

/* ---- saving ---------------------------------------------------------------------------------- */

typedef struct {
    uint64_t *items;
    size_t count;
    size_t capacity;
} words;

typedef struct {
    pw_instance *instance;
    bool imported;
    bool failed; /* there was no memory, or the work must end, which `error` says */
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

static void save_memory(saver *s)
{
    if (!has_memory(s->instance, s->imported)) {
        return;
    }
    const pw_memory *memory = pw_memory_at(s->instance, SAVED_MEMORY);
    uint64_t size = pw_memory_size(memory);
    push(s, &s->image, size / PW_PAGE);
    size_t place = s->image.count;
    push(s, &s->image, 0);
    uint64_t count = save_runs(s, pw_memory_data(memory), size);
    if (!s->failed) {
        s->image.items[place] = count;
    }
}

/* The code of a reference; the bits of any other value. */
static uint64_t code_of(saver *s, pw_valtype type, uint64_t bits)
{
    if (!pw_is_reference(type) || !bits) {
        return bits;
    }
    if (holds_externs(type)) {
        push(s, &s->externs, bits);
        return s->externs.count;
    }
    const M3Module *m3 = s->instance->m3;
    const M3Function *function = (const M3Function *)(uintptr_t)bits;
    if (function->module == m3) {
        return 1 + (uint64_t)(function - m3->functions);
    }
    push(s, &s->functions, bits);
    return m3->numFunctions + s->functions.count;
}

static void save_globals(saver *s)
{
    for (uint32_t i = 0; i < s->instance->nglobals; i++) {
        const pw_global *global = s->instance->globals[i];
        if (!has_global(s->instance, i, s->imported)) {
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
        if (!has_table(s->instance, i, s->imported)) {
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

/* Copies the bytes of the runs. In the image, the fourth word is the number of runs, and their
 * offsets and sizes follow. */
static bool copy_runs(saver *s, uint8_t *to)
{
    const pw_memory *memory = pw_memory_at(s->instance, SAVED_MEMORY);
    const uint64_t *word = s->image.items + 3;
    for (uint64_t count = s->run_bytes ? *word : 0; count; count--) {
        uint64_t offset = *++word;
        uint64_t size = *++word;
        if (!copy_bytes(s->instance, to, pw_memory_data(memory) + offset, size, s->error)) {
            return false;
        }
        to += size;
    }
    return true;
}

static bool finish(saver *s, pw_snapshot *snapshot)
{
    size_t size = s->image.count * sizeof(uint64_t);
    uint8_t *image = s->failed ? NULL : malloc(size + (size_t)s->run_bytes);
    if (image == NULL) {
        return false;
    }
    memcpy(image, s->image.items, size);
    if (!copy_runs(s, image + size)) {
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
    push(&s, &s.image, MAGIC);
    push(&s, &s.image, imported);
    save_memory(&s);
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
    return copy_bytes(instance, to, snapshot->image, snapshot->size, error);
}

void pw_snapshot_free(pw_snapshot *snapshot)
{
    free(snapshot->image);
    free(snapshot->externs);
    free(snapshot->functions);
}

/* ---- restoring ------------------------------------------------------------------------------- */

typedef struct {
    pw_instance *instance;
    const pw_snapshot *snapshot;
    pw_error *error;
    bool apply;          /* the image was checked and is now applied */
    bool imported;       /* what is imported is part of the snapshot */
    const uint8_t *pos;  /* the next word of the image */
    uint64_t left;       /* bytes from `pos` to the end of the image */
    uint64_t pages;      /* the size of the memory */
    const uint8_t *runs; /* the offsets and sizes of the runs */
    uint64_t nruns;
    uint64_t run_bytes; /* bytes that all runs have together */
} restorer;

static bool damaged(restorer *r, const char *what)
{
    return pw_fail(r->error, PW_SNAPSHOT, 0, "the snapshot is damaged: %s", what);
}

static uint64_t word_at(const uint8_t *place, uint64_t index)
{
    uint64_t word;
    memcpy(&word, place + index * sizeof word, sizeof word);
    return word;
}

static bool take(restorer *r, uint64_t *word)
{
    if (r->left < sizeof *word) {
        return damaged(r, "it ends too early");
    }
    *word = word_at(r->pos, 0);
    r->pos += sizeof *word;
    r->left -= sizeof *word;
    return true;
}

static bool take_header(restorer *r)
{
    uint64_t magic, imported;
    if (!take(r, &magic) || !take(r, &imported)) {
        return false;
    }
    if (magic != MAGIC || imported > 1) {
        return damaged(r, "it does not begin as snapshots of this version and machine do");
    }
    r->imported = imported;
    return true;
}

/* Checks that the runs are in ascending order, do not overlap, and lie within the memory. */
static bool check_runs(restorer *r)
{
    uint64_t size = r->pages * PW_PAGE, end = 0;
    r->run_bytes = 0;
    for (uint64_t i = 0; i < r->nruns; i++) {
        uint64_t start = word_at(r->runs, 2 * i), count = word_at(r->runs, 2 * i + 1);
        if (start < end || start > size || count > size - start) {
            return damaged(r, "its bytes lie outside of the memory");
        }
        end = start + count;
        r->run_bytes += count;
    }
    return true;
}

static bool make_memory_room(restorer *r)
{
    pw_limits limits = r->instance->module->memories[SAVED_MEMORY].limits;
    if (r->pages < limits.min) {
        return damaged(r, "its memory is smaller than the module's minimum");
    }
    if (pw_memory_make_room(pw_memory_at(r->instance, SAVED_MEMORY), r->pages)) {
        return true;
    }
    return pw_fail(r->error, PW_SNAPSHOT, 0,
                   "the snapshot has a memory of %llu pages, which is more than the instance may "
                   "have or the system gives",
                   (unsigned long long)r->pages);
}

static bool walk_memory(restorer *r)
{
    if (!has_memory(r->instance, r->imported)) {
        return true;
    }
    if (!take(r, &r->pages) || !take(r, &r->nruns)) {
        return false;
    }
    if (r->nruns > r->left / (2 * sizeof(uint64_t))) {
        return damaged(r, "it ends too early");
    }
    r->runs = r->pos;
    r->pos += r->nruns * 2 * sizeof(uint64_t);
    r->left -= r->nruns * 2 * sizeof(uint64_t);
    return r->apply || (make_memory_room(r) && check_runs(r));
}

static bool null_of(restorer *r, pw_valtype type)
{
    return !(type & PW_NON_NULL) || damaged(r, "it has null where the type excludes null");
}

static bool extern_of(restorer *r, uint64_t code, uint64_t *bits)
{
    if (code > r->snapshot->nexterns || !r->snapshot->externs[code - 1]) {
        return damaged(r, "it has the code of an external reference that does not exist");
    }
    *bits = r->snapshot->externs[code - 1];
    return true;
}

static bool function_of(restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    const M3Module *m3 = r->instance->m3;
    uint64_t other = code - 1 - m3->numFunctions;
    if (code <= m3->numFunctions) {
        *bits = (uintptr_t)&m3->functions[code - 1];
    } else if (other < r->snapshot->nfunctions) {
        *bits = r->snapshot->functions[other];
    } else {
        *bits = 0;
    }
    const M3Function *function = (const M3Function *)(uintptr_t)*bits;
    return (function != NULL && pw_type_matches(pw_function_type(function), type)) ||
           damaged(r, "it has a function that does not exist or does not match the type");
}

/* Gives the bits for a code in a place whose resolved type is `type`: those of a reference, or the
 * number itself. */
static bool bits_of(restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    *bits = type == PW_I32 || type == PW_F32 ? (uint32_t)code : code;
    if (!pw_is_reference(type)) {
        return true;
    }
    if (!code) {
        return null_of(r, type);
    }
    return holds_externs(type) ? extern_of(r, code, bits) : function_of(r, type, code, bits);
}

static bool walk_global(restorer *r, pw_global *global)
{
    for (uint32_t k = 0; k < pw_cells(global->type); k++) {
        uint64_t code, bits;
        if (!take(r, &code) || !bits_of(r, global->resolved, code, &bits)) {
            return false;
        }
        if (r->apply) {
            global->cells[k] = bits;
        }
    }
    return true;
}

static bool walk_globals(restorer *r)
{
    for (uint32_t i = 0; i < r->instance->nglobals; i++) {
        if (has_global(r->instance, i, r->imported) && !walk_global(r, r->instance->globals[i])) {
            return false;
        }
    }
    return true;
}

static bool make_table_room(restorer *r, pw_table *table, uint64_t size)
{
    if (size < table->limits.min) {
        return damaged(r, "a table is smaller than the module's minimum");
    }
    if (size > table->max) {
        return pw_fail(r->error, PW_SNAPSHOT, 0,
                       "the snapshot has a table of %llu elements, but at most %u are allowed",
                       (unsigned long long)size, (unsigned)table->max);
    }
    return pw_table_make_room(table, size) ||
           pw_fail(r->error, PW_SNAPSHOT, 0,
                   "the snapshot has a table of %llu elements, which is more than the limits of "
                   "the store leave or the system gives",
                   (unsigned long long)size);
}

static bool walk_elements(restorer *r, pw_table *table, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) {
        uint64_t code, bits;
        if (i % PW_TABLE_PIECE == 0 && !pw_may_go_on(&r->instance->store->meter, r->error)) {
            return false;
        }
        if (!take(r, &code) || !bits_of(r, table->resolved, code, &bits)) {
            return false;
        }
        if (r->apply) {
            table->elements[i] = bits;
        }
    }
    return true;
}

static bool walk_tables(restorer *r)
{
    for (uint32_t i = 0; i < r->instance->ntables; i++) {
        pw_table *table = r->instance->tables[i];
        uint64_t size;
        if (!has_table(r->instance, i, r->imported)) {
            continue;
        }
        if (!take(r, &size)) {
            return false;
        }
        if (size > r->left / sizeof(uint64_t)) {
            return damaged(r, "it ends too early");
        }
        if (!r->apply && !make_table_room(r, table, size)) {
            return false;
        }
        if (r->apply && size < table->size) {
            table->size = (uint32_t)size;
        }
        if (!walk_elements(r, table, size)) {
            return false;
        }
        if (r->apply) { /* now that all elements have been written */
            table->size = (uint32_t)size;
        }
    }
    return true;
}

static bool walk_segments(restorer *r)
{
    pw_instance *instance = r->instance;
    const pw_module *module = instance->module;
    uint64_t word = 0;
    for (uint32_t i = 0; i < instance->nelems; i++) {
        if (i % 64 == 0 && !take(r, &word)) {
            return false;
        }
        if (r->apply) {
            instance->elems[i].count = word >> i % 64 & 1 ? 0 : module->elems[i].count;
        }
    }
    for (uint32_t i = 0; i < instance->ndatas; i++) {
        if (i % 64 == 0 && !take(r, &word)) {
            return false;
        }
        if (r->apply) {
            instance->datas[i].size = word >> i % 64 & 1 ? 0 : module->datas[i].size;
        }
    }
    return true;
}

static bool walk(restorer *r, bool apply)
{
    r->apply = apply;
    r->pos = r->snapshot->image;
    r->left = r->snapshot->size;
    if (!take_header(r) || !walk_memory(r) || !walk_globals(r) || !walk_tables(r) ||
        !walk_segments(r)) {
        return false;
    }
    return r->left == r->run_bytes || damaged(r, "it has too few or too many bytes");
}

/* Bytes of a memory that are cleared, by giving them back to the system, in some milliseconds. */
#define CLEARED_PIECE (1u << 26)

/* Makes a part of the memory zero, in pieces. False with `error` set if the work must end. */
static bool clear(const restorer *r, uint64_t offset, uint64_t size)
{
    pw_memory *memory = pw_memory_at(r->instance, SAVED_MEMORY);
    for (uint64_t done = 0, piece; done < size; done += piece) {
        piece = size - done < CLEARED_PIECE ? size - done : CLEARED_PIECE;
        pw_memory_clear(memory, offset + done, piece);
        if (!pw_may_go_on(&r->instance->store->meter, r->error)) {
            return false;
        }
    }
    return true;
}

static bool fill_memory(const restorer *r)
{
    if (!has_memory(r->instance, r->imported)) {
        return true;
    }
    pw_memory *memory = pw_memory_at(r->instance, SAVED_MEMORY);
    const uint8_t *from = r->pos;
    uint64_t end = 0, before = pw_memory_size(memory), size = r->pages * PW_PAGE;
    if (before > size && !clear(r, size, before - size)) {
        return false;
    }
    pw_memory_resize(memory, r->pages);
    for (uint64_t i = 0; i < r->nruns; i++) {
        uint64_t start = word_at(r->runs, 2 * i), count = word_at(r->runs, 2 * i + 1);
        if (!clear(r, end, start - end) ||
            !copy_bytes(r->instance, pw_memory_data(memory) + start, from, count, r->error)) {
            return false;
        }
        from += count;
        end = start + count;
    }
    return clear(r, end, size - end);
}

bool pw_instance_restore(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error)
{
    restorer r = {.instance = instance, .snapshot = snapshot, .error = error};
    if (!walk(&r, false) || !walk(&r, true)) {
        return false;
    }
    return fill_memory(&r);
}
