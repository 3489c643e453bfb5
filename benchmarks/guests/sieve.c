// SPDX-License-Identifier: MIT
// Bytes in memory: counts the primes below a number with Eratosthenes' sieve.

#include "job.h"

AMOUNT = 30000;

static uint8_t composite[30000];

static uint32_t primes_below(uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < end; i++) {
        composite[i] = 0;
    }
    for (uint32_t i = 2; i < end; i++) {
        if (composite[i]) {
            continue;
        }
        count++;
        for (uint32_t multiple = 2 * i; multiple < end; multiple += i) {
            composite[multiple] = 1;
        }
    }
    return count;
}

JOB(sieve)
{
    return primes_below(amount) != 3245;
}
