# SPDX-License-Identifier: MIT
"""The values of JavaScript that a guest makes, and what its operators say of values of Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from struct import Struct
from struct import error as FormatError
from typing import TYPE_CHECKING, Any

from ...._errors import WasmError
from ...._wait import check
from ..._javascript import number_text
from .budget import SLOT, Holder, cost
from .errors import BindingError, ThrownValue, shown

if TYPE_CHECKING:
    from .budget import Budget

_NUMBERS = (bool, int, float)
_PRIMITIVES = (*_NUMBERS, str, type(None))
_TYPED_ARRAYS = {
    "Int8Array": "b",
    "Uint8Array": "B",
    "Uint8ClampedArray": "B",
    "Int16Array": "h",
    "Uint16Array": "H",
    "Int32Array": "i",
    "Uint32Array": "I",
    "Float32Array": "f",
    "Float64Array": "d",
    "BigInt64Array": "q",
    "BigUint64Array": "Q",
}
_MOST_DIGITS = 9  # of a text that is the index of an element
_ITEMS_PER_CHECK = 4096
# What functions of Python raise for values that do not fit.
_UNSUITABLE = (
    *(TypeError, ValueError, IndexError, OverflowError, BufferError, NotImplementedError),
    FormatError,
)

SEQUENCES = (list, tuple, str, bytes, bytearray, memoryview)


class Native(Holder):
    """A function of JavaScript that every guest has, such as a method of arrays.

    Args:
        name: What messages call the function.
        function: The function.
        owner: The values that it gets before its arguments; none, or the object of a method.
    """

    __slots__ = ("_function", "_name")

    def __init__(self, name: str, function: Callable[..., Any], *owner: Any) -> None:
        super().__init__(owner[0] if owner else None)
        self._name = name
        self._function: Callable[..., Any] = partial(function, *owner)

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function with what the guest gives it.

        Raises:
            BindingError: The values do not fit.
        """
        try:
            return self._function(*arguments)
        except WasmError:
            raise
        except _UNSUITABLE as error:
            raise BindingError(
                f"the guest called {self._name}() with unsuitable values: {error}"
            ) from None


def polled(items: Iterable[Any]) -> Iterator[Any]:
    """Iterates over as many elements as the guest likes, until the running call must stop."""
    for position, item in enumerate(items):
        if position % _ITEMS_PER_CHECK == 0:
            check()
        yield item


def elements_of(value: Any) -> Any:
    """Returns a value that has elements.

    Raises:
        BindingError: It is another object, which is opaque for the guest.
    """
    if not isinstance(value, SEQUENCES):
        raise BindingError(f"expected an array, got {shown(value)}")
    return value


class _Counted:
    """A container that the guest has made. What is in it is counted."""

    _budget: Budget
    _charged: int

    def charge(self, size: int) -> None:
        """Counts what is put into the container or, if the size is negative, taken out."""
        size = max(size, -self._charged)
        if size < 0:
            self._budget.give(-size)
        else:
            self._budget.take(size)
        self._charged += size

    def __del__(self) -> None:
        """Counts what was in it as free."""
        self._budget.give(self._charged)


class Array(_Counted, list[Any]):
    """An array that the guest has made."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget
        self._charged = 0


class Object(_Counted, dict[Any, Any]):
    """An object that the guest has made."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget
        self._charged = 0


