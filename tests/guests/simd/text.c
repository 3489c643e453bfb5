// SPDX-License-Identifier: MIT
// Text of 16 KiB: finds the ends of its lines with memchr, and says whether the text is UTF-8.

#include <stdbool.h>
#include "kernel.h"

enum { TEXT = 16 * 1024, VECTOR = 16 };

static _Alignas(VECTOR) uint8_t text[TEXT];
static struct {
    uint32_t lines;
    uint32_t longest; // without the byte that ends the line
    uint32_t valid;
} result;

#ifdef __wasm_simd128__

static inline const uint8_t *find(uint8_t wanted, const uint8_t *from, const uint8_t *end)
{
    v128_t pattern = wasm_i8x16_splat((int8_t)wanted);
    for (; end - from >= VECTOR; from += VECTOR) {
        v128_t equal = wasm_i8x16_eq(wasm_v128_load(from), pattern);
        if (wasm_v128_any_true(equal)) {
            return from + __builtin_ctz(wasm_i8x16_bitmask(equal));
        }
    }
    while (from < end && *from != wanted) {
        from++;
    }
    return from;
}

// Each bit is something that can be wrong with a byte and the byte before it. Three tables, for
// half a byte each, say which of them are possible, and what all three say is the case. Only that a
// continuation follows another one may be right, which the bytes before these two decide. (This is
// the method of Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte".)
enum {
    TOO_SHORT = 1,     // a lead byte, and no continuation
    TOO_LONG = 2,      // ASCII, and a continuation
    OVERLONG_3 = 4,    // E0, and 80 to 9F
    TOO_LARGE = 8,     // F4, and 90 to BF; F5 to FF, and 90 to BF
    SURROGATE = 16,    // ED, and A0 to BF
    OVERLONG_2 = 32,   // C0 or C1, and a continuation
    OVERLONG_4 = 64,   // F0, and 80 to 8F; also F5 to FF, and 80 to 8F, which is too large
    CONTINUATION = 128 // a continuation, and another one
};

static inline v128_t high_halves(v128_t bytes)
{
    return wasm_u8x16_shr(bytes, 4);
}

static inline v128_t errors_of_pairs(v128_t before, v128_t bytes)
{
    const uint8_t lead3 = TOO_SHORT | OVERLONG_3 | SURROGATE;
    const uint8_t lead4 = TOO_SHORT | TOO_LARGE | OVERLONG_4;
    const v128_t first_high =
        wasm_u8x16_const(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
                         TOO_LONG, CONTINUATION, CONTINUATION, CONTINUATION, CONTINUATION,
                         TOO_SHORT | OVERLONG_2, TOO_SHORT, lead3, lead4);
    const uint8_t any = TOO_SHORT | TOO_LONG | CONTINUATION;
    const uint8_t large = any | TOO_LARGE | OVERLONG_4;
    const v128_t first_low = wasm_u8x16_const(
        any | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, any | OVERLONG_2, any, any, any | TOO_LARGE,
        large, large, large, large, large, large, large, large, large | SURROGATE, large, large);
    const uint8_t follows = TOO_LONG | OVERLONG_2 | CONTINUATION;
    const v128_t second_high = wasm_u8x16_const(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        follows | OVERLONG_3 | OVERLONG_4, follows | OVERLONG_3 | TOO_LARGE,
        follows | SURROGATE | TOO_LARGE, follows | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT,
        TOO_SHORT, TOO_SHORT);
    v128_t low = wasm_v128_and(before, wasm_u8x16_const_splat(15));
    return wasm_v128_and(wasm_i8x16_swizzle(first_high, high_halves(before)),
                         wasm_v128_and(wasm_i8x16_swizzle(first_low, low),
                                       wasm_i8x16_swizzle(second_high, high_halves(bytes))));
}

