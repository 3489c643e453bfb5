/* SPDX-License-Identifier: MIT */
/* The bytes of shared memories, and the threads that wait at them. One lock guards all of it: that
 * of base/wakeup.h. */
#include "runtime/shared.h"
#include "base/values.h"
#include "base/platform.h"

#include <stdlib.h>
#include <string.h>

struct pw_shared {
    pw_shared_pages bytes;
    _Atomic(uint64_t) pages; /* of 64 KiB; threads read it without the lock */
    uint64_t used_pages;     /* the most that there ever were; the others are zero */
    uint64_t room;           /* pages that are charged, and can be accessed in all mappings */
    uint64_t max_pages;
    pw_account *account; /* of the store that made the memory; one reference */
    pw_mapping *mappings;
};

/* ---- the waiting threads --------------------------------------------------------------------- */

/* A thread that waits. This is not on the thread's stack, because at the end of the process Python
 * ends its daemon threads wherever they wait: it then stays in the list when the stack is gone. */
struct pw_waiting {
    pw_waiting *next; /* in one of the lists, in the order in which the threads came */
    const pw_shared *shared;
    uint64_t offset;
    bool notified;
    pw_wakeup wakeup;
};

/* The lists of all waiting threads. Threads that wait at the same offset are in the same list. */
#define LISTS 64
static pw_waiting *lists[LISTS];

static pw_waiting **list_of(const pw_shared *shared, uint64_t offset)
{
    uint64_t hash = ((uint64_t)(uintptr_t)shared >> 4) + (offset >> 2);
    return &lists[(hash ^ hash >> 6 ^ hash >> 12) % LISTS];
}

/* The threads that waited in the parent do not exist in the child of a fork. If the thread that
 * forked waits, because a handler of signals forks meanwhile, it is no longer found, either. */
static void forget_waiting(void)
{
    for (unsigned i = 0; i < LISTS; i++) {
        lists[i] = NULL;
    }
}

static uint64_t number_at(const pw_mapping *mapping, uint64_t offset, uint32_t size)
{
    const void *place = mapping->data + offset;
    return size == sizeof(uint32_t) ? __atomic_load_n((const uint32_t *)place, __ATOMIC_SEQ_CST)
                                    : __atomic_load_n((const uint64_t *)place, __ATOMIC_SEQ_CST);
}

static pw_waiting *new_waiting(const pw_shared *shared, uint64_t offset)
{
    pw_waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL || !pw_wakeup_init(&waiting->wakeup)) {
        free(waiting);
        return NULL;
    }
    waiting->shared = shared;
    waiting->offset = offset;
    return waiting;
}

static void free_waiting(pw_waiting *waiting)
{
    pw_wakeup_destroy(&waiting->wakeup);
    free(waiting);
}

/* The number is read with the lock held: a thread that changes it and then notifies finds this one
 * in the list, or else this one finds the number changed. */
pw_wait_result pw_wait_begin(const pw_mapping *mapping, uint64_t offset, uint32_t size,
                             uint64_t expected, pw_waiting **result)
{
    pw_waiting *waiting = new_waiting(mapping->shared, offset);
    if (waiting == NULL) {
        return PW_WAIT_NO_MEMORY;
    }
    pw_wakeup_lock();
    bool waits = number_at(mapping, offset, size) == expected;
    if (waits) {
        pw_waiting **end = list_of(waiting->shared, offset);
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = waiting;
    }
    pw_wakeup_unlock();
    if (!waits) {
        free_waiting(waiting);
        return PW_WAIT_NOT_EQUAL;
    }
    *result = waiting;
    return PW_WAIT_OK;
}

bool pw_wait_sleep(pw_waiting *waiting, int64_t until)
{
    pw_wakeup_lock();
    if (!waiting->notified) {
        pw_wakeup_sleep(&waiting->wakeup, until);
    }
    bool notified = waiting->notified;
    pw_wakeup_unlock();
    return notified;
}

