// SPDX-License-Identifier: MIT
// Bytes in memory: counts the primes below a number with Eratosthenes' sieve.

#include "job.h"

enum { MOST = 30000 };
#include "primes.h"

AMOUNT = MOST;

JOB(sieve)
{
    return primes_below(amount) != 3245;
}
