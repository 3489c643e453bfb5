/* SPDX-License-Identifier: MIT */
/* How pywasm3/_pure gets references out of a store.
 *
 * Between two functions of C, a finalizer of Python can run code of the guest, and this can make
 * the collector free an object that only Python knows the reference to. So each function here reads
 * a value and holds what it refers to before Python goes on. */
#ifndef PW_HOLDING_H
#define PW_HOLDING_H

#include "embed/pw.h"
#include "engine/callee.h"

/* cdef: begin */

/* What a value refers to: the handle of a new hold (reference.h), which is owned by the caller, or
 * one of these. */
typedef int64_t pw_hold;
enum {
    PW_HOLD_NONE = -1,  /* nothing in the heap that Python can have */
    PW_HOLD_FAILED = -2 /* the limits of the store or the system leave no memory for the hold */
};

/* Holds the object of the heap that a reference of a type refers to. */
pw_hold pw_hold_cell(pw_store *store, pw_valtype type, uint64_t ref);
/* Holds what the results of a call refer to. Each result gets its element of `holds`. */
void pw_hold_results(const pw_callee *callee, const uint64_t *values, pw_hold *holds);
/* The next three functions do what those without `_holding` in their names do, and hold what the
 * value refers to. */
pw_hold pw_global_get_holding(pw_store *store, const pw_global *global, uint64_t *cells);
pw_hold pw_table_get_holding(pw_store *store, const pw_table *table, uint32_t index,
                             uint64_t *cell);
pw_hold pw_held_get_holding(pw_store *store, uint32_t handle, uint32_t index, uint64_t *cells);

/* The objects of the host that a store holds, and which of them a collection has marked. */
typedef struct {
    const uint64_t *numbers; /* ascending */
    bool *marked;
    uint64_t count;
} pw_extern_marks;

/* Marks the object with a number, if there is one: a pw_extern_visitor. */
void pw_extern_mark(void *marks, uint64_t bits);
/* Marks what the store refers to while a host call runs. *places is how many places were examined,
 * as a measure of the time. False if there is no memory for the work: the marks are incomplete
 * then. */
bool pw_extern_mark_all(pw_store *store, pw_extern_marks *marks, uint64_t *places);

/* cdef: end */

#endif
