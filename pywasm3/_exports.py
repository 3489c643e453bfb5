# SPDX-License-Identifier: MIT
"""The class Exports: the exports of an instance as a mapping, each made when it is looked up."""

from __future__ import annotations

from collections.abc import Mapping

from ._ffi import FUNC, GLOBAL, MEMORY, TABLE, TAG, Function, Store, instance_pointer, lib
from ._global import Global
from ._memory import Memory
from ._module import Module
from ._store_objects import refuse_copies
from ._table import Table
from ._tag import Tag
from ._text import brief, brief_repr, listed
from ._types import BY_CODE, GlobalType, TableType, TagType, ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, ValuesView
    from typing import Any, NoReturn

    from ._cpython import Anchor
    from ._types import ValueType

_NO_DEFAULT: Any = object()


class Exports(Mapping[str, "Function | Memory | Global | Table | Tag"]):
    """The exports of an instance, as a mapping from names in the module's order.

    ``exports.add`` is ``exports["add"]``. Names that are not identifiers, and names of methods of
    mappings (``get``, ``items``, ``keys``, ``values``), can be looked up only as items; if the
    module exports such a name, a call of the method that may be meant for the export raises an
    error. The values are Function, Memory, Global, Table and Tag objects. Each is made when it is
    first looked up, and later look-ups return the same object.
    """

    # There is one slot with a tuple, because that is quicker to set than several slots. Its mangled
    # name, _Exports__core, keeps it apart from the names of exports.
    __slots__ = ("__core", "__dict__", "__weakref__")

    if TYPE_CHECKING:
        __core: tuple[Module, Store, Anchor, dict[str, Any]]

    def __init__(self) -> None:
        """Cannot be called: ``instance.exports`` is the way to get one.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Exports cannot be made directly; use the exports of an Instance")

    @classmethod
    def _of(cls, module: Module, store: Store, anchor: Anchor) -> Exports:
        self = object.__new__(cls)
        _set_core(self, (module, store, anchor, {}))
        # Creates __dict__ now. If CPython 3.11 creates it later, when an attribute is set, the
        # garbage collector may run meanwhile, and a finalizer or another thread may ask for
        # __dict__ too: then it is created twice, and its values are freed twice.
        vars(self)
        return self

    def __getitem__(self, name: str) -> Any:
        """Returns the export with a name.

        Raises:
            KeyError: There is no such export.
            WasmError: The export is looked up for the first time, and the store is closed.
        """
        module, store, anchor, cache = self.__core
        if name in cache:
            return cache[name]
        kind, index = (module._export_index or module._export_table())[name]
        value: Any
        if kind == FUNC:
            type_ = module._function_type(index)
            value = store._export(anchor, index, name, type_)
        elif kind == MEMORY:
            value = Memory._of(store, anchor, index)
        else:
            value = store._call_entered(_resolve, module, store, anchor, name, kind, index)
        return cache.setdefault(name, value)  # another thread may have been quicker

    def __getattr__(self, name: str) -> Any:
        """Returns the export with a name.

        Raises:
            AttributeError: There is no such export.
            WasmError: The export is looked up for the first time, and the store is closed.
        """
        if name == "_Exports__core":  # the slot of an object that was made by __new__ alone
            raise AttributeError(name)
        try:
            value = self[name]
        except KeyError:
            shown = f"no export named {brief_repr(name)}{_mangling(self, name)}"
            raise AttributeError(shown, name=name, obj=self) from None
        self.__dict__[name] = value
        return value

    def get(self, name: str, default: Any = _NO_DEFAULT) -> Any:
        """Returns the export with a name. If there is none, returns the default, else None.

        Raises:
            TypeError: The name is not a str, or there is no such export and no default; in both
                cases only if the module exports something named ``get``, which is meant then.
        """
        if name in self:
            return self[name]
        if not isinstance(name, str) or default is _NO_DEFAULT:
            _refuse_ambiguous(self, "get")
        return None if default is _NO_DEFAULT else default

    def keys(self) -> KeysView[str]:
        """Returns the names.

        Raises:
            TypeError: The module exports something named ``keys``, which may be meant instead.
        """
        _refuse_ambiguous(self, "keys")
        return super().keys()

    def values(self) -> ValuesView[Any]:
        """Returns the exports.

        Raises:
            TypeError: The module exports something named ``values``, which may be meant instead.
        """
        _refuse_ambiguous(self, "values")
        return super().values()

    def items(self) -> ItemsView[str, Any]:
        """Returns pairs of a name and the export.

        Raises:
            TypeError: The module exports something named ``items``, which may be meant instead.
        """
        _refuse_ambiguous(self, "items")
        return super().items()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Raises AttributeError, because exports cannot be assigned."""
        raise AttributeError(
            "exports cannot be assigned; a mutable global is set by "
            f"exports.{brief(name)}.value = ..."
        )

    def __delattr__(self, name: str) -> NoReturn:
        """Raises AttributeError, because exports cannot be deleted."""
        raise AttributeError("exports cannot be deleted")

    def __contains__(self, name: object) -> bool:
        """Returns whether there is an export with the name."""
        return name in self.__core[0]._export_table()

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names in the module's order."""
        return iter(self.__core[0]._export_table())

    def __len__(self) -> int:
        """Returns the number of exports."""
        return len(self.__core[0]._export_table())

    def __dir__(self) -> list[str]:
        """Lists the methods and the names of the exports.

        Names that cannot be printed are left out, because consoles and tracebacks show this list
        as it is.
        """
        names = [name for name in self.__core[0]._export_table() if name.isprintable()]
        return sorted({*object.__dir__(self), *names})

    __eq__ = object.__eq__
    __hash__ = object.__hash__
    __reduce_ex__ = refuse_copies

    def __repr__(self) -> str:
        """Returns the names of the first 20 exports with their types."""
        exports = ", ".join(listed(self.__core[0].exports))
        return f"<pywasm3.Exports {{{exports}}}>"


