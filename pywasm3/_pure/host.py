# SPDX-License-Identifier: MIT
"""HostFunction: the Python callable behind an imported function, and calls from wasm to it."""

from __future__ import annotations

from _weakref import ref
from itertools import count

from .._ffi import ffi, lib
from . import stopping
from .externs import keeping, release
from .numbers import (
    PACK_ERRORS,
    V128,
    blame,
    cells_of,
    cells_struct,
    encode_number,
    encode_vector,
    is_exnref,
    kind_of,
)
from .references import decode_all, encode_all, encode_any, held
from .throw import throw
from .turns import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .owner import Owner
    from .store import Store

    Host = Callable[..., Any]
    Pointer = Any

# Bytes that a HostFunction is charged with, without its values and its name.
_COST = 320

# All host functions, by the number that stands for them in the engine.
_hosts: dict[int, ref[HostFunction]] = {}
_numbers = count(1)
_memmove, _buffer, _unpack = ffi.memmove, ffi.buffer, ffi.unpack


class HostFunction:
    """A Python callable behind an imported function."""

    __slots__ = (
        *("__weakref__", "_account", "_address", "_cost", "_first", "_instance", "_label"),
        *("_module", "_pack", "_params", "_read", "_refused", "_result_kinds"),
        *("_results", "_store", "_unpacked", "callable"),
    )

    callable: Host | None  # None while the import is not linked
    _account: Owner
    _address: int
    _cost: int
    _first: int  # the index of the first cell of the arguments
    _instance: tuple[Any, ...]  # the first argument of the callable, if it takes one
    _label: str
    _module: int
    _pack: Callable[..., bytes] | None  # None: the results are not all numbers
    _params: tuple[int, ...]
    _read: Callable[..., tuple[Any, ...]] | None  # None: the arguments are not all numbers
    _refused: bool
    _result_kinds: tuple[int, ...]
    _results: tuple[int, ...]
    _unpacked: int  # the size of the arguments: bytes for _read, or else cells
    _store: ref[Store]  # the store outlives the calls, of which it is the only maker

    def __new__(cls, *args: object) -> HostFunction:
        """Refuses: only a store makes host functions."""
        raise TypeError("cannot create 'pywasm3._cpython.HostFunction' instances")

    def __init_subclass__(cls) -> None:
        """Refuses subclasses."""
        raise TypeError("type 'pywasm3._cpython.HostFunction' is not an acceptable base type")

    def __del__(self) -> None:
        """Takes the object off the account of its store."""
        lib.pw_account_refund(self._account.pointer, lib.PW_CHARGE_OTHER, self._cost)
        _hosts.pop(self._address, None)

    def _call(self, values: Pointer) -> None:
        """Calls the callable with the arguments in the cells, and writes its results to them."""
        store = self._store()
        assert store is not None
        function = self.callable
        if self._refused:
            raise TypeError(
                f"host function {self._label} cannot be called, because a reference to an "
                "exception is among its parameters or results"
            )
        if self._read is not None:
            arguments = self._read(_buffer(values + self._first, self._unpacked))
        else:
            cells = _unpack(values + self._first, self._unpacked) if self._params else ()
            arguments = decode_all(store, cells, self._params, False)
        if function is None:
            refuse(f"missing imported function ({self._label} is not linked)")
        self._take(store, function(*self._instance, *arguments), values)

    def _take(self, store: Store, result: Any, values: Pointer) -> None:
        """Checks what the callable returned, and writes it to the cells."""
        kinds = self._result_kinds
        if not kinds:
            if result is not None:
                _wrong_results(self, result)
            return
        if len(kinds) == 1:
            items: tuple[Any, ...] = (result,)
        elif isinstance(result, (tuple, list)):
            items = tuple(result)  # a conversion of an item could change a list
            if len(items) != len(kinds):
                _wrong_results(self, result)
        else:
            _wrong_results(self, result)
        if self._pack is not None:
            try:
                data = self._pack(*items)
            except PACK_ERRORS:
                data = None
            if data is not None:
                _memmove(values, data, len(data))
                return
        with keeping(store):
            cells = _encode_results(self, store, items)
            values[0 : len(cells)] = cells


