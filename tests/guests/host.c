// SPDX-License-Identifier: MIT
// A guest that calls its host: it imports one function, env.callback, and calls it once, in a loop,
// or for each element of an array.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(module, name) __attribute__((import_module(#module), import_name(#name)))

IMPORT(env, callback) int32_t callback(int32_t value);

enum { CAPACITY = 1024 };

static int32_t values[CAPACITY];

// Calls the host once.
EXPORT(once) int32_t once(int32_t value)
{
    return callback(value);
}

// Returns callback(0) + callback(1) + ... + callback(count - 1), which wraps around.
EXPORT(sum) int32_t sum(int32_t count)
{
    uint32_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        total += (uint32_t)callback(i);
    }
    return (int32_t)total;
}

// Returns the address of an array of `capacity()` numbers that the host can fill.
EXPORT(array) int32_t *array(void)
{
    return values;
}

EXPORT(capacity) int32_t capacity(void)
{
    return CAPACITY;
}

// Replaces each of `count` numbers at `array` by the result of callback for it.
EXPORT(map) void map(int32_t *array, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        array[i] = callback(array[i]);
    }
}
