/* SPDX-License-Identifier: MIT */
/* When calls hold the GIL. A call begins with it, lets go of it once it has run for a while, and
 * takes it again for host functions, for the handlers of signals, and to return. */
#ifndef PW_CPYTHON_GIL_H
#define PW_CPYTHON_GIL_H

#include <Python.h>

#include <stdint.h>

#include "base/traps.h"
#include "cpython/store.h"
#include "cpython/watch.h"

/* Says which thread runs the handlers of signals. */
void pw_set_main_thread(unsigned long ident);
/* Takes the GIL that the running call has let go of. */
void pw_take_gil(pw_store_object *self);
/* Lets go of the GIL if the running call has kept it long enough; on the main thread, also runs the
 * handlers of signals when they are due. `time` is now. The result stops the call: PW_TRAP_HOST, or
 * why the call must stop now that the handlers have run. */
pw_trap pw_release_gil(pw_store_object *self, int64_t time);
/* Lets go of the GIL if long work of the engine has kept it long enough. The work may be in the
 * middle of a change, so the handlers of signals have to wait. */
void pw_release_gil_in_work(pw_watch *watch, int64_t time);

#endif
