# SPDX-License-Identifier: MIT
"""Directories in memory, which a guest uses like any other and the host uses as a mapping."""

from __future__ import annotations

from _thread import RLock
from collections.abc import Iterator, Mapping
from itertools import islice

from .._pypy import in_order
from .abi import (
    EFBIG,
    ENAMETOOLONG,
    ENOSPC,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SYMBOLIC_LINK,
    WasiError,
)
from .records import Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from typing_extensions import Buffer

    from .descriptors import Piece

    Listing: TypeAlias = tuple[list[str], list[int]]
    Contents: TypeAlias = "Mapping[str, Buffer | str | Contents]"

_NODE_BYTES = 256  # An entry counts as this many bytes of the quota, plus name and contents.
_MAX_NAME = 255  # A name has at most this many bytes, as on Linux.
MAX_FILE_BYTES = (1 << 44) - 4096  # The largest file and the last position of ext4.


class Tree:
    """What the nodes of a virtual directory share: the lock, the quota, inode numbers, the clock.

    Attributes:
        began: The time when the first guest was given the directory, by that guest's clock.
    """

    def __init__(self, max_bytes: int) -> None:
        self.lock = RLock()
        self.began = 0
        self._clock: Callable[[], int] | None = None
        self._left = max_bytes
        self._inodes = 0

    def use_clock(self, clock: Callable[[], int]) -> None:
        """Takes the clock of a guest that is given the directory, instead of an earlier one's."""
        now = clock()
        if self._clock is None:
            self.began = now
        self._clock = clock

    def now(self) -> int | None:
        """Returns the time. Before the first guest it is None, which stands for `began`."""
        return None if self._clock is None else self._clock()

    def charge(self, size: int) -> None:
        """Takes bytes from the quota, or gives them back if the size is negative.

        Raises:
            WasiError: ENOSPC, when the quota is used up.
        """
        if size > self._left:
            raise WasiError(ENOSPC)
        self._left -= size

    def new_inode(self) -> int:
        """Returns an inode number that no other node has."""
        self._inodes += 1
        return self._inodes


class Node:
    """A file, a directory or a symbolic link. It counts against the quota until it is gone."""

    type = TYPE_REGULAR

    def __init__(self, tree: Tree, size: int = 0) -> None:
        """Takes room for the node and for `size` bytes of contents from the quota."""
        self.atime = self.mtime = self.ctime = tree.now()
        tree.charge(_NODE_BYTES + size)
        self.tree = tree
        self.inode = tree.new_inode()
        self.links = 0
        self._opened = 0

    def size(self) -> int:
        """Returns the size in bytes."""
        return 0

    def stat(self) -> Stat:
        """Returns what fd_filestat_get tells."""
        began = self.tree.began
        times = (began if t is None else t for t in (self.atime, self.mtime, self.ctime))
        return Stat(0, self.inode, self.type, self.links, self.size(), *times)

    def touch(self) -> None:
        """Sets the times of modification and change to the present time."""
        self.mtime = self.ctime = self.tree.now()

    def count_opened(self, count: int) -> None:
        """Adds to the number of open descriptors of this node; a negative number subtracts."""
        self._opened += count
        self.release_if_gone()

    def release_if_gone(self) -> None:
        """Returns the node's bytes to the quota, if it has no name and is not open any more."""
        if self.links == 0 and self._opened == 0:
            self.tree.charge(-_NODE_BYTES - self.size())


class File(Node):
    """A file, which holds its contents."""

    def __init__(self, tree: Tree, data: bytes = b"") -> None:
        super().__init__(tree, len(data))
        self.data = bytearray(data)

    def size(self) -> int:
        """Returns the size of the contents in bytes."""
        return len(self.data)

    def resize(self, size: int) -> None:
        """Cuts the contents to a size, or fills them up with zeros."""
        if size > MAX_FILE_BYTES:
            raise WasiError(EFBIG)
        have = len(self.data)
        self.tree.charge(size - have)
        if size < have:
            del self.data[size:]
        else:
            self.data.extend(bytes(size - have))
        self.touch()

    def write_at(self, offset: int, buffer: Piece) -> None:
        """Writes at an offset, and lets the file grow as needed."""
        end = offset + len(buffer)
        if end > len(self.data):
            self.resize(end)
        self.data[offset:end] = buffer
        self.touch()


