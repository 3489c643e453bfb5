/* SPDX-License-Identifier: MIT */
/* When calls hold the GIL. A call begins with it, releases it once it has run for a while, and
 * takes it again for host functions, for the handlers of signals, and to return. */
#ifndef PW_CPYTHON_GIL_H
#define PW_CPYTHON_GIL_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "cpython/watch.h"

/* Says which thread runs the handlers of signals. */
void pw_set_main_thread(unsigned long ident);
bool pw_on_main_thread(void);
/* Releases the GIL; on the main thread until the handlers of signals are due. */
void pw_release_gil(pw_watch *watch);
/* Takes the GIL that the running call has released. */
void pw_take_gil(pw_watch *watch);
/* Whether a call should release the GIL now: because it has kept it long enough; or because it
 * has just taken it, on the main thread, when the handlers of signals were due. `time` is now. */
bool pw_may_release_gil(pw_watch *watch, int64_t time);
/* Releases the GIL if long work of the engine has kept it long enough. The work may be in the
 * middle of a change, so the handlers of signals have to wait. */
void pw_release_gil_in_work(pw_watch *watch, int64_t time);

#endif
