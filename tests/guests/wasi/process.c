// SPDX-License-Identifier: MIT
// Prints the arguments and the environment; tests clocks, random bytes and yielding.
#include "guest.h"

static u32 pointers[8];
static char text[256], random_bytes[40];

static void strings(u32 (*sizes)(void *, void *), u32 (*get)(void *, void *))
{
    u32 count, size;
    EXPECT(OK, sizes(&count, &size));
    print_number(count);
    print(" ");
    print_number(size);
    EXPECT(OK, get(pointers, text));
    for (u32 i = 0; i < count; ++i) {
        print(" ");
        print((const char *)pointers[i]);
    }
    print("\n");
}

static void clocks(void)
{
    u64 time = 0, later = 0;
    for (u32 id = 0; id < 2; ++id) {
        EXPECT(OK, clock_res_get(id, &time));
        EXPECT(true, time > 0);
        EXPECT(OK, clock_time_get(id, 1, &time));
        EXPECT(OK, clock_time_get(id, 1, &later));
        EXPECT(true, later >= time);
    }
    EXPECT_STRICT(INVAL, clock_time_get(99, 1, &time));
    EXPECT_STRICT(INVAL, clock_res_get(99, &time));
}

MAIN
{
    strings(args_sizes_get, args_get);
    strings(environ_sizes_get, environ_get);
    clocks();
    bool changed = false;
    EXPECT(OK, random_get(random_bytes + 1, 38));
    for (int i = 1; i < 39; ++i)
        changed |= random_bytes[i] != 0;
    EXPECT(true, changed);
    EXPECT(0, random_bytes[0] | random_bytes[39]);
    EXPECT(OK, random_get(random_bytes, 0));
    EXPECT(OK, sched_yield());
}
