// SPDX-License-Identifier: MIT

// A program to which side_module.c is linked at run time.

#include <emscripten.h>
#include <stdlib.h>

int shared = 5;
static int calls;

EMSCRIPTEN_KEEPALIVE int *count(void)
{
    calls++;
    return &calls;
}

EMSCRIPTEN_KEEPALIVE int call(int (*function)(int), int x)
{
    return function(x);
}

EMSCRIPTEN_KEEPALIVE int get_shared(void)
{
    return shared;
}
