/* SPDX-License-Identifier: MIT */
/* Part of engine.c: rounding makes a signalling NaN quiet, which the code that a compiler puts in
 * place of the C functions need not do. Included before m3_exec.h, which then uses ours. */

#include <math.h>

#define QUIET(TYPE, FUNCTION)                                    \
    static inline TYPE quiet_##FUNCTION(TYPE value)              \
    {                                                            \
        return value != value ? value + value : FUNCTION(value); \
    }

QUIET(f32, ceilf)
QUIET(f64, ceil)
QUIET(f32, floorf)
QUIET(f64, floor)
QUIET(f32, truncf)
QUIET(f64, trunc)
QUIET(f32, rintf)
QUIET(f64, rint)

#undef QUIET
#define ceilf quiet_ceilf
#define ceil quiet_ceil
#define floorf quiet_floorf
#define floor quiet_floor
#define truncf quiet_truncf
#define trunc quiet_trunc
#define rintf quiet_rintf
#define rint quiet_rint
