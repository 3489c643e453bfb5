# SPDX-License-Identifier: MIT
"""The API of the package ``wasmtime`` (PyPI's wasmtime 50), over pywasm3.

docs/coming_from/wasmtime.md says what is here, what is not, and what to use instead.
"""

from ._config import Config, Engine
from ._errors import ExitTrap, Frame, Trap, TrapCode, WasmtimeError
from ._externs import Global, Memory, SharedMemory, Table, Tag
from ._func import Caller, Func
from ._instance import Instance
from ._linker import InstancePre, Linker
from ._managed import Managed
from ._module import Module, wat2wasm
from ._store import Store
from ._types import (
    ExportType,
    FuncType,
    GlobalType,
    ImportType,
    Limits,
    MemoryType,
    TableType,
    TagType,
    ValType,
)
from ._value import Val
from ._wasi import WasiConfig

__all__ = [
    "Caller",
    "Config",
    "Engine",
    "ExitTrap",
    "ExportType",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "ImportType",
    "Instance",
    "InstancePre",
    "Limits",
    "Linker",
    "Managed",
    "Memory",
    "MemoryType",
    "Module",
    "SharedMemory",
    "Store",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "Trap",
    "TrapCode",
    "Val",
    "ValType",
    "WasiConfig",
    "WasmtimeError",
    "wat2wasm",
]


def __getattr__(name: str) -> object:
    """Says that the module has not a name."""
    from .._missing import missing_name

    raise missing_name("wasmtime", name)
