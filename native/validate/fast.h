/* SPDX-License-Identifier: MIT */
/* A fast path for frequent instructions. */
#ifndef PW_FAST_H
#define PW_FAST_H

#include "validate/validator.h"

/* Checks frequent instructions, up to one that is not frequent or not valid. */
void pw_check_fast(pw_validator *v);

#endif
