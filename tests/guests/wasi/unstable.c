// SPDX-License-Identifier: MIT
// Tests where wasi_unstable differs from its successor: seeking, filestat, subscriptions to clocks.
#define MODULE "wasi_unstable"
#include "guest.h"

typedef struct {
    u64 device, inode;
    uint8_t type;
    u32 links;
    u64 size, atime, mtime, ctime;
} old_filestat;
typedef struct {
    u64 user_data;
    uint8_t type;
    union {
        struct { u64 identifier; u32 id; u64 timeout, precision; uint16_t flags; } clock;
        u32 fd;
    };
} old_subscription;

MAIN
{
    u32 fd, count;
    u64 at;
    struct { old_filestat stat; u64 after; } found = {.after = 42};
    EXPECT(OK, make_file(3, "file", "0123456789"));
    EXPECT(OK, open_with(3, "file", 0, ALL, 0, &fd));
    EXPECT(OK, fd_seek(fd, -4, 1, &at));
    EXPECT(6, at);
    EXPECT(OK, fd_seek(fd, 1, 0, &at));
    EXPECT(7, at);
    EXPECT(OK, fd_seek(fd, 2, 2, &at));
    EXPECT(2, at);
    EXPECT(OK, fd_filestat_get(fd, &found));
    EXPECT(4, found.stat.type);
    EXPECT(1, found.stat.links);
    EXPECT(10, found.stat.size);
    EXPECT(OK, path_filestat_get(3, 0, P("file"), &found));
    EXPECT(10, found.stat.size);
    EXPECT(42, found.after);
    old_subscription both[2] = {
        {.user_data = 1, .clock = {.id = 1, .timeout = 3600000000000}},
        {.user_data = 2, .type = 1, .fd = fd},
    };
    event events[2];
    EXPECT(OK, poll_oneoff(both, events, 2, &count));
    EXPECT(1, count);
    EXPECT(2, events[0].user_data);
    EXPECT(8, events[0].bytes);
    both[0].clock.timeout = 1;
    EXPECT(OK, poll_oneoff(both, events, 1, &count));
    EXPECT(1, events[0].user_data);
}
