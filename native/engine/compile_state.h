/* SPDX-License-Identifier: MIT */
/* Part of engine.c: what keeps the time and the code of a compilation in proportion to the module.
 */

/* A branch of two bytes can move a thousand values. That many for each byte of a function ... */
#define VALUES_PER_BYTE 8
/* ... and so many in all functions of an instance beyond that. */
#define EXCESS_VALUES (1u << 19)

/* ---- instructions on many values ---- */

/* Accounts for the code, and the work, that an instruction on so many values takes. */
static M3Result spend(IM3Compilation o, u32 values)
{
    pw_compilation *state = compilation_of(o);
    pw_instance *instance = o->runtime->userdata;
    if (values <= state->allowance) {
        state->allowance -= values;
        return NULL;
    }
    instance->excess += values - state->allowance;
    state->allowance = 0;
    return instance->excess <= EXCESS_VALUES ? NULL
                                             : "blocks, branches and calls move too many values";
}

/* ---- checks ---- */

/* A check comes next, on every way to what follows in the block. */
static void note_check(IM3Compilation o)
{
    pw_compilation *state = compilation_of(o);
    state->seen = state->operations;
}

/* ---- slots ---- */

/* Whether eight slots have no free one, or no free pair. */
static bool all_used(const u8 *slots, u16 width)
{
    const u64 ones = width == 1 ? 0x0101010101010101 : 0x0001000100010001;
    u64 counts;
    memcpy(&counts, slots, sizeof counts);
    return !((counts - ones) & ~counts & (ones << (8 * width - 1)));
}

static u32 find_free(const u8 *slots, u32 slot, u16 width)
{
    while (slot + width <= d_m3MaxFunctionSlots) {
        if (slot % 8 == 0 && all_used(&slots[slot], width)) {
            slot += 8;
            continue;
        }
        if (!slots[slot] && !slots[slot + width - 1])
            break;
        slot += width;
    }
    return slot;
}

static_assert(d_m3MaxFunctionSlots % 8 == 0, "find_free looks at eight at a time");

/* wasm3 looks at all slots from the first. */
static M3Result AllocateSlots(IM3Compilation o, u16 *slot, u8 type)
{
    u16 width = GetTypeNumSlots(type);
    u16 *first_free = &compilation_of(o)->first_free[width - 1];
    u16 from = M3_MAX(*first_free, o->slotFirstDynamicIndex);
    AlignSlotToType(&from, type);
    u32 found = find_free(o->m3Slots, from, width);
    if (found + width > d_m3MaxFunctionSlots)
        return m3Err_functionStackOverflow;
    MarkSlotsAllocated(o, (u16)found, width);
    *slot = (u16)found;
    *first_free = (u16)(found + width);
    return NULL;
}

static void DeallocateSlot(IM3Compilation o, i16 slot, u8 type)
{
    pw_compilation *state = compilation_of(o);
    u16 first = (u16)slot, pair = first & ~1;
    stock_DeallocateSlot(o, slot, type);
    state->first_free[0] = M3_MIN(state->first_free[0], first);
    state->first_free[1] = M3_MIN(state->first_free[1], pair);
}

/* ---- scopes ---- */

/* Makes room for one more than the present depth. */
static M3Result grow_scopes(pw_compilation *state, u32 depth)
{
    if (depth + 1 < state->capacity)
        return NULL;
    u32 capacity = M3_MAX(64, 2 * state->capacity);
    pw_scope *scopes = realloc(state->scopes, capacity * sizeof *scopes);
    if (!scopes)
        return m3Err_mallocFailed;
    memset(scopes + state->capacity, 0, (capacity - state->capacity) * sizeof *scopes);
    state->scopes = scopes;
    state->capacity = capacity;
    return NULL;
}

/* wasm3 goes from scope to scope. */
static M3Result GetBlockScope(IM3Compilation o, IM3CompilationScope *scope, i32 distance)
{
    i32 depth = o->block.depth;
    if ((u32)distance > (u32)depth)
        return "invalid block depth";
    *scope = distance ? compilation_of(o)->scopes[depth - distance].scope : &o->block;
    return NULL;
}
