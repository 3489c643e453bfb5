# SPDX-License-Identifier: MIT
"""Values with a type, and the conversion of Python's values."""

from __future__ import annotations

from operator import index

from ..._text import brief_repr
from .._missing import missing_feature
from ._types import Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BITS = {Type.I32: 32, Type.I64: 64, Type.V128: 128}
_V128_BYTES = 16


def to_own(type: Type, value: Any) -> Any:
    """Converts what a program gives to what pywasm3 takes.

    As in wasmer, an integer is an int, signed or unsigned, and a float is a float and not an int.

    Raises:
        TypeError: The value has another type.
        OverflowError: It is out of range.
        NotImplementedError: The type is that of references, which wasmer cannot convert either.
    """
    if type in (Type.EXTERN_REF, Type.FUNC_REF):
        raise missing_feature("wasmer", "values of references", "use pywasm3 itself")
    if type not in _BITS:
        if not isinstance(value, float):
            raise TypeError(f"{type.name} takes float, not {brief_repr(value)}")
        return value
    if not isinstance(value, int):
        raise TypeError(f"{type.name} takes int, not {brief_repr(value)}")
    bits = _BITS[type]
    least = 0 if type is Type.V128 else -(1 << (bits - 1))
    if not least <= value < 1 << bits:
        raise OverflowError(f"{value} is out of range for {type.name}")
    return value.to_bytes(_V128_BYTES, "little") if type is Type.V128 else value


def from_own(type: Type, value: Any) -> Any:
    """Converts what pywasm3 gives: a v128 becomes an int."""
    if type in (Type.EXTERN_REF, Type.FUNC_REF):
        raise missing_feature("wasmer", "values of references", "use pywasm3 itself")
    return int.from_bytes(value, "little") if type is Type.V128 else value


def _signed(value: int, bits: int) -> int:
    number = index(value)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise OverflowError(f"{number} is out of range for a signed integer of {bits} bits")
    return number


class Value:
    """A value with its type, which the static methods make."""

    __slots__ = ("_type", "_value")
    _type: Type
    _value: Any

    def __init__(self) -> None:
        """Cannot be called.

        Raises:
            TypeError: Always.
        """
        raise TypeError("no constructor defined: use a static method, like Value.i32(1)")

    @staticmethod
    def _of(type: Type, value: Any) -> Value:
        made = object.__new__(Value)
        made._type = type
        made._value = to_own(type, value)
        return made

    @staticmethod
    def i32(value: int) -> Value:
        """Makes a 32-bit integer, which is signed."""
        return Value._of(Type.I32, _signed(value, 32))

    @staticmethod
    def i64(value: int) -> Value:
        """Makes a 64-bit integer, which is signed."""
        return Value._of(Type.I64, _signed(value, 64))

    @staticmethod
    def f32(value: float) -> Value:
        """Makes a 32-bit float."""
        return Value._of(Type.F32, float(value))

    @staticmethod
    def f64(value: float) -> Value:
        """Makes a 64-bit float."""
        return Value._of(Type.F64, float(value))

    @staticmethod
    def v128(value: int) -> Value:
        """Makes a vector of an integer with 128 bits."""
        return Value._of(Type.V128, value)

    def __repr__(self) -> str:
        """Returns wasmer's text for the value."""
        return f"{self._type.name}({from_own(self._type, self._value)!r})"
