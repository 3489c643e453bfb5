# SPDX-License-Identifier: MIT
"""The calls of Windows that at_windows.py makes, on a file system of Linux.

So the walk, the checks and the errors are tested without Windows, with real files and links. What
these calls do is what Microsoft's documentation says of Windows' own: a name is opened below a
handle and never followed, a rename replaces no directory, and a link is a reparse point.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pywasm3.wasi import at_windows, directories_host, nt, openat
from pywasm3.wasi.linkat import link
from pywasm3.wasi.nt_calls import Calls

_O_PATH = 0o10000000  # PyPy's os lacks the name.
_WRITES = nt.FILE_WRITE_DATA | nt.FILE_APPEND_DATA


def filetime(time_ns: int) -> int:
    """The time in 100 ns since 1601."""
    return time_ns // 100 + 116444736000000000


def reparse(target: str, *, tag: int = nt.TAG_SYMLINK) -> bytes:
    """The REPARSE_DATA_BUFFER of a link. Both of its names are the target."""
    name = target.replace("/", "\\").encode("utf-16-le")
    flags = struct.pack("<I", not target.startswith("/")) if tag == nt.TAG_SYMLINK else b""
    names = struct.pack("<HHHH", 0, len(name), len(name), len(name)) + flags + name + name
    return struct.pack("<IHH", tag, len(names), 0) + names


def entry(name: str, attributes: int, inode: int, *, last: bool, tag: int = 0) -> bytes:
    """A FILE_ID_BOTH_DIR_INFO, and the room up to the next one."""
    encoded = name.encode("utf-16-le", "surrogatepass")
    room = (104 + len(encoded) + 7) // 8 * 8
    head = struct.pack("<II6q", 0 if last else room, 0, *[0] * 6)
    head += struct.pack("<III2x26xq", attributes, len(encoded), tag, inode)
    return (head + encoded).ljust(room, b"\0")


class LinuxCalls(Calls):
    """Each handle is a descriptor. Of each, the folder and the name are known that it has."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[int, str]] = {}

    def open_path(self, path: Any) -> int:
        return os.open(path, os.O_RDONLY)

    def create(self, parent: int, name: str, request: nt.Request) -> int:
        name = name or "."
        flags = self._flags(parent, name, request)
        handle = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=parent)
        self._note(handle, parent, name)
        return handle

    def _note(self, handle: int, parent: int, name: str) -> None:
        """Remembers where a handle was opened. The folder stays the same if its path changes."""
        self._forget(handle)  # an earlier one of this number that was closed as a descriptor
        self._names[handle] = (os.dup(parent), name)

    def _forget(self, handle: int) -> None:
        if handle in self._names:
            os.close(self._names.pop(handle)[0])

    def _flags(self, parent: int, name: str, request: nt.Request) -> int:
        mode = self._mode(parent, name)
        if mode and request.disposition == nt.FILE_CREATE:
            raise nt.error_of_status(0xC0000035, 183)
        wants_directory = request.options & nt.FILE_DIRECTORY_FILE
        if not mode and request.disposition != nt.FILE_OPEN:
            if wants_directory:
                os.mkdir(name, dir_fd=parent)
                return _O_PATH
            return os.O_CREAT | os.O_RDWR
        if mode and not stat.S_ISLNK(mode):
            if wants_directory and not stat.S_ISDIR(mode):
                raise nt.error_of_status(0xC0000103, 267)
            if request.options & nt.FILE_NON_DIRECTORY_FILE and stat.S_ISDIR(mode):
                raise nt.error_of_status(0xC00000BA, 5)
        if stat.S_ISLNK(mode) or not request.access & (nt.FILE_READ_DATA | _WRITES):
            return _O_PATH
        return os.O_RDWR if request.access & _WRITES else os.O_RDONLY

    @staticmethod
    def _mode(parent: int, name: str) -> int:
        try:
            return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return 0

    def reopen(self, handle: int, access: int) -> int:
        again = os.dup(handle)
        self._note(again, *self._names[handle])
        return again

    def close(self, handle: int) -> None:
        self._forget(handle)
        os.close(handle)

    def to_fd(self, handle: int, flags: int) -> int:
        return handle

    def handle_of(self, fd: int) -> int:
        return fd

    def information(self, handle: int) -> nt.Information:
        found = os.fstat(handle)
        attributes = nt.ATTRIBUTE_DIRECTORY if stat.S_ISDIR(found.st_mode) else 0x20
        tag = 0
        if stat.S_ISLNK(found.st_mode):
            attributes, tag = nt.ATTRIBUTE_REPARSE_POINT, nt.TAG_SYMLINK
        times = map(filetime, (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns))
        size, links = found.st_size, found.st_nlink
        return nt.Information(attributes, tag, found.st_dev, found.st_ino, links, size, *times)

    def reparse_data(self, handle: int) -> bytes:
        return reparse(os.readlink("", dir_fd=handle))

    def list(self, handle: int, restart: bool) -> bytes:
        if not restart:
            return b""
        with os.scandir(f"/proc/self/fd/{handle}") as scan:
            found = [(".", nt.ATTRIBUTE_DIRECTORY, 1, 0), ("..", nt.ATTRIBUTE_DIRECTORY, 1, 0)]
            for one in scan:
                mode = one.stat(follow_symlinks=False).st_mode
                attributes = nt.ATTRIBUTE_DIRECTORY if stat.S_ISDIR(mode) else 0x20
                attributes |= nt.ATTRIBUTE_REPARSE_POINT if stat.S_ISLNK(mode) else 0
                found.append((one.name, attributes, one.inode(), nt.TAG_SYMLINK))
        return b"".join(
            entry(name, attributes, inode, tag=tag, last=at == len(found) - 1)
            for at, (name, attributes, inode, tag) in enumerate(found)
        )

    def remove(self, handle: int) -> None:
        remove = os.rmdir if stat.S_ISDIR(os.fstat(handle).st_mode) else os.unlink
        parent, name = self._names[handle]
        remove(name, dir_fd=parent)

    def rename(self, handle: int, parent: int, name: str) -> None:
        if stat.S_ISDIR(self._mode(parent, name)):
            raise nt.error_of_status(0xC0000022, 5)
        source, old = self._names[handle]
        os.rename(old, name, src_dir_fd=source, dst_dir_fd=parent)

    def link(self, handle: int, parent: int, name: str) -> None:
        source, old = self._names[handle]
        link(source, old, parent, name)

    def set_times(self, handle: int, accessed: int, written: int) -> None:
        times = (nt.unix_time(accessed), nt.unix_time(written))
        parent, name = self._names[handle]
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def set_size(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def flush(self, handle: int) -> None:
        os.fsync(handle)


@contextmanager
def windows_calls() -> Iterator[at_windows.WindowsAt]:
    """Lets guests use directories of the host by the code for Windows."""
    saved, made = openat.AT, at_windows.WindowsAt(LinuxCalls())
    openat.AT = directories_host.AT = made
    try:
        yield made
    finally:
        openat.AT = directories_host.AT = saved
