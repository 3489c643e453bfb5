/* SPDX-License-Identifier: MIT */
/* Python buffers as columns of values: which items fit which type. docs/bulk.md has the table. */
#include "cpython/columns.h"

#include "cpython/vectors.h"

#include <string.h>

typedef enum { BOOLEAN, SIGNED, UNSIGNED, FLOATING } item_class;

typedef struct {
    item_class class;
    Py_ssize_t size;
} item;

static bool is_among(char letter, const char *letters)
{
    return letter && strchr(letters, letter) != NULL;
}

static int refuse(const Py_buffer *view, const char *reason)
{
    PyErr_Format(PyExc_TypeError, "items of format '%s' and itemsize %zd %s",
                 view->format != NULL ? view->format : "B", view->itemsize, reason);
    return -1;
}

/* Determines what the items of a buffer are. Formats have the letters of the struct module, but not
 * every exporter means the sizes that the struct module gives them, so the itemsize decides. */
static int item_of(const Py_buffer *view, item *result)
{
    const char *format = view->format != NULL ? view->format : "B";
    char order = is_among(*format, "@=<>!") ? *format++ : '@';
    Py_ssize_t size = view->itemsize;
    bool integer = size == 1 || size == 2 || size == 4 || size == 8;
    if (*format && format[1]) {
        return refuse(view, "are not single numbers");
    }
    if (is_among(*format, "bhilqn") && integer) {
        *result = (item){SIGNED, size};
    } else if (is_among(*format, "BHILQN") && integer) {
        *result = (item){UNSIGNED, size};
    } else if ((*format == 'f' && size == 4) || (*format == 'd' && size == 8)) {
        *result = (item){FLOATING, size};
    } else if (*format == '?' && size == 1) {
        *result = (item){BOOLEAN, size};
    } else {
        return refuse(view, "are not of a number type that WebAssembly has");
    }
    if (size > 1 && (order == '!' || order == (PY_LITTLE_ENDIAN ? '>' : '<'))) {
        return refuse(view, "have another byte order than this machine");
    }
    return 0;
}

static pw_reading reading_of(item from)
{
    if (from.class == BOOLEAN) {
        return PW_READ_BOOL;
    }
    bool sign = from.class == SIGNED;
    switch (from.size) {
    case 1: return sign ? PW_READ_S8 : PW_READ_U8;
    case 2: return sign ? PW_READ_S16 : PW_READ_U16;
    case 4: return sign ? PW_READ_S32 : PW_READ_32;
    default: return PW_READ_64;
    }
}

static bool bits_from(item from, Py_ssize_t width, pw_column *column)
{
    column->conversion = PW_BITS;
    column->reading = reading_of(from);
    if (from.size == width) {
        column->reading = width == 4 ? PW_READ_32 : PW_READ_64;
    }
    return from.size <= width;
}

/* Chooses how items are converted to a type. False if some values of the items do not fit. */
static bool choose(item from, pw_valtype type, pw_column *column)
{
    Py_ssize_t width = pw_narrow(type) ? 4 : 8;
    bool floating = type == PW_F32 || type == PW_F64;
    if (floating != (from.class == FLOATING)) {
        column->conversion = width == 4 ? PW_INTEGER_TO_F32 : PW_INTEGER_TO_F64;
        column->reading = reading_of(from);
        return floating && from.size < width;
    }
    if (!bits_from(from, width, column)) {
        return false;
    }
    if (floating && from.size < width) {
        column->conversion = PW_F32_TO_F64;
    }
    return true;
}

/* The type of the items for a type: raw functions have ints in place of floats. */
static pw_valtype pattern_type(pw_valtype type, bool raw)
{
    if (!raw) {
        return type;
    }
    return pw_narrow(type) ? PW_I32 : PW_I64;
}

/* ---- buffers ---- */

static int require_one_dimension(const Py_buffer *view, const pw_site *site)
{
    if (view->ndim == 1) {
        return 0;
    }
    char index[32] = "";
    if (site->index >= 0) {
        PyOS_snprintf(index, sizeof index, " %zd", site->index);
    }
    PyErr_Format(
        PyExc_ValueError,
        "%U: %s%s has %d dimensions, but map() takes one-dimensional arrays: flatten it first",
        site->name, site->what, index, view->ndim);
    return -1;
}

