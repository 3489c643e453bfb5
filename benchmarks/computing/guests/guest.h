// SPDX-License-Identifier: MIT
// The common part of the guests that benchmarks/compute.py runs. Each exports `run`, which takes
// the amount of work and returns a checksum of what it computed.

#pragma once
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define KEPT static __attribute__((noinline)) // not inlined, so that calls are part of the work

static uint32_t seed;

// A linear congruential generator of random numbers. Its upper bits are the more random ones.
static inline uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

// Adds a word to a checksum.
static inline uint32_t mix(uint32_t sum, uint32_t word)
{
    return (sum << 5 | sum >> 27) ^ word;
}
