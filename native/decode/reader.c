/* SPDX-License-Identifier: MIT */
/* Reads bytes, numbers and names. */
#include "decode/reader.h"

static const char whole_module[] = "module";

void pw_reader_init(pw_reader *reader, const uint8_t *bytes, size_t size, pw_error *error)
{
    *reader = (pw_reader){
        .base = bytes,
        .pos = bytes,
        .end = bytes + size,
        .limit = bytes + size,
        .unit = whole_module,
        .error = error,
    };
}

uint32_t pw_reader_offset(const pw_reader *reader)
{
    return (uint32_t)(reader->pos - reader->base);
}

size_t pw_reader_left(const pw_reader *reader)
{
    return (size_t)(reader->end - reader->pos);
}

pw_reader pw_reader_part(const pw_reader *outer, const char *unit, size_t size)
{
    pw_reader part = *outer;
    part.end = outer->pos + size;
    part.unit = unit;
    return part;
}

static bool fail_end(pw_reader *r, const char *what)
{
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                   "unexpected end%s: the %s has %zu byte%s left where the %s is expected",
                   r->unit == whole_module ? "" : " of section or function", r->unit,
                   pw_reader_left(r), pw_plural(pw_reader_left(r)), what);
}

bool pw_read_byte(pw_reader *r, const char *what, uint8_t *value)
{
    if (r->pos == r->end) {
        return fail_end(r, what);
    }
    *value = *r->pos++;
    return true;
}

bool pw_read_bytes(pw_reader *r, const char *what, size_t size, const uint8_t **data)
{
    if (size > pw_reader_left(r)) {
        return fail_end(r, what);
    }
    *data = r->pos;
    r->pos += size;
    return true;
}

bool pw_read_fixed(pw_reader *r, const char *what, size_t size, uint64_t *value)
{
    const uint8_t *data;
    if (!pw_read_bytes(r, what, size, &data)) {
        return false;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits |= (uint64_t)data[i] << (8 * i);
    }
    *value = bits;
    return true;
}

/* ---- LEB128 ---------------------------------------------------------------------------------- */

/* https://webassembly.github.io/spec/core/binary/values.html#integers */

static bool fail_number(pw_reader *r, const char *phrase, const char *what, unsigned bits,
                        bool is_signed)
{
    return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                   "%s: the %s must be %s%u of at most %u bytes", phrase, what,
                   is_signed ? "an s" : "a u", bits, (bits + 6) / 7);
}

/* Checks the last byte that a number may have. Only `used` bits of it belong to the number; the
 * others must repeat the sign, or be 0 if the number is unsigned. */
static bool fits(uint8_t last, unsigned used, bool is_signed)
{
    uint8_t mask = (uint8_t)(0x7f & (0xff << used));
    uint8_t rest = last & mask;
    if (is_signed && (last >> (used - 1) & 1) != 0) {
        return rest == mask;
    }
    return rest == 0;
}

/* Reads a LEB128 number of `bits` bits. Its first byte must lie in the unit; further bytes are read
 * even beyond the unit's end, because the test-suite expects that an error of the number itself is
 * reported rather than that the number leaves its section. */
static bool read_leb(pw_reader *r, const char *what, unsigned bits, bool is_signed, uint64_t *value)
{
    if (r->pos == r->end) {
        return fail_end(r, what);
    }
    const uint8_t *pos = r->pos;
    uint64_t result = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        if (pos == r->limit) {
            return fail_end(r, what);
        }
        byte = *pos++;
        if (shift + 7 > bits) {
            if ((byte & 0x80) != 0) {
                return fail_number(r, "integer representation too long", what, bits, is_signed);
            }
            if (!fits(byte, bits - shift, is_signed)) {
                return fail_number(r, "integer too large", what, bits, is_signed);
            }
        }
        result |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    if (pos > r->end) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "section size mismatch: the %s runs past the end of the %s", what, r->unit);
    }
    if (is_signed && shift < 64 && (byte & 0x40) != 0) {
        result |= UINT64_MAX << shift;
    }
    r->pos = pos;
    *value = result;
    return true;
}

bool pw_read_u32(pw_reader *r, const char *what, uint32_t *value)
{
    uint64_t wide;
    if (!read_leb(r, what, 32, false, &wide)) {
        return false;
    }
    *value = (uint32_t)wide;
    return true;
}

bool pw_read_u64(pw_reader *r, const char *what, uint64_t *value)
{
    return read_leb(r, what, 64, false, value);
}

