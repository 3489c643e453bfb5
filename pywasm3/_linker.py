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
    TAG,
    Function,
    Store,
    address,
    encode,
    entered,
    ffi,
    lib,
    store_pointer,
)
from ._global import Global, new_global
from ._host import is_async, wants_instance
from ._memory import Memory
from ._table import Table
from ._tag import Tag
from ._types import (
    FuncType,
    GlobalType,
    MemoryType,
    RefType,
    TableType,
    TagType,
    describe,
    externref,
    is_nullable,
    is_reference,
    matches,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ._fastcall import HostFunction
    from ._ffi import Pointer
    from ._instance import Instance
    from ._limits import Limits
    from ._module import Module
    from ._types import ImportType, ValueType

    # What an import will be: made when the store is known, and entered.
    Maker: TypeAlias = Callable[[Store, Instance], tuple[int, Pointer]]
    Plan: TypeAlias = tuple[Maker, Store | None]

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


class Typed:
    """A callable whose type is known, so that an import of another type is a misfit.

    Attributes:
        callable: What is called.
        type: Its type.
    """

    __slots__ = ("callable", "type")

    def __init__(self, callable: Callable[..., Any], type: FuncType) -> None:
        self.callable = callable
        self.type = type


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


# ---- what was given, and whether it fits ---------------------------------------------------------


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
    if isinstance(value, (Function, Global, Memory, Table, Tag)):
        return describe(value.type)
    if callable(value):
        return "a callable"
    return _shown(value)


class _Import:
    """An import of a module, where it is known which.

    Attributes:
        wanted: Its names and its type.
        module: The module.
        label: Both names, as errors of host functions have them.
    """

    __slots__ = ("_position", "label", "module", "wanted")

    def __init__(self, module: Module, position: int, wanted: ImportType) -> None:
        self.module = module
        self._position = position
        self.wanted = wanted
        self.label = f"{wanted.module}.{wanted.name}"

    @property
    def type_index(self) -> int:
        """Of a function or a tag: the index of its type."""
        index: int = self.module._info.imports[self._position].type.type_index
        return index


def _fits(given: MemoryType | TableType, wanted: MemoryType | TableType) -> bool:
    """Whether the limits of something match those of an import (section 3.3.2)."""
    if given.min < wanted.min or given.is64 != wanted.is64:
        return False
    return wanted.max is None or (given.max is not None and given.max <= wanted.max)


# ---- types that have type indices: each module has its own, the store knows which are equal ----

_INDICES = "; the indices of types are those of each module"


def _has_index(*types: ValueType) -> bool:
    return any(isinstance(type_, RefType) and isinstance(type_.heap, int) for type_ in types)


def _is_type(store: Store, identity: Pointer, to: _Import) -> bool:
    """Whether a type of the (entered) store is the function type of an import."""
    pointer = store_pointer(store)
    wanted = lib.pw_store_type(pointer, to.module._pointer, to.type_index)
    return bool(wanted and wanted == identity)


def _same_function_type(function: Function, to: _Import) -> bool:
    given, wanted = function.type, to.wanted.type
    assert isinstance(wanted, FuncType)
    if not _has_index(*given.params, *given.results, *wanted.params, *wanted.results):
        return given == wanted
    with entered(function.store):
        identity = lib.pw_func_type_identity(ffi.cast("pw_func *", function._address))
        return _is_type(function.store, identity, to)


def _matches(value: Global | Table, wanted: ValueType, to: _Import, both_ways: bool) -> bool:
    """Whether values of something fit an import, and those of the import fit it."""
    store, given = value.store, value._valtype

    def same(a: int, b: int) -> bool:
        pointer = store_pointer(store)
        first = lib.pw_store_type(pointer, value._module, a)
        return bool(first and first == lib.pw_store_type(pointer, to.module._pointer, b))

    if not _has_index(given, wanted):
        return given == wanted if both_ways else matches(given, wanted, same)
    with entered(store):
        return matches(given, wanted, same) and (
            not both_ways or matches(wanted, given, lambda a, b: same(b, a))
        )


def _misfit(value: Global | Table, to: _Import) -> _Misfit:
    """That a global or a table is of another type."""
    wanted = to.wanted.type
    assert isinstance(wanted, (GlobalType, TableType))
    indices = _INDICES if _has_index(value._valtype) and _has_index(wanted.type) else ""
    return _Misfit(f"{_given(value)}{indices}")


# ---- values to makers: one function per kind of import -------------------------------------------


def _plan_function(to: _Import, value: Any) -> Plan:
    if isinstance(value, Function):
        if not _same_function_type(value, to):
            params = (*value.type.params, *value.type.results)
            raise _Misfit(f"{_given(value)}{_INDICES if _has_index(*params) else ''}")
        return (lambda *_: (FUNC, ffi.cast("void *", value._address))), value.store
    if isinstance(value, Late):

        def late(store: Store, instance: Instance) -> tuple[int, Pointer]:
            value.host = host = _host(store, to, value.value, None)
            return HOST, ffi.cast("void *", host._address)

        return late, None
    if isinstance(value, Typed):
        if value.type != to.wanted.type:
            raise _Misfit(describe(value.type))
        value = value.callable
    if not callable(value):
        raise _Misfit(_given(value))
    passes = wants_instance(value)

    def make(store: Store, instance: Instance) -> tuple[int, Pointer]:
        host = _host(store, to, value, instance if passes else None)
        return HOST, ffi.cast("void *", host._address)

    return make, None


def _host(store: Store, to: _Import, value: Any, instance: Instance | None) -> HostFunction:
    module = to.module
    type_ = module._info.types + to.type_index
    if is_async(value):
        from ._aio import blocking

        value = blocking(value)
    return store._host(value, address(module._pointer), address(type_), to.label, instance)


def _plan_memory(to: _Import, value: Any) -> Plan:
    expected = to.wanted.type
    assert isinstance(expected, MemoryType)
    if not isinstance(value, Memory):
        raise _Misfit(_given(value))
    given = value.type
    if not _fits(given, expected) or given.shared != expected.shared:
        raise _Misfit(describe(given))
    return (lambda *_: (MEMORY, ffi.cast("void *", value._address))), value.store


def _plan_table(to: _Import, value: Any) -> Plan:
    expected = to.wanted.type
    assert isinstance(expected, TableType)
    if not isinstance(value, Table):
        raise _Misfit(_given(value))
    if not _fits(value.type, expected) or not _matches(value, expected.type, to, both_ways=True):
        raise _misfit(value, to)
    return (lambda *_: (TABLE, ffi.cast("void *", value._pointer))), value.store


def _plan_global(to: _Import, value: Any) -> Plan:
    expected = to.wanted.type
    assert isinstance(expected, GlobalType)
    if isinstance(value, Global):
        mutable = value.type.mutable
        if mutable != expected.mutable or not _matches(value, expected.type, to, mutable):
            raise _misfit(value, to)
        if mutable or is_reference(expected.type):
            return (lambda *_: (GLOBAL, ffi.cast("void *", value._pointer))), value.store
        bits = value._bits()
        return (lambda store, _: _new_global(store, expected, bits)), None
    if isinstance(value, Late):
        value = value.value
    elif expected.mutable:
        raise _Misfit(f"{_given(value)}; only a mutable Global can be shared")
    if is_reference(expected.type):
        return _plan_reference(to, expected, value)
    try:
        bits = encode(value, expected.type.code)
    except (TypeError, OverflowError):
        raise _Misfit(_given(value)) from None
    return (lambda store, _: _new_global(store, expected, bits)), None


def _new_global(store: Store, type_: GlobalType, bits: int) -> tuple[int, Pointer]:
    return GLOBAL, ffi.cast("void *", new_global(store, type_.type, type_.mutable, bits))


def _plan_reference(to: _Import, type_: GlobalType, value: Any) -> Plan:
    """A global of the host whose value is a reference."""

    def bits_in(store: Store) -> int:
        module = address(to.module._pointer)
        return store._encode(value, type_.type.code, module, "global", "value")

    is_extern = matches(type_.type, externref, lambda a, b: False)
    owner = value.store if isinstance(value, Function) and not is_extern else None
    try:
        if owner is not None:
            with entered(owner):
                bits_in(owner)
        elif value is None and not is_nullable(type_.type):
            raise _Misfit("None, which stands for null")
        elif value is not None and not is_extern:
            raise _Misfit(_given(value))
    except TypeError:
        raise _Misfit(_given(value)) from None
    return (lambda store, _: _new_global(store, type_, bits_in(store))), owner


def _plan_tag(to: _Import, value: Any) -> Plan:
    expected = to.wanted.type
    assert isinstance(expected, TagType)
    if not isinstance(value, Tag):
        raise _Misfit(_given(value))
    with entered(value.store):
        fits = _is_type(value.store, lib.pw_tag_type_identity(value._pointer), to)
    if not fits:
        same = "; the types are of other recursion groups" if value.type == expected else ""
        indices = _INDICES if _has_index(*value.type.type.params, *expected.type.params) else same
        raise _Misfit(f"{_given(value)}{indices}")
    return (lambda *_: (TAG, ffi.cast("void *", value._pointer))), value.store


_PLANS = {
    FuncType: _plan_function,
    MemoryType: _plan_memory,
    TableType: _plan_table,
    GlobalType: _plan_global,
    TagType: _plan_tag,
}


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


def choose_store(store: Store | None, limits: Limits | None) -> Store:
    """The store there is, or a new one with the limits.

    Raises:
        ValueError: There are both.
    """
    if store is None:
        return Store() if limits is None else Store(limits=limits)
    if limits is not None:
        raise ValueError("the instance joins a store, which has its limits: Store(limits=...)")
    return store


def link(
    module: Module,
    lookup: Callable[[ImportType], Any],
    instance: Instance,
    store: Store | None,
    limits: Limits | None,
) -> tuple[Store, Pointer]:
    """Resolves the imports of a module.

    Args:
        module: The module.
        lookup: Gives the value for an import, or ABSENT.
        instance: Handed to host functions that ask for it.
        store: Where the instance shall live, or None to join that of the imports, or a new one.
        limits: Of a new one.

    Returns:
        The store, and a pw_extern per import.

    Raises:
        LinkError: Imports are missing or do not fit; it lists all of them.
        ValueError: There are limits, but the store exists.
    """
    missing: list[ImportType] = []
    mismatched: list[Mismatch] = []
    makers: list[tuple[ImportType, Maker, Store | None]] = []
    for position, wanted in enumerate(module.imports):
        value = lookup(wanted)
        if value is ABSENT:
            missing.append(wanted)
            continue
        try:
            to = _Import(module, position, wanted)
            maker, owner = _PLANS[type(wanted.type)](to, value)
        except _Misfit as misfit:
            mismatched.append(Mismatch(wanted.module, wanted.name, wanted.type, misfit.args[0]))
        else:
            makers.append((wanted, maker, owner))
    chosen = _choose(makers, store, mismatched)
    if missing or mismatched:
        raise link_error(missing, mismatched)
    chosen = choose_store(chosen, limits)
    return chosen, _externs([maker for _, maker, _ in makers], chosen, instance)


def _externs(makers: list[Maker], store: Store, instance: Instance) -> Pointer:
    externs = ffi.new("pw_extern[]", len(makers))
    store._enter()
    try:
        for i, maker in enumerate(makers):
            externs[i].kind, externs[i].object = maker(store, instance)
    finally:
        store._leave()
    return externs
