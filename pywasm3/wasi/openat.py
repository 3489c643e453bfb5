# SPDX-License-Identifier: MIT
"""Opens files below a directory of the host, so that no path and no link leads out of it.

On Linux the kernel checks this (openat2 with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS). On other
systems, and where a container forbids that call, a path is opened name by name with O_NOFOLLOW,
and this module resolves symbolic links itself. Either way the result is a descriptor, and later
operations work on a name below it without following links. So a guest gains nothing if somebody
exchanges a name while a call runs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys

from .abi import EPERM, WasiError
from .host_at import AT
from .open_flags import O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, PLACE
from .paths import Walker, count_link, creates_directory, split

_SYS_OPENAT2 = 437  # The number is the same on every architecture.
_RESOLVE = 0x08 | 0x02  # RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS
_MAX_TRIES = 64  # A path is tried this often while others rename directories on it.


class _OpenHow(ctypes.Structure):
    _fields_ = [
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    ]


def _new_syscall() -> ctypes._NamedFuncPointer | None:
    if not sys.platform.startswith("linux"):
        return None
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    function.argtypes = [
        ctypes.c_long,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
    ]
    return function


_syscall = _new_syscall()


def _openat2(directory: int, path: str, flags: int, mode: int) -> int:
    """Opens a path below a directory. The kernel says EXDEV if the path leads out."""
    assert _syscall is not None
    how = _OpenHow(flags | O_CLOEXEC, mode if flags & os.O_CREAT else 0, _RESOLVE)
    name = os.fsencode(path)
    for _ in range(_MAX_TRIES):
        fd = int(_syscall(_SYS_OPENAT2, directory, name, ctypes.byref(how), ctypes.sizeof(how)))
        if fd >= 0:
            return fd
        number = ctypes.get_errno()
        if number == errno.EXDEV:
            raise WasiError(EPERM)
        if number not in (errno.EINTR, errno.EAGAIN):
            break
    raise OSError(number, os.strerror(number))


def _has_openat2() -> bool:
    if _syscall is None:
        return False
    try:
        place = os.open("/", PLACE)
        try:
            os.close(_openat2(place, ".", PLACE, 0))
        finally:
            os.close(place)
    except OSError:
        return False
    return True


class Beneath:
    """The two operations on paths that all others are made of. This class asks the kernel."""

    def parent(self, directory: int, path: str, follow: bool) -> tuple[int, str, bool]:
        """Opens the directory that holds what a path names.

        Returns:
            The descriptor of that directory, which the caller closes; the last name, which is not a
            link if links are to be followed, or "." if the path names the directory itself; and
            whether the path must name a directory.
        """
        links, must_be_directory = 0, False
        while True:
            parent, name, is_directory = split(path)
            must_be_directory |= is_directory
            place = _openat2(directory, parent, PLACE, 0)
            try:
                follows = name != "." and (follow or must_be_directory)
                target = AT.link_target(place, name) if follows else None
            except BaseException:
                os.close(place)
                raise
            if target is None:
                return place, name, must_be_directory
            os.close(place)
            links = count_link(links)
            if target[:1] == "/":
                raise WasiError(EPERM)
            path = f"{parent}/{target}"

    def open(self, directory: int, path: str, flags: int, mode: int, follow: bool) -> int:
        """Opens a path. Its last name may be a symbolic link only if `follow` is set."""
        split(path)
        return _openat2(directory, path, flags | (0 if follow else O_NOFOLLOW), mode)


class _Places(Walker[int]):
    """Walks a path by opening one directory after the other."""

    def enter(self, parent: int, name: str) -> int | str:
        return AT.enter(parent, name)

    def link_target(self, parent: int, name: str) -> str | None:
        return AT.link_target(parent, name)

    def leave(self, node: int) -> None:
        os.close(node)


class StepByStep(Beneath):
    """The two operations on paths for systems whose kernel does not check paths itself."""

    _walker = _Places()

    def parent(self, directory: int, path: str, follow: bool) -> tuple[int, str, bool]:
        """Opens the directory that holds what a path names."""
        nodes, name, must_be_directory = self._walker.resolve(directory, path, follow)
        try:
            return os.dup(nodes[-1]), name, must_be_directory
        finally:
            self._walker.leave_all(nodes)

    def open(self, directory: int, path: str, flags: int, mode: int, follow: bool) -> int:
        """Opens a path. Its last name may be a symbolic link only if `follow` is set."""
        if flags & os.O_CREAT and creates_directory(path):
            os.close(self.parent(directory, path.rstrip("/"), False)[0])
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        exclusive = flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL
        follow = follow and not exclusive
        place, name, must_be_directory = self.parent(directory, path, follow)
        try:
            if must_be_directory:
                if flags & os.O_CREAT:
                    number = errno.EEXIST if exclusive else errno.EISDIR
                    raise OSError(number, os.strerror(number))
                flags |= O_DIRECTORY
            return AT.open(place, name, flags, mode)
        finally:
            os.close(place)


def is_directory_at(place: int, name: str) -> bool:
    """Returns whether a name is that of a directory. A link to a directory does not count."""
    return stat.S_ISDIR(AT.stat(place, name).st_mode)


BENEATH = Beneath() if _has_openat2() else StepByStep()
