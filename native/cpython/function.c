/* SPDX-License-Identifier: MIT */
/* Functions: how they are made and freed. */
#include "cpython/function.h"

/* ---- making and freeing ---- */

PyObject *pw_function_new(pw_state *state, pw_store_object *store, const pw_known *known,
                          PyObject *anchor, bool raw)
{
    const pw_functype *types = known->types;
    Py_ssize_t count = (Py_ssize_t)types->nparams + types->nresults;
    pw_function_object *self = PyObject_GC_NewVar(pw_function_object, state->function_type, count);
    if (self == NULL) {
        return NULL;
    }
    bool mixed = pw_fill_kinds(self->types, types);
    self->vectorcall = !mixed                 ? state->call_plain
                       : pw_is_refused(types) ? state->call_refused
                                              : state->call_mixed;
    self->signature = (pw_signature){Py_NewRef(known->label), (pw_store_object *)Py_NewRef(store),
                                     pw_engine->module_retain(known->module), types};
    self->name = Py_NewRef(known->name);
    self->anchor = Py_NewRef(anchor);
    self->func = known->func;
    self->callee = known->callee;
    self->type = Py_NewRef(known->type);
    self->weakrefs = NULL;
    self->kept = NULL;
    self->nparams = types->nparams;
    self->nresults = types->nresults;
    self->raw = raw;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

pw_func *pw_function_in(PyObject *function, pw_store_object *store)
{
    pw_function_object *self = (pw_function_object *)function;
    return self->signature.store == store ? self->func : NULL;
}

int pw_function_traverse(PyObject *op, visitproc visit, void *arg)
{
    pw_function_object *self = (pw_function_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->signature.store);
    Py_VISIT(self->anchor);
    Py_VISIT(self->type);
    Py_VISIT(self->kept);
    return 0;
}

/* There is no tp_clear: every cycle that a Function is part of also runs through its store or
 * through a HostFunction, whose tp_clear breaks it. */
void pw_function_dealloc(PyObject *op)
{
    pw_function_object *self = (pw_function_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    pw_engine->module_release(self->signature.module);
    Py_DECREF(self->anchor);
    Py_DECREF(self->signature.store);
    Py_DECREF(self->signature.name);
    Py_DECREF(self->name);
    Py_DECREF(self->type);
    Py_XDECREF(self->kept);
    type->tp_free(op);
    Py_DECREF(type);
}
