// SPDX-License-Identifier: MIT
// Functions on numbers: one addition per value type, and three classics. None uses the memory.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

// Integers wrap around as the instructions do; in C, only unsigned integers may.
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

// The Fibonacci numbers, slow on purpose: fib(n) makes about 1.6 to the power of n calls.
EXPORT(fib) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

// The greatest common divisor, by Euclid's algorithm; gcd(0, 0) is 0.
EXPORT(gcd) uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// The square root of a number that is not negative, by Newton's method; it is right except for the
// last few bits.
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
