// SPDX-License-Identifier: MIT
// Tests symbolic and hard links below descriptor 3, and every way that leads out of it.
#include "guest.h"

static char buffer[64];

static void symbolic(void)
{
    u32 fd, used;
    filestat stat;
    EXPECT(OK, make_file(3, "file", "text"));
    EXPECT(OK, path_create_directory(3, P("dir")));
    EXPECT(OK, make_file(3, "dir/inner", "inner"));
    EXPECT(OK, path_symlink(P("../file"), 3, P("dir/link")));
    EXPECT(EXIST, path_symlink(P("x"), 3, P("dir/link")));
    EXPECT(NOENT, path_symlink(P("x"), 3, P("none/link")));
    EXPECT(OK, path_readlink(3, P("dir/link"), buffer, sizeof buffer, &used));
    EXPECT(7, used);
    EXPECT(true, same(buffer, "../file"));
    EXPECT(INVAL, path_readlink(3, P("file"), buffer, sizeof buffer, &used));
    EXPECT(NOENT, path_readlink(3, P("none"), buffer, sizeof buffer, &used));
    EXPECT(OK, path_filestat_get(3, FOLLOW, P("dir/link"), &stat));
    EXPECT(4, stat.type);
    EXPECT(4, stat.size);
    EXPECT(OK, path_filestat_get(3, 0, P("dir/link"), &stat));
    EXPECT(7, stat.type);
    EXPECT(OK, open_with(3, "dir/link", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(LOOP, path_open(3, 0, P("dir/link"), 0, RIGHT_READ, ALL, 0, &fd));
    EXPECT(EXIST, open_with(3, "dir/link", CREAT | EXCL, ALL, 0, &fd));
    EXPECT(OK, path_symlink(P("dir"), 3, P("d")));
    EXPECT(OK, open_with(3, "d/inner", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, open_with(3, "d/../file", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, open_with(3, "d", DIRECTORY, ALL & ~WRITING, 0, &fd));
    EXPECT(OK, fd_close(fd));
    EXPECT(NOTDIR, path_remove_directory(3, P("d")));
    EXPECT(OK, path_rename(3, P("d"), 3, P("e")));
    EXPECT(OK, path_unlink_file(3, P("e")));
    EXPECT(OK, path_filestat_get(3, 0, P("dir/inner"), &stat));
}

static void dangling_and_looping(void)
{
    u32 fd;
    filestat stat;
    EXPECT(OK, path_symlink(P("nothing"), 3, P("dangling")));
    EXPECT(NOENT, open_with(3, "dangling", 0, RIGHT_READ, 0, &fd));
    EXPECT(NOENT, path_filestat_get(3, FOLLOW, P("dangling"), &stat));
    EXPECT(OK, path_filestat_get(3, 0, P("dangling"), &stat));
    EXPECT(EXIST, path_create_directory(3, P("dangling")));
    EXPECT(OK, make_file(3, "dangling", "made"));
    EXPECT(OK, path_filestat_get(3, 0, P("nothing"), &stat));
    EXPECT(OK, path_symlink(P("b"), 3, P("a")));
    EXPECT(OK, path_symlink(P("a"), 3, P("b")));
    EXPECT(LOOP, open_with(3, "a", 0, RIGHT_READ, 0, &fd));
    EXPECT(LOOP, open_with(3, "a/x", 0, RIGHT_READ, 0, &fd));
    EXPECT(LOOP, path_filestat_get(3, FOLLOW, P("b"), &stat));
    EXPECT(LOOP, path_filestat_get(3, 0, P("a/x"), &stat));
    EXPECT(LOOP, path_create_directory(3, P("a/x")));
    EXPECT(OK, path_unlink_file(3, P("a")));
}

static void hard(void)
{
    u32 fd;
    filestat stat;
    EXPECT(OK, path_link(3, 0, P("file"), 3, P("dir/hard")));
    EXPECT(OK, path_filestat_get(3, 0, P("dir/hard"), &stat));
    EXPECT(2, stat.links);
    EXPECT(EXIST, path_link(3, 0, P("file"), 3, P("dir/hard")));
    EXPECT(NOENT, path_link(3, 0, P("none"), 3, P("x")));
    EXPECT(PERM, path_link(3, 0, P("dir"), 3, P("x")));
    EXPECT(NOENT, path_link(3, 0, P("file"), 3, P("x/")));
    EXPECT(OK, make_file(3, "file", "other"));
    EXPECT(OK, path_unlink_file(3, P("file")));
    EXPECT(OK, path_filestat_get(3, 0, P("dir/hard"), &stat));
    EXPECT(1, stat.links);
    EXPECT(5, stat.size);
    EXPECT(OK, open_with(3, "dir/hard", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, fd_close(fd));
}

static void leading_out(const char *path)
{
    u32 fd, used;
    filestat stat;
    EXPECT(PERM, open_with(3, path, 0, RIGHT_READ, 0, &fd));
    EXPECT(PERM, open_with(3, path, CREAT, ALL, 0, &fd));
    EXPECT(PERM, path_filestat_get(3, FOLLOW, P(path), &stat));
    EXPECT(PERM, path_filestat_get(3, 0, P(path), &stat));
    EXPECT(PERM, path_filestat_set_times(3, FOLLOW, P(path), 1, 1, 1));
    EXPECT(PERM, path_create_directory(3, P(path)));
    EXPECT(PERM, path_remove_directory(3, P(path)));
    EXPECT(PERM, path_unlink_file(3, P(path)));
    EXPECT(PERM, path_readlink(3, P(path), buffer, sizeof buffer, &used));
    EXPECT(PERM, path_symlink(P("x"), 3, P(path)));
    EXPECT(PERM, path_link(3, 0, P(path), 3, P("x")));
    EXPECT(PERM, path_link(3, 0, P("dir/inner"), 3, P(path)));
    EXPECT(PERM, path_rename(3, P(path), 3, P("x")));
    EXPECT(PERM, path_rename(3, P("dir/inner"), 3, P(path)));
}

static void escapes(void)
{
    u32 fd;
    leading_out("../outside");
    leading_out("dir/../../outside");
    leading_out("/outside");
    EXPECT(OK, path_symlink(P(".."), 3, P("up")));
    leading_out("up/outside");
    EXPECT(OK, path_symlink(P("dir/../../outside"), 3, P("far")));
    EXPECT(PERM, open_with(3, "far", 0, RIGHT_READ, 0, &fd));
    EXPECT(PERM, open_with(3, "far", CREAT, ALL, 0, &fd));
    EXPECT(PERM, open_with(3, "..", DIRECTORY, RIGHT_READ, 0, &fd));
    EXPECT(PERM, open_with(3, "dir/../..", DIRECTORY, RIGHT_READ, 0, &fd));
    EXPECT(PERM, path_symlink(P("/etc/passwd"), 3, P("absolute")));
    // No path leads out of a directory that the guest has opened, either.
    EXPECT(OK, open_with(3, "dir", DIRECTORY, ALL & ~WRITING, 0, &fd));
    u32 inner;
    EXPECT(PERM, open_with(fd, "../nothing", 0, RIGHT_READ, 0, &inner));
    EXPECT(OK, open_with(fd, "inner", 0, RIGHT_READ, 0, &inner));
}

static void names(void)
{
    u32 fd;
    filestat stat;
    EXPECT(INVAL, path_open(3, 0, "dir\0x", 5, 0, RIGHT_READ, ALL, 0, &fd));
    EXPECT(ILSEQ, open_with(3, "\xff", CREAT, ALL, 0, &fd));
    EXPECT(ILSEQ, path_filestat_get(3, 0, "\xc3", 1, &stat));
    EXPECT(NOENT, open_with(3, "", 0, RIGHT_READ, 0, &fd));
    EXPECT(OK, make_file(3, "gr\xc3\xbc\xc3\x9f", "text"));
    EXPECT(OK, open_with(3, "dir///inner", 0, RIGHT_READ, 0, &fd));
    static char name[5000];
    for (u32 i = 0; i < 4999; ++i)
        name[i] = 'n';
    EXPECT(NAMETOOLONG, open_with(3, name, 0, RIGHT_READ, 0, &fd));
}

MAIN
{
    symbolic();
    dangling_and_looping();
    hard();
    escapes();
    names();
}
