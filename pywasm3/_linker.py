# SPDX-License-Identifier: MIT
"""Import resolution: from names to what pw_instance_new takes. Reports every misfit at once."""

from __future__ import annotations

from collections.abc import Mapping

from ._errors import Mismatch, link_error
from ._ffi import (
    FUNC,
    GLOBAL,
    HOST,
    MEMORY,
    TABLE,
    Function,
    Store,
    encode,
    ffi,
    lib,
)
from ._global import Global, reference_bits
from ._host import wants_instance
from ._memory import Memory
from ._table import Table
from ._types import FuncType, GlobalType, MemoryType, TableType, ValType, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ._fastcall import HostFunction
    from ._ffi import Pointer
    from ._instance import Instance
    from ._module import Module
    from ._types import ImportType

    Imports: TypeAlias = Mapping[Any, Any]
    # What an import will be: made when the store is known.
    Maker: TypeAlias = Callable[[Store, int, Instance], tuple[int, Pointer]]

ABSENT = object()


class Late:
    """Stands for a function that is linked after instantiation, or a global's first value.

    For the wasm3-shaped face, which loads first and links then.

    Attributes:
        value: The callable or None; the number.
        host: The function's HostFunction, once there is one.
    """

    __slots__ = ("host", "value")
    host: HostFunction | None
    value: Any

    def __init__(self, value: Any) -> None:
        self.value = value
        self.host = None


class _Misfit(Exception):
    """Says in words what was given."""


# ---- names to values -----------------------------------------------------------------------------


def _nothing(wanted: ImportType) -> Any:
    return ABSENT


def mapping_lookup(imports: object) -> Callable[[ImportType], Any]:
    """How to look up an import in what the user gave; ABSENT when it is not there.

    Raises:
        TypeError: It is no mapping.
    """
    if imports is None:
        return _nothing
    if not isinstance(imports, Mapping):
        raise TypeError(
            "imports must be a mapping, {module: {name: value}} or {(module, name): value}, "
            f"not {type(imports).__name__}"
        )
    table: Mapping[Any, Any] = imports

    def lookup(wanted: ImportType) -> Any:
        value = table.get((wanted.module, wanted.name), ABSENT)
        if value is not ABSENT or wanted.module not in table:
            return value
        return _namespace(wanted.module, table[wanted.module]).get(wanted.name, ABSENT)

    return lookup


