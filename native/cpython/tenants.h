/* SPDX-License-Identifier: MIT */
/* The instances of a store, with the Python objects that they need, and the collection of those
 * that nobody can reach any more. */
#ifndef PW_CPYTHON_TENANTS_H
#define PW_CPYTHON_TENANTS_H

#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/externs.h"
#include "runtime/objects.h"

/* Python reaches an instance through its *anchor*, an object that exports, functions and whatever
 * else comes from the instance refer to (anchor.h). Wasm reaches it through tables, globals and
 * imports, which Python cannot see. So an instance is in one of two states:
 *
 * - Python reaches it, as far as is known. It is held in the sense of embed/collect.h. Its anchor
 *   owns the Python objects that it needs, so that Python's garbage collector sees them.
 * - Python no longer reaches it. It is not held, and the next collection frees it unless wasm still
 *   reaches it. The store owns the Python objects. */

/* A *tenant* of a store: an instance with the Python objects that it needs. */
typedef struct pw_tenant pw_tenant;
struct pw_tenant {
    pw_tenant *next, **link; /* in the list of the store */
    pw_object *object;       /* the instance; NULL: it is freed */
    PyObject *hosts;         /* a tuple of the HostFunctions that the instance imports */
    PyObject *origins; /* a tuple of the anchors of what it imports, or NULL; only for Python's
                          garbage collector, because wasm's references keep the instances */
    PyObject *anchor;  /* borrowed; NULL: there is none now, and the instance is not held */
    bool is_held;
    atomic_uint references; /* one of the store while it has the tenant, and one of each anchor */
#ifdef Py_GIL_DISABLED
    PyObject *weak; /* a weak reference to the anchor, from which another thread may take one */
#endif
};

/* All tenants of a store. The store's lock guards them. */
typedef struct {
    pw_tenant *first;
    size_t dropped;  /* how many anchors were freed since the last collection */
    size_t unheld;   /* how many instances only wasm reached in the last collection */
    size_t asked;    /* how often pw_tenants_may_mark was asked since it last agreed */
    uint64_t places; /* how many places the last marking examined */
} pw_tenants;

/* Makes a tenant that is not held and is in no list yet. NULL with MemoryError. */
pw_tenant *pw_tenant_new(PyObject *hosts, PyObject *origins);
/* Adds a tenant whose instance exists now. */
void pw_tenants_add(pw_tenants *self, pw_tenant *tenant, pw_object *object);
/* Ends the hold of the instance: the store now owns what the tenant needs. The result is the tuple
 * of the origins, or NULL, which the caller frees when it has released the lock: if an instance
 * that is not held kept the anchors of others, a cycle could lead through wasm, where no collection
 * finds it. */
PyObject *pw_tenant_drop(pw_tenant *tenant);
/* Holds the instance: its anchor now owns what the tenant needs. */
void pw_tenant_hold(pw_tenant *tenant);
/* Gives up one reference to a tenant. */
void pw_tenant_release(pw_tenant *tenant);

/* Tells whether enough anchors were freed for the next collection to be worth its price. */
bool pw_tenants_due(const pw_tenants *self);
/* Tells whether the price of one more marking is spread over enough requests for one. */
bool pw_tenants_may_mark(pw_tenants *self);
/* Tells whether anything but its anchor keeps an instance. */
bool pw_tenants_reach(pw_tenants *self, pw_store *store, pw_tenant *tenant);
/* Frees the instances, tables, globals and tags of the store that nobody can reach, and marks the
 * external references that it has. The result is a list of tenants without instances, which the
 * caller frees when it has released the lock, because that can run Python code. */
pw_tenant *pw_tenants_collect(pw_tenants *self, pw_store *store, pw_externs *externs);
/* Releases the Python objects of the tenants of such a list, and gives up the store's references.
 * A tenant that is in no list yet is a list of one. */
void pw_tenants_free(pw_tenant *list);
/* Empties the list of a store whose instances are all freed. The caller frees the result. */
pw_tenant *pw_tenants_take(pw_tenants *self);
/* Visits the Python objects that the store owns. */
int pw_tenants_traverse(const pw_tenants *self, visitproc visit, void *arg);

#endif
