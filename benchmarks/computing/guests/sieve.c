// SPDX-License-Identifier: MIT
// Eratosthenes' sieve: bytes in memory. Returns how many primes are below `end`.

#include "guest.h"

enum { MOST = 1 << 20 };

static uint8_t composite[MOST];

EXPORT(run) uint32_t run(uint32_t end)
{
    uint32_t count = 0;
    if (end > MOST) {
        return 0;
    }
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
