/* SPDX-License-Identifier: MIT */
/* Types: https://webassembly.github.io/spec/core/binary/types.html and valid/types.html */
#include "decode.h"
#include "limits.h"

#define FORM_FUNCTION 0x60

#define LIMITS_HAS_MAX 0x01
#define LIMITS_SHARED 0x02 /* threads proposal */
#define LIMITS_64 0x04

static const struct {
    uint8_t code;
    const char *name;
} valtype_names[] = {
    {PW_I32, "i32"},
    {PW_I64, "i64"},
    {PW_F32, "f32"},
    {PW_F64, "f64"},
    {PW_V128, "v128"},
    {PW_FUNCREF, "funcref"},
    {PW_EXTERNREF, "externref"},
};

const char *pw_valtype_name(pw_valtype type)
{
    for (size_t i = 0; i < sizeof valtype_names / sizeof valtype_names[0]; i++) {
        if (valtype_names[i].code == type) {
            return valtype_names[i].name;
        }
    }
    return "?";
}

/* What a valid type byte belongs to that is not supported; NULL for other bytes. */
static const char *feature_of_type(uint8_t code)
{
    switch (code) {
    case 0x63:
    case 0x64: return "typed function references";
    case 0x69:
    case 0x74: return "exception references";
    case 0x6a:
    case 0x6b:
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x71:
    case 0x72:
    case 0x73: return "garbage-collected types";
    default: return NULL;
    }
}

/* A byte that is no supported type, at the cursor. Type codes are small negative LEB128 numbers,
 * which is what the test-suite's phrase for 0x80 and above goes by. */
static bool fail_type(pw_reader *r, const char *what, const char *phrase, const char *expected)
{
    uint8_t code = *r->pos;
    const char *feature = feature_of_type(code);
    if (feature != NULL) {
        return pw_fail(r->error, PW_UNSUPPORTED, pw_reader_offset(r),
                       "not supported: %s (the %s is 0x%02x)", feature, what, code);
    }
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r), "%s: the %s is 0x%02x, not %s",
                   code >= 0x80 ? "integer representation too long" : phrase, what, code, expected);
}

bool pw_read_valtype(pw_decoder *d, const char *what, pw_valtype *type)
{
    pw_reader ahead = d->reader;
    uint8_t code;
    if (!pw_read_byte(&ahead, what, &code)) {
        return false;
    }
    if ((code < PW_V128 || code > PW_I32) && code != PW_FUNCREF && code != PW_EXTERNREF) {
        return fail_type(&d->reader, what, "malformed value type",
                         "i32, i64, f32, f64, v128, funcref or externref");
    }
    d->reader = ahead;
    *type = code;
    return true;
}

bool pw_read_reftype(pw_decoder *d, const char *what, pw_valtype *type)
{
    pw_reader ahead = d->reader;
    uint8_t code;
    if (!pw_read_byte(&ahead, what, &code)) {
        return false;
    }
    if (code != PW_FUNCREF && code != PW_EXTERNREF) {
        return fail_type(&d->reader, what, "malformed reference type", "funcref or externref");
    }
    d->reader = ahead;
    *type = code;
    return true;
}

bool pw_read_heaptype(pw_decoder *d, const char *what, pw_valtype *type)
{
    pw_reader ahead = d->reader;
    uint32_t offset = pw_reader_offset(&ahead);
    int64_t value;
    if (!pw_read_s33(&ahead, what, &value)) {
        return false;
    }
    uint32_t ntypes = d->module->info.ntypes;
    if (value >= (int64_t)ntypes) {
        return pw_fail_index(d, "type", offset, (uint32_t)value, ntypes);
    }
    if (value >= 0) {
        return pw_fail(ahead.error, PW_UNSUPPORTED, offset,
                       "not supported: typed function references (the %s is type %lld)", what,
                       (long long)value);
    }
    uint8_t code = *d->reader.pos; /* an abstract heap type is a byte, not any form of a number */
    if (code != PW_FUNCREF && code != PW_EXTERNREF) {
        return fail_type(&d->reader, what, "malformed heap type", "func or extern");
    }
    d->reader = ahead;
    *type = code;
    return true;
}

/* ---- function types -------------------------------------------------------------------------- */

static bool read_result_type(pw_decoder *d, const char *what, uint32_t max, uint32_t *count,
                             const pw_valtype **types)
{
    if (!pw_read_count(&d->reader, what, 1, max, count)) {
        return false;
    }
    pw_valtype *list = pw_decode_alloc(d, *count, sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (!pw_read_valtype(d, "value type", &list[i])) {
            return false;
        }
    }
    *types = list;
    return true;
}

static bool is_gc_form(uint8_t form)
{
    return form == 0x50 || (form >= 0x4e && form <= 0x4f) || (form >= 0x5e && form <= 0x5f);
}

static bool read_form(pw_decoder *d)
{
    pw_reader *r = &d->reader;
    uint32_t offset = pw_reader_offset(r);
    uint8_t form;
    if (!pw_read_byte(r, "form of a type", &form)) {
        return false;
    }
    if (is_gc_form(form)) {
        return pw_fail(r->error, PW_UNSUPPORTED, offset,
                       "not supported: garbage-collected types (the form of a type is 0x%02x)",
                       form);
    }
    if (form != FORM_FUNCTION) {
        return pw_fail(
            r->error, PW_MALFORMED, offset, "%s: the form of a type is 0x%02x, not 0x60 (func)",
            form >= 0x80 ? "integer representation too long" : "malformed definition type", form);
    }
    return true;
}

