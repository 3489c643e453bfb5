# SPDX-License-Identifier: MIT
"""Conversion of references, and of values of any type, between Python objects and cells.

The cell of a funcref is the address of a pw_func. That of an externref is the number of an object
that the store holds (externs.Externs), unless it is an i31 or a reference to a structure or an
array: native/runtime/references.h tells them apart. Python never gives the cells themselves, so it
cannot forge a reference.
"""

from __future__ import annotations

from .._ffi import ffi, lib
from .externs import hold, pinned
from .hooks import hooks
from .numbers import (
    ANY,
    EXTERN,
    FUNC,
    NON_NULL,
    OTHER,
    V128,
    blame,
    decode_plain,
    encode_plain,
    is_exnref,
    kind_of,
)
from .tenants import anchor_of, overwritten, tenant_of
from .turns import closed, entered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .store import Store


_NONE: int = lib.PW_HOLD_NONE
_CONCRETE: int = lib.PW_CONCRETE
_WANTED = ("pywasm3.Function", "pywasm3.Struct", "pywasm3.Array")  # by pw_typekind
_I31_RANGE = range(-(1 << 30), 1 << 30)


class External:
    """An encoded reference to an object of the host, which the store does not hold yet."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


# ---- to wasm -------------------------------------------------------------------------------------


def _name_of(valtype: int) -> str:
    return str(ffi.string(lib.pw_valtype_name(valtype).text), "ascii")


def _require_match(store: Store, value: Any, cell: int, valtype: int, module: int) -> int:
    """Returns the cell of a reference, if it has the type."""
    owner = ffi.cast("pw_module *", module)
    arguments = cell, False, valtype, owner
    if entered(store, lambda: lib.pw_reference_matches(store._pointer, *arguments)):
        return cell
    if valtype & _CONCRETE and module:
        raise TypeError(f"{value!r} is not of type {valtype & lib.PW_HEAP_MASK} of the module")
    if valtype & _CONCRETE:
        raise TypeError(f"{value!r} is not of the defined type that is expected")
    raise TypeError(f"{value!r} does not have the type {_name_of(valtype)}")


def _wanted(store: Store, valtype: int, module: int) -> str:
    """Returns what a value of a type may be, besides None."""
    index = valtype & lib.PW_HEAP_MASK
    if not valtype & _CONCRETE:
        return _WANTED[0]
    if module:
        found = lib.pw_module_definition(ffi.cast("pw_module *", module), index)
    else:
        found = lib.pw_type_definition(store._pointer, index)
    return _WANTED[found.kind]


def _encode_function(store: Store, value: Any, valtype: int, module: int) -> int:
    from .function import Function

    if type(value) is not Function:
        other = "" if valtype & lib.PW_NON_NULL else " or None"
        wanted = _wanted(store, valtype, module)
        raise TypeError(f"a {wanted}{other} is expected, not {type(value).__name__}")
    if value._store is not store:
        raise TypeError(f"{value!r} belongs to another store")
    cell = int(ffi.cast("uintptr_t", value._func))
    return _require_match(store, value, cell, valtype, module) if valtype & _CONCRETE else cell


def _encode_i31(value: Any) -> int | None:
    """Returns the cell of an int that an i31 can hold, or None.

    An i31 comes to Python as an int, so an int goes back as an i31, also as an externref.
    """
    if type(value) is int and value in _I31_RANGE:
        return (value & 0x7FFFFFFF) << 1 | 1
    return None


def _encode_any(store: Store, value: Any, valtype: int, module: int) -> int | External:
    """Encodes a reference below `any`: an int is an i31 if it fits."""
    cell = _encode_i31(value)
    if cell is not None:
        return _require_match(store, value, cell, valtype, module)
    if valtype & lib.PW_HEAP_MASK == lib.PW_ANYREF:
        return External(value)
    if type(value) is int:
        raise OverflowError(
            f"{value!r} is out of the range of an i31, which is from -2**30 to 2**30 - 1"
        )
    raise TypeError(
        f"a value of the type {_name_of(valtype)} is expected, not {type(value).__name__}"
    )


def encode_reference(store: Store, module: int, value: Any, valtype: int) -> int | External:
    """Returns the cell of a reference of a type, or an External, which `held` makes a cell.

    Args:
        store: The store that the reference is for.
        module: The address of the pw_module that a type index refers to; 0: types are resolved.
        value: A Function, a structure, an array, None or any object.
        valtype: The pw_valtype.
    """
    from .aggregate import Aggregate

    if store._pointer is None:
        closed()
    kind = kind_of(valtype)
    if is_exnref(kind):
        raise TypeError("references to exceptions cannot come from Python")
    if value is None:
        if kind & NON_NULL:
            raise TypeError("None stands for null, which the type excludes")
        return 0
    kind &= ~NON_NULL
    if isinstance(value, Aggregate) and kind != OTHER:
        if value._store is not store:
            raise TypeError(f"{value!r} belongs to another store")
        return _require_match(store, value, value._reference, valtype, module)
    if kind == EXTERN:
        cell = _encode_i31(value)
        return External(value) if cell is None else cell
    if kind == FUNC:
        return _encode_function(store, value, valtype, module)
    if kind == ANY:
        return _encode_any(store, value, valtype, module)
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


def _decode_reference(store: Store, cell: int, kind: int, hold: int) -> Any:
    if is_exnref(kind):
        raise TypeError("Python cannot have references to exceptions, which are of type exnref")
    if cell == 0:
        return None
    if cell & 1:
        low = cell & 0xFFFFFFFF
        return (low >> 1) - (low >> 31 << 31)
    if cell & 7 == 2:
        return _decode_aggregate(store, cell, hold)
    if kind & ~NON_NULL == FUNC:
        return _decode_function(store, cell)
    if kind & ~NON_NULL in (EXTERN, ANY) and cell in store._externs.objects:
        return store._externs.objects[cell]
    if kind & ~NON_NULL in (EXTERN, ANY):
        raise SystemError("wasm handed out an externref that it was never given")
    raise SystemError("Python cannot receive a reference of this type")


def _decode_aggregate(store: Store, cell: int, hold: int) -> Any:
    from .aggregate import wrap

    if hold == _NONE:
        hold = lib.pw_hold_cell(store._pointer, lib.PW_ANYREF, cell)
    return wrap(store, hold)


def decode_any(
    store: Store, cells: Sequence[int], at: int, valtype: int, raw: bool = False, hold: int = _NONE
) -> Any:
    """Returns the object for the cells of a value, which begin at an index.

    The store is entered.

    Args:
        store: The store.
        cells: The cells.
        at: The index of the first cell of the value.
        valtype: The pw_valtype. A type index in it need not have a meaning.
        raw: Whether numbers and vectors are bit patterns.
        hold: The pw_hold of the value, which is transferred. PW_HOLD_NONE is right for others, too,
            if something else keeps what the value refers to.
    """
    kind = kind_of(valtype)
    if kind >= V128:
        return decode_plain(cells, at, kind, raw)
    return _decode_reference(store, cells[at], kind, hold)


def decode_all(
    store: Store,
    cells: Sequence[int],
    valtypes: Sequence[int],
    raw: bool,
    holds: Sequence[int] | None = None,
) -> tuple[Any, ...]:
    """Returns the objects for the cells of values of any types. `holds` are those of the values."""
    values = []
    at = 0
    with pinned(store, cells):
        for place, valtype in enumerate(valtypes):
            hold = _NONE if holds is None else holds[place]
            values.append(decode_any(store, cells, at, valtype, raw, hold))
            at += 2 if valtype == V128 else 1
    return tuple(values)
