# SPDX-License-Identifier: MIT
"""The numbers by which a guest names values of the host: handles, references, and others."""

from __future__ import annotations

import weakref
from typing import NamedTuple

from .._words import MASK
from ..bindgen.values import SLOT_BYTES, Charged, undefined
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..bindgen.values import Budget

# The handles of the values that every guest uses. 0 is no handle.
_UNDEFINED, _NULL, _GLOBAL, _TRUE, _FALSE = range(1, 6)


class _Scope:
    """A handle scope.

    Attributes:
        begin: Its first handle.
        slot: The handle around it that `escape` can give a value; 0 if there is none.
        escaped: Whether that was done.
    """

    __slots__ = ("begin", "escaped", "slot")

    def __init__(self, begin: int, slot: int) -> None:
        self.begin = begin
        self.slot = slot
        self.escaped = False


class Mark(NamedTuple):
    """What was in use when a function of the guest was called."""

    values: int
    scopes: int
    floor: int


class Handles:
    """The values that a guest names by handles (napi_value), and the scopes that end their lives.

    A handle is the index of a value. It is in use until the scope ends in which it was made: a
    scope that the guest opened, or the call of one of its functions.
    """

    __slots__ = ("_budget", "_floor", "_scopes", "_values")

    def __init__(self, budget: Budget, global_object: Any) -> None:
        self._budget = budget
        self._values: list[Any] = [undefined, undefined, None, global_object, True, False]
        self._scopes: list[_Scope] = []
        self._floor = 0  # The scopes below belong to calls that are still running.

    def __len__(self) -> int:
        """Returns how many handles are in use."""
        return len(self._values) - 1

    def add(self, value: Any) -> int:
        """Returns a handle for a value.

        Raises:
            HostMemoryExceeded: The guest keeps too many.
        """
        if value is undefined:
            return _UNDEFINED
        if value is None:
            return _NULL
        if value is True:
            return _TRUE
        if value is False:
            return _FALSE
        return self._append(value)

    def _append(self, value: Any) -> int:
        self._budget.take(SLOT_BYTES)
        self._values.append(value)
        return len(self._values) - 1

    def get(self, handle: int) -> Any:
        """Returns the value of a handle.

        Raises:
            Failed: INVALID_ARG: the handle is not in use.
        """
        handle &= MASK
        if not 0 < handle < len(self._values):
            raise Failed(Status.INVALID_ARG)
        return self._values[handle]

    # ---- scopes ----

    def open(self, *, escapable: bool = False) -> int:
        """Opens a scope, and returns its number."""
        self._budget.take(SLOT_BYTES)
        slot = self._append(undefined) if escapable else 0
        self._scopes.append(_Scope(len(self._values), slot))
        return len(self._scopes)

    def close(self, number: int) -> None:
        """Closes the innermost scope.

        Raises:
            Failed: HANDLE_SCOPE_MISMATCH: another scope is the innermost one of this call.
        """
        if number != len(self._scopes) or number <= self._floor:
            raise Failed(Status.HANDLE_SCOPE_MISMATCH)
        self._budget.give(SLOT_BYTES)
        self._truncate(self._scopes.pop().begin)

    def escape(self, number: int, value: Any) -> int:
        """Returns a handle for a value that lives as long as those around a scope.

        Raises:
            Failed: ESCAPE_CALLED_TWICE; INVALID_ARG: there is no such escapable scope.
        """
        if not self._floor < number <= len(self._scopes) or not self._scopes[number - 1].slot:
            raise Failed(Status.INVALID_ARG)
        scope = self._scopes[number - 1]
        if scope.escaped:
            raise Failed(Status.ESCAPE_CALLED_TWICE)
        scope.escaped = True
        self._values[scope.slot] = value
        return scope.slot

    def enter(self) -> Mark:
        """Begins a call of a function of the guest, which is a scope, too."""
        mark = Mark(len(self._values), len(self._scopes), self._floor)
        self._floor = mark.scopes
        return mark

    def leave(self, mark: Mark) -> None:
        """Ends such a call, with all handles and scopes that it has left open."""
        self._budget.give(SLOT_BYTES * (len(self._scopes) - mark.scopes))
        del self._scopes[mark.scopes :]
        self._floor = mark.floor
        self._truncate(mark.values)

    def _truncate(self, size: int) -> None:
        self._budget.give(SLOT_BYTES * (len(self._values) - size))
        del self._values[size:]


class Numbered:
    """Objects that the guest names by numbers, which are used again only after all others."""

    __slots__ = ("_budget", "_found", "_last")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._found: dict[int, Any] = {}
        self._last = 0

    def __len__(self) -> int:
        """Returns how many objects there are."""
        return len(self._found)

    def add(self, value: Any) -> int:
        """Returns the number of an object from now on."""
        self._budget.take(2 * SLOT_BYTES)
        number = self._last
        while number in self._found or number == self._last:
            number = number % MASK + 1
        self._last = number
        self._found[number] = value
        return number

    def has(self, number: int) -> bool:
        """Returns whether there is an object with a number."""
        return number in self._found

    def get(self, number: int) -> Any:
        """Returns the object with a number.

        Raises:
            Failed: INVALID_ARG: there is none.
        """
        try:
            return self._found[number & MASK]
        except KeyError:
            raise Failed(Status.INVALID_ARG) from None

    def remove(self, number: int) -> Any:
        """Removes the object with a number, and returns it.

        Raises:
            Failed: INVALID_ARG: there is none, or it was removed before.
        """
        found = self.get(number)
        del self._found[number & MASK]
        self._budget.give(2 * SLOT_BYTES)
        return found


class Reference:
    """A reference (napi_ref): it keeps its value as long as it is counted at least once.

    Attributes:
        count: How often it is counted.
    """

    __slots__ = ("_strong", "_weak", "count")

    def __init__(self, value: Any, count: int) -> None:
        self.count = count
        self._strong: Any = value
        self._weak: weakref.ref[Any] | None = None
        self._settle()

    def _settle(self) -> None:
        """Keeps the value, or only knows it."""
        if self.count == 0 and isinstance(self._strong, Charged):
            self._weak, self._strong = weakref.ref(self._strong), None
        elif self.count and self._weak is not None:
            self._strong = self._weak()
            self._weak = None

    @property
    def gone(self) -> bool:
        """Whether nothing keeps the value any more."""
        return self._weak is not None and self._weak() is None

    @property
    def value(self) -> Any:
        """The value; None if it is gone."""
        return self._strong if self._weak is None else self._weak()

    def change(self, difference: int) -> int:
        """Counts once more or less, and returns the count.

        Raises:
            Failed: GENERIC_FAILURE: the count would be negative, or the value is gone.
        """
        if self.count + difference < 0 or self.gone:
            raise Failed(Status.GENERIC_FAILURE)
        self.count += difference
        self._settle()
        return self.count
