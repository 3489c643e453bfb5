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

#endif
