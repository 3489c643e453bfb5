// SPDX-License-Identifier: MIT
// The product of two square matrices of i32, f32 or f64. All numbers are small integers, which each
// of these types represents exactly, so the three functions return the same.

#include "guest.h"

enum { MOST = 128 };

// Defines `multiply_TYPE`, and the export that calls it with matrices of which each number is
// known. The result is the sum of the product's numbers, each weighed by its column.
#define MATRIX(type, name)                                                  \
    static type name##_left[MOST][MOST], name##_right[MOST][MOST];          \
    static type name##_product[MOST][MOST];                                 \
    KEPT void multiply_##name(uint32_t side)                                \
    {                                                                       \
        for (uint32_t row = 0; row < side; row++) {                         \
            for (uint32_t column = 0; column < side; column++) {            \
                type sum = 0;                                               \
                for (uint32_t i = 0; i < side; i++) {                       \
                    sum += name##_left[row][i] * name##_right[i][column];   \
                }                                                           \
                name##_product[row][column] = sum;                          \
            }                                                               \
        }                                                                   \
    }                                                                       \
    EXPORT(name) uint32_t run_##name(uint32_t side)                         \
    {                                                                       \
        uint32_t sum = 0;                                                   \
        if (side > MOST) {                                                  \
            return 0;                                                       \
        }                                                                   \
        for (uint32_t row = 0; row < side; row++) {                         \
            for (uint32_t column = 0; column < side; column++) {            \
                name##_left[row][column] = (type)(int)(row + column);       \
                name##_right[row][column] = (type)((int)row - (int)column); \
            }                                                               \
        }                                                                   \
        multiply_##name(side);                                              \
        for (uint32_t row = 0; row < side; row++) {                         \
            for (uint32_t column = 0; column < side; column++) {            \
                sum += (uint32_t)(int)name##_product[row][column] * column; \
            }                                                               \
        }                                                                   \
        return sum;                                                         \
    }

MATRIX(int, i32)
MATRIX(float, f32)
MATRIX(double, f64)
