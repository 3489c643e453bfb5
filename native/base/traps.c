/* SPDX-License-Identifier: MIT */
/* The texts of traps. */
#include "base/traps.h"

#include <stddef.h>

#define PW_TRAP_TEXT(name, text, engine) [PW_TRAP_##name] = (text),
#define PW_TRAP PW_TRAP_TEXT
#define PW_FAILURE PW_TRAP_TEXT

const char *pw_trap_text(pw_trap trap)
{
    static const char *const texts[PW_TRAP_COUNT] = {
#include "base/traps.def"
    };
    return texts[trap];
}
