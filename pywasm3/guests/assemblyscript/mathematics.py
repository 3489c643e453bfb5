# SPDX-License-Identifier: MIT
"""The functions of JavaScript's Math, on floats of Python, which guests may import.

Where Python's function raises an exception, JavaScript's returns NaN or an infinity. The last bit
of a result, such as that of ``sin``, depends on the C library, as it does on the engine in
JavaScript.
"""

from __future__ import annotations

import math
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_F32 = Struct("<f")
_INFINITY = math.inf
# Floats of this size or more have no fraction.
_WHOLE = float(1 << 52)


def _total(function: Callable[[float], float]) -> Callable[[float], float]:
    """Returns a function that is NaN outside of its domain, and infinite where it overflows."""

    def call(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return math.nan
        except OverflowError:
            return _INFINITY

    return call


def _odd(function: Callable[[float], float]) -> Callable[[float], float]:
    """Returns a function of one number that overflows to the infinity with the number's sign."""

    def call(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.copysign(_INFINITY, x)

    return call


def _logarithm(function: Callable[[float], float], pole: float) -> Callable[[float], float]:
    """Returns a function that is minus infinity at one number, and NaN below it."""

    def call(x: float) -> float:
        if x <= pole:
            return -_INFINITY if x == pole else math.nan
        return function(x)

    return call


def _atanh(x: float) -> float:
    if abs(x) >= 1:
        return math.copysign(_INFINITY, x) if abs(x) == 1 else math.nan
    return math.atanh(x)


def _cbrt(x: float) -> float:
    root = getattr(math, "cbrt", None)  # since Python 3.11
    if root is not None:
        return float(root(x))
    if not x or not math.isfinite(x):
        return x
    near = math.copysign(abs(x) ** (1 / 3), x)
    return near - (near * near * near - x) / (3 * near * near)


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """Returns a rounding function that keeps the sign of zero, NaN and the infinities."""

    def call(x: float) -> float:
        return math.copysign(float(function(x)), x) if abs(x) < _WHOLE else x

    return call


def _round(x: float) -> float:
    """Returns the nearest whole number, and of two the greater one."""
    if not abs(x) < _WHOLE:
        return x
    below = math.floor(x)
    return math.copysign(float(below + (x - below >= 0.5)), x)


def _sign(x: float) -> float:
    return x if x == 0 or x != x else math.copysign(1.0, x)


def _int32(x: float) -> int:
    """Returns what JavaScript's ToUint32 makes of a number."""
    return int(x) & 0xFFFFFFFF if math.isfinite(x) else 0


def _imul(x: float, y: float) -> float:
    product = _int32(x) * _int32(y) & 0xFFFFFFFF
    return float(product - (1 << 32) if product >= 1 << 31 else product)


def _clz32(x: float) -> float:
    return float(32 - _int32(x).bit_length())


def _fround(x: float) -> float:
    try:
        return float(_F32.unpack(_F32.pack(x))[0])
    except OverflowError:
        return math.copysign(_INFINITY, x)


def _hypot(x: float, y: float) -> float:
    return math.hypot(x, y)


def _max(x: float, y: float) -> float:
    if x != x or y != y:
        return math.nan
    if x == y == 0:
        return x if math.copysign(1.0, x) > 0 else y
    return max(x, y)


def _min(x: float, y: float) -> float:
    return -_max(-x, -y)


def _pow(x: float, y: float) -> float:
    if abs(x) == 1 and not math.isfinite(y):
        return math.nan
    if y != y:
        return math.nan
    odd = math.isfinite(y) and y == int(y) and int(y) % 2 == 1
    try:
        return math.pow(x, y)
    except OverflowError:
        return -_INFINITY if x < 0 and odd else _INFINITY
    except ValueError:
        if x == 0:
            return math.copysign(_INFINITY, x) if odd else _INFINITY
        return math.nan


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Math.abs": abs,
    "Math.acos": _total(math.acos),
    "Math.acosh": _total(math.acosh),
    "Math.asin": _total(math.asin),
    "Math.asinh": math.asinh,
    "Math.atan": math.atan,
    "Math.atan2": math.atan2,
    "Math.atanh": _atanh,
    "Math.cbrt": _cbrt,
    "Math.ceil": _whole(math.ceil),
    "Math.clz32": _clz32,
    "Math.cos": _total(math.cos),
    "Math.cosh": _total(math.cosh),
    "Math.exp": _total(math.exp),
    "Math.expm1": _total(math.expm1),
    "Math.floor": _whole(math.floor),
    "Math.fround": _fround,
    "Math.hypot": _hypot,
    "Math.imul": _imul,
    "Math.log": _logarithm(math.log, 0.0),
    "Math.log10": _logarithm(math.log10, 0.0),
    "Math.log1p": _logarithm(math.log1p, -1.0),
    "Math.log2": _logarithm(math.log2, 0.0),
    "Math.max": _max,
    "Math.min": _min,
    "Math.pow": _pow,
    "Math.round": _round,
    "Math.sign": _sign,
    "Math.sin": _total(math.sin),
    "Math.sinh": _odd(math.sinh),
    "Math.sqrt": _total(math.sqrt),
    "Math.tan": _total(math.tan),
    "Math.tanh": math.tanh,
    "Math.trunc": _whole(math.trunc),
}

# The functions of two numbers; the others have one.
OF_TWO = frozenset(f"Math.{name}" for name in ("atan2", "hypot", "imul", "max", "min", "pow"))

CONSTANTS = {
    "Math.E": math.e,
    "Math.LN2": math.log(2),
    "Math.LN10": math.log(10),
    "Math.LOG2E": 1 / math.log(2),
    "Math.LOG10E": math.log10(math.e),
    "Math.PI": math.pi,
    "Math.SQRT1_2": math.sqrt(0.5),
    "Math.SQRT2": math.sqrt(2),
}
