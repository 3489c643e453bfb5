// SPDX-License-Identifier: MIT
// Tests directories below descriptor 3: how they are preopened, made, listed, renamed and removed.
#include "guest.h"

static char buffer[1024];

static u32 list(u32 fd, u32 room, u32 *entries)
{
    // The buffer is small, so that entries are cut off and must be asked for again.
    u64 cookie = 0;
    u32 used, names = 0;
    *entries = 0;
    do {
        EXPECT(OK, fd_readdir(fd, buffer, room, cookie, &used));
        u32 at = 0;
        while (at + sizeof(dirent) <= used) {
            dirent *entry = (dirent *)(buffer + at);
            if (at + sizeof(dirent) + entry->size > used)
                break;
            names += (u32)buffer[at + sizeof(dirent)] * entry->size;
            ++*entries;
            cookie = entry->next;
            at += (u32)sizeof(dirent) + entry->size;
        }
    } while (used == room);
    return names;
}

static void preopened(void)
{
    struct { uint8_t tag; u32 size; } prestat;
    EXPECT(OK, fd_prestat_get(3, &prestat));
    EXPECT(0, prestat.tag);
    EXPECT(5, prestat.size);
    EXPECT(OK, fd_prestat_dir_name(3, buffer, 5));
    EXPECT(true, same(buffer, "/data"));
    EXPECT(NAMETOOLONG, fd_prestat_dir_name(3, buffer, 4));
    EXPECT(BADF, fd_prestat_get(4, &prestat));
    EXPECT(BADF, fd_prestat_dir_name(4, buffer, 5));
    EXPECT(BADF, fd_prestat_get(1, &prestat));
}

static void what_directories_cannot(void)
{
    u32 fd, got;
    u64 at;
    EXPECT(OK, open_with(3, ".", DIRECTORY, ALL & ~WRITING, 0, &fd));
    fdstat stat;
    EXPECT(OK, fd_fdstat_get(fd, &stat));
    EXPECT(3, stat.type);
    filestat file;
    EXPECT(OK, fd_filestat_get(fd, &file));
    EXPECT(3, file.type);
    EXPECT(BADF, fd_read(fd, &(iovec){buffer, 1}, 1, &got));
    EXPECT(BADF, fd_write(fd, &(iovec){buffer, 1}, 1, &got));
    EXPECT(BADF, fd_pread(fd, &(iovec){buffer, 1}, 1, 0, &got));
    EXPECT(BADF, fd_pwrite(fd, &(iovec){buffer, 1}, 1, 0, &got));
    EXPECT(BADF, fd_seek(fd, 0, 0, &at));
    EXPECT(BADF, fd_tell(fd, &at));
    EXPECT(BADF, fd_filestat_set_size(fd, 0));
    EXPECT(BADF, fd_allocate(fd, 0, 1));
    EXPECT_STRICT(OK, fd_sync(fd));
    EXPECT(OK, fd_close(fd));
}

static void making(void)
{
    filestat stat;
    EXPECT(OK, path_create_directory(3, P("a")));
    EXPECT(EXIST, path_create_directory(3, P("a")));
    EXPECT(EXIST, path_create_directory(3, P(".")));
    EXPECT(NOENT, path_create_directory(3, P("none/b")));
    EXPECT(OK, path_create_directory(3, P("a/b/")));
    EXPECT(OK, make_file(3, "a/file", "text"));
    EXPECT(NOTDIR, path_create_directory(3, P("a/file/c")));
    EXPECT(EXIST, path_create_directory(3, P("a/file")));
    EXPECT(NOENT, path_create_directory(3, P("")));
    EXPECT(OK, path_filestat_get(3, 0, P("a/b/"), &stat));
    EXPECT(3, stat.type);
    EXPECT(NOTDIR, path_filestat_get(3, 0, P("a/file/"), &stat));
    EXPECT(NOENT, path_filestat_get(3, 0, P("a/none"), &stat));
    EXPECT(NOENT, path_filestat_get(3, 0, P(""), &stat));
}

