/* SPDX-License-Identifier: MIT */
/* The kinds of traps, one for each row of traps.def. build_ffi.py makes the same enum for cffi from
 * these rows. */
#ifndef PW_TRAPS_H
#define PW_TRAPS_H

#define PW_TRAP_NUMBER(name, text, engine) PW_TRAP_##name,
#define PW_TRAP PW_TRAP_NUMBER
#define PW_FAILURE PW_TRAP_NUMBER
typedef enum {
    PW_TRAP_NONE = 0,
#include "base/traps.def"
    PW_TRAP_COUNT
} pw_trap;
#undef PW_TRAP
#undef PW_FAILURE
#undef PW_TRAP_NUMBER

/* The text of a trap's row in traps.def; static. NULL for PW_TRAP_NONE. */
const char *pw_trap_text(pw_trap trap);

#endif
