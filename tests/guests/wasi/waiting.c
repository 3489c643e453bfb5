// SPDX-License-Identifier: MIT
// Tests poll_oneoff: clocks, descriptors that are ready, and requests that are wrong.
#include "guest.h"

static event events[4];
static u32 count;

static void clocks(void)
{
    subscription wait = {.user_data = 7, .type = 0, .clock = {.id = 1, .timeout = 2000000}};
    u64 before, after;
    clock_time_get(1, 1, &before);
    EXPECT(OK, poll_oneoff(&wait, events, 1, &count));
    clock_time_get(1, 1, &after);
    EXPECT(1, count);
    EXPECT(7, events[0].user_data);
    EXPECT(OK, events[0].error);
    EXPECT(0, events[0].type);
    EXPECT(true, after - before >= 2000000);
    subscription until = {.type = 0, .clock = {.id = 1, .timeout = before, .flags = 1}};
    EXPECT(OK, poll_oneoff(&until, events, 1, &count));
    EXPECT(1, count);
    subscription both[2] = {wait, wait};
    both[0].clock.timeout = 3600000000000;
    both[1].user_data = 8;
    EXPECT(OK, poll_oneoff(both, events, 2, &count));
    EXPECT(1, count);
    EXPECT(8, events[0].user_data);
}

static void descriptors(void)
{
    u32 fd;
    EXPECT(OK, make_file(3, "file", "text"));
    EXPECT(OK, open_with(3, "file", 0, ALL, 0, &fd));
    subscription all[3] = {
        {.user_data = 1, .type = 1, .fd = fd},
        {.user_data = 2, .type = 2, .fd = fd},
        {.user_data = 3, .type = 0, .clock = {.id = 1, .timeout = 3600000000000}},
    };
    // wasmtime reports only one of them.
    if (!strict())
        return;
    EXPECT(OK, poll_oneoff(all, events, 3, &count));
    EXPECT(2, count);
    EXPECT(1, events[0].user_data);
    EXPECT(1, events[0].type);
    EXPECT(4, events[0].bytes);
    EXPECT(2, events[1].user_data);
    EXPECT(2, events[1].type);
    EXPECT(OK, events[0].error | events[1].error);
}

static void wrong(void)
{
    EXPECT(INVAL, poll_oneoff(events, events, 0, &count));
    subscription some[2] = {
        {.user_data = 1, .type = 1, .fd = 99},
        {.user_data = 2, .type = 0, .clock = {.id = 1, .timeout = 3600000000000}},
    };
    // In wasmtime, the whole call fails instead.
    if (!strict())
        return;
    EXPECT(OK, poll_oneoff(some, events, 2, &count));
    EXPECT(1, count);
    EXPECT(1, events[0].user_data);
    EXPECT(BADF, events[0].error);
    some[0].type = 3;
    EXPECT(INVAL, poll_oneoff(some, events, 1, &count));
    some[1].clock.id = 77;
    EXPECT(OK, poll_oneoff(some + 1, events, 1, &count));
    EXPECT(INVAL, events[0].error);
}

MAIN
{
    clocks();
    descriptors();
    wrong();
}
