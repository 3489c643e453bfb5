# SPDX-License-Identifier: MIT
"""Standard input and output: a file object, given bytes, captured output, or nothing."""

from __future__ import annotations

import codecs
import io
from contextlib import contextmanager

from .._pypy import in_order
from .abi import EAGAIN, EIO, ENOSPC, ESPIPE, WasiError
from .descriptors import Descriptor, write_each
from .waiting import by_pieces, unlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .descriptors import Piece, Write

_MOST_AT_ONCE = 1 << 20
_MOST_OF_FAST_PATH = 4096  # This is SMALL of native/cpython/fd_write.c.


class Stream(Descriptor):
    """A stream, which is read or written in order and has no position."""

    def read(self, buffers: list[memoryview]) -> int:
        """Fills the buffers in turn with the bytes that are ready."""
        left = data = memoryview(self.read_some(sum(map(len, buffers))))
        for buffer in buffers:
            piece = left[: len(buffer)]
            buffer[: len(piece)] = piece
            left = left[len(piece) :]
        return len(data)

    def write(self, buffers: list[memoryview]) -> int:
        """Writes the buffers in turn."""
        assert self.write_one is not None
        return write_each(self.write_one, buffers)

    def read_some(self, size: int) -> Piece:
        """Returns the next bytes, at most `size` of them."""
        return b""

    def advise(self, offset: int, size: int, advice: int) -> None:
        """Refuses advice, as a pipe does."""
        raise WasiError(ESPIPE)

    def allocate(self, offset: int, size: int) -> None:
        """Refuses to reserve room, as a pipe does."""
        raise WasiError(ESPIPE)


class DroppedOutput(Stream):
    """An output stream whose bytes are dropped."""

    def __init__(self) -> None:
        self.open_for(read=False, write=True)
        self.write_one = len


class CapturedOutput(Stream):
    """An output stream whose bytes are kept for the host."""

    def __init__(self, max_bytes: int) -> None:
        """Takes how many bytes are kept at most; when the guest writes more, it gets ENOSPC."""
        self.open_for(read=False, write=True)
        self.data = bytearray()
        self._max_bytes = max_bytes
        self.write_one = self._write_one

    def _write_one(self, buffer: Piece) -> int:
        if len(self.data) + len(buffer) > self._max_bytes:
            raise WasiError(ENOSPC)
        self.data += buffer
        return len(buffer)


class GivenInput(Stream):
    """An input stream of bytes that are known beforehand."""

    def __init__(self, data: bytes) -> None:
        self.open_for(read=True, write=False)
        self._data = memoryview(data)

    def read_some(self, size: int) -> Piece:
        """Returns the next of the bytes that are left."""
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def readable_bytes(self) -> int:
        """Returns how many bytes are left."""
        return len(self._data)


class FileInput(Stream):
    """An input stream from a Python file object."""

    def __init__(self, file: Any) -> None:
        """Takes a file that is open for reading, in text or binary mode."""
        self.open_for(read=True, write=False)
        self._read = _reader_for(file)
        self._rest = b""

    def read_some(self, size: int) -> Piece:
        """Returns what one read of the file brings; a second read might have to wait for more."""
        if not size:
            return b""
        if not self._rest:
            with unlocked():
                read = self._read(min(size, _MOST_AT_ONCE))
            if read is None:
                raise WasiError(EAGAIN)
            self._rest += read  # other threads of the guest may have read meanwhile
        data = self._rest
        self._rest = data[size:]
        return data[:size]

    def readable_bytes(self) -> int:
        """Returns how many bytes were read from the file, but not by the guest yet."""
        return len(self._rest)