bool pw_wait_end(pw_waiting *waiting)
{
    pw_wakeup_lock();
    pw_waiting **place = list_of(waiting->shared, waiting->offset);
    while (*place != NULL && *place != waiting) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = waiting->next;
    }
    bool notified = waiting->notified;
    pw_wakeup_unlock();
    free_waiting(waiting);
    return notified;
}

uint32_t pw_wait_notify(const pw_mapping *mapping, uint64_t offset, uint32_t count)
{
    uint32_t woken = 0;
    pw_wakeup_lock();
    pw_waiting **place = list_of(mapping->shared, offset);
    while (*place != NULL && woken < count) {
        pw_waiting *waiting = *place;
        if (waiting->shared != mapping->shared || waiting->offset != offset) {
            place = &waiting->next;
            continue;
        }
        *place = waiting->next;
        waiting->notified = true;
        pw_wakeup_wake(&waiting->wakeup);
        woken++;
    }
    pw_wakeup_unlock();
    return woken;
}

/* ---- mappings -------------------------------------------------------------------------------- */

static size_t bytes_of(uint64_t pages)
{
    return (size_t)pages * PW_PAGE;
}

/* Code of any thread reads the length with a plain load, which wasm3's operations do, and finds the
 * old one or the new one. So ThreadSanitizer must not know of this write. */
PW_NO_TSAN static void set_length(const pw_mapping *mapping, uint64_t pages)
{
    *(volatile size_t *)mapping->length = bytes_of(pages);
}

/* Maps the pages and adds the mapping to the list. The caller has the lock. */
static bool map(pw_shared *shared, pw_mapping *mapping, const pw_account *account, size_t header)
{
    size_t page = pw_page_size(), size = bytes_of(shared->max_pages);
    uint8_t *data = pw_shared_pages_map(shared->bytes, size);
    if (data == NULL) {
        return false;
    }
    size_t present = bytes_of(shared->room);
    if (!pw_pages_commit(data - page, page) || (present && !pw_pages_commit(data, present))) {
        pw_shared_pages_unmap(data, size);
        return false;
    }
    mapping->next = shared->mappings;
    mapping->shared = shared;
    mapping->account = account;
    mapping->data = data;
    mapping->length = (size_t *)(void *)(data - header);
    atomic_init(&mapping->references, 1);
    set_length(mapping, shared->pages);
    shared->mappings = mapping;
    return true;
}

static void free_shared(pw_shared *shared)
{
    pw_account_refund(shared->account, PW_CHARGE_MEMORY, shared->room * PW_PAGE);
    pw_account_release(shared->account);
    pw_shared_pages_free(shared->bytes, bytes_of(shared->max_pages));
    free(shared);
}

/* Takes a mapping out of the list. Returns whether it was the last one. The caller has the lock. */
static bool unlink_mapping(const pw_mapping *mapping)
{
    pw_mapping **place = &mapping->shared->mappings;
    while (*place != mapping) {
        place = &(*place)->next;
    }
    *place = mapping->next;
    return mapping->shared->mappings == NULL;
}

bool pw_shared_new(pw_mapping *mapping, uint64_t min, uint64_t max, pw_account *account,
                   size_t header)
{
    pw_shared *shared = calloc(1, sizeof *shared);
    if (shared == NULL || !pw_wakeup_prepare(forget_waiting) ||
        max > (SIZE_MAX - pw_page_size()) / PW_PAGE ||
        !pw_shared_pages_new(bytes_of(max), &shared->bytes)) {
        free(shared);
        return false;
    }
    shared->pages = shared->used_pages = shared->room = min;
    shared->max_pages = max;
    if (!pw_shared_map(shared, mapping, account, header)) {
        pw_shared_pages_free(shared->bytes, bytes_of(shared->max_pages));
        free(shared);
        return false;
    }
    shared->account = pw_account_retain(account);
    return true;
}

bool pw_shared_map(pw_shared *shared, pw_mapping *mapping, const pw_account *account, size_t header)
{
    pw_wakeup_lock();
    bool mapped = map(shared, mapping, account, header);
    pw_wakeup_unlock();
    return mapped;
}

