/* SPDX-License-Identifier: MIT */
/* Reads value types: https://webassembly.github.io/spec/core/binary/types.html */
#include "decode/valtypes.h"

/* The feature that an abstract heap type belongs to. */
static pw_feature feature_of(uint8_t code)
{
    switch (code) {
    case PW_FUNCREF:
    case PW_EXTERNREF: return PW_FEATURE_REFERENCES;
    case PW_EXNREF:
    case PW_NULLEXNREF: return PW_FEATURE_EXCEPTIONS;
    default: return PW_FEATURE_GC;
    }
}

static bool is_heap_code(uint8_t code)
{
    return code >= PW_EXNREF && code <= PW_NULLEXNREF;
}

static void note_type(pw_decoder *d, pw_feature feature, const char *what, uint8_t code)
{
    if ((feature & d->unrunnable) != 0) {
        pw_note_unsupported(d, feature, pw_reader_offset(&d->reader), "the %s is 0x%02x", what,
                            code);
    }
}

/* Fails because the byte at the cursor is not a type. Types are small negative LEB128 numbers, and
 * so the test-suite's phrase for a byte of 0x80 or more is that of a number with too many bytes. */
static bool fail_type(pw_reader *r, const char *what, const char *phrase, const char *expected)
{
    uint8_t code = *r->pos;
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r), "%s: the %s is 0x%02x, not %s",
                   code >= 0x80 ? "integer representation too long" : phrase, what, code, expected);
}

static uint32_t canonical(const pw_decoder *d, uint32_t index)
{
    const pw_typesection *t = &d->typesection;
    return index < t->group_start ? t->typedefs[index].canonical : index;
}

bool pw_read_heaptype(pw_decoder *d, const char *what, pw_valtype *type)
{
    pw_reader ahead = d->reader;
    uint32_t offset = pw_reader_offset(&ahead);
    int64_t value;
    if (!pw_read_s33(&ahead, what, &value)) {
        return false;
    }
    if (value >= 0) {
        uint32_t limit = d->typesection.limit;
        if (value >= limit) {
            return pw_fail_index(d, "type", offset, (uint32_t)value, limit);
        }
        note_type(d, PW_FEATURE_FUNCTION_REFERENCES, what, *d->reader.pos);
        *type = pw_concrete(canonical(d, (uint32_t)value), true);
        d->reader = ahead;
        return true;
    }
    uint8_t code = *d->reader.pos; /* an abstract heap type is one byte, not a longer number */
    if (!is_heap_code(code)) {
        return fail_type(&d->reader, what, "malformed heap type",
                         "func, extern or another heap type");
    }
    note_type(d, feature_of(code), what, code);
    d->reader = ahead;
    *type = code;
    return true;
}

/* Reads a reference type that begins with PW_TYPE_REF or PW_TYPE_REF_NULL. */
static bool read_typed(pw_decoder *d, const char *what, uint8_t code, pw_valtype *type)
{
    pw_reader start = d->reader;
    note_type(d, PW_FEATURE_FUNCTION_REFERENCES, what, code);
    d->reader.pos++;
    if (!pw_read_heaptype(d, what, type)) {
        d->reader = start;
        return false;
    }
    *type = pw_reference_to(pw_heap_type(*type), code == PW_TYPE_REF_NULL);
    return true;
}

static bool read_type(pw_decoder *d, const char *what, bool numbers, pw_valtype *type)
{
    pw_reader ahead = d->reader;
    uint8_t code;
    if (!pw_read_byte(&ahead, what, &code)) {
        return false;
    }
    if (code == PW_TYPE_REF || code == PW_TYPE_REF_NULL) {
        return read_typed(d, what, code, type);
    }
    if (is_heap_code(code)) {
        note_type(d, feature_of(code), what, code);
    } else if (!numbers) {
        return fail_type(&d->reader, what, "malformed reference type",
                         "funcref, externref or another reference type");
    } else if (code < PW_V128 || code > PW_I32) {
        return fail_type(&d->reader, what, "malformed value type",
                         "i32, i64, f32, f64, v128 or a reference type");
    } else if (code == PW_V128) {
        note_type(d, PW_FEATURE_SIMD, what, code);
    }
    d->reader = ahead;
    *type = code;
    return true;
}

bool pw_read_valtype(pw_decoder *d, const char *what, pw_valtype *type)
{
    return read_type(d, what, true, type);
}

bool pw_read_reftype(pw_decoder *d, const char *what, pw_valtype *type)
{
    return read_type(d, what, false, type);
}

bool pw_read_typeindex(pw_decoder *d, uint32_t *index)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "type index", index)) {
        return false;
    }
    uint32_t limit = d->typesection.limit;
    return *index < limit || pw_fail_index(d, "type", offset, *index, limit);
}

bool pw_read_functypeindex(pw_decoder *d, uint32_t *index)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_typeindex(d, index)) {
        return false;
    }
    if (d->typesection.typedefs[*index].kind != PW_TYPE_FUNC) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "type mismatch: expected a function type but type %u is not one", *index);
    }
    return true;
}
