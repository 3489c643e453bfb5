/* SPDX-License-Identifier: MIT */
/* Access to the values of globals and tables. The classes Global and Table, which Python programs
 * know, derive from the two classes here, and add everything that need not be fast. */
#include "cpython/holder.h"

#include <stddef.h>
#include <structmember.h>

#include "cpython/anchor.h"
#include "cpython/numbers.h"
#include "cpython/references.h"
#include "cpython/state.h"
#include "cpython/store.h"

/* Nothing in it changes after the object is made. */
typedef struct {
    PyObject_HEAD
    pw_store_object *store;
    PyObject *anchor; /* keeps `object` while the store is open */
    union {
        pw_object *object;
        pw_global *global;
        pw_table *table;
    };
    pw_module *module; /* retained; defines the types that have an index; NULL: `type` has none */
    pw_valtype type;   /* of the values */
    bool is_mutable;   /* a global whose value may change, or a table */
} holder_object;

/* ---- making and freeing ---- */

static PyObject *make(PyTypeObject *type, pw_store_object *store, const holder_object *parts)
{
    PyObject *anchor = pw_anchor_new(store, parts->object);
    holder_object *self = anchor != NULL ? (holder_object *)type->tp_alloc(type, 0) : NULL;
    if (self == NULL) {
        Py_XDECREF(anchor);
        return NULL;
    }
    self->store = (pw_store_object *)Py_NewRef(store);
    self->anchor = anchor;
    self->object = parts->object;
    self->module = parts->module != NULL ? pw_engine->module_retain(parts->module) : NULL;
    self->type = parts->type;
    self->is_mutable = parts->is_mutable;
    return (PyObject *)self;
}

static PyObject *holder_make(PyObject *cls, PyObject *args)
{
    PyTypeObject *type = (PyTypeObject *)cls;
    pw_state *state = pw_state_of(type);
    PyObject *store;
    unsigned long long object, module;
    unsigned int valtype;
    int is_mutable;
    if (state == NULL || !PyArg_ParseTuple(args, "O!KKIp:_make", state->store_type, &store, &object,
                                           &module, &valtype, &is_mutable)) {
        return NULL;
    }
    if (pw_store_require_entered((pw_store_object *)store) < 0) {
        return NULL;
    }
    holder_object parts = {
        .object = (pw_object *)(uintptr_t)object,
        .module = (pw_module *)(uintptr_t)module,
        .type = valtype,
        .is_mutable = is_mutable,
    };
    return make(type, (pw_store_object *)store, &parts);
}

static PyObject *holder_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                            PyObject *Py_UNUSED(kwargs))
{
    PyErr_Format(PyExc_TypeError, "cannot create '%.100s' instances", type->tp_name);
    return NULL;
}

/* There is no tp_clear: every cycle that such an object is part of also runs through its store,
 * whose tp_clear breaks it, or through the attributes of a subclass, which Python clears. */
static int holder_traverse(PyObject *op, visitproc visit, void *arg)
{
    holder_object *self = (holder_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->store);
    Py_VISIT(self->anchor);
    return 0;
}

static void holder_dealloc(PyObject *op)
{
    holder_object *self = (holder_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->module != NULL) {
        pw_engine->module_release(self->module);
    }
    Py_XDECREF(self->anchor);
    Py_XDECREF(self->store);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- values ---- */

/* Puts before the message of an error what could not be converted, such as "table: element". */
static void blame(holder_object *self, const char *whole, const char *part)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    pw_site site = {PyUnicode_FromString(whole), part, -1};
    if (site.name == NULL) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
    if (site.name != NULL) {
        pw_blame(&site, self->type);
        Py_DECREF(site.name);
    }
}

/* Converts a value to its cells. The store is entered, and a reference is valid until it is left.
 * -1 with an error. */
