// SPDX-License-Identifier: MIT
// The common part of the guests in this folder. Each is compiled twice from the same source: with
// the instructions of SIMD, and without. Where no compiler would find the vectors by itself, the
// source has two ways to do the work, as libraries have; both give the same bytes.
//
// The host writes the input of a guest to `input`, calls `run`, and reads the result at `output`.

#pragma once
#include <stdint.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#define EXPORT(name) __attribute__((export_name(#name)))
#define KEPT static __attribute__((noinline))

// Defines what a guest exports. `run` does the work as often as the host asks for. The empty
// statement of assembler keeps the compiler from doing it only once.
#define KERNEL(in, out, work)                    \
    EXPORT(input) void *address_of_input(void)   \
    {                                            \
        return (void *)(in);                     \
    }                                            \
    EXPORT(output) void *address_of_output(void) \
    {                                            \
        return (void *)(out);                    \
    }                                            \
    EXPORT(run) void run(uint32_t times)         \
    {                                            \
        while (times-- > 0) {                    \
            work();                              \
            __asm__ volatile("" ::: "memory");   \
        }                                        \
    }
