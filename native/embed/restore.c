/* SPDX-License-Identifier: MIT */
/* Restores snapshots. An image can be any bytes. So it is walked twice: the first time it is
 * checked and nothing changes, and the second time it is applied. */
#include "embed/image.h"
#include "embed/pw.h"
#include "runtime/deftypes.h"
#include "runtime/heap.h"
#include "runtime/memory.h"
#include "runtime/table.h"

#include <string.h>

/* The part of an image that describes a memory. */
typedef struct {
    uint64_t pages;
    uint64_t nruns;
    const uint8_t *runs; /* the offsets and sizes of the runs */
} memory_image;

typedef struct {
    pw_instance *instance;
    const pw_snapshot *snapshot;
    pw_error *error;
    bool apply;                             /* the image was checked and is now applied */
    bool imported;                          /* what is imported is part of the snapshot */
    const uint8_t *pos;                     /* the next word of the image */
    uint64_t left;                          /* bytes from `pos` to the end of the image */
    uint64_t run_bytes;                     /* bytes that the runs of all memories have together */
    memory_image memories[PW_MAX_MEMORIES]; /* by index; meaningful if the image has the memory */
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
    if (magic != PW_IMAGE_MAGIC || imported > 1) {
        return damaged(r, "it does not begin as snapshots of this version and machine do");
    }
    r->imported = imported;
    return true;
}

/* Checks that the runs are in ascending order, do not overlap, lie within the memory, and have
 * their bytes in the image. The memory can be this large, so that its size does not overflow. */
static bool check_runs(restorer *r, const memory_image *image)
{
    uint64_t size = image->pages * PW_PAGE, end = 0;
    for (uint64_t i = 0; i < image->nruns; i++) {
        uint64_t start = word_at(image->runs, 2 * i), count = word_at(image->runs, 2 * i + 1);
        if (start < end || start > size || count > size - start) {
            return damaged(r, "its bytes lie outside of the memory");
        }
        if (count > r->snapshot->size - r->run_bytes) {
            return damaged(r, "it has too few or too many bytes");
        }
        end = start + count;
        r->run_bytes += count;
    }
    return true;
}

static bool make_memory_room(restorer *r, uint32_t index)
{
    uint64_t pages = r->memories[index].pages;
    if (!pw_memory_is_own(pw_memory_at(r->instance, index))) {
        return pw_fail(r->error, PW_SNAPSHOT, 0,
                       "cannot restore a shared memory that other stores use, too");
    }
    if (pages < r->instance->module->memories[index].limits.min) {
        return damaged(r, "a memory is smaller than the module's minimum");
    }
    if (pw_memory_make_room(pw_memory_at(r->instance, index), pages)) {
        return true;
    }
    return pw_fail(r->error, PW_SNAPSHOT, 0,
                   "the snapshot has a memory of %llu page%s, which is more than the instance "
                   "may have or the system gives",
                   (unsigned long long)pages, pw_plural(pages));
}

static bool walk_memory(restorer *r, uint32_t index)
{
    memory_image *image = &r->memories[index];
    if (!take(r, &image->pages) || !take(r, &image->nruns)) {
        return false;
    }
    if (image->nruns > r->left / (2 * sizeof(uint64_t))) {
        return damaged(r, "it ends too early");
    }
    image->runs = r->pos;
    r->pos += image->nruns * 2 * sizeof(uint64_t);
    r->left -= image->nruns * 2 * sizeof(uint64_t);
    return r->apply || (make_memory_room(r, index) && check_runs(r, image));
}

static bool walk_memories(restorer *r)
{
    for (uint32_t i = 0; i < r->instance->nmemories; i++) {
        if (pw_image_has_memory(r->instance, i, r->imported) && !walk_memory(r, i)) {
            return false;
        }
    }
    return true;
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
    const pw_store *store = r->instance->store;
    return (function != NULL && pw_type_matches(store, pw_function_type(function), type)) ||
           damaged(r, "it has a function that does not exist or does not match the type");
}

/* An i31 is its own code, and no other reference below `any` can be in an image. */
static bool i31_of(restorer *r, pw_valtype type, uint64_t code)
{
    pw_valtype i31 = pw_reference_to(PW_I31REF, false);
    return (pw_is_i31(code) && code <= UINT32_MAX &&
            pw_type_matches(r->instance->store, i31, type)) ||
           damaged(r, "it has a reference that does not exist or does not match the type");
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
    switch (pw_resolved_top(r->instance->store, type)) {
    case PW_EXTERNREF: return extern_of(r, code, bits);
    case PW_ANYREF: return i31_of(r, type, code);
    default: return function_of(r, type, code, bits);
    }
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
        if (pw_image_has_global(r->instance, i, r->imported) &&
            !walk_global(r, r->instance->globals[i])) {
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
                       "the snapshot has a table of %llu element%s, but at most %u are allowed",
                       (unsigned long long)size, pw_plural(size), (unsigned)table->max);
    }
    return pw_table_make_room(table, size) ||
           pw_fail(r->error, PW_SNAPSHOT, 0,
                   "the snapshot has a table of %llu element%s, which is more than the limits of "
                   "the store leave or the system gives",
                   (unsigned long long)size, pw_plural(size));
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
        if (!pw_image_has_table(r->instance, i, r->imported)) {
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
    if (!take_header(r) || !walk_memories(r) || !walk_globals(r) || !walk_tables(r) ||
        !walk_segments(r)) {
        return false;
    }
    return r->left == r->run_bytes || damaged(r, "it has too few or too many bytes");
}

/* Bytes of a memory that are cleared, by giving them back to the system, in some milliseconds. */
#define CLEARED_PIECE (1u << 26)

/* Makes a part of a memory zero, in pieces. False with `error` set if the work must end. */
static bool clear(const restorer *r, pw_memory *memory, uint64_t offset, uint64_t size)
{
    for (uint64_t done = 0, piece; done < size; done += piece) {
        piece = size - done < CLEARED_PIECE ? size - done : CLEARED_PIECE;
        pw_memory_clear(memory, offset + done, piece);
        if (!pw_may_go_on(&r->instance->store->meter, r->error)) {
            return false;
        }
    }
    return true;
}

/* Gives a memory its size and its bytes, which are the next ones of the image. */
static bool fill_memory(restorer *r, pw_memory *memory, const memory_image *image)
{
    uint64_t end = 0, before = pw_memory_size(memory), size = image->pages * PW_PAGE;
    if (before > size && !clear(r, memory, size, before - size)) {
        return false;
    }
    pw_memory_resize(memory, image->pages);
    for (uint64_t i = 0; i < image->nruns; i++) {
        uint64_t start = word_at(image->runs, 2 * i), count = word_at(image->runs, 2 * i + 1);
        if (!clear(r, memory, end, start - end) ||
            !pw_copy_bytes(r->instance->store, pw_memory_data(memory) + start, r->pos, count,
                           r->error)) {
            return false;
        }
        r->pos += count;
        end = start + count;
    }
    return clear(r, memory, end, size - end);
}

static bool fill_memories(restorer *r)
{
    for (uint32_t i = 0; i < r->instance->nmemories; i++) {
        if (pw_image_has_memory(r->instance, i, r->imported) &&
            !fill_memory(r, pw_memory_at(r->instance, i), &r->memories[i])) {
            return false;
        }
    }
    return true;
}

bool pw_instance_restore(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error)
{
    restorer r = {.instance = instance, .snapshot = snapshot, .error = error};
    return walk(&r, false) && walk(&r, true) && fill_memories(&r);
}
