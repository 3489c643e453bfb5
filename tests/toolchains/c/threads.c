// SPDX-License-Identifier: MIT

// Uses POSIX threads in the way that the first argument names. Each way prints what
// tests/toolchains/test_threads.py expects.

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4

typedef void *work(void *argument);

// The second argument of the program, or 0.
static int number;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void require(int success, const char *what)
{
    if (!success) {
        printf("failed: %s\n", what);
        exit(99);
    }
}

static pthread_t started(work *function, void *argument)
{
    pthread_t thread;
    require(pthread_create(&thread, NULL, function, argument) == 0, "pthread_create");
    return thread;
}

static void *joined(pthread_t thread)
{
    void *result;
    require(pthread_join(thread, &result) == 0, "pthread_join");
    return result;
}

// Runs a function in several threads at once, with their indices, and waits for all.
static void run_all(work *function)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[i] = started(function, (void *)(intptr_t)i);
    }
    for (int i = 0; i < THREADS; i++) {
        joined(threads[i]);
    }
}

// ---- results ----

static void *square(void *argument)
{
    intptr_t value = (intptr_t)argument;
    return (void *)(value * value);
}

static void join(void)
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++) {
        threads[i] = started(square, (void *)(i + 10));
    }
    for (int i = 0; i < THREADS; i++) {
        printf("%d ", (int)(intptr_t)joined(threads[i]));
    }
    printf("\n");
}

static void one_after_the_other(void)
{
    intptr_t sum = 0;
    for (intptr_t i = 0; i < number; i++) {
        sum += (intptr_t)joined(started(square, (void *)i));
    }
    printf("%d\n", (int)sum);
}

// Counts the leaves of a tree of threads: each starts two.
static void *leaves(void *argument)
{
    intptr_t depth = (intptr_t)argument;
    if (depth == 0) {
        return (void *)1;
    }
    pthread_t left = started(leaves, (void *)(depth - 1));
    pthread_t right = started(leaves, (void *)(depth - 1));
    return (void *)((intptr_t)joined(left) + (intptr_t)joined(right));
}

static void tree(void)
{
    printf("%d\n", (int)(intptr_t)leaves((void *)(intptr_t)number));
}

// ---- mutual exclusion ----

static volatile int counter;

