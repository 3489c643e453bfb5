// SPDX-License-Identifier: MIT
// Strings that cross between host and guest: the host writes a NUL-terminated name into linear
// memory, and the guest answers with the address of a new string. Memory comes from a bump buffer,
// which release() empties at once.

#define EXPORT(name) __attribute__((export_name(#name)))

enum { ALIGNMENT = 8 };

static char buffer[16 * 1024] __attribute__((aligned(ALIGNMENT)));
static unsigned used;

// Returns the address of `size` bytes that stay the caller's until release(), or 0 when the
// buffer is full.
EXPORT(alloc) char *alloc(unsigned size)
{
    if (size > sizeof buffer - used) {
        return 0;
    }
    char *start = buffer + used;
    unsigned end = used + size;
    used = (end + ALIGNMENT - 1) & ~(ALIGNMENT - 1u);
    return start;
}

// Forgets everything that alloc() and greet() have handed out.
EXPORT(release) void release(void)
{
    used = 0;
}

// Returns the number of bytes before the NUL. The text is UTF-8, so bytes are not characters.
EXPORT(length) unsigned length(const char *text)
{
    unsigned count = 0;
    while (text[count] != '\0') {
        count++;
    }
    return count;
}

// Makes ASCII letters upper case in place and leaves every other byte alone. Returns its argument.
EXPORT(upper) char *upper(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    return text;
}

// Copies `text` without its NUL and returns the address behind the copy.
static char *append(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
    return to;
}

// Returns a new string "Hello, <name>!", or 0 when there is no room for it.
EXPORT(greet) char *greet(const char *name)
{
    static const char hello[] = "Hello, ";
    static const char mark[] = "!";

    char *greeting = alloc(length(hello) + length(name) + length(mark) + 1);
    if (greeting) {
        char *end = append(append(append(greeting, hello), name), mark);
        *end = '\0';
    }
    return greeting;
}
