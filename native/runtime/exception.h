/* SPDX-License-Identifier: MIT */
/* Exceptions that code throws and catches. A reference of type exnref is the address of one. */
#ifndef PW_EXCEPTION_H
#define PW_EXCEPTION_H

#include "runtime/store.h"

/* It lives until no reference to it is left: a collection finds out, or the operation that catches
 * it knows. */
struct pw_exception {
    pw_exception *next;    /* in the store's list, the newest one first */
    pw_exception *pending; /* the next one whose values a collection still has to follow */
    const pw_tag *tag;     /* NULL: an exception of the host; its value is an external reference */
    uint32_t ncells;
    bool referenced;  /* code was given a reference, so that only a collection can free it */
    bool marked;      /* a collection has reached it */
    uint64_t cells[]; /* the values, whose types are the parameters of the tag */
};

/* Makes an exception with room for the values of its tag. `used` is the end of what running code
 * uses of the value stack: a collection looks for references below. NULL if the limits of the store
 * or the system leave no memory. */
pw_exception *pw_exception_new(pw_store *store, const pw_tag *tag, const uint64_t *used);
/* Makes an exception of the host, which the external reference stands for. */
pw_exception *pw_exception_of_host(pw_store *store, uint64_t host);
/* Frees an exception that was caught, unless code may refer to it. */
void pw_exception_forget(pw_store *store, pw_exception *exception);
/* Frees all exceptions of a store that ends. */
void pw_exceptions_free(pw_store *store);

#endif
