/* SPDX-License-Identifier: MIT */
/* The bytes of shared memories, and the threads that wait at them.
 *
 * Every store that uses a shared memory maps its pages, behind a header of the store's own: so code
 * finds its store, and the memory's length, as it does with any other memory. A pw_memory is then
 * one of these mappings. All functions may be called by any thread. */
#ifndef PW_SHARED_H
#define PW_SHARED_H

#include "base/wakeup.h"
#include "runtime/account.h"

#include <stdatomic.h>
#include <stddef.h>

/* What the mappings share. It lives as long as one of them. */
typedef struct pw_shared pw_shared;

typedef struct pw_mapping pw_mapping;

/* A mapping, which is part of a pw_memory. */
struct pw_mapping {
    pw_mapping *next;
    pw_shared *shared;         /* NULL: the memory is not shared, and nothing else is set */
    const pw_account *account; /* of the store that uses the mapping; borrowed from the pw_memory */
    uint8_t *data;             /* the first byte; the page before it can be accessed, too */
    size_t *length;            /* how many bytes there are, in the header before the first one */
    atomic_uint references;    /* only pw_shared_release counts down */
};

/* Makes `min` pages of 64 KiB that can grow to `max`, and a first mapping of them with one
 * reference, for the store that has the account. The account must have been charged for the pages;
 * what it is charged for them is transferred on success, and grows with them. `header` is how many
 * bytes before the first byte the length stands. False when the system has no memory or no address
 * space. */
bool pw_shared_new(pw_mapping *mapping, uint64_t min, uint64_t max, pw_account *account,
                   size_t header);
/* Makes one more mapping with one reference, for the store that has the account, which is not
 * charged. False when the system has no address space. */
bool pw_shared_map(pw_shared *shared, pw_mapping *mapping, const pw_account *account,
                   size_t header);
/* The mapping of the store that has the account, with one reference more, which is owned by the
 * caller. NULL: it has none. */
pw_mapping *pw_shared_find(pw_shared *shared, const pw_account *account);
/* Gives up one reference. True if it was the last one: then the mapping has ended. The last mapping
 * frees the bytes. */
bool pw_shared_release(pw_mapping *mapping);

uint64_t pw_shared_pages_of(const pw_shared *shared);
/* Adds pages to all mappings. The result is how many there were; -1, and nothing has changed, when
 * it cannot grow that much. */
int64_t pw_shared_grow(pw_shared *shared, uint64_t delta);
/* Makes room for this many pages, which are charged. False when there can be no more. */
bool pw_shared_make_room(pw_shared *shared, uint64_t pages);
/* Changes the number of pages, for which there is room, to more or fewer. Pages beyond the end stay
 * accessible for views. */
void pw_shared_resize(pw_shared *shared, uint64_t pages);
/* Whether no other store has a mapping now. */
bool pw_shared_is_alone(const pw_mapping *mapping);

/* ---- waiting --------------------------------------------------------------------------------- */

/* cdef: begin */

/* A thread that waits at an offset. */
typedef struct pw_waiting pw_waiting;

/* How a wait ended; the numbers are those of memory.atomic.wait. */
typedef enum { PW_WAIT_OK, PW_WAIT_NOT_EQUAL, PW_WAIT_TIMED_OUT, PW_WAIT_NO_MEMORY } pw_wait_result;

/* Begins to wait if the number of 4 or 8 bytes at the offset equals `expected`. The result is
 * PW_WAIT_OK with *waiting set, or says why the thread does not wait. */
pw_wait_result pw_wait_begin(const pw_mapping *mapping, uint64_t offset, uint32_t size,
                             uint64_t expected, pw_waiting **waiting);
/* Sleeps until the thread is notified, or until a time of pw_now. True once it is notified. */
bool pw_wait_sleep(pw_waiting *waiting, int64_t until);
/* Ends the wait, and frees `waiting`. True if the thread was notified. */
bool pw_wait_end(pw_waiting *waiting);
/* Wakes the first threads that wait at the offset, at most `count`. Returns how many. */
uint32_t pw_wait_notify(const pw_mapping *mapping, uint64_t offset, uint32_t count);

/* cdef: end */

#endif
