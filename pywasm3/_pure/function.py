# SPDX-License-Identifier: MIT
"""The class Function: a wasm function of a store as a Python object, and calls of it."""

from __future__ import annotations

from .._ffi import ffi, lib
from . import stopping
from .externs import keeping, pinned
from .fail import fail
from .hooks import hooks
from .host import types_of
from .numbers import (
    PACK_ERRORS,
    V128,
    blame,
    cells_struct,
    decode_number,
    encode_number,
    is_exnref,
    kind_of,
    results_reader,
)
from .owner import Owner
from .references import decode_all, encode_all, held
from .turns import after_leaving, closed, enter, leave, turn_depth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from .._types import FuncType
    from .bind import BoundFunction
    from .store import Store
    from .tenants import Anchor

    Pointer = Any

_call_at_once, _new_cells = lib.pw_gate_call, ffi.new
_LATER: int = lib.PW_CALL_LATER
_UNSETTLED: int = lib.PW_CALL_UNSETTLED

# The numbers that the `wasm3` package (PyPI's pywasm3 0.5.0) has for types.
_WASM3_CODES = {lib.PW_I32: 1, lib.PW_I64: 2, lib.PW_F32: 3, lib.PW_F64: 4}


class Known:
    """The description of a function, from which a Function is made."""

    __slots__ = (
        *("callee", "func", "label", "module", "module_address", "name", "params", "results"),
        "type",
    )

    def __init__(self, func: Pointer, name: str, type: FuncType) -> None:
        self.func = func
        self.callee = lib.pw_callee_of(func)
        self.name = name
        self.label = _label(name)
        self.type = type
        module = lib.pw_module_retain(lib.pw_func_module(func))
        self.module = Owner(module, lib.pw_module_release)
        self.module_address = int(ffi.cast("uintptr_t", module))
        self.params, self.results = types_of(lib.pw_func_type(func))


def _label(name: str) -> str:
    plain = len(name) <= 64 and name.isascii() and name.isprintable()
    return name if plain else hooks.brief(name)


def known_of(func: Pointer, name: str, type: FuncType) -> Known:
    """Looks up what the engine knows of a function, whose store is entered or locked."""
    return Known(func, name, type)


