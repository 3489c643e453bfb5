# SPDX-License-Identifier: MIT
"""Node's ``fs``, ``path`` and the directory of ``process``, on the directories of a WASI sandbox.

Paths are those that the guest sees. A path leads into the preopened directory whose name is the
longest that it begins with. The directories above the preopened ones can be listed, so that a guest
finds its way down; there is nothing in them but that way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...wasi.abi import (
    EEXIST,
    EINVAL,
    EISDIR,
    ENAMETOOLONG,
    ENOENT,
    ENOTDIR,
    EROFS,
    ERRNO_NAMES,
    FAILURES,
    FDFLAG_APPEND,
    FDFLAG_SYNC,
    MAX_OFFSET,
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
    TYPE_SOCKET_STREAM,
    TYPE_SYMBOLIC_LINK,
    TYPE_UNKNOWN,
    WasiError,
    errno_of,
)
from ...wasi.descriptors import Descriptor, DirectoryDescriptor
from ...wasi.directories import Opening
from ...wasi.records import Stat
from ...wasi.waiting import check
from .._directories import ABOVE, Place, Roots, normalized
from .._exposed import exposes
from .undefined import UNDEFINED
from .values import JSArray, JSError, byte_view, put_index, type_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...wasi import Wasi
    from .budget import Budget
    from .loop import Loop

_MAX_PATH = 4096

# The flags of open(2) have their values on Linux.
_WRONLY, _RDWR, _CREAT, _EXCL, _TRUNC, _APPEND = 1, 2, 0o100, 0o200, 0o1000, 0o2000
_DIRECTORY, _NOFOLLOW, _SYNC = 0o200000, 0o400000, 0o4010000
CONSTANTS = {
    "O_RDONLY": 0,
    "O_WRONLY": _WRONLY,
    "O_RDWR": _RDWR,
    "O_CREAT": _CREAT,
    "O_EXCL": _EXCL,
    "O_TRUNC": _TRUNC,
    "O_APPEND": _APPEND,
    "O_DIRECTORY": _DIRECTORY,
    "O_NOFOLLOW": _NOFOLLOW,
    "O_SYNC": _SYNC,
}

# WASI knows no permissions: a mode has the type of the file, and what most files are allowed.
_MODES = {
    TYPE_DIRECTORY: 0o040755,
    TYPE_REGULAR: 0o100644,
    TYPE_SYMBOLIC_LINK: 0o120777,
    TYPE_CHARACTER_DEVICE: 0o020644,
    TYPE_BLOCK_DEVICE: 0o060644,
    TYPE_SOCKET_STREAM: 0o140644,
    TYPE_UNKNOWN: 0o010644,  # what is not known is a pipe, as standard input and output are
}
# Go's syscall package knows no ENOTCAPABLE, and a guest that gets a code it does not know panics.
_CODES = {"ENOTCAPABLE": "EPERM", "ESUCCESS": "EIO", "EOWNERDEAD": "EIO", "ENOTRECOVERABLE": "EIO"}

# The functions of fs whose last argument is called back with (error, result).
FUNCTIONS = (
    *("open", "close", "read", "write", "fstat", "stat", "lstat", "readdir", "mkdir", "rmdir"),
    *("unlink", "rename", "link", "symlink", "readlink", "truncate", "ftruncate", "fsync"),
    *("utimes", "chmod", "fchmod", "chown", "fchown", "lchown"),
)


def _code(error: Any) -> str:
    name = ERRNO_NAMES[errno_of(error)]
    return _CODES.get(name, name)


def _js_error(error: Any, function: str) -> JSError:
    code = _code(error)
    return JSError(f"{code}: {function} failed", code=code)


@exposes(
    "dev",
    "ino",
    "mode",
    "nlink",
    "uid",
    "gid",
    "rdev",
    "size",
    "blksize",
    "blocks",
    "atimeMs",
    "mtimeMs",
    "ctimeMs",
    isDirectory="is_directory",
    isFile="is_file",
    isSymbolicLink="is_symbolic_link",
)
class Stats:
    """What Node calls fs.Stats."""

    uid = gid = rdev = 0
    blksize = 4096

    def __init__(self, stat: Stat) -> None:
        self._type = stat.type
        self.dev, self.ino, self.nlink, self.size = stat.device, stat.inode, stat.links, stat.size
        self.mode = _MODES.get(stat.type, _MODES[TYPE_UNKNOWN])
        self.blocks = -(-stat.size // 512)
        self.atimeMs = stat.atime // 1_000_000
        self.mtimeMs = stat.mtime // 1_000_000
        self.ctimeMs = stat.ctime // 1_000_000

    def is_directory(self) -> bool:
        """Returns whether it is a directory."""
        return self._type == TYPE_DIRECTORY

    def is_file(self) -> bool:
        """Returns whether it is a regular file."""
        return self._type == TYPE_REGULAR

    def is_symbolic_link(self) -> bool:
        """Returns whether it is a symbolic link."""
        return self._type == TYPE_SYMBOLIC_LINK


class _AboveDescriptor(DirectoryDescriptor):
    """A descriptor of a directory that is above the preopened ones."""

    def stat(self) -> Stat:
        return ABOVE


def _path(value: object) -> str:
    if not isinstance(value, str):
        raise type_error("a path must be a string")
    if not value or "\0" in value:
        raise WasiError(ENOENT if not value else EINVAL)
    if len(value) > _MAX_PATH:
        raise WasiError(ENAMETOOLONG)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WasiError(EINVAL) from None
    return value


def _is_missing(value: object) -> bool:
    return value is None or value is UNDEFINED


def _whole(value: object, least: int = 0, most: int = MAX_OFFSET) -> int:
    if not isinstance(value, (int, float)) or value != value or not least <= value <= most:
        raise WasiError(EINVAL)
    return int(value)


class FileSystem:
    """The functions of ``fs`` for one guest. Each returns its result or raises one of FAILURES."""

    def __init__(self, wasi: Wasi, loop: Loop, budget: Budget, cwd: str | None) -> None:
        """Takes the guest's directory to begin in.

        With None, it is that of the environment variable PWD, or else the first preopened one.
        """
        self._wasi = wasi
        self._loop = loop
        self._budget = budget
        self._roots = Roots(wasi)
        names = list(wasi.config.preopens)
        variables = {str(name): value for name, value in wasi.config.env.items()}
        given = cwd or variables.get("PWD") or (names[0] if names else "/")
        self.cwd = normalized(str(given))

    # ---- paths ----

    def resolve(self, *segments: Any) -> str:
        """Implements ``path.resolve``."""
        path = self.cwd
        for segment in segments:
            path = normalized(_path(segment), path) if segment != "" else path
        return path

    def chdir(self, path: Any) -> None:
        """Implements ``process.chdir``."""
        try:
            if not self.stat(path).is_directory():
                raise WasiError(ENOTDIR)
        except FAILURES as error:
            raise _js_error(error, "chdir") from None
        self.cwd = normalized(path, self.cwd)

    def _place(self, given: object) -> Place:
        path = _path(given)
        # What ends in "/" or "/." must be a directory.
        tail = "/" if path.endswith(("/", "/.")) else ""
        return self._roots.find(normalized(path, self.cwd), tail)

    # ---- files ----

    def open(self, path: Any, flags: Any = 0, mode: Any = 0o666) -> int:
        """Opens a file or a directory, and returns its descriptor."""
        bits = _whole(flags)
        access = bits & 3
        if access == 3:
            raise WasiError(EINVAL)
        pairs = (
            (_CREAT, OFLAG_CREAT),
            (_EXCL, OFLAG_EXCL),
            (_TRUNC, OFLAG_TRUNC),
            (_DIRECTORY, OFLAG_DIRECTORY),
        )
        oflags = sum(flag for bit, flag in pairs if bits & bit)
        fdflags = FDFLAG_APPEND if bits & _APPEND else 0
        if bits & _SYNC == _SYNC:
            fdflags |= FDFLAG_SYNC
        place = self._place(path)
        descriptors = self._wasi.descriptors
        descriptors.require_room()
        if place.directory is None:
            if access or oflags & (OFLAG_CREAT | OFLAG_TRUNC):
                raise WasiError(EISDIR)
            return descriptors.add(_AboveDescriptor())
        if oflags & OFLAG_CREAT and oflags & OFLAG_DIRECTORY:
            raise WasiError(EINVAL)
        follow = not (bits & _NOFOLLOW or (oflags & OFLAG_CREAT and oflags & OFLAG_EXCL))
        opening = Opening(oflags, fdflags, follow, access in (0, _RDWR), access != 0)
        return descriptors.add(place.directory.open(place.path, opening))

    def _descriptor(self, fd: Any) -> Descriptor:
        number = _whole(fd, -1, 1 << 32)
        return self._wasi.descriptors.get(number)

    def _file(self, fd: Any, mode: int) -> Descriptor:
        descriptor = self._descriptor(fd)
        if isinstance(descriptor, DirectoryDescriptor):
            raise WasiError(EISDIR)
        descriptor.require_mode(mode)
        return descriptor

    def close(self, fd: Any) -> None:
        """Closes a descriptor."""
        self._wasi.descriptors.close(_whole(fd, -1, 1 << 32))

    def _buffer(self, buffer: Any, offset: Any, length: Any) -> memoryview:
        bytes_ = byte_view(buffer)
        if bytes_ is None:
            raise type_error("a buffer must be a Uint8Array")
        begin = 0 if _is_missing(offset) else _whole(offset)
        size = len(bytes_) - begin if _is_missing(length) else _whole(length)
        if begin + size > len(bytes_) or size < 0:
            raise JSError("a range is beyond the end of its buffer", name="RangeError")
        return bytes_[begin : begin + size]

    def read(
        self, fd: Any, buffer: Any, offset: Any = 0, length: Any = None, position: Any = None
    ) -> int:
        """Reads into a buffer, at the position of the file or at the given one."""
        descriptor = self._file(fd, RIGHT_FD_READ)
        piece = self._buffer(buffer, offset, length)
        if piece.readonly:
            raise type_error("the buffer cannot be written")
        if _is_missing(position):
            return descriptor.read([piece])
        descriptor.require_position()
        return descriptor.pread([piece], _whole(position, 0, MAX_OFFSET - len(piece)))

    def write(
        self, fd: Any, buffer: Any, offset: Any = 0, length: Any = None, position: Any = None
    ) -> int:
        """Writes a buffer, at the position of the file or at the given one."""
        descriptor = self._file(fd, RIGHT_FD_WRITE)
        piece = self._buffer(buffer, offset, length)
        if _is_missing(position):
            return descriptor.write([piece])
        descriptor.require_position()
        return descriptor.pwrite([piece], _whole(position, 0, MAX_OFFSET - len(piece)))

    def write_all(self, fd: Any, buffer: Any) -> int:
        """Implements ``fs.writeSync``, which writes the whole buffer."""
        data = self._buffer(buffer, 0, None)
        written = 0
        while written < len(data):
            check()
            written += self.write(fd, data[written:])
        return written

    def ftruncate(self, fd: Any, size: Any = 0) -> None:
        """Cuts a file to a size, or fills it up with zeros."""
        descriptor = self._descriptor(fd)
        if isinstance(descriptor, DirectoryDescriptor) or not descriptor.rights & RIGHT_FD_WRITE:
            raise WasiError(EINVAL)
        descriptor.set_size(_whole(size))

    def truncate(self, path: Any, size: Any = 0) -> None:
        """Cuts the file that a path names, or fills it up with zeros."""
        length = _whole(size)
        place = self._place(path)
        opened = place.required(EROFS).open(place.path, Opening(0, 0, True, False, True))
        try:
            opened.set_size(length)
        finally:
            opened.close()

    def fsync(self, fd: Any) -> None:
        """Writes buffered data to the disk."""
        self._descriptor(fd).sync(False)

    # ---- what is known of files ----

    def fstat(self, fd: Any, *_: Any) -> Stats:
        """Describes what a descriptor stands for."""
        return Stats(self._descriptor(fd).stat())

    def stat(self, path: Any, *_: Any) -> Stats:
        """Describes what a path names, and follows symbolic links."""
        return self._stat(path, follow=True)

    def lstat(self, path: Any, *_: Any) -> Stats:
        """Describes what a path names; that may be a symbolic link."""
        return self._stat(path, follow=False)

    def _stat(self, path: object, *, follow: bool) -> Stats:
        place = self._place(path)
        return Stats(place.stat(follow=follow))

    def readdir(self, path: Any, *_: Any) -> JSArray:
        """Returns the names in a directory, in order."""
        place = self._place(path)
        if place.directory is None:
            return self._array(list(place.names))
        opened = place.directory.open(place.path, Opening(OFLAG_DIRECTORY, 0, True, True, False))
        try:
            directory = opened.directory
            if directory is None:
                raise WasiError(ENOTDIR)
            names = []
            for listed in directory.entries(0):
                check()
                names.append(listed[1].name.decode("utf-8", "replace"))
        finally:
            opened.close()
        return self._array(sorted(name for name in names if name not in (".", "..")))

    def _array(self, names: list[str]) -> JSArray:
        array = JSArray(self._budget)
        for name in names:
            put_index(array, len(array), name, self._budget)
        return array

    def readlink(self, path: Any, *_: Any) -> str:
        """Returns the target of a symbolic link."""
        place = self._place(path)
        if place.directory is None:
            raise WasiError(EINVAL)
        return place.directory.read_link(place.path).decode("utf-8", "replace")

    def utimes(self, path: Any, accessed: Any, modified: Any) -> None:
        """Sets the times of what a path names, given in seconds."""
        times = [int(_whole(seconds, 0, 1 << 33) * 10**9) for seconds in (accessed, modified)]
        place = self._place(path)
        place.required(EROFS).set_times(place.path, True, (times[0], times[1]))

    def chmod(self, path: Any, mode: Any) -> None:
        """Does nothing to a file that is there: WASI knows no permissions."""
        self._stat(path, follow=True)

    def fchmod(self, fd: Any, mode: Any) -> None:
        """Does nothing to an open file."""
        self._descriptor(fd)

    def chown(self, path: Any, uid: Any, gid: Any) -> None:
        """Refuses what WASI cannot do."""
        raise JSError("ENOSYS: files have no owner here", code="ENOSYS")

    lchown = fchown = chown

    # ---- directories ----

    def mkdir(self, path: Any, mode: Any = 0o777) -> None:
        """Creates a directory."""
        place = self._place(path)
        if place.directory is None or place.path == ".":
            raise WasiError(EEXIST)
        place.directory.make_directory(place.path)

    def rmdir(self, path: Any) -> None:
        """Removes an empty directory."""
        place = self._place(path)
        place.required(EROFS).remove_directory(place.path)

    def unlink(self, path: Any) -> None:
        """Removes a file or a symbolic link."""
        place = self._place(path)
        place.required(EROFS).unlink(place.path)

    def rename(self, path: Any, to: Any) -> None:
        """Renames a file or a directory."""
        old, new = self._place(path), self._place(to)
        old.required(EROFS).rename(old.path, new.required(EROFS), new.path)

    def link(self, path: Any, to: Any) -> None:
        """Creates a hard link."""
        old, new = self._place(path), self._place(to)
        old.required(EROFS).link(old.path, False, new.required(EROFS), new.path)

    def symlink(self, target: Any, path: Any, *_: Any) -> None:
        """Creates a symbolic link."""
        text = _path(target)
        place = self._place(path)
        place.required(EROFS).make_link(text, place.path)

    # ---- the functions that guests call ----

    def synchronous(self, name: str, operate: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function that throws the errors of an operation as JavaScript's."""

        def call(*arguments: Any) -> Any:
            try:
                return operate(*arguments)
            except FAILURES as error:
                raise _js_error(error, name) from None

        return call

    def function(self, name: str) -> Callable[..., None]:
        """Returns a function of ``fs``: it calls its last argument back with (error, result).

        It does so later, as Node.js does, or at once where Go could not wait for it.
        """
        operate = getattr(self, name)

        def call(*arguments: Any) -> None:
            *given, callback = arguments or (UNDEFINED,)
            if not callable(callback):
                raise type_error(f"the last argument of fs.{name} must be a function")

            def run() -> None:
                answer = _outcome(name, operate, given)
                if self._loop.serving:
                    callback(*answer)
                else:
                    self._loop.post(lambda: callback(*answer))

            fd = self._waits_for(name, given)
            if fd is None:
                run()
            else:
                self._loop.when_readable(fd, run)

        return call

    def _waits_for(self, name: str, given: list[Any]) -> int | None:
        """Returns the descriptor of the host that a read waits for, as a pipe or a terminal is."""
        if name != "read" or not given or not isinstance(given[0], int):
            return None
        try:
            found = self._descriptor(given[0]).poll_fd()
        except WasiError:  # Reading fails, too, and the callback gets the error.
            return None
        return found if found is not None and found >= 0 else None


def _outcome(name: str, operate: Callable[..., Any], given: list[Any]) -> tuple[Any, ...]:
    """Returns what the callback of a function is called with."""
    try:
        result = operate(*given)
    except FAILURES as error:
        return (_js_error(error, name),)
    except JSError as error:
        if error.code is UNDEFINED:
            raise
        return (error,)
    return (None,) if result is None else (None, result)
