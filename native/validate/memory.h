/* SPDX-License-Identifier: MIT */
/* Memory accesses and data segments. On failure, the result is false and the error is set. */
#ifndef PW_VALIDATE_MEMORY_H
#define PW_VALIDATE_MEMORY_H

#include "validate/validator.h"

/* Reads and checks the alignment, the memory and the offset of an access. *address is the type of
 * the memory's addresses. If `exact` is set, the alignment must be the natural one. */
bool pw_read_memarg(pw_validator *v, bool exact, pw_valtype *address);

/* Checks that the module has a data segment with this index, and the section that counts them. */
bool pw_check_data_index(pw_validator *v, uint32_t index);

#endif
