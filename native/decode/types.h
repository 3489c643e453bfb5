/* SPDX-License-Identifier: MIT */
/* Comparing and naming value types. */
#ifndef PW_TYPES_H
#define PW_TYPES_H

#include "decode/module.h"

/* Stands for a heap type that is a subtype of all others. No type in the binary format has this
 * byte. */
#define PW_HEAP_BOTTOM 1

/* Whether `actual` is a subtype of `expected`. `types` are the types of the module that both belong
 * to. An `actual` of 0, which the validator uses for an unknown type, is a subtype of every type.
 */
bool pw_matches(const pw_typedef *types, pw_valtype actual, pw_valtype expected);

/* The nullable reference type at the top of the hierarchy that a reference type belongs to. */
pw_valtype pw_top_type(const pw_typedef *types, pw_valtype reference);

/* cdef: begin */

/* A type as the text format writes it. */
typedef struct {
    char text[32];
} pw_typename;

/* A type index appears in the name as the canonical index that pw_valtype holds. */
pw_typename pw_valtype_name(pw_valtype type);

/* cdef: end */

#endif
