# SPDX-License-Identifier: MIT
"""Counts what a host keeps for its guest, so that a guest cannot use up the host's memory."""

from __future__ import annotations

from collections import deque
from sys import getsizeof

from .._pypy import made_room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._errors import WasmError


_HEADER = 64  # about what CPython adds to the characters or bytes of an object


def size_of(value: str | bytes | bytearray) -> int:
    """Returns how many bytes a text or a sequence of bytes takes.

    PyPy does not say that. There, a text that is not ASCII counts as four bytes for each character.
    """
    width = 4 if isinstance(value, str) and not value.isascii() else 1
    return getsizeof(value, _HEADER + width * len(value))


class Budget:
    """The bytes that a host may keep for one guest. A subclass says what error a guest gets.

    Attributes:
        limit: How many bytes there may be.
    """

    __slots__ = ("_returned", "_used", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        # What finalizers give back. They may run on any thread and in the middle of `take`, and
        # appending to a deque is one step.
        self._returned: deque[int] = deque()

    def exceeded(self, total: int) -> WasmError:
        """Returns the error of a guest for which the host would keep so many bytes."""
        raise NotImplementedError

    @property
    def used(self) -> int:
        """How many bytes are taken."""
        returned = self._returned
        while returned:
            self._used -= returned.pop()
        return self._used

    def check(self, size: int) -> None:
        """Checks that more bytes can be taken.

        Where finalizers give bytes back late, Python collects first. If that frees only a little,
        the next collection would follow after a few more bytes, so the limit counts as reached.

        Raises:
            WasmError: There would be more than the limit.
        """
        total = self.used + size
        if total <= self.limit:
            return
        most = min(self.limit, total - self.limit // 16)
        if not made_room() or self.used + size > most:
            raise self.exceeded(total)

    def take(self, size: int) -> None:
        """Counts more bytes.

        Raises:
            WasmError: There would be more than the limit; nothing is counted then.
        """
        self.check(size)
        self._used += size

    def give(self, size: int) -> None:
        """Counts bytes that were taken before as free again."""
        self._returned.append(size)
