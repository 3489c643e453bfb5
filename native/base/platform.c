/* SPDX-License-Identifier: MIT */
/* Address space, the time, and the bounds of thread stacks, on Windows, Linux and macOS. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* declares pthread_getattr_np and mremap */
#endif

#include "base/platform.h"

#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

size_t pw_page_size(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

void *pw_pages_reserve(size_t size)
{
    return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
}

bool pw_pages_commit(void *start, size_t size)
{
    return VirtualAlloc(start, size, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

/* Windows has no call that makes pages zero while others read them: reading a page that was
 * decommitted is an access violation. */
bool pw_pages_clear(void *start, size_t size)
{
    (void)start, (void)size;
    return false;
}

void pw_pages_release(void *start, size_t size)
{
    (void)size;
    VirtualFree(start, 0, MEM_RELEASE);
}

bool pw_shared_pages_new(size_t size, pw_shared_pages *pages)
{
    uint64_t bytes = size ? size : 1;
    HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
                                        (DWORD)(bytes >> 32), (DWORD)(bytes & UINT32_MAX), NULL);
    *pages = (pw_shared_pages)section;
    return section != NULL;
}

/* Windows places reservations and views at multiples of this number of bytes. */
#define GRANULE ((size_t)65536)
/* How often a mapping is tried: another thread can take the address space that was found. */
#define MAP_ATTEMPTS 32

void *pw_shared_pages_map(pw_shared_pages pages, size_t size)
{
    for (int i = 0; i < MAP_ATTEMPTS; i++) {
        char *found = VirtualAlloc(NULL, GRANULE + size, MEM_RESERVE, PAGE_NOACCESS);
        if (found == NULL) {
            return NULL;
        }
        VirtualFree(found, 0, MEM_RELEASE);
        if (VirtualAlloc(found, GRANULE, MEM_RESERVE, PAGE_NOACCESS) != found) {
            continue;
        }
        if (!size || MapViewOfFileEx((HANDLE)pages, FILE_MAP_ALL_ACCESS, 0, 0, size,
                                     found + GRANULE) != NULL) {
            return found + GRANULE;
        }
        VirtualFree(found, 0, MEM_RELEASE);
    }
    return NULL;
}

void pw_shared_pages_unmap(void *start, size_t size)
{
    if (size) {
        UnmapViewOfFile(start);
    }
    VirtualFree((char *)start - GRANULE, 0, MEM_RELEASE);
}

bool pw_shared_pages_clear(void *start, size_t size)
{
    (void)start, (void)size;
    return false;
}

void pw_shared_pages_free(pw_shared_pages pages, size_t size)
{
    (void)size;
    CloseHandle((HANDLE)pages);
}

int64_t pw_now(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return count.QuadPart / frequency.QuadPart * PW_SECOND +
           count.QuadPart % frequency.QuadPart * PW_SECOND / frequency.QuadPart;
}

static void stack_bounds(pw_stack_bounds *bounds)
{
    ULONG_PTR from, to;
    GetCurrentThreadStackLimits(&from, &to);
    bounds->low = from;
    bounds->high = to;
}

static void claim_stack(const pw_stack_bounds *bounds, uintptr_t here)
{
    (void)bounds, (void)here;
}

#else

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

size_t pw_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *pw_pages_reserve(size_t size)
{
    void *start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

bool pw_pages_commit(void *start, size_t size)
{
    return mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
}

#ifdef __linux__

bool pw_pages_clear(void *start, size_t size)
{
    return madvise(start, size, MADV_DONTNEED) == 0; /* fails if the pages are locked */
}

#else

bool pw_pages_clear(void *start, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    return mmap(start, size, PROT_READ | PROT_WRITE, flags, -1, 0) == start;
}

#endif

void pw_pages_release(void *start, size_t size)
{
    munmap(start, size);
}

#ifdef __linux__

/* The pages are those of a mapping that nothing accesses. So a memory needs no file descriptor, of
 * which a process has few, and a guest can make many memories. */
bool pw_shared_pages_new(size_t size, pw_shared_pages *pages)
{
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    void *start = mmap(NULL, size ? size : 1, PROT_NONE, flags, -1, 0);
    *pages = (pw_shared_pages)start;
    return start != MAP_FAILED;
}

/* With an old size of 0, mremap leaves the old mapping as it is, and makes another one of its
 * pages. */
static bool map_at(pw_shared_pages pages, void *start, size_t size)
{
    return mremap((void *)pages, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) == start;
}

bool pw_shared_pages_clear(void *start, size_t size)
{
    return madvise(start, size, MADV_REMOVE) == 0;
}

void pw_shared_pages_free(pw_shared_pages pages, size_t size)
{
    munmap((void *)pages, size ? size : 1);
}

#else

/* Opens an empty file that no other process can find. -1 when the system cannot do that. */
static int open_unnamed(void)
{
    static atomic_uint count;
    char name[32];
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "/pw3.%x.%x.%x", (unsigned)getpid(), (unsigned)pw_now(),
                 count++);
        int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (file >= 0) {
            shm_unlink(name);
            return file;
        }
    }
    return -1;
}

bool pw_shared_pages_new(size_t size, pw_shared_pages *pages)
{
    int file = open_unnamed();
    if (file >= 0 && ftruncate(file, (off_t)size) != 0) {
        close(file);
        file = -1;
    }
    *pages = file;
    return file >= 0;
}

static bool map_at(pw_shared_pages pages, void *start, size_t size)
{
    int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
    return mmap(start, size, PROT_NONE, flags, (int)pages, 0) == start;
}

bool pw_shared_pages_clear(void *start, size_t size)
{
    (void)start, (void)size;
    return false;
}

void pw_shared_pages_free(pw_shared_pages pages, size_t size)
{
    (void)size;
    close((int)pages);
}

#endif

void *pw_shared_pages_map(pw_shared_pages pages, size_t size)
{
    size_t before = pw_page_size();
    char *reserved = size <= SIZE_MAX - before ? pw_pages_reserve(before + size) : NULL;
    if (reserved == NULL) {
        return NULL;
    }
    if (size && !map_at(pages, reserved + before, size)) {
        pw_pages_release(reserved, before + size);
        return NULL;
    }
    return reserved + before;
}

void pw_shared_pages_unmap(void *start, size_t size)
{
    pw_pages_release((char *)start - pw_page_size(), pw_page_size() + size);
}

int64_t pw_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * PW_SECOND + time.tv_nsec;
}

