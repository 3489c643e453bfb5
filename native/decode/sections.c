/* SPDX-License-Identifier: MIT */
/* Reads the sections, and checks the rules of valid/modules.html that need no function body.
 * https://webassembly.github.io/spec/core/binary/modules.html */
#include "decode/sections.h"
#include "base/limits.h"
#include "decode/codes.h"
#include "decode/constexpr.h"
#include "decode/externtypes.h"
#include "decode/segments.h"
#include "decode/types.h"
#include "decode/typesection.h"

/* How a section is read. A section is a list of entries, or, if entry_size is 0, a single entry.
 * `begin` is also called for an absent section, with a count of 0, because the index space of its
 * kind still holds what was imported. */
typedef struct {
    uint8_t id;
    const char *name;
    const char *count_name; /* names the length of the list in errors */
    uint32_t entry_size;    /* bytes of the smallest possible entry */
    uint32_t max;           /* how many entries are supported */
    bool (*begin)(pw_decoder *d, uint32_t count);
    bool (*entry)(pw_decoder *d);
} section;

/* ---- index spaces ---------------------------------------------------------------------------- */

/* Adds an import or a definition to the index space of its kind. */
static void add_external(pw_decoder *d, const pw_externtype *type, bool imported)
{
    pw_module *m = d->module;
    switch (type->kind) {
    case PW_EXTERN_FUNC: d->function_types[m->info.nfunctions++] = type->type_index; break;
    case PW_EXTERN_TABLE:
        d->tables[m->ntables++] = (pw_tabledef){type->valtype, imported, type->limits, {0}};
        break;
    case PW_EXTERN_MEMORY:
        d->memories[m->nmemories++] = (pw_memorydef){imported, type->limits};
        break;
    case PW_EXTERN_GLOBAL:
        d->globals[m->nglobals++] = (pw_globaldef){
            .type = type->valtype, .is_mutable = type->is_mutable, .imported = imported};
        break;
    default: d->tags[m->ntags++] = (pw_tagdef){imported, type->type_index}; break;
    }
}

/* Allocates room for everything of one kind: what was imported, and `count` definitions. */
static void *begin_space(pw_decoder *d, pw_externkind kind, uint32_t count, size_t size)
{
    return pw_decode_alloc(d, (size_t)d->imported[kind] + count, size);
}

/* Puts the imports of one kind at the beginning of its index space. */
static bool enter_imports(pw_decoder *d, pw_externkind kind)
{
    for (uint32_t i = 0; d->imported[kind] != 0 && i < d->module->info.nimports; i++) {
        if (d->imports[i].type.kind == kind) {
            add_external(d, &d->imports[i].type, true);
        }
    }
    return true;
}

/* ---- import section (2) ---------------------------------------------------------------------- */

static bool begin_imports(pw_decoder *d, uint32_t count)
{
    d->imports = pw_decode_alloc(d, count, sizeof *d->imports);
    d->module->info.imports = d->imports;
    return d->imports != NULL;
}

static bool read_kind(pw_decoder *d, const char *what, const char *phrase, pw_externkind *kind)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint8_t byte;
    if (!pw_read_byte(&d->reader, what, &byte)) {
        return false;
    }
    if (byte >= PW_EXTERN_KINDS) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "%s: 0x%02x, expected 0 (function), 1 (table), 2 (memory), 3 (global) or 4 "
                       "(tag)",
                       phrase, byte);
    }
    *kind = (pw_externkind)byte;
    return true;
}

static bool read_import(pw_decoder *d)
{
    pw_import *import = &d->imports[d->module->info.nimports];
    pw_externkind kind;
    if (!pw_read_name(&d->reader, "module name of an import", &import->module) ||
        !pw_read_name(&d->reader, "name of an import", &import->name) ||
        !read_kind(d, "kind of an import", "malformed import kind", &kind) ||
        !pw_read_externtype(d, kind, &import->type)) {
        return false;
    }
    d->imported[kind]++;
    d->module->info.nimports++;
    return true;
}

/* ---- function section (3) -------------------------------------------------------------------- */

static bool begin_functions(pw_decoder *d, uint32_t count)
{
    d->function_types = begin_space(d, PW_EXTERN_FUNC, count, sizeof *d->function_types);
    d->module->info.function_types = d->function_types;
    d->module->nimported_functions = d->imported[PW_EXTERN_FUNC];
    d->declared = pw_decode_alloc(d, ((size_t)d->imported[PW_EXTERN_FUNC] + count + 7) / 8, 1);
    return d->function_types != NULL && d->declared != NULL && enter_imports(d, PW_EXTERN_FUNC);
}

static bool read_external(pw_decoder *d, pw_externkind kind)
{
    pw_externtype type;
    if (!pw_read_externtype(d, kind, &type)) {
        return false;
    }
    add_external(d, &type, false);
    return true;
}

