// SPDX-License-Identifier: MIT
// A guest that asks back: it imports one function, env.callback, and calls it once, in a loop,
// and over an array.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(module, name) __attribute__((import_module(#module), import_name(#name)))

IMPORT(env, callback) int32_t callback(int32_t value);

enum { CAPACITY = 1024 };

static int32_t values[CAPACITY];

// One call out and back.
EXPORT(once) int32_t once(int32_t value)
{
    return callback(value);
}

// callback(0) + callback(1) + ... + callback(count - 1), wrapping around.
EXPORT(sum) int32_t sum(int32_t count)
{
    uint32_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        total += (uint32_t)callback(i);
    }
    return (int32_t)total;
}

// Room for `capacity()` numbers, for the host to fill.
EXPORT(array) int32_t *array(void)
{
    return values;
}

EXPORT(capacity) int32_t capacity(void)
{
    return CAPACITY;
}

// Replaces each of `count` numbers at `array` by what the host makes of it.
EXPORT(map) void map(int32_t *array, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        array[i] = callback(array[i]);
    }
}
