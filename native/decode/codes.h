/* SPDX-License-Identifier: MIT */
/* The code section (10). */
#ifndef PW_CODES_H
#define PW_CODES_H

#include "decode/decoder.h"

/* Makes room for `count` function bodies. */
bool pw_begin_codes(pw_decoder *decoder, uint32_t count);
/* Reads one function body and has the validator check it. An error names the function. */
bool pw_read_code(pw_decoder *decoder);
/* Checks that there are as many bodies as functions that need one. This comes after all sections
 * have been read, because a second code section, for example, is the more helpful error. */
bool pw_check_code_count(pw_decoder *decoder);

#endif
