/* SPDX-License-Identifier: MIT */
/* FdWrite: the common case of WASI's fd_write. Programs mostly write one line of text, so one small
 * buffer reaches the writer of its descriptor without other Python code. Every other case is passed
 * to the complete function, before anything has been written. */
#include "cpython/fd_write.h"

#include <stddef.h>
#include <structmember.h>

#include "cpython/memory.h"
#include "cpython/numbers.h"
#include "cpython/raised.h"
#include "cpython/state.h"
#include "cpython/turn.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *writers;  /* dict: descriptor -> function (bytes) -> number of bytes written */
    PyObject *complete; /* the complete fd_write, a Python function */
    PyObject *guest;    /* its attribute `found` is the Memory, once it was needed */
    PyObject *failures; /* tuple: classes of exceptions that the guest sees as an errno */
    PyObject *errno_of; /* (exception) -> errno */
    PW_SHARED(PyObject *) memory; /* a Memory; NULL: not found yet */
} fd_write_object;

enum { PARAMETERS = 4 };
/* Larger buffers are left to the complete function, which writes them without copying them
 * first. */
enum { SMALL = 4096 };

/* ---- the guest's numbers ---- */

/* Converts i32 arguments back to the unsigned numbers that the guest means. -1 with an error. */
static int guest_numbers(PyObject *const *args, uint32_t *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        long long number;
        if (!pw_compact_int(args[i], &number)) {
            number = PyLong_AsLongLong(args[i]);
            if (number == -1 && PyErr_Occurred() != NULL) {
                return -1;
            }
        }
        numbers[i] = (uint32_t)number;
    }
    return 0;
}

/* Each byte is read once, although another thread may change it: what was checked is what is used.
 */
static uint32_t read_u32(const volatile uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static bool within(uint64_t size, uint32_t address, uint32_t count)
{
    return address <= size && count <= size - address;
}

/* ---- one small buffer ---- */

/* Copies the buffer that an iovec describes. NULL without an exception if it is not small, or if an
 * address is out of bounds. */
static PyObject *small_buffer(const pw_memory *memory, uint32_t iovec, uint32_t result)
{
    const uint8_t *data = pw_engine->memory_data(memory);
    uint64_t size = pw_engine->memory_size(memory);
    if (!within(size, iovec, 8) || !within(size, result, 4)) {
        return NULL;
    }
    uint32_t address = read_u32(data + iovec), count = read_u32(data + iovec + 4);
    if (count > SMALL || !within(size, address, count)) {
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)data + address, (Py_ssize_t)count);
}

/* Calls a writer. Returns the number of bytes that it wrote; -1 with what it raised, or with an
 * error about its result. */
static Py_ssize_t write_bytes(PyObject *writer, PyObject *buffer)
{
    PyObject *result = PyObject_CallOneArg(writer, buffer);
    if (result == NULL) {
        return -1;
    }
    Py_ssize_t count = PyNumber_AsSsize_t(result, PyExc_OverflowError);
    Py_DECREF(result);
    if (count == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    if (count >= 0 && count <= PyBytes_GET_SIZE(buffer)) {
        return count;
    }
    PyErr_Format(PyExc_ValueError, "a writer returned %zd for %zd byte%s", count,
                 PyBytes_GET_SIZE(buffer), PyBytes_GET_SIZE(buffer) == 1 ? "" : "s");
    return -1;
}

/* Writes one small buffer. 1: it is written; 0: nothing has happened, because it is not one small
 * buffer with all addresses in bounds; -1 with an error. A memory never shrinks, so the addresses
 * are still in bounds when the writer has run. */
static int write_iovec(const pw_memory *memory, PyObject *writer, PyObject *const *args)
{
    uint32_t numbers[3]; /* iovecs, their count, where the result goes */
    if (guest_numbers(args, numbers, 3) < 0) {
        return -1;
    }
    PyObject *buffer = numbers[1] == 1 ? small_buffer(memory, numbers[0], numbers[2]) : NULL;
    if (buffer == NULL) {
        return PyErr_Occurred() != NULL ? -1 : 0;
    }
    Py_ssize_t count = write_bytes(writer, buffer);
    Py_DECREF(buffer);
    if (count < 0) {
        return -1;
    }
    write_u32(pw_engine->memory_data(memory) + numbers[2], (uint32_t)count);
    return 1;
}

/* ---- all other cases ---- */

/* Converts the exception that is set to an errno. NULL with the exception still set if it is not
 * one for the guest. */
static PyObject *failed(fd_write_object *self)
{
    PyObject *error = pw_raised_take();
    if (!PyErr_GivenExceptionMatches(error, self->failures)) {
        pw_raised_set(error);
        return NULL;
    }
    PyObject *number = PyObject_CallOneArg(self->errno_of, error);
    Py_DECREF(error);
    return number;
}

/* Keeps the guest's Memory once it is known. 0 if it is not known yet; -1 with an exception. */
static int find_memory(fd_write_object *self)
{
    pw_state *state = pw_state_of(Py_TYPE(self));
    PyObject *found = state != NULL ? PyObject_GetAttrString(self->guest, "found") : NULL;
    if (found == NULL) {
        return -1;
    }
    if (PyObject_TypeCheck(found, state->memory_type)) {
        pw_set_once(&self->memory, Py_NewRef(found));
    }
    Py_DECREF(found);
    return 0;
}

/* Calls the complete function, which finds the guest's memory, if there is one. */
static PyObject *call_complete(fd_write_object *self, PyObject *const *args)
{
    PyObject *number = PyObject_Vectorcall(self->complete, args, PARAMETERS, NULL);
    if (number != NULL && pw_read(self->memory) == NULL && find_memory(self) < 0) {
        Py_CLEAR(number);
    }
    return number;
}

static PyObject *fd_write_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf,
                                     PyObject *names)
{
    fd_write_object *self = (fd_write_object *)op;
    if (PyVectorcall_NARGS(nargsf) != PARAMETERS || (names != NULL && PyTuple_GET_SIZE(names))) {
        return PyErr_Format(PyExc_TypeError, "fd_write takes %d positional arguments", PARAMETERS);
    }
    PyObject *memory = pw_read(self->memory), *writer = NULL;
    int status = memory != NULL ? pw_dict_get(self->writers, args[0], &writer) : 0;
    if (writer == NULL) {
        return status < 0 ? NULL : call_complete(self, args);
    }
    status = write_iovec(pw_memory_of(memory), writer, args + 1);
    Py_DECREF(writer); /* pw_dict_get gave a new reference: the call may have replaced the writer */
    if (status > 0) {
        return pw_int(0);
    }
    if (status < 0 && PyErr_ExceptionMatches(PyExc_BlockingIOError)) {
        PyErr_Clear(); /* nothing is written yet: the complete function may wait and try again */
        status = 0;
    }
    return status == 0 ? call_complete(self, args) : failed(self);
}

