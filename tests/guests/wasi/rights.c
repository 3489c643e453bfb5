// SPDX-License-Identifier: MIT
// Tests rights of descriptors that are asked for, taken away or missing.
#include "guest.h"

static char buffer[64];

static void of_files(void)
{
    u32 fd, got;
    fdstat stat;
    iovec piece = {buffer, 4};
    EXPECT(OK, open_with(3, "file", CREAT, RIGHT_READ | RIGHT_WRITE | RIGHT_SEEK, 0, &fd));
    EXPECT(OK, fd_fdstat_get(fd, &stat));
    EXPECT(RIGHT_READ | RIGHT_WRITE | RIGHT_SEEK, stat.rights);
    EXPECT(0, stat.inheriting);
    EXPECT(OK, fd_write(fd, &piece, 1, &got));
    EXPECT(OK, fd_fdstat_set_rights(fd, RIGHT_READ, 0));
    EXPECT(NOTCAPABLE, fd_write(fd, &piece, 1, &got));
    EXPECT(NOTCAPABLE, fd_pwrite(fd, &piece, 1, 0, &got));
    EXPECT(NOTCAPABLE, fd_pread(fd, &piece, 1, 0, &got));
    EXPECT(NOTCAPABLE, fd_seek(fd, 0, 0, buffer));
    EXPECT(NOTCAPABLE, fd_tell(fd, buffer));
    EXPECT(NOTCAPABLE, fd_sync(fd));
    EXPECT(NOTCAPABLE, fd_datasync(fd));
    EXPECT(NOTCAPABLE, fd_advise(fd, 0, 0, 0));
    EXPECT(NOTCAPABLE, fd_allocate(fd, 0, 1));
    EXPECT(NOTCAPABLE, fd_filestat_get(fd, buffer));
    EXPECT(NOTCAPABLE, fd_filestat_set_size(fd, 0));
    EXPECT(NOTCAPABLE, fd_filestat_set_times(fd, 0, 0, 1));
    EXPECT(NOTCAPABLE, fd_fdstat_set_flags(fd, 0));
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights(fd, RIGHT_READ | RIGHT_WRITE, 0));
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights(fd, RIGHT_READ, 1));
    EXPECT(OK, fd_read(fd, &piece, 1, &got));
    EXPECT(OK, fd_fdstat_set_rights(fd, 0, 0));
    EXPECT(NOTCAPABLE, fd_read(fd, &piece, 1, &got));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, open_with(3, "file", 0, RIGHT_READ | RIGHT_TELL, 0, &fd));
    EXPECT(OK, fd_seek(fd, 0, 1, buffer));
    EXPECT(NOTCAPABLE, fd_seek(fd, 1, 1, buffer));
    EXPECT(OK, fd_close(fd));
}

static void of_directories(void)
{
    u32 fd, inner, used;
    u64 few = 1ull << 13 | 1ull << 3;
    EXPECT(OK, path_create_directory(3, P("dir")));
    EXPECT(OK, path_open(3, 0, P("dir"), DIRECTORY, few, RIGHT_READ, 0, &fd));
    EXPECT(NOTCAPABLE, open_with(fd, "x", CREAT, RIGHT_READ, 0, &inner));
    EXPECT(NOTCAPABLE, path_open(fd, 0, P("x"), 0, RIGHT_WRITE, 0, 0, &inner));
    EXPECT(NOTCAPABLE, path_open(fd, 0, P("x"), 0, RIGHT_READ, RIGHT_WRITE, 0, &inner));
    EXPECT(NOTCAPABLE, path_open(fd, 0, P("x"), TRUNC, RIGHT_READ, RIGHT_READ, 0, &inner));
    EXPECT(NOTCAPABLE, path_open(fd, 0, P("x"), 0, RIGHT_READ, RIGHT_READ, SYNC, &inner));
    EXPECT(NOENT, path_open(fd, 0, P("x"), 0, RIGHT_READ, RIGHT_READ, 0, &inner));
    EXPECT(NOTCAPABLE, fd_readdir(fd, buffer, 64, 0, &used));
    EXPECT(NOTCAPABLE, path_create_directory(fd, P("x")));
    EXPECT(NOTCAPABLE, path_remove_directory(fd, P("x")));
    EXPECT(NOTCAPABLE, path_unlink_file(fd, P("x")));
    EXPECT(NOTCAPABLE, path_filestat_get(fd, 0, P("x"), buffer));
    EXPECT(NOTCAPABLE, path_filestat_set_times(fd, 0, P("x"), 0, 0, 1));
    EXPECT(NOTCAPABLE, path_readlink(fd, P("x"), buffer, 64, &used));
    EXPECT(NOTCAPABLE, path_symlink(P("y"), fd, P("x")));
    EXPECT(NOTCAPABLE, path_link(fd, 0, P("x"), 3, P("x")));
    EXPECT(NOTCAPABLE, path_link(3, 0, P("file"), fd, P("x")));
    EXPECT(NOTCAPABLE, path_rename(fd, P("x"), 3, P("x")));
    EXPECT(NOTCAPABLE, path_rename(3, P("file"), fd, P("x")));
    EXPECT(NOTCAPABLE, fd_filestat_get(fd, buffer));
    EXPECT(OK, fd_fdstat_set_rights(fd, 0, 0));
    EXPECT(NOTCAPABLE, path_open(fd, 0, P("x"), 0, 0, 0, 0, &inner));
}

static void of_streams(void)
{
    u32 got;
    EXPECT(NOTCAPABLE, fd_write(0, &(iovec){"x", 1}, 1, &got));
    EXPECT(NOTCAPABLE, fd_read(1, &(iovec){buffer, 1}, 1, &got));
    EXPECT(NOTCAPABLE, fd_seek(1, 0, 0, buffer));
    EXPECT(NOTCAPABLE, fd_tell(1, buffer));
    EXPECT(NOTDIR, open_with(1, "x", 0, RIGHT_READ, 0, &got));
}

MAIN
{
    of_files();
    of_directories();
    of_streams();
}
