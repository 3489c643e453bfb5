/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operands that are locals.
 *
 * local.get copies nothing: the operand is the local's slot. When the local is set while such
 * operands are on the stack, its old value moves to a slot that they then share; the number of
 * sharers is in m3Slots.
 */

/* One more operand at the slots of a value. wasm3 counts the first of two slots only, so that the
 * second is given away too early. False when the count is at its end. */
static bool share_slots(IM3Compilation o, u16 slot, u8 type)
{
    if (o->m3Slots[slot] == 0xff)
        return false;
    for (u16 i = 0; i < width_of(type); ++i)
        o->m3Slots[slot + i]++;
    return true;
}

/* Index of the first operand that may still be a local: at the beginning of a loop or an if all are
 * preserved. */
static u16 first_unpreserved(IM3Compilation o)
{
    IM3CompilationScope scope = &o->block;
    while (scope->opcode == c_waOp_block && scope->outer)
        scope = scope->outer;
    return (u16)scope->blockStackIndex;
}

/* Lets the operands that are the local share a slot of their own, which the caller fills with the
 * local's value; the local's own slot when there are none. */
static M3Result FindReferencedLocalWithinCurrentBlock(IM3Compilation o, u16 *preserved, u32 local)
{
    *preserved = (u16)local;
    for (u32 i = first_unpreserved(o); i < o->stackIndex; ++i) {
        if (o->wasmStack[i] != local)
            continue;
        u8 type = o->typeStack[i];
        if (*preserved == local || !share_slots(o, *preserved, type)) {
            u16 full = *preserved;
            M3Result result = AllocateSlots(o, preserved, type);
            /* With so many sharers of one slot, the next ones get another: a copy at once, since
             * the caller fills the last. */
            if (!result && full != local)
                result = emit_move(o, full, (u16)local, type);
            if (result)
                return result;
        }
        o->wasmStack[i] = *preserved;
    }
    return NULL;
}

static bool is_local(IM3Compilation o, u16 slot)
{
    return slot >= o->function->numRetSlots && slot < o->slotFirstConstIndex;
}

/* All operands that are locals move to slots of their own. wasm3 looks at each local in turn and
 * for each at all operands. */
static M3Result PreserveArgsAndLocals(IM3Compilation o)
{
    for (u32 i = first_unpreserved(o); i < o->stackIndex; ++i) {
        u16 preserved, slot = o->wasmStack[i];
        if (!is_local(o, slot))
            continue;
        M3Result result = FindReferencedLocalWithinCurrentBlock(o, &preserved, slot);
        if (!result)
            result = emit_move(o, preserved, slot, o->typeStack[i]);
        if (result)
            return result;
    }
    return NULL;
}