static bool read_signed(pw_reader *r, const char *what, unsigned bits, int64_t *value)
{
    uint64_t wide;
    if (!read_leb(r, what, bits, true, &wide)) {
        return false;
    }
    *value = (int64_t)wide;
    return true;
}

bool pw_read_s32(pw_reader *r, const char *what, int32_t *value)
{
    int64_t wide;
    if (!read_signed(r, what, 32, &wide)) {
        return false;
    }
    *value = (int32_t)wide;
    return true;
}

bool pw_read_s33(pw_reader *r, const char *what, int64_t *value)
{
    return read_signed(r, what, 33, value);
}

bool pw_read_s64(pw_reader *r, const char *what, int64_t *value)
{
    return read_signed(r, what, 64, value);
}

bool pw_read_count(pw_reader *r, const char *what, size_t entry_size, uint32_t max, uint32_t *count)
{
    pw_reader ahead = *r;
    uint32_t value;
    if (!pw_read_u32(&ahead, what, &value)) {
        return false;
    }
    size_t left = pw_reader_left(&ahead);
    if (value > left / entry_size + 1) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "length out of bounds: the %s is %u, but the %s has %zu byte%s left", what,
                       value, r->unit, left, pw_plural(left));
    }
    if (value > max) {
        return pw_fail(r->error, PW_LIMIT, pw_reader_offset(r),
                       "too many: the %s is %u, but at most %u are supported", what, value, max);
    }
    *r = ahead;
    *count = value;
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A row of Unicode's table 3-7 "Well-Formed UTF-8 Byte Sequences": a range of lead bytes, how many
 * bytes follow, and which values the first of these may have. The others may be 80 to bf. The rows
 * exclude overlong forms (e0, f0), surrogates (ed) and characters beyond U+10FFFF (f4). */
typedef struct {
    uint8_t first, last; /* range of lead bytes */
    uint8_t following;   /* how many bytes follow */
    uint8_t low, high;   /* range of the first byte that follows */
} utf8_lead;

static const utf8_lead utf8_leads[] = {
    {0x00, 0x7f, 0, 0x80, 0xbf}, {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static const utf8_lead *find_lead(uint8_t byte)
{
    for (size_t i = 0; i < sizeof utf8_leads / sizeof utf8_leads[0]; i++) {
        if (byte >= utf8_leads[i].first && byte <= utf8_leads[i].last) {
            return &utf8_leads[i];
        }
    }
    return NULL;
}

/* The size in bytes of the character at `text`. 0 if the `left` bytes do not begin with a valid
 * character. */
static size_t character_size(const uint8_t *text, size_t left)
{
    const utf8_lead *lead = find_lead(text[0]);
    if (lead == NULL || lead->following > left - 1) {
        return 0;
    }
    for (size_t i = 1; i <= lead->following; i++) {
        uint8_t low = i == 1 ? lead->low : 0x80;
        uint8_t high = i == 1 ? lead->high : 0xbf;
        if (text[i] < low || text[i] > high) {
            return 0;
        }
    }
    return lead->following + (size_t)1;
}

/* How many bytes at the beginning of `text` are valid UTF-8. */
static size_t valid_utf8(const uint8_t *text, size_t size)
{
    size_t pos = 0;
    while (pos < size) {
        size_t step = character_size(text + pos, size - pos);
        if (step == 0) {
            break;
        }
        pos += step;
    }
    return pos;
}

/* https://webassembly.github.io/spec/core/binary/values.html#names */
bool pw_read_name(pw_reader *r, const char *what, pw_name *name)
{
    pw_reader ahead = *r;
    uint32_t size;
    if (!pw_read_u32(&ahead, what, &size)) {
        return false;
    }
    if (size > pw_reader_left(&ahead)) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(r),
                       "length out of bounds: the %s has %u byte%s, but the %s has %zu left", what,
                       size, pw_plural(size), r->unit, pw_reader_left(&ahead));
    }
    size_t valid = valid_utf8(ahead.pos, size);
    if (valid < size) {
        return pw_fail(r->error, PW_MALFORMED, pw_reader_offset(&ahead) + valid,
                       "malformed UTF-8 encoding: the %s has byte 0x%02x at its offset %zu", what,
                       ahead.pos[valid], valid);
    }
    *name = (pw_name){(const char *)ahead.pos, size};
    ahead.pos += size;
    *r = ahead;
    return true;
}
