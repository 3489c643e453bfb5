/* SPDX-License-Identifier: MIT */
/* Memory: the bytes of a linear memory. Its bytes never move and it never shrinks, so neither views
 * nor these methods need a lock or the store's turn; only growing does. */
#include "cpython/memory.h"

#include <string.h>

#include "cpython/anchor.h"
#include "cpython/arguments.h"
#include "cpython/layouts.h"
#include "cpython/state.h"
#include "cpython/store.h"
#include "cpython/waiting.h"

typedef struct {
    PyObject_HEAD
    pw_memory *memory; /* retained, so that views stay valid when the store is closed */
    pw_store_object *store;
    bool is64; /* addresses are 64-bit */
} memory_object;

/* Makes a Memory. The pw_memory is transferred in any case. */
static PyObject *adopt(PyTypeObject *type, PyObject *store, pw_memory *memory)
{
    memory_object *self = (memory_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        pw_engine->memory_release(memory);
        return NULL;
    }
    self->memory = memory;
    self->is64 = pw_engine->memory_limits(memory).is64;
    self->store = (pw_store_object *)Py_NewRef(store);
    return (PyObject *)self;
}

/* The store is pinned and not entered, so that a thread need not wait for a running guest. */
static PyObject *memory_wrap(PyObject *cls, PyObject *args)
{
    PyTypeObject *type = (PyTypeObject *)cls;
    pw_state *state = pw_state_of(type);
    PyObject *store, *anchor;
    unsigned int index;
    if (state == NULL || !PyArg_ParseTuple(args, "O!O!I:_wrap", state->store_type, &store,
                                           state->anchor_type, &anchor, &index)) {
        return NULL;
    }
    if (pw_store_pin((pw_store_object *)store) < 0) {
        return NULL;
    }
    pw_instance *instance = (pw_instance *)(void *)pw_anchor_object(anchor);
    pw_memory *memory = pw_engine->instance_memory(instance, index);
    pw_engine->memory_retain(memory);
    pw_store_unpin((pw_store_object *)store);
    return adopt(type, store, memory);
}

static PyObject *memory_make(PyObject *cls, PyObject *args)
{
    PyTypeObject *type = (PyTypeObject *)cls;
    pw_state *state = pw_state_of(type);
    pw_store_object *store;
    unsigned long long min, max;
    int has_max, is64, shared;
    if (state == NULL || !PyArg_ParseTuple(args, "O!KpKpp:_make", state->store_type, &store, &min,
                                           &has_max, &max, &is64, &shared)) {
        return NULL;
    }
    if (pw_store_pin(store) < 0) {
        return NULL;
    }
    pw_limits limits = {.min = min, .max = max, .has_max = has_max, .is64 = is64, .shared = shared};
    pw_error error = {0};
    pw_memory *memory = pw_engine->memory_new(store->store, &limits, &error);
    pw_store_unpin(store);
    if (memory == NULL) {
        PyErr_SetString(PyExc_MemoryError, error.detail);
        return NULL;
    }
    return adopt(type, (PyObject *)store, memory);
}

static PyObject *memory_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                            PyObject *Py_UNUSED(kwargs))
{
    PyErr_Format(PyExc_TypeError,
                 "cannot create '%.100s' instances: take the memory of an Instance", type->tp_name);
    return NULL;
}

static int memory_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((memory_object *)op)->store);
    return 0;
}

static void memory_dealloc(PyObject *op)
{
    memory_object *self = (memory_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->memory != NULL) {
        pw_engine->memory_release(self->memory);
    }
    Py_XDECREF(self->store);
    type->tp_free(op);
    Py_DECREF(type);
}

pw_memory *pw_memory_of(PyObject *op)
{
    return ((memory_object *)op)->memory;
}

static inline uint8_t *data_of(PyObject *op)
{
    return pw_engine->memory_data(((memory_object *)op)->memory);
}

static inline Py_ssize_t size_of(PyObject *op)
{
    return (Py_ssize_t)pw_engine->memory_size(((memory_object *)op)->memory);
}