static inline int encode(holder_object *self, PyObject *value, const char *whole, const char *part,
                         uint64_t *cells)
{
    if (pw_encode_value(self->store, self->module, value, self->type, cells) < 0) {
        blame(self, whole, part);
        return -1;
    }
    return 0;
}

static inline PyObject *decode(holder_object *self, const uint64_t *cells)
{
    return pw_decode_any(cells, pw_kind_of(self->type), false, self->store);
}

/* ---- globals ---- */

static PyObject *get_value(PyObject *op, void *Py_UNUSED(closure))
{
    holder_object *self = (holder_object *)op;
    uint64_t cells[PW_MAX_CELLS];
    if (pw_store_enter(self->store) < 0) {
        return NULL;
    }
    pw_engine->global_get(self->global, cells);
    PyObject *value = decode(self, cells);
    pw_store_leave(self->store);
    return value;
}

static int refuse_assignment(PyObject *op)
{
    PyObject *type = PyObject_GetAttrString(op, "type");
    if (type != NULL) {
        PyErr_Format(PyExc_AttributeError, "the global is immutable: its type is %S", type);
        Py_DECREF(type);
    }
    return -1;
}

static int set_value(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    holder_object *self = (holder_object *)op;
    uint64_t cells[PW_MAX_CELLS];
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "the value of a global cannot be deleted");
        return -1;
    }
    if (!self->is_mutable) {
        return refuse_assignment(op);
    }
    if (pw_store_enter(self->store) < 0) {
        return -1;
    }
    int status = encode(self, value, "global", "value", cells);
    if (status == 0) {
        pw_engine->global_set(self->global, cells);
    }
    pw_store_leave(self->store);
    return status;
}

/* ---- tables ---- */

static Py_ssize_t table_length(PyObject *op)
{
    holder_object *self = (holder_object *)op;
    if (pw_store_enter(self->store) < 0) {
        return -1;
    }
    uint32_t size = pw_engine->table_size(self->table);
    pw_store_leave(self->store);
    return (Py_ssize_t)size;
}

static int out_of_range(PyObject *index, uint32_t size)
{
    PyErr_Format(PyExc_IndexError, "table index %S is out of range: the size is %u", index,
                 (unsigned)size);
    return -1;
}

/* Converts an index, and checks that the table, whose store is entered, has it. The conversion may
 * run Python code that grows the table, so the size is read last. -1 with an error. */
static int convert_index(holder_object *self, PyObject *key, uint32_t *index)
{
    PyObject *number = PyNumber_Index(key);
    if (number == NULL) {
        return -1;
    }
    Py_ssize_t position = PyNumber_AsSsize_t(number, NULL); /* clipped, and then out of range */
    uint32_t size = pw_engine->table_size(self->table);
    int status = position < 0 || position >= (Py_ssize_t)size ? out_of_range(number, size) : 0;
    *index = (uint32_t)position;
    Py_DECREF(number);
    return status;
}

static PyObject *table_subscript(PyObject *op, PyObject *key)
{
    holder_object *self = (holder_object *)op;
    PyObject *element = NULL;
    uint32_t index;
    if (pw_store_enter(self->store) < 0) {
        return NULL;
    }
    if (convert_index(self, key, &index) == 0) {
        uint64_t bits = pw_engine->table_get(self->table, index);
        element = decode(self, &bits);
    }
    pw_store_leave(self->store);
    return element;
}

static int table_ass_subscript(PyObject *op, PyObject *key, PyObject *value)
{
    holder_object *self = (holder_object *)op;
    uint32_t index;
    uint64_t bits;
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError,
                        "elements of a table cannot be deleted: a table does not shrink");
        return -1;
    }
    if (pw_store_enter(self->store) < 0) {
        return -1;
    }
    int status = convert_index(self, key, &index);
    if (status == 0) {
        status = encode(self, value, "table", "element", &bits);
    }
    if (status == 0) {
        pw_engine->table_set(self->table, index, bits);
    }
    pw_store_leave(self->store);
    return status;
}

