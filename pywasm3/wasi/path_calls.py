# SPDX-License-Identifier: MIT
"""The path_* functions, which work on a path relative to a directory."""

from __future__ import annotations

from .abi import (
    ALL_FDFLAGS,
    ALL_OFLAGS,
    ALL_RIGHTS,
    DIRECTORY_RIGHTS,
    EINVAL,
    ENOTCAPABLE,
    FDFLAG_DSYNC,
    FDFLAG_RSYNC,
    FDFLAG_SYNC,
    FILE_RIGHTS,
    LOOKUP_SYMLINK_FOLLOW,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    OFLAG_TRUNC,
    READING_RIGHTS,
    RIGHT_FD_DATASYNC,
    RIGHT_FD_SYNC,
    RIGHT_PATH_CREATE_DIRECTORY,
    RIGHT_PATH_CREATE_FILE,
    RIGHT_PATH_FILESTAT_GET,
    RIGHT_PATH_FILESTAT_SET_SIZE,
    RIGHT_PATH_FILESTAT_SET_TIMES,
    RIGHT_PATH_LINK_SOURCE,
    RIGHT_PATH_LINK_TARGET,
    RIGHT_PATH_OPEN,
    RIGHT_PATH_READLINK,
    RIGHT_PATH_REMOVE_DIRECTORY,
    RIGHT_PATH_RENAME_SOURCE,
    RIGHT_PATH_RENAME_TARGET,
    RIGHT_PATH_SYMLINK,
    RIGHT_PATH_UNLINK_FILE,
    SUCCESS,
    WRITING_RIGHTS,
    WasiError,
)
from .directories import Opening
from .fd_calls import pack_stat, pack_unstable_stat, times_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Wasi
    from .fds import Stat


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
    """Opens or creates a file, or opens a directory."""
    below = wasi.descriptors.get(fd)
    needed = RIGHT_PATH_OPEN
    if oflags & OFLAG_CREAT:
        needed |= RIGHT_PATH_CREATE_FILE
    if oflags & OFLAG_TRUNC:
        needed |= RIGHT_PATH_FILESTAT_SET_SIZE
    directory = wasi.descriptors.directory(fd, needed)
    if oflags & ~ALL_OFLAGS or fdflags & ~ALL_FDFLAGS:
        raise WasiError(EINVAL)
    if oflags & OFLAG_CREAT and oflags & OFLAG_DIRECTORY:  # Some systems would create a file.
        raise WasiError(EINVAL)
    rights &= ALL_RIGHTS
    inheriting &= ALL_RIGHTS
    wanted = rights
    if fdflags & FDFLAG_DSYNC:
        wanted |= RIGHT_FD_DATASYNC
    if fdflags & (FDFLAG_SYNC | FDFLAG_RSYNC):
        wanted |= RIGHT_FD_SYNC
    if (wanted | inheriting) & ~below.inheriting:
        raise WasiError(ENOTCAPABLE)
    read, write = bool(rights & READING_RIGHTS), bool(rights & WRITING_RIGHTS)
    opening = Opening(oflags, fdflags, _follow(lookup), read, write)
    name = wasi.memory.path(path, size)
    wasi.memory.check(result, 4)
    wasi.descriptors.require_room()
    opened = directory.open(name, opening)
    is_directory = opened.directory is not None
    opened.rights = rights & (DIRECTORY_RIGHTS if is_directory else FILE_RIGHTS)
    opened.inheriting = inheriting if is_directory else 0
    wasi.memory.put_u32(result, wasi.descriptors.add(opened))
    return SUCCESS


def path_create_directory(wasi: Wasi, fd: int, path: int, size: int) -> int:
    """Creates a directory."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_CREATE_DIRECTORY)
    directory.make_directory(wasi.memory.path(path, size))
    return SUCCESS


def path_remove_directory(wasi: Wasi, fd: int, path: int, size: int) -> int:
    """Removes an empty directory."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_REMOVE_DIRECTORY)
    directory.remove_directory(wasi.memory.path(path, size))
    return SUCCESS


def path_unlink_file(wasi: Wasi, fd: int, path: int, size: int) -> int:
    """Removes a file or a symbolic link."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_UNLINK_FILE)
    directory.unlink(wasi.memory.path(path, size))
    return SUCCESS


def _stat(wasi: Wasi, fd: int, lookup: int, path: int, size: int) -> Stat:
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_FILESTAT_GET)
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
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_FILESTAT_SET_TIMES)
    times = times_of(wasi, atime, mtime, flags)
    directory.set_times(wasi.memory.path(path, size), _follow(lookup), times)
    return SUCCESS


def path_link(
    wasi: Wasi, fd: int, lookup: int, path: int, size: int, to_fd: int, to: int, to_size: int
) -> int:
    """Creates a hard link."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_LINK_SOURCE)
    target = wasi.descriptors.directory(to_fd, RIGHT_PATH_LINK_TARGET)
    name, new_name = wasi.memory.path(path, size), wasi.memory.path(to, to_size)
    directory.link(name, _follow(lookup), target, new_name)
    return SUCCESS


def path_rename(
    wasi: Wasi, fd: int, path: int, size: int, to_fd: int, to: int, to_size: int
) -> int:
    """Renames a file or a directory."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_RENAME_SOURCE)
    target = wasi.descriptors.directory(to_fd, RIGHT_PATH_RENAME_TARGET)
    name, new_name = wasi.memory.path(path, size), wasi.memory.path(to, to_size)
    directory.rename(name, target, new_name)
    return SUCCESS


def path_symlink(wasi: Wasi, target: int, target_size: int, fd: int, path: int, size: int) -> int:
    """Creates a symbolic link."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_SYMLINK)
    text = wasi.memory.path(target, target_size)
    directory.make_link(text, wasi.memory.path(path, size))
    return SUCCESS


def path_readlink(
    wasi: Wasi, fd: int, path: int, size: int, buffer: int, room: int, result: int
) -> int:
    """Writes the target of a symbolic link, as far as there is room."""
    directory = wasi.descriptors.directory(fd, RIGHT_PATH_READLINK)
    name = wasi.memory.path(path, size)
    wasi.memory.check(buffer, room)
    wasi.memory.check(result, 4)
    target = directory.read_link(name)[:room]
    wasi.memory.write(buffer, target)
    wasi.memory.put_u32(result, len(target))
    return SUCCESS