pw_mapping *pw_shared_find(pw_shared *shared, const pw_account *account)
{
    pw_wakeup_lock();
    pw_mapping *mapping = shared->mappings;
    while (mapping != NULL && mapping->account != account) {
        mapping = mapping->next;
    }
    if (mapping != NULL) {
        atomic_fetch_add_explicit(&mapping->references, 1, memory_order_relaxed);
    }
    pw_wakeup_unlock();
    return mapping;
}

/* The last reference ends with the lock held, so that pw_shared_find finds no mapping that is about
 * to end. */
bool pw_shared_release(pw_mapping *mapping)
{
    pw_shared *shared = mapping->shared;
    pw_wakeup_lock();
    bool ends = atomic_fetch_sub(&mapping->references, 1) == 1;
    bool all_end = ends && unlink_mapping(mapping);
    size_t size = bytes_of(shared->max_pages);
    pw_wakeup_unlock();
    if (ends) {
        pw_shared_pages_unmap(mapping->data, size);
    }
    if (all_end) {
        free_shared(shared);
    }
    return ends;
}

uint64_t pw_shared_pages_of(const pw_shared *shared)
{
    return atomic_load_explicit(&shared->pages, memory_order_acquire);
}

bool pw_shared_is_alone(const pw_mapping *mapping)
{
    pw_wakeup_lock();
    bool alone = mapping->shared->mappings == mapping && mapping->next == NULL;
    pw_wakeup_unlock();
    return alone;
}

/* ---- size ------------------------------------------------------------------------------------ */

/* Makes pages beyond the room accessible in all mappings. False when the system has no memory. */
static bool commit_all(const pw_shared *shared, uint64_t pages)
{
    size_t present = bytes_of(shared->room), more = bytes_of(pages) - present;
    for (const pw_mapping *mapping = shared->mappings; mapping != NULL; mapping = mapping->next) {
        if (!pw_pages_commit(mapping->data + present, more)) {
            return false;
        }
    }
    return true;
}

/* Makes room for this many pages. The caller has the lock. */
static bool make_room(pw_shared *shared, uint64_t pages)
{
    if (pages <= shared->room) {
        return true;
    }
    uint64_t more = (pages - shared->room) * PW_PAGE;
    if (pages > shared->max_pages || !pw_account_charge(shared->account, PW_CHARGE_MEMORY, more)) {
        return false;
    }
    if (!commit_all(shared, pages)) {
        pw_account_refund(shared->account, PW_CHARGE_MEMORY, more);
        return false;
    }
    shared->room = pages;
    return true;
}

static void clear(const pw_shared *shared, uint64_t from, uint64_t to)
{
    uint8_t *start = shared->mappings->data + bytes_of(from);
    size_t size = bytes_of(to - from);
    if (!pw_shared_pages_clear(start, size)) {
        memset(start, 0, size);
    }
}

/* Changes the number of pages, for which there is room. Pages that were there before the memory
 * shrank are cleared, because views can have written to them. The caller has the lock. */
static void set_pages(pw_shared *shared, uint64_t pages)
{
    uint64_t before = shared->pages, used = shared->used_pages;
    if (before < pages && before < used) {
        clear(shared, before, pages < used ? pages : used);
    }
    for (const pw_mapping *mapping = shared->mappings; mapping != NULL; mapping = mapping->next) {
        set_length(mapping, pages);
    }
    atomic_store_explicit(&shared->pages, pages, memory_order_release);
    shared->used_pages = pages > used ? pages : used;
}

int64_t pw_shared_grow(pw_shared *shared, uint64_t delta)
{
    pw_wakeup_lock();
    uint64_t before = shared->pages;
    bool grows = delta <= shared->max_pages - before && make_room(shared, before + delta);
    if (grows) {
        set_pages(shared, before + delta);
    }
    pw_wakeup_unlock();
    return grows ? (int64_t)before : -1;
}

bool pw_shared_make_room(pw_shared *shared, uint64_t pages)
{
    pw_wakeup_lock();
    bool made = make_room(shared, pages);
    pw_wakeup_unlock();
    return made;
}

void pw_shared_resize(pw_shared *shared, uint64_t pages)
{
    pw_wakeup_lock();
    set_pages(shared, pages);
    pw_wakeup_unlock();
}
