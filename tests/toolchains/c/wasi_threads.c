// SPDX-License-Identifier: MIT

// Starts and ends POSIX threads by the host's thread-spawn, waits for them by the instructions for
// atomic memory, and allocates memory for several threads. Everything else of POSIX threads, such
// as mutexes and condition variables, is musl's own; wasi_threads.h says how it gets here.

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stdio_impl.h"
// The order matters: the next header needs types of the first.
#include "pthread_impl.h"

#define MAIN_TID 0x3fffffff // No thread that a host spawns has this number.

// What a new thread gets. wasi_threads.s reads the first two.
struct launch {
    void *stack;
    void *storage;
    struct __pthread *self;
    void *(*function)(void *);
    void *argument;
};

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int
spawn(struct launch *launch);

extern void __wasm_init_tls(void *storage);

volatile int __thread_list_lock;

// The memory of the detached thread that ended last. It ends on this memory, so the next that holds
// the lock frees it.
static void *left_over;

// ---- waiting ----

static int wait_while(volatile int *address, int value, int64_t nanoseconds)
{
    return __builtin_wasm_memory_atomic_wait32((int *)address, value, nanoseconds) == 2 ? ETIMEDOUT
                                                                                        : 0;
}

void __wait(volatile int *address, volatile int *waiters, int value, int private)
{
    (void)private;
    if (waiters != NULL) {
        a_inc(waiters);
    }
    while (*address == value) {
        wait_while(address, value, -1);
    }
    if (waiters != NULL) {
        a_dec(waiters);
    }
}

int __timedwait(volatile int *address, int value, clockid_t clock, const struct timespec *until,
                int private)
{
    (void)private;
    if (until == NULL) {
        return wait_while(address, value, -1);
    }
    // A condition variable that names no clock has the number of the first.
    struct timespec now;
    if (until->tv_nsec >= 1000000000 ||
        clock_gettime(clock == NULL ? CLOCK_REALTIME : clock, &now) != 0) {
        return EINVAL;
    }
    int64_t left = (until->tv_sec - now.tv_sec) * 1000000000LL + until->tv_nsec - now.tv_nsec;
    return left < 0 ? ETIMEDOUT : wait_while(address, value, left);
}

int __timedwait_cp(volatile int *address, int value, clockid_t clock, const struct timespec *until,
                   int private)
{
    return __timedwait(address, value, clock, until, private);
}

// Without a queue to move waiters to, they wake up and look for themselves.
long __syscall(long number, ...)
{
    va_list arguments;
    va_start(arguments, number);
    volatile int *address = va_arg(arguments, volatile int *);
    int operation = va_arg(arguments, int) & ~FUTEX_PRIVATE;
    int value = va_arg(arguments, int);
    va_end(arguments);
    if (number != SYS_futex) {
        return -ENOSYS;
    }
    if (operation == FUTEX_WAIT) {
        return wait_while(address, value, -1);
    }
    return __builtin_wasm_memory_atomic_notify((int *)address, 1);
}

// WASI unmaps no memory, so nothing has to be kept mapped.
void __vm_lock(void)
{
}

void __vm_unlock(void)
{
}

void __vm_wait(void)
{
}

// ---- memory ----

// Blocks have powers of two as sizes, from 16 bytes. A free block holds the address of the next,
// and the 16 bytes before a block say which list it goes to.
#define HEADER 16
#define PAGE 65536

static volatile int memory_lock;
static void *free_blocks[32];
static char *fresh, *fresh_end;

static void lock_memory(void)
{
    while (a_swap(&memory_lock, 1) != 0) {
        wait_while(&memory_lock, 1, -1);
    }
}

static void unlock_memory(void)
{
    a_store(&memory_lock, 0);
    __builtin_wasm_memory_atomic_notify((int *)&memory_lock, 1);
}

static char *take_fresh(size_t size)
{
    if ((size_t)(fresh_end - fresh) < size) {
        size_t pages = (size + PAGE - 1) / PAGE;
        size_t old = __builtin_wasm_memory_grow(0, pages);
        if (old == SIZE_MAX) {
            return NULL;
        }
        if (fresh_end != (char *)(old * PAGE)) {
            fresh = (char *)(old * PAGE);
        }
        fresh_end = (char *)((old + pages) * PAGE);
    }
    char *block = fresh;
    fresh += size;
    return block;
}

