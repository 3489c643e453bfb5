# SPDX-License-Identifier: MIT
"""Files and directories of the host, as a guest sees them."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat as _stat
from collections import deque
from functools import partial

from . import openat, waiting
from .abi import (
    EBUSY,
    EEXIST,
    EISDIR,
    ENOENT,
    ENOTDIR,
    ENOTSUP,
    EOVERFLOW,
    EPERM,
    EROFS,
    FDFLAG_APPEND,
    FDFLAG_DSYNC,
    FDFLAG_NONBLOCK,
    FDFLAG_RSYNC,
    FDFLAG_SYNC,
    MASK_U64,
    MAX_OFFSET,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    OFLAG_EXCL,
    OFLAG_TRUNC,
    TYPE_BLOCK_DEVICE,
    TYPE_CHARACTER_DEVICE,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SOCKET_STREAM,
    TYPE_SYMBOLIC_LINK,
    TYPE_UNKNOWN,
    WasiError,
)
from .directories import Directory, Entry
from .fds import Descriptor, Stat, write_each
from .waiting import READABLE, WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .directories import Opening
    from .fds import Piece, Times

_TYPES = {
    _stat.S_IFBLK: TYPE_BLOCK_DEVICE,
    _stat.S_IFCHR: TYPE_CHARACTER_DEVICE,
    _stat.S_IFDIR: TYPE_DIRECTORY,
    _stat.S_IFREG: TYPE_REGULAR,
    _stat.S_IFSOCK: TYPE_SOCKET_STREAM,
    _stat.S_IFLNK: TYPE_SYMBOLIC_LINK,
}
_FLAGS = (
    (FDFLAG_APPEND, os.O_APPEND),
    (FDFLAG_NONBLOCK, os.O_NONBLOCK),
    (FDFLAG_DSYNC, getattr(os, "O_DSYNC", os.O_SYNC)),
    (FDFLAG_RSYNC, getattr(os, "O_RSYNC", os.O_SYNC)),
    (FDFLAG_SYNC, os.O_SYNC),
)
_ADVICE = tuple(
    getattr(os, f"POSIX_FADV_{name}", None)
    for name in ("NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE")
)

# A pipe takes so many bytes at once, and has room for them when it is ready for writing.
_ATOMIC = select.PIPE_BUF
_write = os.write


def _type_of(mode: int) -> int:
    return _TYPES.get(_stat.S_IFMT(mode), TYPE_UNKNOWN)


def _stat_of(found: os.stat_result) -> Stat:
    return Stat(
        found.st_dev & MASK_U64,
        found.st_ino & MASK_U64,
        _type_of(found.st_mode),
        found.st_nlink,
        found.st_size,
        max(0, found.st_atime_ns),
        max(0, found.st_mtime_ns),
        max(0, found.st_ctime_ns),
    )


def _both_times(times: Times, found: os.stat_result) -> tuple[int, int]:
    """Returns both times for os.utime, which cannot set one and leave the other."""
    atime, mtime = times
    return (
        found.st_atime_ns if atime is None else _checked_time(atime),
        found.st_mtime_ns if mtime is None else _checked_time(mtime),
    )


def _checked_time(time_ns: int) -> int:
    if time_ns > MAX_OFFSET:
        raise WasiError(EOVERFLOW)
    return time_ns


class _Slow:
    """Reads and writes a file that may make the guest wait: a pipe, a FIFO, a terminal, a device.

    No operation blocks in the host, so that a call that waits can be stopped. A file that the guest
    has to itself is nonblocking there. Others have an inherited descriptor open, too, which must
    stay as it is: the guest uses it only when it is ready.

    Attributes:
        fd: The descriptor of the host; -1 when it is closed.
        nonblocking: The guest wants EAGAIN instead of waiting.
    """

    def __init__(self, fd: int, owned: bool, nonblocking: bool) -> None:
        self.fd = fd
        self._owned = owned
        self.nonblocking = nonblocking
        self._terminal = -1  # The terminal, opened once more; -1: it is not.
        self._tried_terminal = False
        if owned:
            os.set_blocking(fd, False)

    def _get_fd(self) -> int:
        return self.fd

    def _do(self, bits: int, operate: Callable[[], int]) -> int:
        if self._owned:
            return operate()
        return waiting.exclusively(self.fd, bits, operate)

    def _blocks(self) -> bool:
        return not self.nonblocking and (self._owned or os.get_blocking(self.fd))

    def read(self, read: Callable[[], int]) -> int:
        """Reads, once there is something to read."""
        if not self._blocks():
            return read()
        # A FIFO that no writer has opened yet looks as if it had ended: so wait for it first.
        waiting.until_ready(self.fd, READABLE)
        return waiting.insist(self._get_fd, READABLE, lambda: self._do(READABLE, read))

    def write(self, buffers: list[memoryview]) -> int:
        """Writes; a small vector of buffers at once, so that a pipe does not mix it with others."""
        if sum(map(len, buffers)) <= _ATOMIC:
            return self.write_one(b"".join(buffers))
        return write_each(self.write_one, buffers)

    def write_one(self, buffer: Piece) -> int:
        """Writes one buffer, as a whole if the guest waits."""
        return self._write_rest(memoryview(buffer), 0)

    def _write_rest(self, buffer: memoryview, written: int) -> int:
        if not self._blocks():
            return _write(self.fd, buffer)

        def write() -> int:
            return _write(self.fd, buffer[written : written + _ATOMIC])

        def write_terminal() -> int:
            return _write(self._terminal, buffer[written:])

        def write_owned() -> int:
            return _write(self.fd, buffer[written:])

        if self._owned:
            attempt = write_owned
        elif self._has_terminal():
            attempt = write_terminal
        else:
            attempt = partial(waiting.exclusively, self.fd, WRITABLE, write)
        while written < len(buffer):
            try:
                written += waiting.insist(self._get_fd, WRITABLE, attempt)
            except (WasiError, OSError):
                if written:
                    break
                raise
        return written

    def _has_terminal(self) -> bool:
        """Tells whether the descriptor is a terminal that could be opened once more.

        A terminal that is ready for writing may have room for a single byte, so a write to it can
        block. What the guest opens itself is nonblocking, and others do not notice.
        """
        if not self._tried_terminal:
            self._tried_terminal = True
            self._terminal = _open_terminal(self.fd)
        elif self._terminal >= 0 and not os.path.sameopenfile(self.fd, self._terminal):
            os.close(self._terminal)  # The host has redirected the descriptor meanwhile.
            self._terminal = -1
        return self._terminal >= 0

    def close(self) -> None:
        """Closes what this object has opened."""
        self.fd = -1
        terminal, self._terminal = self._terminal, -1
        if terminal >= 0:
            os.close(terminal)


def _open_terminal(fd: int) -> int:
    """Opens the terminal of a descriptor for writing without blocking; -1 if that cannot be."""
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        opened = os.open(os.ttyname(fd), flags)
    except OSError:
        return -1
    if os.path.sameopenfile(fd, opened):
        return opened
    os.close(opened)
    return -1


class HostFile(Descriptor):
    """A file of the host: a regular file, a device, a pipe or a terminal."""

    def __init__(self, fd: int, flags: int = 0, *, owned: bool = True, read_only: bool = False):
        """Takes an open descriptor of the host, and closes it later if `owned` is true."""
        self._fd = fd
        self._owned = owned
        self._read_only = read_only
        self.flags = flags
        self.type = _type_of(os.fstat(fd).st_mode)
        self._slow: _Slow | None = None
        if self.type == TYPE_REGULAR:
            self.write_one = partial(_write, fd)
        else:
            self._slow = _Slow(fd, owned, bool(flags & FDFLAG_NONBLOCK))
            # An owned file never blocks, and fd_write calls write() when this is BlockingIOError.
            self.write_one = partial(_write, fd) if owned else self._slow.write_one

    def close(self) -> None:
        """Closes the host's descriptor, if this object owns it."""
        fd, self._fd = self._fd, -1
        self.write_one = None
        if self._slow is not None:
            self._slow.close()
        if fd >= 0 and self._owned:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def read(self, buffers: list[memoryview]) -> int:
        """Reads at the position of the file."""
        if self._slow is not None:
            return self._slow.read(lambda: os.readv(self._fd, buffers)) if buffers else 0
        return waiting.by_pieces(buffers, lambda piece, _: os.readv(self._fd, piece))

    def write(self, buffers: list[memoryview]) -> int:
        """Writes at the position of the file."""
        if self._slow is not None:
            return self._slow.write(buffers) if buffers else 0
        return waiting.by_pieces(buffers, lambda piece, _: os.writev(self._fd, piece))

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """Reads from an offset in the file."""
        return self._at_offset(os.preadv, READABLE, buffers, offset)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """Writes at an offset in the file."""
        return self._at_offset(os.pwritev, WRITABLE, buffers, offset)

    def _at_offset(
        self, move: Callable[..., int], bits: int, buffers: list[memoryview], offset: int
    ) -> int:
        def move_piece(piece: list[memoryview], moved: int) -> int:
            if self._slow is None or self._slow.nonblocking:
                return move(self._fd, piece, offset + moved)
            # Of the files that are not regular, only devices have offsets.
            return waiting.insist(
                lambda: self._fd, bits, lambda: move(self._fd, piece, offset + moved)
            )

        return waiting.by_pieces(buffers, move_piece)

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position of the file."""
        return os.lseek(self._fd, offset, whence)

    def stat(self) -> Stat:
        """Describes the file."""
        return _stat_of(os.fstat(self._fd))

    def set_size(self, size: int) -> None:
        """Cuts the file to a size, or fills it up with zeros."""
        self._require_writable()
        os.ftruncate(self._fd, size)

    def set_times(self, times: Times) -> None:
        """Sets the times of the file, in nanoseconds."""
        self._require_writable()
        os.utime(self._fd, ns=_both_times(times, os.fstat(self._fd)))

    def set_flags(self, flags: int) -> None:
        """Sets the flags that an open file can change: append, and nonblocking if it is owned."""
        changed = flags ^ self.flags
        if changed & ~(FDFLAG_APPEND | FDFLAG_NONBLOCK):
            raise WasiError(ENOTSUP)
        if not self._owned and changed & FDFLAG_NONBLOCK:
            raise WasiError(ENOTSUP)  # Others have the file open, too, and would stop blocking.
        if self._owned:
            bits = fcntl.fcntl(self._fd, fcntl.F_GETFL) & ~(os.O_APPEND | os.O_NONBLOCK)
            if self._slow is not None:
                bits |= os.O_NONBLOCK
                self._slow.nonblocking = bool(flags & FDFLAG_NONBLOCK)
            fcntl.fcntl(self._fd, fcntl.F_SETFL, bits | _host_flags(flags))
        self.flags = flags

    def advise(self, offset: int, size: int, advice: int) -> None:
        """Passes the advice on, if the host knows this kind of advice."""
        number = _ADVICE[advice]
        if number is not None:
            os.posix_fadvise(self._fd, offset, size, number)

    def allocate(self, offset: int, size: int) -> None:
        """Reserves room in the file."""
        self._require_writable()
        if not hasattr(os, "posix_fallocate"):
            raise WasiError(ENOTSUP)
        os.posix_fallocate(self._fd, offset, size)

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what the host has buffered."""
        (getattr(os, "fdatasync", os.fsync) if data_only else os.fsync)(self._fd)

    def poll_fd(self) -> int | None:
        """Returns the descriptor to wait for; None for a regular file, which is always ready."""
        return None if self.type == TYPE_REGULAR else self._fd

    def readable_bytes(self) -> int:
        """Returns how many bytes of a regular file follow the position; 0 for other files."""
        if self.type != TYPE_REGULAR:
            return 0
        return max(0, os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR))

    def _require_writable(self) -> None:
        if self._read_only:
            raise WasiError(EROFS)


