# SPDX-License-Identifier: MIT
"""The path_* functions, which work on a path relative to a directory."""

from __future__ import annotations

from .abi import (
    ALL_FDFLAGS,
    ALL_OFLAGS,
    EINVAL,
    LOOKUP_SYMLINK_FOLLOW,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    RIGHT_FD_READ,
    RIGHT_FD_WRITE,
    SUCCESS,
    WasiError,
)
from .directories import Opening
from .fd_calls import pack_stat, pack_unstable_stat, times_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Wasi
    from .records import Stat


def _follow(lookup: int) -> bool:
    if lookup & ~LOOKUP_SYMLINK_FOLLOW:
        raise WasiError(EINVAL)
    return bool(lookup)


def path_open(
    wasi: Wasi,
    fd: int,
    lookup: int,
    path: int,
    size: int,
    oflags: int,
    rights: int,
    inheriting: int,
    fdflags: int,
    result: int,
) -> int:
    """Opens or creates a file, or opens a directory.

    The rights that the guest asks for say whether the file is opened for reading and for writing.
    Programs name the others as they like, so what is opened has all of them.
    """
    directory = wasi.descriptors.directory(fd)
    if oflags & ~ALL_OFLAGS or fdflags & ~ALL_FDFLAGS:
        raise WasiError(EINVAL)
    if oflags & OFLAG_CREAT and oflags & OFLAG_DIRECTORY:  # Some systems would create a file.
        raise WasiError(EINVAL)
    read, write = bool(rights & RIGHT_FD_READ), bool(rights & RIGHT_FD_WRITE)
    opening = Opening(oflags, fdflags, _follow(lookup), read, write)
    name = wasi.memory.path(path, size)
    wasi.memory.check(result, 4)
    wasi.descriptors.require_room()
    opened = directory.open(name, opening)
    wasi.memory.put_u32(result, wasi.descriptors.add(opened))
    return SUCCESS


def path_create_directory(wasi: Wasi, fd: int, path: int, size: int) -> int:
    """Creates a directory."""
    directory = wasi.descriptors.directory(fd)
    directory.make_directory(wasi.memory.path(path, size))
    return SUCCESS


def path_remove_directory(wasi: Wasi, fd: int, path: int, size: int) -> int:
    """Removes an empty directory."""
    directory = wasi.descriptors.directory(fd)
    directory.remove_directory(wasi.memory.path(path, size))
    return SUCCESS


def path_unlink_file(wasi: Wasi, fd: int, path: int, size: int) -> int:
    """Removes a file or a symbolic link."""
    directory = wasi.descriptors.directory(fd)
    directory.unlink(wasi.memory.path(path, size))
    return SUCCESS


def _stat(wasi: Wasi, fd: int, lookup: int, path: int, size: int) -> Stat:
    directory = wasi.descriptors.directory(fd)
    return directory.stat(wasi.memory.path(path, size), _follow(lookup))


def path_filestat_get(wasi: Wasi, fd: int, lookup: int, path: int, size: int, result: int) -> int:
    """Writes what is known of a file."""
    wasi.memory.write(result, pack_stat(_stat(wasi, fd, lookup, path, size)))
    return SUCCESS


def path_filestat_get_unstable(
    wasi: Wasi, fd: int, lookup: int, path: int, size: int, result: int
) -> int:
    """Implements path_filestat_get of wasi_unstable, whose structure differs."""
    wasi.memory.write(result, pack_unstable_stat(_stat(wasi, fd, lookup, path, size)))
    return SUCCESS


def path_filestat_set_times(
    wasi: Wasi, fd: int, lookup: int, path: int, size: int, atime: int, mtime: int, flags: int
) -> int:
    """Sets the times of a file."""
    directory = wasi.descriptors.directory(fd)
    times = times_of(wasi, atime, mtime, flags)
    directory.set_times(wasi.memory.path(path, size), _follow(lookup), times)
    return SUCCESS


def path_link(
    wasi: Wasi, fd: int, lookup: int, path: int, size: int, to_fd: int, to: int, to_size: int
) -> int:
    """Creates a hard link."""
    directory = wasi.descriptors.directory(fd)
    target = wasi.descriptors.directory(to_fd)
    name, new_name = wasi.memory.path(path, size), wasi.memory.path(to, to_size)
    directory.link(name, _follow(lookup), target, new_name)
    return SUCCESS


def path_rename(
    wasi: Wasi, fd: int, path: int, size: int, to_fd: int, to: int, to_size: int
) -> int:
    """Renames a file or a directory."""
    directory = wasi.descriptors.directory(fd)
    target = wasi.descriptors.directory(to_fd)
    name, new_name = wasi.memory.path(path, size), wasi.memory.path(to, to_size)
    directory.rename(name, target, new_name)
    return SUCCESS


def path_symlink(wasi: Wasi, target: int, target_size: int, fd: int, path: int, size: int) -> int:
    """Creates a symbolic link."""
    directory = wasi.descriptors.directory(fd)
    text = wasi.memory.path(target, target_size)
    directory.make_link(text, wasi.memory.path(path, size))
    return SUCCESS


def path_readlink(
    wasi: Wasi, fd: int, path: int, size: int, buffer: int, room: int, result: int
) -> int:
    """Writes the target of a symbolic link, as far as there is room."""
    directory = wasi.descriptors.directory(fd)
    name = wasi.memory.path(path, size)
    wasi.memory.check(buffer, room)
    wasi.memory.check(result, 4)
    target = directory.read_link(name)[:room]
    wasi.memory.write(buffer, target)
    wasi.memory.put_u32(result, len(target))
    return SUCCESS
