/* SPDX-License-Identifier: MIT */
/* Looks for data races between threads that share one module but have stores of their own, and
 * between a thread that runs a call and one that stops it, or the timer. tools/tsan.py builds this
 * program with ThreadSanitizer and runs it. It is written in C because calls from Python would hold
 * the interpreter's lock, which would hide the races. The expected results are written by hand from
 * two_stores.wat. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/api.h"

enum { THREADS = 2, STORES = 40 };

typedef struct {
    const char *name;
    uint32_t argument;
    uint32_t result;
    pw_trap trap;
} expectation;

/* The argument of `indirect` is an element of the table: fib, half, null, or beyond its end. */
static const expectation expected[] = {
    {"fib", 15, 610, PW_TRAP_NONE},
    {"indirect", 0, 144, PW_TRAP_NONE},
    {"indirect", 1, 6, PW_TRAP_NONE},
    {"indirect", 2, 0, PW_TRAP_UNINITIALIZED_ELEMENT},
    {"indirect", 3, 0, PW_TRAP_UNDEFINED_ELEMENT},
    {"grow", 77, 77, PW_TRAP_NONE},
    {"sum", 1600, 1000, PW_TRAP_NONE},
    {"to_host", 41, 42, PW_TRAP_NONE},
    {"beyond", 0, 0, PW_TRAP_MEMORY_OUT_OF_BOUNDS},
    {"endless", 0, 0, PW_TRAP_STACK_EXHAUSTED},
};

static pw_module *module;
static const pw_api *api;

static pw_trap host_add(void *object, uint64_t *values)
{
    ++*(int *)object;
    values[0] = (uint32_t)(values[1] + values[2]);
    return PW_TRAP_NONE;
}

/* A request to stop the call that runs in a store, from another thread. */
typedef struct {
    pw_meter *meter;
    const pw_memory *memory;
    atomic_bool wanted; /* the call shall stop */
    atomic_bool ended;  /* the call has stopped */
    int64_t deadline;   /* the call shall stop then, if another thread does not want it */
} stopping;

static pw_trap tick(void *embedder)
{
    stopping *s = embedder;
    if (!s)
        return PW_TRAP_NONE;
    if (api->now() >= s->deadline)
        return PW_TRAP_DEADLINE;
    return atomic_load(&s->wanted) ? PW_TRAP_INTERRUPTED : PW_TRAP_NONE;
}

static void *stop(void *argument)
{
    stopping *s = argument;
    while (pw_memory_size(s->memory) < 16 * PW_PAGE)
        continue;
    atomic_store(&s->wanted, true);
    while (!atomic_load(&s->ended))
        pw_meter_stop(s->meter);
    return NULL;
}

static pw_func *find(pw_instance *instance, const char *name)
{
    const pw_module_info *info = pw_module_get_info(module);
    for (uint32_t i = 0; i < info->nexports; ++i)
        if (strlen(name) == info->exports[i].name.size &&
            !memcmp(name, info->exports[i].name.data, info->exports[i].name.size))
            return pw_instance_func(instance, info->exports[i].index);
    return NULL;
}

/* Makes all calls. Returns how many of them did not end as expected. */
static int call_all(pw_store *store, pw_instance *instance)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; ++i) {
        const expectation *e = &expected[i];
        uint64_t values[1] = {e->argument};
        pw_callee callee = api->callee(find(instance, e->name));
        pw_trap trap = api->call(&callee, values);
        pw_frame frames[64];
        uint32_t head;
        uint64_t omitted;
        bool framed = pw_store_frames(store, frames, 64, &head, &omitted) > 0;
        if (trap != e->trap || framed != (trap != PW_TRAP_NONE) ||
            (trap == PW_TRAP_NONE && (uint32_t)values[0] != e->result)) {
            fprintf(stderr, "%s(%u): trap %d, result %u\n", e->name, (unsigned)e->argument,
                    (int)trap, (unsigned)values[0]);
            wrong++;
        }
    }
    return wrong;
}

/* Makes an endless call, which another thread stops. Returns 0 if it was stopped, else 1. */
static int stop_one(pw_store *store, pw_instance *instance)
{
    pthread_t thread;
    stopping s = {api->store_meter(store), pw_instance_memory(instance, 0), .deadline = PW_NEVER};
    uint64_t values[1] = {0};
    pw_callee callee = api->callee(find(instance, "grow_on"));
    s.meter->embedder = &s;
    if (pthread_create(&thread, NULL, stop, &s))
        exit(2);
    pw_trap trap = api->call(&callee, values);
    atomic_store(&s.ended, true);
    pthread_join(thread, NULL);
    s.meter->embedder = NULL;
    return trap != PW_TRAP_INTERRUPTED;
}

/* Makes an endless call, which the timer stops. Returns 0 if it was stopped, else 1. */
static int time_one(pw_instance *instance, pw_meter *meter)
{
    stopping s = {meter, .deadline = api->now() + 5000 * PW_MICROSECOND};
    uint64_t values[1] = {0};
    pw_callee callee = api->callee(find(instance, "grow_on"));
    meter->embedder = &s;
    atomic_store(&meter->due, s.deadline);
    if (s.deadline < atomic_load(api->timer_wakes()) || !meter->timed)
        api->timer_call(meter);
    pw_trap trap = api->call(&callee, values);
    atomic_store(&meter->due, PW_NEVER);
    meter->embedder = NULL;
    return trap != PW_TRAP_DEADLINE;
}

static int one_store(void)
{
    pw_error error;
    int host_calls = 0;
    pw_extern import = {PW_EXTERN_HOST, &host_calls};
    pw_store_limits limits = {65536, UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX};
    pw_store *store = pw_store_new(&limits, &error);
    pw_instance *instance = store ? pw_instance_new(store, module, &import, false, NULL, &error) : NULL;
    if (!instance) {
        fprintf(stderr, "%s\n", error.detail);
        exit(2);
    }
    pw_memory *memory = pw_memory_retain(pw_instance_memory(instance, 0));
    int wrong = call_all(store, instance) + (host_calls != 1);
    wrong += pw_memory_size(memory) != 2 * PW_PAGE;
    wrong += stop_one(store, instance);
    wrong += time_one(instance, api->store_meter(store));
    wrong += time_one(instance, api->store_meter(store));
    pw_store_free(store);
    wrong += pw_memory_size(memory) != 16 * PW_PAGE;
    pw_memory_release(memory);
    return wrong;
}

static void *work(void *result)
{
    for (int i = 0; i < STORES; ++i)
        *(int *)result += one_store();
    return NULL;
}

static void load(const char *path)
{
    static uint8_t bytes[65536];
    pw_error error;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    module = pw_module_new(bytes, size, &error);
    if (!module) {
        fprintf(stderr, "%s: %s\n", path, error.detail);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int wrong[THREADS] = {0}, total = 0;
    if (argc != 2)
        return 2;
    load(argv[1]);
    api = pw_get_api();
    api->set_hooks(host_add, tick, NULL);
    for (int i = 0; i < THREADS; ++i)
        if (pthread_create(&threads[i], NULL, work, &wrong[i]))
            return 2;
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
        total += wrong[i];
    }
    pw_module_release(module);
    printf("%d threads, %d stores each: %d wrong\n", THREADS, STORES, total);
    return total != 0;
}
