/* SPDX-License-Identifier: MIT */
/* How a function reports that it failed: the first failure fills the pw_error, and later ones leave
 * it alone. */
#ifndef PW_ERROR_H
#define PW_ERROR_H

#include "base/attributes.h"
#include "base/traps.h"
#include "base/values.h"

/* cdef: begin */

typedef enum {
    PW_OK = 0,
    PW_MALFORMED,   /* the bytes are not a module */
    PW_INVALID,     /* the module breaks a validation rule */
    PW_UNSUPPORTED, /* the module is valid, but this version cannot run it */
    PW_LIMIT,       /* beyond a limit of native/base/limits.h, or a limit of the store */
    PW_LINK,        /* the imports given do not fit those of the module */
    PW_TRAPPED,     /* running code trapped: `trap` says why */
    PW_NO_MEMORY,   /* the system gave no memory or no address space */
    PW_SNAPSHOT     /* the bytes are not a snapshot, or not one of such an instance */
} pw_code;

typedef struct {
    pw_code code;
    pw_trap trap;      /* meaningful with PW_TRAPPED */
    uint32_t function; /* index in the module, or PW_NO_INDEX */
    uint64_t offset;   /* byte offset in the module */
    char detail[232];  /* begins with the phrase of the official test-suite */
} pw_error;

/* cdef: end */

void pw_error_clear(pw_error *error);

/* Fills `error` unless it holds a failure already. The text begins with the test-suite's phrase,
 * and then shows what was read and what was expected; a text that is too long is cut. The result is
 * always false, so that a reader can `return pw_fail(...)`. */
bool pw_fail(pw_error *error, pw_code code, uint64_t offset, const char *format, ...)
    PW_PRINTF(4, 5);

/* How many bytes of a name a message shows, to be used with "%.*s". Characters are not cut in two,
 * and a long name is shortened. */
int pw_shown_size(pw_name name);

#endif
