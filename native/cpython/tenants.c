/* SPDX-License-Identifier: MIT */
/* The instances that live in a store, and their collection. */
#include "cpython/tenants.h"

#include "cpython/state.h"

/* How many places of a store may be examined for each anchor that was freed: some 100 microseconds
 * in the worst case. A store with fewer places is collected as soon as an anchor is freed. */
#define PLACES_PER_ANCHOR 65536

pw_tenant *pw_tenant_new(PyObject *hosts, PyObject *origins)
{
    pw_tenant *tenant = PyMem_Calloc(1, sizeof *tenant);
    if (tenant == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    tenant->hosts = Py_NewRef(hosts);
    tenant->origins = Py_NewRef(origins);
    atomic_init(&tenant->references, 1);
    return tenant;
}

void pw_tenants_add(pw_tenants *self, pw_tenant *tenant, pw_object *object)
{
    tenant->object = object;
    tenant->next = self->first;
    tenant->link = &self->first;
    if (tenant->next != NULL) {
        tenant->next->link = &tenant->next;
    }
    self->first = tenant;
}

static void take_out(pw_tenant *tenant)
{
    *tenant->link = tenant->next;
    if (tenant->next != NULL) {
        tenant->next->link = tenant->link;
    }
}

PyObject *pw_tenant_drop(pw_tenant *tenant)
{
    PyObject *origins = tenant->origins;
    tenant->origins = NULL;
    if (tenant->is_held && tenant->object != NULL) {
        tenant->is_held = false;
        pw_engine->object_drop(tenant->object);
    }
    return origins;
}

void pw_tenant_hold(pw_tenant *tenant)
{
    if (!tenant->is_held && tenant->object != NULL) {
        tenant->is_held = true;
        pw_engine->object_hold(tenant->object);
    }
}

void pw_tenant_release(pw_tenant *tenant)
{
    if (atomic_fetch_sub(&tenant->references, 1) == 1) {
#ifdef Py_GIL_DISABLED
        Py_XDECREF(tenant->weak);
#endif
        PyMem_Free(tenant);
    }
}

void pw_tenants_free(pw_tenant *list)
{
    while (list != NULL) {
        pw_tenant *tenant = list;
        list = tenant->next;
        Py_CLEAR(tenant->hosts);
        Py_CLEAR(tenant->origins);
        pw_tenant_release(tenant);
    }
}

pw_tenant *pw_tenants_take(pw_tenants *self)
{
    pw_tenant *list = self->first;
    for (pw_tenant *tenant = list; tenant != NULL; tenant = tenant->next) {
        tenant->object = NULL;
    }
    *self = (pw_tenants){0};
    return list;
}

int pw_tenants_traverse(const pw_tenants *self, visitproc visit, void *arg)
{
    for (const pw_tenant *tenant = self->first; tenant != NULL; tenant = tenant->next) {
        if (!tenant->is_held) {
            Py_VISIT(tenant->hosts);
            Py_VISIT(tenant->origins);
        }
    }
    return 0;
}

/* ---- collection ---- */

bool pw_tenants_due(const pw_tenants *self)
{
    return self->dropped && self->dropped >= self->places / PLACES_PER_ANCHOR;
}

bool pw_tenants_may_mark(pw_tenants *self)
{
    bool may = ++self->asked >= self->places / PLACES_PER_ANCHOR;
    if (may) {
        self->asked = 0;
    }
    return may;
}

bool pw_tenants_reach(pw_tenants *self, pw_store *store, pw_tenant *tenant)
{
    pw_engine->object_drop(tenant->object);
    self->places = pw_engine->store_mark(store, NULL, NULL);
    pw_engine->object_hold(tenant->object);
    return pw_engine->object_marked(tenant->object);
}

/* An instance that wasm does not reach, but whose anchor exists, must live on: whether Python still
 * reaches the anchor is for its garbage collector to find out. */
static uint64_t keep_anchored(pw_tenants *self, pw_store *store, pw_externs *externs)
{
    uint64_t places = 0;
    for (pw_tenant *tenant = self->first; tenant != NULL; tenant = tenant->next) {
        if (tenant->anchor != NULL && !pw_engine->object_marked(tenant->object)) {
            pw_tenant_hold(tenant);
            places += pw_engine->store_mark_object(store, tenant->object, pw_externs_mark, externs);
        }
    }
    return places;
}

/* Takes the tenants out of the list whose instances are about to be freed. */
static pw_tenant *take_unmarked(pw_tenants *self)
{
    pw_tenant *dead = NULL, *next;
    self->unheld = 0;
    for (pw_tenant *tenant = self->first; tenant != NULL; tenant = next) {
        next = tenant->next;
        if (pw_engine->object_marked(tenant->object)) {
            self->unheld += !tenant->is_held;
        } else {
            take_out(tenant);
            tenant->object = NULL;
            tenant->next = dead;
            dead = tenant;
        }
    }
    return dead;
}

pw_tenant *pw_tenants_collect(pw_tenants *self, pw_store *store, pw_externs *externs)
{
    uint64_t places = pw_engine->store_mark(store, pw_externs_mark, externs);
    places += keep_anchored(self, store, externs);
    pw_tenant *dead = take_unmarked(self);
    pw_engine->store_sweep(store);
    self->dropped = 0;
    self->places = places;
    return dead;
}
