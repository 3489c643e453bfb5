/* SPDX-License-Identifier: MIT */
/* A call for each element of columns of memory. */
#include "bridge.h"

#include <string.h>

/* Other threads may write what is read here: that gives them some value, and no more. */
#define LOAD(type, at)                    \
    (__extension__({                      \
        type item_;                       \
        memcpy(&item_, at, sizeof item_); \
        item_;                            \
    }))

static int64_t load_integer(pw_reading reading, const uint8_t *at)
{
    switch (reading) {
    case PW_READ_BOOL: return *at != 0;
    case PW_READ_S8: return LOAD(int8_t, at);
    case PW_READ_U8: return *at;
    case PW_READ_S16: return LOAD(int16_t, at);
    case PW_READ_U16: return LOAD(uint16_t, at);
    case PW_READ_S32: return LOAD(int32_t, at);
    case PW_READ_32: return LOAD(uint32_t, at);
    default: return LOAD(int64_t, at);
    }
}

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static PW_NOINLINE uint64_t convert(const pw_column *column, const uint8_t *at)
{
    switch (column->conversion) {
    case PW_F32_TO_F64: return f64_bits(LOAD(float, at));
    case PW_INTEGER_TO_F64: return f64_bits((double)load_integer(column->reading, at));
    case PW_INTEGER_TO_F32: return f32_bits((float)load_integer(column->reading, at));
    default: return (uint64_t)load_integer(column->reading, at);
    }
}

static inline uint64_t load(const pw_column *column, size_t index)
{
    const uint8_t *at = column->start + (ptrdiff_t)index * column->stride;
    if (column->conversion == PW_BITS && column->reading == PW_READ_32)
        return LOAD(uint32_t, at);
    if (column->conversion == PW_BITS && column->reading == PW_READ_64)
        return LOAD(uint64_t, at);
    return convert(column, at);
}

/* Of a 32-bit result the guest wrote half of the slot. */
static inline void store(const pw_column *column, size_t index, const uint64_t *slot)
{
    uint8_t *at = column->start + (ptrdiff_t)index * column->stride;
    if (column->reading == PW_READ_32)
        memcpy(at, slot, 4);
    else
        memcpy(at, slot, 8);
}

static pw_trap run_each(const pw_callee *callee, pw_batch *batch)
{
    uint64_t *sp = callee->store->sp;
    uint32_t nparams = callee->nparams, nresults = callee->nresults;
    const pw_column *params = batch->columns, *results = params + nparams;
    pw_trap unfit = pw_prepare_run(callee);
    if (unfit != PW_TRAP_NONE)
        return unfit;
    for (size_t count = batch->count; batch->done < count; ++batch->done) {
        m3ret_t trap = pw_checkpoint(callee->store, sp);
        if (trap)
            return pw_classify(trap);
        for (uint32_t i = 0; i < nparams; ++i)
            sp[nresults + i] = load(&params[i], batch->done);
        trap = pw_run(callee->function, sp, callee->memory);
        if (trap)
            return pw_classify(trap);
        for (uint32_t i = 0; i < nresults; ++i)
            store(&results[i], batch->done, &sp[i]);
    }
    return PW_TRAP_NONE;
}

pw_trap pw_call_each(const pw_callee *callee, pw_batch *batch)
{
    uintptr_t saved;
    if (!pw_begin_run(callee->store, &saved))
        return PW_TRAP_STACK_EXHAUSTED;
    pw_trap trap = run_each(callee, batch);
    pw_end_run(callee->store, saved);
    return trap;
}