def _wrong_results(self: HostFunction, result: Any) -> NoReturn:
    label, count = self._label, len(self._result_kinds)
    given = type(result).__name__
    if count == 0:
        raise TypeError(f"host function {label}: no result expected, but it returned {given}")
    if isinstance(result, (tuple, list)):
        raise TypeError(
            f"host function {label}: {count} results expected, but it returned {len(result)}"
        )
    raise TypeError(
        f"host function {label}: a tuple of {count} results expected, but it returned {given}"
    )


def _encode_results(self: HostFunction, store: Store, items: tuple[Any, ...]) -> list[int]:
    if len(items) > 1:
        cells = encode_all(store, self._module, items, self._results, False, self._label, "result")
        return held(store, cells)
    kind, valtype = self._result_kinds[0], self._results[0]
    try:
        if kind == V128:
            return list(encode_vector(items[0], False))
        if kind > V128:
            return [encode_number(items[0], kind, False)]
        return held(store, encode_any(store, self._module, items[0], valtype))
    except (TypeError, OverflowError) as error:
        blame(error, self._label, "result", -1, valtype)


def new_host(
    store: Store, callable: Host | None, module: int, type: int, label: str, instance: object
) -> HostFunction:
    """Makes a HostFunction in a store, which is entered.

    Args:
        store: The store.
        callable: What is called; None: it is linked later.
        module: The address of the pw_module that type indices refer to.
        type: The address of the pw_functype.
        label: "module.name" of the import.
        instance: The first argument of the callable, unless it is None.
    """
    functype = ffi.cast("pw_functype *", type)
    params, results = types_of(functype)
    kinds = tuple(map(kind_of, params))
    cost = _COST + len(params) + len(results) + len(label)
    account = store._account
    if not lib.pw_account_charge(account.pointer, lib.PW_CHARGE_OTHER, cost):
        refuse("the limits of the store leave no memory for the imports")
    self: HostFunction = _object_new(HostFunction)
    self._account, self._cost = account, cost
    self._address = next(_numbers)
    self.callable = callable
    self._instance = () if instance is None else (instance,)
    self._label, self._module, self._store = label, module, ref(store)
    self._params, self._results = params, results
    self._result_kinds = tuple(map(kind_of, results))
    self._first = cells_of(self._result_kinds)
    plain = all(kind > V128 for kind in kinds)
    self._read = cells_struct(kinds, False).unpack if plain else None
    self._unpacked = cells_of(kinds) * (8 if plain else 1)
    all_numbers = all(kind > V128 for kind in self._result_kinds)
    self._pack = cells_struct(self._result_kinds, False).pack if all_numbers else None
    self._refused = any(map(is_exnref, kinds + self._result_kinds))
    _hosts[self._address] = ref(self)
    return self


_object_new = object.__new__


def types_of(functype: Pointer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the pw_valtypes of the parameters, and of the results, of a pw_functype."""
    params = _types(functype.params, functype.nparams)
    return params, _types(functype.results, functype.nresults)


def _types(types: Pointer, size: int) -> tuple[int, ...]:
    return tuple(_unpack(types, size)) if size else ()


# ---- the hook ------------------------------------------------------------------------------------


def call_host(object: Pointer, values: Pointer) -> int:
    """The engine's hook for calls of imports. Returns a pw_trap."""
    host = _hosts[int(ffi.cast("uintptr_t", object))]()
    assert host is not None
    store = host._store()
    assert store is not None
    local = stopping.hosting
    before, local.store = local.store, store
    try:
        if store._externs.is_due():
            release(store)
        host._call(values)
    except BaseException as error:
        return throw(store, error)
    finally:
        local.store = before
    return stopping.pending(store) if store._reasons else stopping.NONE


def store_of_host(object: Pointer) -> Store | None:
    """Returns the store of a host function that the engine calls."""
    host = _hosts[int(ffi.cast("uintptr_t", object))]()
    return None if host is None else host._store()
