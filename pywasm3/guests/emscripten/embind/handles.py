# SPDX-License-Identifier: MIT
"""The values that a guest has handles of: what an emscripten::val of C++ holds."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from ...._types import FuncType
from .budget import SLOT, cost
from .errors import BindingError

if TYPE_CHECKING:
    from ...._module import Module
    from .budget import Budget

# The handles of undefined, null, true and false, which C++ knows. Emscripten changed them in
# February 2024.
OLD, NEW = (1, 2, 3, 4), (2, 4, 6, 8)
# Handles of other values are even, and greater than those that either kind of guest knows.
_FIRST, _STEP = 10, 2

# What only guests with the new handles import: by name, or by the number of parameters.
_NEW_IMPORTS = (
    "_embind_register_iterable",
    "_embind_register_optional",
    "_embind_register_string_enum",
    "_embind_register_user_type",
    "_emval_create_invoker",
    "_emval_invoke",
)
_NEW_PARAMETERS = {
    "_embind_register_enum": 5,
    "_embind_register_function": 8,
    "_embind_register_class_function": 10,
    "_embind_register_class_class_function": 9,
}


def reserved_of(module: Module) -> tuple[int, int, int, int]:
    """Returns which handles a module knows; no import says it directly.

    Modules of 2024 can only be told from older ones if they use something that the older ones do
    not have.
    """
    for item in module.imports:
        wanted = _NEW_PARAMETERS.get(item.name)
        if item.name in _NEW_IMPORTS or (
            isinstance(item.type, FuncType) and len(item.type.params) == wanted
        ):
            return NEW
    return OLD


class _Entry:
    """A value, how many vals of C++ hold it, and what it is counted as."""

    __slots__ = ("cost", "count", "value")

    def __init__(self, value: Any, cost: int) -> None:
        self.value = value
        self.count = 1
        self.cost = cost


class Handles:
    """The table of values.

    Args:
        budget: What the table is counted in.
        reserved: The handles of undefined, null, true and false.
    """

    def __init__(self, budget: Budget, reserved: tuple[int, int, int, int]) -> None:
        self._budget = budget
        undefined, null, true, false = reserved
        self._fixed = {undefined: None, null: None, true: True, false: False}
        self._undefined, self._booleans = undefined, (false, true)
        self._entries: dict[int, _Entry] = {}
        self._free: list[int] = []
        self._numbers = count(_FIRST, _STEP)

    def __len__(self) -> int:
        """Returns how many values the guest has handles of, without None, True and False."""
        return len(self._entries)

    def value(self, handle: int) -> Any:
        """Returns the value of a handle.

        Raises:
            BindingError: The guest has no such handle.
        """
        if handle in self._fixed:
            return self._fixed[handle]
        return self._entry(handle).value

    def _entry(self, handle: int) -> _Entry:
        entry = self._entries.get(handle)
        if entry is None:
            raise BindingError(f"the guest used the val {handle}, which it does not have")
        return entry

    def add(self, value: Any) -> int:
        """Returns a new handle of a value; None is JavaScript's undefined.

        Raises:
            WasmError: The host keeps too much for the guest.
        """
        if value is None:
            return self._undefined
        if value is True or value is False:
            return self._booleans[value]
        price = SLOT + cost(value)
        self._budget.take(price)
        try:  # other threads may do the same
            handle = self._free.pop()
        except IndexError:
            handle = next(self._numbers)
        self._entries[handle] = _Entry(value, price)
        return handle

    def keep(self, handle: int) -> None:
        """Notes that one more val of the guest holds the value."""
        if handle not in self._fixed and handle != 0:
            self._entry(handle).count += 1

    def release(self, handle: int) -> None:
        """Notes that one val less of the guest holds the value."""
        if handle in self._fixed or handle == 0:
            return
        entry = self._entry(handle)
        entry.count -= 1
        if entry.count == 0:
            del self._entries[handle]
            self._free.append(handle)
            self._budget.give(entry.cost)

    def take(self, handle: int) -> Any:
        """Returns the value of a handle that the guest gives back."""
        value = self.value(handle)
        self.release(handle)
        return value
