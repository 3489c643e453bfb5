# SPDX-License-Identifier: MIT
"""The functions of a guest that take and free memory: which ones they are, and how they are called.

Toolchains have no common names or parameters for them, so they are told apart by both.
"""

from __future__ import annotations

from .._errors import WasmError
from .._ffi import Function
from .._text import brief_repr, meant
from .._types import ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._instance import Instance

# Pairs of functions that take and free memory, by the names under which guests export them. No
# function frees what cabi_realloc returns, because the component model lets the guest own it.
_PAIRS: tuple[tuple[str, str | None], ...] = (
    ("malloc", "free"),
    ("_malloc", "_free"),
    ("alloc", "dealloc"),
    ("alloc", "free"),
    ("allocate", "deallocate"),
    ("__wbindgen_malloc", "__wbindgen_free"),
    ("cabi_realloc", None),
)
INTEGERS = (ValType.I32, ValType.I64)


def allocator_of(instance: Instance[Any]) -> tuple[str, str | None]:
    """Returns the names of the exports that take and free memory."""
    exports = instance.exports
    for allocate, free in _PAIRS:
        if allocate in exports and (free is None or free in exports):
            return allocate, free
    tried = ", ".join(f"{allocate} and {free}" for allocate, free in _PAIRS if free)
    raise WasmError(
        f"the guest exports no allocator that is known ({tried}, or cabi_realloc): let the "
        "compiler export its functions, or give their names: Heap(instance, 'take', 'release')"
    )


def function_of(instance: Instance[Any], given: str | Function) -> Function:
    """Returns a function of a guest, by its name if a name is given."""
    if isinstance(given, Function):
        return given
    found = instance.exports.get(given, None)
    if not isinstance(found, Function):
        what = "does not export" if found is None else "exports something that is not a function as"
        hint = meant(given, instance.exports) if found is None else ""
        raise WasmError(f"the guest {what} {brief_repr(given)}{hint}")
    return found


def _refused(function: Function, shapes: str) -> WasmError:
    return WasmError(
        f"{brief_repr(function.name)} is not a function of an allocator: its type is "
        f"{function.type}, but the parameters must be integers that mean {shapes}"
    )


def _has_integers(function: Function) -> bool:
    return all(type_ in INTEGERS for type_ in function.type.params)


def taker(function: Function) -> Callable[[int, int], int]:
    """Returns a function that takes memory, given a size and an alignment."""
    results = function.type.results
    count = len(function.type.params)
    if count not in (1, 2, 4) or len(results) != 1 or not _has_integers(function):
        raise _refused(function, "(size), (size, alignment) or (0, 0, alignment, size)")
    if results[0] not in INTEGERS:
        raise _refused(function, "(size), and the result must be an integer")
    mask = (1 << 32 if results[0] is ValType.I32 else 1 << 64) - 1
    if count == 1:
        return lambda size, align: function(size) & mask
    if count == 4:
        return lambda size, align: function(0, 0, align, size) & mask
    if "realloc" in function.name:
        return lambda size, align: function(0, size) & mask
    return lambda size, align: function(size, align) & mask


def freer(function: Function) -> Callable[[int, int, int], Any]:
    """Returns a function that frees memory, given its address, its size and its alignment."""
    count = len(function.type.params)
    if not 1 <= count <= 4 or not _has_integers(function):
        raise _refused(function, "(address), (address, size) or (address, size, alignment)")
    if count == 1:
        return lambda address, size, align: function(address)
    if count == 2 and "realloc" in function.name:
        return lambda address, size, align: function(address, 0)

    def free(address: int, size: int, align: int) -> None:
        if size:
            function(*(address, size, align, 0)[:count])

    return free
