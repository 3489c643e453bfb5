/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operands that are locals.
 *
 * local.get copies nothing: the operand is the local's slot. When the local is set while such
 * operands are on the stack, its old value moves to a slot that they then share; the number of
 * sharers is in m3Slots.
 */

/* One more operand at the slots of a value. wasm3 counts the first of two slots only, so that the
 * second is given away too early. */
static void share_slots(IM3Compilation o, u16 slot, u8 type)
{
    for (u16 i = 0; i < width_of(type); ++i)
        o->m3Slots[slot + i]++;
}

static bool is_local(IM3Compilation o, u16 slot)
{
    return slot >= o->function->numRetSlots && slot < o->slotFirstConstIndex;
}

/* Below the operands are the locals themselves. */
static u16 first_unpreserved(IM3Compilation o)
{
    return M3_MAX(compilation_of(o)->preserved, o->stackFirstDynamicIndex);
}

/* All operands below `end` that are locals move to slots of their own. wasm3 looks, for each local,
 * at all operands; here none is looked at again before it is popped. */
static M3Result preserve_locals(IM3Compilation o, u16 end)
{
    pw_compilation *state = compilation_of(o);
    for (u16 i = first_unpreserved(o); i < end; ++i) {
        u16 preserved, slot = o->wasmStack[i];
        u8 type = o->typeStack[i];
        if (!is_local(o, slot))
            continue;
        M3Result result = AllocateSlots(o, &preserved, type);
        if (!result)
            result = emit_move(o, preserved, slot, type);
        if (result)
            return result;
        o->wasmStack[i] = preserved;
    }
    state->preserved = M3_MAX(state->preserved, end);
    return NULL;
}

static M3Result PreserveArgsAndLocals(IM3Compilation o)
{
    bool is_condition = *o->lastOpcodeStart == c_waOp_if; /* it is read at once */
    return preserve_locals(o, o->stackIndex - is_condition);
}

static M3Result Compile_GetLocal(IM3Compilation o, m3opcode_t opcode)
{
    pw_compilation *state = compilation_of(o);
    state->preserved = M3_MIN(state->preserved, o->stackIndex);
    return stock_Compile_GetLocal(o, opcode);
}

/* So many operands that may be locals are looked at when a local is set. */
#define NEAR_OPERANDS 32

static_assert(NEAR_OPERANDS <= UINT8_MAX, "they may all share one slot, whose count is a byte");

/* Lets the operands that are the local share a slot of their own, which the caller fills with the
 * local's value; the local's own slot when there are none. */
static M3Result FindReferencedLocalWithinCurrentBlock(IM3Compilation o, u16 *preserved, u32 local)
{
    *preserved = (u16)local;
    if (o->stackIndex > first_unpreserved(o) + NEAR_OPERANDS) {
        M3Result result = preserve_locals(o, o->stackIndex - 1);
        if (result)
            return result;
    }
    for (u16 i = first_unpreserved(o); i < o->stackIndex; ++i) {
        if (o->wasmStack[i] != local)
            continue;
        u8 type = o->typeStack[i];
        if (*preserved != local) {
            share_slots(o, *preserved, type);
        } else {
            M3Result result = AllocateSlots(o, preserved, type);
            if (result)
                return result;
        }
        o->wasmStack[i] = *preserved;
    }
    return NULL;
}
