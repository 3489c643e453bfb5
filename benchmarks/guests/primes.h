// SPDX-License-Identifier: MIT
// Eratosthenes' sieve, for the guests that run it. The file that includes this defines MOST.

#pragma once
#include <stdint.h>

static uint8_t composite[MOST];

// Counts the primes below `end`, which is at most MOST.
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
