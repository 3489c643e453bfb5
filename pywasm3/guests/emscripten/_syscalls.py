# SPDX-License-Identifier: MIT
"""The system calls of Emscripten's C library, on the directories that WASI gives to the guest.

The library calls __syscall_openat and its like with paths from the root of a file system. Here the
root has nothing but the preopened directories of WasiConfig, each at the path that is its name.
Paths and flags are translated, and everything else is done by the objects behind the functions of
WASI: so a guest reaches no more than a guest of WASI does. The error numbers are the same, too.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from ...wasi.abi import (
    EEXIST,
    EINVAL,
    EISDIR,
    ENOENT,
    ENOTDIR,
    EPERM,
    FAILURES,
    FDFLAG_APPEND,
    FDFLAG_NONBLOCK,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    OFLAG_EXCL,
    OFLAG_TRUNC,
    RIGHT_FD_READ,
    RIGHT_FD_WRITE,
    TYPE_BLOCK_DEVICE,
    TYPE_CHARACTER_DEVICE,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SOCKET_DGRAM,
    TYPE_SOCKET_STREAM,
    TYPE_SYMBOLIC_LINK,
    WHENCE_SET,
    WasiError,
    errno_of,
)
from ...wasi.directories import Opening
from ...wasi.fd_calls import fd_seek
from ...wasi.sources import REALTIME, time_of
from ...wasi.waiting import check
from ._signatures import as_syscall

if TYPE_CHECKING:
    from ...wasi.descriptors import Descriptor
    from ...wasi.records import Stat
    from .._directories import Place
    from ._program import Emscripten
    from ._signatures import Entry

_AT_CWD = (1 << 32) - 100  # as an unsigned number
_NOFOLLOW, _REMOVE_DIRECTORY, _EMPTY_PATH = 0x100, 0x200, 0x1000  # AT_*
_FOLLOW = 0x400  # AT_SYMLINK_FOLLOW
_ACCESS_MODE, _READ_ONLY, _WRITE_ONLY = 3, 0, 1
_CREAT, _EXCL, _TRUNC, _APPEND = 0o100, 0o200, 0o1000, 0o2000  # O_*
_NONBLOCK, _DIRECTORY, _O_NOFOLLOW = 0o4000, 0o200000, 0o400000
_UNLOCKED = 2
_NOTTY, _RANGE, _NOSYS = 59, 68, 52  # errno
_SECOND = 1_000_000_000
_MASK = (1 << 32) - 1
_TIME_NOW, _TIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE
_BLOCK = 4096
_MOST_PATH = 4097  # bytes: one more than WASI takes

_STAT = Struct("<6Iq2IqI4xqI4xqI4xQ")
# The structure of older versions has padding. In the oldest ones, times have 32 bits.
_PADDED_STAT = Struct("<I4x7I4xq2IqI4xqI4xqI4xQ")
_OLD_STAT = Struct("<I4x7I4xq2I6IQ")
_TIMESPEC = Struct("<qi4x")
_DIRENT = Struct("<QqHB256sx4x")
_STATFS = Struct("<4xI5qI4x3I")

# S_IFMT bits and permissions, by the type of a file. WASI has no permissions: these are what
# Emscripten's own file system gives to new files.
_MODES = {
    TYPE_REGULAR: 0o100666,
    TYPE_DIRECTORY: 0o040777,
    TYPE_SYMBOLIC_LINK: 0o120777,
    TYPE_CHARACTER_DEVICE: 0o020666,
    TYPE_BLOCK_DEVICE: 0o060666,
    TYPE_SOCKET_STREAM: 0o140777,
    TYPE_SOCKET_DGRAM: 0o140777,
}
_DIRENT_TYPES = {TYPE_REGULAR: 8, TYPE_DIRECTORY: 4, TYPE_SYMBOLIC_LINK: 10}
_OTHER_MODE = 0o010666  # a pipe


# ---- paths ----


def _path(program: Emscripten, address: int) -> str:
    """Reads a path, which ends with a zero byte."""
    memory = program.wasi.memory
    memory.check(address, 1)
    size = bytes(memory.view[address : address + _MOST_PATH]).find(b"\0")
    # A path that is too long, or that has no end in the memory, is an error of WASI's.
    return memory.path(address, _MOST_PATH if size < 0 else size)


def _place(program: Emscripten, fd: int, address: int, *, empty: bool = False) -> Place:
    path = _path(program, address)
    if not path and not empty:
        raise WasiError(ENOENT)
    return program.files.find(fd if fd != _AT_CWD else None, path)


# ---- opening ----


def _openat(program: Emscripten, fd: int, path: int, flags: int, _mode: int) -> int:
    access = flags & _ACCESS_MODE
    if access == _ACCESS_MODE:
        raise WasiError(EINVAL)
    place = _place(program, fd, path)
    descriptors = program.wasi.descriptors
    descriptors.require_room()
    if place.directory is None:  # the root, or a directory on the way to a preopened one
        raise WasiError(EISDIR if access != _READ_ONLY or flags & _CREAT else EPERM)
    oflags = 0
    for bit, oflag in ((_EXCL, OFLAG_EXCL), (_TRUNC, OFLAG_TRUNC), (_DIRECTORY, OFLAG_DIRECTORY)):
        oflags |= oflag if flags & bit else 0
    if flags & _CREAT and not flags & _DIRECTORY:
        oflags |= OFLAG_CREAT
    fdflags = FDFLAG_APPEND if flags & _APPEND else 0
    fdflags |= FDFLAG_NONBLOCK if flags & _NONBLOCK else 0
    opening = Opening(
        oflags,
        fdflags,
        not flags & _O_NOFOLLOW,
        access != _WRITE_ONLY,
        access != _READ_ONLY,
    )
    return descriptors.add(place.directory.open(place.path, opening))


def _fcntl(program: Emscripten, fd: int, command: int, arguments: int) -> int:
    descriptor = program.wasi.descriptors.get(fd)
    if command in (1, 2):  # F_GETFD and F_SETFD: nothing is executed here that could inherit it
        return 0
    if command == 3:  # F_GETFL
        return _open_flags(descriptor)
    if command == 4:  # F_SETFL
        flags = program.wasi.memory.u32(arguments)
        kept = FDFLAG_APPEND | FDFLAG_NONBLOCK
        wanted = FDFLAG_APPEND if flags & _APPEND else 0
        wanted |= FDFLAG_NONBLOCK if flags & _NONBLOCK else 0
        if (descriptor.flags ^ wanted) & kept:
            descriptor.set_flags(descriptor.flags & ~kept | wanted)
        return 0
    if command in (5, 12):  # F_GETLK: nobody else has a lock
        program.wasi.memory.write(
            program.wasi.memory.u32(arguments), _UNLOCKED.to_bytes(2, "little")
        )
        return 0
    if command in (6, 7, 13, 14):  # F_SETLK and F_SETLKW
        return 0
    raise WasiError(EINVAL)


def _open_flags(descriptor: Descriptor) -> int:
    reads = bool(descriptor.rights & RIGHT_FD_READ)
    writes = bool(descriptor.rights & RIGHT_FD_WRITE)
    flags = (2 if reads else 1) if writes else 0
    flags |= _APPEND if descriptor.flags & FDFLAG_APPEND else 0
    return flags | (_NONBLOCK if descriptor.flags & FDFLAG_NONBLOCK else 0)


def _ioctl(program: Emscripten, fd: int, _request: int, _arguments: int) -> int:
    program.wasi.descriptors.get(fd)
    return -_NOTTY


# ---- what is known of files ----


def _put_stat(program: Emscripten, stat: Stat, result: int) -> int:
    kind = (_MODES.get(stat.type, _OTHER_MODE), min(stat.links, _MASK))
    size = (stat.size, _BLOCK, min(-(-stat.size // 512), _MASK))
    device, inode = stat.device & _MASK, stat.inode & _MASK
    times = _times_of(stat)
    head: tuple[int, ...] = (device, *kind)
    form = _STAT
    if program.is_old or program.has_padded_stat:
        # Older versions have the inode twice, and something that is always 0.
        form, head = _PADDED_STAT, (device, inode, *kind, 0)
    if program.is_old:
        form, times = _OLD_STAT, [part & _MASK for part in times]
    owner = group = is_device = 0
    packed = form.pack(*head, owner, group, is_device, *size, *times, stat.inode)
    program.wasi.memory.write(result, packed)
    return 0


def _times_of(stat: Stat) -> list[int]:
    """Returns the seconds and nanoseconds of each time."""
    times = (stat.atime, stat.mtime, stat.ctime)
    return [part for time in times for part in divmod(time, _SECOND)]


def _stat(program: Emscripten, path: int, result: int) -> int:
    return _put_stat(program, _place(program, _AT_CWD, path).stat(follow=True), result)


def _lstat(program: Emscripten, path: int, result: int) -> int:
    return _put_stat(program, _place(program, _AT_CWD, path).stat(follow=False), result)


def _fstat(program: Emscripten, fd: int, result: int) -> int:
    return _put_stat(program, program.wasi.descriptors.get(fd).stat(), result)


def _fstatat(program: Emscripten, fd: int, path: int, result: int, flags: int) -> int:
    if flags & _EMPTY_PATH and fd != _AT_CWD and not _path(program, path):
        return _fstat(program, fd, result)
    place = _place(program, fd, path, empty=bool(flags & _EMPTY_PATH))
    return _put_stat(program, place.stat(follow=not flags & _NOFOLLOW), result)


def _faccessat(program: Emscripten, fd: int, path: int, mode: int, flags: int) -> int:
    if mode & ~7:
        raise WasiError(EINVAL)
    _place(program, fd, path).stat(follow=not flags & _NOFOLLOW)
    return 0


def _statfs(program: Emscripten, path: int, size: int, result: int) -> int:
    _place(program, _AT_CWD, path).stat(follow=True)
    return _put_statfs(program, size, result)


def _fstatfs(program: Emscripten, fd: int, size: int, result: int) -> int:
    program.wasi.descriptors.get(fd)
    return _put_statfs(program, size, result)


def _put_statfs(program: Emscripten, _size: int, result: int) -> int:
    """Writes what Emscripten's own file system says of itself, too: numbers that mean nothing."""
    blocks, free, inodes = 1_000_000, 500_000, 1_000
    packed = _STATFS.pack(_BLOCK, blocks, free, free, inodes, inodes, 42, 255, _BLOCK, 2)
    program.wasi.memory.write(result, packed)
    return 0


