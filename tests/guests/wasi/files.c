// SPDX-License-Identifier: MIT
// Tests regular files below descriptor 3: opening, reading, writing, seeking, sizes, times, flags.
#include "guest.h"

static char buffer[64];

static u32 read_some(u32 fd, u32 size)
{
    u32 got = 0;
    iovec into = {buffer, size};
    EXPECT(OK, fd_read(fd, &into, 1, &got));
    return got;
}

static void opening(void)
{
    u32 fd;
    EXPECT(NOENT, open_with(3, "none", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, open_with(3, "file", CREAT | EXCL, ALL, 0, &fd));
    EXPECT(OK, write_text(fd, "0123456789"));
    EXPECT(OK, fd_close(fd));
    EXPECT(BADF, fd_close(fd));
    EXPECT(EXIST, open_with(3, "file", CREAT | EXCL, ALL, 0, &fd));
    EXPECT(NOTDIR, open_with(3, "file", DIRECTORY, RIGHT_READ, 0, &fd));
    EXPECT(NOTDIR, open_with(3, "file/", 0, RIGHT_READ, 0, &fd));
    EXPECT(NOTDIR, open_with(3, "file/x", 0, RIGHT_READ, 0, &fd));
    EXPECT(NOTDIR, open_with(3, "file/..", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, path_create_directory(3, P("dir")));
    EXPECT(ISDIR, open_with(3, "dir", 0, RIGHT_READ | RIGHT_WRITE, 0, &fd));
    EXPECT(ISDIR, open_with(3, "new/", CREAT, ALL, 0, &fd));
    EXPECT_STRICT(INVAL, open_with(3, "file", 1 << 4, RIGHT_READ, 0, &fd));
    EXPECT_STRICT(INVAL, open_with(3, "file", 0, RIGHT_READ, 1 << 5, &fd));
    EXPECT_STRICT(INVAL, path_open(3, 2, P("file"), 0, RIGHT_READ, ALL, 0, &fd));
    EXPECT(BADF, open_with(99, "file", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, open_with(3, "./dir/../file", 0, RIGHT_READ, 0, &fd));
    EXPECT(NOTDIR, open_with(fd, "file", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, fd_close(fd));
}

static void reading(void)
{
    u32 fd, got;
    u64 at;
    EXPECT(OK, open_with(3, "file", 0, ALL, 0, &fd));
    EXPECT(4, read_some(fd, 4));
    EXPECT(true, same(buffer, "0123"));
    EXPECT(OK, fd_tell(fd, &at));
    EXPECT(4, at);
    EXPECT(6, read_some(fd, 64));
    EXPECT(0, read_some(fd, 64));
    EXPECT(OK, fd_seek(fd, -3, 2, &at));
    EXPECT(7, at);
    EXPECT(OK, fd_seek(fd, -2, 1, &at));
    EXPECT(5, at);
    EXPECT(OK, fd_seek(fd, 2, 0, &at));
    EXPECT(2, at);
    EXPECT(INVAL, fd_seek(fd, -3, 1, &at));
    EXPECT(INVAL, fd_seek(fd, -1, 0, &at));
    EXPECT_STRICT(INVAL, fd_seek(fd, 0, 3, &at));
    iovec one = {buffer, 20};
    EXPECT(8, read_some(fd, 20));
    EXPECT(true, same(buffer, "23456789"));
    EXPECT(OK, fd_pread(fd, &one, 1, 8, &got));
    EXPECT(2, got);
    EXPECT(true, same(buffer, "89"));
    EXPECT(INVAL, fd_pread(fd, &one, 1, 1ull << 63, &got));
    EXPECT(OK, fd_tell(fd, &at));
    EXPECT(10, at);
    EXPECT(OK, fd_close(fd));
}

static void writing(void)
{
    u32 fd, got;
    u64 at;
    filestat stat;
    EXPECT(OK, open_with(3, "file", TRUNC, ALL, 0, &fd));
    iovec one = {"abcdefg", 7};
    EXPECT(OK, fd_write(fd, &one, 1, &got));
    EXPECT(7, got);
    EXPECT(OK, fd_pwrite(fd, &one, 1, 20, &got));
    EXPECT(7, got);
    EXPECT(OK, fd_tell(fd, &at));
    EXPECT(7, at);
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(27, stat.size);
    EXPECT(4, stat.type);
    EXPECT(1, stat.links);
    EXPECT(OK, fd_seek(fd, 0, 0, &at));
    EXPECT(27, read_some(fd, 64));
    EXPECT(true, same(buffer, "abcdefg") && !buffer[7] && !buffer[19] && same(buffer + 20, "abc"));
    EXPECT(OK, fd_filestat_set_size(fd, 3));
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(3, stat.size);
    EXPECT(OK, fd_filestat_set_size(fd, 5));
    EXPECT(OK, fd_pread(fd, &(iovec){buffer, 9}, 1, 0, &got));
    EXPECT(5, got);
    EXPECT(true, same(buffer, "abc") && !buffer[3] && !buffer[4]);
    EXPECT(INVAL, fd_filestat_set_size(fd, 1ull << 63));
    EXPECT(OK, fd_sync(fd));
    EXPECT(OK, fd_datasync(fd));
    EXPECT(OK, fd_advise(fd, 0, 0, 3));
    EXPECT_STRICT(INVAL, fd_advise(fd, 0, 0, 6));
    EXPECT(OK, fd_close(fd));
}

// wasmtime uses only one of several buffers.
static void vectors(void)
{
    u32 fd, got;
    EXPECT(OK, open_with(3, "vectors", CREAT, ALL, 0, &fd));
    iovec from[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
    EXPECT(OK, fd_write(fd, from, 3, &got));
    EXPECT(7, got);
    EXPECT(OK, fd_pwrite(fd, from, 3, 7, &got));
    EXPECT(7, got);
    iovec into[3] = {{buffer, 2}, {buffer, 0}, {buffer + 10, 20}};
    EXPECT(OK, fd_pread(fd, into, 3, 6, &got));
    EXPECT(8, got);
    EXPECT(true, same(buffer, "ga") && same(buffer + 10, "bcdefg"));
    EXPECT(OK, fd_seek(fd, 10, 0, buffer + 40));
    EXPECT(OK, fd_read(fd, into, 3, &got));
    EXPECT(4, got);
    EXPECT(true, same(buffer, "de") && same(buffer + 10, "fg"));
    EXPECT(OK, fd_write(fd, from, 0, &got));
    EXPECT(0, got);
    EXPECT(INVAL, fd_write(fd, (void *)0, 1025, &got));
    EXPECT(OK, fd_close(fd));
}

// wasmtime has no fd_allocate.
static void allocating(void)
{
    u32 fd;
    filestat stat;
    EXPECT(OK, open_with(3, "big", CREAT, ALL, 0, &fd));
    EXPECT(OK, fd_allocate(fd, 10, 90));
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(100, stat.size);
    EXPECT(OK, fd_allocate(fd, 0, 50));
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(100, stat.size);
    EXPECT(INVAL, fd_allocate(fd, 0, 0));
    EXPECT(FBIG, fd_allocate(fd, 1ull << 62, 1ull << 62));
    EXPECT(OK, fd_close(fd));
}

static void appending(void)
{
    u32 fd;
    u64 at;
    fdstat stat;
    EXPECT(OK, open_with(3, "file", 0, ALL, APPEND, &fd));
    EXPECT(OK, fd_fdstat_get(fd, &stat));
    EXPECT(APPEND, stat.flags);
    EXPECT(4, stat.type);
    EXPECT(OK, write_text(fd, "xy"));
    EXPECT(OK, fd_tell(fd, &at));
    EXPECT(7, at);
    EXPECT(OK, fd_fdstat_set_flags(fd, 0));
    EXPECT(OK, fd_seek(fd, 0, 0, &at));
    EXPECT(OK, write_text(fd, "A"));
    EXPECT(OK, fd_fdstat_set_flags(fd, APPEND));
    EXPECT(OK, write_text(fd, "z"));
    EXPECT(OK, fd_seek(fd, 0, 0, &at));
    EXPECT(8, read_some(fd, 64));
    EXPECT(true, same(buffer, "Abc") && same(buffer + 5, "xyz"));
    EXPECT_STRICT(INVAL, fd_fdstat_set_flags(fd, 1 << 5));
    EXPECT(OK, fd_close(fd));
}

static void times(void)
{
    u32 fd;
    filestat stat;
    EXPECT(OK, open_with(3, "file", 0, ALL, 0, &fd));
    EXPECT(OK, fd_filestat_set_times(fd, 1000000000, 2000000000, 1 | 4));
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(1000000000, stat.atime);
    EXPECT(2000000000, stat.mtime);
    EXPECT(OK, path_filestat_set_times(3, FOLLOW, P("file"), 3000000000, 9, 1));
    EXPECT(OK, path_filestat_get(3, FOLLOW, P("file"), &stat));
    EXPECT(3000000000, stat.atime);
    EXPECT(2000000000, stat.mtime);
    EXPECT(OK, fd_filestat_set_times(fd, 5, 5, 8));
    EXPECT(OK, fd_filestat_get(fd, &stat));
    EXPECT(3000000000, stat.atime);
    EXPECT(true, stat.mtime > 4000000000);
    EXPECT(INVAL, fd_filestat_set_times(fd, 0, 0, 1 | 2));
    EXPECT(INVAL, fd_filestat_set_times(fd, 0, 0, 4 | 8));
    EXPECT(INVAL, path_filestat_set_times(3, 0, P("file"), 0, 0, 4 | 8));
    EXPECT_STRICT(INVAL, path_filestat_set_times(3, 0, P("file"), 0, 0, 16));
    EXPECT(NOENT, path_filestat_set_times(3, 0, P("none"), 0, 0, 1));
    EXPECT(OK, fd_close(fd));
}

static void renumbering(void)
{
    u32 a, b, got;
    EXPECT(OK, open_with(3, "file", 0, ALL, 0, &a));
    EXPECT(OK, open_with(3, "big", CREAT, ALL, 0, &b));
    EXPECT(BADF, fd_renumber(a, 99));
    EXPECT(BADF, fd_renumber(99, a));
    EXPECT(OK, fd_renumber(b, b));
    EXPECT(OK, fd_renumber(a, b));
    EXPECT(BADF, fd_tell(a, buffer));
    EXPECT(OK, fd_pread(b, &(iovec){buffer, 3}, 1, 0, &got));
    EXPECT(true, same(buffer, "Abc"));
    EXPECT(OK, fd_close(b));
    EXPECT(BADF, fd_sync(b));
    EXPECT(BADF, fd_datasync(b));
    EXPECT(BADF, fd_advise(b, 0, 0, 0));
    EXPECT(BADF, fd_allocate(b, 0, 1));
    EXPECT(BADF, fd_fdstat_get(b, buffer));
    EXPECT(BADF, fd_fdstat_set_flags(b, 0));
    EXPECT(BADF, fd_filestat_get(b, buffer));
    EXPECT(BADF, fd_filestat_set_size(b, 0));
    EXPECT(BADF, fd_filestat_set_times(b, 0, 0, 1));
    EXPECT(BADF, fd_seek(b, 0, 0, buffer));
    EXPECT(BADF, fd_pread(b, &(iovec){buffer, 3}, 1, 0, &got));
    EXPECT(BADF, fd_pwrite(b, &(iovec){buffer, 3}, 1, 0, &got));
    EXPECT(BADF, fd_read(b, &(iovec){buffer, 3}, 1, &got));
    EXPECT(BADF, fd_write(b, &(iovec){buffer, 3}, 1, &got));
}

MAIN
{
    opening();
    reading();
    writing();
    if (strict()) {
        vectors();
        allocating();
    }
    appending();
    times();
    renumbering();
}
