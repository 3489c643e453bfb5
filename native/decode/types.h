/* SPDX-License-Identifier: MIT */
/* Value types taken apart, compared and named. */
#ifndef PW_TYPES_H
#define PW_TYPES_H

#include "decode/module.h"

/* Stands for a heap type below all others; no byte of the binary format. */
#define PW_HEAP_BOTTOM 1

/* Whether `actual` is a subtype of `expected`. `types` are the module's. */
bool pw_matches(const pw_typedef *types, pw_valtype actual, pw_valtype expected);
/* The same of heap types as pw_heap_type gives them. */
bool pw_heap_matches(const pw_typedef *types, uint32_t actual, uint32_t expected);

/* The nullable type at the top of a reference type's hierarchy. */
pw_valtype pw_top_type(const pw_typedef *types, pw_valtype reference);

/* A type as the text format writes it. */
typedef struct {
    char text[32];
} pw_typename;

pw_typename pw_valtype_name(pw_valtype type);

/* ---- the type section ------------------------------------------------------------------------ */

/* State while it is read. */
typedef struct {
    pw_typedef *typedefs;
    uint32_t capacity;    /* of typedefs, and of the function types */
    uint32_t group_start; /* types from here on are not yet canonical */
    uint32_t limit;       /* types below may be named */
    uint32_t *groups;     /* owned: a hash table of 1 + first type of each distinct group */
    uint32_t groups_capacity;
    uint32_t ngroups;
} pw_typesection;

#endif
