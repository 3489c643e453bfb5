/* SPDX-License-Identifier: MIT */
/* Part of engine.c: where a call puts its arguments and finds its results.
 *
 * The callee's frame begins above all live values: results first, then arguments, 64 bits each.
 */

/* wasm3 counts the arguments themselves among the live values, so that calls that feed each other
 * climb until they write past its table of slots, and it leaves the arguments out of the frame's
 * size, which the entry checks. */
static M3Result CompileCallArgsAndReturn(IM3Compilation o, u16 *frame, IM3FuncType type,
                                         bool is_indirect)
{
    u16 params = GetFuncTypeNumParams(type), results = GetFuncTypeNumResults(type);
    M3Result result = NULL;
    u16 top = 1; /* a frame takes room even if it is empty: recursion must end */
    if (is_indirect) {
        /* The operation reads the index, or the reference, after the moves. */
        top = GetStackTopSlotNumber(o) + width_of(GetStackTopType(o));
        result = Pop(o);
    }
    for (u16 i = 0; i < params && !result; ++i)
        result = Pop(o);
    if (result)
        return result;
    result = spend(o, (u32)params + results);
    if (result)
        return result;
    transfer t = {.first = o->stackIndex, .count = params, .packed = true};
    top = M3_MAX(top, GetMaxUsedSlotPlusOne(o));
    AlignSlotToType(&top, c_m3Type_i64);
    u32 end = top + (u32)(params + results) * c_ioSlotCount;
    if (end > d_m3MaxFunctionSlots)
        return m3Err_functionStackOverflow;
    t.target = top + results * c_ioSlotCount;
    TouchSlot(o, (u16)(end - 1));
    result = move_values(o, &t, slots_above(o, &t));
    note_check(o);
    *frame = top;
    for (u16 i = 0; i < results && !result; ++i, top += c_ioSlotCount) {
        u8 valtype = GetFuncTypeResultType(type, i);
        result = Push(o, valtype, top);
        MarkSlotsAllocatedByType(o, top, valtype);
    }
    return result;
}