def _reader_for(file: Any) -> Callable[[int], bytes | None]:
    """Returns how to read from a file. The result of a read is None if nothing is there yet."""
    binary = getattr(file, "buffer", file)
    if isinstance(binary, io.TextIOBase):

        def read_line(size: int) -> bytes:
            # One line is enough for a terminal. A character has up to 4 bytes in UTF-8.
            line = str(file.readline(max(1, size // 4)))
            return line.encode("utf-8", "replace")

        return read_line
    read = getattr(binary, "read1", None) or binary.read

    def read_some(size: int) -> bytes | None:
        data = read(size)
        if isinstance(data, str):
            return data.encode("utf-8", "replace")
        return None if data is None else bytes(in_order(memoryview(data)))

    return read_some


class FileOutput(Stream):
    """An output stream to a Python file object."""

    def __init__(self, file: Any, most: int) -> None:
        """Takes a file that is open for writing, in text or binary mode.

        It is given at most `most` bytes at a time.
        """
        self.open_for(read=False, write=True)
        self._file = file
        self._most = most
        self._write_all, self._finish = _writer_for(file)
        # The fast path of fd_write passes buffers of up to 4096 bytes.
        self.write_one = self._write_all if most >= _MOST_OF_FAST_PATH else self._write_pieces

    def write(self, buffers: list[memoryview]) -> int:
        """Writes the buffers in turn, each in pieces if it is large."""
        return write_each(self._write_pieces, buffers)

    def _write_pieces(self, buffer: Piece) -> int:
        def write(piece: list[memoryview], _: int) -> int:
            return self._write_all(piece[0])

        return by_pieces([memoryview(buffer)], write, self._most)

    def sync(self, data_only: bool) -> None:
        """Flushes the file."""
        _flush(self._file)

    def close(self) -> None:
        """Flushes the file, but leaves it open, because it belongs to the host."""
        if not getattr(self._file, "closed", False):
            self._finish()
            _flush(self._file)


@contextmanager
def _eagain() -> Iterator[None]:
    """Passes on that a file would block as EAGAIN, so that nobody calls the file again."""
    try:
        yield
    except BlockingIOError:
        raise WasiError(EAGAIN) from None


def _flush(file: Any) -> None:
    flush = getattr(file, "flush", None)
    if flush is not None:
        flush()


def _writer_for(file: Any) -> tuple[Write, Callable[[], None]]:
    """Returns how to write one buffer to a file, and what to do at the end."""
    binary = getattr(file, "buffer", None)
    if isinstance(file, io.TextIOBase) and binary is not None:
        return _under_text(file, _as_bytes(binary)), _nothing
    if _is_text(file):
        return _as_text(file)
    return _as_bytes(file), _nothing


def _nothing() -> None:
    pass


def _as_bytes(file: Any) -> Write:
    """Returns how to write a buffer to a binary file."""
    write = file.write
    raw = isinstance(file, io.RawIOBase)

    def write_bytes(buffer: Piece) -> int:
        try:
            size = write(bytes(buffer))
        except BlockingIOError as error:
            # A buffered writer over a full nonblocking file accepted this many bytes.
            size = getattr(error, "characters_written", 0)
            if not size:
                raise WasiError(EAGAIN) from None
        if size is None:
            if raw:
                raise WasiError(EAGAIN)
            return len(buffer)
        return _written(size, buffer)

    return write_bytes


def _written(size: object, buffer: Piece) -> int:
    """Returns what write() of a file has returned, if it can be a number of bytes written."""
    if not isinstance(size, int) or not 0 <= size <= len(buffer):
        raise WasiError(EIO)
    return size


def _is_text(file: Any) -> bool:
    if isinstance(file, io.TextIOBase):
        return True
    return not isinstance(file, io.IOBase) and getattr(file, "encoding", None) is not None


def _under_text(file: Any, write_bytes: Write) -> Write:
    """Returns how to write to the file under a text file, after what the host has written to it."""

    def write(buffer: Piece) -> int:
        with _eagain():
            file.flush()
        return write_bytes(buffer)

    return write


def _as_text(file: Any) -> tuple[Write, Callable[[], None]]:
    """Returns how to write to a text file, and what to do at the end.

    A character may come in two pieces; invalid UTF-8 becomes U+FFFD.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def write(buffer: Piece) -> int:
        text = decode(buffer)
        if text:
            with _eagain():
                file.write(text)
        return len(buffer)

    def finish() -> None:
        text = decode(b"", final=True)
        if text:
            file.write(text)

    return write, finish
