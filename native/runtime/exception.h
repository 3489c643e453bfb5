/* SPDX-License-Identifier: MIT */
/* Exceptions that code throws and catches. A reference of type exnref is the address of one.
 *
 * An exception is *on its way* from the code that throws it to the code that catches it. Meanwhile
 * store->exceptions.thrown is its address.
 *
 * A host function can raise an exception of the host. While this is on its way,
 * store->exceptions.of_host is set, and the host keeps the exception: `thrown` is NULL unless the
 * exception has a tag of the store. When code catches it, the engine calls the catch hook
 * (meter.h). If the code also gets a reference, the external reference that the hook returns stands
 * for the exception of the host from then on, so that the host finds it again when the code throws
 * the reference. */
#ifndef PW_EXCEPTION_H
#define PW_EXCEPTION_H

#include "runtime/heap.h"

/* Makes an exception with room for the values of its tag, which may be NULL. `used` is the end of
 * what running code uses of the value stack: a collection looks for references below. NULL if the
 * limits of the store or the system leave no memory. */
pw_exception *pw_exception_new(pw_store *store, const pw_tag *tag, const uint64_t *used);
/* cdef: begin */

/* Puts an exception of the host on its way. The host hook calls this, and returns
 * PW_TRAP_EXCEPTION. `cells` has the values for the tag, which may be NULL. False if there is no
 * memory. */
bool pw_exception_raise(pw_store *store, const pw_tag *tag, const uint64_t *cells);
/* Makes an object that keeps the exception on its way: a global that refers to it. NULL if there is
 * no memory. */
pw_object *pw_exception_keep(pw_store *store);
/* Puts on its way what such an object keeps. False if the object keeps no exception. */
bool pw_exception_raise_kept(pw_store *store, const pw_object *object);
/* Ends the way of an exception that code did not catch. */
void pw_exception_end(pw_store *store);

/* cdef: end */

#endif
