/* SPDX-License-Identifier: MIT */
/* Part of engine.c: a call for each element of columns of memory. */

/* Other threads may write what is read here: that gives some value, and no more. */
#define LOAD(type, at)                    \
    __extension__({                       \
        type item_;                       \
        memcpy(&item_, at, sizeof item_); \
        item_;                            \
    })

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

static PW_NOINLINE uint64_t convert_item(pw_reading reading, pw_conversion conversion,
                                         const uint8_t *at)
{
    switch (conversion) {
    case PW_F32_TO_F64: return f64_bits(LOAD(float, at));
    case PW_INTEGER_TO_F64: return f64_bits((double)load_integer(reading, at));
    case PW_INTEGER_TO_F32: return f32_bits((float)load_integer(reading, at));
    default: return (uint64_t)load_integer(reading, at);
    }
}

static inline uint64_t load_item(const pw_column *column, ptrdiff_t index)
{
    const uint8_t *at = column->start + index * column->stride;
    if (M3_UNLIKELY(column->conversion != PW_BITS || column->reading > PW_READ_64))
        return convert_item(column->reading, column->conversion, at);
    return column->reading == PW_READ_32 ? LOAD(uint32_t, at) : LOAD(uint64_t, at);
}

/* Of a 32-bit result the guest wrote half of the slot. */
static inline void store_item(const pw_column *column, ptrdiff_t index, const uint64_t *slot)
{
    uint8_t *at = column->start + index * column->stride;
    if (column->reading == PW_READ_32)
        memcpy(at, slot, 4);
    else
        memcpy(at, slot, 8);
}

/* Inlined where the numbers of parameters and results are known. */
static PW_ALWAYS_INLINE m3ret_t each(const pw_callee *callee, pw_batch *batch,
                                     const pw_column *columns, uint32_t nparams, uint32_t nresults)
{
    pw_store *store = callee->store;
    const M3Function *function = callee->function;
    M3MemoryHeader *memory = callee->memory;
    uint64_t *sp = store->sp;
    ptrdiff_t count = (ptrdiff_t)batch->count, index = 0;
    m3ret_t trap = NULL;
    for (; index < count; ++index) {
        trap = checkpoint(store, (m3stack_t)(void *)sp, NULL);
        if (M3_UNLIKELY(trap))
            break;
        for (uint32_t i = 0; i < nparams; ++i)
            sp[nresults + i] = load_item(&columns[i], index);
        trap = pw_run(function, sp, memory);
        if (M3_UNLIKELY(trap))
            break;
        for (uint32_t i = 0; i < nresults; ++i)
            store_item(&columns[nparams + i], index, &sp[i]);
    }
    batch->done = (size_t)index;
    return trap;
}

m3ret_t pw_run_each(const pw_callee *callee, pw_batch *batch)
{
    const pw_column *columns = batch->columns;
    if (callee->nresults == 1 && callee->nparams == 1) {
        const pw_column own[] = {columns[0], columns[1]};
        return each(callee, batch, own, 1, 1);
    }
    if (callee->nresults == 1 && callee->nparams == 2) {
        const pw_column own[] = {columns[0], columns[1], columns[2]};
        return each(callee, batch, own, 2, 1);
    }
    return each(callee, batch, columns, callee->nparams, callee->nresults);
}
