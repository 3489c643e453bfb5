# SPDX-License-Identifier: MIT
"""What the functions of `wasm:js-string`, `wasm:text-encoder` and `wasm:text-decoder` share.

Their arrays have a type that has another index in each module, and must be a type of its own there.
A function's label is its module and its name, as in ``wasm:js-string.concat``.
"""

from __future__ import annotations

from .._errors import Trap, TrapKind
from .._ffi import Store, ffi, lib, store_pointer
from .._lookup import Typed
from .._module import Module
from .._types import FuncType, RefType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .._aggregate import Array

STRING = RefType("extern")
# The parameter and the result that are an array of a function's type.
ARRAY = RefType(0, nullable=True)
NEW_ARRAY = RefType(0)

_MASK = 0xFFFFFFFF
# Modules with the one type (array (mut i8)), and (array (mut i16)).
_MODULES = {
    letter: b"\0asm\1\0\0\0\1\4\1\x5e%c\1" % code for letter, code in (("i8", 0x78), ("i16", 0x77))
}


def not_a_string(value: object, label: str) -> NoReturn:
    """Raises the trap for a value in the place of a string."""
    shown = "null" if value is None else f"an object of type {type(value).__name__}"
    raise Trap(TrapKind.CAST_FAILURE, detail=f"{label} needs a string, but got {shown}")


def string_of(value: object, label: str) -> str:
    """Returns a string as an object of the class str itself."""
    if isinstance(value, str):
        return value if value.__class__ is str else str.__str__(value)
    return not_a_string(value, label)


def slots(array: Array | None, start: int, end: int, width: int, label: str) -> Any:
    """Returns a buffer of the elements from `start` to `end` of an array, which has them.

    Args:
        array: The array; None is a trap.
        start: The first element, as an i32, which is taken for unsigned.
        end: The end. It may be larger than an i32.
        width: The bytes of an element.
        label: The function's label.
    """
    if array is None:
        raise Trap(TrapKind.NULL_ARRAY_REFERENCE, detail=label)
    store = store_pointer(array.store)
    length = lib.pw_held_length(store, array._handle)
    start &= _MASK
    if not start <= end <= length:
        raise Trap(
            TrapKind.ARRAY_OUT_OF_BOUNDS,
            detail=f"{label}: elements {start} to {end} of an array of {length}",
        )
    elements = lib.pw_held_elements(store, array._handle)
    return ffi.buffer(elements + width * start, width * (end - start))


def _is_array(module: Module, index: int, element: str) -> bool:
    """Returns whether a type of a module is a mutable array of these elements."""
    wanted = Module(_MODULES[element])

    def number(type_: Module, at: int) -> int:
        return int(lib.pw_type_number(store_pointer(store), type_._pointer, at))

    def compared() -> bool:
        return number(wanted, 0) == number(module, index)

    with Store() as store:
        same: bool = store._call_entered(compared)
        return same


def array_type(type_: FuncType) -> int | None:
    """Returns the index of the first type of a module among parameters and results, or None."""
    for each in (*type_.params, *type_.results):
        if isinstance(each, RefType) and isinstance(each.heap, int):
            return each.heap
    return None


class OnArrays(Typed):
    """A function with ARRAY or NEW_ARRAY in its type. `element` is the text of their elements."""

    __slots__ = ("element",)

    def __init__(self, callable: Callable[..., Any], type: FuncType, element: str) -> None:
        super().__init__(callable, type)
        self.element = element

    @property
    def shown(self) -> str:
        text = super().shown
        for each in (ARRAY, NEW_ARRAY):
            null = "null " if each.nullable else ""
            text = text.replace(str(each), f"(ref {null}(array (mut {self.element})))")
        return text

    def fits(self, wanted: FuncType, module: Module) -> bool:
        index = array_type(wanted)
        if index is None:
            return False

        def here(types: tuple[Any, ...]) -> list[Any]:
            return [
                RefType(index, nullable=each.nullable) if each in (ARRAY, NEW_ARRAY) else each
                for each in types
            ]

        same = wanted == FuncType(here(self.type.params), here(self.type.results))
        return same and _is_array(module, index, self.element)
