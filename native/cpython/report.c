/* SPDX-License-Identifier: MIT */
/* Reads the backtrace of a failed call. */
#include "cpython/report.h"

#include <string.h>

#include "cpython/names.h"

static PyObject *index_object(uint32_t index)
{
    return index == PW_NO_INDEX ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(index);
}

/* Makes a tuple: index, offset and name of the function. */
static PyObject *frame_tuple(const pw_frame *frame)
{
    PyObject *tuple = PyTuple_New(3);
    if (tuple == NULL) {
        return NULL;
    }
    PyTuple_SET_ITEM(tuple, 0, PyLong_FromUnsignedLong(frame->function));
    PyTuple_SET_ITEM(tuple, 1, index_object(frame->offset));
    PyTuple_SET_ITEM(tuple, 2, pw_name_object(frame->module, frame->name));
    for (Py_ssize_t i = 0; i < 3; i++) {
        if (PyTuple_GET_ITEM(tuple, i) == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

void pw_report_take(pw_store *store, pw_trap trap, pw_report *report)
{
    report->count = pw_engine->store_frames(store, report->frames, PW_MAX_FRAMES, &report->head,
                                            &report->omitted);
    report->long_names = false;
    for (uint32_t i = 0; i < report->count; i++) {
        report->long_names |= pw_name_is_long(report->frames[i].name);
    }
    report->message[0] = 0;
    if (trap == PW_TRAP_UNSUPPORTED) {
        PyOS_snprintf(report->message, sizeof report->message, "%s",
                      pw_engine->store_message(store));
    }
}

PyObject *pw_report_frames(const pw_report *report)
{
    PyObject *tuple = PyTuple_New(report->count);
    if (tuple == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < report->count; i++) {
        PyObject *frame = frame_tuple(&report->frames[i]);
        if (frame == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, frame);
    }
    return tuple;
}

/* The part of a key that stands for a frame. The bytes of the name follow it. */
typedef struct {
    uint32_t function, offset, name_size;
} frame_key;

PyObject *pw_report_key(const pw_report *report)
{
    size_t size = sizeof report->head + sizeof report->omitted;
    for (uint32_t i = 0; i < report->count; i++) {
        size += sizeof(frame_key) + report->frames[i].name.size;
    }
    PyObject *key = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (key == NULL) {
        return NULL;
    }
    char *to = PyBytes_AS_STRING(key);
    memcpy(to, &report->head, sizeof report->head);
    to += sizeof report->head;
    memcpy(to, &report->omitted, sizeof report->omitted);
    to += sizeof report->omitted;
    for (uint32_t i = 0; i < report->count; i++) {
        const pw_frame *frame = &report->frames[i];
        frame_key part = {frame->function, frame->offset, frame->name.size};
        memcpy(to, &part, sizeof part);
        to += sizeof part;
        if (part.name_size) {
            memcpy(to, frame->name.data, part.name_size);
        }
        to += part.name_size;
    }
    return key;
}
