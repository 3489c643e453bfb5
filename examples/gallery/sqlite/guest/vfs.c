/* SPDX-License-Identifier: MIT
 *
 * A VFS, SQLite's layer for the operating system, whose files are objects of the host. The host
 * has one object for the database, and keeps the journal beside it. Every function that touches a
 * file is an import of this module; wasm_sqlite/files.py has the other side of each.
 *
 * No file is locked, because only one connection uses a file object.
 */

#include <string.h>
#include <unistd.h>

#include "guest.h"

#define FILES(name) __attribute__((import_module("files"), import_name(#name)))

/* Each returns a negative number if the host could not do it. FULL is one of these numbers. */
FILES(open) int files_open(const char *name, int size, int flags);
FILES(close) int files_close(int handle);
FILES(read) int files_read(int handle, void *to, int size, sqlite3_int64 offset);
FILES(write) int files_write(int handle, const void *from, int size, sqlite3_int64 offset);
FILES(truncate) int files_truncate(int handle, sqlite3_int64 size);
FILES(sync) int files_sync(int handle);
FILES(size) sqlite3_int64 files_size(int handle);
FILES(delete) int files_delete(const char *name, int size);
FILES(exists) int files_exists(const char *name, int size);

enum { FULL = -2, SECTOR_BYTES = 4096, RANDOM_BYTES_AT_ONCE = 256 };

typedef struct {
    sqlite3_file base;
    int handle;
} File;

static int handle_of(sqlite3_file *file)
{
    return ((File *)file)->handle;
}

static int file_close(sqlite3_file *file)
{
    return files_close(handle_of(file)) < 0 ? SQLITE_IOERR_CLOSE : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *to, int size, sqlite3_int64 offset)
{
    int got = files_read(handle_of(file), to, size, offset);
    if (got < 0) {
        return SQLITE_IOERR_READ;
    }
    if (got == size) {
        return SQLITE_OK;
    }
    /* SQLite expects zeros behind the end of the file. */
    memset((char *)to + got, 0, (size_t)(size - got));
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 offset)
{
    int result = files_write(handle_of(file), from, size, offset);
    if (result == FULL) {
        return SQLITE_FULL;
    }
    return result < 0 ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return files_truncate(handle_of(file), size) < 0 ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    return files_sync(handle_of(file)) < 0 ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    *size = files_size(handle_of(file));
    return *size < 0 ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *file, int *result)
{
    (void)file;
    *result = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int file_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    file->pMethods = NULL; /* SQLite closes the file only if it has methods. */
    int handle = files_open(name, name == NULL ? 0 : (int)strlen(name), flags);
    if (handle < 0) {
        return SQLITE_CANTOPEN;
    }
    ((File *)file)->handle = handle;
    file->pMethods = &METHODS;
    if (out != NULL) {
        *out = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)sync;
    return files_delete(name, (int)strlen(name)) < 0 ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs;
    (void)flags;
    int exists = files_exists(name, (int)strlen(name));
    *result = exists > 0;
    return exists < 0 ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    sqlite3_snprintf(size, path, "%s", name);
    return SQLITE_OK;
}

/* SQLite would look for /dev/urandom, which is not in the sandbox. WASI has random bytes, too. */
static int vfs_random(sqlite3_vfs *vfs, int size, char *to)
{
    (void)vfs;
    for (int done = 0; done < size; done += RANDOM_BYTES_AT_ONCE) {
        int rest = size - done;
        int part = rest < RANDOM_BYTES_AT_ONCE ? rest : RANDOM_BYTES_AT_ONCE;
        if (getentropy(to + done, (size_t)part) != 0) {
            return done;
        }
    }
    return size;
}

int register_vfs(void)
{
    static sqlite3_vfs objects;
    sqlite3_vfs *directories = sqlite3_vfs_find(DIRECTORIES);
    if (directories == NULL) {
        return SQLITE_ERROR;
    }
    directories->xRandomness = vfs_random;
    /* The copy keeps the functions for the time and for waiting. */
    objects = *directories;
    objects.zName = OBJECTS;
    objects.szOsFile = sizeof(File);
    objects.mxPathname = 64;
    objects.xOpen = vfs_open;
    objects.xDelete = vfs_delete;
    objects.xAccess = vfs_access;
    objects.xFullPathname = vfs_full_path;
    return sqlite3_vfs_register(&objects, 0);
}
