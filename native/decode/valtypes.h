/* SPDX-License-Identifier: MIT */
/* Reading value types, heap types and type indices. In each function, `what` names in errors what
 * is read. On failure, the result is false, the error is set, and nothing is written. */
#ifndef PW_VALTYPES_H
#define PW_VALTYPES_H

#include "decode/decoder.h"

/* Reads a value type. */
bool pw_read_valtype(pw_decoder *decoder, const char *what, pw_valtype *type);
/* Reads a reference type. */
bool pw_read_reftype(pw_decoder *decoder, const char *what, pw_valtype *type);
/* Reads a heap type. *type is the nullable reference type to it. */
bool pw_read_heaptype(pw_decoder *decoder, const char *what, pw_valtype *type);
/* Reads the index of a type that may be named at this place. */
bool pw_read_typeindex(pw_decoder *decoder, uint32_t *index);
/* Reads the index of a function type. *index is the index as the module has it, which is not always
 * the canonical one. */
bool pw_read_functypeindex(pw_decoder *decoder, uint32_t *index);

#endif
