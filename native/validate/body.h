/* SPDX-License-Identifier: MIT */
/* The checker of function bodies and constant expressions. */
#ifndef PW_BODY_H
#define PW_BODY_H

#include "validate/validator.h"

/* The checker to be given to the decoder that a pw_validator contains. */
extern const pw_code_checker pw_validating_checker;

/* Frees the buffers of a validator. */
void pw_free_validator(pw_validator *validator);

#endif