def _host_flags(fdflags: int) -> int:
    bits = 0
    for flag, bit in _FLAGS:
        if fdflags & flag:
            bits |= bit
    return bits


def _open_flags(opening: Opening) -> int:
    oflags = opening.oflags
    if opening.write and not oflags & OFLAG_DIRECTORY:
        flags = os.O_RDWR if opening.read else os.O_WRONLY
    else:
        flags = os.O_RDONLY
    if oflags & OFLAG_CREAT:
        flags |= os.O_CREAT
    if oflags & OFLAG_EXCL:
        flags |= os.O_EXCL
    if oflags & OFLAG_DIRECTORY:
        flags |= os.O_DIRECTORY
    if oflags & OFLAG_TRUNC:
        flags |= os.O_TRUNC
    return flags | _host_flags(opening.fdflags) | os.O_NOCTTY


class HostDirectory(Directory):
    """A directory of the host."""

    def __init__(self, fd: int, read_only: bool) -> None:
        """Takes an open descriptor of the host, and closes it later."""
        self.fd = fd
        self.read_only = read_only
        self._scan: _Scan | None = None

    def close(self) -> None:
        """Closes the host's descriptor."""
        self.end_listing()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "fd", -1) >= 0:
            self.close()

    def _require_writable(self) -> None:
        if self.read_only:
            raise WasiError(EROFS)

    def open(self, path: str, opening: Opening) -> Descriptor:
        """Opens or creates what the path names."""
        if self.read_only:
            opening = self._without_writing(path, opening)
        fd = self._open(path, opening)
        try:
            mode = os.fstat(fd).st_mode
            if _stat.S_ISREG(mode) and not opening.fdflags & FDFLAG_NONBLOCK:
                os.set_blocking(fd, True)
        except BaseException:
            os.close(fd)
            raise
        if _stat.S_ISDIR(mode):
            return HostDirectoryDescriptor(HostDirectory(fd, self.read_only))
        return HostFile(fd, opening.fdflags, read_only=self.read_only)

    def _open(self, path: str, opening: Opening) -> int:
        """Opens a path without blocking in the host: opening a FIFO waits for its other end."""
        flags = _open_flags(opening) | os.O_NONBLOCK
        while True:
            try:
                return openat.BENEATH.open(self.fd, path, flags, 0o666, opening.follow)
            except OSError as error:
                if opening.fdflags & FDFLAG_NONBLOCK or not self._may_wait(error, path, opening):
                    raise
            waiting.pause()

    def _may_wait(self, error: OSError, path: str, opening: Opening) -> bool:
        """Tells whether opening fails only for now, so that a blocking open would wait."""
        if error.errno == errno.EAGAIN:  # Another process has a lease on the file.
            return True
        if error.errno != errno.ENXIO:  # Nobody has opened the FIFO for reading.
            return False
        with _Place(self, path, opening.follow) as (place, name):
            return _stat.S_ISFIFO(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode)

    def _without_writing(self, path: str, opening: Opening) -> Opening:
        """Returns what to open below a read-only directory.

        The errors are those of a file system that is mounted read-only: a file that exists can be
        opened with O_CREAT, for example, but a new one cannot be made.
        """
        if opening.oflags & OFLAG_CREAT:
            exclusive = bool(opening.oflags & OFLAG_EXCL)
            try:
                found = self.stat(path, opening.follow and not exclusive)
            except OSError as error:
                raise (WasiError(EROFS) if error.errno == errno.ENOENT else error) from None
            if exclusive:
                raise WasiError(EEXIST)
            if found.type == TYPE_DIRECTORY:
                raise WasiError(EISDIR)
        if (opening.write and not opening.read) or opening.oflags & OFLAG_TRUNC:
            raise WasiError(EROFS)
        return opening._replace(write=False, oflags=opening.oflags & ~OFLAG_CREAT)

    def entries(self, cookie: int) -> Iterator[tuple[int, Entry]]:
        """Yields the entries whose names are UTF-8; a guest could not use the others."""
        if cookie == 0:
            self.end_listing()
            own = os.fstat(self.fd).st_ino & MASK_U64
            yield 1, Entry(b".", own, TYPE_DIRECTORY)
        if cookie <= 1:
            yield 2, Entry(b"..", 0, TYPE_DIRECTORY)
        if self._scan is not None and not self._scan.knows(cookie):
            self.end_listing()
        if self._scan is None:
            self._scan = _Scan(self.fd)
        yield from self._scan.read(max(cookie, _Scan.FIRST))

    def end_listing(self) -> None:
        """Closes what the host has open for a listing."""
        scan, self._scan = self._scan, None
        if scan is not None:
            scan.close()

    def stat(self, path: str, follow: bool) -> Stat:
        """Describes what the path names."""
        with _Place(self, path, follow) as (place, name):
            return _stat_of(os.stat(name, dir_fd=place, follow_symlinks=False))

    def set_times(self, path: str, follow: bool, times: Times) -> None:
        """Sets the times of what the path names, in nanoseconds."""
        self._require_writable()
        with _Place(self, path, follow) as (place, name):
            found = os.stat(name, dir_fd=place, follow_symlinks=False)
            os.utime(name, ns=_both_times(times, found), dir_fd=place, follow_symlinks=False)

    def make_directory(self, path: str) -> None:
        """Creates a directory."""
        self._require_writable()
        with _Place(self, _without_slash(path), False) as (place, name):
            os.mkdir(name, 0o777, dir_fd=place)

    def remove_directory(self, path: str) -> None:
        """Removes an empty directory. A symbolic link to a directory is ENOTDIR."""
        self._require_writable()
        with _Place(self, _without_slash(path), False) as (place, name):
            os.rmdir(name, dir_fd=place)

    def unlink(self, path: str) -> None:
        """Removes a file or a symbolic link."""
        self._require_writable()
        with _Place(self, path, False) as (place, name):
            try:
                os.unlink(name, dir_fd=place)
            except PermissionError:
                if name == "." or openat.is_directory_at(place, name):
                    raise WasiError(EISDIR) from None
                raise

    def read_link(self, path: str) -> bytes:
        """Returns the target of a symbolic link."""
        with _Place(self, path, False) as (place, name):
            return os.fsencode(os.readlink(name, dir_fd=place))

    def make_link(self, target: str, path: str) -> None:
        """Creates a symbolic link; absolute targets could only mislead programs of the host."""
        self._require_writable()
        if not target:
            raise WasiError(ENOENT)
        if target[:1] == "/":
            raise WasiError(EPERM)
        with _Place(self, _without_slash(path), False) as (place, name):
            _refuse_slash(place, name, path)
            os.symlink(target, name, dir_fd=place)

    def rename(self, path: str, to: Directory, to_path: str) -> None:
        """Renames a file or directory, perhaps into another directory of the host."""
        if not isinstance(to, HostDirectory):
            return super().rename(path, to, to_path)
        self._require_writable()
        to._require_writable()
        with (
            _Place(self, _without_slash(path), False) as (place, name),
            _Place(to, _without_slash(to_path), False) as (to_place, to_name),
        ):
            if name == "." or to_name == ".":
                raise WasiError(EBUSY)
            if "/" in (path[-1], to_path[-1]) and not openat.is_directory_at(place, name):
                raise WasiError(ENOTDIR)
            os.rename(name, to_name, src_dir_fd=place, dst_dir_fd=to_place)

    def link(self, path: str, follow: bool, to: Directory, to_path: str) -> None:
        """Creates a hard link to `path` at `to_path` below the directory `to`."""
        if not isinstance(to, HostDirectory):
            return super().link(path, follow, to, to_path)
        self._require_writable()
        to._require_writable()
        with (
            _Place(self, path, follow) as (place, name),
            _Place(to, _without_slash(to_path), False) as (to_place, to_name),
        ):
            if to_path.endswith("/"):
                # A source that does not exist is reported before a target that ends in a slash.
                os.stat(name, dir_fd=place, follow_symlinks=False)
            _refuse_slash(to_place, to_name, to_path)
            options = {"src_dir_fd": place, "dst_dir_fd": to_place}
            os.link(name, to_name, **options, follow_symlinks=False)


