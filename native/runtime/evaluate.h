/* SPDX-License-Identifier: MIT */
/* Evaluating constant expressions. */
#ifndef PW_EVALUATE_H
#define PW_EVALUATE_H

#include "runtime/store.h"

/* Writes the value of a constant expression to `cells`, which has room for pw_cells of its type.
 * The functions and globals that the expression names must be in the instance already. False with
 * `error` set when the limits of the store or the system leave no memory for the structures and
 * arrays that the expression makes, or when instantiation must end. */
bool pw_evaluate(const pw_instance *instance, const pw_constexpr *expression, uint64_t *cells,
                 pw_error *error);

/* The value of an item of an element segment, if that makes no structure or array. */
uint64_t pw_evaluate_item(const pw_instance *instance, pw_elemitem item);

#endif