static int out_of_range(PyObject *address, Py_ssize_t count, PyObject *length, Py_ssize_t size)
{
    PyErr_Format(PyExc_IndexError, "out of bounds: %S byte%s at address %S, memory size %zd",
                 length, count == 1 ? "" : "s", address, size);
    return -1;
}

/* A guest's 32-bit pointer of 2 GiB or more arrives in Python as a negative i32. A 64-bit one that
 * arrives as a negative i64 is beyond the end of every memory. */
static Py_ssize_t from_pointer(PyObject *op, Py_ssize_t address)
{
    bool is_negative_i32 = address < 0 && address >= INT32_MIN && !((memory_object *)op)->is64;
    return is_negative_i32 ? (Py_ssize_t)((int64_t)address + UINT32_MAX + 1) : address;
}

/* Converts an address and a length, and checks that they lie within the memory. Conversions may run
 * Python code that grows the memory, so the size is read last. -1 with an error. */
static int check_range(PyObject *op, PyObject *address, PyObject *length, Py_ssize_t *at,
                       Py_ssize_t *count)
{
    *at = PyNumber_AsSsize_t(address, NULL); /* clipped, and then out of range */
    if (*at == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    *count = PyNumber_AsSsize_t(length, NULL);
    if (*count == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    *at = from_pointer(op, *at);
    Py_ssize_t size = size_of(op);
    if (*at < 0 || *count < 0 || *at > size || *count > size - *at) {
        return out_of_range(address, *count, length, size);
    }
    return 0;
}

/* ---- buffer ---- */

static int memory_getbuffer(PyObject *op, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, op, data_of(op), size_of(op), 0, flags);
}

/* ---- sequence of bytes ---- */

static Py_ssize_t memory_length(PyObject *op)
{
    return size_of(op);
}

/* Converts the index of a byte; a negative one counts from the end. -1 with an error. */
static int item_address(PyObject *op, PyObject *key, Py_ssize_t *at)
{
    Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    Py_ssize_t size = size_of(op);
    *at = index < 0 ? index + size : index;
    if (*at >= 0 && *at < size) {
        return 0;
    }
    PyErr_Format(PyExc_IndexError, "out of bounds: 1 byte at address %zd, memory size %zd", index,
                 size);
    return -1;
}

/* Converts one end of a slice. Unlike the ends of other slices it must lie within the memory,
 * because clipping would hide a wrong pointer. -1 with an error. */
static int slice_end(PyObject *value, Py_ssize_t size, Py_ssize_t missing, Py_ssize_t *result)
{
    *result = missing;
    if (value == Py_None) {
        return 0;
    }
    Py_ssize_t index = PyNumber_AsSsize_t(value, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    *result = index < 0 ? index + size : index;
    if (*result >= 0 && *result <= size) {
        return 0;
    }
    PyErr_Format(PyExc_IndexError, "out of bounds: slice to address %zd, memory size %zd", index,
                 size);
    return -1;
}

static int slice_range(PyObject *op, PyObject *key, Py_ssize_t *at, Py_ssize_t *count)
{
    PySliceObject *slice = (PySliceObject *)key;
    Py_ssize_t stop;
    if (slice->step != Py_None) {
        Py_ssize_t step = PyNumber_AsSsize_t(slice->step, PyExc_IndexError);
        if (step == -1 && PyErr_Occurred() != NULL) {
            return -1;
        }
        if (step != 1) {
            PyErr_SetString(PyExc_ValueError,
                            "a slice of a memory must have step 1: slice memoryview(memory)");
            return -1;
        }
    }
    Py_ssize_t size = size_of(op);
    if (slice_end(slice->start, size, 0, at) < 0 || slice_end(slice->stop, size, size, &stop) < 0) {
        return -1;
    }
    *count = stop > *at ? stop - *at : 0;
    return 0;
}

static PyObject *memory_subscript(PyObject *op, PyObject *key)
{
    Py_ssize_t at, count;
    if (!PySlice_Check(key)) {
        return item_address(op, key, &at) < 0 ? NULL : PyLong_FromLong(data_of(op)[at]);
    }
    if (slice_range(op, key, &at, &count) < 0) {
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)data_of(op) + at, count);
}

static int assign_byte(PyObject *op, PyObject *key, PyObject *value)
{
    Py_ssize_t at, byte = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if ((byte == -1 && PyErr_Occurred() != NULL) || item_address(op, key, &at) < 0) {
        return -1;
    }
    if (byte < 0 || byte > 255) {
        PyErr_Format(PyExc_ValueError, "byte must be in range(0, 256), not %zd", byte);
        return -1;
    }
    data_of(op)[at] = (uint8_t)byte;
    return 0;
}

static int assign_slice(PyObject *op, PyObject *key, PyObject *value)
{
    Py_ssize_t at, count;
    Py_buffer view;
    if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) < 0) {
        return -1;
    }
    int status = slice_range(op, key, &at, &count);
    if (status == 0 && count != view.len) {
        PyErr_Format(PyExc_ValueError,
                     "cannot assign %zd byte%s to a slice of %zd: a memory keeps its size",
                     view.len, view.len == 1 ? "" : "s", count);
        status = -1;
    }
    if (status == 0) {
        memmove(data_of(op) + at, view.buf, (size_t)count);
    }
    PyBuffer_Release(&view);
    return status;
}