/* Exporters may leave out the strides of contiguous items even if they are asked for them. */
static void set_column(pw_source *self)
{
    const Py_buffer *view = &self->view;
    self->size = view->itemsize;
    self->column.start = view->buf;
    self->column.stride = view->strides != NULL ? view->strides[0] : view->itemsize;
}

static int get_buffer(pw_source *self, PyObject *value, int flags, pw_valtype type,
                      const pw_site *site)
{
    if (PyObject_GetBuffer(value, &self->view, flags) < 0) {
        return pw_blame(site, type);
    }
    if (self->view.suboffsets != NULL || (self->view.readonly && flags & PyBUF_WRITABLE)) {
        PyErr_SetString(
            PyExc_BufferError,
            "the exporter returned a buffer with suboffsets, or a read-only one where a "
            "writable one was requested");
        return -1;
    }
    return 0;
}

/* Opens a one-dimensional buffer of numbers, and says what its items are. */
static int open_numbers(pw_source *self, PyObject *value, int flags, pw_valtype type,
                        const pw_site *site, item *found)
{
    if (get_buffer(self, value, flags, type, site) < 0 ||
        require_one_dimension(&self->view, site) < 0) {
        return -1;
    }
    if (item_of(&self->view, found) < 0) {
        return pw_blame(site, type);
    }
    set_column(self);
    return 0;
}

static Py_ssize_t length_of(const Py_buffer *view)
{
    return view->shape != NULL ? view->shape[0] : view->len / view->itemsize;
}

/* How many bytes belong to each index of the first dimension; -1 if there are gaps between them. */
static Py_ssize_t bytes_of_item(const Py_buffer *view)
{
    Py_ssize_t size = view->itemsize;
    for (int i = view->ndim - 1; i > 0; i--) {
        if (view->strides != NULL && view->shape[i] != 1 && view->strides[i] != size) {
            return -1;
        }
        size *= view->shape[i];
    }
    return size;
}

static Py_ssize_t open_vectors(pw_source *self, PyObject *value, int flags, const pw_site *site)
{
    if (get_buffer(self, value, flags, PW_V128, site) < 0) {
        return -1;
    }
    if (pw_refuse_objects(&self->view) < 0) {
        return pw_blame(site, PW_V128);
    }
    if (self->view.ndim < 1 || bytes_of_item(&self->view) != PW_VECTOR_SIZE) {
        PyErr_SetString(PyExc_TypeError,
                        "an array is expected that has 16 bytes, without gaps, for each index of "
                        "its first dimension");
        return pw_blame(site, PW_V128);
    }
    self->size = PW_VECTOR_SIZE;
    self->column = (pw_column){
        .start = self->view.buf,
        .stride = self->view.strides != NULL ? self->view.strides[0] : PW_VECTOR_SIZE,
        .reading = PW_READ_128,
    };
    return self->view.shape != NULL ? self->view.shape[0] : self->view.len / PW_VECTOR_SIZE;
}

Py_ssize_t pw_open_input(pw_source *self, PyObject *value, pw_valtype type, bool raw,
                         const pw_site *site)
{
    item found;
    if (type == PW_V128) {
        return open_vectors(self, value, PyBUF_RECORDS_RO, site);
    }
    if (open_numbers(self, value, PyBUF_RECORDS_RO, type, site, &found) < 0) {
        return -1;
    }
    if (!choose(found, pattern_type(type, raw), &self->column)) {
        refuse(&self->view, "do not all fit");
        return pw_blame(site, type);
    }
    return length_of(&self->view);
}

Py_ssize_t pw_open_output(pw_source *self, PyObject *value, pw_valtype type, bool raw,
                          const pw_site *site)
{
    item found;
    if (type == PW_V128) {
        return open_vectors(self, value, PyBUF_RECORDS, site);
    }
    if (open_numbers(self, value, PyBUF_RECORDS, type, site, &found) < 0) {
        return -1;
    }
    if (!choose(found, pattern_type(type, raw), &self->column) ||
        found.size != (pw_narrow(type) ? 4 : 8)) {
        refuse(&self->view, "cannot take such results");
        return pw_blame(site, type);
    }
    return length_of(&self->view);
}

