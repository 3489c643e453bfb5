# SPDX-License-Identifier: MIT
"""The open files and directories that a guest has in a virtual directory."""

from __future__ import annotations

import weakref
from bisect import bisect_left

from .abi import (
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    ELOOP,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    ENOTSUP,
    EPERM,
    EROFS,
    FDFLAG_APPEND,
    FDFLAG_NONBLOCK,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    OFLAG_EXCL,
    OFLAG_TRUNC,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    WHENCE_CUR,
    WHENCE_END,
    WasiError,
)
from .descriptors import Descriptor, DirectoryDescriptor, write_each
from .directories import Directory, Entry
from .files_virtual import FIRST_COOKIE, MAX_FILE_BYTES, File, Folder, Link, name_bytes
from .paths import Walker, creates_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .descriptors import Piece, Times
    from .directories import Opening
    from .files_virtual import Node, VirtualDir
    from .records import Stat


class _Folders(Walker[Folder]):
    """Walks a path through folders."""

    def enter(self, parent: Folder, name: str) -> Folder | str:
        node = parent.find(name)
        if node is None:
            raise WasiError(ENOENT)
        if isinstance(node, Link):
            return node.target
        if not isinstance(node, Folder):
            raise WasiError(ENOTDIR)
        return node

    def link_target(self, parent: Folder, name: str) -> str | None:
        node = parent.find(name)
        return node.target if isinstance(node, Link) else None


_WALKER = _Folders()


def _set_times(node: Node, times: Times) -> None:
    atime, mtime = times
    node.atime = node.atime if atime is None else atime
    node.mtime = node.mtime if mtime is None else mtime
    node.ctime = node.tree.now()


