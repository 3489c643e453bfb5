/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operations on the memory as a whole, and on data segments. The memory belongs
 * to the bridge and never moves. */

d_m3Op(pwMemSize)
{
    _r0 = (i64)(_mem->length / d_m3MemPageSize);
    nextOp();
}

/* wasm3's adds in 32 bits, so that growing by -1 shrinks, and moves the end of the stack in nested
 * calls. */
d_m3Op(pwMemGrow)
{
    _r0 = pw_memory_grow(pw_header_of(_mem)->memory, (u32)_r0);
    nextOp();
}

/* Of this one and the next, wasm3 passes the count in the register. */
d_m3Op(pwMemFill)
{
    u32 count = (u32)_r0;
    bulk_work work = {.target = m3MemData(_mem), .value = slot(u32)};
    work.to = slot(u32);
    if (M3_UNLIKELY(!pw_fits(_mem->length, work.to, count)))
        TRAP_HERE(m3Err_trapOutOfBoundsMemoryAccess);
    DO_BULK(fill_bytes, &work, count, 1);
}

d_m3Op(pwMemCopy)
{
    u32 count = (u32)_r0;
    bulk_work work = {m3MemData(_mem), m3MemData(_mem), .from = slot(u32)};
    work.to = slot(u32);
    if (M3_UNLIKELY(!pw_fits(_mem->length, work.to, count) ||
                    !pw_fits(_mem->length, work.from, count)))
        TRAP_HERE(m3Err_trapOutOfBoundsMemoryAccess);
    DO_BULK(copy_bytes, &work, count, 1);
}

d_m3Op(pwMemoryInit)
{
    bulk_work work = {.target = m3MemData(_mem), .to = slot(u32)};
    work.from = slot(u32);
    u32 count = slot(u32);
    const pw_data *segment = immediate(const pw_data *);
    work.source = segment->data;
    if (M3_UNLIKELY(!pw_fits(_mem->length, work.to, count) ||
                    !pw_fits(segment->size, work.from, count)))
        TRAP_HERE(m3Err_trapOutOfBoundsMemoryAccess);
    DO_BULK(copy_bytes, &work, count, 1);
}

d_m3Op(pwDataDrop)
{
    pw_data *segment = immediate(pw_data *);
    segment->size = 0;
    nextOp();
}
