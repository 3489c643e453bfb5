# SPDX-License-Identifier: MIT
"""Modules, and the text format, which the package wasmtime assembles."""

from __future__ import annotations

from ..._assemble import assemble
from ..._errors import ModuleError
from ..._module import Module as OwnModule
from ._store import Store
from ._types import ExportType, ImportType, extern_type

_BYTES = bytes  # the arguments of Module hide the name


def wat2wasm(wat: str) -> bytes:
    """Assembles the text format with the package wasmtime, which must be installed.

    Raises:
        RuntimeError: The text is wrong, or the package is not installed.
    """
    return assemble("<text>", wat.encode())


class Module:
    """A module, which can be instantiated any number of times.

    Attributes:
        name: The name of the module, which can be set, or None.
    """

    name: str | None

    def __init__(self, store: Store, bytes: bytes | str) -> None:
        """Reads a module of the binary or the text format.

        Raises:
            TypeError: `bytes` is neither bytes nor str, or `store` is not a Store.
            RuntimeError: The module is invalid, or pywasm3 cannot run it.
        """
        if not isinstance(store, Store):
            raise TypeError(f"expected a Store, not {type(store).__name__}")
        given = bytes.encode() if isinstance(bytes, str) else bytes
        if not isinstance(given, _BYTES):
            raise TypeError("`Module` accepts Wasm bytes or a WAT string")
        is_binary = given.startswith(b"\0asm")
        self._store = store
        self._module = OwnModule(given if is_binary else assemble("<text>", given))
        self.name = self._module.name

    @staticmethod
    def validate(store: Store, bytes: bytes) -> bool:
        """Returns whether bytes are a valid module."""
        try:
            OwnModule.validate(bytes)
        except (ModuleError, TypeError):
            return False
        return True

    @property
    def exports(self) -> list[ExportType]:
        """The exports, in the module's order."""
        return [ExportType(e.name, extern_type(e.type)) for e in self._module.exports]

    @property
    def imports(self) -> list[ImportType]:
        """The imports, in the module's order."""
        return [ImportType(i.module, i.name, extern_type(i.type)) for i in self._module.imports]

    def custom_sections(self, name: str) -> list[bytes]:
        """Returns the custom sections with a name."""
        return [each.data for each in self._module.custom_sections if each.name == name]

    def serialize(self) -> bytes:
        """Returns the module's own bytes, because pywasm3 has no compiled form to store."""
        return self._module.bytes

    @staticmethod
    def deserialize(store: Store, bytes: bytes) -> Module:
        """Reads what ``serialize()`` returned."""
        return Module(store, bytes)
