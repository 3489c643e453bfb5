# SPDX-License-Identifier: MIT
"""Directories in memory: a guest reads and writes them as any other, the host as a mapping."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from .abi import ENAMETOOLONG, ENOSPC, TYPE_DIRECTORY, TYPE_REGULAR, TYPE_SYMBOLIC_LINK, WasiError
from .fds import Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from typing_extensions import Buffer

    from .fds import Piece

    Contents: TypeAlias = "Mapping[str, Buffer | str | Contents]"

_NODE_BYTES = 256  # what an entry counts for, beside its name and its contents
_MAX_NAME = 255  # bytes, as Linux


class Tree:
    """What all nodes of a virtual directory share: a lock, a quota, numbers for inodes, the time.

    Attributes:
        began: When the first guest was given it, by that guest's clock.
    """

    def __init__(self, max_bytes: int) -> None:
        self.lock = threading.RLock()
        self.began = 0
        self._clock: Callable[[], int] | None = None
        self._left = max_bytes
        self._inodes = 0

    def begin(self, clock: Callable[[], int]) -> None:
        """A guest is given it, whose clock it has from now on."""
        now = clock()
        if self._clock is None:
            self.began = now
        self._clock = clock

    def now(self) -> int | None:
        """The time; None before there is a guest, which stands for `began`."""
        return None if self._clock is None else self._clock()

    def charge(self, size: int) -> None:
        """Takes bytes of the quota, or gives them back.

        Raises:
            WasiError: ENOSPC.
        """
        if size > self._left:
            raise WasiError(ENOSPC)
        self._left -= size

    def new_inode(self) -> int:
        """A number that no other node has."""
        self._inodes += 1
        return self._inodes


class Node:
    """A file, a directory or a symbolic link."""

    type = TYPE_REGULAR

    def __init__(self, tree: Tree, size: int = 0) -> None:
        """Takes the room for what it holds, too."""
        self.atime = self.mtime = self.ctime = tree.now()
        tree.charge(_NODE_BYTES + size)
        self.tree = tree
        self.inode = tree.new_inode()
        self.links = 0
        self._opened = 0

    def size(self) -> int:
        """In bytes."""
        return 0

    def stat(self) -> Stat:
        """What fd_filestat_get tells."""
        began = self.tree.began
        times = (began if t is None else t for t in (self.atime, self.mtime, self.ctime))
        return Stat(0, self.inode, self.type, self.links, self.size(), *times)

    def touch(self) -> None:
        """It is modified now."""
        self.mtime = self.ctime = self.tree.now()

    def opened(self, count: int) -> None:
        """So many descriptors more, or less, stand for it."""
        self._opened += count
        self.give_back()

    def give_back(self) -> None:
        """What has no name and is not open is gone: the quota gets back what it took."""
        if self.links == 0 and self._opened == 0:
            self.tree.charge(-_NODE_BYTES - self.size())


class File(Node):
    """A file's contents."""

    def __init__(self, tree: Tree, data: bytes = b"") -> None:
        super().__init__(tree, len(data))
        self.data = bytearray(data)

    def size(self) -> int:
        """Of the contents."""
        return len(self.data)

    def resize(self, size: int) -> None:
        """Cuts it, or fills it up with zeros."""
        have = len(self.data)
        self.tree.charge(size - have)
        if size < have:
            del self.data[size:]
        else:
            self.data.extend(bytes(size - have))
        self.touch()

    def write_at(self, offset: int, buffer: Piece) -> None:
        """Writes, and grows as needed."""
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
        """Of the target."""
        return len(self.target.encode())


