/* SPDX-License-Identifier: MIT */
/* Linear memories. Address space for a memory's maximum is reserved when it is made, and committed
 * as it grows, so its bytes never move. The reservation begins with one page of the system, at
 * whose end the header lies; the bytes of the memory follow. */
#include "runtime/memory.h"
#include "base/platform.h"
#include "base/zeroed.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct pw_memory {
    atomic_uint references;
    pw_limits limits;
    uint8_t *start;          /* where the reserved address space begins */
    size_t reserved;         /* bytes of reserved address space */
    _Atomic(uint64_t) pages; /* other threads read it while the memory grows */
    uint64_t max_pages;      /* how many pages the limits, the store and the reservation allow */
    uint64_t used_pages;     /* the most pages it ever had: views may still write to all of them */
    uint8_t *data;           /* the bytes of the memory */
    pw_account *account;     /* of the store that uses the memory; one reference */
    uint64_t charged;        /* pages that are charged to the account */
    pw_mapping mapping;      /* what a shared memory has instead of most of this: see shared.h */
};

M3MemoryHeader *pw_memory_header(const pw_memory *memory)
{
    return (M3MemoryHeader *)(void *)memory->data - 1;
}

/* ---- recycled mappings ----------------------------------------------------------------------- */

/* Reserving address space costs more than everything else about a small instance, because the
 * system makes page tables for it and clears pages. So a few freed memories are recycled: the next
 * memory with the same maximum takes one over. */
static pw_recycler recycled_memories;
/* Pages of the largest memory that is recycled, which has 16 MiB: the system's page tables for
 * larger ones would take much memory while nobody uses them. */
#define MAX_RECYCLED_PAGES 256

static void unmap(pw_memory *memory)
{
    if (memory != NULL && memory->start != NULL) {
        pw_pages_release(memory->start, memory->reserved);
    }
    free(memory);
}

/* Clears a freed memory, so that nothing a guest wrote is seen by the next one, and recycles it. If
 * all places are taken, another memory gives up its place. */
static void recycle(pw_memory *memory)
{
    static atomic_uint next;
    pw_memory_clear(memory, 0, memory->used_pages * PW_PAGE);
    while (!pw_recycler_put(&recycled_memories, memory)) {
        unmap(pw_recycler_take(&recycled_memories, next++));
    }
}

/* Takes a recycled memory whose maximum is this many pages. NULL if there is none. */
static pw_memory *take_recycled(uint64_t max_pages)
{
    for (unsigned i = 0; i < PW_RECYCLER_PLACES; i++) {
        pw_memory *memory = pw_recycler_take(&recycled_memories, i);
        if (memory != NULL && memory->max_pages == max_pages) {
            return memory;
        }
        if (memory != NULL && !pw_recycler_put(&recycled_memories, memory)) {
            unmap(memory);
        }
    }
    return NULL;
}

/* Gives all recycled mappings back to the system. */
static void unmap_recycled(void)
{
    for (unsigned i = 0; i < PW_RECYCLER_PLACES; i++) {
        unmap(pw_recycler_take(&recycled_memories, i));
    }
}

/* ---- making and freeing ---------------------------------------------------------------------- */

static bool try_reserve(pw_memory *memory, uint64_t pages)
{
    size_t header = pw_page_size();
    if (pages > (SIZE_MAX - header) / PW_PAGE) {
        return false;
    }
    memory->reserved = header + (size_t)pages * PW_PAGE;
    memory->max_pages = pages;
    memory->start = pw_pages_reserve(memory->reserved);
    return memory->start != NULL;
}

/* Address space can be scarce, because the process has a limit or is a 32-bit one. Then room is
 * reserved to grow by this many pages, which are 64 MiB, or if that fails, by none. Growing beyond
 * it fails, which the specification always allows. Reserving more would leave nothing for the rest
 * of the process. */
#define SCARCE_GROWTH 1024

static bool reserve(pw_memory *memory, uint64_t min, uint64_t max)
{
    if (try_reserve(memory, max)) {
        return true;
    }
    unmap_recycled();
    return try_reserve(memory, max) ||
           (max - min > SCARCE_GROWTH && try_reserve(memory, min + SCARCE_GROWTH)) ||
           try_reserve(memory, min);
}

