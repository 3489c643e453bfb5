# SPDX-License-Identifier: MIT
"""The base of the classes whose objects are immutable and equal by value, such as FuncType.

A subclass names its fields by ``__match_args__``. Its ``__init__`` calls `begin_init`, and then
`set_field` for each field. RATIONALE.md says why these classes are not dataclasses.
"""

from __future__ import annotations

from ._text import brief_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Sets a field of an object whose class refuses to set attributes.
set_field = object.__setattr__


class Immutable:
    """Base of immutable classes whose fields are named by ``__match_args__``.

    Two objects are equal if their class and all fields are equal.
    """

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __eq__(self, other: object) -> bool:
        """Returns whether class and all fields are equal."""
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        """Returns a hash of the class and the fields."""
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        """Returns the call that makes an equal value; names and lists that are long are cut."""
        fields = ", ".join(
            [f"{name}={brief_repr(getattr(self, name))}" for name in self.__match_args__]
        )
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the class and its arguments."""
        return type(self), self._fields()

    def __setattr__(self, name: str, value: object) -> None:
        """Raises AttributeError, because the value is immutable."""
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        """Raises AttributeError, because the value is immutable."""
        raise AttributeError(f"{type(self).__name__} is immutable")


def begin_init(self: Immutable) -> None:
    """Begins the ``__init__`` of an immutable object, which sets its fields with `set_field`.

    Raises:
        TypeError: The fields are set already.
    """
    if hasattr(self, self.__match_args__[0]):
        raise TypeError(f"{type(self).__name__} is immutable: __init__() cannot be called again")