class Link(Node):
    """A symbolic link."""

    type = TYPE_SYMBOLIC_LINK

    def __init__(self, tree: Tree, target: str) -> None:
        super().__init__(tree, len(target.encode()))
        self.target = target

    def size(self) -> int:
        """Returns the size of the target in bytes."""
        return len(self.target.encode())


FIRST_COOKIE = 2  # The cookie of the first entry of a directory: "." and ".." come before it.


class Folder(Node):
    """A directory, which holds its entries.

    Attributes:
        parent: The directory that it lies in. The root and a removed directory have None.
    """

    type = TYPE_DIRECTORY

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self.parent: Folder | None = None
        self.names: dict[str, Node] = {}
        # The number of each entry that was listed, in the order of the numbers; None until the
        # directory is listed. It is the cookie of the entry in every listing.
        self._numbers: dict[str, int] | None = None
        self._next_number = FIRST_COOKIE
        # The names and the numbers as lists; None after a change.
        self._listing: Listing | None = None

    def listing(self) -> Listing:
        """Returns the names of the entries, oldest first, and the cookie of each, which rises.

        All guests that list the directory share it, until the directory changes. The caller has the
        lock of the tree.
        """
        if self._listing is None:
            if self._numbers is None:
                self._numbers = {}
            for name in islice(self.names, len(self._numbers), None):  # What came last.
                self._numbers[name] = self._next_number
                self._next_number += 1
            self._listing = list(self._numbers), list(self._numbers.values())
        return self._listing

    def find(self, name: str) -> Node | None:
        """Returns the node with a name, or None.

        Raises:
            WasiError: ENAMETOOLONG, when the name has more than 255 bytes.
        """
        if name_bytes(name) > _MAX_NAME:
            raise WasiError(ENAMETOOLONG)
        return self.names.get(name)

    def put(self, name: str, node: Node) -> None:
        """Adds an entry."""
        try:
            self.tree.charge(name_bytes(name))
        except WasiError:
            node.release_if_gone()
            raise
        self.names[name] = node
        self._listing = None
        node.links += 1
        if isinstance(node, Folder):
            node.parent = self
        self.touch()

    def drop(self, name: str) -> None:
        """Removes an entry."""
        node = self.names.pop(name)
        self._listing = None
        if self._numbers is not None:
            self._numbers.pop(name, None)
        self.tree.charge(-name_bytes(name))
        if isinstance(node, Folder):
            node.parent = None
        node.links -= 1
        node.release_if_gone()
        self.touch()


def name_bytes(name: str) -> int:
    """Returns how many bytes of the quota a name takes."""
    return len(name.encode())


