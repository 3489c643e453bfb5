// SPDX-License-Identifier: MIT
// The product of two matrices of 48 rows and columns (f32). Sixteen sums of a row are computed
// together, in order, so the compiler makes the vectors itself.

#include "kernel.h"

enum { SIDE = 48, WIDTH = 16 };

static struct {
    float left[SIDE][SIDE];
    float right[SIDE][SIDE];
} factors;
static float product[SIDE][SIDE];

static inline void sum_of_products(const float *left, const float *right, float *to)
{
    float sums[WIDTH] = {0};
    for (int i = 0; i < SIDE; i++) {
#pragma clang loop unroll(full)
        for (int column = 0; column < WIDTH; column++) {
            sums[column] += left[i] * right[i * SIDE + column];
        }
    }
#pragma clang loop unroll(full)
    for (int column = 0; column < WIDTH; column++) {
        to[column] = sums[column];
    }
}

KEPT void multiply(void)
{
    for (int row = 0; row < SIDE; row++) {
        for (int column = 0; column < SIDE; column += WIDTH) {
            sum_of_products(factors.left[row], &factors.right[0][column], &product[row][column]);
        }
    }
}

KERNEL(&factors, product, multiply)
