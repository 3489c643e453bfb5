/* SPDX-License-Identifier: MIT */
/* Part of engine.c: locals for which a frame of wasm3 has no room. See compile_far.h. */

/* Entered before the function's entry, so that the frame ends before they are given back. */
d_m3Op(pwFarLocals)
{
    IM3Function function = immediate(IM3Function);
    u32 count = immediate(u32);
    pw_store *store = pw_header_of(_mem)->store;

    if (M3_UNLIKELY(count > (size_t)(store->far_end - store->far)))
        return trap_in(store, function, m3Err_trapStackOverflow);
    memset(store->far, 0, count * sizeof *store->far);
    store->far += count;
    m3ret_t r = nextOpImpl();
    store->far -= count;
    return r == pw_tail_call ? run_tail_call(store) : r;
}

/* Far locals are named by their distance from the end. */
#define FAR_LOCAL(TYPE) (*(TYPE *)(void *)(pw_header_of(_mem)->store->far - immediate(u32)))

#define FAR_OPERATIONS(BITS, TYPE)    \
    d_m3Op(pwFarGet_##BITS)           \
    {                                 \
        TYPE value = FAR_LOCAL(TYPE); \
        slot(TYPE) = value;           \
        nextOp();                     \
    }                                 \
    d_m3Op(pwFarSet_##BITS)           \
    {                                 \
        TYPE value = slot(TYPE);      \
        FAR_LOCAL(TYPE) = value;      \
        nextOp();                     \
    }

FAR_OPERATIONS(32, u32)
FAR_OPERATIONS(64, u64)
