# SPDX-License-Identifier: MIT
"""Linkers, which find the imports of modules by name."""

from __future__ import annotations

from ... import _types as own
from ..._text import brief
from ...wasi.preview1 import SNAPSHOT, UNSTABLE
from ._errors import WasmtimeError
from ._externs import Global, Memory, Table, imported, owner
from ._func import Func
from ._instance import Instance, instantiated
from ._managed import Managed
from ._module import Module
from ._types import FuncType, GlobalType, MemoryType, TableType, extern_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ._config import Engine
    from ._externs import AsExtern
    from ._store import Store, Storelike

    Key: TypeAlias = tuple[bytes, bytes]
    # Makes what an import gets in a store.
    Maker: TypeAlias = Callable[[Store], AsExtern]


def _check_module(module: object) -> None:
    if not isinstance(module, Module):
        raise TypeError(f"expected a Module, not {type(module).__name__}")


def _is_wasi_function(wanted: own.ImportType) -> bool:
    return wanted.module in (SNAPSHOT, UNSTABLE) and isinstance(wanted.type, own.FuncType)


def _key(module: str, name: str) -> Key:
    return module.encode(), name.encode()


def _label(module: str, name: str) -> str:
    return f"{brief(module)}::{brief(name)}"


class Linker(Managed):
    """Names, and what a module that imports them gets."""

    def __init__(self, engine: Engine) -> None:
        """Takes the engine."""
        self.engine = engine._alive()
        self._shadowing = False
        self._makers: dict[Key, Maker] = {}
        self._wasi = False

    def _set_allow_shadowing(self, allow: bool) -> None:
        self._alive()._shadowing = bool(allow)

    allow_shadowing = property(None, _set_allow_shadowing, None, "Whether names can be redefined.")

    def _add(self, key: Key, maker: Maker) -> None:
        if key in self._alive()._makers and not self._shadowing:
            label = _label(*[each.decode() for each in key])
            raise WasmtimeError(f"import of `{label}` defined twice")
        self._makers[key] = maker

    # ---- definitions ----

    def define(self, store: Storelike, module: str, name: str, item: AsExtern) -> None:
        """Defines a name as something of a store.

        Raises:
            TypeError: The object cannot be imported.
            WasmtimeError: The name is defined already, or the object belongs to another store.
        """
        imported(item)
        living = owner(item)
        if living is not None and not store._context()._owns(living):
            raise WasmtimeError("the object belongs to another store")
        self._add(_key(module, name), lambda _: item)

    def define_func(
        self,
        module: str,
        name: str,
        ty: FuncType,
        func: Callable[..., Any],
        access_caller: bool = False,
    ) -> None:
        """Defines a name as a Python callable, for any store. ``Func`` describes the arguments."""
        if not isinstance(ty, FuncType):
            raise TypeError(f"expected a FuncType, not {type(ty).__name__}")
        self._add(_key(module, name), lambda store: Func(store, ty, func, access_caller))

    def define_instance(self, store: Storelike, name: str, instance: Instance) -> None:
        """Defines the names of all exports of an instance."""
        if not isinstance(instance, Instance):
            raise TypeError(f"expected an Instance, not {type(instance).__name__}")
        for export, item in instance.exports(store).items():
            self.define(store, name, export, item)

    def define_wasi(self) -> None:
        """Defines the functions of WASI, which need ``set_wasi()`` of the store."""
        self._alive()._wasi = True

    def define_module(self, store: Storelike, name: str, module: Module) -> None:
        """Defines the exports of a module.

        A library is instantiated now, and its ``_initialize`` is called. A program, which exports
        ``_start``, is instantiated for each call of one of its functions.
        """
        _check_module(module)
        exports = {export.name: export.type for export in module.exports}
        if "_start" not in exports:
            instance = self.instantiate(store, module)
            initialize = instance.exports(store).get("_initialize")
            if isinstance(initialize, Func):
                initialize(store)
            self.define_instance(store, name, instance)
            return
        for export, type_ in exports.items():
            if isinstance(type_, FuncType):
                call = self._calling(module, export, store._context())
                self.define_func(name, export, type_, call)

    def _calling(self, module: Module, export: str, store: Store) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            function = self.instantiate(store, module).exports(store)[export]
            assert isinstance(function, Func)
            return function(store, *arguments)

        return call

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Defines the unknown functions that a module imports as functions that fail.

        Calling one raises a WasmtimeError.
        """
        _check_module(module)
        for key, label, type_ in self._unknown(module):
            if isinstance(type_, own.FuncType):
                self._define_type(key, type_, _failing(label))

    def define_unknown_imports_as_default_values(self, store: Storelike, module: Module) -> None:
        """Defines what a module imports, and is unknown, as zeros, nulls and functions of these."""
        _check_module(module)
        context = store._context()
        for key, _, type_ in self._unknown(module):
            if isinstance(type_, own.FuncType):
                zeros = [_zero(result) for result in type_.results]
                self._define_type(key, type_, _returning(zeros))
            elif not isinstance(type_, own.TagType):
                item = _default(context, type_)
                self._add(key, lambda _, item=item: item)  # type: ignore[misc]

    def _unknown(self, module: Module) -> list[tuple[Key, str, own.ExternType]]:
        return [
            (_key(i.module, i.name), _label(i.module, i.name), i.type)
            for i in module._alive()._module.imports
            if not self._knows(i)
        ]

    def _define_type(self, key: Key, type: own.FuncType, call: Callable[..., Any]) -> None:
        made = extern_type(type)
        assert isinstance(made, FuncType)
        self._add(key, lambda store: Func(store, made, call))

    # ---- look-ups ----

    def _is_wasi(self, wanted: own.ImportType) -> bool:
        return self._wasi and _is_wasi_function(wanted)

    def _knows(self, wanted: own.ImportType) -> bool:
        return _key(wanted.module, wanted.name) in self._makers or self._is_wasi(wanted)

    def _check_known(self, module: Module) -> None:
        for wanted in module._alive()._module.imports:
            if not self._knows(wanted):
                raise WasmtimeError(
                    f"unknown import: `{_label(wanted.module, wanted.name)}` has not been defined"
                )

    def instantiate(self, store: Storelike, module: Module) -> Instance:
        """Instantiates a module with what the names of its imports are defined as.

        Raises:
            WasmtimeError: An import is unknown, or does not fit.
            Trap: The start function trapped, or a segment does not fit.
        """
        self._check_known(module)
        return _instantiate(self._makers, store, module)

    def instantiate_pre(self, module: Module) -> InstancePre:
        """Looks the imports of a module up now, for instances that are made later.

        Raises:
            WasmtimeError: An import is unknown.
        """
        _check_module(module)
        self._check_known(module)
        return InstancePre(module, dict(self._makers))

    def get(self, store: Storelike, module: str, name: str) -> AsExtern:
        """Returns what a name is defined as.

        Raises:
            WasmtimeError: It is not defined.
        """
        maker = self._alive()._makers.get(_key(module, name))
        if maker is None:
            raise WasmtimeError("item not defined in linker")
        return maker(store._context())

    def get_default(self, store: Storelike, name: str) -> Func:
        """Returns the function that running a module means: its export "", or ``_start``.

        If no such name is defined, the function does nothing.
        """
        for export in ("", "_start"):
            maker = self._alive()._makers.get(_key(name, export))
            item = maker(store._context()) if maker is not None else None
            if isinstance(item, Func):
                return item
        return Func(store._context(), FuncType([], []), lambda: None)


def _instantiate(makers: dict[Key, Maker], store: Storelike, module: Module) -> Instance:
    context = store._context()
    found = [makers.get(_key(i.module, i.name)) for i in module._alive()._module.imports]
    items = [None if maker is None else maker(context) for maker in found]
    wasi = context._wasi_config() if None in found else None
    return instantiated(context, module, items, wasi)


class InstancePre(Managed):
    """A module with what its imports get, which ``Linker.instantiate_pre`` makes.

    Attributes:
        module: The module.
    """

    def __init__(self, module: Module, makers: dict[Key, Maker]) -> None:
        """Takes the module and the definitions."""
        self.module = module
        self._makers = makers

    def instantiate(self, store: Storelike) -> Instance:
        """Instantiates the module in a store."""
        return _instantiate(self._alive()._makers, store, self.module)


# ---- what unknown imports are defined as ---------------------------------------------------------


def _failing(label: str) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise WasmtimeError(f"unknown import: `{label}` has not been defined")

    return fail


def _returning(values: list[Any]) -> Callable[..., Any]:
    returned = values[0] if len(values) == 1 else values or None
    return lambda *_: returned


def _zero(type: own.ValueType) -> Any:
    if own.is_reference(type):
        return None
    return 0.0 if type in (own.f32, own.f64) else 0


def _default(store: Store, type: own.GlobalType | own.TableType | own.MemoryType) -> AsExtern:
    made = extern_type(type)
    if isinstance(made, GlobalType):
        return Global(store, made, _zero(made.content._type))
    if isinstance(made, MemoryType):
        return Memory(store, made)
    assert isinstance(made, TableType)
    return Table(store, made, None)