/* numpy's scalars also have the buffer protocol, but no dimensions. */
bool pw_is_array(PyObject *value, pw_valtype type)
{
    Py_buffer view;
    if (!PyObject_CheckBuffer(value)) {
        return false;
    }
    if (PyObject_GetBuffer(value, &view, PyBUF_RECORDS_RO) < 0) {
        PyErr_Clear(); /* opening it as an input raises the error */
        return true;
    }
    bool array = view.ndim > 0;
    if (type == PW_V128 && view.ndim == 1) {
        array = view.len != PW_VECTOR_SIZE || view.itemsize == PW_VECTOR_SIZE;
    }
    PyBuffer_Release(&view);
    return array;
}

int pw_set_scalar(pw_source *self, PyObject *value, pw_valtype type, bool raw, const pw_site *site)
{
    pw_reading reading = type == PW_V128 ? PW_READ_128 : pw_narrow(type) ? PW_READ_32 : PW_READ_64;
    self->column = (pw_column){(uint8_t *)self->cells, 0, reading, PW_BITS};
    if (type != PW_V128 && !PyNumber_Check(value)) {
        PyErr_Format(PyExc_TypeError,
                     "'%.200s' object is neither a number nor an array with the buffer protocol",
                     Py_TYPE(value)->tp_name);
        return pw_blame(site, type);
    }
    return pw_encode_plain(value, type, raw, self->cells, site);
}

/* ---- overlaps ---- */

/* The addresses from the first byte of a column's items to behind the last one. */
typedef struct {
    uintptr_t start, end;
} extent;

static extent extent_of(const pw_source *self, Py_ssize_t count)
{
    ptrdiff_t last = (count - 1) * self->column.stride;
    uintptr_t first = (uintptr_t)self->column.start;
    uintptr_t low = last < 0 ? first - (uintptr_t)-last : first;
    uintptr_t high = last < 0 ? first : first + (uintptr_t)last;
    return (extent){low, high + (uintptr_t)self->size};
}

static size_t distance_of(const pw_source *self)
{
    ptrdiff_t stride = self->column.stride;
    return (size_t)(stride < 0 ? -stride : stride);
}

/* Tells whether the items of one column lie in the gaps between those of the other, as with two
 * fields of an array of structures. */
static bool interleave(const pw_source *a, const pw_source *b)
{
    size_t distance = distance_of(a);
    if (!distance || distance != distance_of(b)) {
        return false;
    }
    size_t first = (uintptr_t)a->column.start % distance;
    size_t second = (uintptr_t)b->column.start % distance;
    size_t apart = (second + distance - first) % distance;
    return apart >= (size_t)a->size && apart + (size_t)b->size <= distance;
}

bool pw_overlap(const pw_source *a, const pw_source *b, Py_ssize_t count)
{
    if (!count) {
        return false;
    }
    extent first = extent_of(a, count), second = extent_of(b, count);
    return first.start < second.end && second.start < first.end && !interleave(a, b);
}

bool pw_same_places(const pw_source *a, const pw_source *b)
{
    size_t distance = distance_of(a);
    return a->column.start == b->column.start && a->column.stride == b->column.stride &&
           distance >= (size_t)a->size && distance >= (size_t)b->size;
}

int pw_copy_column(pw_source *self, Py_ssize_t count)
{
    uint8_t *copy = count <= PY_SSIZE_T_MAX / PW_VECTOR_SIZE
                        ? PyMem_Malloc((size_t)(count * self->size))
                        : NULL;
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        memcpy(copy + i * self->size, self->column.start + i * self->column.stride,
               (size_t)self->size);
    }
    self->copy = copy;
    self->column.start = copy;
    self->column.stride = self->size;
    return 0;
}

void pw_close_source(pw_source *self)
{
    if (self->view.obj != NULL) {
        PyBuffer_Release(&self->view);
    }
    PyMem_Free(self->copy);
}