class VirtualDir(Mapping[str, bytes]):
    """A directory in memory, which a guest can be given as a preopened directory.

    It is a mapping from the paths of its files ("a/b.txt") to their bytes. The host may look at it
    and change it at any time: after a run, ``directory["out.txt"]`` is what the guest wrote.

    Times of files come from the clock of the guest that was given the directory last. Files that
    the host made before have the time when the first guest was given it.

    Args:
        contents: A mapping from names to contents: bytes, text (stored as UTF-8), or a mapping for
            a directory.
        read_only: Refuse everything by which a guest would change the directory (EROFS). The host
            can still change it.
        max_bytes: How much the directory may hold. Each entry counts as 256 bytes, its name and its
            contents. A guest that wants more gets ENOSPC.

    Raises:
        ValueError: A name is empty, "." or ".."; it contains a slash or NUL; it has more than 255
            bytes; or the contents take more than `max_bytes`.
        TypeError: The contents have another type.
    """

    def __init__(
        self,
        contents: Contents | None = None,
        *,
        read_only: bool = False,
        max_bytes: int = 64 << 20,
    ) -> None:
        self._tree = Tree(max_bytes)
        self.read_only = read_only
        with _enospc_is_value_error():
            self._root = Folder(self._tree)
            self._root.links = 1
            self._fill(self._root, {} if contents is None else contents)

    def _fill(self, folder: Folder, contents: Contents) -> None:
        if not isinstance(contents, Mapping):
            raise TypeError(f"contents must be a mapping, not {type(contents).__name__}")
        for name, value in contents.items():
            _check_name(name)
            if isinstance(value, Mapping):
                below = Folder(self._tree)
                folder.put(name, below)
                self._fill(below, value)
            else:
                folder.put(name, File(self._tree, _bytes_of(value)))

    def _find(self, path: str) -> tuple[Folder, str]:
        """Returns the folder that a path leads to, and the last name. KeyError if there is none."""
        folder = self._root
        *parents, name = path.split("/")
        for parent in parents:
            below = folder.names.get(parent)
            if not isinstance(below, Folder):
                raise KeyError(path)
            folder = below
        return folder, name

    def __getitem__(self, path: str) -> bytes:
        """Returns the contents of a file.

        Raises:
            KeyError: There is no file with that path.
        """
        with self._tree.lock:
            folder, name = self._find(path)
            node = folder.names.get(name)
            if not isinstance(node, File):
                raise KeyError(path)
            return bytes(node.data)

    def __setitem__(self, path: str, data: Buffer | str) -> None:
        """Makes or replaces a file, and makes the directories on its path.

        Raises:
            ValueError: The path has a name that cannot be one, a directory on it is a file, the
                path names a directory, or the contents do not fit into `max_bytes`.
        """
        contents = _bytes_of(data)
        with self._tree.lock, _enospc_is_value_error():
            folder = self._root
            *parents, name = path.split("/")
            for parent in parents:
                _check_name(parent)
                if parent not in folder.names:
                    folder.put(parent, Folder(self._tree))
                below = folder.names[parent]
                if not isinstance(below, Folder):
                    raise ValueError(f"{path!r}: {parent!r} is not a directory")
                folder = below
            _check_name(name)
            old = folder.names.get(name)
            if isinstance(old, Folder):
                raise ValueError(f"{path!r} is a directory")
            new = File(self._tree, contents)
            if old is not None:
                folder.drop(name)
            folder.put(name, new)

    def __delitem__(self, path: str) -> None:
        """Removes a file or a symbolic link.

        Raises:
            KeyError: There is no file or link with that path.
        """
        with self._tree.lock:
            folder, name = self._find(path)
            if isinstance(folder.names.get(name), (Folder, type(None))):
                raise KeyError(path)
            folder.drop(name)

    def __iter__(self) -> Iterator[str]:
        """Iterates over the paths of all files."""
        with self._tree.lock:
            return iter(_paths(self._root))

    def __len__(self) -> int:
        """Returns the number of files."""
        return sum(1 for _ in self)

    def to_dict(self) -> dict[str, object]:
        """Returns nested dicts, as the constructor takes them. Symbolic links are left out."""
        with self._tree.lock:
            return _dict_of(self._root)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """Shows how many files there are."""
        return f"<pywasm3.wasi.VirtualDir: {len(self)} files>"


class _enospc_is_value_error:
    """Turns ENOSPC into ValueError, for calls of the host."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, WasiError):
            raise ValueError(
                "the contents take more than max_bytes, which VirtualDir(max_bytes=) sets"
            ) from None


# The two functions below are not recursive, because a guest may nest directories deeper than
# Python can call.


VirtualDir.__module__ = "pywasm3.wasi"


def _paths(folder: Folder) -> list[str]:
    paths, waiting = [], [("", folder)]
    while waiting:
        prefix, folder = waiting.pop()
        for name, node in folder.names.items():
            if isinstance(node, Folder):
                waiting.append((f"{prefix}{name}/", node))
            elif isinstance(node, File):
                paths.append(prefix + name)
    return paths


def _dict_of(folder: Folder) -> dict[str, object]:
    whole: dict[str, object] = {}
    waiting = [(whole, folder)]
    while waiting:
        below, folder = waiting.pop()
        for name, node in folder.names.items():
            if isinstance(node, Folder):
                inner: dict[str, object] = {}
                below[name] = inner
                waiting.append((inner, node))
            elif isinstance(node, File):
                below[name] = bytes(node.data)
    return whole


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a name must be str, not {type(name).__name__}")
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} cannot be a name in a directory")
    if name_bytes(name) > _MAX_NAME:
        raise ValueError(f"a name must not have more than {_MAX_NAME} bytes: {name!r}")


def _bytes_of(data: Buffer | str) -> bytes:
    if isinstance(data, str):
        return data.encode()
    try:
        return bytes(in_order(memoryview(data)))
    except TypeError:
        raise TypeError(
            f"contents must be bytes, text or a mapping, not {type(data).__name__}"
        ) from None
