/* SPDX-License-Identifier: MIT */
/* Numbers for objects of the heap, in the order in which somebody first asks for them. */
#ifndef PW_NUMBERING_H
#define PW_NUMBERING_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as zeros. The objects must live, and no object may be made, as long as it is used. */
typedef struct {
    uint64_t *refs; /* references to the objects that have numbers, by number */
    uint32_t count;
    uint32_t capacity; /* references that there is room for */
    uint32_t *places;  /* a hash table with open addressing: 1 + a number, or 0 */
    uint32_t nplaces;  /* a power of two, or 0 */
} pw_numbering;

/* Finds or makes the number of an object: a new one is the count from before. False if there is no
 * memory. */
bool pw_numbering_find(pw_numbering *numbering, uint64_t ref, uint32_t *number);
/* Frees what a numbering contains. */
void pw_numbering_free(const pw_numbering *numbering);

#endif
