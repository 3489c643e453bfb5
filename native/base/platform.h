/* SPDX-License-Identifier: MIT */
/* Services of the operating system: address space, the time, and the bounds of the running thread's
 * stack. */
#ifndef PW_PLATFORM_H
#define PW_PLATFORM_H

#include "base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- address space --------------------------------------------------------------------------- */

/* Bytes of a page of the system; a power of two. It has nothing to do with the pages of a
 * WebAssembly memory. */
size_t pw_page_size(void);

/* Reserves address space that cannot be accessed yet. `size` is in bytes, a multiple of the page
 * size. The result is owned by the caller, who gives it to pw_pages_release with the same size.
 * NULL when there is not enough address space. */
void *pw_pages_reserve(size_t size);
/* Makes reserved pages readable and writable. Pages that were never committed before are zero.
 * False when the system has no memory. */
bool pw_pages_commit(void *start, size_t size);
/* Makes committed pages zero by giving their memory back to the system. Other threads may read the
 * pages meanwhile. False, and nothing has changed, where the system cannot do that. */
bool pw_pages_clear(void *start, size_t size);
/* Gives reserved address space back to the system. */
void pw_pages_release(void *start, size_t size);

/* ---- shared pages ---------------------------------------------------------------------------- */

/* Pages of memory that can be mapped at several addresses. */
typedef intptr_t pw_shared_pages;

/* Makes `size` bytes of zero pages, a multiple of 64 KiB, none of which takes memory before it is
 * used. False when the system cannot do that; otherwise the pages are owned by the caller. */
bool pw_shared_pages_new(size_t size, pw_shared_pages *pages);
/* Maps all the pages. They cannot be accessed before they are given to pw_pages_commit, and nor can
 * the page of private memory right before them. The result is where they begin. NULL when there is
 * not enough address space. */
void *pw_shared_pages_map(pw_shared_pages pages, size_t size);
void pw_shared_pages_unmap(void *start, size_t size);
/* Makes committed pages zero by giving their memory back to the system. False, and nothing has
 * changed, where the system cannot do that. */
bool pw_shared_pages_clear(void *start, size_t size);
/* Gives the pages up, given their size. They exist as long as they are mapped. */
void pw_shared_pages_free(pw_shared_pages pages, size_t size);

/* ---- time ------------------------------------------------------------------------------------ */

/* Times are nanoseconds of a clock that never goes back. */
#define PW_MICROSECOND ((int64_t)1000)
#define PW_SECOND ((int64_t)1000000000)
/* A time that never comes: there is no deadline, or no timeout. */
#define PW_NEVER INT64_MAX

/* The time. */
int64_t pw_now(void);

/* ---- recycled mappings ----------------------------------------------------------------------- */

/* How many mappings a pw_recycler holds. */
#define PW_RECYCLER_PLACES 8

/* Holds mappings that are expensive to make, from when one owner frees them until the next one
 * needs them. Any thread may put and take them. A zeroed recycler is empty. */
typedef struct {
    _Atomic(void *) places[PW_RECYCLER_PLACES];
} pw_recycler;

/* Puts a mapping into a free place. The mapping is transferred on success; false when all places
 * are taken. */
bool pw_recycler_put(pw_recycler *recycler, void *item);
/* Takes the mapping from a place, which is then free. `place` may be any number: it counts round
 * the PW_RECYCLER_PLACES places. The mapping is owned by the caller; NULL when the place was free.
 */
void *pw_recycler_take(pw_recycler *recycler, unsigned place);

/* ---- the native stack ------------------------------------------------------------------------ */

/* The most bytes of a thread's stack that wasm code leaves free: for the host's functions and
 * signal handlers, which can be called however deep the guest is, for the compiler, and for the way
 * out of a trap. Python's parser alone can use 0.75 MiB. */
#define PW_HOST_RESERVE ((uintptr_t)(1280 * 1024))
/* Bytes that are assumed to be left of a stack whose bounds are not known. */
#define PW_UNKNOWN_STACK ((uintptr_t)(128 * 1024))

/* The bounds of the running thread's stack: low <= address < high. All members are 0 until
 * pw_find_stack asks the system for them. */
typedef struct {
    uintptr_t low;
    uintptr_t high;
    uintptr_t guest_low;  /* wasm code may use the stack down to here */
    uintptr_t guest_size; /* high - guest_low */
} pw_stack_bounds;

extern PW_THREAD_LOCAL pw_stack_bounds pw_thread_stack;

/* The slow half of pw_guest_stack_end, for an address that is not within the known bounds. It asks
 * the system for them, which on the main thread costs a walk through the process's memory map. */
uintptr_t pw_find_stack(uintptr_t here);

/* Bytes of the running thread's stack; PW_UNKNOWN_STACK if the system does not know the stack that
 * the thread runs on. */
uintptr_t pw_stack_size(void);

/* How many bytes of a stack of `size` bytes wasm code leaves free. */
static inline uintptr_t pw_host_reserve(uintptr_t size)
{
    return size / 2 < PW_HOST_RESERVE ? size / 2 : PW_HOST_RESERVE;
}

/* The lowest address to which wasm code may use the running thread's stack; pw_host_reserve bytes
 * follow below it. A thread can run on a stack that the system does not know, such as a
 * coroutine's: then the stack is assumed to end PW_UNKNOWN_STACK bytes below the caller. */
static inline uintptr_t pw_guest_stack_end(void)
{
    pw_stack_bounds bounds = pw_thread_stack;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here - bounds.low < bounds.high - bounds.low ? bounds.guest_low : pw_find_stack(here);
}

/* Sets *end to what pw_guest_stack_end returns. False if the caller's frame lies below that address
 * already: no stack is left for wasm code. */
static inline bool pw_guest_stack_left(uintptr_t *end)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    *end = pw_thread_stack.guest_low;
    if (here - *end < pw_thread_stack.guest_size) {
        return true;
    }
    *end = pw_guest_stack_end();
    return here >= *end;
}

#endif
