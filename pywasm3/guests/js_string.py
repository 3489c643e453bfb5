# SPDX-License-Identifier: MIT
"""The strings of guests that have none of their own: `wasm:js-string`, and imported constants.

Compilers of Dart, Java, Kotlin and other languages with a garbage collector leave strings to the
host. A string of such a guest is an externref, and Python gives and gets it as a str. The guest
imports the functions on strings from the module ``wasm:js-string``, and each constant string as a
global, whose name is its value::

    from pywasm3.guests import js_string

    imports = {**js_string.builtins(), "_": js_string.constants}
    instance = pywasm3.Instance(module, imports)

Functions and traps are those of the proposal "JS String Builtins", where indices count code units
of UTF-16. docs/guests/gc.md has the details.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._errors import Trap, TrapKind
from .._lookup import Typed
from .._types import FuncType, i32
from . import _utf8
from ._builtins import ARRAY, STRING, OnArrays, not_a_string, slots, string_of
from ._utf16 import Units, compare, concat, decode, encode, equal, is_high, is_low

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    from .._aggregate import Array
    from .._types import ValueType

__all__ = ["LONGEST", "builtins", "constants"]

LONGEST = (1 << 29) - 24
"""The code units that a string has at most, which is the limit of V8, too."""

_FITS = LONGEST // 2  # so many characters have at most LONGEST code units
_MASK = 0xFFFFFFFF
_JS_STRING = "wasm:js-string"
# Stands for the parameter that is an array.
_ARRAY = "array"


# ---- constants ----------------------------------------------------------------------------------


class Constants(Mapping[str, str]):
    """Maps each name to itself."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        """Returns the name, which is the value of the constant."""
        return name

    def __iter__(self) -> Iterator[str]:
        """Returns an iterator without names: there is a constant for every name."""
        return iter(())

    def __len__(self) -> int:
        """Returns 0, as there is no list of the names."""
        return 0


constants = Constants()
"""The imports from the module of a guest's constant strings, whatever the compiler calls it."""


# ---- what is given to the functions -------------------------------------------------------------


def _string(value: object, name: str) -> str:
    """Returns a string as an object of the class str itself."""
    return string_of(value, f"{_JS_STRING}.{name}")


def _beyond(index: int, length: int, name: str) -> NoReturn:
    raise Trap(
        TrapKind.UNREACHABLE,
        detail=f"{_JS_STRING}.{name}: there is no code unit {index & _MASK} in a string of "
        f"{length}",
    )


# ---- functions that need no code units ----------------------------------------------------------


def _test(string: Any) -> int:
    return int(isinstance(string, str))


def _cast(string: Any) -> Any:
    return string if isinstance(string, str) else not_a_string(string, f"{_JS_STRING}.cast")


def _equals(first: Any, second: Any) -> int:
    if first.__class__ is str and second.__class__ is str:
        return 1 if first == second else int(equal(first, second))
    for given in (first, second):
        if given is not None:
            _string(given, "equals")
    if first is None or second is None:
        return int(first is second)
    return _equals(_string(first, "equals"), _string(second, "equals"))


def _compare(first: Any, second: Any) -> int:
    return compare(_string(first, "compare"), _string(second, "compare"))


def _from_char_code(unit: int) -> str:
    return chr(unit & 0xFFFF)


def _from_code_point(point: int) -> str:
    if not 0 <= point <= 0x10FFFF:
        raise Trap(
            TrapKind.UNREACHABLE,
            detail=f"{_JS_STRING}.fromCodePoint: {point & _MASK} is not a code point",
        )
    return chr(point)


def _from_array(array: Array | None, start: int, end: int) -> str:
    label = f"{_JS_STRING}.fromCharCodeArray"
    return decode(bytes(slots(array, start, end & _MASK, 2, label)))


def _into_array(string: Any, array: Array | None, start: int) -> int:
    data = encode(_string(string, "intoCharCodeArray"))
    end = (start & _MASK) + len(data) // 2
    slots(array, start, end, 2, f"{_JS_STRING}.intoCharCodeArray")[:] = data
    return len(data) // 2


# ---- functions that count code units ------------------------------------------------------------


