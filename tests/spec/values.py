# SPDX-License-Identifier: MIT
"""Converts the arguments of scripts to Python and compares results with the expected ones.

Numbers are bit patterns, as `Function.raw` takes and returns them. A v128 is a pair of them, of its
low and its high half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import pywasm3

Json: TypeAlias = dict[str, Any]

_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
# The canonical NaN without its sign. An arithmetic NaN has at least these bits.
_QUIET = {"f32": 0x7FC00000, "f64": 0x7FF8000000000000}
_HALF = 0xFFFFFFFFFFFFFFFF  # the bits of half a vector


@dataclass(frozen=True)
class Extern:
    """The object of the host which scripts call by a number."""

    number: int


class Thrown:
    """Stands for a reference to an exception, which Python cannot have."""


# What a reference of a type is in Python if it is not null. Below `any` and `extern` there are all
# of these, apart from functions.
_OBJECTS: dict[str, tuple[type, ...]] = {
    "funcref": (pywasm3.Function,),
    "i31ref": (int,),
    "structref": (pywasm3.Struct,),
    "arrayref": (pywasm3.Array,),
    "eqref": (int, pywasm3.Struct, pywasm3.Array),
    "anyref": (int, pywasm3.Struct, pywasm3.Array, Extern),
    "externref": (int, pywasm3.Struct, pywasm3.Array, Extern),
    "exnref": (Thrown,),
}


def argument(value: Json) -> Any:
    """Returns the Python value of an argument of a script."""
    kind, text = value["type"], value["value"]
    if kind == "v128":
        bits = _BITS[value["lane_type"]]
        pattern = sum(int(lane) << i * bits for i, lane in enumerate(text))
        return pattern & _HALF, pattern >> 64
    if kind in _BITS:
        return int(text)
    return None if text == "null" else Extern(int(text))


def _is_number(kind: str, pattern: int, expected: str) -> bool:
    """Tells whether a bit pattern, sign-extended or not, is the expected number or NaN."""
    bits = _BITS[kind]
    pattern &= (1 << bits) - 1
    if not expected.startswith("nan:"):
        return pattern == int(expected)
    quiet, magnitude = _QUIET[kind], pattern & ((1 << (bits - 1)) - 1)
    return magnitude == quiet if expected == "nan:canonical" else magnitude & quiet == quiet


def _is_vector(result: object, expected: Json) -> bool:
    if not isinstance(result, tuple) or len(result) != 2:
        return False
    kind, (low, high) = expected["lane_type"], result
    lanes = [(low | high << 64) >> i for i in range(0, 128, _BITS[kind])]
    return all(map(_is_number, [kind] * len(lanes), lanes, expected["value"]))


def _is_reference(result: object, kind: str, expected: str | None) -> bool:
    if expected is None:  # any reference that is not null
        return isinstance(result, _OBJECTS[kind]) and not isinstance(result, bool)
    return result == (None if expected == "null" else Extern(int(expected)))


def matches(result: object, expected: Json) -> bool:
    """Tells whether a result is the expected one."""
    kind = expected["type"]
    if kind == "either":
        return any(matches(result, one) for one in expected["values"])
    if kind == "v128":
        return _is_vector(result, expected)
    if kind in _BITS:
        return type(result) is int and _is_number(kind, result, expected["value"])
    return _is_reference(result, kind, expected.get("value"))


def shown(value: object) -> str:
    """Returns the text of a result, for messages."""
    if isinstance(value, tuple) and len(value) == 2:
        return f"v128 {value[0] | value[1] << 64:#034x}"
    return f"{value} ({value:#x})" if isinstance(value, int) else repr(value)


def wanted(expected: Json) -> str:
    """Returns the text of an expected result, for messages."""
    kind = expected["type"]
    if kind == "either":
        return " or ".join(map(wanted, expected["values"]))
    return f"{expected.get('lane_type', kind)} {expected.get('value', 'not null')}"
