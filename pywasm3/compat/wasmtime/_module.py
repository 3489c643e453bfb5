# SPDX-License-Identifier: MIT
"""Modules, and the text format, which the package wasmtime assembles."""

from __future__ import annotations

from ..._assemble import assemble
from ..._errors import ModuleError
from ..._module import Module as OwnModule
from ._config import Engine
from ._errors import WasmtimeError
from ._managed import Managed
from ._types import ExportType, ImportType, extern_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike


def wat2wasm(wat: str | bytes) -> bytearray:
    """Assembles the text format with the package wasmtime, which must be installed.

    Raises:
        WasmtimeError: The text is wrong, or the package is not installed.
    """
    text = wat.encode() if isinstance(wat, str) else wat
    try:
        return bytearray(assemble("<anon>", text))
    except ModuleError as error:
        raise WasmtimeError(str(error)) from error


def _to_wasm(wasm: str | bytes | bytearray) -> bytes | bytearray:
    if isinstance(wasm, str) or (isinstance(wasm, bytes) and wasm[:1] not in (b"", b"\0")):
        return wat2wasm(wasm)
    return _check_bytes(wasm)


def _check_bytes(wasm: object) -> bytes | bytearray:
    if not isinstance(wasm, (bytes, bytearray)):
        raise TypeError(f"expected wasm bytes, not {type(wasm).__name__}")
    return wasm


class Module(Managed):
    """A module, which can be instantiated in any store."""

    def __init__(self, engine: Engine, wasm: str | bytes | bytearray) -> None:
        """Reads a module of the binary or the text format.

        Raises:
            TypeError: `engine` is not an Engine, or `wasm` is not text or bytes.
            WasmtimeError: The module is invalid, or pywasm3 cannot run it.
        """
        if not isinstance(engine, Engine):
            raise TypeError(f"expected an Engine, not {type(engine).__name__}")
        try:
            self._module = OwnModule(_to_wasm(wasm))
        except ModuleError as error:
            raise WasmtimeError(str(error)) from error

    @classmethod
    def from_file(cls, engine: Engine, path: str | bytes | PathLike[str]) -> Module:
        """Reads a module of either format from a file."""
        with open(path, "rb") as file:
            return cls(engine, file.read())

    @classmethod
    def deserialize(cls, engine: Engine, encoded: bytes | bytearray) -> Module:
        """Reads what ``serialize()`` returned."""
        return cls(engine, bytearray(_check_bytes(encoded)))

    @classmethod
    def deserialize_file(cls, engine: Engine, path: str | PathLike[str]) -> Module:
        """Reads a file with what ``serialize()`` returned."""
        with open(path, "rb") as file:
            return cls.deserialize(engine, file.read())

    @classmethod
    def validate(cls, engine: Engine, wasm: bytes | bytearray) -> None:
        """Checks bytes by the rules of validation, without making a module.

        Raises:
            WasmtimeError: They are not a valid module.
        """
        data = _check_bytes(wasm)
        engine._alive()
        try:
            OwnModule.validate(data)
        except ModuleError as error:
            raise WasmtimeError(str(error)) from error

    @property
    def imports(self) -> list[ImportType]:
        """The imports, in the module's order."""
        found = self._alive()._module.imports
        return [ImportType(i.module, i.name, extern_type(i.type)) for i in found]

    @property
    def exports(self) -> list[ExportType]:
        """The exports, in the module's order."""
        return [ExportType(e.name, extern_type(e.type)) for e in self._alive()._module.exports]

    def serialize(self) -> bytearray:
        """Returns the module's own bytes, because pywasm3 has no compiled form to store."""
        return bytearray(self._alive()._module.bytes)
