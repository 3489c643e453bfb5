/* SPDX-License-Identifier: MIT */
/* Value types taken apart, compared and named. */
#ifndef PW_TYPES_H
#define PW_TYPES_H

#include "decode/module.h"

/* Stands for a heap type below all others; no byte of the binary format. */
#define PW_HEAP_BOTTOM 1

/* Whether `actual` is a subtype of `expected`. `types` are the module's. */
bool pw_matches(const pw_typedef *types, pw_valtype actual, pw_valtype expected);

/* The nullable type at the top of a reference type's hierarchy. */
pw_valtype pw_top_type(const pw_typedef *types, pw_valtype reference);

/* A type as the text format writes it. */
typedef struct {
    char text[32];
} pw_typename;

pw_typename pw_valtype_name(pw_valtype type);

#endif