class VirtualFile(Descriptor):
    """A descriptor of a file in a virtual directory."""

    type = TYPE_REGULAR

    def __init__(self, file: File, opening: Opening, read_only: bool) -> None:
        """Takes the file, how it is opened, and whether every change is refused (EROFS)."""
        self._file: File | None = file
        self._position = 0
        self._read_only = read_only
        self.flags = opening.fdflags
        self.write_one = self._write_one
        self.open_for(read=opening.read, write=opening.write)
        file.count_opened(1)

    def close(self) -> None:
        """Closes the file. A file without a name is gone with its last descriptor."""
        file, self._file = self._file, None
        self.write_one = None
        if file is not None:
            with file.tree.lock:
                file.count_opened(-1)

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            self.close()

    @property
    def _open(self) -> File:
        assert self._file is not None
        return self._file

    def has_position(self) -> bool:
        """Returns that the file has a position."""
        return True

    def read(self, buffers: list[memoryview]) -> int:
        """Reads at the position of the file."""
        size = self.pread(buffers, self._position)
        self._position += size
        return size

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """Reads from an offset in the file."""
        file = self._open
        begin = offset
        with file.tree.lock:
            for buffer in buffers:
                piece = file.data[offset : offset + len(buffer)]
                buffer[: len(piece)] = piece
                offset += len(piece)
            file.atime = file.tree.now()
        return offset - begin

    def write(self, buffers: list[memoryview]) -> int:
        """Writes at the position, or at the end of a file that is open for appending."""
        return write_each(self._write_one, buffers)

    def _write_one(self, buffer: Piece) -> int:
        self._require_writable()
        file = self._open
        with file.tree.lock:
            if self.flags & FDFLAG_APPEND:
                self._position = len(file.data)
            file.write_at(self._position, buffer)
        self._position += len(buffer)
        return len(buffer)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """Writes at an offset, or, as Linux does, at the end if the file is open for appending."""
        self._require_writable()
        file = self._open

        def write_one(buffer: Piece) -> int:
            nonlocal offset
            file.write_at(offset, buffer)
            offset += len(buffer)
            return len(buffer)

        with file.tree.lock:
            if self.flags & FDFLAG_APPEND:
                offset = len(file.data)
            return write_each(write_one, buffers)

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position of the file."""
        if whence == WHENCE_CUR:
            offset += self._position
        elif whence == WHENCE_END:
            offset += len(self._open.data)
        if not 0 <= offset <= MAX_FILE_BYTES:
            raise WasiError(EINVAL)
        self._position = offset
        return offset

    def stat(self) -> Stat:
        """Describes the file."""
        return self._open.stat()

    def set_size(self, size: int) -> None:
        """Cuts the file to a size, or fills it up with zeros."""
        self._require_writable()
        with self._open.tree.lock:
            self._open.resize(size)

    def set_times(self, times: Times) -> None:
        """Sets the times of the file, in nanoseconds."""
        self._require_writable()
        _set_times(self._open, times)

    def set_flags(self, flags: int) -> None:
        """Sets whether writes append. A file in memory never blocks, so NONBLOCK has no effect."""
        if (flags ^ self.flags) & ~(FDFLAG_APPEND | FDFLAG_NONBLOCK):
            raise WasiError(ENOTSUP)
        self.flags = flags

    def allocate(self, offset: int, size: int) -> None:
        """Lengthens the file, if it is shorter than the end of the range."""
        self._require_writable()
        with self._open.tree.lock:
            if offset + size > len(self._open.data):
                self._open.resize(offset + size)

    def readable_bytes(self) -> int:
        """Returns how many bytes follow the position."""
        return max(0, len(self._open.data) - self._position)

    def _require_writable(self) -> None:
        if self._read_only:
            raise WasiError(EROFS)


class VirtualDirectory(Directory):
    """A directory in memory that a guest has open."""

    def __init__(self, folder: Folder, read_only: bool) -> None:
        self.folder = folder
        self.read_only = read_only
        self.tree = folder.tree
        self._end: int | None = None  # The cookie behind the last entry of the listing.

    def _locate(self, path: str, follow: bool) -> tuple[list[Folder], str, Node | None, bool]:
        """Finds what a path names, whether it exists or not.

        Returns:
            The folders on the way to it, its last name, its node or None, and whether the path must
            name a directory.
        """
        way, name, must_be_directory = _WALKER.resolve(self.folder, path, follow)
        node = way[-1] if name == "." else way[-1].find(name)
        return way, name, node, must_be_directory

    def _find(self, path: str, follow: bool) -> tuple[list[Folder], str, Node | None, bool]:
        """Finds what a path names; raises ENOTDIR for a file where a directory is needed."""
        way, name, node, must_be_directory = self._locate(path, follow)
        if must_be_directory and node is not None and not isinstance(node, Folder):
            raise WasiError(ENOTDIR)
        return way, name, node, must_be_directory

    def _existing(self, path: str, follow: bool) -> tuple[list[Folder], str, Node]:
        way, name, node, _ = self._find(path, follow)
        if node is None:
            raise WasiError(ENOENT)
        return way, name, node

    def _new(self, path: str, *, directory: bool = False) -> tuple[list[Folder], str]:
        """Finds the place for something new. Only a directory may have a slash after its name."""
        way, name, node, _ = self._find(path.rstrip("/") or path, False)
        if node is not None:
            raise WasiError(EEXIST)
        if path.endswith("/") and not directory:
            raise WasiError(ENOENT)
        self._require_writable()
        if way[-1].links == 0:
            raise WasiError(ENOENT)
        return way, name

    def _require_writable(self) -> None:
        if self.read_only:
            raise WasiError(EROFS)

    def open(self, path: str, opening: Opening) -> Descriptor:
        """Opens or creates what the path names, for reading and writing as `opening` says."""
        with self.tree.lock:
            return self._open(path, opening)

    def _open(self, path: str, opening: Opening) -> Descriptor:
        oflags = opening.oflags
        exclusive = oflags & (OFLAG_CREAT | OFLAG_EXCL) == OFLAG_CREAT | OFLAG_EXCL
        if oflags & OFLAG_CREAT and creates_directory(path):
            self._locate(path.rstrip("/"), False)
            raise WasiError(EISDIR)
        way, name, node, must_be_directory = self._locate(path, opening.follow and not exclusive)
        if must_be_directory and oflags & OFLAG_CREAT:
            raise WasiError(EEXIST if exclusive else EISDIR)
        if node is None:
            return self._create(way[-1], name, opening)
        if exclusive:
            raise WasiError(EEXIST)
        if isinstance(node, Link):
            raise WasiError(ENOTDIR if oflags & OFLAG_DIRECTORY else ELOOP)
        if isinstance(node, Folder):
            if opening.write or oflags & (OFLAG_CREAT | OFLAG_TRUNC):
                raise WasiError(EISDIR)
            return VirtualDirectoryDescriptor(VirtualDirectory(node, self.read_only))
        if oflags & OFLAG_DIRECTORY or must_be_directory:
            raise WasiError(ENOTDIR)
        assert isinstance(node, File)
        if oflags & OFLAG_TRUNC or (opening.write and not opening.read):
            self._require_writable()
        if oflags & OFLAG_TRUNC:
            node.resize(0)
        return VirtualFile(node, opening, self.read_only)

    def _create(self, folder: Folder, name: str, opening: Opening) -> Descriptor:
        if not opening.oflags & OFLAG_CREAT:
            raise WasiError(ENOENT)
        self._require_writable()
        if folder.links == 0:
            raise WasiError(ENOENT)
        file = File(self.tree)
        folder.put(name, file)
        return VirtualFile(file, opening, self.read_only)

    def entries(self, cookie: int) -> Iterator[tuple[int, Entry]]:
        """Yields the entries in the order in which they were made.

        An entry that was made after the listing began is not listed, so that a guest that renames
        all that it finds comes to an end.
        """
        with self.tree.lock:
            names, cookies = self.folder.listing()
        if cookie == 0:
            self._end = cookies[-1] + 1 if cookies else FIRST_COOKIE
            yield 1, Entry(b".", self.folder.inode, TYPE_DIRECTORY)
        if cookie <= 1:
            yield 2, Entry(b"..", 0, TYPE_DIRECTORY)
        end = len(cookies) if self._end is None else bisect_left(cookies, self._end)
        for i in range(bisect_left(cookies, cookie), end):
            node = self.folder.names.get(names[i])
            if node is not None:  # Another guest may remove it meanwhile.
                yield cookies[i] + 1, Entry(names[i].encode(), node.inode, node.type)

    def end_listing(self) -> None:
        """Does nothing: the folder itself has all that a listing needs."""

    def stat(self, path: str, follow: bool) -> Stat:
        """Describes what the path names."""
        with self.tree.lock:
            return self._existing(path, follow)[2].stat()

    def set_times(self, path: str, follow: bool, times: Times) -> None:
        """Sets the times of what the path names, in nanoseconds."""
        with self.tree.lock:
            node = self._existing(path, follow)[2]
            self._require_writable()
            _set_times(node, times)

    def make_directory(self, path: str) -> None:
        """Creates a directory."""
        with self.tree.lock:
            way, name = self._new(path, directory=True)
            way[-1].put(name, Folder(self.tree))

    def remove_directory(self, path: str) -> None:
        """Removes an empty directory. A symbolic link to a directory is ENOTDIR."""
        self._require_writable()
        with self.tree.lock:
            way, name, node = self._existing(path.rstrip("/") or path, False)
            if name == ".":
                raise WasiError(EINVAL)
            if not isinstance(node, Folder):
                raise WasiError(ENOTDIR)
            if node.names:
                raise WasiError(ENOTEMPTY)
            way[-1].drop(name)

    def unlink(self, path: str) -> None:
        """Removes a file or a symbolic link."""
        self._require_writable()
        with self.tree.lock:
            way, name, node = self._existing(path, False)
            if isinstance(node, Folder):
                raise WasiError(EISDIR)
            way[-1].drop(name)

    def read_link(self, path: str) -> bytes:
        """Returns the target of a symbolic link."""
        with self.tree.lock:
            node = self._existing(path, False)[2]
            if not isinstance(node, Link):
                raise WasiError(EINVAL)
            return node.target.encode()

    def make_link(self, target: str, path: str) -> None:
        """Creates a symbolic link."""
        if not target:
            raise WasiError(ENOENT)
        if target[0] == "/":
            raise WasiError(EPERM)
        with self.tree.lock:
            way, name = self._new(path)
            way[-1].put(name, Link(self.tree, target))

    def rename(self, path: str, to: Directory, to_path: str) -> None:
        """Renames a file or directory, perhaps into another folder of this virtual directory."""
        if not isinstance(to, VirtualDirectory) or to.tree is not self.tree:
            return super().rename(path, to, to_path)
        self._require_writable()
        to._require_writable()
        with self.tree.lock:
            way, name, node, _ = self._find(path.rstrip("/") or path, False)
            to_way, to_name, old, _ = to._find(to_path.rstrip("/") or to_path, False)
            if name == "." or to_name == ".":
                raise WasiError(EBUSY)
            if node is None:
                raise WasiError(ENOENT)
            if not isinstance(node, Folder) and "/" in (path[-1], to_path[-1]):
                raise WasiError(ENOTDIR)
            if to_way[-1].links == 0:
                raise WasiError(ENOENT)
            if old is node:
                return
            _check_replaced(node, to_way[-1], old)
            _move(way[-1], name, node, to_way[-1], to_name)

    def link(self, path: str, follow: bool, to: Directory, to_path: str) -> None:
        """Creates a hard link to `path` at `to_path` below the directory `to`."""
        if not isinstance(to, VirtualDirectory) or to.tree is not self.tree:
            return super().link(path, follow, to, to_path)
        with self.tree.lock:
            _, _, node, must_be_directory = self._find(path, follow)
            if node is None and must_be_directory:
                raise WasiError(ENOENT)
            to._locate(to_path.rstrip("/") or to_path, False)
            if node is None:
                raise WasiError(ENOENT)
            way, name = to._new(to_path)
            # A link elsewhere to a file of a read-only directory would make the file writable.
            self._require_writable()
            if isinstance(node, Folder):
                raise WasiError(EPERM)
            way[-1].put(name, node)
            node.ctime = self.tree.now()


def _check_replaced(node: Node, into: Folder, old: Node | None) -> None:
    """Raises WasiError if rename must not put `node` into a folder, in the place of `old`."""
    if isinstance(node, Folder):
        above: Folder | None = into
        while above is not None:
            if above is node:
                raise WasiError(EINVAL)
            above = above.parent
    if old is None:
        return
    if isinstance(node, Folder) and not isinstance(old, Folder):
        raise WasiError(ENOTDIR)
    if isinstance(old, Folder):
        if not isinstance(node, Folder):
            raise WasiError(EISDIR)
        if old.names:
            raise WasiError(ENOTEMPTY)


def _move(source: Folder, name: str, node: Node, into: Folder, to_name: str) -> None:
    size = name_bytes(to_name)
    # For a moment both names count. The quota is asked first, so that a failure changes nothing.
    node.tree.charge(size)
    node.tree.charge(-size)
    if to_name in into.names:
        into.drop(to_name)
    node.links += 1  # This keeps the node alive while it has no name.
    source.drop(name)
    into.put(to_name, node)
    node.links -= 1


def _close_folder(folder: Folder) -> None:
    with folder.tree.lock:
        folder.count_opened(-1)


class VirtualDirectoryDescriptor(DirectoryDescriptor):
    """A descriptor of a virtual directory."""

    def __init__(self, directory: VirtualDirectory) -> None:
        self.directory: VirtualDirectory = directory
        directory.folder.count_opened(1)

        # The folder is also closed if the descriptor is collected without being closed.
        self._close = weakref.finalize(self, _close_folder, directory.folder)

    def close(self) -> None:
        """Closes the folder. A removed folder is gone with its last descriptor."""
        self._close()

    def stat(self) -> Stat:
        """Describes the directory."""
        return self.directory.folder.stat()

    def set_times(self, times: Times) -> None:
        """Sets the times of the directory, in nanoseconds."""
        self.directory.set_times(".", False, times)


def preopened(directory: VirtualDir, clock: Callable[[], int]) -> Descriptor:
    """Returns a descriptor of a virtual directory that a guest finds preopened.

    Times in the directory come from the guest's clock from now on.
    """
    directory._tree.use_clock(clock)
    return VirtualDirectoryDescriptor(VirtualDirectory(directory._root, directory.read_only))
