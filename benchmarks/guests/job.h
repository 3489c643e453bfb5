// SPDX-License-Identifier: MIT
// The common part of the programs of `pywasm3 bench`. Each does its work in `job`, which takes
// nothing and returns 0 if the result is right. So every engine can run them, even one that cannot
// pass arguments, and none can win by a wrong result.

#pragma once
#include <stdint.h>

// As native code, to which the bench compares, all jobs are in one library and need names of their
// own.
#ifdef __wasm__
#define JOB(name) __attribute__((export_name("job"))) uint32_t name##_job(void)
#else
#define JOB(name) uint32_t name##_job(void)
#endif

uint32_t fib_job(void), coremark_job(void), sieve_job(void), matrix_job(void), sha256_job(void),
    strings_job(void);

// The amount of work. The compiler must not know it, or it would compute the result itself.
#define AMOUNT static volatile uint32_t amount
