/* SPDX-License-Identifier: MIT */
/* Counts the steps in which the engine reads, links and compiles a module.
 *
 * The engine's sources are compiled with -fsanitize-coverage=trace-pc, with which a compiler calls
 * __sanitizer_cov_trace_pc in each basic block, and with the functions of the C library that walk
 * memory renamed to those below. A basic block is a step, and so are STEP bytes that such a
 * function walks. The numbers do not depend on how fast the machine is.
 *
 *     steps module FILE...    reads the modules
 *     steps validate FILE...  only validates them
 *     steps instance FILE...  makes an instance of each, with all functions compiled
 *     steps identity FILE...  asks for the type of each import of the module, in a store that has
 * an instance of it and 1000 younger ones of another module steps hash COUNT        prints the
 * hashes of the bytes 0, 1, 2, ..., for up to COUNT bytes
 *
 * For each file it prints the steps, and the error if there was one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/instance.h"

#define MAX_SIZE (1 << 24)
#define STEP 16
#define OTHERS 1000

static unsigned long long steps;

void __sanitizer_cov_trace_pc(void);
void *steps_memcpy(void *to, const void *from, size_t size);
void *steps_memmove(void *to, const void *from, size_t size);
void *steps_memset(void *to, int byte, size_t size);
int steps_memcmp(const void *a, const void *b, size_t size);
void *steps_calloc(size_t count, size_t size);
void *steps_realloc(void *old, size_t size);

void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

void *steps_memcpy(void *to, const void *from, size_t size)
{
    steps += size / STEP;
    return memcpy(to, from, size);
}

void *steps_memmove(void *to, const void *from, size_t size)
{
    steps += size / STEP;
    return memmove(to, from, size);
}

void *steps_memset(void *to, int byte, size_t size)
{
    steps += size / STEP;
    return memset(to, byte, size);
}

int steps_memcmp(const void *a, const void *b, size_t size)
{
    steps += size / STEP;
    return memcmp(a, b, size);
}

void *steps_calloc(size_t count, size_t size)
{
    steps += count * size / STEP;
    return calloc(count, size);
}

void *steps_realloc(void *old, size_t size)
{
    steps += size / STEP;
    return realloc(old, size);
}

static pw_instance *instantiate(pw_store *store, pw_module *module, pw_error *error)
{
    uint32_t count = pw_module_get_info(module)->nimports;
    pw_extern *imports = calloc(count + 1, sizeof *imports);
    for (uint32_t i = 0; i < count; i++) {
        imports[i].kind = PW_EXTERN_HOST;
    }
    pw_instance *instance = pw_instance_new(store, module, imports, true, NULL, error);
    free(imports);
    return instance;
}

static void ask_for_types(pw_store *store, pw_module *module, pw_error *error)
{
    static const uint8_t empty[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    const pw_module_info *info = pw_module_get_info(module);
    pw_module *other = pw_module_new(empty, sizeof empty, error);
    for (int i = 0; i < OTHERS; i++) {
        instantiate(store, other, error);
    }
    steps = 0;
    for (uint32_t i = 0; i < info->nimports; i++) {
        pw_store_type(store, module, info->imports[i].type.type_index);
    }
    pw_module_release(other);
}

static void run(const char *what, const uint8_t *data, size_t size, pw_error *error)
{
    steps = 0;
    if (strcmp(what, "validate") == 0) {
        pw_module_validate(data, size, error);
        return;
    }
    pw_module *module = pw_module_new(data, size, error);
    if (module == NULL || strcmp(what, "module") == 0) {
        return;
    }
    const pw_store_limits limits = {1 << 20, 1 << 20, 1000, UINT64_MAX, UINT64_MAX};
    pw_store *store = pw_store_new(&limits, error);
    steps = 0;
    if (instantiate(store, module, error) != NULL && strcmp(what, "identity") == 0) {
        ask_for_types(store, module, error);
    }
}

static void print_hashes(size_t count)
{
    uint8_t bytes[256];
    for (size_t i = 0; i <= count && i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
        printf("%016llx\n", (unsigned long long)pw_hash_bytes(bytes, i));
    }
}

int main(int argc, char **argv)
{
    static uint8_t data[MAX_SIZE];
    if (argc < 3) {
        return 2;
    }
    if (strcmp(argv[1], "hash") == 0) {
        print_hashes((size_t)atoi(argv[2]));
        return 0;
    }
    for (int i = 2; i < argc; i++) {
        pw_error error = {0};
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            return 2;
        }
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        run(argv[1], data, size, &error);
        printf("%llu %s\n", steps, error.detail);
    }
    return 0;
}