static int memory_ass_subscript(PyObject *op, PyObject *key, PyObject *value)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError,
                        "bytes of a memory cannot be deleted: a memory keeps its size");
        return -1;
    }
    return PySlice_Check(key) ? assign_slice(op, key, value) : assign_byte(op, key, value);
}

/* ---- methods ---- */

static PyObject *memory_read(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t at, count;
    if (!pw_check_count("read", nargs, 2, 2) ||
        check_range(op, args[0], args[1], &at, &count) < 0) {
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)data_of(op) + at, count);
}

/* Copies the bytes of a buffer to an address. Returns how many bytes that were; -1 with an
 * error. */
static Py_ssize_t put(PyObject *op, PyObject *address, PyObject *buffer)
{
    Py_ssize_t at, count = -1;
    Py_buffer view;
    if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) < 0) {
        if (PyIndex_Check(buffer) && PyObject_CheckBuffer(address)) {
            /* Other packages have write(data, address). */
            PyErr_SetString(PyExc_TypeError,
                            "the address comes first, and then the bytes: (address, data)");
        }
        return -1;
    }
    PyObject *length = PyLong_FromSsize_t(view.len);
    int status = length != NULL ? check_range(op, address, length, &at, &count) : -1;
    if (status == 0) {
        memmove(data_of(op) + at, view.buf, (size_t)count);
    }
    Py_XDECREF(length);
    PyBuffer_Release(&view);
    return status < 0 ? -1 : count;
}