static pw_memory *map_memory(uint64_t min, uint64_t max)
{
    pw_memory *memory = pw_zeroed(1, sizeof *memory);
    if (memory == NULL || !reserve(memory, min, max) ||
        !pw_pages_commit(memory->start, pw_page_size() + (size_t)min * PW_PAGE)) {
        unmap(memory);
        return NULL;
    }
    memory->data = memory->start + pw_page_size();
    memory->used_pages = min;
    return memory;
}

/* Makes sure that the first `pages` pages can be read and written. */
static bool commit_room(pw_memory *memory, uint64_t pages)
{
    uint64_t used = memory->used_pages;
    return pages <= used ||
           pw_pages_commit(memory->data + used * PW_PAGE, (size_t)(pages - used) * PW_PAGE);
}

static pw_memory *find_memory(uint64_t min, uint64_t max)
{
    pw_memory *memory = take_recycled(max);
    if (memory == NULL) {
        return map_memory(min, max);
    }
    if (!commit_room(memory, min)) {
        unmap(memory);
        return NULL;
    }
    if (min > memory->used_pages) {
        memory->used_pages = min;
    }
    return memory;
}

static uint64_t max_pages(const pw_store *store, const pw_limits *limits)
{
    uint64_t max = limits->is64 ? PW_MAX_PAGES_AT_RUN_TIME : PW_MAX_MEMORY32_PAGES;
    uint64_t allowed = pw_account_limit(store->account, PW_CHARGE_MEMORY) / PW_PAGE;
    if (limits->has_max && limits->max < max) {
        max = limits->max;
    }
    return max < allowed ? max : allowed;
}

/* The message for a new memory that is too large. A limit need not be a whole number of pages, and
 * the message has the number that was given. */
static bool too_large(const pw_store *store, uint64_t pages, uint64_t max, pw_error *error)
{
    uint64_t limit = pw_account_limit(store->account, PW_CHARGE_MEMORY);
    limit = limit / PW_PAGE == max ? limit : max * PW_PAGE;
    if (pages > UINT64_MAX / PW_PAGE) {
        return pw_fail(error, PW_LIMIT, 0,
                       "memory too large: it needs 2^64 bytes, but the limit is %llu byte%s",
                       (unsigned long long)limit, pw_plural(limit));
    }
    return pw_fail(
        error, PW_LIMIT, 0, "memory too large: it needs %llu bytes, but the limit is %llu byte%s",
        (unsigned long long)pages * PW_PAGE, (unsigned long long)limit, pw_plural(limit));
}

/* Charges the first pages of a new memory. False with `error` set if a limit is in the way. */
static bool charge_new(pw_store *store, uint64_t pages, uint64_t max, pw_error *error)
{
    if (pages > max) {
        return too_large(store, pages, max, error);
    }
    return pw_account_charge(store->account, PW_CHARGE_MEMORY, pages * PW_PAGE) ||
           pw_fail(error, PW_LIMIT, 0,
                   "memory too large: it needs %llu bytes, which is more than the limits of the "
                   "store leave",
                   (unsigned long long)pages * PW_PAGE);
}

static void no_address_space(uint64_t pages, pw_error *error)
{
    pw_fail(error, PW_NO_MEMORY, 0,
            "out of memory: the system has no address space for a memory of %llu page%s",
            (unsigned long long)pages, pw_plural(pages));
}

/* Makes a memory that has its pages usable by the code of a store. */
static pw_memory *give_to_store(pw_memory *memory, pw_store *store, const pw_limits *limits)
{
    memory->account = pw_account_retain(store->account);
    memory->limits = *limits;
    pw_header *header = pw_header_of(pw_memory_header(memory));
    header->memory = memory;
    header->store = store;
    header->wide = limits->is64;
    header->m3.maxStack = store->stack_mark;
    return memory;
}

static pw_memory *new_unshared(pw_store *store, const pw_limits *limits, uint64_t max,
                               pw_error *error)
{
    uint64_t min = limits->min;
    if (!charge_new(store, min, max, error)) {
        return NULL;
    }
    pw_memory *memory = find_memory(min, max);
    if (memory == NULL) {
        pw_account_refund(store->account, PW_CHARGE_MEMORY, min * PW_PAGE);
        no_address_space(min, error);
        return NULL;
    }
    atomic_init(&memory->references, 1);
    memory->charged = min;
    memory->pages = min;
    pw_memory_header(memory)->length = (size_t)min * PW_PAGE;
    return give_to_store(memory, store, limits);
}

