# SPDX-License-Identifier: MIT
"""Links the imports of a module, in two steps, which are the last two functions of this file.

`link` gets the value for each import from a look-up (`_lookup`). The function ``_plan_…`` for the
kind of the import checks that the value fits, and returns a *plan*: the store that the value lives
in, and a *maker*, which is a function that makes the import's pw_extern. When all imports fit,
`link` chooses the store of the new instance; otherwise, it raises a LinkError with all misfits.

`instantiate` is called when that store has been entered. It calls the makers, and gives what they
have made to pw_instance_new.
"""

from __future__ import annotations

from ._errors import Mismatch, link_error
from ._ffi import (
    FUNC,
    GLOBAL,
    HOST,
    MEMORY,
    TABLE,
    TAG,
    AggregateBase,
    Function,
    Store,
    address,
    encode,
    ffi,
    lib,
    store_pointer,
)
from ._global import Global, new_global
from ._host import is_async, wants_instance
from ._lookup import ABSENT, STAND_IN, Late, Lookup, Typed
from ._memory import Memory
from ._table import Table
from ._tag import Tag
from ._text import brief
from ._types import (
    FuncType,
    GlobalType,
    MemoryType,
    RefType,
    TableType,
    TagType,
    describe,
    heap_type,
    is_nullable,
    is_reference,
    matches,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ._cpython import Anchor, HostFunction
    from ._errors import LinkError
    from ._ffi import Pointer
    from ._instance import Instance
    from ._limits import Limits
    from ._module import Module
    from ._types import ImportType, ValueType

    # The kind and the pointer of a pw_extern, and the object that keeps what it points to until the
    # instance exists: a HostFunction, the anchor of a function's instance, or what was made for the
    # import. None: the value of the import, which the Maker has, keeps it.
    Made: TypeAlias = tuple[int, Pointer, HostFunction | Anchor | Memory | Tag | None]
    # The Store in a Plan is the one that the value lives in. None: the value can be used in any.
    Maker: TypeAlias = Callable[[Store, Instance[Any]], Made]
    Plan: TypeAlias = tuple[Maker, Store | None]

_EXTERNS = ffi.typeof("pw_extern[]")


class _Misfit(Exception):
    """Raised when a value does not fit an import; its argument describes the value."""


# ---- what was given, and whether it fits ---------------------------------------------------------


def _shown(value: object) -> str:
    """Describes a value in words that fit into one line."""
    try:
        text = repr(value)
    except Exception:
        text = ""
    name = type(value).__name__
    if not text or len(text) > 60 or name in text:
        return f"an object of type {name}" if text != "None" else "None"
    return f"{text} ({name})"


def _given(value: object) -> str:
    """Describes a value in words, by its type if it is something that instances export."""
    if isinstance(value, (Function, Global, Memory, Table, Tag)):
        return describe(value.type)
    if callable(value):
        return "a callable"
    return _shown(value)


class _Import:
    """An import, together with the module that imports.

    Attributes:
        wanted: The names and the type of the import.
        module: The module that imports.
        label: Both names with a dot between them, for messages about a host function.
    """

    __slots__ = ("_position", "label", "module", "wanted")

    def __init__(self, module: Module, position: int, wanted: ImportType) -> None:
        self.module = module
        self._position = position
        self.wanted = wanted
        self.label = f"{brief(wanted.module)}.{brief(wanted.name)}"

    @property
    def type_index(self) -> int:
        """The index of the type, if a function or a tag is imported."""
        index: int = self.module._info.imports[self._position].type.type_index
        return index


def _fits(given: MemoryType | TableType, wanted: MemoryType | TableType) -> bool:
    """Returns whether limits match those of an import (specification, chapter 3.3, "Limits")."""
    if given.min < wanted.min or given.is64 != wanted.is64:
        return False
    return wanted.max is None or (given.max is not None and given.max <= wanted.max)


# ---- types that contain a type index -------------------------------------------------------------

# A type index means something only in its own module, so types of different modules are compared by
# the identities that the store has for them. Two types that look the same can therefore differ; a
# message about such types ends with this explanation.
_INDICES = "; a type index means different types in different modules"
# The explanation for types without an index that look the same and differ.
_GROUPS = "; the types are in different recursion groups"


def _has_index(*types: ValueType) -> bool:
    return any(isinstance(type_, RefType) and isinstance(type_.heap, int) for type_ in types)


def _is_type(store: Store, identity: Pointer, import_: _Import) -> bool:
    """Returns whether a type of the entered store is the function type of an import."""
    pointer = store_pointer(store)
    wanted = lib.pw_store_type(pointer, import_.module._pointer, import_.type_index)
    return bool(wanted and wanted == identity)


# A type with at most this many parameters and results is compared value by value before the engine
# compares it; a larger one is not, because each import of a few bytes can be of a type with a
# thousand parameters.
_FEW = 16


def _fits_type(function: Function, import_: _Import) -> bool:
    """Returns whether the type of a function is that of an import, or a subtype of it."""
    given, wanted = function.type, import_.wanted.type
    assert isinstance(wanted, FuncType)
    counts = len(given.params), len(given.results)
    if counts != (len(wanted.params), len(wanted.results)):
        return False
    if sum(counts) <= _FEW and import_.module._info.has_plain_types:
        types = (*given.params, *given.results, *wanted.params, *wanted.results)
        # A plain type has no subtypes. But a type that looks the same may be another one.
        if not _has_index(*types) and given != wanted:
            return False

    def fits() -> bool:
        store, pointer = store_pointer(function.store), ffi.cast("pw_func *", function._address)
        return bool(lib.pw_func_fits(store, pointer, import_.module._pointer, import_.type_index))

    return function.store._call_entered(fits)


def _matches(value: Global | Table, wanted: ValueType, import_: _Import, both_ways: bool) -> bool:
    """Returns whether the values of a global or a table fit an import.

    Args:
        value: The global or the table.
        wanted: The type of the import's values.
        import_: The import.
        both_ways: Whether the types must be equal, because the guest can write values too.
    """
    given = value._valtype
    if not _has_index(given, wanted):
        return given == wanted if both_ways else matches(given, wanted)
    fit = lib.pw_global_fits if isinstance(value, Global) else lib.pw_table_fits

    def fits() -> bool:
        store = store_pointer(value.store)
        return bool(fit(store, value._pointer, import_.module._pointer, wanted.code, both_ways))

    return value.store._call_entered(fits)


def _misfit(value: Global | Table, import_: _Import) -> _Misfit:
    """Returns the error for a global or a table of another type."""
    wanted = import_.wanted.type
    assert isinstance(wanted, (GlobalType, TableType))
    indices = _INDICES if _has_index(value._valtype) and _has_index(wanted.type) else ""
    return _Misfit(f"{_given(value)}{indices}")


# ---- plans: one function per kind of import ------------------------------------------------------


def _plan_function(import_: _Import, value: Any) -> Plan:
    """Plans a function: a Function is given as it is, and a callable gets a HostFunction."""
    if isinstance(value, Function):
        if not _fits_type(value, import_):
            params = (*value.type.params[:_FEW], *value.type.results[:_FEW])
            same = _GROUPS if value.type == import_.wanted.type else ""
            raise _Misfit(f"{_given(value)}{_INDICES if _has_index(*params) else same}")
        made = FUNC, ffi.cast("void *", value._address), value._anchor
        return (lambda *_: made), value.store
    if isinstance(value, Late):

        def late(store: Store, instance: Instance[Any]) -> Made:
            value.host = host = _new_host(store, import_, value.value, None)
            return HOST, ffi.cast("void *", host._address), host

        return late, None
    if isinstance(value, Typed):
        assert isinstance(import_.wanted.type, FuncType)
        if not value.fits(import_.wanted.type, import_.module):
            raise _Misfit(value.shown)
        value = value.callable_for(import_.wanted.type)
    if not callable(value) or isinstance(value, Tag):
        raise _Misfit(_given(value))
    passes = wants_instance(value)

    def make(store: Store, instance: Instance[Any]) -> Made:
        host = _new_host(store, import_, value, instance if passes else None)
        return HOST, ffi.cast("void *", host._address), host

    return make, None


def _new_host(
    store: Store, import_: _Import, value: Any, instance: Instance[Any] | None
) -> HostFunction:
    module = import_.module
    type_ = module._info.types + import_.type_index
    if is_async(value):
        from ._aio import blocking

        value = blocking(value)
    return store._host(value, module._address, address(type_), import_.label, instance)


def _plan_memory(import_: _Import, value: Any) -> Plan:
    """Plans a memory, which must have the limits, the addresses and the sharing of the import."""
    expected = import_.wanted.type
    assert isinstance(expected, MemoryType)
    if not isinstance(value, Memory):
        raise _Misfit(_given(value))
    given = value.type
    if not _fits(given, expected) or given.shared != expected.shared:
        raise _Misfit(describe(given))
    owner = None if given.shared else value.store  # instances of any store can use a shared memory
    return (lambda *_: (MEMORY, ffi.cast("void *", value._address), None)), owner


def _plan_table(import_: _Import, value: Any) -> Plan:
    """Plans a table, which must have the type of elements of the import, and fit its limits."""
    expected = import_.wanted.type
    assert isinstance(expected, TableType)
    if not isinstance(value, Table):
        raise _Misfit(_given(value))
    if not _fits(value.type, expected) or not _matches(
        value, expected.type, import_, both_ways=True
    ):
        raise _misfit(value, import_)
    return (lambda *_: (TABLE, ffi.cast("void *", value._pointer), None)), value.store


def _plan_global(import_: _Import, value: Any) -> Plan:
    """Plans a global. For an immutable one of numbers, the plan makes a new one with the value."""
    expected = import_.wanted.type
    assert isinstance(expected, GlobalType)
    if isinstance(value, Global):
        mutable = value.type.mutable
        if mutable != expected.mutable or not _matches(value, expected.type, import_, mutable):
            raise _misfit(value, import_)
        if mutable or is_reference(expected.type):
            return (lambda *_: (GLOBAL, ffi.cast("void *", value._pointer), None)), value.store
        bits = value._bits()
        return (lambda store, _: _new_global(store, expected, bits)), None
    if isinstance(value, Late):
        value = value.value
    elif expected.mutable:
        raise _Misfit(f"{_given(value)}; a mutable global must be given as a Global")
    if is_reference(expected.type):
        return _plan_reference(import_, expected, value)
    try:
        bits = encode(value, expected.type.code)
    except (TypeError, OverflowError):
        raise _Misfit(_given(value)) from None
    return (lambda store, _: _new_global(store, expected, bits)), None


def _new_global(store: Store, type_: GlobalType, bits: int) -> Made:
    return GLOBAL, ffi.cast("void *", new_global(store, type_.type, type_.mutable, bits)), None


def _may_be(value: Any, type_: ValueType) -> bool:
    """Returns whether a value that belongs to no store can be a reference of a type."""
    if value is None:
        return is_nullable(type_)
    heap = heap_type(type_)
    if heap in ("extern", "any"):
        return True
    return heap in ("eq", "i31") and type(value) is int and -(1 << 30) <= value < 1 << 30


def _plan_reference(import_: _Import, type_: GlobalType, value: Any) -> Plan:
    """Returns the plan for an immutable global that the host makes of a reference."""

    def bits_in(store: Store) -> int:
        return store._encode(value, type_.type.code, import_.module._address, "global", "value")

    owner = None
    if isinstance(value, AggregateBase) or (
        isinstance(value, Function) and heap_type(type_.type) not in ("extern", "any")
    ):
        owner = value.store
    try:
        if owner is not None:
            owner._call_entered(bits_in, owner)
        elif not _may_be(value, type_.type):
            raise _Misfit("None, which stands for null" if value is None else _given(value))
    except TypeError:
        raise _Misfit(_given(value)) from None
    return (lambda store, _: _new_global(store, type_, bits_in(store))), owner


def _plan_tag(import_: _Import, value: Any) -> Plan:
    """Plans a tag, which must have the type of the import."""
    expected = import_.wanted.type
    assert isinstance(expected, TagType)
    if not isinstance(value, Tag):
        raise _Misfit(_given(value))

    def fits() -> bool:
        return _is_type(value.store, lib.pw_tag_type_identity(value._pointer), import_)

    if not value.store._call_entered(fits):
        same = _GROUPS if value.type == expected else ""
        indices = _INDICES if _has_index(*value.type.type.params, *expected.type.params) else same
        raise _Misfit(f"{_given(value)}{indices}")
    return (lambda *_: (TAG, ffi.cast("void *", value._pointer), None)), value.store


def _stand_in(import_: _Import) -> Plan | None:
    """Returns the plan for an import that is missing. None: nothing can stand in for it."""
    from ._stand_ins import has_stand_in, make, trapping

    type_ = import_.wanted.type
    if isinstance(type_, FuncType):
        return _plan_function(import_, trapping(import_.label))
    return ((lambda store, _: make(store, type_)), None) if has_stand_in(type_) else None


_PLANS = {
    FuncType: _plan_function,
    MemoryType: _plan_memory,
    TableType: _plan_table,
    GlobalType: _plan_global,
    TagType: _plan_tag,
}


def _plan(import_: _Import, value: Any) -> Plan | None:
    """Returns the plan for any import; None if it has no value, and nothing can stand in for it."""
    if value is ABSENT:
        return None
    if value is STAND_IN:
        return _stand_in(import_)
    return _PLANS[type(import_.wanted.type)](import_, value)


# ---- all imports of a module ---------------------------------------------------------------------


def _choose(
    makers: list[tuple[ImportType, Maker, Store | None]],
    store: Store | None,
    mismatched: list[Mismatch],
) -> Store | None:
    """Returns the store that the values of imports live in; those of other stores are misfits.

    Args:
        makers: Each import with its maker and the store of its value.
        store: The store that the user gave, or None.
        mismatched: The list to which values of other stores are added.
    """
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
    """Returns the store that is given, or a new one with the limits.

    Raises:
        ValueError: A store and limits are given.
    """
    if store is None:
        return Store() if limits is None else Store(limits=limits)
    if limits is not None:
        raise ValueError(
            "limits cannot be given: the instance joins a store, which got its limits from "
            "Store(limits=...)"
        )
    return store


def _link_error(
    module: Module,
    lookup: Callable[[ImportType], Any],
    missing: list[ImportType],
    mismatched: list[Mismatch],
) -> LinkError:
    """Returns the error for imports that do not fit, and says why some may be missing."""
    if not missing or not isinstance(lookup, Lookup):
        return link_error(missing, mismatched)
    from ._link_hints import hints, unused_names

    unused = unused_names(lookup.given, module.imports, missing)
    return link_error(missing, mismatched, unused, hints(unused, missing, lookup.has_wasi))


def link(
    module: Module,
    lookup: Callable[[ImportType], Any],
    store: Store | None,
    limits: Limits | None,
    fill: bool = False,
) -> tuple[Store, list[Maker]]:
    """Links the imports of a module.

    Args:
        module: The module.
        lookup: Returns the value for an import, or ABSENT, or STAND_IN.
        store: The store that the instance shall live in. None: the store that its imports come
            from, or a new one.
        limits: The limits of a new store.
        fill: Whether missing imports get stand-ins.

    Returns:
        The store, and what makes the pw_extern of each import.

    Raises:
        LinkError: Imports are missing or do not fit; the error has all of them.
        ValueError: Limits are given, but the store exists already.
    """
    missing: list[ImportType] = []
    mismatched: list[Mismatch] = []
    makers: list[tuple[ImportType, Maker, Store | None]] = []
    for position, wanted in enumerate(module.imports):
        value = lookup(wanted)
        import_ = _Import(module, position, wanted)
        if value is ABSENT and fill:
            value = STAND_IN
        try:
            plan = _plan(import_, value)
        except _Misfit as misfit:
            mismatched.append(Mismatch(wanted.module, wanted.name, wanted.type, misfit.args[0]))
            continue
        if plan is None:
            missing.append(wanted)
        else:
            makers.append((wanted, *plan))
    chosen = _choose(makers, store, mismatched)
    if missing or mismatched:
        raise _link_error(module, lookup, missing, mismatched)
    return choose_store(chosen, limits), [maker for _, maker, _ in makers]


def instantiate(
    store: Store, module: Module, makers: list[Maker], instance: Instance[Any], eager: bool
) -> Anchor:
    """Makes a pw_instance with imports, and returns its anchor. The store is entered.

    Args:
        store: The store.
        module: The module.
        makers: What makes the pw_extern of each import.
        instance: The instance that host functions with pass_instance get.
        eager: Whether all functions are compiled now.
    """
    made: list[tuple[int, Pointer, Any]] = [maker(store, instance) for maker in makers]
    externs = ffi.new(_EXTERNS, [extern[:2] for extern in made])
    return store._instantiate(
        module._address,
        address(externs),
        eager,
        tuple([kept for kind, _, kept in made if kind == HOST]),
        tuple([kept for kind, _, kept in made if kind == FUNC]),
    )
