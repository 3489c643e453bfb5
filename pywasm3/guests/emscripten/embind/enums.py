# SPDX-License-Identifier: MIT
"""Enumerations of C++, as those of Python."""

from __future__ import annotations

from enum import Enum, IntEnum
from operator import index
from typing import TYPE_CHECKING, Any, cast

from .budget import CLASS, OBJECT, cost
from .converters import Destructors, Integer
from .errors import BindingError, shown

if TYPE_CHECKING:
    from .registry import Registry


_MOST_VALUES = 1 << 16


class Enumeration(Integer):
    """A type of enumerations, whose values are members of an IntEnum.

    Args:
        registry: The registry of the guest.
        name: The name of the type.
        size: How many bytes a value has.
        signed: Whether there are negative ones.
    """

    def __init__(self, registry: Registry, name: str, size: int, *, signed: bool) -> None:
        super().__init__(registry.heap, name, size, signed=signed)
        registry.budget.take(CLASS)
        self._budget = registry.budget
        self._values: dict[str, int] = {}
        self._python: type[Enum] | None = None

    def add(self, name: str, value: int) -> None:
        """Adds a value.

        Raises:
            BindingError: There is one with the name, or there are too many.
            WasmError: The host keeps too much for the guest.
        """
        if len(self._values) >= _MOST_VALUES:
            raise BindingError(f"{self.name} has more than {_MOST_VALUES:,} values")
        if name.startswith("_") and name.endswith("_"):
            raise BindingError(f"{self.name} has a value {name!r}, which Python uses itself")
        if name in self._values:
            raise BindingError(f"the value {name!r} of {self.name} is bound twice")
        self._budget.take(OBJECT + cost(name))
        self._values[name] = super().from_wire(value)
        self._python = None

    @property
    def python(self) -> type[Enum]:
        """The class of Python, which is made when it is first needed.

        Raises:
            BindingError: Python does not allow a name as that of a member.
        """
        if self._python is None:
            try:
                self._python = self._make()
            except (TypeError, ValueError) as error:
                raise BindingError(f"{self.name} cannot be an enumeration: {error}") from None
        return self._python

    def _make(self) -> type[Enum]:
        make: Any = IntEnum
        return cast("type[Enum]", make(self.name, self._values))

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the number of a member; an int is taken, too, because flags can be combined."""
        if isinstance(value, Enum) and not isinstance(value, self.python):
            raise BindingError(f"expected a member of {self.name}, got {shown(value)}")
        try:
            number = index(value)
        except TypeError:
            raise BindingError(f"expected a member of {self.name}, got {shown(value)}") from None
        return super().to_wire(number, destructors)

    def from_wire(self, wire: Any) -> Any:
        """Returns a member, or an int if there is none with the number."""
        return self._member(super().from_wire(wire))

    def read(self, address: int) -> Any:
        """Returns a member, or an int if there is none with the number."""
        return self._member(super().read(address))

    def _member(self, number: int) -> Any:
        return self.python._value2member_map_.get(number, number)


class TextEnumeration(Enumeration):
    """A type of enumerations whose values are texts: members of an Enum that are str, too."""

    def _make(self) -> type[Enum]:
        make: Any = Enum
        return cast("type[Enum]", make(self.name, {name: name for name in self._values}, type=str))

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the number of a member, or of the text that is its name."""
        if not isinstance(value, str) or (name := getattr(value, "value", value)) not in (
            self._values
        ):
            raise BindingError(f"expected one of {', '.join(self._values)}, got {shown(value)}")
        return self._values[name]

    def _member(self, number: int) -> Any:
        for name, value in self._values.items():
            if value == number:
                return self.python[name]
        return number
