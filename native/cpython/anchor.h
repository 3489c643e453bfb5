/* SPDX-License-Identifier: MIT */
/* Anchors: through them Python reaches the instances, tables, globals and tags of a store. */
#ifndef PW_CPYTHON_ANCHOR_H
#define PW_CPYTHON_ANCHOR_H

#include <Python.h>

#include "cpython/state.h"
#include "cpython/store.h"
#include "cpython/tenants.h"
#include "runtime/objects.h"

extern PyType_Spec pw_anchor_spec;
extern PyType_Spec pw_sentinel_spec;

/* Makes an anchor of a table, a global or a tag of the store, which is entered. There can be
 * several anchors of one object. NULL with MemoryError. */
PyObject *pw_anchor_new(pw_store_object *store, pw_object *object);
/* Returns the anchor of an instance of the store, which is entered; it makes one if there is none.
 * New reference; NULL with MemoryError. */
PyObject *pw_anchor_of(pw_store_object *store, pw_tenant *tenant);
/* Returns what an anchor is for. It is valid while the store is open. */
pw_object *pw_anchor_object(PyObject *anchor);
/* Returns the store that it is in, borrowed from the anchor. */
pw_store_object *pw_anchor_store(PyObject *anchor);

#endif