class _Counting:
    """The functions that count code units, for one guest, whose last strings they remember."""

    __slots__ = ("_units",)

    def __init__(self) -> None:
        self._units = Units()

    def length(self, string: Any) -> int:
        if string.__class__ is not str:
            string = _string(string, "length")
        if string.isascii() or (units := self._units[string]) is None:
            return len(string)
        return len(units)

    def unit_at(self, string: Any, index: int) -> int:
        if string.__class__ is not str:
            string = _string(string, "charCodeAt")
        if index >= 0:
            try:
                if string.isascii() or (units := self._units[string]) is None:
                    return ord(string[index])
                return units[index]
            except IndexError:
                pass
        return _beyond(index, self.length(string), "charCodeAt")

    def point_at(self, string: Any, index: int) -> int:
        text = _string(string, "codePointAt")
        length = self.length(text)
        if not 0 <= index < length:
            _beyond(index, length, "codePointAt")
        unit = self.unit_at(text, index)
        if is_high(unit) and index + 1 < length:
            low = self.unit_at(text, index + 1)
            if is_low(low):
                return 0x10000 + ((unit & 0x3FF) << 10 | low & 0x3FF)
        return unit

    def substring(self, string: Any, start: int, end: int) -> str:
        if string.__class__ is not str:
            string = _string(string, "substring")
        start &= _MASK
        end &= _MASK
        if start > end:
            return ""
        if string.isascii() or (units := self._units[string]) is None:
            return str(string[start:end])
        return decode(bytes(units[start:end]))

    def concat(self, first: Any, second: Any) -> str:
        if first.__class__ is not str or second.__class__ is not str:
            first, second = _string(first, "concat"), _string(second, "concat")
        if len(first) + len(second) > _FITS:
            length = self.length(first) + self.length(second)
            if length > LONGEST:
                raise Trap(
                    TrapKind.HEAP_EXHAUSTED,
                    detail=f"{_JS_STRING}.concat: a string has at most {LONGEST} code units, "
                    f"not {length}",
                )
        return first + second if first.isascii() or second.isascii() else concat(first, second)


# ---- the imports ---------------------------------------------------------------------------------


def _functions() -> dict[str, tuple[Callable[..., Any], str, ValueType]]:
    """Returns each function with its parameters, separated by spaces, and its result."""
    counting = _Counting()
    return {
        "cast": (_cast, "externref", STRING),
        "test": (_test, "externref", i32),
        "fromCharCodeArray": (_from_array, f"{_ARRAY} i32 i32", STRING),
        "intoCharCodeArray": (_into_array, f"externref {_ARRAY} i32", i32),
        "fromCharCode": (_from_char_code, "i32", STRING),
        "fromCodePoint": (_from_code_point, "i32", STRING),
        "charCodeAt": (counting.unit_at, "externref i32", i32),
        "codePointAt": (counting.point_at, "externref i32", i32),
        "length": (counting.length, "externref", i32),
        "concat": (counting.concat, "externref externref", STRING),
        "substring": (counting.substring, "externref i32 i32", STRING),
        "equals": (_equals, "externref externref", i32),
        "compare": (_compare, "externref externref", i32),
    }


def builtins() -> dict[str, dict[str, Any]]:
    """Returns the imports from ``wasm:js-string``, and from the modules for UTF-8, for one guest.

    The latter are ``wasm:text-encoder`` and ``wasm:text-decoder``, whose functions are between
    strings and arrays of bytes.

    An import whose type is not that of the proposal is a mismatch, with the usual LinkError. What
    is not a string, where the guest must give one, is a trap (TrapKind.CAST_FAILURE); so are
    indices beyond the end, and strings of more than LONGEST code units.

    A surrogate that has no other half stays in a str as a character of its own, and becomes part of
    a character when the guest puts its other half beside it.
    """
    made: dict[str, Any] = {}
    for name, (function, params, result) in _functions().items():
        types = [ARRAY if each == _ARRAY else each for each in params.split()]
        type_ = FuncType(types, [result])
        made[name] = OnArrays(function, type_, "i16") if ARRAY in types else Typed(function, type_)
    return {_JS_STRING: made, **_utf8.functions()}
