/* SPDX-License-Identifier: MIT */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* pthread_getattr_np */
#endif

#include "pages.h"

/* glibc has room for the few bytes of a library that is loaded late; reading them is one
 * instruction then, and a call otherwise. */
#ifdef __GLIBC__
#define THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define THREAD_LOCAL _Thread_local
#endif

/* What is assumed to be left of a stack whose bounds nobody knows. */
#define UNKNOWN_STACK_REST ((uintptr_t)(128 * 1024))

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

void pw_pages_release(void *start, size_t size)
{
    (void)size;
    VirtualFree(start, 0, MEM_RELEASE);
}

static void stack_bounds(uintptr_t *low, uintptr_t *high)
{
    ULONG_PTR from, to;
    GetCurrentThreadStackLimits(&from, &to);
    *low = from;
    *high = to;
}

#else

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

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

void pw_pages_release(void *start, size_t size)
{
    munmap(start, size);
}

#ifdef __APPLE__

static void stack_bounds(uintptr_t *low, uintptr_t *high)
{
    *high = (uintptr_t)pthread_get_stackaddr_np(pthread_self());
    *low = *high - pthread_get_stacksize_np(pthread_self());
}

#else

static void stack_bounds(uintptr_t *low, uintptr_t *high)
{
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &start, &size) != 0)
            size = 0;
        pthread_attr_destroy(&attributes);
    }
    *low = (uintptr_t)start;
    *high = *low + size;
}

#endif
#endif

uintptr_t pw_native_stack_end(void)
{
    /* Asked for once per thread: the main thread's bounds cost a walk through the memory map. */
    static THREAD_LOCAL uintptr_t low, high;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here - low >= high - low) {
        stack_bounds(&low, &high);
        if (here - low >= high - low)
            return here > UNKNOWN_STACK_REST ? here - UNKNOWN_STACK_REST : 0;
    }
    return low;
}