static void listing(void)
{
    u32 fd, entries, used;
    EXPECT(OK, open_with(3, "a", DIRECTORY, ALL & ~WRITING, 0, &fd));
    u32 sum = list(fd, sizeof buffer, &entries);
    EXPECT(4, entries);
    EXPECT('.' + '.' * 2 + 'b' + 'f' * 4, sum);
    for (u32 room = 28; room < 90; ++room) {
        EXPECT(sum, list(fd, room, &entries));
        EXPECT(4, entries);
    }
    EXPECT(OK, fd_readdir(fd, buffer, 10, 0, &used));
    EXPECT(10, used);
    EXPECT(OK, fd_readdir(fd, buffer, 100, 1000, &used));
    EXPECT(0, used);
    EXPECT(OK, fd_readdir(fd, buffer, 0, 0, &used));
    EXPECT(0, used);
    EXPECT_STRICT(NOTDIR, fd_readdir(1, buffer, 100, 0, &used));
    EXPECT(BADF, fd_readdir(99, buffer, 100, 0, &used));
    EXPECT(OK, fd_close(fd));
}

static void renaming(void)
{
    filestat stat;
    EXPECT(OK, path_rename(3, P("a/file"), 3, P("a/new")));
    EXPECT(NOENT, path_filestat_get(3, 0, P("a/file"), &stat));
    EXPECT(NOENT, path_rename(3, P("a/file"), 3, P("a/other")));
    EXPECT(NOENT, path_rename(3, P("a/new"), 3, P("none/x")));
    EXPECT(OK, make_file(3, "a/old", "old"));
    EXPECT(OK, path_rename(3, P("a/new"), 3, P("a/old")));
    EXPECT(OK, path_filestat_get(3, 0, P("a/old"), &stat));
    EXPECT(4, stat.size);
    EXPECT(ISDIR, path_rename(3, P("a/old"), 3, P("a/b")));
    EXPECT(NOTDIR, path_rename(3, P("a/b"), 3, P("a/old")));
    EXPECT(INVAL, path_rename(3, P("a"), 3, P("a/b/c")));
    EXPECT(OK, path_create_directory(3, P("c")));
    EXPECT(OK, make_file(3, "c/x", "x"));
    EXPECT(NOTEMPTY, path_rename(3, P("a/b"), 3, P("c")));
    EXPECT(OK, path_unlink_file(3, P("c/x")));
    EXPECT(OK, path_rename(3, P("a/b"), 3, P("c")));
    EXPECT(OK, path_rename(3, P("c/"), 3, P("a/b/")));
    EXPECT(NOTDIR, path_rename(3, P("a/old/"), 3, P("d")));
    EXPECT(NOTDIR, path_rename(3, P("a/old"), 3, P("d/")));
    EXPECT(OK, path_rename(3, P("a/old"), 3, P("a/old")));
}

static void removing(void)
{
    u32 fd, used;
    filestat stat;
    EXPECT(NOTEMPTY, path_remove_directory(3, P("a")));
    EXPECT(NOTDIR, path_remove_directory(3, P("a/old")));
    EXPECT(ISDIR, path_unlink_file(3, P("a/b")));
    EXPECT(NOENT, path_unlink_file(3, P("a/none")));
    EXPECT(NOENT, path_remove_directory(3, P("a/none")));
    EXPECT(INVAL, path_remove_directory(3, P("a/b/.")));
    EXPECT(NOTDIR, path_unlink_file(3, P("a/old/")));
    EXPECT(OK, path_unlink_file(3, P("a/old")));
    EXPECT(OK, open_with(3, "a/b", DIRECTORY, ALL & ~WRITING, 0, &fd));
    EXPECT(OK, path_remove_directory(3, P("a/b")));
    EXPECT_STRICT(OK, path_create_directory(3, P("a/b/")));
    EXPECT_STRICT(OK, path_remove_directory(3, P("a/b/")));
    EXPECT(NOENT, make_file(fd, "x", "x"));
    EXPECT(NOENT, path_create_directory(fd, P("x")));
    EXPECT(NOENT, path_filestat_get(fd, 0, P("x"), &stat));
    EXPECT(OK, fd_readdir(fd, buffer, 10, 1000, &used));
    EXPECT(OK, fd_close(fd));
    EXPECT(OK, path_remove_directory(3, P("a")));
    EXPECT(NOENT, path_filestat_get(3, 0, P("a"), &stat));
}

MAIN
{
    preopened();
    what_directories_cannot();
    making();
    listing();
    renaming();
    removing();
}
