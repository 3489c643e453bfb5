// SPDX-License-Identifier: MIT
// What the programs of `pywasm3 bench` have in common: each does its work in `job`, which takes
// nothing and returns 0 if what it computed is right. So every engine can run them, also one that
// passes no arguments, and none can win by a wrong result.

#pragma once
#include <stdint.h>

// Compiled for the machine itself, as the bench does for comparison, the jobs need names.
#ifdef __wasm__
#define JOB(name) __attribute__((export_name("job"))) uint32_t name##_job(void)
#else
#define JOB(name) uint32_t name##_job(void)
#endif

uint32_t fib_job(void), coremark_job(void), sieve_job(void), matrix_job(void), sha256_job(void),
    strings_job(void);

// How much there is to do, which the compiler must not know: it would do it itself.
#define AMOUNT static volatile uint32_t amount
