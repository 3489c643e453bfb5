// SPDX-License-Identifier: MIT
// 64-bit floats: computes the product of two square matrices, whose trace is known.

#include "job.h"

enum { SIDE = 40 };

AMOUNT = SIDE;

static double left[SIDE][SIDE], right[SIDE][SIDE], result[SIDE][SIDE];

static void multiply_matrices(uint32_t side)
{
    for (uint32_t row = 0; row < side; row++) {
        for (uint32_t column = 0; column < side; column++) {
            double sum = 0;
            for (uint32_t i = 0; i < side; i++) {
                sum += left[row][i] * right[i][column];
            }
            result[row][column] = sum;
        }
    }
}

// With left[r][c] = r + c and right[r][c] = r - c, the trace is the sum of r * r - c * c: 0.
JOB(matrix)
{
    uint32_t side = amount;
    double trace = 0;
    for (uint32_t row = 0; row < side; row++) {
        for (uint32_t column = 0; column < side; column++) {
            left[row][column] = (double)(row + column);
            right[row][column] = (double)row - (double)column;
        }
    }
    multiply_matrices(side);
    for (uint32_t i = 0; i < side; i++) {
        trace += result[i][i];
    }
    return trace != 0 || result[side - 1][0] != 50960;
}