def _open(program: Emscripten, path: int, flags: int, mode: int) -> int:
    return _openat(program, _AT_CWD, path, flags, mode)


# ---- changes ----


def _mkdirat(program: Emscripten, fd: int, path: int, _mode: int) -> int:
    place = _place(program, fd, path)
    place.required(EEXIST).make_directory(place.path)
    return 0


def _mkdir(program: Emscripten, path: int, mode: int) -> int:
    return _mkdirat(program, _AT_CWD, path, mode)


def _unlinkat(program: Emscripten, fd: int, path: int, flags: int) -> int:
    if flags & ~_REMOVE_DIRECTORY:
        raise WasiError(EINVAL)
    place = _place(program, fd, path)
    directory = place.required(EPERM)
    if flags:
        directory.remove_directory(place.path)
    else:
        directory.unlink(place.path)
    return 0


def _rmdir(program: Emscripten, path: int) -> int:
    return _unlinkat(program, _AT_CWD, path, _REMOVE_DIRECTORY)


def _unlink(program: Emscripten, path: int) -> int:
    return _unlinkat(program, _AT_CWD, path, 0)


def _renameat(program: Emscripten, fd: int, path: int, to_fd: int, to: int) -> int:
    source, target = _place(program, fd, path), _place(program, to_fd, to)
    source.required(EPERM).rename(source.path, target.required(EEXIST), target.path)
    return 0


