// SPDX-License-Identifier: MIT
// The Mandelbrot set in f64: one iteration count (u16, little-endian) per pixel, row by row,
// written behind the guest's own data. The memory grows if the picture needs more than there is.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

enum { PAGE = 64 * 1024, MAX_SIDE = 16 * 1024 };

extern uint8_t __heap_base; // the linker's: the first address behind the data and the stack

// Counts the rounds of z = z*z + c until z leaves the circle of radius 2, at most `limit`.
static uint32_t escape_time(double re, double im, uint32_t limit)
{
    double x = 0, y = 0, xx = 0, yy = 0;
    uint32_t count = 0;
    while (count < limit && xx + yy <= 4) {
        y = 2 * x * y + im;
        x = xx - yy + re;
        xx = x * x;
        yy = y * y;
        count++;
    }
    return count;
}

// Makes `size` bytes from __heap_base usable. Returns 0 if the memory cannot grow that far.
static int reserve(uint64_t size)
{
    uint64_t end = (uint64_t)(uintptr_t)&__heap_base + size;
    uint64_t pages = (end + PAGE - 1) / PAGE;
    uint64_t have = __builtin_wasm_memory_size(0);
    if (pages <= have) {
        return 1;
    }
    return __builtin_wasm_memory_grow(0, (unsigned long)(pages - have)) != (unsigned long)-1;
}

// Draws the rectangle around (center_re, center_im) that is `span` wide; pixels are square.
// A count equal to `limit` means that the point did not leave the circle in so many rounds.
// Returns the address of the counts, or 0 for sides outside 1..16384, a limit outside 1..65535 and
// a picture too big for memory.
EXPORT(render)
const uint16_t *render(uint32_t width, uint32_t height, double center_re, double center_im,
                       double span, uint32_t limit)
{
    if (width - 1 >= MAX_SIDE || height - 1 >= MAX_SIDE || limit - 1 >= UINT16_MAX) {
        return 0;
    }
    if (!reserve((uint64_t)width * height * sizeof(uint16_t))) {
        return 0;
    }
    uint16_t *counts = (uint16_t *)(void *)&__heap_base;
    uint16_t *next = counts;
    double step = span / width;
    for (uint32_t row = 0; row < height; row++) {
        double im = center_im + (height / 2.0 - row - 0.5) * step;
        for (uint32_t column = 0; column < width; column++) {
            double re = center_re + (column + 0.5 - width / 2.0) * step;
            *next++ = (uint16_t)escape_time(re, im, limit);
        }
    }
    return counts;
}
