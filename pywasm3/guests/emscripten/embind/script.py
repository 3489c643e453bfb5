# SPDX-License-Identifier: MIT
"""What a guest can do with the values that it holds in vals, which are JavaScript's for it.

A guest reaches no more than what it was given: the entries of dicts and lists, functions, and the
members of its own classes. Any other object is opaque, unless its class says what guests may use:
the guest can hold it and give it back. The attributes of Python's objects would lead it to
everything in the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence
from operator import index
from typing import TYPE_CHECKING, Any

from ...._text import brief_repr
from ..._exposed import exposed
from .budget import cost
from .classes import Property
from .errors import BindingError, ThrownValue
from .objects import CppClass, CppObject, member_of
from .values import Array, Global, Object, array_of, globals_of, key_of, same, text_of, typed_array

if TYPE_CHECKING:
    from .budget import Budget

_SEQUENCES = (list, tuple, str, bytes, bytearray, memoryview)
_MISSING = object()
_DESTRUCT = "__destruct"


class Script:
    """Properties and calls, for one guest.

    Attributes:
        globals: The global objects that the guest finds, by name.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.globals = globals_of(budget, self.has)
        self._methods: dict[str, Callable[..., Any]] = {
            "push": self._push,
            "unshift": self._unshift,
            "slice": self._slice,
            "pop": lambda value, *_: value.pop() if value else None,
            "shift": lambda value, *_: value.pop(0) if value else None,
            "set": _set,
            "subarray": lambda value, begin=0, end=None, *_: _part(value, begin, end),
            "includes": lambda value, item, *_: any(same(each, item) for each in value),
            "indexOf": lambda value, item, *_: next(
                (i for i, each in enumerate(value) if same(each, item)), -1
            ),
            "join": lambda value, between=",", *_: between.join(map(text_of, value)),
            "toString": lambda value, *_: ",".join(map(text_of, value)),
        }

    # ---- properties ----

    def get(self, value: Any, key: Any) -> Any:
        """Returns a property, or None.

        Raises:
            BindingError: The value is None, or opaque for the guest.
        """
        found = self._find(value, key_of(key))
        return None if found is _MISSING else found

    def has(self, value: Any, key: Any, *_: Any) -> bool:
        """Says whether a value has a property."""
        return self._find(value, key_of(key)) is not _MISSING

    def _find(self, value: Any, key: Any) -> Any:
        if isinstance(value, Mapping):
            return value.get(key, _MISSING)
        if isinstance(value, _SEQUENCES):
            return self._element(value, key)
        if isinstance(value, Global):
            return value.members.get(key, _MISSING)
        if isinstance(value, (CppObject, CppClass)):
            return getattr(value, key) if member_of(value, key) is not None else _MISSING
        if isinstance(value, ThrownValue):
            return text_of(value.value) if key == "message" else _MISSING
        if isinstance(value, (bool, int, float)):
            return _MISSING
        declared = exposed(value)
        if declared is not None:
            attribute = declared.names.get(key)
            return _MISSING if attribute is None else getattr(value, attribute)
        if callable(value):
            return _method_of_function(value, key)
        raise _opaque(value, key)

    def _element(self, value: Any, key: Any) -> Any:
        if isinstance(key, int):
            return value[key] if 0 <= key < len(value) else _MISSING
        if key == "length":
            return len(value)
        method = self._methods.get(key)
        changes = key in ("push", "pop", "shift", "unshift")
        if method is None or (changes and not isinstance(value, MutableSequence)):
            return _MISSING
        return lambda *arguments: self._attempt(key, method, value, *arguments)

    @staticmethod
    def _attempt(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function of JavaScript with what the guest gives it."""
        try:
            return function(*arguments)
        except BindingError:
            raise
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise BindingError(
                f"the guest called {name}() with unsuitable values: {error}"
            ) from None

    def put(self, value: Any, key: Any, item: Any) -> None:
        """Sets a property.

        Raises:
            BindingError: The value has no properties that can be set.
            WasmError: The host keeps too much for the guest.
        """
        key = key_of(key)
        if isinstance(value, MutableMapping):
            self._charge(value, cost(item) + (0 if key in value else cost(key)))
            value[key] = item
        elif isinstance(value, (MutableSequence, memoryview)) and isinstance(key, int):
            self._put_element(value, key, item)
        elif isinstance(value, CppObject) and isinstance(member_of(value, key), Property):
            setattr(value, key, item)
        elif (declared := exposed(value)) is not None and key in declared.writable:
            setattr(value, declared.names[key], item)
        else:
            raise _opaque(value, key)

    def _put_element(self, value: Any, position: int, item: Any) -> None:
        if position == len(value) and isinstance(value, MutableSequence):
            self._push(value, item)
        elif 0 <= position < len(value):
            self._charge(value, cost(item))
            self._attempt("set", value.__setitem__, position, item)
        else:
            raise BindingError(
                f"the guest set the element {position} of a {type(value).__name__} of {len(value)}"
            )

    def _charge(self, container: Any, size: int) -> None:
        """Counts what the guest puts into a container.

        What is in a container that you have made stays counted: it does not say when it ends.
        """
        if isinstance(container, (Array, Object)):
            container.charge(size)
        else:
            self._budget.take(size)

    def remove(self, value: Any, key: Any) -> bool:
        """Removes a property, if there is one.

        Raises:
            BindingError: The value has no properties that can be removed.
        """
        if not isinstance(value, MutableMapping):
            raise _opaque(value, key)
        value.pop(key_of(key), None)
        return True

    # ---- calls ----

    def call(self, function: Any, arguments: list[Any]) -> Any:
        """Calls a function that the guest holds, or makes an object of a class that it holds.

        Raises:
            BindingError: It is none.
        """
        if isinstance(function, Global):
            return self._attempt("new", function.make, *arguments)
        if not callable(function):
            kind = type(function).__name__
            raise BindingError(f"the guest called a {kind}, which is not a function")
        return function(*arguments)

    def call_method(self, value: Any, name: str, arguments: list[Any]) -> Any:
        """Calls a method of a value that the guest holds.

        Raises:
            BindingError: The value has no such method, or it is opaque for the guest.
        """
        if name == _DESTRUCT and isinstance(value, CppObject):
            return CppObject._destruct(value)
        if name == "hasOwnProperty":
            return self._attempt(name, self.has, value, *arguments)
        function = self._find(value, key_of(name))
        if function is _MISSING:
            kind = type(value).__name__
            raise BindingError(f"the guest called {name}() of a {kind}, which has no such method")
        return self.call(function, arguments)

    def _push(self, value: Any, *items: Any) -> int:
        self._charge(value, sum(map(cost, items)))
        value.extend(items)
        return len(value)

    def _unshift(self, value: Any, *items: Any) -> int:
        self._charge(value, sum(map(cost, items)))
        value[:0] = items
        return len(value)

    def _slice(self, value: Any, begin: Any = 0, end: Any = None, *_: Any) -> Any:
        part = _part(value, begin, end)
        if isinstance(part, memoryview):
            return typed_array(self._budget, part.format, part)
        return part if isinstance(part, (str, bytes)) else array_of(part, self._budget)


def _opaque(value: Any, key: Any) -> BindingError:
    if value is None:
        return BindingError(f"the guest uses the property {brief_repr(key)} of undefined or null")
    return BindingError(
        f"the guest uses the property {brief_repr(key)} of an object of the type "
        f"{type(value).__name__}, which is opaque for it: pass a dict of what it may reach, or "
        "decorate the class with `exposes`"
    )


def _method_of_function(function: Callable[..., Any], name: Any) -> Any:
    if name == "call":
        return lambda _this=None, *arguments: function(*arguments)
    if name == "apply":
        return lambda _this=None, arguments=(), *_: function(*arguments)
    return _MISSING


def _part(value: Any, begin: Any, end: Any) -> Any:
    return value[index(key_of(begin)) : None if end is None else index(key_of(end))]


def _set(value: Any, items: Any, offset: Any = 0, *_: Any) -> None:
    """Copies elements into a typed array."""
    start = index(key_of(offset))
    if start < 0 or start + len(items) > len(value):
        raise BindingError(f"{len(items)} elements do not fit into {len(value)} at {start}")
    for position, item in enumerate(items):
        value[start + position] = item


def iterator_of(value: Any) -> Any:
    """Returns an iterator over the elements of a value.

    Raises:
        BindingError: It has none.
    """
    if isinstance(value, (*_SEQUENCES, set, frozenset)):
        return iter(value)
    if isinstance(value, CppObject) and isinstance(value, Iterable):
        return iter(value)
    raise BindingError(f"the guest iterates over a {type(value).__name__}, which has no elements")