class _Scan:
    """A listing of a directory, which reads the entries one after the other, and keeps the last.

    The cookie of an entry is its place in the order in which the system lists the directory.
    """

    FIRST = 2  # The cookie of the first entry: "." and ".." come before it.
    _KEPT = 64  # A guest goes back by one entry, when that was cut at the end of its buffer.

    def __init__(self, directory: int) -> None:
        # This needs a descriptor of its own, because duplicates would share one listing position.
        # It stays open, because entries whose type the system does not tell are looked at below it.
        self._fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            self._scan = os.scandir(self._fd)
        except BaseException:
            os.close(self._fd)
            raise
        self._left = _entries(self._scan)
        self._kept: deque[Entry] = deque(maxlen=self._KEPT)
        self._next = self.FIRST  # The cookie of the entry that is read next.

    def knows(self, cookie: int) -> bool:
        """Tells whether the entry of a cookie is kept, or still to come."""
        return max(cookie, self.FIRST) >= self._next - len(self._kept)

    def read(self, cookie: int) -> Iterator[tuple[int, Entry]]:
        """Yields the entries from a cookie on that is known."""
        while True:
            back = self._next - cookie
            if back > 0:
                cookie += 1
                yield cookie, self._kept[-back]
            else:
                waiting.check()
                entry = next(self._left, None)
                if entry is None:
                    return
                self._kept.append(entry)
                self._next += 1

    def close(self) -> None:
        """Closes what the host has open."""
        fd, self._fd = self._fd, -1
        self._scan.close()
        if fd >= 0:
            os.close(fd)