def _rename(program: Emscripten, path: int, to: int) -> int:
    return _renameat(program, _AT_CWD, path, _AT_CWD, to)


def _linkat(program: Emscripten, fd: int, path: int, to_fd: int, to: int, flags: int) -> int:
    source, target = _place(program, fd, path), _place(program, to_fd, to)
    directory = target.required(EEXIST)
    source.required(EPERM).link(source.path, bool(flags & _FOLLOW), directory, target.path)
    return 0


def _symlinkat(program: Emscripten, target: int, fd: int, path: int) -> int:
    place = _place(program, fd, path)
    place.required(EEXIST).make_link(_path(program, target), place.path)
    return 0


def _symlink(program: Emscripten, target: int, path: int) -> int:
    return _symlinkat(program, target, _AT_CWD, path)


def _readlinkat(program: Emscripten, fd: int, path: int, buffer: int, room: int) -> int:
    if room == 0 or room > 0x7FFFFFFF:
        raise WasiError(EINVAL)
    place = _place(program, fd, path)
    target = place.required(EINVAL).read_link(place.path)[:room]
    program.wasi.memory.write(buffer, target)
    return len(target)


def _readlink(program: Emscripten, path: int, buffer: int, room: int) -> int:
    return _readlinkat(program, _AT_CWD, path, buffer, room)


