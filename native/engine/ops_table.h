/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operations on references, tables and their segments. */

d_m3Op(pwTableGet)
{
    u32 index = slot(u32);
    const pw_table *table = immediate(const pw_table *);
    if (M3_UNLIKELY(index >= table->size))
        TRAP_HERE(trap_table_bounds);
    _r0 = (i64)table->elements[index];
    nextOp();
}

d_m3Op(pwTableSet)
{
    u32 index = slot(u32);
    u64 ref = slot(u64);
    pw_table *table = immediate(pw_table *);
    if (M3_UNLIKELY(index >= table->size))
        TRAP_HERE(trap_table_bounds);
    table->elements[index] = ref;
    nextOp();
}

d_m3Op(pwTableSize)
{
    const pw_table *table = immediate(const pw_table *);
    _r0 = table->size;
    nextOp();
}

d_m3Op(pwTableGrow)
{
    u64 ref = slot(u64);
    u32 delta = slot(u32);
    _r0 = pw_table_grow(immediate(pw_table *), delta, ref);
    nextOp();
}

d_m3Op(pwTableFill)
{
    bulk_work work = {.to = slot(u32)};
    work.value = slot(u64);
    u32 count = slot(u32);
    pw_table *table = work.target = immediate(pw_table *);
    if (M3_UNLIKELY(!pw_fits(table->size, work.to, count)))
        TRAP_HERE(trap_table_bounds);
    DO_BULK(fill_elements, &work, count, sizeof(uint64_t));
}

d_m3Op(pwTableCopy)
{
    bulk_work work = {.to = slot(u32)};
    work.from = slot(u32);
    u32 count = slot(u32);
    pw_table *target = work.target = immediate(pw_table *);
    const pw_table *source = work.source = immediate(const pw_table *);
    if (M3_UNLIKELY(!pw_fits(target->size, work.to, count) ||
                    !pw_fits(source->size, work.from, count)))
        TRAP_HERE(trap_table_bounds);
    DO_BULK(copy_elements, &work, count, sizeof(uint64_t));
}

d_m3Op(pwTableInit)
{
    bulk_work work = {.to = slot(u32)};
    work.from = slot(u32);
    u32 count = slot(u32);
    pw_table *table = work.target = immediate(pw_table *);
    const pw_elem *segment = work.source = immediate(const pw_elem *);
    if (M3_UNLIKELY(!pw_fits(table->size, work.to, count) ||
                    !pw_fits(segment->count, work.from, count)))
        TRAP_HERE(trap_table_bounds);
    DO_BULK(init_elements, &work, count, sizeof(uint64_t));
}

d_m3Op(pwElemDrop)
{
    pw_elem *segment = immediate(pw_elem *);
    segment->count = 0;
    nextOp();
}

/* ---- references ---- */

d_m3Op(pwNonNull)
{
    u64 ref = slot(u64);
    if (M3_UNLIKELY(!ref))
        TRAP_HERE(trap_null_reference);
    nextOp();
}

/* Go on when the reference is null, or is not; else to the address that follows. */
d_m3Op(pwIfNull)
{
    u64 ref = slot(u64);
    pc_t otherwise = immediate(pc_t);
    if (!ref)
        nextOp();
    jumpOp(otherwise);
}

d_m3Op(pwIfNonNull)
{
    u64 ref = slot(u64);
    pc_t otherwise = immediate(pc_t);
    if (ref)
        nextOp();
    jumpOp(otherwise);
}
