/* SPDX-License-Identifier: MIT */
#ifndef PW_EVALUATE_H
#define PW_EVALUATE_H

#include "runtime/store.h"

/* The value of a constant expression; the globals that it reads are there. */
uint64_t pw_evaluate(const pw_instance *instance, const pw_constexpr *expression);

#endif
