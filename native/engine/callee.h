/* SPDX-License-Identifier: MIT */
/* What a call from outside needs, and a map: one call per element of columns. */
#ifndef PW_CALLEE_H
#define PW_CALLEE_H

#include "runtime/objects.h"

/* A function with what a call of it needs, looked up once. Valid as long as its store. */
typedef struct {
    pw_store *store;
    void *function; /* of the engine, like the next */
    void *memory;
    uint32_t nparams;
    uint32_t nresults;
    uint32_t nparam_cells;     /* 64-bit cells that the parameters take: pw_cells_of */
    uint32_t nresult_cells;    /* 64-bit cells that the results take */
    const pw_valtype *results; /* borrowed from the module */
} pw_callee;

/* How an item of a column is read. */
typedef enum {
    PW_READ_32, /* without a sign */
    PW_READ_64,
    PW_READ_S32,
    PW_READ_U16,
    PW_READ_S16,
    PW_READ_U8,
    PW_READ_S8,
    PW_READ_BOOL
} pw_reading;

/* What becomes of it; no number changes. */
typedef enum { PW_BITS, PW_INTEGER_TO_F32, PW_INTEGER_TO_F64, PW_F32_TO_F64 } pw_conversion;

/* Items in memory, of any alignment. */
typedef struct {
    uint8_t *start;
    ptrdiff_t stride; /* bytes from one to the next; 0: all have this one */
    pw_reading reading;
    pw_conversion conversion;
} pw_column;

typedef struct {
    const pw_column *columns; /* of parameters, then of results: those are PW_READ_32 or _64 */
    size_t count;
    size_t done; /* out: how many elements have their results; else the next one failed */
} pw_batch;

#endif
