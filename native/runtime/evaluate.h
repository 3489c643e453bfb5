/* SPDX-License-Identifier: MIT */
/* Evaluating constant expressions. */
#ifndef PW_EVALUATE_H
#define PW_EVALUATE_H

#include "runtime/store.h"

/* Writes the value of a constant expression to `cells`, which has room for pw_cells of its type.
 * The functions and globals that the expression names must be in the instance already. */
void pw_evaluate(const pw_instance *instance, const pw_constexpr *expression, uint64_t *cells);

#endif