// Returns a vector that is not 0 if there is an error in the bytes, or between the vector before
// and these.
static inline v128_t errors(v128_t last, v128_t bytes)
{
    v128_t before1 = wasm_i8x16_shuffle(last, bytes, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                                        27, 28, 29, 30);
    v128_t before2 = wasm_i8x16_shuffle(last, bytes, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                                        26, 27, 28, 29);
    v128_t before3 = wasm_i8x16_shuffle(last, bytes, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
                                        25, 26, 27, 28);
    // The highest bit stays where a byte must be the third or the fourth of a character.
    v128_t third = wasm_u8x16_sub_sat(before2, wasm_u8x16_const_splat(0xe0 - 0x80));
    v128_t fourth = wasm_u8x16_sub_sat(before3, wasm_u8x16_const_splat(0xf0 - 0x80));
    v128_t must = wasm_v128_and(wasm_v128_or(third, fourth), wasm_u8x16_const_splat(CONTINUATION));
    return wasm_v128_xor(errors_of_pairs(before1, bytes), must);
}

// Returns a vector that is not 0 if the last character is not complete.
static inline v128_t incomplete(v128_t bytes)
{
    return wasm_u8x16_sub_sat(bytes, wasm_u8x16_const(255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                      255, 255, 255, 255, 0xef, 0xdf, 0xbf));
}

KEPT bool is_utf8(void)
{
    v128_t error = wasm_u8x16_const_splat(0), last = error, unfinished = error;
    for (int i = 0; i < TEXT; i += VECTOR) {
        v128_t bytes = wasm_v128_load(text + i);
        if (wasm_i8x16_bitmask(bytes) == 0) {
            error = wasm_v128_or(error, unfinished);
            unfinished = wasm_u8x16_const_splat(0);
        } else {
            error = wasm_v128_or(error, errors(last, bytes));
            unfinished = incomplete(bytes);
        }
        last = bytes;
    }
    return !wasm_v128_any_true(wasm_v128_or(error, unfinished));
}

#else

// As C libraries do it, four bytes at a time.
static inline const uint8_t *find(uint8_t wanted, const uint8_t *from, const uint8_t *end)
{
    while (from < end && ((uintptr_t)from & 3) != 0) {
        if (*from == wanted) {
            return from;
        }
        from++;
    }
    for (; end - from >= 4; from += 4) {
        uint32_t different = *(const uint32_t *)(const void *)from ^ wanted * 0x01010101u;
        if (((different - 0x01010101u) & ~different & 0x80808080u) != 0) {
            break;
        }
    }
    while (from < end && *from != wanted) {
        from++;
    }
    return from;
}

static inline bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

// Returns the length of the character that is not ASCII, or 0 if it is wrong.
static inline int length(const uint8_t *at, int left)
{
    uint8_t lead = at[0];
    if (lead < 0xc2 || lead > 0xf4 || left < 2) {
        return 0;
    }
    uint8_t second = at[1];
    if (lead < 0xe0) {
        return is_continuation(second) ? 2 : 0;
    }
    if (left < 3 || !is_continuation(second) || !is_continuation(at[2])) {
        return 0;
    }
    if (lead < 0xf0) {
        bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0);
        return wrong ? 0 : 3;
    }
    bool wrong = (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90);
    return left < 4 || !is_continuation(at[3]) || wrong ? 0 : 4;
}

KEPT bool is_utf8(void)
{
    int i = 0;
    while (i < TEXT) {
        if (text[i] >= 0x80) {
            int bytes = length(text + i, TEXT - i);
            if (bytes == 0) {
                return false;
            }
            i += bytes;
        } else if ((i & 3) == 0 &&
                   (*(const uint32_t *)(const void *)(text + i) & 0x80808080) == 0) {
            i += 4;
        } else {
            i++;
        }
    }
    return true;
}

#endif

KEPT void read_lines(void)
{
    uint32_t lines = 0, longest = 0;
    const uint8_t *end = text + TEXT;
    for (const uint8_t *line = text; line < end;) {
        const uint8_t *found = find('\n', line, end);
        uint32_t size = (uint32_t)(found - line);
        longest = size > longest ? size : longest;
        lines++;
        line = found + 1;
    }
    result.lines = lines;
    result.longest = longest;
}

static void read_text(void)
{
    read_lines();
    result.valid = is_utf8();
}

KERNEL(text, &result, read_text)
