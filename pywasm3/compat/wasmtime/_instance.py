# SPDX-License-Identifier: MIT
"""Instances and their exports."""

from __future__ import annotations

from collections.abc import Mapping

from .._plain import InOrder, PlainInstance
from ._errors import WasmtimeError
from ._externs import extern_of, imported, owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..._instance import Instance as OwnInstance
    from ...wasi import WasiConfig as OwnWasi
    from ._externs import AsExtern
    from ._module import Module
    from ._store import Storelike


def instantiated(
    store: Storelike,
    module: Module,
    imports: Sequence[AsExtern | None],
    wasi: OwnWasi | None = None,
) -> Instance:
    """Returns an instance of a module.

    Args:
        store: The store.
        module: The module.
        imports: What each import gets, in the module's order. None: the function of WASI.
        wasi: The configuration of WASI, if an import needs it.
    """
    context = store._context()
    own_module = module._alive()._module
    wanted = own_module.imports
    if len(imports) != len(wanted):
        raise WasmtimeError(f"expected {len(wanted)} imports, found {len(imports)}")
    values: list[tuple[str, str, Any]] = []
    for import_, item in zip(wanted, imports, strict=True):
        if item is None:
            continue
        value = imported(item)
        living = owner(item)
        if living is not None and not context._owns(living):
            raise WasmtimeError(f"{import_.module}::{import_.name} belongs to another store")
        values.append((import_.module, import_.name, value))

    def make() -> PlainInstance:
        with context._making(own_module) as inner:
            return PlainInstance(own_module, InOrder(values), store=inner, wasi=wasi)

    made = object.__new__(Instance)
    made._own = context._run(own_module, make)
    made._exports = None
    return made


class Instance:
    """An instance of a module."""

    _own: OwnInstance
    _exports: InstanceExports | None

    def __new__(cls, store: Storelike, module: Module, imports: Sequence[AsExtern]) -> Instance:
        """Instantiates a module.

        Args:
            store: The store.
            module: The module.
            imports: A Func, Memory, Table, Global or Tag for each import, in the module's order.

        Raises:
            WasmtimeError: The number of imports is wrong, or one does not fit or belongs to another
                store.
            TypeError: Something that cannot be imported is given.
            Trap: The start function trapped, or a segment does not fit.
        """
        for item in imports:
            imported(item)
        return instantiated(store, module, imports)

    def exports(self, store: Storelike) -> InstanceExports:
        """Returns the exports."""
        store._context()
        if self._exports is None:
            self._exports = InstanceExports(self._own)
        return self._exports


class InstanceExports(Mapping[str, "AsExtern"]):
    """The exports of an instance, by name."""

    def __init__(self, instance: OwnInstance) -> None:
        """Takes pywasm3's instance."""
        exports = instance.exports
        self._externs = {name: extern_of(exports[name]) for name in exports}

    @property
    def by_index(self) -> Sequence[AsExtern]:
        """The exports in the module's order."""
        return tuple(self._externs.values())

    def __getitem__(self, idx: str) -> AsExtern:
        """Returns the export with a name, or raises a KeyError."""
        return self._externs[idx]

    def __len__(self) -> int:
        """Returns the number of exports."""
        return len(self._externs)

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names, in the module's order."""
        return iter(self._externs)
