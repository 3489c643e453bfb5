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

/* The abstract heap type directly above the defined types of a kind (pw_typekind). */
uint32_t pw_heap_of_kind(uint8_t kind);
/* The top of the hierarchy that an abstract heap type belongs to. */
uint32_t pw_top_of(uint32_t heap);
/* Whether an abstract heap type is a subtype of another one. */
bool pw_abstract_matches(uint32_t actual, uint32_t expected);
/* Whether an abstract heap type is the bottom of the hierarchy that another one belongs to. */
bool pw_is_bottom_of(uint32_t actual, uint32_t heap);

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