class Global:
    """A global object of JavaScript that a guest can find.

    Attributes:
        make: Makes a value when the guest calls it, or calls it with `new`.
        kinds: What `instanceof` means for it.
        members: Its properties.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        kinds: tuple[type, ...] = (),
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.make = make
        self.kinds = kinds
        self.members = members or {}


def array_of(items: Any, budget: Budget) -> Array:
    """Returns a new array of the guest with the elements of a sequence.

    Raises:
        WasmError: The host keeps too much for the guest.
    """
    made = Array(budget)
    budget.check(SLOT * len(elements_of(items)))
    for item in polled(items):
        made.charge(cost(item))
        made.append(item)
    return made


def typed_array(budget: Budget, format: str, value: Any = 0, *_: Any) -> memoryview[Any]:
    """Returns a new typed array, which is a memoryview of bytes of its own.

    Args:
        budget: What the guest's values are counted in.
        format: The format of an element.
        value: The elements, or how many there are.

    Raises:
        WasmError: The host keeps too much for the guest.
    """
    count = int(value) if isinstance(value, (int, float)) else len(elements_of(value))
    size = Struct(format).size
    budget.check(count * size)
    span: Any = memoryview(bytearray(count * size))
    made: memoryview[Any] = span.cast(format)
    if not isinstance(value, (int, float)):
        copy_into(made, 0, value)
    return made


def copy_into(target: Any, start: int, items: Any) -> None:
    """Copies elements into a typed array, from an index on."""
    is_view = isinstance(items, memoryview) and items.c_contiguous  # PyPy ignores strides here
    if is_view and items.format == getattr(target, "format", None):
        target[start : start + len(items)] = items
        return
    for position, item in enumerate(polled(items), start):
        target[position] = item


def globals_of(budget: Budget, has_property: Callable[..., bool]) -> dict[str, Any]:
    """Returns the global objects that every guest finds."""
    error = Global(_error, (Exception,))
    method = Global(has_property, members={"call": Native("hasOwnProperty", has_property)})
    members = {"prototype": {"hasOwnProperty": method}}
    return {
        "Array": Global(lambda *items: array_of(items, budget), (list, tuple)),
        "Object": Global(lambda *_: Object(budget), (dict,), members),
        "Error": error,
        "TypeError": error,
        "RangeError": error,
        "String": Global(lambda value="", *_: text_of(value)),
        **{
            name: Global(partial(typed_array, budget, format), (memoryview, bytes, bytearray))
            for name, format in _TYPED_ARRAYS.items()
        },
    }


def _error(message: Any = None, *_: Any) -> ThrownValue:
    return ThrownValue(None if message is None else text_of(message))


def key_of(key: Any) -> Any:
    """Returns the key of a property as Python has it: the indices of elements are ints."""
    if isinstance(key, float) and key.is_integer():
        return int(key)
    if isinstance(key, str) and len(key) <= _MOST_DIGITS and key.isascii() and key.isdecimal():
        return int(key) if str(int(key)) == key else key
    return key if isinstance(key, (str, int)) else text_of(key)


def same(first: Any, second: Any) -> bool:
    """Says whether two values are the same (===): primitive ones, or one and the same object."""
    if isinstance(first, _PRIMITIVES) and isinstance(second, _PRIMITIVES):
        return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)
    return first is second


def less(first: Any, second: Any) -> bool:
    """Says whether a number is less than another, or a text is before another."""
    if isinstance(first, str) and isinstance(second, str):
        return first < second
    numbers = isinstance(first, _NUMBERS) and isinstance(second, _NUMBERS)
    return numbers and bool(first < second)


def truth(value: Any) -> bool:
    """Says what a value is as a condition: 0, NaN, "", None and False are false."""
    return value == value and bool(value) if isinstance(value, _PRIMITIVES) else True


def type_of(value: Any) -> str:
    """Returns what `typeof` says of a value."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, _NUMBERS):
        return "number"
    if isinstance(value, str):
        return "string"
    return "function" if callable(value) or isinstance(value, Global) else "object"


def is_instance(value: Any, kind: Any) -> bool:
    """Says whether a value is an instance of a class that the guest holds."""
    if isinstance(kind, Global):
        return isinstance(value, kind.kinds)
    return isinstance(kind, type) and isinstance(value, kind)


def text_of(value: Any) -> str:
    """Returns a value as JavaScript's String() writes it; elements of elements are left out."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _NUMBERS):
        try:
            return number_text(value)
        except OverflowError:
            return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        return value
    return f"[object {type(value).__name__}]"
