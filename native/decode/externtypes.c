/* SPDX-License-Identifier: MIT */
/* Reading the types of tables, memories, globals and tags:
 * https://webassembly.github.io/spec/core/binary/types.html and valid/types.html */
#include "decode/externtypes.h"
#include "base/limits.h"
#include "decode/valtypes.h"

#define LIMITS_HAS_MAX 0x01
#define LIMITS_SHARED 0x02 /* threads proposal */
#define LIMITS_64 0x04
#define LIMITS_PAGE_SIZE 0x08 /* custom page sizes proposal */

#define PAGE_LOG2 16 /* a page of the usual size has 2^16 bytes */

static bool read_limits_flags(pw_decoder *d, uint8_t allowed, uint8_t *flags)
{
    pw_reader *r = &d->reader;
    uint32_t offset = pw_reader_offset(r);
    if (!pw_read_byte(r, "limits flags", flags)) {
        return false;
    }
    if ((*flags & ~allowed) != 0) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "malformed limits flags: 0x%02x has bits other than 0x%02x", *flags,
                       allowed);
    }
    if ((*flags & LIMITS_PAGE_SIZE) != 0 && r->pos == r->end) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "malformed limits flags: nothing follows 0x%02x", *flags);
    }
    if ((*flags & LIMITS_SHARED) != 0 && (*flags & LIMITS_HAS_MAX) == 0) {
        return pw_fail(
            r->error, PW_INVALID, offset,
            "shared memory must have maximum: the limits flags 0x%02x say that there is none",
            *flags);
    }
    return true;
}

static bool read_page_size(pw_decoder *d, pw_limits *limits)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint32_t log2;
    if (!pw_read_u32(&d->reader, "page size", &log2)) {
        return false;
    }
    if (log2 != 0 && log2 != PAGE_LOG2) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "invalid custom page size: 2^%u bytes, expected 1 or 65536", log2);
    }
    limits->byte_pages = log2 == 0;
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
    if (limits->has_max && !pw_read_u64(&d->reader, "maximum", &limits->max)) {
        return false;
    }
    return (flags & LIMITS_PAGE_SIZE) == 0 || read_page_size(d, limits);
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
        return pw_fail(
            d->reader.error, PW_INVALID, offset,
            "size minimum must not be greater than maximum: the minimum is %llu, and the "
            "maximum is %llu",
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
    if (!read_limits(d, LIMITS_HAS_MAX | LIMITS_64, limits)) {
        return false;
    }
    return check_limits(d, offset, limits, "table size must be at most 2^32-1",
                        limits->is64 ? UINT64_MAX : PW_MAX_TABLE32_SIZE);
}

static void note_memory(pw_decoder *d, uint32_t offset, const pw_limits *limits)
{
    if (limits->is64 && (d->unrunnable & PW_FEATURE_MEMORY64) != 0) {
        pw_note_unsupported(d, PW_FEATURE_MEMORY64, offset, "a 64-bit memory");
    }
    if (d->nmemories > 1 && (d->unrunnable & PW_FEATURE_MULTI_MEMORY) != 0) {
        pw_note_unsupported(d, PW_FEATURE_MULTI_MEMORY, offset, "a second memory");
    }
    if (limits->shared && (d->unrunnable & PW_FEATURE_THREADS) != 0) {
        pw_note_unsupported(d, PW_FEATURE_THREADS, offset, "a shared memory");
    }
    if (limits->byte_pages && (d->unrunnable & PW_FEATURE_PAGE_SIZES) != 0) {
        pw_note_unsupported(d, PW_FEATURE_PAGE_SIZES, offset, "pages of 1 byte");
    }
}

static bool check_memory_limits(pw_decoder *d, uint32_t offset, const pw_limits *limits)
{
    if (limits->byte_pages) {
        return check_limits(d, offset, limits, "memory size must be at most 2^32-1 or 2^64-1 bytes",
                            limits->is64 ? UINT64_MAX : UINT32_MAX);
    }
    if (limits->is64) {
        return check_limits(d, offset, limits, "memory size must be at most 2^48 pages",
                            PW_MAX_MEMORY64_PAGES);
    }
    return check_limits(d, offset, limits, "memory size must be at most 65536 pages (4GiB)",
                        PW_MAX_MEMORY32_PAGES);
}

static bool read_memory_type(pw_decoder *d, pw_externtype *type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!read_limits(d, LIMITS_HAS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE_SIZE,
                     &type->limits)) {
        return false;
    }
    d->nmemories++;
    note_memory(d, offset, &type->limits);
    return check_memory_limits(d, offset, &type->limits);
}

bool pw_read_mutability(pw_decoder *d, bool *is_mutable)
{
    uint8_t mutability;
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_byte(&d->reader, "mutability", &mutability)) {
        return false;
    }
    if (mutability > 1) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed mutability: expected 0 (const) or 1 (var) but got 0x%02x",
                       mutability);
    }
    *is_mutable = mutability == 1;
    return true;
}

static bool read_global_type(pw_decoder *d, pw_externtype *type)
{
    return pw_read_valtype(d, "type of a global", &type->valtype) &&
           pw_read_mutability(d, &type->is_mutable);
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
                       "malformed tag attribute: expected 0 (exception) but got 0x%02x", attribute);
    }
    offset = pw_reader_offset(&d->reader);
    if (!pw_read_functypeindex(d, &type->type_index)) {
        return false;
    }
    uint32_t nresults = d->types[type->type_index].nresults;
    if (nresults != 0) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "non-empty tag result type: expected no results but type %u has %u",
                       type->type_index, nresults);
    }
    return true;
}

bool pw_read_externtype(pw_decoder *d, pw_externkind kind, pw_externtype *type)
{
    *type = (pw_externtype){.kind = kind};
    switch (kind) {
    case PW_EXTERN_FUNC: return pw_read_functypeindex(d, &type->type_index);
    case PW_EXTERN_TABLE: return read_table_type(d, type);
    case PW_EXTERN_MEMORY: return read_memory_type(d, type);
    case PW_EXTERN_GLOBAL: return read_global_type(d, type);
    default: return read_tag_type(d, type);
    }
}
