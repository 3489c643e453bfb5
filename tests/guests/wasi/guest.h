// SPDX-License-Identifier: MIT
// The functions of WASI preview 1, without a C library between, and macros that check them.
//
// EXPECT(errno, call) prints a line if the call returns another number, and makes the exit code of
// the program 1. Anything else that a guest prints is checked by the test.
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MODULE
#define MODULE "wasi_snapshot_preview1"
#endif
#define IMPORT(name) __attribute__((import_module(MODULE), import_name(#name))) extern uint32_t name

typedef uint32_t u32;
typedef uint64_t u64;
typedef struct { const void *data; u32 size; } iovec;
typedef struct { uint8_t type; uint16_t flags; u64 rights, inheriting; } fdstat;
typedef struct { u64 device, inode; uint8_t type; u64 links, size, atime, mtime, ctime; } filestat;
typedef struct { u64 next, inode; u32 size; uint8_t type; } dirent;
typedef struct {
    u64 user_data;
    uint8_t type;
    union {
        struct { u32 id; u64 timeout, precision; uint16_t flags; } clock;
        u32 fd;
    };
} subscription;
typedef struct { u64 user_data; uint16_t error; uint8_t type; u64 bytes; uint16_t flags; } event;

IMPORT(args_get)(void *, void *);
IMPORT(args_sizes_get)(void *, void *);
IMPORT(environ_get)(void *, void *);
IMPORT(environ_sizes_get)(void *, void *);
IMPORT(clock_res_get)(u32, void *);
IMPORT(clock_time_get)(u32, u64, void *);
IMPORT(fd_advise)(u32, u64, u64, u32);
IMPORT(fd_allocate)(u32, u64, u64);
IMPORT(fd_close)(u32);
IMPORT(fd_datasync)(u32);
IMPORT(fd_fdstat_get)(u32, void *);
IMPORT(fd_fdstat_set_flags)(u32, u32);
IMPORT(fd_fdstat_set_rights)(u32, u64, u64);
IMPORT(fd_filestat_get)(u32, void *);
IMPORT(fd_filestat_set_size)(u32, u64);
IMPORT(fd_filestat_set_times)(u32, u64, u64, u32);
IMPORT(fd_pread)(u32, const void *, u32, u64, void *);
IMPORT(fd_prestat_get)(u32, void *);
IMPORT(fd_prestat_dir_name)(u32, void *, u32);
IMPORT(fd_pwrite)(u32, const void *, u32, u64, void *);
IMPORT(fd_read)(u32, const void *, u32, void *);
IMPORT(fd_readdir)(u32, void *, u32, u64, void *);
IMPORT(fd_renumber)(u32, u32);
IMPORT(fd_seek)(u32, int64_t, u32, void *);
IMPORT(fd_sync)(u32);
IMPORT(fd_tell)(u32, void *);
IMPORT(fd_write)(u32, const void *, u32, void *);
IMPORT(path_create_directory)(u32, const char *, u32);
IMPORT(path_filestat_get)(u32, u32, const char *, u32, void *);
IMPORT(path_filestat_set_times)(u32, u32, const char *, u32, u64, u64, u32);
IMPORT(path_link)(u32, u32, const char *, u32, u32, const char *, u32);
IMPORT(path_open)(u32, u32, const char *, u32, u32, u64, u64, u32, void *);
IMPORT(path_readlink)(u32, const char *, u32, void *, u32, void *);
IMPORT(path_remove_directory)(u32, const char *, u32);
IMPORT(path_rename)(u32, const char *, u32, u32, const char *, u32);
IMPORT(path_symlink)(const char *, u32, u32, const char *, u32);
IMPORT(path_unlink_file)(u32, const char *, u32);
IMPORT(poll_oneoff)(const void *, void *, u32, void *);
IMPORT(proc_raise)(u32);
IMPORT(sched_yield)(void);
IMPORT(random_get)(void *, u32);
IMPORT(sock_accept)(u32, u32, void *);
IMPORT(sock_recv)(u32, const void *, u32, u32, void *, void *);
IMPORT(sock_send)(u32, const void *, u32, u32, void *);
IMPORT(sock_shutdown)(u32, u32);
__attribute__((import_module(MODULE), import_name("proc_exit"))) _Noreturn void proc_exit(u32);

