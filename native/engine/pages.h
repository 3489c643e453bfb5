/* SPDX-License-Identifier: MIT */
/* What the operating system gives: address space, and the bounds of the running thread's stack. */
#ifndef PW_PAGES_H
#define PW_PAGES_H

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
void pw_pages_release(void *start, size_t size);

/* Lowest address that the running thread's stack may grow to. When the thread runs on a stack that
 * the system does not know (a coroutine's), some KiB below the caller. */
uintptr_t pw_native_stack_end(void);

#endif
