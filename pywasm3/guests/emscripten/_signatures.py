# SPDX-License-Identifier: MIT
"""Makes imports of Python functions, by the types that the versions of Emscripten give them.

A signature is written like "iil>i". Its letters are the types of parameters and of the result: "i"
and "l" are unsigned integers of 32 and 64 bits, "s" is a signed one of 64 bits, and "d" a double.
Some functions have had several types over the years: then there are several entries with the name.
Older versions passed a 64-bit integer as two parameters of 32 bits, the lower half first, because
JavaScript had no such integers. Each signature stands for that form, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..._errors import Trap, TrapKind
from ..._lookup import Typed
from ..._types import FuncType, f64, i32, i64
from ...wasi.abi import FAILURES, WasiError, errno_of
from .._nesting import as_exhausted

if TYPE_CHECKING:
    from ._program import Emscripten

# The name of an import, a function that gets the program and the arguments, and its signature.
Entry: TypeAlias = "tuple[str, Callable[..., Any], str]"

_TYPES = {"i": i32, "l": i64, "s": i64, "d": f64}
_MASKS = {"i": (1 << 32) - 1, "l": (1 << 64) - 1}
_SIGN = 1 << 63


def bind(program: Emscripten, entries: list[Entry], wanted: FuncType) -> Typed:
    """Returns the value for an import.

    If none of the signatures has the wanted type, the value has the type of the first, so that the
    linker refuses it and names both types.

    Args:
        program: The program that the function works for.
        entries: The entries with the name of the import.
        wanted: The type of the import.
    """
    for name, function, signature in entries:
        params, _, result = signature.partition(">")
        call = _masked(program, name, function, params)
        if wanted == _type(params, result):
            return Typed(call, wanted)
        if wanted == _type(_split(params), result):
            return Typed(_joined(call, params), wanted)
    return Typed(entries[0][1], type_of(entries[0]))


def type_of(entry: Entry) -> FuncType:
    """Returns the type that an entry's signature says."""
    params, _, result = entry[2].partition(">")
    return _type(params, result)


def _split(params: str) -> str:
    return params.replace("l", "ii").replace("s", "ii")


def _type(params: str, result: str) -> FuncType:
    return FuncType([_TYPES[each] for each in params], [_TYPES[each] for each in result])


def _masked(
    program: Emscripten, label: str, function: Callable[..., Any], params: str
) -> Callable[..., Any]:
    """Wraps a function: it gets the program and unsigned integers."""
    masks = [_MASKS.get(letter) for letter in params]

    def call(*arguments: Any) -> Any:
        given = [
            argument if mask is None else argument & mask
            for argument, mask in zip(arguments, masks, strict=True)
        ]
        return function(program, *given)

    return checked(label, call)


def checked(label: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a function of the host: an address that is not in the memory is a trap.

    So are calls that the guest and the host nest too deeply.

    Args:
        label: The name of the import, for the message.
        function: The function, which raises WasiError for such an address.
    """

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except WasiError as error:
            detail = f"{label} got an address that is not in the memory ({error})"
            raise Trap(TrapKind.MEMORY_OUT_OF_BOUNDS, detail=detail) from None
        except RecursionError as error:
            raise as_exhausted(error) from None

    return call


def _joined(call: Callable[..., Any], params: str) -> Callable[..., Any]:
    """Wraps a function: where it has a 64-bit integer, the guest passes two halves."""

    def joined(*arguments: int) -> Any:
        rest = iter(arguments)
        given = []
        for letter in params:
            value = next(rest)
            given.append(join(value, next(rest)) if letter in "ls" else value)
        return call(*given)

    return joined


def join(low: int, high: int) -> int:
    """Returns the signed integer of 64 bits that two halves make."""
    value = (low & _MASKS["i"]) | (high & _MASKS["i"]) << 32
    return value - ((value & _SIGN) << 1)


def as_syscall(function: Callable[..., int]) -> Callable[..., int]:
    """Wraps a function so that its exceptions become what a system call returns: -errno.

    Emscripten's C library has the error numbers of WASI.
    """

    def call(*arguments: Any) -> int:
        try:
            return function(*arguments)
        except FAILURES as error:
            return -errno_of(error)

    return call


def split_call(call: Callable[..., Any], given: FuncType, wanted: FuncType) -> Typed | None:
    """Returns a function of WASI for an import that passes halves of 64-bit integers.

    Args:
        call: The function.
        given: Its type.
        wanted: The type of the import.

    Returns:
        The function, or None if the types differ by more than that.
    """
    params = "".join("s" if each == i64 else "i" for each in given.params)
    if wanted != _type(_split(params), "i" * len(given.results)):
        return None
    return Typed(_joined(call, params), wanted)
