/* SPDX-License-Identifier: MIT */
/* Part of engine.c: work on many bytes or elements, which is done in pieces: filling 4 GiB takes a
 * second, and whoever stops the call must not wait for it. */

#define BYTES_PER_TICK 1024
#define PIECE_BYTES (1u << 20)

/* Of a memory, by its bytes, or of a table. */
typedef struct {
    void *target;
    const void *source; /* of copies */
    u32 to;
    u32 from;
    u64 value; /* that fills */
} bulk_work;

/* Does `count` items, from the at-th on. False: what ran between pieces, a signal handler, took
 * away what was there. */
typedef bool (*bulk_part)(const bulk_work *work, u32 at, u32 count);

static bool fill_bytes(const bulk_work *work, u32 at, u32 count)
{
    memset((u8 *)work->target + work->to + at, (u8)work->value, count);
    return true;
}

static bool copy_bytes(const bulk_work *work, u32 at, u32 count)
{
    u8 *target = (u8 *)work->target + work->to + at;
    memmove(target, (const u8 *)work->source + work->from + at, count);
    return true;
}

static bool fill_elements(const bulk_work *work, u32 at, u32 count)
{
    return pw_table_fill(work->target, work->to + at, work->value, count);
}

static bool copy_elements(const bulk_work *work, u32 at, u32 count)
{
    return pw_table_copy(work->target, work->to + at, work->source, work->from + at, count);
}

static bool init_elements(const bulk_work *work, u32 at, u32 count)
{
    return pw_elem_copy(work->target, work->to + at, work->source, work->from + at, count);
}

/* The last pieces go first where the others would overwrite them. `size`: bytes of an item. */
static inline m3ret_t do_bulk(pw_store *store, m3stack_t sp, pc_t pc, bulk_part part,
                              const bulk_work *work, u32 count, u32 size)
{
    bool from_end = work->source == work->target && work->to > work->from;
    m3ret_t trap = NULL;
    for (u32 left = count; left && M3_LIKELY(!trap);) {
        u32 piece = M3_MIN(left, PIECE_BYTES / size);
        if (M3_UNLIKELY(!part(work, from_end ? left - piece : count - left, piece)))
            return trap_at(store, pc, trap_table_bounds);
        left -= piece;
        trap = pass_time(store, sp, pc, 1 + piece * size / BYTES_PER_TICK);
    }
    return trap;
}

/* The end of an operation, whose bounds have been checked for the whole. */
#define DO_BULK(PART, WORK, COUNT, SIZE)                                      \
    do {                                                                      \
        pw_store *store = pw_header_of(_mem)->store;                          \
        m3ret_t trap = do_bulk(store, _sp, _pc - 1, PART, WORK, COUNT, SIZE); \
        if (M3_UNLIKELY(trap))                                                \
            return trap;                                                      \
        nextOp();                                                             \
    } while (0)
