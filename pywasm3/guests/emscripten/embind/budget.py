# SPDX-License-Identifier: MIT
"""What the host keeps for the bindings and vals of a guest, and how it is counted."""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING, Any, TypeVar

from ...._errors import WasmError
from ... import _budget
from .errors import ThrownValue

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

# What is counted, in bytes: an entry of a table, an object, and a class or enumeration of Python.
SLOT = 64
OBJECT = 4 * SLOT
CLASS = 64 * SLOT


class Budget(_budget.Budget):
    """The bytes of bindings and vals that the host may keep for one guest."""

    __slots__ = ()

    def exceeded(self, total: int) -> WasmError:
        """Returns the error of a guest that makes the host keep too much."""
        return WasmError(
            f"the guest made the host keep more than {self.limit:,} bytes of bindings and vals: "
            "if it may, raise max_kept_bytes"
        )


class Transit(local):
    """Counts the parts of what crosses from the guest, until all of it has crossed.

    Python gets it then, or a table that counts it by itself. Each thread counts its own.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._depth = 0
        self._taken = 0

    def __enter__(self) -> Self:
        """Begins a structure, or a part of one that is a structure, too."""
        self._depth += 1
        return self

    def add(self, value: T) -> T:
        """Counts a part, and returns it.

        Raises:
            WasmError: The host keeps too much for the guest.
        """
        size = cost(value)
        self._budget.take(size)
        self._taken += size
        return value

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._depth -= 1
        if self._depth == 0:
            self._budget.give(self._taken)
            self._taken = 0


class Holder:
    """A value of the host by which a guest keeps another value, such as a method of an array.

    Attributes:
        held: The other value.
    """

    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        self.held = held


def cost(value: object) -> int:
    """Returns what it is counted as that a table or container keeps a value."""
    if value is None or isinstance(value, (int, float)):
        return SLOT
    if isinstance(value, (str, bytes, bytearray)):
        return SLOT + _budget.size_of(value)
    if isinstance(value, memoryview) and isinstance(value.obj, bytearray):
        return OBJECT + len(value.obj)  # a part of a typed array keeps all of it
    if isinstance(value, Holder):
        return OBJECT + cost(value.held)
    if isinstance(value, ThrownValue):
        return OBJECT + cost(value.value)
    return OBJECT