class _Place:
    """Opens the directory that holds what a path names, and closes it at the end of the `with`.

    The `with` yields its descriptor and the last name of the path, without a slash at its end. A
    path that ends in a slash must name a directory; this is checked here, because the host would
    follow a symbolic link if it were given the slash.
    """

    def __init__(self, directory: HostDirectory, path: str, follow: bool) -> None:
        found = openat.BENEATH.parent(directory.fd, path, follow)
        self._fd, self._name, must_be_directory = found
        try:
            if must_be_directory and not openat.is_directory_at(self._fd, self._name):
                raise WasiError(ENOTDIR)
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> tuple[int, str]:
        return self._fd, self._name

    def __exit__(self, *exception: object) -> None:
        os.close(self._fd)


def _refuse_slash(place: int, name: str, path: str) -> None:
    """Refuses a slash at the end of a new name that is not a directory's."""
    if path.endswith("/"):
        os.stat(name, dir_fd=place, follow_symlinks=False)  # raises ENOENT if the name is free
        raise WasiError(EEXIST)


def _without_slash(path: str) -> str:
    """Returns the path without slashes at its end, for calls that do not follow a link there."""
    return path.rstrip("/") or path


def _entries(scan: Iterator[os.DirEntry[str]]) -> Iterator[Entry]:
    for entry in scan:
        name = os.fsencode(entry.name)
        try:
            name.decode()
        except UnicodeDecodeError:
            continue
        yield Entry(name, entry.inode() & MASK_U64, _entry_type(entry))


