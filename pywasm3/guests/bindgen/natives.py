# SPDX-License-Identifier: MIT
"""Makes objects and classes of JavaScript whose functions are functions of Python."""

from __future__ import annotations

from .values import Class, Object, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .realm import Realm


def namespace(realm: Realm, functions: dict[str, Any]) -> Object:
    """Returns an object whose properties are functions of Python, or other values."""
    made = realm.object()
    for name, value in functions.items():
        made.properties[name] = realm.native(value, name) if hasattr(value, "__code__") else value
    return made


def native_class(
    realm: Realm,
    name: str,
    make: Callable[..., Any],
    is_instance: Callable[[Any], bool],
    static: dict[str, Any] | None = None,
    invoke: Callable[..., Any] | None = None,
) -> Class:
    """Returns a class whose objects a function of Python makes."""
    construct = realm.adapted(make)
    made = Class(
        realm.budget,
        name,
        lambda arguments: construct(undefined, arguments),
        is_instance,
        realm.adapted(invoke) if invoke else None,
    )
    made.properties.update(namespace(realm, static or {}).properties)
    return made


def any_of(kind: type) -> Callable[[Any], bool]:
    """Returns what tells whether a value is of a class of Python."""
    return lambda value: isinstance(value, kind)


def never(value: Any) -> bool:
    """Tells that no value is an object of a class."""
    return False
