/* SPDX-License-Identifier: MIT */
/* How a function reports that it failed: the first failure fills the pw_error, and later failures
 * leave it as it is. */
#ifndef PW_ERROR_H
#define PW_ERROR_H

#include "base/attributes.h"
#include "base/features.h"
#include "base/traps.h"
#include "base/values.h"

/* cdef: begin */

typedef enum {
    PW_OK = 0,
    PW_MALFORMED,   /* the bytes are not a module */
    PW_INVALID,     /* the module breaks a validation rule */
    PW_UNSUPPORTED, /* the module is valid, but this version cannot run it */
    PW_LIMIT,       /* something exceeds a limit of native/base/limits.h or of the store */
    PW_LINK,        /* the imports that were given do not match those of the module */
    PW_TRAPPED,     /* running code trapped: `trap` says why */
    PW_NO_MEMORY,   /* the system gave no memory or no address space */
    PW_SNAPSHOT     /* the bytes are not a snapshot, or not a snapshot of such an instance */
} pw_code;

typedef struct {
    pw_code code;
    pw_trap trap;      /* meaningful only if code is PW_TRAPPED */
    uint32_t function; /* index of the function in the module, or PW_NO_INDEX */
    uint32_t features; /* of PW_UNSUPPORTED: a bit for each pw_feature that cannot be run */
    uint64_t offset;   /* byte offset in the module */
    char detail[232];  /* the message, which begins with the phrase of the official test-suite */
} pw_error;

/* cdef: end */

/* Makes `error` hold no failure. */
void pw_error_clear(pw_error *error);

/* Fills `error` unless it holds a failure already. The text begins with the phrase of the official
 * test-suite and then says what was expected and what came instead. A text that is too long is cut.
 * The result is always false, so that a function can `return pw_fail(...)`. */
bool pw_fail(pw_error *error, pw_code code, uint64_t offset, const char *format, ...)
    PW_PRINTF(4, 5);

/* How many bytes of a name a message shows, for use with "%.*s". A long name is shortened, but
 * never in the middle of a character. */
int pw_shown_size(pw_name name);

/* The ending of a noun after a number: "" after 1, and "s" after any other number. */
static inline const char *pw_plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

#endif
