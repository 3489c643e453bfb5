/* SPDX-License-Identifier: MIT */
/* Part of engine.c: code pages that know which byte of the module their operations come from.
 *
 * Code grows upward in a page; its map grows downward from the end, one line per operation that can
 * trap or call. `numLines` is where the map begins, `sequence` (unused by wasm3 in release builds)
 * where it ends. wasm3's own map has an entry for every line and doubles the size of all code.
 */

typedef struct {
    u32 line;
    u32 offset;
} map_entry;

/* Both are copied in and out: lines hold pointers, entries are as large as the smallest of them. */
#define MAP_LINES ((u32)((sizeof(map_entry) + sizeof(code_t) - 1) / sizeof(code_t)))

static map_entry read_entry(const M3CodePage *page, u32 line)
{
    map_entry entry;
    memcpy(&entry, &page->code[line], sizeof entry);
    return entry;
}

/* Unlike wasm3's, without a counter that all threads write to. */
static IM3CodePage new_code_page(u32 min_lines)
{
    size_t size = sizeof(M3CodePageHeader) + sizeof(code_t) * ((size_t)min_lines + 2 * MAP_LINES);
    size = (size + (d_m3CodePageAlignSize - 1)) & ~(size_t)(d_m3CodePageAlignSize - 1);
    IM3CodePage page = m3_Malloc(size);
    if (page) {
        page->info.numLines = (u32)((size - sizeof(M3CodePageHeader)) / sizeof(code_t));
        page->info.sequence = page->info.numLines;
    }
    return page;
}

/* So many pages are asked whether they have room. */
#define PAGES_ASKED 16

/* wasm3 asks all, of which a function full of br_tables leaves one behind for each. */
IM3CodePage AcquireCodePageWithCapacity(IM3Runtime runtime, u32 lines)
{
    IM3CodePage *link = &runtime->pagesOpen;
    for (u32 i = 0; i < PAGES_ASKED && *link && NumFreeLines(*link) < lines; ++i)
        link = &(*link)->info.next;
    IM3CodePage page = *link;
    if (page && NumFreeLines(page) >= lines) {
        *link = page->info.next;
        page->info.next = NULL;
    } else {
        page = new_code_page(lines);
        runtime->numCodePages += page != NULL;
    }
    runtime->numActiveCodePages += page != NULL;
    return page;
}

static bool can_trap_or_call(u8 opcode)
{
    return opcode == 0x00 || opcode == 0x03 || (opcode >= 0x10 && opcode <= 0x15) || /* calls */
           opcode == 0x25 || opcode == 0x26 ||   /* table.get, table.set */
           opcode == 0xd4 || opcode == 0xfc ||   /* ref.as_non_null; bulk instructions */
           (opcode >= 0x28 && opcode <= 0x3e) || /* loads, stores */
           (opcode >= 0x6d && opcode <= 0x70) || /* i32 div, rem */
           (opcode >= 0x7f && opcode <= 0x82) || /* i64 div, rem */
           (opcode >= 0xa8 && opcode <= 0xb1);   /* float to integer */
}

static pw_compilation *compilation_of(IM3Compilation o)
{
    return &((pw_instance *)o->runtime->userdata)->store->compilation;
}

/* Called by EmitOp before it writes an operation. It has made sure of 8 free lines: an operation
 * has at most 6 words and is followed by a bridge of 2 or by another check. */
static void map_operation(IM3Compilation o, bool look)
{
    IM3CodePage page = o->page;
    compilation_of(o)->operations++;
    if (!o->lastOpcodeStart || !(look || can_trap_or_call(*o->lastOpcodeStart)))
        return;
    map_entry entry = {page->info.lineIndex, (u32)(o->lastOpcodeStart - o->module->wasmStart)};
    if (page->info.numLines < page->info.sequence &&
        read_entry(page, page->info.numLines).offset == entry.offset)
        return;
    page->info.numLines -= MAP_LINES;
    memcpy(&page->code[page->info.numLines], &entry, sizeof entry);
}

/* The map is sorted: later lines are at lower addresses. */
static uint32_t find_offset(const M3CodePage *page, u32 line)
{
    u32 count = (page->info.sequence - page->info.numLines) / MAP_LINES;
    u32 low = 0, high = count; /* entries below `low`, from the end, are at or before the line */
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (read_entry(page, page->info.sequence - (middle + 1) * MAP_LINES).line <= line)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? read_entry(page, page->info.sequence - low * MAP_LINES).offset : PW_NO_INDEX;
}

uint32_t pw_code_offset(const M3Runtime *runtime, pc_t pc)
{
    const M3CodePage *lists[] = {runtime->pagesOpen, runtime->pagesFull};
    for (int i = 0; i < 2; ++i)
        for (const M3CodePage *page = lists[i]; page; page = page->info.next)
            if (pc >= &page->code[0] && pc < &page->code[page->info.lineIndex])
                return find_offset(page, (u32)(pc - &page->code[0]));
    return PW_NO_INDEX;
}
