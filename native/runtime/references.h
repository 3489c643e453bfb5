/* SPDX-License-Identifier: MIT */
/* The bits of references. */
#ifndef PW_REFERENCES_H
#define PW_REFERENCES_H

#include <stdbool.h>
#include <stdint.h>

/* The last three bits of a reference say what it refers to: 0 is null, a function, or an object of
 * the host; PW_HEAP_TAG is an object of the heap, whose address precedes the reference by that
 * number; an odd number is an i31. So a reference means the same as anyref and as externref, and a
 * conversion between the two need not do anything. */
#define PW_HEAP_TAG 2u
#define PW_TAG_MASK 7u
#define PW_I31_TAG 1u

static inline bool pw_is_heap_reference(uint64_t ref)
{
    return (ref & PW_TAG_MASK) == PW_HEAP_TAG;
}

static inline bool pw_is_i31(uint64_t ref)
{
    return (ref & PW_I31_TAG) != 0;
}

static inline uint64_t pw_reference_of(const void *object)
{
    return (uint64_t)(uintptr_t)object + PW_HEAP_TAG;
}

/* An i31 of the low 31 bits of a number. */
static inline uint64_t pw_i31_of(uint32_t value)
{
    return (uint64_t)(value & 0x7fffffff) << 1 | PW_I31_TAG;
}

static inline uint32_t pw_i31_unsigned(uint64_t ref)
{
    return (uint32_t)ref >> 1;
}

static inline int32_t pw_i31_signed(uint64_t ref)
{
    return (int32_t)(uint32_t)ref >> 1;
}

/* A part of memory that contains references and is not part of the store, while code of ours uses
 * it. */
typedef struct pw_roots {
    struct pw_roots *next;
    const uint64_t *cells;
    const uint32_t *count;
} pw_roots;

#endif
