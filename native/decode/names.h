/* SPDX-License-Identifier: MIT */
/* The names of the module and of its functions. */
#ifndef PW_NAMES_H
#define PW_NAMES_H

#include "decode/decoder.h"

/* Fills module.info.name and module.function_names. False only when there is no memory, with the
 * error set. */
bool pw_read_names(pw_decoder *decoder);

#endif