static void *count(void *argument)
{
    for (int i = 0; i < number; i++) {
        pthread_mutex_lock(&mutex);
        counter = counter + 1;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static void mutual_exclusion(void)
{
    run_all(count);
    printf("%d\n", counter);
}

// ---- a queue ----

#define PLACES 3

static int queue[PLACES], first, queued, sum;

static void put(int value)
{
    pthread_mutex_lock(&mutex);
    while (queued == PLACES) {
        pthread_cond_wait(&changed, &mutex);
    }
    queue[(first + queued++) % PLACES] = value;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static int take(void)
{
    pthread_mutex_lock(&mutex);
    while (queued == 0) {
        pthread_cond_wait(&changed, &mutex);
    }
    int value = queue[first];
    first = (first + 1) % PLACES;
    queued--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return value;
}

static void *consume(void *argument)
{
    for (int value = take(); value != 0; value = take()) {
        pthread_mutex_lock(&mutex);
        sum += value;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

// Every consumer ends at the first 0.
static void produce(void)
{
    pthread_t consumers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        consumers[i] = started(consume, NULL);
    }
    for (int i = 1; i <= number; i++) {
        put(i);
    }
    for (int i = 0; i < THREADS; i++) {
        put(0);
    }
    for (int i = 0; i < THREADS; i++) {
        joined(consumers[i]);
    }
    printf("%d\n", sum);
}

static void wait_in_vain(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    int error;
    do {
        error = pthread_cond_timedwait(&changed, &mutex, &until);
    } while (error == 0);
    pthread_mutex_unlock(&mutex);
    printf("%s\n", error == ETIMEDOUT ? "timed out" : "failed");
}

// ---- a barrier ----

static pthread_barrier_t barrier;
static _Atomic int arrived, too_early, last;

static void *pass(void *argument)
{
    for (int round = 1; round <= number; round++) {
        arrived++;
        last += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        too_early += arrived < round * THREADS;
        pthread_barrier_wait(&barrier);
    }
    return argument;
}

static void rounds(void)
{
    pthread_barrier_init(&barrier, NULL, THREADS);
    run_all(pass);
    printf("%d arrived, %d too early, %d last\n", arrived, too_early, last);
}

// ---- storage of a thread ----

static _Thread_local int own = 5;
static pthread_key_t key;
static _Atomic int destroyed;

static void destroy(void *value)
{
    destroyed += (int)(intptr_t)value;
}

static void *change_own(void *argument)
{
    int index = (int)(intptr_t)argument;
    int before = own;
    own = 100 + index;
    errno = 200 + index;
    pthread_setspecific(key, (void *)(intptr_t)(300 + index));
    pthread_barrier_wait(&barrier); // Now all have set theirs.
    require(before == 5, "the first value of a thread-local variable");
    require(own == 100 + index, "a thread-local variable");
    require(errno == 200 + index, "errno");
    require(pthread_getspecific(key) == (void *)(intptr_t)(300 + index), "pthread_getspecific");
    return argument;
}

static void storage(void)
{
    own = 7;
    errno = 8;
    pthread_key_create(&key, destroy);
    pthread_barrier_init(&barrier, NULL, THREADS);
    run_all(change_own);
    printf("%d %d %d\n", own, errno, destroyed - 4 * 300);
}

// ---- initialization ----

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialized;

static void initialize(void)
{
    usleep(1000); // The others arrive meanwhile.
    initialized++;
}

static void *need(void *argument)
{
    pthread_once(&once, initialize);
    require(initialized == 1, "pthread_once");
    return argument;
}

static void at_once(void)
{
    run_all(need);
    printf("%d\n", initialized);
}

// ---- threads that nobody joins ----

static void *report(void *argument)
{
    pthread_mutex_lock(&mutex);
    counter = counter + 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    return argument;
}

// The detached threads of one round have reported before the next begins.
static void detach(void)
{
    for (int round = 1; round <= number; round++) {
        pthread_mutex_lock(&mutex);
        for (int i = 0; i < THREADS; i++) {
            pthread_detach(started(report, NULL));
        }
        while (counter < round * THREADS) {
            pthread_cond_wait(&changed, &mutex);
        }
        pthread_mutex_unlock(&mutex);
    }
    printf("%d\n", counter);
}

// ---- the end of the program ----

static void *wait_for_ever(void *argument)
{
    pthread_mutex_lock(&mutex);
    while (1) {
        pthread_cond_wait(&changed, &mutex);
    }
    return argument;
}

static void *loop_for_ever(void *argument)
{
    while (1) {
        counter = counter + 1;
    }
    return argument;
}

static void *sleep_for_ever(void *argument)
{
    while (1) {
        sleep(1000);
    }
    return argument;
}

// Starts threads that never end.
static void start_endless(void)
{
    started(wait_for_ever, NULL);
    started(loop_for_ever, NULL);
    started(sleep_for_ever, NULL);
}

static void *exit_here(void *argument)
{
    usleep(10000); // The other threads begin.
    exit((int)(intptr_t)argument);
}

static void *trap_here(void *argument)
{
    usleep(10000);
    if (argument == NULL) {
        abort();
    }
    return (void *)(intptr_t)(*(volatile int *)(intptr_t)-16);
}

static void say_goodbye(void)
{
    printf("goodbye\n");
}

static void exit_in_a_thread(void)
{
    atexit(say_goodbye);
    start_endless();
    started(exit_here, (void *)(intptr_t)number);
    loop_for_ever(NULL);
}

static void exit_while_main_waits(void)
{
    start_endless();
    joined(started(exit_here, (void *)(intptr_t)number));
}

static void return_from_main(void)
{
    start_endless();
    printf("main returns\n");
}

static void abort_in_a_thread(void)
{
    start_endless();
    joined(started(trap_here, NULL));
}

static void trap_in_a_thread(void)
{
    start_endless();
    joined(started(trap_here, (void *)1));
}

static void trap_in_main(void)
{
    start_endless();
    trap_here(NULL);
}

// ---- more threads than the host allows ----

static void *wait_at_gate(void *argument)
{
    pthread_mutex_lock(&mutex); // The main thread holds it meanwhile.
    pthread_mutex_unlock(&mutex);
    return argument;
}

static int start_until_refused(void)
{
    static pthread_t threads[1000];
    int error = 0, created = 0;
    pthread_mutex_lock(&mutex);
    while (created < number && error == 0) {
        error = pthread_create(&threads[created], NULL, wait_at_gate, NULL);
        created += error == 0;
    }
    pthread_mutex_unlock(&mutex);
    require(error == 0 || error == EAGAIN, "EAGAIN");
    for (int i = 0; i < created; i++) {
        joined(threads[i]);
    }
    return created;
}

static void too_many(void)
{
    printf("%d\n", start_until_refused());
    usleep(100000); // A thread may end a little later than pthread_join returns.
    printf("%d\n", start_until_refused());
}

// ---- output ----

static void *print_lines(void *argument)
{
    for (int i = 0; i < number; i++) {
        printf("thread %d prints line %d\n", (int)(intptr_t)argument, i);
    }
    return argument;
}

static void print(void)
{
    run_all(print_lines);
}

// ---- input ----

static void *read_byte(void *argument)
{
    char byte = 0;
    require(read(0, &byte, 1) == 1, "read");
    printf("read %c\n", byte);
    return argument;
}

// Prints while another thread waits for input, which the host has only after it sees the output.
static void read_later(void)
{
    pthread_t reader = started(read_byte, NULL);
    usleep(10000); // The reader begins to wait.
    printf("waiting\n");
    fflush(stdout);
    joined(reader);
}

static void read_never(void)
{
    started(read_byte, NULL);
    usleep(10000);
    printf("main returns\n");
}

// ---- memory ----

// Keeps some blocks of growing sizes, and replaces one after the other.
static void *allocate(void *argument)
{
    unsigned char mark = (unsigned char)((intptr_t)argument + 1);
    enum { kept = 8 };
    unsigned char *blocks[kept] = {NULL};
    size_t sizes[kept] = {0};
    for (int i = 0; i < number; i++) {
        int at = i % kept;
        for (size_t j = 0; j < sizes[at]; j += 61) {
            require(blocks[at][j] == mark, "a block belongs to one thread");
        }
        free(blocks[at]);
        sizes[at] = (size_t)i * 97 + 1;
        blocks[at] = malloc(sizes[at]);
        require(blocks[at] != NULL, "malloc");
        memset(blocks[at], mark, sizes[at]);
    }
    for (int at = 0; at < kept; at++) {
        free(blocks[at]);
    }
    return argument;
}

static void memory(void)
{
    size_t before = __builtin_wasm_memory_size(0);
    run_all(allocate);
    printf("%s\n", __builtin_wasm_memory_size(0) > before ? "grown" : "as before");
}

// ---- recursion ----

// Has no use for the stack in memory. Each call needs the result of the next, so none is a tail
// call.
__attribute__((noinline)) static uint32_t recurse(uint32_t depth)
{
    __asm__ volatile("");
    return depth == 0 ? 1 : recurse(depth - 1) * 3 + 1;
}

static void *recurse_here(void *argument)
{
    return (void *)(uintptr_t)recurse((uint32_t)(uintptr_t)argument);
}

static void recursion(void)
{
    uint32_t here = recurse((uint32_t)number);
    uint32_t there = (uint32_t)(uintptr_t)joined(started(recurse_here, (void *)(intptr_t)number));
    printf("%s\n", here == there ? "the same" : "different");
}

static void recursion_in_a_thread(void)
{
    start_endless();
    joined(started(recurse_here, (void *)(intptr_t)number));
    printf("returned\n");
}

static const struct {
    const char *name;
    void (*function)(void);
} ways[] = {
    {"join", join},
    {"one-after-the-other", one_after_the_other},
    {"tree", tree},
    {"mutual-exclusion", mutual_exclusion},
    {"produce", produce},
    {"wait-in-vain", wait_in_vain},
    {"rounds", rounds},
    {"storage", storage},
    {"at-once", at_once},
    {"detach", detach},
    {"exit-in-a-thread", exit_in_a_thread},
    {"exit-while-main-waits", exit_while_main_waits},
    {"return-from-main", return_from_main},
    {"abort-in-a-thread", abort_in_a_thread},
    {"trap-in-a-thread", trap_in_a_thread},
    {"trap-in-main", trap_in_main},
    {"too-many", too_many},
    {"print", print},
    {"read-later", read_later},
    {"read-never", read_never},
    {"memory", memory},
    {"recursion", recursion},
    {"recursion-in-a-thread", recursion_in_a_thread},
};

int main(int argc, char **argv)
{
    number = argc > 2 ? atoi(argv[2]) : 0;
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof ways[0]; i++) {
        if (strcmp(argv[1], ways[i].name) == 0) {
            ways[i].function();
            return 0;
        }
    }
    return 98;
}
