// SPDX-License-Identifier: MIT
// Four ways to trap, each a few calls deep, so that the trap has frames.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define KEPT static __attribute__((noinline)) // not inlined, so that it has a frame

// Tells the optimizer that `value` may have changed, so that it can turn no call into a jump and no
// recursion into a loop.
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

KEPT int32_t quotient(int32_t a, int32_t b)
{
    OPAQUE(b);
    return a / b;
}

KEPT int32_t share(int32_t amount, int32_t people)
{
    int32_t each = quotient(amount, people);
    OPAQUE(each);
    return each;
}

// Traps with "integer divide by zero" for 0, and with "integer overflow" for INT32_MIN / -1.
EXPORT(divide) int32_t divide(int32_t a, int32_t b)
{
    int32_t result = share(a, b);
    OPAQUE(result);
    return result;
}

KEPT int32_t peek(uint32_t address)
{
    int32_t word = *(volatile int32_t *)(uintptr_t)address;
    OPAQUE(word);
    return word;
}

KEPT int32_t follow(uint32_t address)
{
    int32_t word = peek(address);
    OPAQUE(word);
    return word;
}

// Returns the 32-bit word at `address`. Traps with "out of bounds memory access" if the word is not
// within the memory.
EXPORT(read_word) int32_t read_word(uint32_t address)
{
    int32_t word = follow(address);
    OPAQUE(word);
    return word;
}

KEPT int32_t expect(int32_t condition)
{
    OPAQUE(condition);
    if (!condition) {
        __builtin_trap();
    }
    return condition;
}

KEPT int32_t examine(int32_t value)
{
    int32_t even = expect(value % 2 == 0);
    OPAQUE(even);
    return even;
}

// Returns half of an even number. Traps with "unreachable" for an odd one.
EXPORT(half) int32_t half(int32_t value)
{
    int32_t even = examine(value);
    OPAQUE(even);
    return value / 2;
}

KEPT int32_t descend(int32_t depth)
{
    OPAQUE(depth);
    if (depth == 0) {
        return 0;
    }
    int32_t below = descend(depth - 1);
    OPAQUE(below);
    return below + 1;
}

// Calls itself `depth` times and returns `depth`. A negative depth ends only with the stack.
EXPORT(recurse) int32_t recurse(int32_t depth)
{
    int32_t reached = descend(depth);
    OPAQUE(reached);
    return reached;
}
