# SPDX-License-Identifier: MIT
"""Structures of C++ that cross by value: as dicts with their fields, or as tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...._text import counted
from ..._words import MASK
from .budget import OBJECT, cost
from .classes import Accessors
from .converters import ByAddress, Destructors
from .errors import BindingError, shown
from .heap import DESTROY, MAKE

if TYPE_CHECKING:
    from .registry import Registry

_MOST_DEPTH = 32  # structures in each other
_MOST_FIELDS = 4096
_NOT_GIVEN = object()


class Record(ByAddress):
    """A type of structures.

    Args:
        registry: The registry of the guest.
        name: The name of the type.
        constructor: The function pointer of what makes a structure.
        destructor: The function pointer of what deletes one.
    """

    def __init__(self, registry: Registry, name: str, constructor: int, destructor: int) -> None:
        super().__init__(registry.heap, name)
        registry.budget.take(OBJECT + cost(name))
        self.fields: dict[Any, Accessors] = {}
        self._registry = registry
        self._constructor = registry.heap.function(constructor, f"the constructor of {name}", MAKE)
        self._destructor = registry.heap.function(destructor, f"the destructor of {name}", DESTROY)
        self._is_checked = False

    def add(self, key: Any, accessors: Accessors) -> None:
        """Adds a field or an element.

        Raises:
            BindingError: There is one with the key, or there are too many.
        """
        if key in self.fields:
            raise BindingError(f"the field {key!r} of {self.name} is bound twice")
        if len(self.fields) >= _MOST_FIELDS:
            raise BindingError(f"{self.name} has more than {_MOST_FIELDS:,} fields")
        self.fields[key] = accessors

    def _check(self) -> None:
        """Checks once that the structures do not contain themselves.

        Raises:
            UnboundTypeError: The type of a field is not bound.
            BindingError: They do, or there are too many in each other.
        """
        if not self._is_checked:
            self._visit({}, 0)
            self._is_checked = True

    def _visit(self, seen: dict[Record, int], depth: int) -> None:
        if depth > _MOST_DEPTH:
            raise BindingError(
                f"{self.name} contains itself, or more than {_MOST_DEPTH} structures in each other"
            )
        if seen.get(self, -1) >= depth:
            return
        seen[self] = depth
        for accessors in self.fields.values():
            for type in accessors.types:
                if isinstance(type, Record):
                    type._visit(seen, depth + 1)

    def _destroy(self, address: int) -> None:
        self._destructor(address)

    def make(self, values: Mapping[Any, Any], destructors: Destructors) -> int:
        """Returns the address of a new structure with values by their keys."""
        self._check()
        address = int(self._constructor()) & MASK
        destructors.add(self._destroy, address)
        for key, accessors in self.fields.items():
            accessors.set(values[key], address)
        return address

    def parts(self, wire: int) -> dict[Any, Any]:
        """Returns the values of a structure by their keys, and deletes it."""
        self._check()
        address = wire & MASK
        with self._registry.transit as transit:
            found = {
                key: transit.add(accessors.get(address)) for key, accessors in self.fields.items()
            }
        self._destroy(address)
        return found


class ValueObject(Record):
    """A type of structures that are dicts."""

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the address of a structure for a mapping, or for an object with attributes."""
        values = {}
        for name, accessors in self.fields.items():
            if isinstance(value, Mapping):
                found = value.get(name, _NOT_GIVEN)
            else:
                found = getattr(value, name, _NOT_GIVEN)
            if found is _NOT_GIVEN:
                if not accessors.types[-1].optional:
                    raise BindingError(
                        f"expected a dict with {name!r} for {self.name}, got {shown(value)}"
                    )
                found = None
            values[name] = found
        return self.make(values, destructors)

    def from_wire(self, wire: int) -> dict[str, Any]:
        """Returns a dict."""
        return self.parts(wire)


class ValueArray(Record):
    """A type of structures that are tuples."""

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the address of a structure for a sequence of as many elements."""
        count = len(self.fields)
        wanted = f"{counted(count, 'value')} for {self.name}"
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise BindingError(f"expected {wanted}, got {shown(value)}")
        if len(value) != count:
            raise BindingError(f"expected {wanted}, got {len(value)}")
        return self.make(dict(enumerate(value)), destructors)

    def from_wire(self, wire: int) -> tuple[Any, ...]:
        """Returns a tuple."""
        return tuple(self.parts(wire).values())
