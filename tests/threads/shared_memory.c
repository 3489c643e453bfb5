/* SPDX-License-Identifier: MIT */
/* Looks for data races between threads whose stores share a memory: when they map it, grow it, wait
 * at it and notify each other, and free it. tools/tsan.py builds this program with ThreadSanitizer
 * and runs it. The expected results are written by hand from shared_memory.wat. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/api.h"

enum { THREADS = 3, MEMORIES = 20, ROUNDS = 200 };

/* What one thread calls, and what the call returns. */
typedef struct {
    const char *name;
    uint32_t argument;
    uint32_t result;
} step;

static const step steps[THREADS][5] = {
    {{"count", ROUNDS, 0}, {"grow", 0, 64}, {"wait", 2048, 1}, {"wake", 2052, 1}, {"doze", 0, 2}},
    {{"count", ROUNDS, 0}, {"watch", 0, 64}, {"wait", 2048, 1}, {"wait", 2052, 1}, {"doze", 0, 2}},
    {{"count", ROUNDS, 0}, {"grow", 0, 64}, {"wake", 2048, 1}, {"wait", 2052, 1}, {"doze", 0, 2}},
};

static pw_module *module;
static const pw_api *api;

static pw_trap tick(void *embedder)
{
    (void)embedder;
    return PW_TRAP_NONE;
}

static pw_store *new_store(void)
{
    pw_error error;
    pw_store_limits limits = {65536, UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX};
    pw_store *store = pw_store_new(&limits, &error);
    if (store == NULL) {
        fprintf(stderr, "%s\n", error.detail);
        exit(2);
    }
    return store;
}

static pw_func *find(pw_instance *instance, const char *name)
{
    const pw_module_info *info = pw_module_get_info(module);
    for (uint32_t i = 0; i < info->nexports; i++) {
        if (strlen(name) == info->exports[i].name.size &&
            !memcmp(name, info->exports[i].name.data, info->exports[i].name.size)) {
            return pw_instance_func(instance, info->exports[i].index);
        }
    }
    exit(2);
}

typedef struct {
    pw_memory *memory; /* one reference, which the thread gives up */
    const step *steps;
    int wrong;
} job;

static void *work(void *argument)
{
    job *j = argument;
    pw_error error;
    pw_store *store = new_store();
    pw_extern import = {PW_EXTERN_MEMORY, j->memory};
    pw_instance *instance = pw_instance_new(store, module, &import, false, NULL, &error);
    if (instance == NULL) {
        fprintf(stderr, "%s\n", error.detail);
        exit(2);
    }
    pw_memory_release(j->memory);
    for (size_t i = 0; i < sizeof steps[0] / sizeof *steps[0]; i++) {
        uint64_t values[1] = {j->steps[i].argument};
        pw_callee callee = api->callee(find(instance, j->steps[i].name));
        pw_trap trap = api->call(&callee, values);
        if (trap != PW_TRAP_NONE || (uint32_t)values[0] != j->steps[i].result) {
            fprintf(stderr, "%s: trap %d, result %u\n", j->steps[i].name, (int)trap,
                    (unsigned)values[0]);
            j->wrong++;
        }
    }
    pw_store_free(store);
    return NULL;
}

/* Makes a memory in a store that ends before the threads do. Returns how much went wrong. */
static int one_memory(void)
{
    pthread_t threads[THREADS];
    job jobs[THREADS];
    pw_error error;
    int wrong = 0;
    pw_store *store = new_store();
    pw_limits limits = {.min = 1, .max = 64, .has_max = true, .shared = true};
    pw_memory *memory = pw_memory_new(store, &limits, &error);
    if (memory == NULL) {
        fprintf(stderr, "%s\n", error.detail);
        exit(2);
    }
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){pw_memory_retain(memory), steps[i], 0};
        if (pthread_create(&threads[i], NULL, work, &jobs[i])) {
            exit(2);
        }
    }
    pw_store_free(store);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += jobs[i].wrong;
    }
    uint32_t count;
    memcpy(&count, pw_memory_data(memory) + 512, sizeof count);
    wrong += count != THREADS * ROUNDS;
    wrong += pw_memory_size(memory) != 64 * PW_PAGE;
    pw_memory_release(memory);
    return wrong;
}

static void load(const char *path)
{
    static uint8_t bytes[65536];
    pw_error error;
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    module = pw_module_new(bytes, size, &error);
    if (module == NULL) {
        fprintf(stderr, "%s: %s\n", path, error.detail);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    int total = 0;
    if (argc != 2) {
        return 2;
    }
    load(argv[1]);
    api = pw_get_api();
    api->set_hooks(NULL, tick, NULL);
    for (int i = 0; i < MEMORIES; i++) {
        total += one_memory();
    }
    pw_module_release(module);
    printf("%d threads, %d shared memories: %d wrong\n", THREADS, MEMORIES, total);
    return total != 0;
}