/* ---- shared memories ------------------------------------------------------------------------- */

/* How many bytes before the first byte of a memory its length stands. */
#define LENGTH_BEFORE_DATA (sizeof(M3MemoryHeader) - offsetof(M3MemoryHeader, length))

/* Maps the first pages, with as much room to grow as there is address space for:
 * see reserve(). */
static bool map_shared(pw_store *store, pw_memory *memory, uint64_t min, uint64_t max)
{
    pw_account *account = store->account;
    pw_mapping *mapping = &memory->mapping;
    if (pw_shared_new(mapping, min, max, account, LENGTH_BEFORE_DATA)) {
        return true;
    }
    unmap_recycled();
    return pw_shared_new(mapping, min, max, account, LENGTH_BEFORE_DATA) ||
           (max - min > SCARCE_GROWTH &&
            pw_shared_new(mapping, min, min + SCARCE_GROWTH, account, LENGTH_BEFORE_DATA)) ||
           pw_shared_new(mapping, min, min, account, LENGTH_BEFORE_DATA);
}

static pw_memory *new_shared(pw_store *store, const pw_limits *limits, uint64_t max,
                             pw_error *error)
{
    uint64_t min = limits->min;
    if (!charge_new(store, min, max, error)) {
        return NULL;
    }
    pw_memory *memory = pw_zeroed(1, sizeof *memory);
    if (memory == NULL || !map_shared(store, memory, min, max)) {
        pw_account_refund(store->account, PW_CHARGE_MEMORY, min * PW_PAGE);
        free(memory);
        no_address_space(min, error);
        return NULL;
    }
    memory->data = memory->mapping.data;
    return give_to_store(memory, store, limits);
}

static pw_memory *memory_of(pw_mapping *mapping)
{
    return (pw_memory *)(void *)((char *)mapping - offsetof(pw_memory, mapping));
}

bool pw_memory_is_shared(const pw_memory *memory)
{
    return memory->mapping.shared != NULL;
}

bool pw_memory_is_own(const pw_memory *memory)
{
    return !pw_memory_is_shared(memory) || pw_shared_is_alone(&memory->mapping);
}

const pw_mapping *pw_memory_mapping(const pw_memory *memory)
{
    return &memory->mapping;
}

const void *pw_memory_identity(const pw_memory *memory)
{
    return pw_memory_is_shared(memory) ? (const void *)memory->mapping.shared : memory;
}

pw_memory *pw_memory_for(pw_store *store, pw_memory *memory, pw_error *error)
{
    if (!pw_memory_is_shared(memory) || memory->account == store->account) {
        return pw_memory_retain(memory);
    }
    pw_shared *shared = memory->mapping.shared;
    pw_mapping *found = pw_shared_find(shared, store->account);
    if (found != NULL) {
        return memory_of(found);
    }
    pw_memory *mapped = pw_zeroed(1, sizeof *mapped);
    if (mapped == NULL ||
        !pw_shared_map(shared, &mapped->mapping, store->account, LENGTH_BEFORE_DATA)) {
        free(mapped);
        no_address_space(pw_shared_pages_of(shared), error);
        return NULL;
    }
    mapped->data = mapped->mapping.data;
    return give_to_store(mapped, store, &memory->limits);
}

/* ---- all memories ---------------------------------------------------------------------------- */

pw_memory *pw_memory_new(pw_store *store, const pw_limits *limits, pw_error *error)
{
    uint64_t max = max_pages(store, limits);
    return limits->shared ? new_shared(store, limits, max, error)
                          : new_unshared(store, limits, max, error);
}

pw_memory *pw_memory_retain(pw_memory *memory)
{
    atomic_uint *references =
        pw_memory_is_shared(memory) ? &memory->mapping.references : &memory->references;
    atomic_fetch_add_explicit(references, 1, memory_order_relaxed);
    return memory;
}

static void release_shared(pw_memory *memory)
{
    pw_account *account = memory->account;
    if (pw_shared_release(&memory->mapping)) {
        pw_account_release(account);
        free(memory);
    }
}