class Function:
    __slots__ = (
        *("__weakref__", "_anchor", "_array", "_entry", "_func", "_known", "_length", "_pack"),
        *("_raw", "_reader", "_store"),
    )

    _anchor: Anchor
    _array: Pointer  # the type of the array for the results
    _entry: Pointer
    _func: Pointer
    _known: Known
    _length: int  # of that array
    _pack: Callable[..., bytes] | None  # None: the function has other values than numbers
    _raw: bool
    _reader: Callable[[Pointer], Any]
    _store: Store

    def __new__(cls, *args: object, **kwargs: object) -> Function:
        """Refuses: only a store makes functions."""
        raise TypeError("cannot create 'pywasm3.Function' instances")

    def __init_subclass__(cls) -> None:
        """Refuses subclasses."""
        raise TypeError("type 'pywasm3.Function' is not an acceptable base type")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._pack is None or kwargs:
            return _call_mixed(self, args, kwargs)
        try:
            data = self._pack(*args)
        except PACK_ERRORS:
            return _call_later(self, args)
        cells = _new_cells(self._array, self._length)
        code = _call_at_once(self._entry, data, cells)
        if code != 0:
            if code == _LATER:
                return _call_later(self, args)
            if code != _UNSETTLED:
                fail(self, code, turn_depth(self._store._turn) - 1)
            after_leaving(self._store)
        return self._reader(cells)

    @property
    def name(self) -> str:
        """The name of the export, or the name that the function has in its module."""
        return self._known.name

    __name__ = name

    def __getattr__(self, name: str) -> Any:
        # A class cannot define __qualname__ for its instances.
        if name == "__qualname__":
            return self._known.name
        raise AttributeError(f"'pywasm3.Function' object has no attribute '{name}'")

    @property
    def _label(self) -> str:
        """The name as messages show it."""
        return self._known.label

    @property
    def type(self) -> FuncType:
        """The FuncType: the types of the parameters and results."""
        return self._known.type

    @property
    def store(self) -> Store:
        """The Store that the function runs in."""
        return self._store

    @property
    def raw(self) -> Function:
        """The same function, but taking and returning numbers as bit patterns.

        Every number is an int of 32 or 64 bits, so that floats pass bit-exactly, including
        signalling NaNs. A v128 is a pair of ints, of which the first has the low 64 bits.
        References have no bit patterns: they are the same objects that the function itself takes
        and returns.
        """
        if self._raw:
            return self
        if self._store._pointer is None:
            closed()
        return new_function(self._store, self._known, self._anchor, True)

    @property
    def aio(self) -> Any:
        """The same function for asyncio: ``await f.aio(1, 2)`` runs it on another thread.

        Cancelling the task stops the guest. Host functions that such a call reaches may be
        ``async def``.
        """
        return hooks.aio(self)

    @property
    def __signature__(self) -> Any:
        return hooks.signature(self, 0)

    @property
    def _address(self) -> int:
        """The address of the pw_func."""
        if self._store._pointer is None:
            closed()
        return int(ffi.cast("uintptr_t", self._func))

    @property
    def num_args(self) -> int:
        """The number of parameters."""
        return len(self._known.params)

    @property
    def num_rets(self) -> int:
        """The number of results."""
        return len(self._known.results)

    @property
    def arg_types(self) -> tuple[int, ...]:
        """The parameter types as wasm3's numbers: i32 1, i64 2, f32 3, f64 4, others 0."""
        return tuple([_WASM3_CODES.get(each, 0) for each in self._known.params])

    @property
    def ret_types(self) -> tuple[int, ...]:
        """The result types as wasm3's numbers: i32 1, i64 2, f32 3, f64 4, others 0."""
        return tuple([_WASM3_CODES.get(each, 0) for each in self._known.results])

    def call_argv(self, /, *args: str) -> Any:
        """Calls the function with arguments given as text, as on a command line.

        Raises:
            WasmError: The number of arguments is wrong, or a text is not a value of the
                parameter's type.
        """
        return hooks.call_argv(self, args)

    def map(self, /, *arrays: Any, out: Any = None) -> Any:
        """Calls the function once for each element of arrays, in order, with the loop in C.

        Each argument is a one-dimensional buffer (array.array, bytes, memoryview, numpy array)
        whose items always fit the parameter's type, or a number, which is used for all elements.
        For v128, an array has 16 bytes for each index of its first dimension, as a numpy array of
        shape (n, 4) of float32 has; 16 bytes alone are one value, which is used for all elements.
        All arrays have the same length, and there is at least one.

        Args:
            *arrays: One array or number for each parameter.
            out: A writable buffer for the result, or a tuple of buffers for several results. It
                may be one of the arguments. By default new arrays are made: numpy arrays if an
                argument is one, array.array otherwise. For v128 they are numpy arrays of 16-byte
                items, or memoryviews of shape (n, 16).

        Returns:
            The array of results (`out` if it is given), a tuple of arrays if the function has
            several results, or None if it has none.

        Raises:
            TypeError: The number of arguments is wrong, items do not fit a parameter, or a
                parameter or result is a reference.
            ValueError: The lengths differ, an array has several dimensions, or results overlap.
            Trap: The call for the element with the index `element` trapped; `out` has the results
                of the elements before it.
        """
        from .map import map_function

        return map_function(self, arrays, out)

    def bind(self, /, *leading: Any) -> BoundFunction:
        """Returns a callable with the first arguments given.

        They are checked and converted once, which saves time in each call.

        Args:
            *leading: The first arguments of every call.

        Raises:
            TypeError: There are more arguments than parameters, or an argument has the wrong type.
            OverflowError: An int does not fit its parameter.
        """
        from .bind import bind_function

        return bind_function(self, leading)

    def __get__(self, instance: object, owner: object = None) -> Function:
        """Returns the function: as an attribute of a class it does not become a method."""
        return self

    def __repr__(self) -> str:
        """Returns the function's name and type."""
        known = self._known
        return f"<pywasm3.Function {known.label}{'.raw' if self._raw else ''}: {known.type}>"

    def __eq__(self, other: object) -> bool:
        """Tells whether two Functions are the same function of the same store."""
        if type(other) is not Function:
            return NotImplemented
        same = self._store is other._store and self._func == other._func
        return same and self._raw == other._raw

    def __hash__(self) -> int:
        """Returns a hash of the function's address."""
        return hash(int(ffi.cast("uintptr_t", self._func)) >> 4)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuses to copy and to pickle a function."""
        raise TypeError("cannot pickle 'pywasm3.Function' object")


_object_new = object.__new__


def new_function(store: Store, known: Known, anchor: Anchor, raw: bool) -> Function:
    """Makes a Function. `raw` says that its numbers are bit patterns."""
    self: Function = _object_new(Function)
    self._store, self._known, self._anchor, self._raw = store, known, anchor, raw
    self._func = known.func
    tenant = anchor._tenant
    assert tenant is not None, "a function belongs to an instance"
    entry = self._entry = ffi.new("pw_entry *")
    # The store and the tenant, to which this object refers, keep the turn and the flag.
    entry.callee, entry.gate, entry.freed, entry.raw = known.callee, store._turn, tenant.freed, raw
    params, results = tuple(map(kind_of, known.params)), tuple(map(kind_of, known.results))
    self._pack = None
    if all(kind > V128 for kind in params + results):
        self._pack = cells_struct(params, raw).pack
        self._array, self._length, self._reader = results_reader(results, raw)
    return self


# ---- calls that cannot take place at once --------------------------------------------------------


def _wrong_arity(self: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> NoReturn:
    count, given = len(self._known.params), len(args)
    if kwargs:
        raise TypeError(f"{self._known.label}() takes no keyword arguments")
    raise TypeError(
        f"{self._known.label}() takes {count} argument{'' if count == 1 else 's'} but {given} "
        f"{'was' if given == 1 else 'were'} given"
    )


def _values(self: Function, cells: Sequence[int]) -> Pointer:
    """Returns the array of a call: the results take the place of the arguments."""
    callee = self._known.callee
    array = ffi.new("uint64_t[]", max(callee.nparam_cells, callee.nresult_cells, 1))
    array[0 : len(cells)] = list(cells)
    return array


def _run(self: Function, array: Pointer, holds: Pointer) -> None:
    """Makes the call. The store is entered; it is left if the call fails.

    `holds` is an array for the pw_holds of the results, or null.
    """
    store, anchor = self._store, self._anchor
    if anchor._tenant is not None and anchor._tenant.object is None:
        raise hooks.closed("the instance of the function is freed")
    depth = turn_depth(store._turn) - 1
    callee = ffi.addressof(self._entry, "callee")
    trap = stopping.run(store, lib.pw_call_entered, callee, array, holds)
    if trap:
        fail(self, trap, depth)


def _call_later(self: Function, args: tuple[Any, ...]) -> Any:
    """Calls a Function of numbers, whose arguments are converted before the store is entered."""
    known, store = self._known, self._store
    if len(args) != len(known.params):
        _wrong_arity(self, args, {})
    cells = []
    for place, (value, valtype) in enumerate(zip(args, known.params, strict=True)):
        try:
            cells.append(encode_number(value, valtype, self._raw))
        except (TypeError, OverflowError) as error:
            blame(error, known.label, "parameter", place, valtype)
    array = _values(self, cells)
    depth = turn_depth(store._turn)
    try:
        enter(store)
        _run(self, array, ffi.NULL)
    finally:
        leave(store, depth)
    results = [
        decode_number(array[place], valtype, self._raw)
        for place, valtype in enumerate(known.results)
    ]
    return tuple(results) if len(results) > 1 else results[0] if results else None


def _call_mixed(self: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls any Function, also with references or vectors among its values.

    The store holds the arguments' objects, and the results are converted, while it is entered: no
    other thread can make it release them then.
    """
    known, store = self._known, self._store
    if any(is_exnref(kind_of(each)) for each in (*known.params, *known.results)):
        raise TypeError(
            f"{known.label}() cannot be called from Python, because a reference to an exception is "
            f"among its parameters or results: {known.type}"
        )
    if kwargs or len(args) != len(known.params):
        _wrong_arity(self, args, kwargs)
    owner = known.module_address
    cells = encode_all(store, owner, args, known.params, self._raw, known.label, "parameter")
    depth = turn_depth(store._turn)
    try:
        enter(store)
        with keeping(store):
            given = held(store, cells)
            pins = pinned(store, given)
        with pins:
            array, holds = _values(self, given), ffi.new("pw_hold[]", len(known.results) + 1)
            _run(self, array, holds)
        size = known.callee.nresult_cells
        found = ffi.unpack(array, size) if size else ()
        results = decode_all(store, found, known.results, self._raw, holds)
    finally:
        leave(store, depth)
    return results if len(results) > 1 else results[0] if results else None


Function.__module__ = "pywasm3"