def _namespace(module: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    exports = getattr(value, "exports", None)
    if isinstance(exports, Mapping):
        return exports
    raise TypeError(
        f"imports[{module!r}] must be a mapping of names, or an object with exports "
        f"(like an Instance), not {type(value).__name__}"
    )


# ---- values to makers: one function per kind of import -------------------------------------------


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        text = ""
    name = type(value).__name__
    if not text or len(text) > 60 or name in text:
        return f"an object of type {name}" if text != "None" else "None"
    return f"{text} ({name})"


def _given(value: object) -> str:
    """What was given in words: its type if it is something of an instance."""
    if isinstance(value, (Function, Global, Memory, Table)):
        return describe(value.type)
    if callable(value):
        return "a callable"
    return _shown(value)


def _fits(given: MemoryType | TableType, wanted: MemoryType | TableType) -> bool:
    """Whether the limits of something match those of an import (section 3.3.2)."""
    if given.min < wanted.min or given.is64 != wanted.is64:
        return False
    return wanted.max is None or (given.max is not None and given.max <= wanted.max)


def _plan_function(wanted: ImportType, value: Any) -> tuple[Maker, Store | None]:
    label = f"{wanted.module}.{wanted.name}"
    if isinstance(value, Function):
        if value.type != wanted.type:
            raise _Misfit(_given(value))
        return (lambda *_: (FUNC, ffi.cast("void *", value._address))), value.store
    if isinstance(value, Late):

        def late(store: Store, type_address: int, instance: Instance) -> tuple[int, Pointer]:
            value.host = host = store._host(value.value, type_address, label, None)
            return HOST, ffi.cast("void *", host._address)

        return late, None
    if not callable(value):
        raise _Misfit(_given(value))
    passes = wants_instance(value)

    def make(store: Store, type_address: int, instance: Instance) -> tuple[int, Pointer]:
        host = store._host(value, type_address, label, instance if passes else None)
        return HOST, ffi.cast("void *", host._address)

    return make, None


def _plan_memory(wanted: ImportType, value: Any) -> tuple[Maker, Store | None]:
    expected = wanted.type
    assert isinstance(expected, MemoryType)
    if not isinstance(value, Memory):
        raise _Misfit(_given(value))
    given = value.type
    if not _fits(given, expected) or given.shared != expected.shared:
        raise _Misfit(describe(given))
    return (lambda *_: (MEMORY, ffi.cast("void *", value._address))), value._store


def _plan_table(wanted: ImportType, value: Any) -> tuple[Maker, Store | None]:
    expected = wanted.type
    assert isinstance(expected, TableType)
    if not isinstance(value, Table):
        raise _Misfit(_given(value))
    given = value.type
    if not _fits(given, expected) or given.type is not expected.type:
        raise _Misfit(describe(given))
    return (lambda *_: (TABLE, ffi.cast("void *", value._pointer))), value._store


def _new_global(type: GlobalType, bits: int) -> Maker:
    def make(store: Store, type_address: int, instance: Instance) -> tuple[int, Pointer]:
        pointer = lib.pw_global_new(
            ffi.cast("pw_store *", store._address), type.type.code, type.mutable, bits
        )
        if not pointer:
            raise MemoryError("no memory for a global")
        return GLOBAL, ffi.cast("void *", pointer)

    return make


def _plan_global(wanted: ImportType, value: Any) -> tuple[Maker, Store | None]:
    expected = wanted.type
    assert isinstance(expected, GlobalType)
    if isinstance(value, Global):
        if value.type != expected:
            raise _Misfit(_given(value))
        if expected.mutable or expected.type is ValType.FUNCREF:
            return (lambda *_: (GLOBAL, ffi.cast("void *", value._pointer))), value._store
        return _new_global(expected, value._bits()), None
    if isinstance(value, Late):
        value = value.value
    elif expected.mutable:
        raise _Misfit(f"{_given(value)}; only a mutable Global of an instance can be shared")
    return _plan_value(expected, value)


def _plan_value(expected: GlobalType, value: Any) -> tuple[Maker, Store | None]:
    valtype = expected.type
    if valtype is ValType.FUNCREF and isinstance(value, Function):
        store = value.store
        return _new_global(expected, reference_bits(store, value, valtype)), store
    if valtype in (ValType.FUNCREF, ValType.EXTERNREF):
        if value is not None:
            raise _Misfit(_given(value))
        return _new_global(expected, 0), None
    try:
        return _new_global(expected, encode(value, valtype.code)), None
    except (TypeError, OverflowError):
        raise _Misfit(_given(value)) from None


_PLANS = {
    FuncType: _plan_function,
    MemoryType: _plan_memory,
    TableType: _plan_table,
    GlobalType: _plan_global,
}


def _plan(wanted: ImportType, value: Any) -> tuple[Maker, Store | None]:
    plan = _PLANS.get(type(wanted.type))
    if plan is None:
        raise _Misfit(f"{_given(value)}; tags cannot be imported yet")
    return plan(wanted, value)


# ---- the whole -----------------------------------------------------------------------------------


def _choose(
    makers: list[tuple[ImportType, Maker, Store | None]],
    store: Store | None,
    mismatched: list[Mismatch],
) -> Store | None:
    """The one store of all; imports of any other are misfits."""
    for wanted, _, owner in makers:
        if owner is None:
            continue
        if store is None:
            store = owner
        elif store is not owner:
            given = (
                f"{describe(wanted.type)} of another store; "
                "instances that share things must be made with the same store="
            )
            mismatched.append(Mismatch(wanted.module, wanted.name, wanted.type, given))
    return store


def link(
    module: Module,
    lookup: Callable[[ImportType], Any],
    instance: Instance,
    store: Store | None,
) -> tuple[Store, Pointer]:
    """Resolves the imports of a module.

    Args:
        module: The module.
        lookup: Gives the value for an import, or ABSENT.
        instance: Handed to host functions that ask for it.
        store: Where the instance shall live, or None to join that of the imports, or a new one.

    Returns:
        The store, and a pw_extern per import.

    Raises:
        LinkError: Imports are missing or do not fit; it lists all of them.
    """
    missing: list[ImportType] = []
    mismatched: list[Mismatch] = []
    makers: list[tuple[ImportType, Maker, Store | None]] = []
    for wanted in module.imports:
        value = lookup(wanted)
        if value is ABSENT:
            missing.append(wanted)
            continue
        try:
            maker, owner = _plan(wanted, value)
        except _Misfit as misfit:
            mismatched.append(Mismatch(wanted.module, wanted.name, wanted.type, misfit.args[0]))
        else:
            makers.append((wanted, maker, owner))
    chosen = _choose(makers, store, mismatched)
    if missing or mismatched:
        raise link_error(missing, mismatched)
    if chosen is None:
        chosen = Store()
    return chosen, _externs(module, [maker for _, maker, _ in makers], chosen, instance)


def _externs(module: Module, makers: list[Maker], store: Store, instance: Instance) -> Pointer:
    externs = ffi.new("pw_extern[]", len(makers))
    addresses = module._import_func_types()
    store._enter()
    try:
        for i, maker in enumerate(makers):
            externs[i].kind, externs[i].object = maker(store, addresses[i], instance)
    finally:
        store._leave()
    return externs