void pw_memory_release(pw_memory *memory)
{
    if (pw_memory_is_shared(memory)) {
        release_shared(memory);
        return;
    }
    if (atomic_fetch_sub_explicit(&memory->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    pw_account_refund(memory->account, PW_CHARGE_MEMORY, memory->charged * PW_PAGE);
    pw_account_release(memory->account);
    if (memory->used_pages <= MAX_RECYCLED_PAGES) {
        recycle(memory);
    } else {
        unmap(memory);
    }
}

uint8_t *pw_memory_data(const pw_memory *memory)
{
    return memory->data;
}

static uint64_t pages_of(const pw_memory *memory)
{
    return pw_memory_is_shared(memory) ? pw_shared_pages_of(memory->mapping.shared) : memory->pages;
}

uint64_t pw_memory_size(const pw_memory *memory)
{
    return pages_of(memory) * PW_PAGE;
}

pw_limits pw_memory_limits(const pw_memory *memory)
{
    pw_limits limits = memory->limits;
    limits.min = pages_of(memory);
    return limits;
}

/* A memory that shrinks stays charged for its former size: its pages stay, because views may still
 * use them. */
static bool charge_room(pw_memory *memory, uint64_t pages)
{
    if (pages <= memory->charged) {
        return true;
    }
    uint64_t more = (pages - memory->charged) * PW_PAGE;
    if (!pw_account_charge(memory->account, PW_CHARGE_MEMORY, more)) {
        return false;
    }
    memory->charged = pages;
    return true;
}

bool pw_memory_make_room(pw_memory *memory, uint64_t pages)
{
    if (pw_memory_is_shared(memory)) {
        return pw_shared_make_room(memory->mapping.shared, pages);
    }
    return pages <= memory->max_pages && charge_room(memory, pages) && commit_room(memory, pages);
}

/* A view can have written to pages beyond the memory's end, so pages that the memory had before are
 * cleared when it grows over them again. */
void pw_memory_resize(pw_memory *memory, uint64_t pages)
{
    if (pw_memory_is_shared(memory)) {
        pw_shared_resize(memory->mapping.shared, pages);
        return;
    }
    uint64_t before = memory->pages, used = memory->used_pages;
    memory->pages = pages;
    pw_memory_header(memory)->length = (size_t)pages * PW_PAGE;
    if (pages < before) {
        pw_memory_clear(memory, pages * PW_PAGE, (before - pages) * PW_PAGE);
    } else if (before < used) {
        pw_memory_clear(memory, before * PW_PAGE,
                        ((pages < used ? pages : used) - before) * PW_PAGE);
    }
    if (pages > used) {
        memory->used_pages = pages;
    }
}

int64_t pw_memory_grow(pw_memory *memory, uint64_t delta)
{
    if (pw_memory_is_shared(memory)) {
        return pw_shared_grow(memory->mapping.shared, delta);
    }
    uint64_t before = memory->pages;
    if (delta > memory->max_pages - before || !pw_memory_make_room(memory, before + delta)) {
        return -1;
    }
    pw_memory_resize(memory, before + delta);
    return (int64_t)before;
}

/* Bytes. Fewer than these are overwritten with zeros, which is faster than giving their pages back
 * to the system and having it map new ones. */
#define GIVE_BACK (4 * PW_PAGE)

void pw_memory_clear(pw_memory *memory, uint64_t offset, uint64_t size)
{
    size_t unit = pw_page_size();
    uint8_t *start = memory->data + offset;
    size_t before = (size_t)(-(uintptr_t)start & (unit - 1));
    size_t count = (size_t)size;
    if (count < GIVE_BACK || count < before + unit) {
        memset(start, 0, count);
        return;
    }
    size_t whole = (count - before) & ~(unit - 1);
    memset(start, 0, before);
    bool cleared = pw_memory_is_shared(memory) ? pw_shared_pages_clear(start + before, whole)
                                               : pw_pages_clear(start + before, whole);
    if (!cleared) {
        memset(start + before, 0, whole);
    }
    memset(start + before + whole, 0, count - before - whole);
}

bool pw_copy_bytes(const pw_store *store, uint8_t *to, const uint8_t *from, uint64_t size,
                   pw_error *error)
{
    for (uint64_t done = 0, piece; done < size; done += piece) {
        piece = size - done < PW_MEMORY_PIECE ? size - done : PW_MEMORY_PIECE;
        memcpy(to + done, from + done, (size_t)piece);
        if (!pw_may_go_on(&store->meter, error)) {
            return false;
        }
    }
    return true;
}
