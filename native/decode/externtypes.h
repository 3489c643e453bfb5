/* SPDX-License-Identifier: MIT */
/* Reading the types of functions, tables, memories, globals and tags. On failure, the result of
 * each function is false and the error is set. */
#ifndef PW_EXTERNTYPES_H
#define PW_EXTERNTYPES_H

#include "decode/decoder.h"

/* Reads the byte that says whether a global or a field is mutable. */
bool pw_read_mutability(pw_decoder *decoder, bool *is_mutable);
/* Reads the type of a function, table, memory, global or tag. It follows the kind of an import, and
 * begins each entry of the section for this kind. */
bool pw_read_externtype(pw_decoder *decoder, pw_externkind kind, pw_externtype *type);

#endif
