/* SPDX-License-Identifier: MIT */
/* Filling a pw_error. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Bytes. Two names of this size leave enough room in pw_error.detail for the sentence around them.
 */
#define SHOWN_SIZE 48

void pw_error_clear(pw_error *error)
{
    *error = (pw_error){.function = PW_NO_INDEX};
}

bool pw_fail(pw_error *error, pw_code code, uint64_t offset, const char *format, ...)
{
    if (error->code != PW_OK) {
        return false;
    }
    error->code = code;
    error->offset = offset;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->detail, sizeof error->detail, format, arguments);
    va_end(arguments);
    return false;
}

int pw_shown_size(pw_name name)
{
    if (name.size <= SHOWN_SIZE) {
        return (int)name.size;
    }
    int size = SHOWN_SIZE;
    while (size > 0 && ((uint8_t)name.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}
