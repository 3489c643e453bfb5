/* SPDX-License-Identifier: MIT */
/* The facts that a call from outside needs, and a map, which is one call for each element of
 * columns. */
#ifndef PW_CALLEE_H
#define PW_CALLEE_H

#include "runtime/objects.h"

/* cdef: begin */

/* A function with what a call of it needs, looked up once. It is valid as long as its store. */
typedef struct {
    pw_store *store;
    void *function; /* an M3Function of the engine */
    void *memory;   /* the M3MemoryHeader of its instance */
    /* The store's `sp`: where the next call has its values, those of the results before those of
     * the parameters. As many as any function can have may be written there, even if the stack
     * ends: see PW_RED_ZONE. */
    uint64_t *const *sp;
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
    PW_READ_128, /* a v128, which takes two cells */
    PW_READ_S32,
    PW_READ_U16,
    PW_READ_S16,
    PW_READ_U8,
    PW_READ_S8,
    PW_READ_BOOL
} pw_reading;

/* How an item becomes a value of the parameter's type. All conversions keep the number. */
typedef enum { PW_BITS, PW_INTEGER_TO_F32, PW_INTEGER_TO_F64, PW_F32_TO_F64 } pw_conversion;

/* Numbers or vectors in memory, of any alignment. */
typedef struct {
    uint8_t *start;
    ptrdiff_t stride; /* bytes from one item to the next; 0: every call has the same item */
    pw_reading reading;
    pw_conversion conversion;
} pw_column;

typedef struct {
    const pw_column
        *columns; /* of parameters, then of results: those are PW_READ_32, _64 or _128 */
    size_t count; /* of calls */
    size_t done;  /* out: how many calls have written their results; if not all, the next failed */
} pw_map_job;

/* cdef: end */

#endif
