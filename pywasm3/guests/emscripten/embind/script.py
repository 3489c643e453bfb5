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
from .budget import SLOT, Holder, cost
from .classes import Property
from .errors import BindingError, ThrownValue, shown
from .objects import FOR_GUESTS, CppClass, CppObject, member_of
from .values import (
    SEQUENCES,
    Array,
    Global,
    Native,
    Object,
    array_of,
    copy_into,
    elements_of,
    globals_of,
    key_of,
    polled,
    same,
    text_of,
    typed_array,
)

if TYPE_CHECKING:
    from .budget import Budget

_MISSING = object()
_DESTRUCT = "__destruct"
# Which methods only some sequences have.
_OF_BYTES = ("set", "subarray")
_CHANGES = ("push", "pop", "shift", "unshift")


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
            "pop": lambda value, *_: self._take(value, -1),
            "shift": lambda value, *_: self._take(value, 0),
            "set": _set,
            "subarray": lambda value, begin=0, end=None, *_: _part(value, begin, end),
            "includes": lambda value, item, *_: any(same(each, item) for each in polled(value)),
            "indexOf": lambda value, item, *_: next(
                (i for i, each in enumerate(polled(value)) if same(each, item)), -1
            ),
            "join": self._join,
            "toString": lambda value, *_: self._join(value),
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
        if isinstance(value, SEQUENCES):
            return self._element(value, key)
        if isinstance(value, Global):
            return value.members.get(key, _MISSING)
        if isinstance(value, (CppObject, CppClass)):
            return _member(value, key)
        if isinstance(value, ThrownValue):
            return text_of(value.value) if key == "message" else _MISSING
        if isinstance(value, (bool, int, float)):
            return _MISSING
        declared = exposed(value)
        if declared is not None:
            attribute = declared.names.get(key)
            return _MISSING if attribute is None else getattr(value, attribute)
        if callable(value):
            return self._method_of_function(value, key)
        raise _opaque(value, key)

    def _element(self, value: Any, key: Any) -> Any:
        if isinstance(key, int):
            inside = 0 <= key < len(value)
            return Native("get", value.__getitem__)(key) if inside else _MISSING
        if key == "length":
            return len(value)
        method = self._methods.get(key)
        if (
            method is None
            or (key in _CHANGES and not isinstance(value, MutableSequence))
            or (key in _OF_BYTES and not isinstance(value, (memoryview, bytearray, bytes)))
        ):
            return _MISSING
        return Native(key, method, value)

    def put(self, value: Any, key: Any, item: Any) -> None:
        """Sets a property.

        Raises:
            BindingError: The value has no properties that can be set.
            WasmError: The host keeps too much for the guest.
        """
        key = key_of(key)
        if isinstance(value, MutableMapping):
            before = -cost(value[key]) if key in value else cost(key)
            self._charge(value, cost(item) + before)
            Native("set", value.__setitem__)(key, item)
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
            Native("push", self._push)(value, item)
        elif 0 <= position < len(value):
            if not isinstance(value, (memoryview, bytearray)):
                self._charge(value, cost(item) - cost(value[position]))
            Native("set", value.__setitem__)(position, item)
        else:
            raise BindingError(
                f"the guest set the element {position} of a {type(value).__name__} of {len(value)}"
            )

    def _charge(self, container: Any, size: int) -> None:
        """Counts what the guest puts into a container or, if the size is negative, takes out.

        What is in a container that you have made stays counted: it does not say when it ends.
        """
        if isinstance(container, (Array, Object)):
            container.charge(size)
        elif size > 0:
            self._budget.take(size)

    def remove(self, value: Any, key: Any) -> bool:
        """Removes a property, if there is one.

        Raises:
            BindingError: The value has no properties that can be removed.
        """
        key = key_of(key)
        if not isinstance(value, MutableMapping):
            raise _opaque(value, key)
        item = value.pop(key, _MISSING)
        if item is not _MISSING:
            self._charge(value, -cost(key) - cost(item))
        return True

    # ---- calls ----

    def call(self, function: Any, arguments: list[Any]) -> Any:
        """Calls a function that the guest holds, or makes an object of a class that it holds.

        Raises:
            BindingError: It is none.
        """
        if isinstance(function, Global):
            return Native("new", function.make)(*arguments)
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
            return Native(name, self.has)(value, *arguments)
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

    def _take(self, value: Any, position: int) -> Any:
        """Removes an element and returns it; None if there is none."""
        if not value:
            return None
        item = value.pop(position)
        self._charge(value, -cost(item))
        return item

    def _join(self, value: Any, separator: Any = ",", *_: Any) -> str:
        between, size = text_of(separator), 0
        parts = []
        for item in polled(value):
            parts.append(text_of(item))
            size += cost(parts[-1]) + len(between)
            self._budget.check(size)
        return between.join(parts)

    def _method_of_function(self, function: Callable[..., Any], name: Any) -> Any:
        if isinstance(function, (_Call, _Apply)):
            return _MISSING  # A chain of them would be as long as the guest likes.
        if name == "call":
            return _Call(function)
        return _Apply(function, self._budget) if name == "apply" else _MISSING

    def _slice(self, value: Any, begin: Any = 0, end: Any = None, *_: Any) -> Any:
        part = _part(value, begin, end)
        if isinstance(part, memoryview):
            return typed_array(self._budget, part.format, part)
        return part if isinstance(part, (str, bytes)) else array_of(part, self._budget)