/* Lets reversed() and others treat a table as a sequence. */
static PyObject *table_item(PyObject *op, Py_ssize_t index)
{
    PyObject *key = PyLong_FromSsize_t(index);
    PyObject *element = key != NULL ? table_subscript(op, key) : NULL;
    Py_XDECREF(key);
    return element;
}

/* pw_encode_value or pw_encode_new. */
typedef int (*encoder)(pw_store_object *, pw_module *, PyObject *, pw_valtype, uint64_t *);

static PyObject *encode_element(PyObject *op, PyObject *value, encoder encode_it)
{
    holder_object *self = (holder_object *)op;
    uint64_t bits;
    if (pw_store_require_entered(self->store) < 0) {
        return NULL;
    }
    if (encode_it(self->store, self->module, value, self->type, &bits) < 0) {
        blame(self, "table", "element");
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(bits);
}

static PyObject *table_encode(PyObject *op, PyObject *value)
{
    return encode_element(op, value, pw_encode_value);
}

static PyObject *table_encode_new(PyObject *op, PyObject *value)
{
    return encode_element(op, value, pw_encode_new);
}

/* ---- the classes ---- */

PyDoc_STRVAR(
    make_doc,
    "_make(store, address, module, type, mutable, /): makes the object for a pw_global or\n"
    "pw_table, whose values have the type.\n\n"
    "A type index refers to the pw_module. This thread must have entered the store.");

static PyMemberDef holder_members[] = {
    {"store", T_OBJECT_EX, offsetof(holder_object, store), READONLY,
     PyDoc_STR("The store that it lives in.")},
    {0},
};

static PyMethodDef global_methods[] = {
    {"_make", holder_make, METH_VARARGS | METH_CLASS, make_doc},
    {0},
};

static PyMethodDef table_methods[] = {
    {"_make", holder_make, METH_VARARGS | METH_CLASS, make_doc},
    {"_encode", table_encode, METH_O,
     PyDoc_STR("_encode(value, /): converts an element to its bits.\n\n"
               "This thread must have entered the store.")},
    {"_encode_new", table_encode_new, METH_O,
     PyDoc_STR("_encode_new(value, /): converts what a new element begins with to its bits.\n\n"
               "This thread must have entered the store.")},
    {0},
};

static PyGetSetDef global_getset[] = {
    {"value", get_value, set_value,
     PyDoc_STR(
         "The value, which is read like a call's result and assigned like a call's argument.\n\n"
         "Raises:\n    AttributeError: It is assigned, and the global is immutable.\n"
         "    TypeError: The assigned value cannot be converted to the type.\n"
         "    OverflowError: The assigned number is out of the type's range.\n"
         "    WasmError: The store is closed."),
     NULL},
    {0},
};

static PyType_Slot global_slots[] = {
    {Py_tp_doc, "The value of a global."}, {Py_tp_new, holder_new},
    {Py_tp_dealloc, holder_dealloc},       {Py_tp_traverse, holder_traverse},
    {Py_tp_members, holder_members},       {Py_tp_methods, global_methods},
    {Py_tp_getset, global_getset},         {0, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_doc, "The elements of a table."},
    {Py_tp_new, holder_new},
    {Py_tp_dealloc, holder_dealloc},
    {Py_tp_traverse, holder_traverse},
    {Py_tp_members, holder_members},
    {Py_tp_methods, table_methods},
    {Py_mp_length, table_length},
    {Py_mp_subscript, table_subscript},
    {Py_mp_ass_subscript, table_ass_subscript},
    {Py_sq_length, table_length},
    {Py_sq_item, table_item},
    {0, NULL},
};

PyType_Spec pw_global_spec = {
    .name = "pywasm3._cpython.Global",
    .basicsize = sizeof(holder_object),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = global_slots,
};

PyType_Spec pw_table_spec = {
    .name = "pywasm3._cpython.Table",
    .basicsize = sizeof(holder_object),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = table_slots,
};
