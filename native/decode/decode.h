/* SPDX-License-Identifier: MIT */
/* Reading a whole module. */
#ifndef PW_DECODE_H
#define PW_DECODE_H

#include "decode/decoder.h"

/* Reads the bytes of a new module into its tables. The module may use the features `runnable`: a
 * valid module that uses others fails with PW_UNSUPPORTED. The decoder must be zero except for its
 * `checker`. False with `error` set; the caller still owns the module and frees it. */
bool pw_decode_module(pw_decoder *decoder, pw_module *module, uint32_t runnable, pw_error *error);

#endif
