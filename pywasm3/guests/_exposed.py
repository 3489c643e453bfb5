# SPDX-License-Identifier: MIT
"""What guests of JavaScript may use of objects of Python, as the objects' classes say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

C = TypeVar("C", bound=type)


# The attribute of a class that says which attributes of its objects guests may use.
_EXPOSED = "_pywasm3_exposed"


class Exposed:
    """What `exposes` says about a class.

    Attributes:
        names: The attribute for each name that guests use.
        writable: The names that guests may set.
    """

    __slots__ = ("names", "writable")

    def __init__(self, names: Mapping[str, str], writable: frozenset[str]) -> None:
        self.names = names
        self.writable = writable


def exposes(*names: str, writable: Sequence[str] = (), **aliases: str) -> Callable[[C], C]:
    """Decorates a class whose objects a guest may look into.

    An object of another class is opaque to guests: they can hold it, compare it and hand it back.
    Without such a declaration, a guest would reach all of Python from an object's attributes.

    Args:
        names: The attributes and methods that guests may get and call.
        writable: Those of the names that guests may set, too.
        aliases: Attributes that guests know by another name: ``getTitle="get_title"``.

    Returns:
        The decorator. A class has what its base classes expose, too.

    Raises:
        ValueError: A name in `writable` is not exposed.
    """

    def decorate(cls: C) -> C:
        base: Exposed | None = getattr(cls, _EXPOSED, None)
        attributes = {**(base.names if base else {}), **{name: name for name in names}, **aliases}
        settable = frozenset(writable) | (base.writable if base else frozenset())
        for name in settable:
            if name not in attributes:
                raise ValueError(f"writable: {name!r} is not one of the names that are exposed")
        setattr(cls, _EXPOSED, Exposed(attributes, settable))
        return cls

    return decorate


def exposed(value: object) -> Exposed | None:
    """Returns what the class of a value exposes, if it says so."""
    found = getattr(type(value), _EXPOSED, None)
    return found if isinstance(found, Exposed) else None
