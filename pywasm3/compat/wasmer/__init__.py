# SPDX-License-Identifier: MIT
"""The API of the package ``wasmer`` (PyPI's wasmer 1.1.0), over pywasm3.

docs/coming_from/wasmer.md says what is here, what is not, and what to use instead. Errors of the
guest are RuntimeErrors, as in wasmer; here they are those of pywasm3, which say more.
"""

from ..._memory import Memory as Buffer
from . import engine, wasi
from ._externs import Function, Global, Memory, Table
from ._instance import Exports, ImportObject, Instance
from ._module import Module, wat2wasm
from ._store import Store
from ._types import (
    ExportType,
    FunctionType,
    GlobalType,
    ImportType,
    MemoryType,
    TableType,
    Type,
)
from ._value import Value
from ._views import (
    Float32Array,
    Float64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Int64Array,
    Uint8Array,
    Uint16Array,
    Uint32Array,
    Uint64Array,
)

__all__ = [
    "Buffer",
    "ExportType",
    "Exports",
    "Float32Array",
    "Float64Array",
    "Function",
    "FunctionType",
    "Global",
    "GlobalType",
    "ImportObject",
    "ImportType",
    "Instance",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "Memory",
    "MemoryType",
    "Module",
    "Store",
    "Table",
    "TableType",
    "Type",
    "Uint8Array",
    "Uint16Array",
    "Uint32Array",
    "Uint64Array",
    "Value",
    "engine",
    "wasi",
    "wat2wasm",
]


def __getattr__(name: str) -> object:
    """Says that the module has not a name."""
    from .._missing import missing_name

    raise missing_name("wasmer", name)
