/* SPDX-License-Identifier: MIT */
/* How exceptions get from calls to pywasm3/_pure.
 *
 * Between two functions of C, Python can make another call in the same store: in a finalizer, in a
 * signal handler, or in a trace function. Exceptions are thrown and caught in that call, too. So a
 * call sets aside what is on its way in the store when it begins, and what it ends with is kept,
 * apart from the store's own state, until Python has taken it. */
#ifndef PW_THROWN_H
#define PW_THROWN_H

#include "embed/api.h"

/* What was on its way in a store. It must not move while a call has set it aside. */
typedef struct {
    bool is_set; /* an exception was on its way */
    bool of_host;
    uint64_t reference; /* 0: the exception is the host's alone */
    uint32_t count;     /* of references: 1 */
    pw_roots roots;
} pw_aside;

/* Takes the exception that is on its way, if there is one, out of the store. */
void pw_set_aside(pw_store *store, pw_aside *aside);
/* Puts it back on its way. */
void pw_put_back(pw_store *store, pw_aside *aside);

/* What a call has ended with. */
typedef struct {
    bool thrown;  /* an exception of wasm, which is held by the handle */
    bool of_host; /* one that a host function raised just now, and that the host has */
    uint32_t handle;
} pw_ending;

/* What the calls have ended with that are not settled, by how often the store was entered. */
typedef struct {
    pw_ending *endings;
    uint32_t count;
} pw_endings;

/* Keeps the exception that is on its way in the store, which was entered `depth` times. False if
 * there is no memory, and the exception is lost. */
bool pw_keep_ending(pw_store *store, pw_endings *endings, uint32_t depth);
/* The next two functions do with the exception of a call what pw_api.exception_thrown and
 * pw_exception_keep do with one that is on its way. If the call ended without one, the result is
 * empty, or NULL. */
pw_thrown pw_ending_thrown(pw_store *store, const pw_endings *endings, uint32_t depth);
pw_object *pw_ending_keep(pw_store *store, const pw_endings *endings, uint32_t depth);
/* Forgets the exceptions of calls that had entered the store `depth` times or more. */
void pw_end_endings(pw_store *store, pw_endings *endings, uint32_t depth);

#endif
