/* SPDX-License-Identifier: MIT */
/* Reads the names of the module and of its functions:
 * https://webassembly.github.io/spec/core/appendix/custom.html#name-section
 * The contents of a custom section cannot make a module malformed, so a name section that cannot be
 * read is ignored. */
#include "decode/names.h"

#include <string.h>

#define SUBSECTION_MODULE 0
#define SUBSECTION_FUNCTIONS 1

/* The names that were found. `functions` has room for `nfunctions` names. */
typedef struct {
    pw_name module;
    pw_name *functions;
    uint32_t nfunctions;
} names;

static bool read_name_map(pw_reader *r, names *n)
{
    uint32_t count;
    if (!pw_read_count(r, "name count", 2, UINT32_MAX, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index;
        pw_name name;
        if (!pw_read_u32(r, "function index", &index) || !pw_read_name(r, "name", &name)) {
            return false;
        }
        if (index < n->nfunctions) {
            n->functions[index] = name;
        }
    }
    return true;
}

static bool read_subsection(pw_reader *r, uint8_t id, names *n)
{
    switch (id) {
    case SUBSECTION_MODULE: return pw_read_name(r, "module name", &n->module);
    case SUBSECTION_FUNCTIONS: return read_name_map(r, n);
    default: r->pos = r->end; return true;
    }
}

static bool read_subsections(pw_reader *r, names *n)
{
    while (r->pos < r->end) {
        uint8_t id;
        uint32_t size;
        const uint8_t *data;
        if (!pw_read_byte(r, "subsection id", &id) || !pw_read_u32(r, "size", &size)) {
            return false;
        }
        pw_reader part = *r;
        if (!pw_read_bytes(r, "subsection", size, &data)) {
            return false;
        }
        part = pw_reader_part(&part, "subsection", size);
        if (!read_subsection(&part, id, n) || part.pos != part.end) {
            return false;
        }
    }
    return true;
}

static bool is_name_section(const pw_custom *custom)
{
    return custom->name.size == 4 && memcmp(custom->name.data, "name", 4) == 0;
}

/* Reads the first name section, if there is one. If it is broken, none of its names are used. */
static void read_name_section(const pw_decoder *d, names *n)
{
    const pw_module_info *info = &d->module->info;
    uint32_t i = 0;
    while (i < info->ncustoms && !is_name_section(&info->customs[i])) {
        i++;
    }
    if (i == info->ncustoms) {
        return;
    }
    pw_error ignored;
    pw_error_clear(&ignored);
    pw_reader r = d->reader;
    r.pos = info->customs[i].data;
    r.end = r.pos + info->customs[i].size;
    r.error = &ignored;
    if (!read_subsections(&r, n)) {
        n->module = (pw_name){0};
        memset(n->functions, 0, n->nfunctions * sizeof *n->functions);
    }
}

static void name_if_unnamed(names *n, uint32_t index, pw_name name)
{
    if (n->functions[index].size == 0) {
        n->functions[index] = name;
    }
}

static void name_by_exports(const pw_module_info *info, names *n)
{
    for (uint32_t i = 0; i < info->nexports; i++) {
        if (info->exports[i].type.kind == PW_EXTERN_FUNC) {
            name_if_unnamed(n, info->exports[i].index, info->exports[i].name);
        }
    }
}

static void name_by_imports(const pw_module_info *info, names *n)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < info->nimports; i++) {
        if (info->imports[i].type.kind == PW_EXTERN_FUNC) {
            name_if_unnamed(n, index++, info->imports[i].name);
        }
    }
}

bool pw_read_names(pw_decoder *d)
{
    pw_module_info *info = &d->module->info;
    names n = {.nfunctions = info->nfunctions};
    n.functions = pw_decode_alloc(d, n.nfunctions, sizeof *n.functions);
    if (n.functions == NULL) {
        return false;
    }
    read_name_section(d, &n);
    name_by_exports(info, &n);
    name_by_imports(info, &n);
    info->name = n.module;
    d->module->function_names = n.functions;
    return true;
}
