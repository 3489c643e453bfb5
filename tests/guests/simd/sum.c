// SPDX-License-Identifier: MIT
// The sum of 4,096 numbers (f32). The source allows the compiler to add them in another order, so
// it makes the vectors itself. The numbers are such that no addition rounds.

#include "kernel.h"

enum { NUMBERS = 4096 };

static float numbers[NUMBERS];
static float result;

KEPT void sum(void)
{
#pragma clang fp reassociate(on)
    float total = 0;
    for (int i = 0; i < NUMBERS; i++) {
        total += numbers[i];
    }
    result = total;
}

KERNEL(numbers, &result, sum)