def _opaque(value: Any, key: Any) -> BindingError:
    name = brief_repr(key) if isinstance(key, str) else shown(key)
    if value is None:
        return BindingError(f"the guest uses the property {name} of undefined or null")
    return BindingError(
        f"the guest uses the property {name} of an object of the type "
        f"{type(value).__name__}, which is opaque for it: pass a dict of what it may reach, or "
        "decorate the class with `exposes`"
    )


def _member(value: CppObject | CppClass, name: Any) -> Any:
    found = member_of(value, name)
    if found is None:
        return _MISSING
    if name in FOR_GUESTS and found is CppObject.__dict__[name]:
        return Native(name, found, value)
    return getattr(value, name)


class _Call(Holder):
    """The method `call` of a function."""

    __slots__ = ()

    def __call__(self, _this: Any = None, *arguments: Any) -> Any:
        """Calls the function with the arguments."""
        return self.held(*arguments)


class _Apply(Holder):
    """The method `apply` of a function."""

    __slots__ = ("_budget",)

    def __init__(self, function: Any, budget: Budget) -> None:
        super().__init__(function)
        self._budget = budget

    def __call__(self, _this: Any = None, arguments: Any = None, *_: Any) -> Any:
        """Calls the function with the elements of an array."""
        given = () if arguments is None else elements_of(arguments)
        self._budget.check(SLOT * len(given))
        return self.held(*given)


def _part(value: Any, begin: Any, end: Any) -> Any:
    return value[index(key_of(begin)) : None if end is None else index(key_of(end))]


def _set(value: Any, items: Any, offset: Any = 0, *_: Any) -> None:
    """Copies elements into a typed array."""
    start = index(key_of(offset))
    if start < 0 or start + len(elements_of(items)) > len(value):
        raise BindingError(f"{len(items)} elements do not fit into {len(value)} at {start}")
    copy_into(value, start, items)


def iterator_of(value: Any) -> Any:
    """Returns an iterator over the elements of a value.

    Raises:
        BindingError: It has none.
    """
    if isinstance(value, (*SEQUENCES, set, frozenset)):
        return iter(value)
    if isinstance(value, CppObject) and isinstance(value, Iterable):
        return iter(value)
    raise BindingError(f"the guest iterates over a {type(value).__name__}, which has no elements")
