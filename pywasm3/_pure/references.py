# SPDX-License-Identifier: MIT
"""Conversion of references, and of values of any type, between Python objects and cells.

The cell of a funcref is the address of a pw_func. That of an externref is the number of an object
that the store holds (tenants.Externs). Python never gives the cells themselves, so it cannot forge
a reference.
"""

from __future__ import annotations

from .._ffi import ffi, lib
from .hooks import hooks
from .numbers import (
    EXTERN,
    FUNC,
    NON_NULL,
    V128,
    blame,
    decode_plain,
    encode_plain,
    is_exnref,
    kind_of,
)
from .tenants import anchor_of, hold, overwritten, tenant_of
from .turns import closed, entered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .store import Store


class External:
    """An encoded externref whose object the store does not hold yet."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


# ---- to wasm -------------------------------------------------------------------------------------


def _check_type(store: Store, value: Any, module: int, index: int) -> None:
    """Checks that a function has the type with an index in the module."""
    function, owner = value._func, ffi.cast("pw_module *", module)
    identity = entered(store, lambda: lib.pw_store_type(store._pointer, owner, index))
    if lib.pw_func_type_identity(function) != identity:
        raise TypeError(f"{value!r} is not of type {index} of the module")


def _encode_function(store: Store, value: Any, valtype: int, module: int) -> int:
    from .function import Function

    if type(value) is not Function:
        other = "" if valtype & lib.PW_NON_NULL else " or None"
        raise TypeError(f"a pywasm3.Function{other} is expected, not {type(value).__name__}")
    if value._store is not store:
        raise TypeError(f"{value!r} belongs to another store")
    if valtype & lib.PW_CONCRETE:
        _check_type(store, value, module, valtype & lib.PW_HEAP_MASK)
    return int(ffi.cast("uintptr_t", value._func))


def encode_reference(store: Store, module: int, value: Any, valtype: int) -> int | External:
    """Returns the cell of a reference of a type, or an External, which `held` makes a cell.

    Args:
        store: The store that the reference is for.
        module: The address of the pw_module that a type index refers to.
        value: A Function, None or any object.
        valtype: The pw_valtype.
    """
    if store._pointer is None:
        closed()
    kind = kind_of(valtype)
    if is_exnref(kind):
        raise TypeError("references to exceptions cannot come from Python")
    if value is None:
        if kind & NON_NULL:
            raise TypeError("None stands for null, which the type excludes")
        return 0
    if kind & ~NON_NULL == EXTERN:
        return External(value)
    if kind & ~NON_NULL == FUNC:
        return _encode_function(store, value, valtype, module)
    raise TypeError(f"a value of this type can only be None, not {type(value).__name__}")


def held(store: Store, cells: Sequence[int | External]) -> list[int]:
    """Returns the cells, and lets the store, which is entered, hold the objects of externrefs."""
    return [hold(store, each.value) if isinstance(each, External) else each for each in cells]


def encode_any(
    store: Store, module: int, value: Any, valtype: int, raw: bool = False
) -> list[int | External]:
    """Returns the cells of a value of any type."""
    kind = kind_of(valtype)
    if kind >= V128:
        return [*encode_plain(value, kind, raw)]
    return [encode_reference(store, module, value, valtype)]


def encode_all(
    store: Store,
    module: int,
    values: Sequence[Any],
    valtypes: Sequence[int],
    raw: bool,
    name: str,
    what: str,
) -> list[int | External]:
    """Returns the cells of values of any types. An error names the value by `name` and `what`."""
    cells: list[int | External] = []
    for place, (value, valtype) in enumerate(zip(values, valtypes, strict=True)):
        try:
            cells += encode_any(store, module, value, valtype, raw)
        except (TypeError, OverflowError) as error:
            blame(error, name, what, place, valtype)
    return cells


def encode_value(
    store: Store, module: int, value: Any, valtype: int, name: str, what: str
) -> list[int]:
    """Returns the cells of a value that is about to be written to the store, which is entered.

    The store holds the object of an externref from now on.
    """
    try:
        cells = held(store, encode_any(store, module, value, valtype))
    except (TypeError, OverflowError) as error:
        blame(error, name, what, -1, valtype)
    if kind_of(valtype) < V128:
        overwritten(store)
    return cells


def encode_new(
    store: Store, module: int, value: Any, valtype: int, name: str, what: str
) -> list[int]:
    """Does the same for a value that a new place begins with.

    None is also null for a reference to an exception, because it stands for "no value was given".
    """
    kind = kind_of(valtype)
    if value is None and is_exnref(kind) and not kind & NON_NULL:
        return [0]
    return encode_value(store, module, value, valtype, name, what)


# ---- to Python -----------------------------------------------------------------------------------


def _decode_function(store: Store, cell: int) -> Any:
    from .function import known_of, new_function

    pointer = ffi.cast("pw_func *", cell)
    known = store._known.get(cell)
    if known is None:
        name, type_ = hooks.describe(cell)
        known = store._known[cell] = known_of(pointer, name, type_)
    token = int(ffi.cast("uintptr_t", lib.pw_func_embedder(pointer)))
    return new_function(store, known, anchor_of(store, tenant_of(store, token)), False)


def _decode_reference(store: Store, cell: int, kind: int) -> Any:
    if is_exnref(kind):
        raise TypeError("Python cannot have references to exceptions, which are of type exnref")
    if cell == 0:
        return None
    if kind & ~NON_NULL == FUNC:
        return _decode_function(store, cell)
    if kind & ~NON_NULL == EXTERN and cell in store._externs.objects:
        return store._externs.objects[cell]
    if kind & ~NON_NULL == EXTERN:
        raise SystemError("wasm handed out an externref that it was never given")
    raise SystemError("Python cannot receive a reference of this type")


def decode_any(store: Store, cells: Sequence[int], at: int, valtype: int, raw: bool = False) -> Any:
    """Returns the object for the cells of a value, which begin at an index.

    The store is entered.
    """
    kind = kind_of(valtype)
    if kind >= V128:
        return decode_plain(cells, at, kind, raw)
    return _decode_reference(store, cells[at], kind)


def decode_all(
    store: Store, cells: Sequence[int], valtypes: Sequence[int], raw: bool
) -> tuple[Any, ...]:
    """Returns the objects for the cells of values of any types."""
    values = []
    at = 0
    for valtype in valtypes:
        values.append(decode_any(store, cells, at, valtype, raw))
        at += 2 if valtype == V128 else 1
    return tuple(values)
