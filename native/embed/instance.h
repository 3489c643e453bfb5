/* SPDX-License-Identifier: MIT */
/* Making and freeing instances; pw.h has the rest of what can be done with them. */
#ifndef PW_INSTANCE_H
#define PW_INSTANCE_H

#include "embed/pw.h"

/* cdef: begin */

/* Makes an instance of a module, without calling the start function. `imports` has one value for
 * each import, in order; the caller has checked names, kinds and limits. If `eager` is set, all
 * functions are compiled at once; otherwise each function is compiled when it is first called. The
 * instance retains the module. The next collection of the store frees the instance, unless it is
 * held: see collect.h. `embedder` is handed to the embedder then.
 *
 * NULL with `error` set when there is no instance. If `error` is set and there is one, a segment
 * did not fit: nobody may use the instance, except that tables of other instances may refer to it.
 */
pw_instance *pw_instance_new(pw_store *store, pw_module *module, const pw_extern *imports,
                             bool eager, void *embedder, pw_error *error);

/* cdef: end */
/* Frees an instance, which must no longer be in a list of its store. What it refers to may be freed
 * already. */
void pw_instance_free(pw_instance *instance);
/* Undoes pw_instance_keep. */
void pw_instance_forget_kept(pw_instance *instance);

#endif
