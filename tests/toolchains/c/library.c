// SPDX-License-Identifier: MIT

// A library with WASI's C library: it is initialized, keeps what it is told, and reads files.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

int EXPORT(constructions)(void)
{
    return constructed;
}

// Returns a text twice, with a line between; the caller frees it.
char *EXPORT(twice)(const char *text)
{
    char *made = NULL;
    return asprintf(&made, "%s\n%s", text, text) < 0 ? NULL : made;
}

// Returns the bytes of a file, or -1.
long EXPORT(size_of)(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return -1;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    return size;
}
