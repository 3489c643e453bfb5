/* SPDX-License-Identifier: MIT */
/* What the operating system gives: address space, and the bounds of the running thread's stack. */
#ifndef PW_PAGES_H
#define PW_PAGES_H

#include "base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size of a page, a power of two. */
size_t pw_page_size(void);

/* Reserves address space without access; size is a multiple of the page size. Owned by caller:
 * pw_pages_release with the same size. NULL when there is none. */
void *pw_pages_reserve(size_t size);
/* Makes reserved pages readable and writable; fresh ones are zero. */
bool pw_pages_commit(void *start, size_t size);
/* Makes committed pages zero by giving what they hold back to the system; others may read them
 * meanwhile. False where that cannot be done, and nothing has changed. */
bool pw_pages_clear(void *start, size_t size);
void pw_pages_release(void *start, size_t size);

/* Places where any thread leaves what is dear to map for the next one that needs it. */
#define PW_KEPT 8

typedef struct {
    _Atomic(void *) places[PW_KEPT];
} pw_kept;

/* Transferred on success; false when all places are taken. */
bool pw_kept_put(pw_kept *kept, void *item);
/* Owned by caller: what was at a place, counted round and round; NULL when nothing was. */
void *pw_kept_take(pw_kept *kept, unsigned place);

/* The running thread's stack, once pw_find_stack has looked: low <= address < high. */
typedef struct {
    uintptr_t low;
    uintptr_t high;
} pw_stack_bounds;

extern PW_THREAD_LOCAL pw_stack_bounds pw_thread_stack;

/* The end for an address that is not within the bounds: asks for them, which for the main thread
 * costs a walk through the memory map. */
uintptr_t pw_find_stack(uintptr_t here);

/* Lowest address that the running thread's stack may grow to. When the thread runs on a stack that
 * the system does not know (a coroutine's), some KiB below the caller. */
static inline uintptr_t pw_native_stack_end(void)
{
    pw_stack_bounds bounds = pw_thread_stack;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here - bounds.low < bounds.high - bounds.low ? bounds.low : pw_find_stack(here);
}

#endif