class Folder(Node):
    """A directory's entries.

    Attributes:
        parent: The directory it lies in; None for the root, and for what was removed.
    """

    type = TYPE_DIRECTORY

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self.parent: Folder | None = None
        self.names: dict[str, Node] = {}

    def find(self, name: str) -> Node | None:
        """The entry of a name.

        Raises:
            WasiError: ENAMETOOLONG.
        """
        if name_bytes(name) > _MAX_NAME:
            raise WasiError(ENAMETOOLONG)
        return self.names.get(name)

    def put(self, name: str, node: Node) -> None:
        """Adds an entry."""
        try:
            self.tree.charge(name_bytes(name))
        except WasiError:
            node.give_back()
            raise
        self.names[name] = node
        node.links += 1
        if isinstance(node, Folder):
            node.parent = self
        self.touch()

    def drop(self, name: str) -> None:
        """Removes an entry."""
        node = self.names.pop(name)
        self.tree.charge(-name_bytes(name))
        if isinstance(node, Folder):
            node.parent = None
        node.links -= 1
        node.give_back()
        self.touch()


def name_bytes(name: str) -> int:
    """What a name counts for."""
    return len(name.encode())


class VirtualDir(Mapping[str, bytes]):
    """A directory in memory, to be preopened.

    It is a mapping from the paths of its files ("a/b.txt") to their bytes, which the host may look
    at and change at any time: ``directory["out.txt"]`` after a run is what the guest wrote.

    Its times are those of the clock of the guest that was given it last. What the host put there
    before has the time when the first one was given it.

    Args:
        contents: Names to contents: bytes, text (as UTF-8), or a mapping for a directory.
        read_only: Refuse all that would change it (EROFS). The host still can.
        max_bytes: How much it may hold, each entry counted as 256 bytes and its name; a guest that
            wants more gets ENOSPC.

    Raises:
        ValueError: A name is empty, or contains a slash or NUL, or is "." or "..", or has more than
            255 bytes; it does not fit.
        TypeError: The contents are of another type.
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
        with _host_errors():
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
        """The folder of a path, and its last name. KeyError when there is no such folder."""
        folder = self._root
        *parents, name = path.split("/")
        for parent in parents:
            below = folder.names.get(parent)
            if not isinstance(below, Folder):
                raise KeyError(path)
            folder = below
        return folder, name

    def __getitem__(self, path: str) -> bytes:
        """The contents of a file.

        Raises:
            KeyError: There is no file of that path.
        """
        with self._tree.lock:
            folder, name = self._find(path)
            node = folder.names.get(name)
            if not isinstance(node, File):
                raise KeyError(path)
            return bytes(node.data)

    def __setitem__(self, path: str, data: Buffer | str) -> None:
        """Makes or replaces a file, and the directories on its path.

        Raises:
            ValueError: A name cannot be one, is that of something else, or it does not fit.
        """
        contents = _bytes_of(data)
        with self._tree.lock, _host_errors():
            folder = self._root
            *parents, name = path.split("/")
            for parent in parents:
                _check_name(parent)
                if parent not in folder.names:
                    folder.put(parent, Folder(self._tree))
                below = folder.names[parent]
                if not isinstance(below, Folder):
                    raise ValueError(f"{path!r}: {parent!r} is no directory")
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
            KeyError: There is none of that path.
        """
        with self._tree.lock:
            folder, name = self._find(path)
            if isinstance(folder.names.get(name), (Folder, type(None))):
                raise KeyError(path)
            folder.drop(name)

    def __iter__(self) -> Iterator[str]:
        """Over the paths of all files."""
        with self._tree.lock:
            return iter(_paths(self._root))

    def __len__(self) -> int:
        """How many files there are."""
        return sum(1 for _ in self)

    def to_dict(self) -> dict[str, object]:
        """The contents as nested dicts, in the shape that the constructor takes; links left out."""
        with self._tree.lock:
            return _dict_of(self._root)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """How many files there are."""
        return f"<pywasm3.wasi.VirtualDir: {len(self)} files>"


class _host_errors:
    """ENOSPC as ValueError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, WasiError):
            raise ValueError("more than max_bytes") from None


# Not recursive: a guest may nest directories deeper than Python calls.


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
        raise ValueError(f"a name has more than {_MAX_NAME} bytes: {name!r}")


def _bytes_of(data: Buffer | str) -> bytes:
    if isinstance(data, str):
        return data.encode()
    try:
        return bytes(memoryview(data))
    except TypeError:
        raise TypeError(
            f"contents must be bytes, text or a mapping, not {type(data).__name__}"
        ) from None