static bool read_function(pw_decoder *d)
{
    return read_external(d, PW_EXTERN_FUNC);
}

/* ---- table section (4) ----------------------------------------------------------------------- */

#define TABLE_WITH_INIT 0x40

/* The initial value of a table may be that of an imported global, though the global section comes
 * later. So the imported globals are entered here, and once more by begin_globals. */
static bool enter_imported_globals(pw_decoder *d)
{
    d->globals = begin_space(d, PW_EXTERN_GLOBAL, 0, sizeof *d->globals);
    return d->globals != NULL && enter_imports(d, PW_EXTERN_GLOBAL);
}

static bool begin_tables(pw_decoder *d, uint32_t count)
{
    d->tables = begin_space(d, PW_EXTERN_TABLE, count, sizeof *d->tables);
    d->module->tables = d->tables;
    return d->tables != NULL && enter_imports(d, PW_EXTERN_TABLE) && enter_imported_globals(d);
}

/* Reads a table that begins with TABLE_WITH_INIT: a byte that must be 0, the type, and the initial
 * value of the elements. */
static bool read_table_with_init(pw_decoder *d)
{
    pw_constexpr init;
    uint32_t offset = pw_reader_offset(&d->reader) + 1;
    uint8_t reserved;
    d->reader.pos++;
    if (!pw_read_byte(&d->reader, "byte before a table type", &reserved)) {
        return false;
    }
    if (reserved != 0) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed table: expected 0 before the type of a table but got 0x%02x",
                       reserved);
    }
    pw_externtype type;
    if (!pw_read_externtype(d, PW_EXTERN_TABLE, &type) ||
        !pw_read_constexpr(d, "initial value of a table", type.valtype, &init)) {
        return false;
    }
    add_external(d, &type, false);
    d->tables[d->module->ntables - 1].init = init;
    return true;
}

static bool read_table(pw_decoder *d)
{
    if (d->reader.pos < d->reader.end && *d->reader.pos == TABLE_WITH_INIT) {
        return read_table_with_init(d);
    }
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!read_external(d, PW_EXTERN_TABLE)) {
        return false;
    }
    pw_tabledef *table = &d->tables[d->module->ntables - 1];
    if (!pw_is_defaultable(table->type)) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "type mismatch: a table of %s needs an initial value",
                       pw_valtype_name(table->type).text);
    }
    table->init = (pw_constexpr){.kind = PW_CONST_NULL, .type = table->type, .offset = offset};
    return true;
}

/* ---- memory section (5) ---------------------------------------------------------------------- */

static bool begin_memories(pw_decoder *d, uint32_t count)
{
    d->memories = begin_space(d, PW_EXTERN_MEMORY, count, sizeof *d->memories);
    d->module->memories = d->memories;
    return d->memories != NULL && enter_imports(d, PW_EXTERN_MEMORY);
}

static bool read_memory(pw_decoder *d)
{
    return read_external(d, PW_EXTERN_MEMORY);
}

/* ---- tag section (13) ------------------------------------------------------------------------ */

static bool begin_tags(pw_decoder *d, uint32_t count)
{
    d->tags = begin_space(d, PW_EXTERN_TAG, count, sizeof *d->tags);
    d->module->tags = d->tags;
    return d->tags != NULL && enter_imports(d, PW_EXTERN_TAG);
}

static bool read_tag(pw_decoder *d)
{
    return read_external(d, PW_EXTERN_TAG);
}

/* ---- global section (6) ---------------------------------------------------------------------- */

static bool begin_globals(pw_decoder *d, uint32_t count)
{
    d->globals = begin_space(d, PW_EXTERN_GLOBAL, count, sizeof *d->globals);
    d->module->globals = d->globals;
    d->module->nglobals = 0;
    return d->globals != NULL && enter_imports(d, PW_EXTERN_GLOBAL);
}

static bool read_global(pw_decoder *d)
{
    pw_externtype type;
    pw_constexpr init;
    if (!pw_read_externtype(d, PW_EXTERN_GLOBAL, &type) ||
        !pw_read_constexpr(d, "initial value of a global", type.valtype, &init)) {
        return false;
    }
    add_external(d, &type, false);
    d->globals[d->module->nglobals - 1].init = init;
    return true;
}

/* ---- export section (7) ---------------------------------------------------------------------- */

static bool begin_exports(pw_decoder *d, uint32_t count)
{
    d->exports = pw_decode_alloc(d, count, sizeof *d->exports);
    d->module->info.exports = d->exports;
    return d->exports != NULL;
}