/* ---- the type ---- */

static PyObject *fd_write_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *writers, *complete, *guest, *failures, *errno_of;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs)) {
        return PyErr_Format(PyExc_TypeError, "FdWrite() takes no keyword arguments");
    }
    if (!PyArg_ParseTuple(args, "O!OOO!O:FdWrite", &PyDict_Type, &writers, &complete, &guest,
                          &PyTuple_Type, &failures, &errno_of)) {
        return NULL;
    }
    if (!PyDict_CheckExact(writers)) {
        return PyErr_Format(PyExc_TypeError,
                            "FdWrite() takes writers in a dict, not a subclass of dict");
    }
    fd_write_object *self = (fd_write_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = fd_write_vectorcall;
    self->writers = Py_NewRef(writers);
    self->complete = Py_NewRef(complete);
    self->guest = Py_NewRef(guest);
    self->failures = Py_NewRef(failures);
    self->errno_of = Py_NewRef(errno_of);
    return (PyObject *)self;
}

/* There is no tp_clear, so that a call never finds a member missing. A cycle through this object
 * also goes through an object that it refers to, which can be cleared. */
static int fd_write_traverse(PyObject *op, visitproc visit, void *arg)
{
    fd_write_object *self = (fd_write_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->writers);
    Py_VISIT(self->complete);
    Py_VISIT(self->guest);
    Py_VISIT(self->failures);
    Py_VISIT(self->errno_of);
    Py_VISIT(self->memory);
    return 0;
}

static void fd_write_dealloc(PyObject *op)
{
    fd_write_object *self = (fd_write_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(self->writers);
    Py_XDECREF(self->complete);
    Py_XDECREF(self->guest);
    Py_XDECREF(self->failures);
    Py_XDECREF(self->errno_of);
    Py_XDECREF(self->memory);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMemberDef fd_write_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(fd_write_object, vectorcall), READONLY, NULL},
    {0},
};

static const char fd_write_doc[] =
    "FdWrite(writers, complete, guest, failures, errno_of, /)\n--\n\n"
    "WASI's fd_write for one guest.\n\n"
    "One small buffer goes directly to the writer of its descriptor; all other calls go to\n"
    "`complete`.";

static PyType_Slot fd_write_slots[] = {
    {Py_tp_doc, (void *)fd_write_doc},
    {Py_tp_new, fd_write_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, fd_write_dealloc},
    {Py_tp_traverse, fd_write_traverse},
    {Py_tp_members, fd_write_members},
    {0, NULL},
};

PyType_Spec pw_fd_write_spec = {
    .name = "pywasm3._cpython.FdWrite",
    .basicsize = sizeof(fd_write_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = fd_write_slots,
};
