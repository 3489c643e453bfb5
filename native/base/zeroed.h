/* SPDX-License-Identifier: MIT */
/* Allocates memory that is zeroed. */
#ifndef PW_ZEROED_H
#define PW_ZEROED_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Bytes. Each thread of a program with glibc keeps lists of freed blocks up to this size. */
#define PW_SMALL_BLOCK 1032

/* Does what calloc does, quicker for small blocks: glibc's malloc looks into the lists of the
 * thread, and its calloc does not. To be freed by free(). */
static inline void *pw_zeroed(size_t count, size_t size)
{
    if (size == 0 || count > PW_SMALL_BLOCK / size) {
        return calloc(count, size);
    }
    void *block = malloc(count * size);
    return block != NULL ? memset(block, 0, count * size) : NULL;
}

#endif
