# SPDX-License-Identifier: MIT
"""Instances, their exports, and the objects that have their imports."""

from __future__ import annotations

from collections.abc import Mapping

from ..._errors import WasiExit
from .._plain import PlainInstance
from ._externs import exited, extern_of, imported
from ._module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..._instance import Instance as OwnInstance
    from ...wasi import WasiConfig
    from ._externs import Extern


class ImportObject:
    """What a module that imports something gets, by two names."""

    def __init__(self) -> None:
        """Makes an object without names."""
        self._namespaces: dict[str, dict[str, Any]] = {}
        self._wasi: tuple[WasiConfig, frozenset[str]] | None = None

    def contains_namespace(self, namespace_name: str) -> bool:
        """Returns whether a namespace was registered."""
        wasi = self._wasi[1] if self._wasi else frozenset()
        return namespace_name in self._namespaces or namespace_name in wasi

    def register(self, namespace_name: str, namespace: Mapping[str, Extern]) -> None:
        """Registers functions, memories, globals and tables.

        Raises:
            TypeError: The mapping has something else.
        """
        self._namespaces[namespace_name] = {
            name: imported(item) for name, item in namespace.items()
        }


def _import_object(given: object) -> ImportObject:
    if given is None:
        return ImportObject()
    if isinstance(given, ImportObject):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"expected an ImportObject or a dict, not {type(given).__name__}")
    made = ImportObject()
    for name, namespace in given.items():
        made.register(name, namespace)
    return made


class Instance:
    """An instance of a module.

    Attributes:
        exports: The exports.
    """

    exports: Exports

    def __init__(
        self,
        module: Module,
        import_object: ImportObject | Mapping[str, Mapping[str, Extern]] | None = None,
    ) -> None:
        """Instantiates a module in the store that it was made for.

        Args:
            module: The module.
            import_object: What its imports get.

        Raises:
            RuntimeError: An import is missing or does not fit, or the start function trapped.
        """
        if not isinstance(module, Module):
            raise TypeError(f"expected a Module, not {type(module).__name__}")
        imports = _import_object(import_object)
        wasi = imports._wasi[0] if imports._wasi else None
        store = module._store._store
        try:
            own = PlainInstance(module._module, imports._namespaces, store=store, wasi=wasi)
        except WasiExit as end:
            raise exited(end) from end
        self.exports = Exports(own)


class MissingExport(LookupError, AttributeError):
    """There is no export with a name. It is an AttributeError so that ``hasattr`` answers."""


class Exports:
    """The exports of an instance, which are attributes. Iteration gives names and exports."""

    def __init__(self, instance: OwnInstance) -> None:
        """Takes pywasm3's instance."""
        self._instance = instance

    def __getattr__(self, key: str) -> Any:
        """Returns the export with a name.

        Raises:
            LookupError: There is none.
        """
        if key == "_instance":  # of an object that was made by __new__ alone
            raise AttributeError(key)
        if key not in self._instance.exports:
            raise MissingExport(f"Export `{key}` does not exist.")
        return extern_of(self._instance.exports[key])

    def __len__(self) -> int:
        """Returns the number of exports."""
        return len(self._instance.exports)

    def __iter__(self) -> Iterator[tuple[str, Extern]]:
        """Iterates over names and exports, in the module's order."""
        exports = self._instance.exports
        return iter([(name, extern_of(exports[name])) for name in exports])
