# SPDX-License-Identifier: MIT
"""Reads numbers, names and lists of the binary format of modules, and writes them."""

from __future__ import annotations

from ._errors import MalformedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTINUES = 0x80
_LARGEST_SHIFT = 28  # of the fifth byte of a 32-bit number


class Reader:
    """Reads bytes from the beginning to the end.

    Attributes:
        offset: Where the next byte is.
    """

    __slots__ = ("_data", "_what", "offset")

    def __init__(self, data: bytes, what: str, offset: int = 0) -> None:
        """Takes the bytes, and the words for them that stand in messages of errors."""
        self._data = data
        self._what = what
        self.offset = offset

    @property
    def at_end(self) -> bool:
        """Whether all bytes have been read."""
        return self.offset >= len(self._data)

    def byte(self) -> int:
        """Reads one byte."""
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        """Reads some bytes.

        Raises:
            MalformedError: There are not so many.
        """
        end = self.offset + size
        if end > len(self._data):
            raise MalformedError(f"{self._what} ends too early", offset=self.offset)
        data = self._data[self.offset : end]
        self.offset = end
        return data

    def u32(self) -> int:
        """Reads a 32-bit number (specification, section 5.2.2).

        Raises:
            MalformedError: The bytes are not one.
        """
        value = 0
        for shift in range(0, _LARGEST_SHIFT + 1, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < _CONTINUES:
                break
        if byte >= _CONTINUES or value >= 1 << 32:
            raise MalformedError(f"{self._what} has a number of too many bits", offset=self.offset)
        return value

    def name(self, errors: str = "strict") -> str:
        """Reads a name, which has its length before it.

        Args:
            errors: What to do if the bytes are not UTF-8, as for ``bytes.decode``.

        Raises:
            MalformedError: The bytes are not UTF-8, or there are not so many.
        """
        data = self.take(self.u32())
        try:
            return data.decode("utf-8", errors)
        except UnicodeDecodeError:
            raise MalformedError(
                f"{self._what} has a name that is not UTF-8", offset=self.offset
            ) from None

    def names(self) -> tuple[str, ...]:
        """Reads a list of names."""
        return tuple([self.name() for _ in self.items()])

    def items(self) -> Iterator[int]:
        """Reads the length of a list, and yields the number of each item."""
        yield from range(self.u32())


def leb(number: int) -> bytes:
    """Returns a number as unsigned LEB128 (specification, section 5.2.2)."""
    data = bytearray()
    while number >= _CONTINUES:
        data.append(number & 0x7F | _CONTINUES)
        number >>= 7
    data.append(number)
    return bytes(data)


def sized(data: bytes) -> bytes:
    """Returns bytes with their number before them, as names and sections have it."""
    return leb(len(data)) + data


def section(number: int, contents: bytes) -> bytes:
    """Returns a section of a module, given its id and its contents."""
    return bytes((number,)) + sized(contents)
