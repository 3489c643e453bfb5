// SPDX-License-Identifier: MIT
// Text, byte by byte: writes greetings for many names in upper case, one after the other.

#include "../../tests/guests/strings.c"
#include "job.h"

AMOUNT = 200;

enum { NAME = 12 };

// Writes a name of 1 to NAME letters.
static void write_name(char *to, uint32_t number)
{
    uint32_t size = number % NAME + 1;
    for (uint32_t i = 0; i < size; i++) {
        to[i] = (char)('a' + (number + i) % 26);
    }
    to[size] = '\0';
}

JOB(strings)
{
    uint32_t letters = 0, count = amount;
    release();
    for (uint32_t i = 0; i < count; i++) {
        char name[NAME + 1];
        write_name(name, i);
        char *greeting = greet(name);
        if (!greeting) {
            return 1;
        }
        letters += length(upper(greeting));
        letters += (uint32_t)(greeting[7] == (char)('A' + i % 26));
    }
    return letters != 3084;
}