static bool read_export(pw_decoder *d)
{
    pw_export *export = &d->exports[d->module->info.nexports];
    pw_externkind kind;
    if (!pw_read_name(&d->reader, "name of an export", &export->name) ||
        !read_kind(d, "kind of an export", "malformed export kind", &kind)) {
        return false;
    }
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "index of an export", &export->index) ||
        !pw_check_index(d, kind, offset, export->index)) {
        return false;
    }
    export->type = pw_module_extern(d->module, kind, export->index);
    if (kind == PW_EXTERN_FUNC) {
        pw_declare(d, export->index);
    }
    d->module->info.nexports++;
    return true;
}

/* ---- start section (8) ----------------------------------------------------------------------- */

static bool read_start(pw_decoder *d)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint32_t index;
    if (!pw_read_u32(&d->reader, "index of the start function", &index) ||
        !pw_check_index(d, PW_EXTERN_FUNC, offset, index)) {
        return false;
    }
    const pw_functype *type = &d->types[d->function_types[index]];
    if (type->nparams != 0 || type->nresults != 0) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "start function %u: expected no parameters and no results but got %u and %u",
                       index, type->nparams, type->nresults);
    }
    d->module->info.start = index;
    return true;
}

/* ---- data count section (12) ----------------------------------------------------------------- */

static bool read_data_count(pw_decoder *d)
{
    d->has_data_count = true;
    return pw_read_u32(&d->reader, "data count", &d->data_count);
}

/* ---- custom sections (0) --------------------------------------------------------------------- */

static bool read_custom(pw_decoder *d)
{
    pw_custom *custom = &d->customs[d->module->info.ncustoms];
    if (!pw_read_name(&d->reader, "name of a custom section", &custom->name)) {
        return false;
    }
    size_t size = pw_reader_left(&d->reader);
    custom->size = (uint32_t)size;
    d->module->info.ncustoms++;
    return pw_read_bytes(&d->reader, "payload of a custom section", size, &custom->data);
}

/* ---- all sections ---------------------------------------------------------------------------- */

/* The sections in the order that they must have in a module. */
static const section sections[] = {
    {1, "type section", "type count", 2, PW_MAX_TYPES, pw_begin_types, pw_read_type},
    {2, "import section", "import count", 4, PW_MAX_IMPORTS, begin_imports, read_import},
    {3, "function section", "function count", 1, PW_MAX_FUNCTIONS, begin_functions, read_function},
    {4, "table section", "table count", 3, PW_MAX_TABLES, begin_tables, read_table},
    {5, "memory section", "memory count", 2, PW_MAX_MEMORIES, begin_memories, read_memory},
    {13, "tag section", "tag count", 2, PW_MAX_TAGS, begin_tags, read_tag},
    {6, "global section", "global count", 4, PW_MAX_GLOBALS, begin_globals, read_global},
    {7, "export section", "export count", 3, PW_MAX_EXPORTS, begin_exports, read_export},
    {8, "start section", NULL, 0, 0, NULL, read_start},
    {9, "element section", "element segment count", 3, PW_MAX_ELEMENT_SEGMENTS, pw_begin_elems,
     pw_read_elem},
    {12, "data count section", NULL, 0, 0, NULL, read_data_count},
    {10, "code section", "function body count", 2, PW_MAX_FUNCTIONS, pw_begin_codes, pw_read_code},
    {11, "data section", "data segment count", 2, PW_MAX_DATA_SEGMENTS, pw_begin_datas,
     pw_read_data},
};

/* Bytes of the magic number and the version. */
#define HEADER_SIZE 8

#define NSECTIONS (sizeof sections / sizeof sections[0])

static const section custom_section = {0, "custom section", NULL, 0, 0, NULL, read_custom};

/* The place of a section in `sections`. NSECTIONS if no section has this id. */
static size_t place_of(uint8_t id)
{
    size_t place = 0;
    while (place < NSECTIONS && sections[place].id != id) {
        place++;
    }
    return place;
}

/* Checks that the section does not end before all entries of its list were read. */
static bool check_more_entries(pw_decoder *d, const section *s, uint32_t done, uint32_t count)
{
    pw_reader *r = &d->reader;
    if (r->pos < r->end) {
        return true;
    }
    const char *phrase =
        r->end == r->limit ? "unexpected end of section or function" : "length out of bounds";
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                   "%s: the %s is %u, but the %s ends after %u", phrase, s->count_name, count,
                   s->name, done);
}

static bool read_entries(pw_decoder *d, const section *s)
{
    uint32_t count;
    if (s->entry_size == 0) {
        return s->entry(d);
    }
    if (!pw_read_count(&d->reader, s->count_name, s->entry_size, s->max, &count) ||
        !s->begin(d, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!check_more_entries(d, s, i, count) || !s->entry(d)) {
            return false;
        }
    }
    return true;
}

