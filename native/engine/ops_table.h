/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operations on references, tables and segments. */

static const char trap_table_bounds[] = "[trap] out of bounds table access";
static const char trap_null_reference[] = "[trap] null reference";

#define TRAP_HERE(TRAP) return trap_at(pw_header_of(_mem)->store, _pc - 1, TRAP)

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
    u32 start = slot(u32);
    u64 ref = slot(u64);
    u32 count = slot(u32);
    if (M3_UNLIKELY(!pw_table_fill(immediate(pw_table *), start, ref, count)))
        TRAP_HERE(trap_table_bounds);
    nextOp();
}

d_m3Op(pwTableCopy)
{
    u32 to = slot(u32);
    u32 from = slot(u32);
    u32 count = slot(u32);
    pw_table *target = immediate(pw_table *);
    const pw_table *source = immediate(const pw_table *);
    if (M3_UNLIKELY(!pw_table_copy(target, to, source, from, count)))
        TRAP_HERE(trap_table_bounds);
    nextOp();
}

d_m3Op(pwTableInit)
{
    u32 to = slot(u32);
    u32 from = slot(u32);
    u32 count = slot(u32);
    pw_table *table = immediate(pw_table *);
    const pw_elem *segment = immediate(const pw_elem *);
    if (M3_UNLIKELY(!pw_elem_copy(table, to, segment, from, count)))
        TRAP_HERE(trap_table_bounds);
    nextOp();
}

d_m3Op(pwElemDrop)
{
    pw_elem *segment = immediate(pw_elem *);
    segment->count = 0;
    nextOp();
}

d_m3Op(pwMemoryInit)
{
    u32 to = slot(u32);
    u32 from = slot(u32);
    u32 count = slot(u32);
    const pw_data *segment = immediate(const pw_data *);
    if (M3_UNLIKELY(!pw_data_copy(_mem, to, segment, from, count)))
        TRAP_HERE(m3Err_trapOutOfBoundsMemoryAccess);
    nextOp();
}

d_m3Op(pwDataDrop)
{
    pw_data *segment = immediate(pw_data *);
    segment->size = 0;
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
