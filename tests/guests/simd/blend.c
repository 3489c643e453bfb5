// SPDX-License-Identifier: MIT
// Alpha blending: draws an image of 2,048 pixels over another. Pixels have four bytes, of which the
// last is alpha. The colours of the upper image are multiplied by its alpha already, so that
// result = upper + lower * (255 - alpha) / 255, rounded to the nearest number.

#include "kernel.h"

enum { PIXELS = 2048 };

static struct {
    uint32_t upper[PIXELS];
    uint32_t lower[PIXELS];
} images;
static uint32_t result[PIXELS];

#ifdef __wasm_simd128__

// Divides products of two bytes by 255, each in a lane of 16 bits.
static inline v128_t divide(v128_t products)
{
    v128_t sums = wasm_i16x8_add(products, wasm_i16x8_const_splat(128));
    return wasm_u16x8_shr(wasm_i16x8_add(sums, wasm_u16x8_shr(sums, 8)), 8);
}

KEPT void blend(void)
{
    for (int i = 0; i < PIXELS; i += 4) {
        v128_t upper = wasm_v128_load(&images.upper[i]);
        v128_t lower = wasm_v128_load(&images.lower[i]);
        v128_t alpha = wasm_i8x16_shuffle(upper, upper, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15,
                                          15, 15, 15);
        v128_t rest = wasm_v128_not(alpha);
        v128_t low = divide(wasm_u16x8_extmul_low_u8x16(lower, rest));
        v128_t high = divide(wasm_u16x8_extmul_high_u8x16(lower, rest));
        wasm_v128_store(&result[i], wasm_i8x16_add(upper, wasm_u8x16_narrow_i16x8(low, high)));
    }
}

#else

// Multiplies two bytes, which are 16 bits apart, and divides the products by 255.
static inline uint32_t scale(uint32_t two, uint32_t factor)
{
    uint32_t sums = two * factor + 0x800080;
    return (sums + (sums >> 8 & 0xff00ff)) >> 8 & 0xff00ff;
}

KEPT void blend(void)
{
    for (int i = 0; i < PIXELS; i++) {
        uint32_t upper = images.upper[i], lower = images.lower[i];
        uint32_t rest = 255 - (upper >> 24);
        result[i] =
            upper + (scale(lower & 0xff00ff, rest) | scale(lower >> 8 & 0xff00ff, rest) << 8);
    }
}

#endif

KERNEL(&images, result, blend)