static PyObject *memory_write(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    if (!pw_check_count("write", nargs, 2, 2) || put(op, args[0], args[1]) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *memory_copy_in(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t count = pw_check_count("copy_in", nargs, 2, 2) ? put(op, args[0], args[1]) : -1;
    return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

/* Copies to the start of a buffer. The caller holds the buffer while the conversions of address and
 * size run Python code. -1 with an error. */
static int copy_into(PyObject *op, PyObject *const *args, const Py_buffer *view)
{
    Py_ssize_t at, count;
    if (check_range(op, args[0], args[1], &at, &count) < 0) {
        return -1;
    }
    if (count > view->len) {
        PyErr_Format(PyExc_ValueError, "%zd byte%s not fit into a buffer of %zd", count,
                     count == 1 ? " does" : "s do", view->len);
        return -1;
    }
    memmove(view->buf, data_of(op) + at, (size_t)count);
    return 0;
}

static PyObject *memory_copy_out(PyObject *op, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *kwnames)
{
    PyObject *into = Py_None;
    Py_buffer view;
    Py_ssize_t keywords = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    if (!pw_check_count("copy_out", nargs + keywords, 2, 3)) {
        return NULL;
    }
    if (keywords && (nargs != 2 ||
                     PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "into") != 0)) {
        PyErr_SetString(PyExc_TypeError, "copy_out() takes one argument by its name, into");
        return NULL;
    }
    if (nargs + keywords == 3) {
        into = args[2];
    }
    if (into == Py_None) {
        return memory_read(op, args, 2);
    }
    if (PyObject_GetBuffer(into, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    int status = copy_into(op, args, &view);
    PyBuffer_Release(&view);
    return status < 0 ? NULL : Py_NewRef(into);
}

/* ---- structures ---- */

/* Returns the layout of a format. New reference; NULL with struct.error. */
static PyObject *layout_of(PyObject *op, PyObject *format)
{
    pw_state *state = pw_state_of(Py_TYPE(op));
    return state != NULL ? pw_layout_of(state, format) : NULL;
}

static const char *const packing_names[] = {"format", "address"};

/* Writes the bytes that struct.pack gives, all of them or none. */
static PyObject *memory_pack(PyObject *op, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *kwnames)
{
    PyObject *given[2];
    if (!pw_take_two("pack", packing_names, args, nargs, kwnames, given)) {
        return NULL;
    }
    PyObject *layout = layout_of(op, given[0]);
    if (layout == NULL) {
        return NULL;
    }
    Py_ssize_t values = nargs > 2 ? nargs - 2 : 0;
    PyObject *data = PyObject_Vectorcall(PyTuple_GET_ITEM(layout, PW_LAYOUT_PACK), args + 2,
                                         (size_t)values, NULL);
    Py_DECREF(layout);
    if (data == NULL) {
        return NULL;
    }
    Py_ssize_t count = put(op, given[1], data);
    Py_DECREF(data);
    return count < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *memory_unpack(PyObject *op, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *kwnames)
{
    PyObject *given[2];
    Py_ssize_t count = nargs + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0);
    if (!pw_check_count("unpack", count, 2, 2) ||
        !pw_take_two("unpack", packing_names, args, nargs, kwnames, given)) {
        return NULL;
    }
    PyObject *layout = layout_of(op, given[0]);
    if (layout == NULL) {
        return NULL;
    }
    PyObject *pair[] = {given[1], PyTuple_GET_ITEM(layout, PW_LAYOUT_SIZE)};
    PyObject *data = memory_read(op, pair, 2);
    PyObject *values =
        data != NULL ? PyObject_CallOneArg(PyTuple_GET_ITEM(layout, PW_LAYOUT_UNPACK), data) : NULL;
    Py_XDECREF(data);
    Py_DECREF(layout);
    return values;
}

static PyObject *memory_read_cstring(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    if (!pw_check_count("read_cstring", nargs, 1, 2)) {
        return NULL;
    }
    Py_ssize_t limit = PY_SSIZE_T_MAX, at, count;
    if (nargs == 2 && args[1] != Py_None) {
        limit = PyNumber_AsSsize_t(args[1], PyExc_OverflowError);
        if (limit == -1 && PyErr_Occurred() != NULL) {
            return NULL;
        }
    }
    PyObject *nothing = PyLong_FromLong(0);
    int status = nothing != NULL ? check_range(op, args[0], nothing, &at, &count) : -1;
    Py_XDECREF(nothing);
    if (status < 0) {
        return NULL;
    }
    Py_ssize_t rest = size_of(op) - at;
    const uint8_t *start = data_of(op) + at;
    Py_ssize_t searched = limit < 0 ? 0 : limit < rest ? limit : rest;
    const uint8_t *end = searched ? memchr(start, 0, (size_t)searched) : NULL;
    if (end == NULL && searched == rest && limit > rest) {
        PyErr_Format(PyExc_IndexError, "out of bounds: no NUL after address %zd, memory size %zd",
                     at, size_of(op));
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)start, end != NULL ? end - start : searched);
}

static PyObject *memory_grow(PyObject *op, PyObject *delta)
{
    memory_object *self = (memory_object *)op;
    Py_ssize_t pages = PyNumber_AsSsize_t(delta, PyExc_OverflowError);
    if (pages == -1 && PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (pages < 0) {
        PyErr_Format(PyExc_ValueError, "a memory cannot shrink: delta_pages is %zd", pages);
        return NULL;
    }
    bool shared = pw_engine->memory_is_shared(self->memory);
    if (!shared && pw_store_enter(self->store) < 0) {
        return NULL;
    }
    int64_t before = pw_engine->memory_grow(self->memory, (uint64_t)pages);
    if (!shared) {
        pw_store_leave(self->store);
    }
    if (before >= 0) {
        return PyLong_FromLongLong(before);
    }
    pw_state *state = pw_state_of(Py_TYPE(op));
    Py_ssize_t current = size_of(op) / PW_PAGE;
    if (state != NULL) {
        PyErr_Format(state->closed,
                     "cannot grow a memory of %zd page%s by %zd: that exceeds its maximum, or the "
                     "memory that Limits(memory=) and the system leave",
                     current, current == 1 ? "" : "s", pages);
    }
    return NULL;
}

/* ---- threads ---- */

static PyObject *memory_wait(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t at, size;
    if (!pw_check_count("_wait", nargs, 4, 4) ||
        check_range(op, args[0], args[1], &at, &size) < 0) {
        return NULL;
    }
    return pw_wait_at(pw_memory_of(op), at, size, args[2], args[3]);
}

static PyObject *memory_notify(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t at, size;
    if (!pw_check_count("_notify", nargs, 3, 3) ||
        check_range(op, args[0], args[1], &at, &size) < 0) {
        return NULL;
    }
    return pw_notify_at(pw_memory_of(op), at, args[2]);
}

/* ---- identity ---- */

static Py_hash_t memory_hash(PyObject *op)
{
    uintptr_t identity = (uintptr_t)pw_engine->memory_identity(((memory_object *)op)->memory);
    Py_hash_t hash = (Py_hash_t)(identity >> 4 | identity << (8 * sizeof identity - 4));
    return hash == -1 ? -2 : hash;
}

/* Memories are equal if they have the same bytes. */
static PyObject *memory_richcompare(PyObject *a, PyObject *b, int op)
{
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(b)->tp_richcompare != memory_richcompare) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    bool same = pw_engine->memory_identity(((memory_object *)a)->memory) ==
                pw_engine->memory_identity(((memory_object *)b)->memory);
    return PyBool_FromLong(same == (op == Py_EQ));
}

static PyObject *get_shared(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(pw_engine->memory_is_shared(((memory_object *)op)->memory));
}

static PyObject *get_pages(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(size_of(op) / PW_PAGE);
}

static PyObject *get_address(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromVoidPtr(((memory_object *)op)->memory);
}

static PyObject *get_is64(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((memory_object *)op)->is64);
}

static PyMethodDef memory_methods[] = {
    {"_make", memory_make, METH_VARARGS | METH_CLASS,
     PyDoc_STR("_make(store, minimum, has_maximum, maximum, is64, shared, /): makes a memory of a "
               "store.\n\n"
               "The limits are in pages of 64 KiB.")},
    {"_wrap", memory_wrap, METH_VARARGS | METH_CLASS,
     PyDoc_STR("_wrap(store, instance, index, /): makes the Memory of an index in the pw_instance\n"
               "at an address.")},
    {"read", (PyCFunction)(void (*)(void))memory_read, METH_FASTCALL,
     PyDoc_STR("read($self, address, size, /)\n--\n\n"
               "Returns a copy of the `size` bytes at `address`.\n\n"
               "Raises:\n    IndexError: Not all of the bytes lie within the memory.")},
    {"write", (PyCFunction)(void (*)(void))memory_write, METH_FASTCALL,
     PyDoc_STR(
         "write($self, address, data, /)\n--\n\n"
         "Copies a bytes-like object to `address`.\n\n"
         "Raises:\n    IndexError: The bytes do not fit into the memory. Nothing is written.")},
    {"copy_in", (PyCFunction)(void (*)(void))memory_copy_in, METH_FASTCALL,
     PyDoc_STR(
         "copy_in($self, address, buffer, /)\n--\n\n"
         "Copies the bytes of a contiguous buffer, whatever its items are, to `address`.\n\n"
         "Returns:\n    The number of bytes that were copied.\n\n"
         "Raises:\n    IndexError: The bytes do not fit into the memory. Nothing is written.\n"
         "    BufferError, ValueError: The buffer is not contiguous.")},
    {"copy_out", (PyCFunction)(void (*)(void))memory_copy_out, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR(
         "copy_out($self, address, size, /, into=None)\n--\n\n"
         "Copies the `size` bytes at `address` to a bytes object, or to a writable buffer.\n\n"
         "Args:\n    into: The buffer; its first `size` bytes are overwritten.\n\n"
         "Returns:\n    The bytes object, or `into` if it is given.\n\n"
         "Raises:\n    IndexError: Not all of the bytes lie within the memory.\n"
         "    ValueError: The buffer has less than `size` bytes. Nothing is written.")},
    {"pack", (PyCFunction)(void (*)(void))memory_pack, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR(
         "pack($self, format, address, *values)\n--\n\n"
         "Writes values as ``struct.pack`` does.\n\n"
         "A format without a prefix is little-endian and unaligned, as if it began with ``<``.\n\n"
         "Raises:\n    IndexError: The values do not fit before the end of the memory. Nothing is "
         "written then.\n"
         "    struct.error: The format is not one of the struct module, or the values do not fit "
         "it.")},
    {"unpack", (PyCFunction)(void (*)(void))memory_unpack, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR(
         "unpack($self, format, address)\n--\n\n"
         "Reads values as ``struct.unpack`` does.\n\n"
         "A format without a prefix is little-endian and unaligned, as if it began with ``<``.\n\n"
         "Raises:\n    IndexError: The values reach beyond the end of the memory.\n"
         "    struct.error: The format is not one of the struct module.")},
    {"read_cstring", (PyCFunction)(void (*)(void))memory_read_cstring, METH_FASTCALL,
     PyDoc_STR(
         "read_cstring($self, address, max_size=None, /)\n--\n\n"
         "Returns a copy of the bytes from `address` up to, but without, the next NUL byte.\n\n"
         "Args:\n    max_size: Return this many bytes if there is no NUL byte among them.\n\n"
         "Raises:\n    IndexError: The memory ends before a NUL byte and before `max_size` "
         "bytes.")},
    {"grow", memory_grow, METH_O,
     PyDoc_STR("grow($self, delta_pages, /)\n--\n\n"
               "Grows the memory by `delta_pages` pages of 64 KiB.\n\n"
               "Returns:\n    The number of pages before.\n\n"
               "Raises:\n    WasmError: The memory would exceed its maximum or the limits of the\n"
               "        store, or the store is closed.\n"
               "    ValueError: `delta_pages` is negative.")},
    {"_wait", (PyCFunction)(void (*)(void))memory_wait, METH_FASTCALL,
     PyDoc_STR(
         "_wait(address, size, expected, nanoseconds, /): waits as memory.atomic.wait does.\n\n"
         "Returns its result, or a negative pw_trap if the running call must stop.")},
    {"_notify", (PyCFunction)(void (*)(void))memory_notify, METH_FASTCALL,
     PyDoc_STR("_notify(address, size, count, /): does what memory.atomic.notify does.")},
    {0},
};

static PyGetSetDef memory_getset[] = {
    {"pages", get_pages, NULL, PyDoc_STR("The size in pages of 64 KiB."), NULL},
    {"_shared", get_shared, NULL, PyDoc_STR("Whether several stores can use the memory."), NULL},
    {"_is64", get_is64, NULL, PyDoc_STR("Whether addresses are 64-bit."), NULL},
    {"_address", get_address, NULL, PyDoc_STR("The address of the pw_memory."), NULL},
    {0},
};

static PyType_Slot memory_slots[] = {
    {Py_tp_doc, "The bytes of a linear memory."},
    {Py_tp_new, memory_new},
    {Py_tp_dealloc, memory_dealloc},
    {Py_tp_traverse, memory_traverse},
    {Py_tp_hash, memory_hash},
    {Py_tp_richcompare, memory_richcompare},
    {Py_tp_methods, memory_methods},
    {Py_tp_getset, memory_getset},
    {Py_mp_length, memory_length},
    {Py_mp_subscript, memory_subscript},
    {Py_mp_ass_subscript, memory_ass_subscript},
    {Py_bf_getbuffer, memory_getbuffer},
    {0, NULL},
};

PyType_Spec pw_memory_spec = {
    .name = "pywasm3._cpython.Memory",
    .basicsize = sizeof(memory_object),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = memory_slots,
};
