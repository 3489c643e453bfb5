# SPDX-License-Identifier: MIT
"""Conversions and operators of JavaScript (ECMA-262, chapters 7 and 13)."""

from __future__ import annotations

import math

from .._javascript import MAX_SAFE, number_text
from .values import (
    Array,
    BigInt,
    Function,
    JsError,
    Object,
    Symbol,
    Thrown,
    TypedArray,
    undefined,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MAX_TEXT = 1 << 24  # How many characters a text of many parts can have.
_CONTAINER = 256  # What an array or an object counts, besides what it contains.
MAX_BITS = 1 << 10  # How large a bigint becomes.


def type_error(message: str) -> JsError:
    """Returns a TypeError of JavaScript."""
    return JsError("TypeError", message)


def range_error(message: str) -> JsError:
    """Returns a RangeError of JavaScript."""
    return JsError("RangeError", message)


def type_of(value: Any) -> str:
    """Returns what `typeof` says."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, BigInt):
        return "bigint"
    if isinstance(value, (int, float)):
        return "number"
    if value is undefined:
        return "undefined"
    if isinstance(value, Function):
        return "function"
    return "symbol" if isinstance(value, Symbol) else "object"


def truthy(value: Any) -> bool:
    """Returns whether a value is true where a boolean is wanted."""
    if value is None or value is undefined:
        return False
    if isinstance(value, float):
        return value != 0 and value == value
    return bool(value) if isinstance(value, (bool, int, str)) else True


class Remaining:
    """Bounds how long a text becomes that is made of arrays, which can contain one many times."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = _MAX_TEXT

    def container(self) -> None:
        """Notes that an array or an object is added, as `take` does."""
        self.take(_CONTAINER)

    def take(self, count: int) -> None:
        """Notes that characters are added.

        Raises:
            JsError: A RangeError: there are too many.
        """
        self._count -= count + 1
        if self._count < 0:
            raise range_error("Invalid string length")


def join(value: Array, between: str, remaining: Remaining | None = None) -> str:
    """Returns the elements of an array as text, with a text between them."""
    remaining = remaining or Remaining()
    parts = []
    remaining.container()
    for item in value.items:
        if isinstance(item, Array):
            part = join(item, ",", remaining)
        else:
            part = "" if item is None or item is undefined else to_text(item)
        remaining.take(len(part) + len(between))
        parts.append(part)
    return between.join(parts)


def to_text(value: Any) -> str:
    """Returns a value as text."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, BigInt):
        return str(int(value))
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, Symbol):
        raise type_error("Cannot convert a Symbol value to a string")
    if isinstance(value, Array):
        return join(value, ",")
    if isinstance(value, TypedArray):
        return ",".join(map(number_text, value.view[: value.length]))
    if isinstance(value, Thrown):
        return to_text(value.raw)
    if isinstance(value, JsError):
        return f"{value.name}: {value.message}" if value.message else value.name
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, Function):
        return f"function {value.name}() {{ [native code] }}"
    return "undefined" if value is undefined else "[object Object]"


def to_number(value: Any) -> int | float:
    """Returns a value as a number."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, BigInt):
        raise type_error("Cannot convert a BigInt value to a number")
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return 0
    if value is undefined:
        return math.nan
    if isinstance(value, Symbol):
        raise type_error("Cannot convert a Symbol value to a number")
    written = to_text(value).strip()
    if not written:
        return 0
    if len(written) > 1000 or "_" in written:
        return math.nan
    try:
        if written[:2].lower() in ("0x", "0b", "0o"):
            return int(written, 0)
        return int(written) if written.isdigit() else float(written)
    except ValueError:
        return math.nan


def to_integer(value: Any) -> int:
    """Returns a value as an integer of any size; what is not finite is 0."""
    number = value if type(value) is int else to_number(value)
    if isinstance(number, int):
        return int(number)
    return int(number) if math.isfinite(number) else 0


def to_int32(value: Any) -> int:
    """Returns a value as a signed integer of 32 bits."""
    number = value if type(value) is int else to_integer(value)
    return ((number + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def to_uint32(value: Any) -> int:
    """Returns a value as an unsigned integer of 32 bits."""
    return (value if type(value) is int else to_integer(value)) & 0xFFFFFFFF


def to_index(value: Any) -> int:
    """Returns a value as a length or an offset.

    Raises:
        JsError: A RangeError: it is negative or too large.
    """
    index = 0 if value is undefined else to_integer(value)
    if not 0 <= index <= MAX_SAFE:
        raise range_error(f"Invalid index or length: {index}")
    return index


def to_bigint(value: Any) -> BigInt:
    """Returns a value as a bigint. A number is taken, too, unlike in JavaScript."""
    if isinstance(value, int):
        return BigInt(value)
    if isinstance(value, float) and value == math.floor(value):
        return BigInt(value)
    if isinstance(value, str) and len(value) < 1000:
        try:
            return BigInt(value.strip() or "0", 0)
        except ValueError:
            raise JsError("SyntaxError", f"Cannot convert {value} to a BigInt") from None
    raise type_error("Cannot convert the value to a BigInt")


def strictly_equal(a: Any, b: Any) -> bool:
    """Returns whether `===` holds."""
    if a is b:
        return not (isinstance(a, float) and a != a)
    if isinstance(a, str):
        return isinstance(b, str) and a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return type_of(a) == type_of(b) and a == b
    return False


def loosely_equal(a: Any, b: Any) -> bool:
    """Returns whether `==` holds."""
    empty = None, undefined
    if a is None or a is undefined or b is None or b is undefined:
        return any(a is e for e in empty) and any(b is e for e in empty)
    if type_of(a) == type_of(b):
        return strictly_equal(a, b)
    plain = (bool, int, float, str)
    if isinstance(a, plain) and isinstance(b, plain):
        x, y = (int(v) if isinstance(v, BigInt) else to_number(v) for v in (a, b))
        return x == y
    if isinstance(a, plain) and isinstance(b, (Array, Object)):
        return loosely_equal(a, to_text(b))
    if isinstance(b, plain) and isinstance(a, (Array, Object)):
        return loosely_equal(to_text(a), b)
    return False


def add(a: Any, b: Any) -> Any:
    """Returns `a + b`."""
    if type(a) is int and type(b) is int:
        return a + b
    if isinstance(a, (str, Object, Array)) or isinstance(b, (str, Object, Array)):
        return to_text(a) + to_text(b)
    return _arithmetic(a, b, lambda x, y: x + y)


def _arithmetic(a: Any, b: Any, operation: Callable[[Any, Any], Any]) -> Any:
    if isinstance(a, BigInt) != isinstance(b, BigInt):
        raise type_error("Cannot mix BigInt and other types, use explicit conversions")
    if isinstance(a, BigInt):
        result = operation(int(a), int(b))
        if result.bit_length() > MAX_BITS:
            raise range_error("Maximum BigInt size exceeded")
        return BigInt(result)
    result = operation(to_number(a), to_number(b))
    if type(result) is int and abs(result) > MAX_SAFE:
        return float(result)
    return result


def _divide(x: Any, y: Any) -> Any:
    if y == 0:
        if x == 0 or x != x:
            return math.nan
        return math.copysign(math.inf, x) * math.copysign(1, y)
    if isinstance(x, int) and isinstance(y, int) and x % y == 0:
        return x // y
    return x / y


def _remainder(x: Any, y: Any) -> Any:
    if isinstance(x, int) and isinstance(y, int) and y:
        return int(math.fmod(x, y)) if abs(x) <= MAX_SAFE else x % y
    try:
        return math.fmod(x, y)
    except ValueError:
        return math.nan


def _power(x: Any, y: Any) -> Any:
    try:
        return float(x) ** float(y)
    except (OverflowError, ZeroDivisionError):
        return math.inf


def _bits(operation: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        if isinstance(a, BigInt) and isinstance(b, BigInt):
            return BigInt(operation(int(a), int(b)))
        return to_int32(operation(to_int32(a), to_int32(b)))

    return apply


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(a: Any, b: Any) -> bool:
        if isinstance(a, str) and isinstance(b, str):
            return compare(
                a.encode("utf-16-be", "surrogatepass"), b.encode("utf-16-be", "surrogatepass")
            )
        x, y = (int(v) if isinstance(v, BigInt) else to_number(v) for v in (a, b))
        return compare(x, y)

    return apply


def _shift_right(a: Any, b: Any) -> int:
    return to_uint32(a) >> (to_uint32(b) & 31)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": lambda a, b: _arithmetic(a, b, lambda x, y: x - y),
    "*": lambda a, b: _arithmetic(a, b, lambda x, y: x * y),
    "/": lambda a, b: _divide(to_number(a), to_number(b)),
    "%": lambda a, b: _remainder(to_number(a), to_number(b)),
    "**": lambda a, b: _power(to_number(a), to_number(b)),
    "&": _bits(lambda x, y: x & y),
    "|": _bits(lambda x, y: x | y),
    "^": _bits(lambda x, y: x ^ y),
    "<<": lambda a, b: to_int32(to_int32(a) << (to_uint32(b) & 31)),
    ">>": lambda a, b: to_int32(a) >> (to_uint32(b) & 31),
    ">>>": _shift_right,
    "===": strictly_equal,
    "!==": lambda a, b: not strictly_equal(a, b),
    "==": loosely_equal,
    "!=": lambda a, b: not loosely_equal(a, b),
    "<": _compared(lambda x, y: x < y),
    ">": _compared(lambda x, y: x > y),
    "<=": _compared(lambda x, y: x <= y),
    ">=": _compared(lambda x, y: x >= y),
}
