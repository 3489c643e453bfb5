/* SPDX-License-Identifier: MIT */
/* The locals of the function that is being checked. */
#ifndef PW_VARIABLES_H
#define PW_VARIABLES_H

#include "validate/validator.h"

/* The functions of these names in pw_code_checker. */
void pw_begin_locals(pw_decoder *decoder, const pw_functype *type);
bool pw_add_locals(pw_decoder *decoder, uint32_t count, pw_valtype type);
/* Takes back all assignments to locals except for the first `kept` ones. */
void pw_forget_assigned(pw_validator *validator, uint32_t kept);

#endif