enum {
    OK = 0, ACCES = 2, AGAIN = 6, BADF = 8, EXIST = 20, FAULT = 21, FBIG = 22, ILSEQ = 25, INVAL = 28,
    ISDIR = 31, LOOP = 32, NAMETOOLONG = 37, NOENT = 44, NOSPC = 51, NOTDIR = 54, NOTEMPTY = 55,
    NOTSOCK = 57, NOTSUP = 58, PERM = 63, ROFS = 69, SPIPE = 70, XDEV = 75, NOTCAPABLE = 76,
};
enum { CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8 };
enum { APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16 };
enum { FOLLOW = 1 };
#define ALL ((1ull << 30) - 1)
#define RIGHT_READ (1ull << 1)
#define RIGHT_SEEK (1ull << 2)
#define RIGHT_TELL (1ull << 5)
#define RIGHT_WRITE (1ull << 6)
#define RIGHT_ALLOCATE (1ull << 8)
#define WRITING (RIGHT_WRITE | RIGHT_ALLOCATE | 1 | 1ull << 22)

static u32 failures;

static u32 length(const char *text)
{
    u32 n = 0;
    while (text[n])
        ++n;
    return n;
}

// A path with its length, which are two arguments of most functions.
#define P(text) (text), length(text)

static inline void print(const char *text)
{
    u32 written;
    iovec line = {text, length(text)};
    fd_write(1, &line, 1, &written);
}

static inline void print_number(u64 number)
{
    char digits[24];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    print(at);
}

static inline void expect(u32 line, u64 expected, u64 got, const char *call)
{
    if (expected == got)
        return;
    ++failures;
    print("line ");
    print_number(line);
    print(": ");
    print(call);
    print(" is ");
    print_number(got);
    print(", not ");
    print_number(expected);
    print("\n");
}

#define EXPECT(errno, call) expect(__LINE__, errno, call, #call)

// EXPECT for what wasmtime cannot do. A program that gets one argument, as it does there, skips it.
static inline bool strict(void)
{
    u32 count, size;
    return args_sizes_get(&count, &size) == 0 && count != 1;
}

#define EXPECT_STRICT(errno, call) (strict() ? EXPECT(errno, call) : (void)0)

// Opens a path with the right to read, or with more rights.
static inline u32 open_with(u32 fd, const char *path, u32 oflags, u64 rights, u32 fdflags, u32 *opened)
{
    return path_open(fd, FOLLOW, P(path), oflags, rights, ALL, fdflags, opened);
}

static inline u32 write_text(u32 fd, const char *text)
{
    u32 written;
    iovec line = {text, length(text)};
    return fd_write(fd, &line, 1, &written);
}

static inline u32 make_file(u32 fd, const char *path, const char *text)
{
    u32 file, error = open_with(fd, path, CREAT | TRUNC, ALL, 0, &file);
    if (error == OK) {
        error = write_text(file, text);
        fd_close(file);
    }
    return error;
}

static inline bool same(const void *a, const char *text)
{
    const char *bytes = a;
    for (u32 i = 0; text[i]; ++i)
        if (bytes[i] != text[i])
            return false;
    return true;
}

#define MAIN                                                                                       \
    static void run(void);                                                                         \
    __attribute__((export_name("_start"))) void _start(void)                                       \
    {                                                                                              \
        run();                                                                                     \
        print("done\n");                                                                           \
        if (failures)                                                                              \
            proc_exit(1);                                                                          \
    }                                                                                              \
    static void run(void)

#endif
