# SPDX-License-Identifier: MIT
"""The class Aggregate: the base of the classes Struct and Array."""

from __future__ import annotations

from functools import partial
from operator import index as _index

from .._ffi import ffi, lib
from .externs import keeping, make_room
from .hooks import hooks
from .numbers import I32, blame
from .owner import Owner
from .references import decode_any, encode_any, held
from .tenants import is_usable, overwritten
from .throw import shown_type
from .turns import closed, enter, leave, notify, refuse, turn_depth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from .store import Store

    Pointer = Any

_CELLS = ffi.typeof("uint64_t[2]")
_FAILED: int = lib.PW_HOLD_FAILED
# The types that only fields have, as in the binary format, and their sizes in bits.
_PACKED = {0x78: 8, 0x77: 16}


class Aggregate:
    """A structure or an array of a store."""

    __slots__ = (
        *("__weakref__", "_handle", "_hold", "_is_array", "_length", "_number", "_reference"),
        "_store",
    )

    _handle: int  # the handle by which the engine knows it
    _hold: Owner  # of the handle
    _is_array: bool
    _length: int  # how many fields or elements it has
    _number: int  # of its type in the store
    _reference: int  # no other object has it as long as this one holds it
    _store: Store

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuses: a structure or array of a guest is made by a subclass."""
        name = cls.__qualname__
        shown = f"pywasm3._cpython.{name}" if cls is Aggregate else name
        raise TypeError(f"cannot create '{shown}' objects: call pywasm3.Struct or pywasm3.Array")

    @classmethod
    def _make(
        cls, store: Store, module: int, type: int, length: int, values: tuple[Any, ...], /
    ) -> Any:
        """Makes a structure (length -1) or an array of a type of the pw_module.

        The values are written to the first fields or elements. There must not be more values than
        these.
        """
        depth = turn_depth(store._turn)
        try:
            enter(store)
            made = wrap(store, _new(store, module, type, length))
            with keeping(store):
                for place, value in enumerate(values):
                    _write(made, place, value)
            return made
        finally:
            leave(store, depth)

    @property
    def store(self) -> Store:
        """The store that it lives in."""
        return self._store

    def _get(self, index: Any, /) -> Any:
        """Returns a field or an element."""
        place, store = _place_of(self, index), self._store
        depth = turn_depth(store._turn)
        try:
            enter(store)
            valtype, cells = _field_of(self, place).type, ffi.new(_CELLS)
            hold = lib.pw_held_get_holding(store._pointer, self._handle, place, cells)
            if valtype in _PACKED:
                return cells[0]
            return decode_any(store, cells, 0, valtype, False, hold)
        finally:
            leave(store, depth)

    def _set(self, index: Any, value: Any, /) -> None:
        """Writes a field or an element."""
        place, store = _place_of(self, index), self._store
        depth = turn_depth(store._turn)
        try:
            enter(store)
            if not _field_of(self, place).is_mutable:
                raise TypeError(
                    "the elements of the array are immutable"
                    if self._is_array
                    else f"field {place} of the struct is immutable"
                )
            with keeping(store):
                _write(self, place, value)
        finally:
            leave(store, depth)

    def __len__(self) -> int:
        """Returns how many fields or elements it has."""
        if self._store._pointer is None:
            closed()
        return self._length

    def __eq__(self, other: object) -> bool:
        """Tells whether two objects stand for the same structure or array."""
        if not isinstance(other, Aggregate):
            return NotImplemented
        return self._store is other._store and self._reference == other._reference

    def __hash__(self) -> int:
        """Returns a hash of the reference."""
        return hash(self._reference >> 4)


Aggregate.__module__ = "pywasm3._cpython"


# ---- values -------------------------------------------------------------------------------------


def _encode_packed(value: Any, bits: int) -> int:
    """Returns the cell of an int of 8 or 16 bits, in the signed or the unsigned range."""
    number = _index(value)
    if not -(1 << (bits - 1)) <= number < 1 << bits:
        raise OverflowError(f"{value!r} does not fit {bits} bits")
    return number & ((1 << bits) - 1)


def _field_of(self: Aggregate, index: int) -> Pointer:
    """Returns the pw_field of a field or of the elements. The store is entered."""
    place = 0 if self._is_array else index
    return lib.pw_type_field(self._store._pointer, self._number, place)


def _place_of(self: Aggregate, key: Any) -> int:
    """Converts an index, and checks that it is one."""
    number = _index(key)
    if not 0 <= number < self._length:
        kind = "array" if self._is_array else "struct"
        raise IndexError(f"{kind} index {number} is out of range: the length is {self._length}")
    return number


def _write(self: Aggregate, place: int, value: Any) -> None:
    """Writes a value to a field or an element, which must exist. The store is entered."""
    store, valtype = self._store, _field_of(self, place).type
    kind, what = ("array", "element") if self._is_array else ("struct", "field")
    try:
        if valtype in _PACKED:
            cells = [_encode_packed(value, _PACKED[valtype])]
        else:
            cells = held(store, encode_any(store, 0, value, valtype))
            overwritten(store)
    except (TypeError, OverflowError) as error:
        shown = I32 if valtype in _PACKED else shown_type(store, valtype)
        blame(error, kind, what, place, shown)
    if store._pointer is None:
        closed()
    lib.pw_held_set(store._pointer, self._handle, place, ffi.new(_CELLS, cells))


# ---- making and freeing --------------------------------------------------------------------------


def _new(store: Store, module: int, type: int, length: int) -> int:
    """Holds a new structure or array of default values, and returns its handle."""
    pointer, handle = store._pointer, ffi.new("uint32_t *")
    number = lib.pw_type_number(pointer, ffi.cast("pw_module *", module), type)

    def make() -> bool:
        if length < 0:
            return bool(lib.pw_struct_make(pointer, number, handle))
        return bool(lib.pw_array_make(pointer, number, length, handle))

    if number != lib.PW_NO_INDEX and (make() or (make_room(store) and make())):
        return int(handle[0])
    what = "a struct" if length < 0 else "an array of this length"
    raise MemoryError(f"no memory for {what}")


def wrap(store: Store, hold: int) -> Any:
    """Makes the object for a pw_hold, which is transferred. The store is entered."""
    if hold == _FAILED:
        refuse("the store holds as many references as its limits allow")
    owner = Owner(hold, partial(_drop, store))
    pointer = store._pointer
    number = lib.pw_held_type(pointer, hold)
    definition = lib.pw_type_definition(pointer, number)
    is_array = definition.kind == lib.PW_TYPE_ARRAY
    self: Aggregate = object.__new__(hooks.aggregates()[is_array])
    self._store, self._hold, self._handle, self._number = store, owner, hold, number
    self._is_array = is_array
    self._length = lib.pw_held_length(pointer, hold) if is_array else definition.nfields
    self._reference = lib.pw_reference_held(pointer, hold)
    return self


def _drop(store: Store, handle: int) -> None:
    """Ends a hold: at once, or when the thread leaves that has the turn of the store."""
    if not is_usable(store):
        return
    store._ended_holds.append(handle)
    if not lib.pw_gate_enter(store._turn, True):
        notify(store)
        return
    try:
        store._end_holds()
    finally:
        lib.pw_gate_leave_to(store._turn, turn_depth(store._turn) - 1)
