# SPDX-License-Identifier: MIT
"""Conversion of numbers and vectors between Python objects and cells, which are ints of 64 bits."""

from __future__ import annotations

from functools import lru_cache
from math import ldexp
from operator import index as _index
from struct import Struct
from struct import error as StructError

from .._ffi import ffi, lib
from .._pypy import in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

I32: int = lib.PW_I32
I64: int = lib.PW_I64
F32: int = lib.PW_F32
F64: int = lib.PW_F64
V128: int = lib.PW_V128

# The kinds of references; native/cpython/signature.h explains kinds. A number or v128 has the byte
# of its type as its kind.
FUNC, EXTERN, ANY, OTHER, EXN = 1, 2, 3, 4, 5
NON_NULL = 0x10

LOW_HALF = 0xFFFFFFFF
CELL = 0xFFFFFFFFFFFFFFFF
_F32, _F64, _PAIR = Struct("<f"), Struct("<d"), Struct("<QQ")

_HEAPS: dict[int, int] = {
    lib.PW_FUNCREF: FUNC,
    lib.PW_EXTERNREF: EXTERN,
    lib.PW_ANYREF: ANY,
    lib.PW_EQREF: ANY,
    lib.PW_I31REF: ANY,
    lib.PW_STRUCTREF: ANY,
    lib.PW_ARRAYREF: ANY,
    lib.PW_EXNREF: EXN,
    lib.PW_NULLEXNREF: EXN,
}


def kind_of(valtype: int) -> int:
    """Returns the kind of a pw_valtype."""
    if V128 <= valtype <= I32:
        return valtype
    null = NON_NULL if valtype & lib.PW_NON_NULL else 0
    if valtype & lib.PW_CONCRETE:
        return null | FUNC
    return null | _HEAPS.get(valtype & lib.PW_HEAP_MASK, OTHER)


def cells_of(kinds: Sequence[int]) -> int:
    """Returns how many cells values of these kinds take."""
    return len(kinds) + list(kinds).count(V128)


def is_exnref(kind: int) -> bool:
    """Returns whether a kind is that of references to exceptions."""
    return kind & ~NON_NULL == EXN


# ---- errors --------------------------------------------------------------------------------------


def blame(error: BaseException, name: str | None, what: str, place: int, valtype: int) -> NoReturn:
    """Raises the error again, with words before its message that say which value it is about.

    Only a TypeError or an OverflowError gets them: others come from the user's own code.

    Args:
        error: The error.
        name: Of the function, or what else the value belongs to. None: nothing is said.
        what: "parameter" or "result", or another word for the value.
        place: Which of them, from 0; below 0: there is only one.
        valtype: The pw_valtype of the value.
    """
    for kind in (TypeError, OverflowError):
        if name is not None and isinstance(error, kind):
            given = str(ffi.string(lib.pw_valtype_name(valtype).text), "ascii")
            enclosed = given if given.startswith("(") else f"({given})"
            which = what if place < 0 else f"{what} {place}"
            raise kind(f"{name}: {which} {enclosed}: {error}") from None
    raise error


# ---- to cells ------------------------------------------------------------------------------------


def _encode_int(value: Any, narrow: bool) -> int:
    number = _index(value)
    bits = 32 if narrow else 64
    if not -(1 << (bits - 1)) <= number < 1 << bits:
        raise OverflowError(f"{number!r} does not fit {bits} bits")
    return number & (LOW_HALF if narrow else CELL)


def float_bits(number: float, kind: int) -> int:
    """Returns the bits of a float; a number beyond the range of f32 becomes infinity."""
    if kind == F64:
        return int.from_bytes(_F64.pack(number), "little")
    try:
        data = _F32.pack(number)
    except OverflowError:
        data = _F32.pack(float("inf") if number > 0 else float("-inf"))
    return int.from_bytes(data, "little")


def encode_number(value: Any, kind: int, raw: bool) -> int:
    """Returns the cell of a number; if `raw`, the value is its bit pattern.

    Raises:
        TypeError: The value is not a number of the type.
        OverflowError: It does not fit the type.
    """
    if raw or kind in (I32, I64):
        return _encode_int(value, kind in (I32, F32))
    if type(value) is not float:
        if not hasattr(value, "__float__") and hasattr(value, "__index__"):
            value = _index(value)
        value = ldexp(value, 0)  # takes what a float parameter of C takes: no str, unlike float()
    return float_bits(value, kind)


