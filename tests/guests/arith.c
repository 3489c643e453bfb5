// SPDX-License-Identifier: MIT
// Numbers only: one addition per value type, and three classics. No memory is read or written.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

// Integers wrap around, as the instructions do (in C only unsigned ones may).
EXPORT(add_i32) uint32_t add_i32(uint32_t a, uint32_t b)
{
    return a + b;
}

EXPORT(add_i64) uint64_t add_i64(uint64_t a, uint64_t b)
{
    return a + b;
}

EXPORT(add_f32) float add_f32(float a, float b)
{
    return a + b;
}

EXPORT(add_f64) double add_f64(double a, double b)
{
    return a + b;
}

// The slow way, on purpose: fib(n) makes about 1.6 to the n calls.
EXPORT(fib) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

// Euclid's: gcd(0, 0) is 0.
EXPORT(gcd) uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// Newton's square root of a number that is not negative; good to the last few bits.
EXPORT(root) double root(double square)
{
    if (!(square > 0)) {
        return 0;
    }
    double guess = square < 1 ? 1 : square;
    double next = (guess + square / guess) / 2;
    while (next < guess) {
        guess = next;
        next = (guess + square / guess) / 2;
    }
    return guess;
}
