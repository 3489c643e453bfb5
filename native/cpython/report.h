/* SPDX-License-Identifier: MIT */
/* Reports of failed calls: the engine's record of one, and Python objects made from it. */
#ifndef PW_CPYTHON_REPORT_H
#define PW_CPYTHON_REPORT_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "cpython/state.h"
#include "embed/api.h"

/* An exception shows at most this many frames of wasm. */
#define PW_MAX_FRAMES 64

typedef struct {
    pw_frame frames[PW_MAX_FRAMES];
    uint32_t count;
    uint32_t head;
    uint64_t omitted;
    bool long_names; /* the objects for some names keep their module alive: see pw_name_object */
    char message[256];
} pw_report;

/* Copies what the engine recorded about a trap of a store, which is entered. */
void pw_report_take(pw_store *store, pw_trap trap, pw_report *report);
/* Makes a tuple of the frames: of each its function, its offset and its name. The store is still
 * entered, because the modules own the names. New reference; NULL with an error. */
PyObject *pw_report_frames(const pw_report *report);
/* Makes bytes that are equal for reports whose notes have the same text. The store is still
 * entered. New reference; NULL with an error. */
PyObject *pw_report_key(const pw_report *report);

#endif
