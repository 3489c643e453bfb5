/* SPDX-License-Identifier: MIT */
/* How many levels of Python's recursion fit the native stack. */
#include "cpython/recursion.h"

#if PY_VERSION_HEX < 0x030E0000

#include "base/platform.h"
#include "cpython/state.h"

/* On a stack of less than SMALL bytes, sorting within sorting is left to the program, because the
 * few levels of PW_LEVEL bytes that fit would not do for ordinary functions. Without it, no level
 * was found to use more than SMALL_LEVEL bytes. */
#define SMALL ((uintptr_t)1 << 20)
#if PY_VERSION_HEX < 0x030C0000
#define SMALL_LEVEL 1024
#else
#define SMALL_LEVEL 512
#endif
/* Python code is not run with fewer levels than this. While fewer than 100 are left, Python 3.13
 * postpones freeing nested objects, and frees them later with as many levels as it has then. */
#if PY_VERSION_HEX < 0x030D0000
#define MIN_LEVELS 40
#else
#define MIN_LEVELS 110
#endif
/* The most and the fewest bytes that are left to what Python calls without counting levels: its
 * parser, which uses up to 0.75 MiB for deeply nested source text, and functions of C libraries. */
#define MAX_UNCOUNTED ((uintptr_t)1 << 20)
#define MIN_UNCOUNTED ((uintptr_t)64 << 10)

static uintptr_t uncounted(uintptr_t size)
{
    if (size / 4 < MIN_UNCOUNTED) {
        return MIN_UNCOUNTED;
    }
    return size / 4 < MAX_UNCOUNTED ? size / 4 : MAX_UNCOUNTED;
}

bool pw_recursion_cut(pw_recursion *self, const pw_meter *meter)
{
    uintptr_t size = pw_engine->stack_size();
    uintptr_t end = meter->native_limit - pw_host_reserve(size) + uncounted(size);
    int64_t left = (int64_t)((uintptr_t)__builtin_frame_address(0) - end);
    int64_t fit = left / (size < SMALL ? SMALL_LEVEL : PW_LEVEL);
    int allowed = pw_recursion_left(self->thread);
    if (fit < MIN_LEVELS) {
        return false;
    }
    if (allowed > fit) {
        self->levels = allowed - (int)fit;
        pw_recursion_add(self->thread, -self->levels);
    }
    return true;
}

#endif
