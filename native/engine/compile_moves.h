/* SPDX-License-Identifier: MIT */
/* Part of engine.c: values that change their slots together.
 *
 * wasm3 saves only the first value that another one's target would overwrite, and gets pairs of
 * 32-bit slots under one 64-bit value wrong.
 */

/* So many values are moved with the fewest copies; more go by way of fresh slots if they overlap.
 */
#define FEW_MOVES 16

/* `count` values of the compiler's stack, from index `first`. They go to the slots of the records
 * from index `target`, or, `packed`, to 64-bit slots one after the other from slot `target`. */
typedef struct {
    u16 first;
    u16 count;
    u16 target;
    bool packed;
} transfer;

static u16 width_of(u8 type)
{
    return GetTypeNumSlots(type);
}

static u16 target_slot(IM3Compilation o, const transfer *t, u16 i)
{
    return t->packed ? t->target + i * c_ioSlotCount : o->wasmStack[t->target + i];
}

static bool overlap(u16 slot, u16 width, u16 other, u16 other_width)
{
    return slot < other + other_width && other < slot + width;
}

/* One copy; the source may be a register. */
static M3Result emit_move(IM3Compilation o, u16 target, u16 source, u8 type)
{
    bool in_register = IsRegisterSlotAlias(source);
    IM3Operation op = in_register         ? c_setSetOps[type]
                      : Is64BitType(type) ? op_CopySlot_64
                                          : op_CopySlot_32;
    M3Result result = EmitOp(o, op);
    if (result)
        return result;
    EmitSlotOffset(o, target);
    if (!in_register)
        EmitSlotOffset(o, source);
    TouchSlot(o, target + width_of(type) - 1);
    return NULL;
}

/* First slot above every live value and every target: free for what is on the way. */
static u16 slots_above(IM3Compilation o, const transfer *t)
{
    u16 above = GetMaxUsedSlotPlusOne(o);
    for (u16 i = 0; i < t->count; ++i) {
        u16 target = target_slot(o, t, i);
        if (!IsRegisterSlotAlias(target))
            above = M3_MAX(above, target + c_ioSlotCount);
    }
    for (u16 i = 0; i < t->count; ++i) {
        u16 source = o->wasmStack[t->first + i];
        if (!IsRegisterSlotAlias(source))
            above = M3_MAX(above, source + c_ioSlotCount);
    }
    AlignSlotToType(&above, c_m3Type_i64);
    return above;
}

/* A pending move that has still to read a slot which the i-th one writes; the count when there is
 * none. */
static u16 find_blocker(IM3Compilation o, const transfer *t, const u16 *sources, u32 pending, u16 i)
{
    u16 width = width_of(o->typeStack[t->first + i]);
    for (u16 k = 0; k < t->count; ++k) {
        if (k == i || !(pending & (1u << k)) || IsRegisterSlotAlias(sources[k]))
            continue;
        if (overlap(target_slot(o, t, i), width, sources[k], width_of(o->typeStack[t->first + k])))
            return k;
    }
    return t->count;
}

/* Emits every move that nothing waits for, until none is left or all wait in circles. */
static M3Result move_unblocked(IM3Compilation o, const transfer *t, const u16 *sources,
                               u32 *pending)
{
    bool progress = true;
    while (*pending && progress) {
        progress = false;
        for (u16 i = 0; i < t->count; ++i) {
            u16 target = target_slot(o, t, i);
            if (!(*pending & (1u << i)))
                continue;
            if (target != sources[i]) {
                if (find_blocker(o, t, sources, *pending, i) < t->count)
                    continue;
                M3Result result = emit_move(o, target, sources[i], o->typeStack[t->first + i]);
                if (result)
                    return result;
            }
            *pending &= ~(1u << i);
            progress = true;
        }
    }
    return NULL;
}

static M3Result move_few(IM3Compilation o, const transfer *t, u16 fresh)
{
    u16 sources[FEW_MOVES];
    u32 pending = (1u << t->count) - 1;
    memcpy(sources, &o->wasmStack[t->first], t->count * sizeof *sources);
    for (;;) {
        M3Result result = move_unblocked(o, t, sources, &pending);
        if (result || !pending)
            return result;
        u16 first = 0;
        while (!(pending & (1u << first)))
            first++;
        /* What blocks it gets out of the way, once and for all. */
        u16 blocker = find_blocker(o, t, sources, pending, first);
        result = emit_move(o, fresh, sources[blocker], o->typeStack[t->first + blocker]);
        if (result)
            return result;
        sources[blocker] = fresh;
        fresh += c_ioSlotCount;
    }
}

/* All to fresh slots, then all to their targets. */
static M3Result move_many(IM3Compilation o, const transfer *t, u16 fresh)
{
    for (u16 i = 0; i < t->count; ++i) {
        M3Result result = emit_move(o, fresh + i * c_ioSlotCount, o->wasmStack[t->first + i],
                                    o->typeStack[t->first + i]);
        if (result)
            return result;
    }
    for (u16 i = 0; i < t->count; ++i) {
        M3Result result = emit_move(o, target_slot(o, t, i), fresh + i * c_ioSlotCount,
                                    o->typeStack[t->first + i]);
        if (result)
            return result;
    }
    return NULL;
}

/* Whether all sources lie below all targets, as they do in most calls. */
static bool apart(IM3Compilation o, const transfer *t)
{
    u16 lowest_target = c_slotUnused, highest_source = 0;
    for (u16 i = 0; i < t->count; ++i) {
        u16 source = o->wasmStack[t->first + i];
        lowest_target = M3_MIN(lowest_target, target_slot(o, t, i));
        if (!IsRegisterSlotAlias(source))
            highest_source = M3_MAX(highest_source, source + c_ioSlotCount);
    }
    return highest_source <= lowest_target;
}

static M3Result move_apart(IM3Compilation o, const transfer *t)
{
    for (u16 i = 0; i < t->count; ++i) {
        M3Result result = emit_move(o, target_slot(o, t, i), o->wasmStack[t->first + i],
                                    o->typeStack[t->first + i]);
        if (result)
            return result;
    }
    return NULL;
}

/* As if all were read before one is written. The compiler's state stays as it is: the code may be
 * that of a branch, which is not always taken. `fresh`: slots from there on are free. */
static M3Result move_values(IM3Compilation o, const transfer *t, u16 fresh)
{
    if (apart(o, t))
        return move_apart(o, t);
    if (fresh + t->count * c_ioSlotCount > d_m3MaxFunctionSlots)
        return m3Err_functionStackOverflow;
    return t->count <= FEW_MOVES ? move_few(o, t, fresh) : move_many(o, t, fresh);
}
