/* SPDX-License-Identifier: MIT */
/* Element segments. On failure, the result is false and the error is set. */
#ifndef PW_TABLES_H
#define PW_TABLES_H

#include "validate/validator.h"

/* Checks that the module has an element segment with this index. */
bool pw_check_elem_index(pw_validator *v, uint32_t index);

#endif