#ifdef __APPLE__

static void stack_bounds(pw_stack_bounds *bounds)
{
    bounds->high = (uintptr_t)pthread_get_stackaddr_np(pthread_self());
    bounds->low = bounds->high - pthread_get_stacksize_np(pthread_self());
}

#else

static void stack_bounds(pw_stack_bounds *bounds)
{
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &start, &size) != 0) {
            size = 0;
        }
        pthread_attr_destroy(&attributes);
    }
    bounds->low = (uintptr_t)start;
    bounds->high = bounds->low + size;
}

#endif

/* The main thread's stack grows as it is used, as long as it is smaller than RLIMIT_STACK at that
 * moment. This makes it grow to its end at once, so that the bounds stay true when the program
 * lowers the limit later. Only one page of it takes memory. The system is asked to write to the
 * lowest page, because it answers with an error if the stack cannot grow, where an access by this
 * process would be a crash. */
static void claim_stack(const pw_stack_bounds *bounds, uintptr_t here)
{
#if defined(__linux__) && defined(SYS_prlimit64)
    const uintptr_t most = (uintptr_t)64 << 20, near = (uintptr_t)128 << 10;
    if (bounds->high - bounds->low > most || here - bounds->low < near ||
        syscall(SYS_gettid) != getpid()) {
        return;
    }
    syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, bounds->low);
#else
    (void)bounds, (void)here;
#endif
}

#endif

bool pw_recycler_put(pw_recycler *recycler, void *item)
{
    for (int i = 0; i < PW_RECYCLER_PLACES; i++) {
        void *empty = NULL;
        if (atomic_compare_exchange_strong(&recycler->places[i], &empty, item)) {
            return true;
        }
    }
    return false;
}

void *pw_recycler_take(pw_recycler *recycler, unsigned place)
{
    _Atomic(void *) *found = &recycler->places[place % PW_RECYCLER_PLACES];
    return atomic_load_explicit(found, memory_order_relaxed) != NULL ? atomic_exchange(found, NULL)
                                                                     : NULL;
}

PW_THREAD_LOCAL pw_stack_bounds pw_thread_stack;

static bool is_known(uintptr_t here)
{
    return here - pw_thread_stack.low < pw_thread_stack.high - pw_thread_stack.low;
}

uintptr_t pw_find_stack(uintptr_t here)
{
    pw_stack_bounds *bounds = &pw_thread_stack;
    stack_bounds(bounds);
    bounds->guest_low = bounds->low + pw_host_reserve(bounds->high - bounds->low);
    if (is_known(here)) {
        claim_stack(bounds, here);
        bounds->guest_size = bounds->high - bounds->guest_low;
        return bounds->guest_low;
    }
    return here - PW_UNKNOWN_STACK + pw_host_reserve(PW_UNKNOWN_STACK);
}

uintptr_t pw_stack_size(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return is_known(here) ? pw_thread_stack.high - pw_thread_stack.low : PW_UNKNOWN_STACK;
}
