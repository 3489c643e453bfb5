# SPDX-License-Identifier: MIT
"""Values with a type, and the conversions between Python's values and those of a guest."""

from __future__ import annotations

from struct import pack, unpack

from ... import _types as own
from ..._ffi import Function
from ._errors import WasmtimeError
from ._types import ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._func import Func


def _wrapped(value: object, bits: int) -> int:
    """Returns the signed integer with the lowest bits of an integer."""
    if not isinstance(value, int):
        raise TypeError(f"expected an integer, not {type(value).__name__}")
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def _float(value: object) -> float:
    if not isinstance(value, float):
        raise TypeError(f"expected a float, not {type(value).__name__}")
    return value


class Val:
    """A value with its type."""

    __slots__ = ("_type", "_val")
    _type: own.ValueType
    _val: Any

    def __init__(self, kind: own.ValueType, val: Any) -> None:
        """Takes pywasm3's type and the value. Use the class methods instead."""
        self._type = kind
        self._val = val

    @classmethod
    def i32(cls, val: int) -> Val:
        """Makes a 32-bit integer of the lowest bits of an integer."""
        return cls(own.i32, _wrapped(val, 32))

    @classmethod
    def i64(cls, val: int) -> Val:
        """Makes a 64-bit integer of the lowest bits of an integer."""
        return cls(own.i64, _wrapped(val, 64))

    @classmethod
    def f32(cls, val: float) -> Val:
        """Makes a 32-bit float, which is rounded; what is too large becomes infinite."""
        number = _float(val)
        try:
            return cls(own.f32, unpack("<f", pack("<f", number))[0])
        except OverflowError:
            return cls(own.f32, float("inf") if number > 0 else float("-inf"))

    @classmethod
    def f64(cls, val: float) -> Val:
        """Makes a 64-bit float."""
        return cls(own.f64, _float(val))

    @classmethod
    def externref(cls, extern: Any) -> Val:
        """Makes a reference to an object. None is null."""
        return cls(own.externref, extern)

    @classmethod
    def funcref(cls, f: Func | None) -> Val:
        """Makes a reference to a function. None is null."""
        return cls(own.funcref, f)

    @classmethod
    def ref_null(cls, ty: ValType) -> Val:
        """Makes the null reference of a type.

        Raises:
            WasmtimeError: The type is not externref or funcref.
        """
        if ty._type in (own.externref, own.funcref):
            return cls(ty._type, None)
        raise WasmtimeError(f"Invalid reference type for `ref_null`: {ty}")

    def __eq__(self, rhs: object) -> bool:
        """Returns whether the other object is an equal Val of the type, or the value."""
        if isinstance(rhs, Val):
            return self._type == rhs._type and bool(self._val == rhs._val)
        return bool(self._val == rhs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Returns the type and the value."""
        return f"Val({self._type}, {self._val!r})"

    @property
    def type(self) -> ValType:
        """The type."""
        return ValType._of(self._type)

    @property
    def value(self) -> Any:
        """The value."""
        return self._val

    def _as(self, type: own.ValueType) -> Any:
        return self._val if self._type is type else None

    def as_i32(self) -> int | None:
        """Returns the value if it is an i32, else None."""
        value: int | None = self._as(own.i32)
        return value

    def as_i64(self) -> int | None:
        """Returns the value if it is an i64, else None."""
        value: int | None = self._as(own.i64)
        return value

    def as_f32(self) -> float | None:
        """Returns the value if it is an f32, else None."""
        value: float | None = self._as(own.f32)
        return value

    def as_f64(self) -> float | None:
        """Returns the value if it is an f64, else None."""
        value: float | None = self._as(own.f64)
        return value

    def as_externref(self) -> Any:
        """Returns the object if the value is an externref, else None."""
        return self._as(own.externref)

    def as_funcref(self) -> Func | None:
        """Returns the function if the value is a funcref, else None."""
        value: Func | None = self._as(own.funcref)
        return value


_MAKERS: dict[own.ValueType, Callable[[Any], Val]] = {
    own.i32: Val.i32,
    own.i64: Val.i64,
    own.f32: Val.f32,
    own.f64: Val.f64,
}


def to_own(type: own.ValueType, value: Any) -> Any:
    """Converts what a program gives to what pywasm3 takes.

    Integers of any size lose their high bits; an int is not taken for a float, as in wasmtime.

    Raises:
        TypeError: The value is not one of the type.
    """
    from ._func import Func

    if isinstance(value, Val):
        if value._type != type:
            raise TypeError(f"expected a Val of type {type}, not of {value.type}")
        value = value._val
    elif type in _MAKERS:
        kind = int if type in (own.i32, own.i64) else float
        if isinstance(value, kind):
            return _MAKERS[type](value)._val
        raise _unfit(type, value)
    if type is own.externref:
        return value
    if type in _MAKERS:
        return value
    if type is own.funcref and (value is None or isinstance(value, Func)):
        return None if value is None else value._func
    raise _unfit(type, value)


def _unfit(type: own.ValueType, value: object) -> TypeError:
    from ..._text import brief_repr

    return TypeError(f"don't know how to convert {brief_repr(value)} to {type}")


def from_own(value: Any) -> Any:
    """Converts what pywasm3 gives: a function becomes a Func, and anything else stays."""
    from ._func import Func

    return Func._of(value) if isinstance(value, Function) else value