def _truncate(program: Emscripten, path: int, size: int) -> int:
    place = _place(program, _AT_CWD, path)
    opened = place.required(EISDIR).open(place.path, Opening(0, 0, True, False, True))
    try:
        _set_size(opened, size)
    finally:
        opened.close()
    return 0


def _ftruncate(program: Emscripten, fd: int, size: int) -> int:
    descriptor = program.wasi.descriptors.get(fd)
    if not descriptor.rights & RIGHT_FD_WRITE:
        raise WasiError(EINVAL)
    _set_size(descriptor, size)
    return 0


def _set_size(descriptor: Descriptor, size: int) -> None:
    if size >= 1 << 63 or descriptor.directory is not None:
        raise WasiError(EINVAL)
    descriptor.set_size(size)


def _fallocate(program: Emscripten, fd: int, mode: int, offset: int, size: int) -> int:
    descriptor = program.wasi.descriptors.file(fd)
    descriptor.require_mode(RIGHT_FD_WRITE)
    if mode or size == 0 or offset + size >= 1 << 63:
        raise WasiError(EINVAL)
    descriptor.allocate(offset, size)
    return 0


def _utimensat(program: Emscripten, fd: int, path: int, times: int, flags: int) -> int:
    now = time_of(program.wasi.clock, REALTIME)
    chosen: list[int | None] = [now, now]
    if times:
        span = program.wasi.memory.span(times, 2 * _TIMESPEC.size)
        chosen = [_time(*parts, now=now) for parts in _TIMESPEC.iter_unpack(span)]
    atime, mtime = chosen
    if path == 0:
        program.wasi.descriptors.get(fd).set_times((atime, mtime))
        return 0
    place = _place(program, fd, path)
    place.required(EPERM).set_times(place.path, not flags & _NOFOLLOW, (atime, mtime))
    return 0


def _time(seconds: int, nanoseconds: int, *, now: int) -> int | None:
    if nanoseconds == _TIME_NOW:
        return now
    if nanoseconds == _TIME_OMIT:
        return None
    time = seconds * _SECOND + nanoseconds
    if not 0 <= nanoseconds < _SECOND or not 0 <= time < 1 << 63:
        raise WasiError(EINVAL)
    return time


# ---- directories ----


def _getcwd(program: Emscripten, buffer: int, room: int) -> int:
    data = program.files.cwd.encode() + b"\0"
    if room == 0:
        raise WasiError(EINVAL)
    if room < len(data):
        return -_RANGE
    program.wasi.memory.write(buffer, data)
    return len(data)


def _chdir(program: Emscripten, path: int) -> int:
    name = _path(program, path)
    if not name:
        raise WasiError(ENOENT)
    if program.files.find(None, name).stat(follow=True).type != TYPE_DIRECTORY:
        raise WasiError(ENOTDIR)
    program.files.cwd = program.files.absolute(name)
    return 0


def _getdents(program: Emscripten, fd: int, buffer: int, room: int) -> int:
    """Writes as many entries of a directory as there is room for, from where it stopped before."""
    descriptor = program.wasi.descriptors.get(fd)
    if descriptor.directory is None:
        raise WasiError(ENOTDIR)
    memory = program.wasi.memory
    memory.check(buffer, room)
    if room < _DIRENT.size:
        raise WasiError(EINVAL)
    program.wasi.keep_listing(descriptor.directory)
    written = 0
    cookie = program.files.position(descriptor)
    for following, (name, inode, type) in descriptor.directory.entries(cookie):
        if written + _DIRENT.size > room:
            break
        kind = _DIRENT_TYPES.get(type, 2 if type == TYPE_CHARACTER_DEVICE else 0)
        packed = _DIRENT.pack(inode, following, _DIRENT.size, kind, name[:255])
        memory.write(buffer + written, packed)
        written += _DIRENT.size
        program.files.set_position(descriptor, following)
        check()
    return written


def _seek(program: Emscripten, fd: int, offset: int, whence: int, result: int) -> int:
    """Is fd_seek of WASI, except that a directory has a position, too, as rewinddir() expects.

    It is not a system call, and returns the error number as it is.
    """
    try:
        descriptor = program.wasi.descriptors.get(fd)
        if descriptor.directory is None:
            return fd_seek(program.wasi, fd, offset, whence, result)
        if whence != WHENCE_SET or offset < 0:
            raise WasiError(EINVAL)
        program.wasi.memory.put_u64(result, offset)
        program.files.set_position(descriptor, offset)
    except FAILURES as error:
        return errno_of(error)
    return 0


