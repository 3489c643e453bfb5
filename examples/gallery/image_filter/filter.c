// SPDX-License-Identifier: MIT
// Two filters for images whose pixels have four bytes: red, green, blue and alpha. A blur gives
// every pixel the average of its neighbours, with the weights of the binomial 1, 4, 6, 4, 1 in both
// directions. Sharpening adds to every pixel what the blur would take away.
//
// The host says where the images are in the memory. Outside of an image, the pixels of its edges
// are repeated.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

enum { CHANNELS = 4, RADIUS = 2, EDGE = RADIUS * CHANNELS };

// Returns the row `y` of an image, which may lie above or below of it.
static const uint8_t *row_of(const uint8_t *image, ptrdiff_t y, size_t bytes, size_t height)
{
    size_t inside = y < 0 ? 0 : (size_t)y < height ? (size_t)y : height - 1;
    return image + inside * bytes;
}

// Adds five rows with their weights. A sum is at most 16 * 255.
static void add_rows(const uint8_t *image, size_t y, size_t bytes, size_t height,
                     uint16_t *restrict sums)
{
    ptrdiff_t middle = (ptrdiff_t)y;
    const uint8_t *restrict a = row_of(image, middle - 2, bytes, height);
    const uint8_t *restrict b = row_of(image, middle - 1, bytes, height);
    const uint8_t *restrict c = row_of(image, middle, bytes, height);
    const uint8_t *restrict d = row_of(image, middle + 1, bytes, height);
    const uint8_t *restrict e = row_of(image, middle + 2, bytes, height);
    for (size_t i = 0; i < bytes; i++) {
        sums[i] = (uint16_t)(a[i] + e[i] + 4 * (b[i] + d[i]) + 6 * c[i]);
    }
}

// Adds five neighbours in a row of sums with their weights, and divides by 256. All sums fit 16
// bits: the largest is 256 * 255 + 128.
static void add_columns(const uint16_t *restrict sums, size_t bytes, uint8_t *restrict target)
{
    for (size_t i = 0; i < bytes; i++) {
        const uint16_t *s = sums + i;
        uint16_t sum = (uint16_t)(s[-2 * CHANNELS] + s[2 * CHANNELS] +
                                  4 * (s[-CHANNELS] + s[CHANNELS]) + 6 * s[0] + 128);
        target[i] = (uint8_t)(sum >> 8);
    }
}

// Blurs one row. `line` has room for the sums of a row, and for those of two pixels at each end.
static void blur_row(const uint8_t *source, size_t y, size_t bytes, size_t height, uint16_t *line,
                     uint8_t *target)
{
    uint16_t *sums = line + EDGE;
    add_rows(source, y, bytes, height, sums);
    for (size_t i = 0; i < EDGE; i++) {
        line[i] = sums[i % CHANNELS];
        sums[bytes + i] = sums[bytes - CHANNELS + i % CHANNELS];
    }
    add_columns(sums, bytes, target);
}

// Replaces what is blurred by twice the source less what is blurred.
static void sharpen_row(const uint8_t *restrict source, size_t bytes, uint8_t *restrict blurred)
{
    for (size_t i = 0; i < bytes; i++) {
        int16_t value = (int16_t)(2 * source[i] - blurred[i]);
        value = value < 0 ? 0 : value;
        blurred[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

EXPORT(blur)
void blur(const uint8_t *source, uint8_t *target, size_t width, size_t height, uint16_t *line)
{
    size_t bytes = width * CHANNELS;
    for (size_t y = 0; y < height; y++) {
        blur_row(source, y, bytes, height, line, target + y * bytes);
    }
}

EXPORT(sharpen)
void sharpen(const uint8_t *source, uint8_t *target, size_t width, size_t height, uint16_t *line)
{
    size_t bytes = width * CHANNELS;
    for (size_t y = 0; y < height; y++) {
        blur_row(source, y, bytes, height, line, target + y * bytes);
        sharpen_row(source + y * bytes, bytes, target + y * bytes);
    }
}