def refuse_objects(view: memoryview) -> None:
    """Raises TypeError if the items of a buffer are objects of Python.

    A guest must not read their addresses, or write them. Names of fields stand between colons in a
    format (PEP 3118), and are not letters of items.
    """
    if any("O" in part for part in view.format.split(":")[::2]):
        raise TypeError("the items are objects of Python, and not bytes")


def _encode_bytes(value: Any) -> tuple[int, int]:
    try:
        view = memoryview(value)
    except TypeError:
        raise TypeError(
            f"a bytes-like object of 16 bytes is expected, not {type(value).__name__}"
        ) from None
    with view:
        refuse_objects(view)
        if view.nbytes != 16:
            raise TypeError(f"16 bytes are expected, not {view.nbytes}")
        low, high = _PAIR.unpack(bytes(in_order(view)))
    return low, high


def encode_vector(value: Any, raw: bool) -> tuple[int, int]:
    """Returns the two cells of a v128.

    The value is an object with the buffer protocol, of 16 bytes; or, if `raw`, a pair of ints.
    """
    if not raw:
        return _encode_bytes(value)
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(
            f"a tuple of two ints is expected, the low and the high half, not {value!r}"
        )
    return _encode_int(value[0], False), _encode_int(value[1], False)


def encode_plain(value: Any, kind: int, raw: bool) -> list[int]:
    """Returns the cells of a number or a vector."""
    return list(encode_vector(value, raw)) if kind == V128 else [encode_number(value, kind, raw)]


# ---- from cells ----------------------------------------------------------------------------------


def decode_number(cell: int, kind: int, raw: bool) -> int | float:
    """Returns the Python object for the cell of a number."""
    narrow = kind in (I32, F32)
    if narrow:
        cell &= LOW_HALF
    if raw:
        return cell
    if kind == F32:
        return float(_F32.unpack(cell.to_bytes(4, "little"))[0])
    if kind == F64:
        return float(_F64.unpack(cell.to_bytes(8, "little"))[0])
    bits = 32 if narrow else 64
    return cell - (1 << bits) if cell >> (bits - 1) else cell


def decode_plain(cells: Sequence[int], at: int, kind: int, raw: bool) -> Any:
    """Returns the Python object for the cells of a number or a vector, which begin at an index."""
    if kind != V128:
        return decode_number(cells[at], kind, raw)
    pair = (cells[at], cells[at + 1])
    return pair if raw else _PAIR.pack(*pair)


# ---- many numbers at once ------------------------------------------------------------------------

# What the struct module writes to a cell, and how it reads one that the guest wrote.
_LETTERS = {I32: "i4x", I64: "q", F32: "f4x", F64: "d"}
_RAW_LETTERS = {I32: "I4x", I64: "Q", F32: "I4x", F64: "Q"}


@lru_cache(256)
def cells_struct(kinds: tuple[int, ...], raw: bool) -> Struct:
    """Returns the structure whose fields are the cells of numbers.

    It takes no int of the unsigned range, unless `raw`, and no other object that must be converted
    in another way than the struct module does: `pack` raises one of PACK_ERRORS then.
    """
    letters = _RAW_LETTERS if raw else _LETTERS
    return Struct("<" + "".join([letters[kind] for kind in kinds]))


# PyPy raises ValueError for a negative int in an unsigned field.
PACK_ERRORS = (StructError, OverflowError, TypeError, ValueError)

# How pw_gate_call extends results.
_EXTENDED = {I32: "q", I64: "q", F32: "d", F64: "d"}
_ARRAYS = {
    "q": ffi.typeof("int64_t[]"),
    "d": ffi.typeof("double[]"),
    "Q": ffi.typeof("uint64_t[]"),
}
_buffer = ffi.buffer


@lru_cache(256)
def results_reader(kinds: tuple[int, ...], raw: bool) -> tuple[Any, int, Callable[[Any], Any]]:
    """Returns how the results of pw_gate_call are read.

    The tuple has the type of the array for them, its length, and a function that takes such an
    array and returns what a call returns.
    """
    letters = ["Q" if raw else _EXTENDED[kind] for kind in kinds]
    if not letters:
        return _ARRAYS["Q"], 1, lambda cells: None
    if len(letters) == 1:
        return _ARRAYS[letters[0]], 1, lambda cells: cells[0]
    unpack = Struct("<" + "".join(letters)).unpack
    return _ARRAYS["Q"], len(letters), lambda cells: unpack(_buffer(cells))
