/* SPDX-License-Identifier: MIT */
/* The hook that long work calls. */
#include "runtime/meter.h"

static pw_poll_hook poll_hook;

void pw_set_poll_hook(pw_poll_hook hook)
{
    poll_hook = hook;
}

pw_trap pw_poll(const pw_meter *meter, bool in_call)
{
    return poll_hook != NULL && meter->embedder != NULL ? poll_hook(meter->embedder, in_call)
                                                        : PW_TRAP_NONE;
}

bool pw_may_go_on(const pw_meter *meter, pw_error *error)
{
    pw_trap trap = pw_poll(meter, false);
    if (trap == PW_TRAP_NONE) {
        return true;
    }
    pw_fail(error, PW_TRAPPED, 0, "%s", pw_trap_text(trap));
    error->trap = trap;
    return false;
}