def _entry_type(entry: os.DirEntry[str]) -> int:
    if entry.is_symlink():
        return TYPE_SYMBOLIC_LINK
    if entry.is_dir(follow_symlinks=False):
        return TYPE_DIRECTORY
    if entry.is_file(follow_symlinks=False):
        return TYPE_REGULAR
    try:
        return _type_of(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # The file was removed after it was listed.
        return TYPE_UNKNOWN


class HostDirectoryDescriptor(Descriptor):
    """A descriptor of a directory of the host."""

    type = TYPE_DIRECTORY

    def __init__(self, directory: HostDirectory) -> None:
        """Takes the directory over, and closes it later."""
        self.directory: HostDirectory = directory

    def close(self) -> None:
        """Closes the host's descriptor of the directory."""
        self.directory.close()

    def stat(self) -> Stat:
        """Describes the directory."""
        return _stat_of(os.fstat(self.directory.fd))

    def set_times(self, times: Times) -> None:
        """Sets the times of the directory, in nanoseconds."""
        self.directory.set_times(".", False, times)

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what the host has buffered of the directory."""
        os.fsync(self.directory.fd)


def open_directory(path: str | bytes | os.PathLike[str], read_only: bool) -> Descriptor:
    """Opens a directory of the host that a guest finds preopened.

    Raises:
        OSError: It cannot be opened, or it is not a directory.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return HostDirectoryDescriptor(HostDirectory(fd, read_only))
