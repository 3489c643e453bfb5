/* SPDX-License-Identifier: MIT */
/* Makes each allocation of the decoder and validator fail once, and checks that the failure is
 * reported and that nothing leaks. The sources of the decoder and validator are compiled with
 * malloc, calloc, realloc and free renamed to the functions below. The arguments of the program are
 * files with valid modules. */
#include <stdio.h>
#include <stdlib.h>

#include "validate/module.h"

#define MAX_SIZE (1 << 24)

static long live;          /* allocations that are not freed yet */
static long until_failure; /* allocations that succeed before one fails; if negative, none fails */

static int fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *fault_malloc(size_t size);
void *fault_calloc(size_t count, size_t size);
void *fault_realloc(void *old, size_t size);
void fault_free(void *pointer);

void *fault_malloc(size_t size)
{
    void *result = fails() ? NULL : malloc(size);
    live += result != NULL;
    return result;
}

void *fault_calloc(size_t count, size_t size)
{
    void *result = fails() ? NULL : calloc(count, size);
    live += result != NULL;
    return result;
}

void *fault_realloc(void *old, size_t size)
{
    void *result = fails() ? NULL : realloc(old, size);
    live += result != NULL && old == NULL;
    return result;
}

void fault_free(void *pointer)
{
    live -= pointer != NULL;
    free(pointer);
}

/* Makes a module and releases it, or only validates the bytes if `keep` is 0. Returns whether that
 * succeeded. */
static int attempt(const unsigned char *data, size_t size, int keep, pw_error *error)
{
    if (!keep) {
        return pw_module_validate(data, size, error);
    }
    pw_module *module = pw_module_new(data, size, error);
    if (module != NULL) {
        pw_module_release(module);
    }
    return module != NULL;
}

/* Fails each allocation in turn. Returns how many allocations there are, or -1 if one of the
 * failures was not reported or lost memory. */
static long fail_each(const char *name, const unsigned char *data, size_t size, int keep)
{
    pw_error error;
    for (long n = 0;; n++) {
        until_failure = n;
        int made = attempt(data, size, keep, &error);
        int failed = until_failure < 0;
        until_failure = -1;
        if (live != 0) {
            printf("%s: %ld allocations leak when allocation %ld fails\n", name, live, n);
            return -1;
        }
        if (!failed) {
            return made ? n : (printf("%s: %s\n", name, error.detail), -1);
        }
        if (made || error.code != PW_NO_MEMORY) {
            printf("%s: the failure of allocation %ld is reported as code %d: %s\n", name, n,
                   error.code, error.detail);
            return -1;
        }
    }
}

int main(int argc, char **argv)
{
    static unsigned char data[MAX_SIZE];
    until_failure = -1;
    int result = argc < 2;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            return 2;
        }
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        pw_error error;
        int runnable = attempt(data, size, 1, &error) || error.code != PW_UNSUPPORTED;
        long made = runnable ? fail_each(argv[i], data, size, 1) : 0;
        long validated = fail_each(argv[i], data, size, 0);
        result |= made < 0 || validated < 0;
        printf("%s: %ld and %ld allocations\n", argv[i], made, validated);
    }
    return result;
}
