// SPDX-License-Identifier: MIT
// Tests rights: they are reported, and only reading and writing depend on them.
#include "guest.h"

static char buffer[64];

static u64 rights_of(u32 fd)
{
    fdstat stat;
    EXPECT(OK, fd_fdstat_get(fd, &stat));
    return stat.rights;
}

static u64 inheriting_of(u32 fd)
{
    fdstat stat;
    EXPECT(OK, fd_fdstat_get(fd, &stat));
    return stat.inheriting;
}

// A file that was opened with few rights has all that belong to what it was opened for.
static void of_files(void)
{
    u32 fd, got;
    iovec piece = {buffer, 4};
    EXPECT(OK, open_with(3, "file", CREAT, RIGHT_WRITE, 0, &fd));
    EXPECT(RIGHT_WRITE | RIGHT_SEEK | RIGHT_TELL,
           rights_of(fd) & (RIGHT_READ | RIGHT_WRITE | RIGHT_SEEK | RIGHT_TELL));
    EXPECT(0, inheriting_of(fd));
    EXPECT(OK, fd_write(fd, &piece, 1, &got));
    EXPECT(BADF, fd_read(fd, &piece, 1, &got));
    EXPECT(BADF, fd_pread(fd, &piece, 1, 0, &got));
    EXPECT(OK, fd_pwrite(fd, &piece, 1, 0, &got));
    EXPECT(OK, fd_seek(fd, 0, 0, buffer));
    EXPECT(OK, fd_tell(fd, buffer));
    EXPECT(OK, fd_sync(fd));
    EXPECT(OK, fd_datasync(fd));
    EXPECT(OK, fd_advise(fd, 0, 0, 0));
    EXPECT(OK, fd_allocate(fd, 0, 1));
    EXPECT(OK, fd_filestat_get(fd, buffer));
    EXPECT(OK, fd_filestat_set_size(fd, 8));
    EXPECT(OK, fd_filestat_set_times(fd, 0, 0, 1));
    EXPECT(OK, fd_fdstat_set_flags(fd, 0));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, open_with(3, "file", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, fd_read(fd, &piece, 1, &got));
    EXPECT(BADF, fd_write(fd, &piece, 1, &got));
    EXPECT(BADF, fd_pwrite(fd, &piece, 1, 0, &got));
    EXPECT(BADF, fd_allocate(fd, 0, 1));
    EXPECT(INVAL, fd_filestat_set_size(fd, 0));
    EXPECT(OK, fd_filestat_set_times(fd, 0, 0, 1));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, open_with(3, "file", TRUNC, 0, 0, &fd));
    EXPECT(0, rights_of(fd) & (RIGHT_READ | RIGHT_WRITE));
    EXPECT(BADF, fd_read(fd, &piece, 1, &got));
    EXPECT(BADF, fd_write(fd, &piece, 1, &got));
    EXPECT(OK, fd_close(fd));
}

// Rights that are taken away are no longer reported, and those to read and write are gone.
static void taken_away(void)
{
    u32 fd, got;
    iovec piece = {buffer, 4};
    EXPECT(OK, open_with(3, "file", 0, RIGHT_READ | RIGHT_WRITE, 0, &fd));
    EXPECT(OK, fd_fdstat_set_rights(fd, RIGHT_READ | RIGHT_SEEK, 0));
    EXPECT(RIGHT_READ | RIGHT_SEEK, rights_of(fd));
    EXPECT(OK, fd_read(fd, &piece, 1, &got));
    EXPECT(BADF, fd_write(fd, &piece, 1, &got));
    EXPECT(BADF, fd_pwrite(fd, &piece, 1, 0, &got));
    EXPECT(INVAL, fd_filestat_set_size(fd, 0));
    EXPECT(OK, fd_tell(fd, buffer));
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights(fd, RIGHT_READ | RIGHT_WRITE, 0));
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights(fd, RIGHT_READ, 1));
    EXPECT(OK, fd_fdstat_set_rights(fd, 0, 0));
    EXPECT(BADF, fd_read(fd, &piece, 1, &got));
    EXPECT(OK, fd_seek(fd, 0, 0, buffer));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, path_open(3, 0, P("."), 0, 0, 0, 0, &fd));
    EXPECT(OK, fd_fdstat_set_rights(fd, 0, 0));
    EXPECT(0, rights_of(fd) | inheriting_of(fd));
    EXPECT(OK, path_filestat_get(fd, 0, P("file"), buffer));
    EXPECT(OK, fd_close(fd));
}