void *malloc(size_t size)
{
    if (size > PTRDIFF_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    int list = size <= 16 ? 4 : 32 - __builtin_clz((unsigned)size - 1);
    lock_memory();
    char *block = free_blocks[list];
    if (block != NULL) {
        free_blocks[list] = *(void **)block;
    } else {
        block = take_fresh(HEADER + ((size_t)1 << list));
        if (block != NULL) {
            block += HEADER;
            *(int *)(block - HEADER) = list;
        }
    }
    unlock_memory();
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

void free(void *block)
{
    if (block == NULL) {
        return;
    }
    int list = *(int *)((char *)block - HEADER);
    lock_memory();
    *(void **)block = free_blocks[list];
    free_blocks[list] = block;
    unlock_memory();
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = malloc(bytes);
    return block == NULL ? NULL : memset(block, 0, bytes);
}

void *realloc(void *block, size_t size)
{
    size_t had = block == NULL ? 0 : (size_t)1 << *(int *)((char *)block - HEADER);
    void *larger = malloc(size);
    if (larger != NULL && had > 0) {
        memcpy(larger, block, had < size ? had : size);
        free(block);
    }
    return larger;
}

// ---- starting and ending ----

__attribute__((constructor(1))) static void set_up_main_thread(void)
{
    struct __pthread *self = __pthread_self();
    self->self = self->next = self->prev = self;
    self->tid = MAIN_TID;
    self->detach_state = DT_JOINABLE;
    self->locale = &libc.global_locale;
}

void __tl_lock(void)
{
    while (a_cas(&__thread_list_lock, 0, 1) != 0) {
        wait_while(&__thread_list_lock, 1, -1);
    }
}

void __tl_unlock(void)
{
    a_store(&__thread_list_lock, 0);
    __wake(&__thread_list_lock, 1, 1);
}

// Returns when a thread that has said that it ends has also left its stack.
void __tl_sync(pthread_t thread)
{
    (void)thread;
    __tl_lock();
    __tl_unlock();
}

// pthread_join unmaps the memory of a thread.
int __munmap(void *start, size_t length)
{
    (void)length;
    free(start);
    return 0;
}

static void free_left_over(void)
{
    free(left_over);
    left_over = NULL;
}

static void lock_file(FILE *file)
{
    if (file != NULL && file->lock < 0) {
        file->lock = 0;
    }
}

// As long as there is one thread, files and most locks of the library stay open.
static void begin_to_lock(struct __pthread *self)
{
    for (FILE *file = *__ofl_lock(); file != NULL; file = file->next) {
        lock_file(file);
    }
    __ofl_unlock();
    lock_file(__stdin_used);
    lock_file(__stdout_used);
    lock_file(__stderr_used);
    if (self->tsd == NULL) {
        self->tsd = __pthread_tsd_main;
    }
    libc.threaded = 1;
}

// The compiler does not know that __wasm_init_tls changes the base, so only assembly may read it.
static char *storage_of_this_thread(void)
{
    char *base;
    __asm__ volatile(".globaltype __tls_base, i32\n"
                     "global.get __tls_base\n"
                     "local.set %0"
                     : "=r"(base));
    return base;
}

static void change_storage(char *base)
{
    __asm__ volatile(".globaltype __tls_base, i32\n"
                     "local.get %0\n"
                     "global.set __tls_base"
                     :
                     : "r"(base));
}

// Puts the first values of the thread-local variables of a new thread at an address, and returns
// where its variable is that describes the thread.
static struct __pthread *make_storage(struct __pthread *self, char *storage)
{
    char *own = storage_of_this_thread();
    __wasm_init_tls(storage);
    change_storage(own);
    return (struct __pthread *)(storage + ((char *)self - own));
}

static char *aligned(char *address, size_t alignment)
{
    return (char *)(((uintptr_t)address + alignment - 1) & -alignment);
}

int pthread_create(pthread_t *restrict result, const pthread_attr_t *restrict attributes,
                   void *(*function)(void *), void *restrict argument)
{
    struct __pthread *self = __pthread_self();
    if (!libc.threaded) {
        begin_to_lock(self);
    }
    size_t alignment = __builtin_wasm_tls_align();
    size_t stack_size = attributes != NULL ? attributes->_a_stacksize : __default_stacksize;
    size_t size = sizeof(struct launch) + __pthread_tsd_size + __builtin_wasm_tls_size() +
                  alignment + stack_size + 16;
    char *memory = malloc(size);
    if (memory == NULL) {
        return EAGAIN;
    }
    // From below: the launch, the values of keys, the thread-local variables, and the stack.
    struct launch *launch = (struct launch *)memory;
    char *values = memory + sizeof(struct launch);
    char *storage = aligned(values + __pthread_tsd_size, alignment);
    memset(values, 0, __pthread_tsd_size);
    struct __pthread *thread = make_storage(self, storage);
    thread->self = thread;
    thread->map_base = (unsigned char *)memory;
    thread->map_size = size;
    thread->tsd = (void **)values;
    thread->locale = &libc.global_locale;
    thread->detach_state = attributes != NULL && attributes->_a_detach ? DT_DETACHED : DT_JOINABLE;
    thread->stack = (void *)((uintptr_t)(memory + size) & -16);
    thread->stack_size = stack_size;
    *launch = (struct launch){thread->stack, storage, thread, function, argument};

    __tl_lock();
    free_left_over();
    if (libc.threads_minus_1++ == 0) {
        libc.need_locks = 1;
    }
    int tid = spawn(launch);
    if (tid < 0) {
        if (--libc.threads_minus_1 == 0) {
            libc.need_locks = 0;
        }
        __tl_unlock();
        free(memory);
        return EAGAIN;
    }
    thread->tid = tid;
    thread->next = self->next;
    thread->prev = self;
    thread->next->prev = thread;
    self->next = thread;
    *result = thread;
    __tl_unlock();
    return 0;
}

// Runs a thread and returns with the lock of the list held, which wasi_threads.s opens.
void run_thread(int tid, struct launch *launch)
{
    struct __pthread *self = launch->self;
    self->tid = tid;
    self->result = launch->function(launch->argument);
    __pthread_tsd_run_dtors();
    int state = a_cas(&self->detach_state, DT_JOINABLE, DT_EXITING);
    __tl_lock();
    free_left_over();
    if (--libc.threads_minus_1 == 0) {
        libc.need_locks = -1;
    }
    self->next->prev = self->prev;
    self->prev->next = self->next;
    if (state == DT_DETACHED) {
        left_over = self->map_base;
    } else {
        a_store(&self->detach_state, DT_EXITED);
        __wake(&self->detach_state, 1, 1);
    }
}