/* Reads the id and the size with which a section begins. */
static bool read_frame(pw_reader *r, const char *name, uint32_t *size)
{
    uint8_t id;
    if (!pw_read_byte(r, "section id", &id)) {
        return false;
    }
    uint32_t offset = pw_reader_offset(r);
    if (!pw_read_u32(r, "section size", size)) {
        return false;
    }
    if (*size > pw_reader_left(r)) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "length out of bounds: the %s has %u byte%s, but the module has %zu left",
                       name, *size, pw_plural(*size), pw_reader_left(r));
    }
    return true;
}

/* Reads the section at the cursor, whose id is that of `s`. */
static bool read_section(pw_decoder *d, const section *s)
{
    uint32_t size;
    if (!read_frame(&d->reader, s->name, &size)) {
        return false;
    }
    pw_reader outer = d->reader;
    d->reader = pw_reader_part(&outer, s->name, size);
    if (!read_entries(d, s)) {
        return false;
    }
    size_t left = pw_reader_left(&d->reader);
    if (left != 0) {
        return pw_fail(
            d->reader.error, PW_MALFORMED, pw_reader_offset(&d->reader),
            "section size mismatch: the %s has %u byte%s, but its contents end after %zu", s->name,
            size, pw_plural(size), size - left);
    }
    d->reader = outer;
    d->reader.pos += size;
    return true;
}

/* Counts the custom sections, because room for them is needed before the first one is read. The
 * count stops at a section whose size is wrong, which read_frame reports when it gets there. */
static uint32_t count_customs(const pw_decoder *d)
{
    pw_error ignored;
    pw_error_clear(&ignored);
    pw_reader r = d->reader;
    r.error = &ignored;
    uint32_t count = 0;
    while (r.pos < r.end) {
        uint32_t size;
        count += *r.pos == custom_section.id;
        if (!read_frame(&r, "section", &size)) {
            break;
        }
        r.pos += size;
    }
    return count;
}

static bool read_customs(pw_decoder *d)
{
    pw_reader *r = &d->reader;
    while (r->pos < r->end && *r->pos == custom_section.id) {
        if (!read_section(d, &custom_section)) {
            return false;
        }
    }
    return true;
}

/* Checks that the next section is one of those from `place` on, or that there is none. No section
 * may follow if `place` is NSECTIONS. */
static bool check_order(pw_decoder *d, size_t place)
{
    pw_reader *r = &d->reader;
    if (r->pos == r->end) {
        return true;
    }
    size_t found = place_of(*r->pos);
    if (found == NSECTIONS) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "malformed section id: expected at most 13 but got %u", *r->pos);
    }
    if (found < place) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "unexpected content after last section: the %s may appear only once, and "
                       "must precede the section that it follows here",
                       sections[found].name);
    }
    return true;
}

static bool read_if_present(pw_decoder *d, const section *s)
{
    const pw_reader *r = &d->reader;
    if (r->pos < r->end && *r->pos == s->id) {
        return read_section(d, s);
    }
    return s->begin == NULL || s->begin(d, 0);
}

bool pw_read_sections(pw_decoder *d)
{
    d->customs = pw_decode_alloc(d, count_customs(d), sizeof *d->customs);
    if (d->customs == NULL) {
        return false;
    }
    d->module->info.customs = d->customs;
    for (size_t place = 0; place < NSECTIONS; place++) {
        if (!read_customs(d) || !check_order(d, place) || !read_if_present(d, &sections[place])) {
            return false;
        }
    }
    return read_customs(d) && check_order(d, NSECTIONS);
}

static void describe_section(const section *s, pw_reader *r, uint32_t start, uint32_t size,
                             pw_section *described)
{
    *described = (pw_section){
        .name = s->name,
        .start = start,
        .offset = pw_reader_offset(r),
        .size = size,
        .is_list = s->entry_size != 0,
        .is_custom = s->id == custom_section.id,
    };
    if (described->is_list) {
        pw_read_u32(r, s->count_name, &described->entries);
    }
}

bool pw_module_next_section(const pw_module *module, pw_section *described)
{
    pw_error ignored; /* nothing fails, because the module is valid */
    pw_error_clear(&ignored);
    pw_reader r;
    pw_reader_init(&r, module->info.bytes, (size_t)module->info.size, &ignored);
    r.pos += described->name == NULL ? HEADER_SIZE : described->offset + described->size;
    if (r.pos == r.end) {
        return false;
    }
    size_t place = place_of(*r.pos);
    const section *s = place == NSECTIONS ? &custom_section : &sections[place];
    uint32_t start = pw_reader_offset(&r);
    uint32_t size;
    if (!read_frame(&r, s->name, &size)) {
        return false;
    }
    describe_section(s, &r, start, size, described);
    return true;
}
