/* SPDX-License-Identifier: MIT */
/* The type section (1), and the identity of types. */
#ifndef PW_TYPESECTION_H
#define PW_TYPESECTION_H

#include "decode/decoder.h"

/* Makes room for the type section, which has `count` entries. */
bool pw_begin_types(pw_decoder *decoder, uint32_t count);
/* Reads one entry of the type section: a recursion group. */
bool pw_read_type(pw_decoder *decoder);
/* Frees what pw_read_type allocated outside of the module. */
void pw_end_types(pw_decoder *decoder);

/* Describes a recursion group in words: two groups are equal exactly when their words are equal,
 * even if they belong to different modules. `first` is pw_typedef.group of a type of the group.
 * A type outside the group with the index `i` appears as identities[i]. At most `capacity` words
 * are written. The result is how many words the group needs. */
uint32_t pw_module_group_key(const pw_module *module, uint32_t first, const uint32_t *identities,
                             uint32_t *words, uint32_t capacity);

#endif