# These are not methods of Exports, because their names would hide exports with the same names.


def _mangling(exports: Exports, name: str) -> str:
    """Explains why Python asks for ``_Class__name`` where a class says ``exports.__name``."""
    original = f"__{name.partition('__')[2]}"
    if not name.startswith("_") or name.startswith("__") or original not in exports:
        return ""
    return (
        f"; within a class, Python replaces {brief(original)} by that name: "
        f"use exports[{brief_repr(original)}]"
    )


def _refuse_ambiguous(exports: Exports, method: str) -> None:
    """Raises a TypeError if the module exports something with the name of a method."""
    if method in exports:
        raise TypeError(
            f"exports.{method} is ambiguous, because the module exports {method!r}: use "
            f"exports[{method!r}] for the export, and iteration, `in` and [] for the mapping"
        )


# Setter of the slot, which works although __setattr__ refuses.
_set_core = Exports.__dict__["_Exports__core"].__set__


def _resolve(
    module: Module, store: Store, anchor: Anchor, name: str, kind: int, index: int
) -> Global | Table | Tag:
    """Returns the global, table or tag that an instance exports; its store is entered."""
    pointer = instance_pointer(anchor)
    if kind == GLOBAL:
        global_ = lib.pw_instance_global(pointer, index)
        valtype = _declared(module, name, lib.pw_global_type(global_))
        return Global._of(store, global_, valtype, module._pointer)
    if kind == TABLE:
        table = lib.pw_instance_table(pointer, index)
        valtype = _declared(module, name, lib.pw_table_type(table))
        return Table._of(store, table, valtype, module._pointer)
    assert kind == TAG
    type_ = module._export_type(name)
    assert isinstance(type_, TagType)
    return Tag._of(store, lib.pw_instance_tag(pointer, index), type_)


def _declared(module: Module, name: str, code: int) -> ValueType:
    """Returns the type of the values of an exported global or table.

    A RefType may contain a type index, and the global or table may come from another module, where
    that index means another type. So the type is the one that the exporting module declares.
    """
    valtype = BY_CODE[code]
    if isinstance(valtype, ValType):
        return valtype
    type_ = module._export_type(name)
    assert isinstance(type_, (GlobalType, TableType))
    return type_.type
