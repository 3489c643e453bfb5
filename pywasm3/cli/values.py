# SPDX-License-Identifier: MIT
"""Reads and writes values as words of a command line."""

from __future__ import annotations

import struct

from .. import ValType
from .._text import counted, listed
from .terminal import UsageError
from .wat import shortest_f32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .. import FuncType
    from .._types import ValueType

_BITS: dict[ValueType, int] = {ValType.I32: 32, ValType.I64: 64}
_FLOATS: dict[ValueType, str] = {ValType.F32: "<f", ValType.F64: "<d"}


def parse_arguments(name: str, type_: FuncType, words: Sequence[str]) -> list[int | float | bytes]:
    """Returns the values of the words, which are the arguments of a call.

    Raises:
        UsageError: There are too many or too few words, or one does not fit its type.
    """
    params = type_.params
    if len(words) != len(params):
        types = f" ({', '.join(listed(params))})" if params else ""
        takes = counted(len(params), "argument")
        raise UsageError(f"{name} takes {takes}{types}, but got {len(words)}")
    return [
        _parse(word, param, f"{name}: argument {place}")
        for place, (word, param) in enumerate(zip(words, params, strict=True))
    ]


def _parse(word: str, param: ValueType, place: str) -> int | float | bytes:
    try:
        if param is ValType.V128:
            return (_parse_int(word, 128) % (1 << 128)).to_bytes(16, "little")
        if param in _BITS:
            return _parse_int(word, _BITS[param])
        if param in _FLOATS:
            return _parse_float(word, _FLOATS[param])
    except ValueError:
        article = "a" if param is ValType.V128 else "an"
        raise UsageError(f"{place}: {word!r} is not {article} {param}") from None
    except OverflowError:
        raise UsageError(f"{place}: {word!r} is out of the range of {param}") from None
    raise UsageError(f"{place}: values of type {param} cannot be given on the command line")


def _parse_int(word: str, bits: int) -> int:
    digits = word.lstrip("+-")
    value = int(word, 16 if digits[:2].lower() == "0x" else 10)
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise OverflowError
    return value


def _parse_float(word: str, layout: str) -> float:
    value = float.fromhex(word) if "0x" in word.lower() else float(word)
    struct.pack(layout, value)  # Raises OverflowError if only infinity could represent the value.
    return value


def result_lines(type_: FuncType, result: Any) -> list[str]:
    """Returns one line for each result of a call."""
    results = type_.results
    values = () if not results else (result,) if len(results) == 1 else result
    return [_shown(value, param) for value, param in zip(values, results, strict=True)]


def _shown(value: Any, type_: ValueType) -> str:
    if type_ is ValType.F32:
        return shortest_f32(value)
    if type_ is ValType.V128:
        return f"0x{int.from_bytes(value, 'little'):032x}"
    return repr(value)