# ---- what a guest alone in its sandbox need not do ----


def _exists(program: Emscripten, path: int, *_: int) -> int:
    """Stands for chmod and chown: there are no permissions and owners, but the file must exist."""
    _place(program, _AT_CWD, path).stat(follow=True)
    return 0


def _exists_at(program: Emscripten, fd: int, path: int, *_: int) -> int:
    _place(program, fd, path).stat(follow=True)
    return 0


def _is_open(program: Emscripten, fd: int, *_: int) -> int:
    program.wasi.descriptors.get(fd)
    return 0


def _fdatasync(program: Emscripten, fd: int) -> int:
    program.wasi.descriptors.get(fd).sync(True)
    return 0


def _nothing(program: Emscripten, *_: int) -> int:
    return 0


def not_there(*_: int) -> int:
    """Stands for a system call that is not here: the guest gets ENOSYS."""
    return -_NOSYS


FUNCTIONS: list[Entry] = [
    (name, as_syscall(function), signature)
    for name, function, signature in (
        ("__syscall_openat", _openat, "iiii>i"),
        ("__syscall_fcntl64", _fcntl, "iii>i"),
        ("__syscall_ioctl", _ioctl, "iii>i"),
        ("__syscall_stat64", _stat, "ii>i"),
        ("__syscall_lstat64", _lstat, "ii>i"),
        ("__syscall_fstat64", _fstat, "ii>i"),
        ("__syscall_newfstatat", _fstatat, "iiii>i"),
        # Older versions have these, without a directory.
        ("__syscall_open", _open, "iii>i"),
        ("__syscall_mkdir", _mkdir, "ii>i"),
        ("__syscall_rename", _rename, "ii>i"),
        ("__syscall_readlink", _readlink, "iii>i"),
        ("__syscall_fstatat64", _fstatat, "iiii>i"),
        ("__syscall_faccessat", _faccessat, "iiii>i"),
        ("__syscall_statfs64", _statfs, "iii>i"),
        ("__syscall_fstatfs64", _fstatfs, "iii>i"),
        ("__syscall_mkdirat", _mkdirat, "iii>i"),
        ("__syscall_unlinkat", _unlinkat, "iii>i"),
        ("__syscall_rmdir", _rmdir, "i>i"),
        ("__syscall_unlink", _unlink, "i>i"),
        ("__syscall_renameat", _renameat, "iiii>i"),
        ("__syscall_linkat", _linkat, "iiiii>i"),
        ("__syscall_symlinkat", _symlinkat, "iii>i"),
        ("__syscall_symlink", _symlink, "ii>i"),
        ("__syscall_readlinkat", _readlinkat, "iiii>i"),
        ("__syscall_truncate64", _truncate, "il>i"),
        ("__syscall_ftruncate64", _ftruncate, "il>i"),
        ("__syscall_fallocate", _fallocate, "iill>i"),
        ("__syscall_utimensat", _utimensat, "iiii>i"),
        ("__syscall_getcwd", _getcwd, "ii>i"),
        ("__syscall_chdir", _chdir, "i>i"),
        ("__syscall_getdents64", _getdents, "iii>i"),
        ("__syscall_chmod", _exists, "ii>i"),
        ("__syscall_fchmod", _is_open, "ii>i"),
        ("__syscall_fchmodat", _exists_at, "iiii>i"),
        ("__syscall_fchmodat2", _exists_at, "iiii>i"),
        ("__syscall_chown32", _exists, "iii>i"),
        ("__syscall_lchown32", _exists, "iii>i"),
        ("__syscall_fchown32", _is_open, "iii>i"),
        ("__syscall_fchownat", _exists_at, "iiiii>i"),
        ("__syscall_fdatasync", _fdatasync, "i>i"),
        ("__syscall_fadvise64", _is_open, "illi>i"),
        ("__syscall_geteuid32", _nothing, ">i"),
        ("__syscall_getegid32", _nothing, ">i"),
        ("__syscall_getuid32", _nothing, ">i"),
        ("__syscall_getgid32", _nothing, ">i"),
    )
]
FUNCTIONS.append(("fd_seek", _seek, "isii>i"))
