# SPDX-License-Identifier: MIT
"""Counts what the host keeps for a guest, so that a guest cannot use up the host's memory."""

from __future__ import annotations

from collections import deque
from sys import getsizeof

from ..._errors import WasmError
from .undefined import Undefined

# What is counted, in bytes: an entry of a table or an object, with what it refers to.
SLOT = 64
_OBJECT = 4 * SLOT
_EXCEPTION = 64 * SLOT


class Budget:
    """The bytes that the host may keep for one guest.

    Attributes:
        limit: How many bytes there may be.
        used: How many bytes are taken, not counting what was given back since the last `take`.
    """

    __slots__ = ("_returned", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        # What finalizers give back. They may run on any thread and in the middle of `take`, and
        # appending to a deque is one step.
        self._returned: deque[int] = deque()

    def take(self, size: int) -> None:
        """Counts more bytes.

        Raises:
            WasmError: There would be more than the limit; nothing is counted then.
        """
        returned = self._returned
        while returned:
            self.used -= returned.pop()
        if size > self.limit - self.used:
            raise WasmError(
                f"the guest made the host keep more than {self.limit} bytes of JavaScript values: "
                "if it may, raise max_kept_bytes"
            )
        self.used += size

    def give(self, size: int) -> None:
        """Counts bytes that were taken before as free again."""
        self._returned.append(size)


def cost(value: object) -> int:
    """Returns what it is counted as that an object keeps a value.

    An exception keeps the frames that it went through.
    """
    if value is None or isinstance(value, (int, float, Undefined)):
        return SLOT
    if isinstance(value, (str, bytes)):
        return SLOT + getsizeof(value)
    return _EXCEPTION if isinstance(value, BaseException) else _OBJECT
