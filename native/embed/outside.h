/* SPDX-License-Identifier: MIT */
/* Finds the objects of the heap to which something refers that is not part of a snapshot. */
#ifndef PW_OUTSIDE_H
#define PW_OUTSIDE_H

#include "runtime/store.h"

/* Marks all objects of the heap that can be reached from a table, a global or an element segment of
 * the store that a snapshot of the instance does not have. `imported` says whether the snapshot has
 * what is imported. Objects that only Python holds are not marked. False if no object is marked. */
bool pw_mark_outside(const pw_instance *instance, bool imported);

#endif