// A directory can be used in every way, whatever it was opened with.
static void of_directories(void)
{
    u32 fd, inner, got;
    EXPECT(OK, path_create_directory(3, P("dir")));
    EXPECT(OK, path_open(3, 0, P("dir"), DIRECTORY, 1ull << 13, 0, 0, &fd));
    EXPECT(rights_of(3), rights_of(fd));
    EXPECT(inheriting_of(3), inheriting_of(fd));
    EXPECT(OK, make_file(fd, "inner", "text"));
    EXPECT(OK, open_with(fd, "inner", 0, RIGHT_READ, 0, &inner));
    EXPECT(OK, fd_read(inner, &(iovec){buffer, 64}, 1, &got));
    EXPECT(4, got);
    EXPECT(true, same(buffer, "text"));
    EXPECT(OK, fd_close(inner));
    EXPECT(OK, fd_readdir(fd, buffer, 64, 0, &got));
    EXPECT(OK, path_filestat_set_times(fd, 0, P("inner"), 0, 0, 1));
    EXPECT(OK, path_symlink(P("inner"), fd, P("link")));
    EXPECT(OK, path_readlink(fd, P("link"), buffer, 64, &got));
    EXPECT(OK, path_unlink_file(fd, P("link")));
    EXPECT(OK, path_link(fd, 0, P("inner"), 3, P("hard")));
    EXPECT(OK, path_rename(3, P("hard"), fd, P("moved")));
    EXPECT(OK, path_unlink_file(fd, P("moved")));
    EXPECT(OK, path_create_directory(fd, P("sub")));
    EXPECT(OK, path_remove_directory(fd, P("sub")));
    EXPECT(OK, fd_close(fd));
}

// A directory can be opened with the rights that it reports, but not for writing.
static void opened_again(void)
{
    u32 fd;
    u64 rights = rights_of(3), inheriting = inheriting_of(3);
    EXPECT(OK, path_open(3, 0, P("."), 0, rights, inheriting, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, path_open(3, 0, P("."), DIRECTORY, 0, 0, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, path_open(3, 0, P("."), DIRECTORY, RIGHT_READ, 0, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(ISDIR, path_open(3, 0, P("."), DIRECTORY, RIGHT_READ | RIGHT_WRITE, 0, 0, &fd));
    EXPECT(ISDIR, path_open(3, 0, P("."), DIRECTORY, RIGHT_WRITE, 0, 0, &fd));
    EXPECT(ISDIR, path_open(3, 0, P("."), 0, RIGHT_WRITE, 0, 0, &fd));
}

static void of_streams(void)
{
    u32 got;
    iovec piece = {buffer, 1};
    EXPECT(BADF, fd_write(0, &piece, 1, &got));
    EXPECT(BADF, fd_read(1, &piece, 1, &got));
    EXPECT(SPIPE, fd_pread(0, &piece, 1, 0, &got));
    EXPECT(SPIPE, fd_pwrite(1, &piece, 1, 0, &got));
    EXPECT(SPIPE, fd_seek(1, 0, 0, buffer));
    EXPECT(SPIPE, fd_seek(0, 0, 1, buffer));
    EXPECT(SPIPE, fd_tell(1, buffer));
    EXPECT(INVAL, fd_filestat_set_size(1, 0));
    EXPECT(NOTDIR, open_with(1, "x", 0, RIGHT_READ, 0, &got));
}

MAIN
{
    of_files();
    taken_away();
    of_directories();
    opened_again();
    of_streams();
}
