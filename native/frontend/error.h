/* SPDX-License-Identifier: MIT */
/* How the front-end reports: the first failure fills the pw_error, later ones leave it alone. */
#ifndef PW_ERROR_H
#define PW_ERROR_H

#include "../bridge/pw.h"

#if defined(__GNUC__)
#define PW_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PW_PRINTF(at, first)
#endif

void pw_error_clear(pw_error *error);

/* Fills `error` unless it holds a failure already. The text begins with the test-suite's phrase,
 * then shows what was read and what was expected; what does not fit is cut. Always false, so that
 * a reader can `return pw_fail(...)`. */
bool pw_fail(pw_error *error, pw_code code, uint64_t offset, const char *format, ...)
    PW_PRINTF(4, 5);

/* How many bytes of a name a message shows, for "%.*s": whole characters, and not too many. */
int pw_shown_size(pw_name name);

#endif
