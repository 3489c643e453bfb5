// SPDX-License-Identifier: MIT
// Passes pointers and lengths that reach beyond the memory, for each argument of each function.
#include "guest.h"

static char buffer[64];
static u32 used;

#define END ((void *)(__builtin_wasm_memory_size(0) * 65536))
#define LAST ((void *)(__builtin_wasm_memory_size(0) * 65536 - 1))
#define HIGH ((void *)0xfffffff8u)

static void everywhere(void *bad)
{
    const char *path = bad;
    EXPECT(FAULT, args_get(bad, buffer));
    EXPECT(FAULT, args_get(buffer, bad));
    EXPECT(FAULT, args_sizes_get(bad, buffer));
    EXPECT(FAULT, args_sizes_get(buffer, bad));
    EXPECT(FAULT, environ_get(bad, buffer));
    EXPECT(FAULT, environ_get(buffer, bad));
    EXPECT(FAULT, environ_sizes_get(bad, buffer));
    EXPECT(FAULT, environ_sizes_get(buffer, bad));
    EXPECT(FAULT, clock_res_get(0, bad));
    EXPECT(FAULT, clock_time_get(0, 1, bad));
    EXPECT(FAULT, random_get(bad, 9));
    EXPECT(FAULT, fd_fdstat_get(1, bad));
    EXPECT(FAULT, fd_filestat_get(1, bad));
    EXPECT(FAULT, fd_prestat_get(3, bad));
    EXPECT(FAULT, fd_prestat_dir_name(3, bad, 5));
    EXPECT(FAULT, fd_readdir(3, bad, 60, 0, &used));
    EXPECT(FAULT, fd_readdir(3, buffer, 60, 0, bad));
    EXPECT(FAULT, path_create_directory(3, path, 9));
    EXPECT(FAULT, path_filestat_get(3, 0, path, 9, buffer));
    EXPECT(FAULT, path_filestat_get(3, 0, P("."), bad));
    EXPECT(FAULT, path_filestat_set_times(3, 0, path, 9, 1, 1, 1));
    EXPECT(FAULT, path_link(3, 0, path, 9, 3, P("x")));
    EXPECT(FAULT, path_link(3, 0, P("file"), 3, path, 9));
    EXPECT(FAULT, path_open(3, 0, path, 9, 0, ALL, ALL, 0, &used));
    EXPECT(FAULT, path_open(3, 0, P("file"), 0, ALL, ALL, 0, bad));
    EXPECT(FAULT, path_readlink(3, path, 9, buffer, 9, &used));
    EXPECT(FAULT, path_remove_directory(3, path, 9));
    EXPECT(FAULT, path_rename(3, path, 9, 3, P("x")));
    EXPECT(FAULT, path_rename(3, P("file"), 3, path, 9));
    EXPECT(FAULT, path_symlink(path, 9, 3, P("x")));
    EXPECT(FAULT, path_symlink(P("x"), 3, path, 9));
    EXPECT(FAULT, path_unlink_file(3, path, 9));
    EXPECT(FAULT, poll_oneoff(bad, buffer, 1, &used));
    subscription now = {.type = 0, .clock = {.id = 1}};
    EXPECT(FAULT, poll_oneoff(&now, bad, 1, &used));
    EXPECT(FAULT, poll_oneoff(&now, buffer, 1, bad));
}

static void data(u32 fd, void *bad)
{
    iovec fine = {buffer, 4}, wrong = {bad, 9}, two[2] = {fine, wrong};
    EXPECT(FAULT, fd_read(fd, bad, 1, &used));
    EXPECT(FAULT, fd_read(fd, &wrong, 1, &used));
    EXPECT(FAULT, fd_read(fd, two, 2, &used));
    EXPECT(FAULT, fd_read(fd, &fine, 1, bad));
    EXPECT(FAULT, fd_write(fd, bad, 1, &used));
    EXPECT(FAULT, fd_write(fd, &wrong, 1, &used));
    EXPECT(FAULT, fd_write(fd, two, 2, &used));
    EXPECT(FAULT, fd_write(fd, &fine, 1, bad));
    EXPECT(FAULT, fd_pread(fd, bad, 1, 0, &used));
    EXPECT(FAULT, fd_pread(fd, &wrong, 1, 0, &used));
    EXPECT(FAULT, fd_pread(fd, &fine, 1, 0, bad));
    EXPECT(FAULT, fd_pwrite(fd, bad, 1, 0, &used));
    EXPECT(FAULT, fd_pwrite(fd, &wrong, 1, 0, &used));
    EXPECT(FAULT, fd_pwrite(fd, &fine, 1, 0, bad));
    EXPECT(FAULT, fd_seek(fd, 0, 0, bad));
    EXPECT(FAULT, fd_tell(fd, bad));
}

static void lengths(u32 fd)
{
    iovec long_one = {buffer, 0xffffffff}, half = {buffer, 0x80000000};
    EXPECT(FAULT, fd_read(fd, &long_one, 1, &used));
    EXPECT(FAULT, fd_write(fd, &half, 1, &used));
    EXPECT(FAULT, fd_write(fd, &long_one, 0x20000001, &used));
    EXPECT(FAULT, fd_read(fd, &long_one, 0xffffffff, &used));
    EXPECT(FAULT, poll_oneoff(buffer, buffer, 0x10000000, &used));
    EXPECT(FAULT, random_get(buffer, 0xffffffff));
    EXPECT(FAULT, path_open(3, 0, "file", 0xffffffff, 0, ALL, ALL, 0, &used));
    EXPECT(FAULT, fd_readdir(3, buffer, 0xffffffff, 0, &used));
}

MAIN
{
    u32 fd;
    filestat stat;
    void *bad[] = {LAST, END, HIGH};
    EXPECT(OK, make_file(3, "file", "text"));
    EXPECT(OK, open_with(3, "file", 0, ALL, 0, &fd));
    for (int i = 0; i < 3; ++i) {
        everywhere(bad[i]);
        data(fd, bad[i]);
    }
    lengths(fd);
    // None of the calls above had an effect.
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(4, stat.size);
    EXPECT(NOENT, path_filestat_get(3, 0, P("x"), &stat));
    // Memory that has just grown can be used.
    char *more = END;
    __builtin_wasm_memory_grow(0, 1);
    EXPECT(OK, random_get(more, 65536));
    EXPECT(FAULT, random_get(more, 65537));
}
