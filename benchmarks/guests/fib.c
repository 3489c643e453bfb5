// SPDX-License-Identifier: MIT
// Function calls: fib(20) makes 21,891 of them.

#include "../../tests/guests/arith.c"
#include "job.h"

AMOUNT = 20;

JOB(fib)
{
    return fib(amount) != 6765;
}
