/* SPDX-License-Identifier: MIT */
/* Reading constant expressions. */
#ifndef PW_CONSTEXPR_H
#define PW_CONSTEXPR_H

#include "decode/decoder.h"

/* Reads a constant expression up to and including its `end`, and has the validator check that it
 * gives one value of the expected type. `what` names the expression in errors. */
bool pw_read_constexpr(pw_decoder *decoder, const char *what, pw_valtype expected,
                       pw_constexpr *expression);

#endif