bool pw_read_functype(pw_decoder *d, pw_functype *type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!read_form(d) ||
        !read_result_type(d, "parameter count", PW_MAX_PARAMS, &type->nparams, &type->params) ||
        !read_result_type(d, "result count", PW_MAX_RESULTS, &type->nresults, &type->results)) {
        return false;
    }
    if (type->nparams + type->nresults > PW_MAX_PARAMS_AND_RESULTS) {
        return pw_fail(d->reader.error, PW_LIMIT, offset,
                       "too many: a function type has %u parameters and %u results, but at most "
                       "%u together are supported",
                       type->nparams, type->nresults, PW_MAX_PARAMS_AND_RESULTS);
    }
    return true;
}

bool pw_read_typeindex(pw_decoder *d, uint32_t *index)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "type index", index)) {
        return false;
    }
    uint32_t ntypes = d->module->info.ntypes;
    return *index < ntypes || pw_fail_index(d, "type", offset, *index, ntypes);
}

/* ---- tables, memories, globals, tags --------------------------------------------------------- */

static bool read_limits_flags(pw_decoder *d, uint8_t allowed, uint8_t *flags)
{
    pw_reader *r = &d->reader;
    uint32_t offset = pw_reader_offset(r);
    if (!pw_read_byte(r, "limits flags", flags)) {
        return false;
    }
    if ((*flags & ~allowed) != 0) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "malformed limits flags: 0x%02x has bits beyond 0x%02x", *flags, allowed);
    }
    if ((*flags & LIMITS_SHARED) != 0 && (*flags & LIMITS_HAS_MAX) == 0) {
        return pw_fail(r->error, PW_INVALID, offset,
                       "shared memory must have maximum: limits flags 0x%02x have none", *flags);
    }
    return true;
}

static bool read_limits(pw_decoder *d, uint8_t allowed, pw_limits *limits)
{
    uint8_t flags;
    if (!read_limits_flags(d, allowed, &flags)) {
        return false;
    }
    limits->has_max = (flags & LIMITS_HAS_MAX) != 0;
    limits->shared = (flags & LIMITS_SHARED) != 0;
    limits->is64 = (flags & LIMITS_64) != 0;
    if (!pw_read_u64(&d->reader, "minimum", &limits->min)) {
        return false;
    }
    return !limits->has_max || pw_read_u64(&d->reader, "maximum", &limits->max);
}

static bool check_limits(pw_decoder *d, uint32_t offset, const pw_limits *limits,
                         const char *phrase, uint64_t most)
{
    uint64_t larger = limits->has_max && limits->max > limits->min ? limits->max : limits->min;
    if (larger > most) {
        return pw_fail(d->reader.error, PW_INVALID, offset, "%s: the limits say %llu", phrase,
                       (unsigned long long)larger);
    }
    if (limits->has_max && limits->min > limits->max) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "size minimum must not be greater than maximum: %llu is greater than %llu",
                       (unsigned long long)limits->min, (unsigned long long)limits->max);
    }
    return true;
}

static bool read_table_type(pw_decoder *d, pw_externtype *type)
{
    if (!pw_read_reftype(d, "element type of a table", &type->valtype)) {
        return false;
    }
    uint32_t offset = pw_reader_offset(&d->reader);
    pw_limits *limits = &type->limits;
    return read_limits(d, LIMITS_HAS_MAX | LIMITS_64, limits) &&
           check_limits(d, offset, limits, "table size must be at most 2^32-1",
                        limits->is64 ? UINT64_MAX : PW_MAX_TABLE32_SIZE);
}

static bool read_memory_type(pw_decoder *d, pw_externtype *type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    pw_limits *limits = &type->limits;
    if (!read_limits(d, LIMITS_HAS_MAX | LIMITS_SHARED | LIMITS_64, limits)) {
        return false;
    }
    if (limits->is64) {
        return check_limits(d, offset, limits, "memory size must be at most 2^48 pages",
                            PW_MAX_MEMORY64_PAGES);
    }
    return check_limits(d, offset, limits, "memory size must be at most 65536 pages (4GiB)",
                        PW_MAX_MEMORY32_PAGES);
}

static bool read_global_type(pw_decoder *d, pw_externtype *type)
{
    uint8_t mutability;
    if (!pw_read_valtype(d, "type of a global", &type->valtype)) {
        return false;
    }
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_byte(&d->reader, "mutability", &mutability)) {
        return false;
    }
    if (mutability > 1) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed mutability: 0x%02x is neither 0 (const) nor 1 (var)", mutability);
    }
    type->is_mutable = mutability == 1;
    return true;
}

static bool read_tag_type(pw_decoder *d, pw_externtype *type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint8_t attribute;
    if (!pw_read_byte(&d->reader, "tag attribute", &attribute)) {
        return false;
    }
    if (attribute != 0) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed tag attribute: 0x%02x is not 0 (exception)", attribute);
    }
    offset = pw_reader_offset(&d->reader);
    if (!pw_read_typeindex(d, &type->type_index)) {
        return false;
    }
    uint32_t nresults = d->types[type->type_index].nresults;
    if (nresults != 0) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "non-empty tag result type: expected no results, but type %u has %u",
                       type->type_index, nresults);
    }
    return true;
}

bool pw_read_externtype(pw_decoder *d, pw_externkind kind, pw_externtype *type)
{
    *type = (pw_externtype){.kind = kind};
    switch (kind) {
    case PW_EXTERN_FUNC: return pw_read_typeindex(d, &type->type_index);
    case PW_EXTERN_TABLE: return read_table_type(d, type);
    case PW_EXTERN_MEMORY: return read_memory_type(d, type);
    case PW_EXTERN_GLOBAL: return read_global_type(d, type);
    default: return read_tag_type(d, type);
    }
}
