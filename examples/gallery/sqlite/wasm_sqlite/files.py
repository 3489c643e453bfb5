# SPDX-License-Identifier: MIT
"""The files that SQLite works with when the database is a file object of Python.

The file object holds the database. SQLite also wants a journal, with which it undoes a transaction
that does not come to its end; that is an object in memory, beside the file object. The guest calls
these functions (guest/vfs.c is its side), and does not get anything else of the host. It may be
under control of a hostile database, so it is told no names but those two, and `max_bytes` bounds
what it can make of either file.
"""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, TypeGuard

from pywasm3 import Memory

DATABASE = "database"
JOURNAL = "database-journal"
_HANDLES = {DATABASE: 0, JOURNAL: 1}

_FAILED = -1
_FULL = -2


class ObjectFiles:
    """The host's functions for a database in a file object.

    An exception that the file object raises must not tear the guest from the middle of its work,
    because SQLite could not undo its transaction then. So it is kept, SQLite is told that the
    operation failed, and the exception is raised when SQLite has come to its end with an error.

    Args:
        file: A binary file object that can seek, read, and write. If its method `writable` says
            that it cannot, the database can only be read.
        max_bytes: How large the database may become, and the journal.
    """

    _memory: Memory
    _keep: Callable[[BaseException], None]

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._files: list[BinaryIO] = [file, io.BytesIO()]
        self._max_bytes = max_bytes

    def attach(self, memory: Memory, keep: Callable[[BaseException], None]) -> None:
        """Connects the files with a new guest: its memory, and what to call with an exception."""
        self._memory = memory
        self._keep = keep

    @property
    def has_journal(self) -> bool:
        """Whether a transaction has begun to change the file, and has not ended."""
        return self._size(JOURNAL) > 0

    @property
    def read_only(self) -> bool:
        """Whether the file object says that it cannot be written to."""
        writable = getattr(self._files[0], "writable", None)
        return writable is not None and not writable()

    def imports(self) -> dict[str, Callable[..., int]]:
        """Returns the functions under the names by which the guest imports them."""
        functions = (
            self.open,
            self.close,
            self.read,
            self.write,
            self.truncate,
            self.sync,
            self.size,
            self.delete,
            self.exists,
        )
        return {function.__name__: self._keeping(function) for function in functions}

    def _keeping(self, function: Callable[..., int]) -> Callable[..., int]:
        def call(*args: int) -> int:
            try:
                return function(*args)
            except BaseException as error:
                self._keep(error)
                return _FAILED

        return call

    def open(self, address: int, size: int, flags: int) -> int:
        return _HANDLES.get(self._name(address, size), _FAILED)

    def close(self, handle: int) -> int:
        return 0

    def read(self, handle: int, address: int, size: int, offset: int) -> int:
        data = _read(self._seek(handle, offset), size)
        self._memory.write(address, data)
        return len(data)

    def write(self, handle: int, address: int, size: int, offset: int) -> int:
        if offset + size > self._max_bytes:
            return _FULL
        _write(self._seek(handle, offset), self._memory.read(address, size))
        return 0

    def truncate(self, handle: int, size: int) -> int:
        if not 0 <= size <= self._max_bytes:
            return _FULL
        self._files[handle].truncate(size)
        return 0

    def sync(self, handle: int) -> int:
        file = self._files[handle]
        file.flush()
        try:
            number = file.fileno()
        except (OSError, AttributeError):
            return 0  # The file object is not a file of the system.
        os.fsync(number)
        return 0

    def size(self, handle: int) -> int:
        return self._files[handle].seek(0, io.SEEK_END)

    def delete(self, address: int, size: int) -> int:
        if self._name(address, size) != JOURNAL:
            return _FAILED
        self._files[_HANDLES[JOURNAL]] = io.BytesIO()
        return 0

    def exists(self, address: int, size: int) -> int:
        return int(self._size(self._name(address, size)) > 0)

    def _size(self, name: str) -> int:
        return self.size(_HANDLES[name]) if name in _HANDLES else 0

    def _name(self, address: int, size: int) -> str:
        return str(self._memory.read_str(address, min(size, 64)))

    def _seek(self, handle: int, offset: int) -> BinaryIO:
        file = self._files[handle]
        file.seek(offset)
        return file


def is_file_object(database: object) -> TypeGuard[BinaryIO]:
    """Returns whether a database is given as a file object, and not by its name."""
    return hasattr(database, "read") and hasattr(database, "seek")


def _read(file: BinaryIO, size: int) -> bytes:
    """Reads up to `size` bytes: fewer only at the end. One call of `read` may give fewer."""
    data = b""
    while len(data) < size:
        part = file.read(size - len(data))
        if not isinstance(part, bytes):
            raise TypeError(f"read() of the file object must return bytes, not {part!r:.100}")
        if len(part) > size - len(data):
            raise ValueError(f"read() of the file object returned more than {size} bytes")
        if not part:
            break
        data += part
    return data


def _write(file: BinaryIO, data: bytes) -> None:
    """Writes all bytes. One call of `write` may write fewer."""
    while data:
        count = file.write(data)
        if not isinstance(count, int) or not 0 < count <= len(data):
            raise OSError(f"write() of the file object returned {count!r} for {len(data)} bytes")
        data = data[count:]
