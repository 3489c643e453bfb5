// SPDX-License-Identifier: MIT

// A library that uses functions and variables of main_module.c, and has some of its own.

#include <emscripten.h>
#include <stdlib.h>
#include <string.h>

extern int shared;
int *count(void);
int call(int (*function)(int), int x);

static int twice(int x)
{
    return 2 * x;
}

int own = 11;
int *pointer = &own;
static int (*const table[])(int) = {twice};

__attribute__((constructor)) static void construct(void)
{
    own++;
}

EMSCRIPTEN_KEEPALIVE int use(int x)
{
    shared += x;
    return *count() * 1000 + call(table[0], x);
}

EMSCRIPTEN_KEEPALIVE int relocated(void)
{
    return *pointer;
}

EMSCRIPTEN_KEEPALIVE char *copy(const char *text)
{
    char *made = malloc(strlen(text) + 2);
    strcpy(made, text);
    return strcat(made, "!");
}
