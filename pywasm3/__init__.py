# SPDX-License-Identifier: MIT
"""WebAssembly inside a Python program, at the price of a Python function call.

The short way::

    import pywasm3

    instance = pywasm3.load("plugin.wasm", imports={"env": {"log": print}})
    instance.exports.add(2, 3)

The parts that ``load`` puts together are Module, which holds checked bytes, and Instance, which is
a module with its imports. The exports of an instance are Function, Memory, Global, Table and Tag
objects. InstancePool hands out instances to the threads of a server. Environment and Runtime have
the API of the ``wasm3`` package (PyPI's pywasm3 0.5.0). All errors derive from WasmError.
"""

# ARCHITECTURE.md says what each module holds, and in which order to read them.
from ._errors import (
    DeadlineExceeded,
    Interrupted,
    InvalidError,
    LinkError,
    MalformedError,
    Mismatch,
    ModuleError,
    OutOfFuel,
    SnapshotError,
    StackExhausted,
    Trap,
    TrapKind,
    UnsupportedError,
    WasiExit,
    WasmError,
)
from ._exports import Exports
from ._ffi import BoundFunction, Function, Store
from ._frames import Frame
from ._function import AsyncFunction
from ._global import Global
from ._host import host
from ._instance import Instance
from ._limits import Deadline, Limits
from ._load import load
from ._memory import Memory
from ._module import Module
from ._table import Table
from ._tag import Tag, WasmException
from ._types import (
    CustomSection,
    ExportType,
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
    MemoryType,
    RefType,
    TableType,
    TagType,
    ValType,
    ValueType,
    externref,
    f32,
    f64,
    funcref,
    i32,
    i64,
    v128,
)
from ._version import __version__

__all__ = [
    "M3_VERSION",
    "V128",
    "Array",
    "ArrayType",
    "AsyncFunction",
    "BoundFunction",
    "Compile",
    "CustomSection",
    "Deadline",
    "DeadlineExceeded",
    "Environment",
    "ExportType",
    "Exports",
    "ExternType",
    "FieldType",
    "Frame",
    "FuncType",
    "Function",
    "Global",
    "GlobalType",
    "ImportType",
    "Imports",
    "Instance",
    "InstancePool",
    "Interrupted",
    "InvalidError",
    "Limits",
    "LinkError",
    "MalformedError",
    "Memory",
    "MemoryType",
    "Mismatch",
    "Missing",
    "Module",
    "ModuleError",
    "OutOfFuel",
    "ParsedModule",
    "RefType",
    "Runtime",
    "Snapshot",
    "SnapshotError",
    "Source",
    "StackExhausted",
    "Store",
    "Struct",
    "StructType",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "Trap",
    "TrapKind",
    "UnsupportedError",
    "ValType",
    "ValueType",
    "WasiExit",
    "WasmError",
    "WasmException",
    "__version__",
    "externref",
    "f32",
    "f64",
    "funcref",
    "host",
    "host_function",
    "i32",
    "i64",
    "load",
    "sleep",
    "v128",
    "wait",
]

# Tracebacks and pickles shall name the public place of a class, pywasm3.LinkError instead of
# pywasm3._errors.LinkError.
for _name in __all__:
    _object = globals().get(_name)  # None: imported when it is first used
    if callable(_object) and _object.__module__.startswith("pywasm3._"):
        _object.__module__ = "pywasm3"
del _name, _object

# Every module of the package imports what only its annotations need below these two lines. Type
# checkers take the name TYPE_CHECKING to be true, whatever its value; at run time it is False, and
# nothing is imported. typing.TYPE_CHECKING would do the same, but importing typing takes several
# milliseconds, a good part of what importing this whole package takes. Annotations that use these
# names are never evaluated, because the modules begin with "from __future__ import annotations".
TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import wasi as wasi
    from ._aggregate import Array, Struct
    from ._aggregate_types import ArrayType, FieldType, StructType
    from ._aliases import Compile, Imports, Missing, Source
    from ._host_function import host_function
    from ._pool import InstancePool
    from ._snapshot import Snapshot
    from ._vector import V128
    from ._wait import sleep, wait
    from ._wasm3 import M3_VERSION, Environment, ParsedModule, Runtime
else:
    _LATE = {
        "Array": "_aggregate",
        "ArrayType": "_aggregate_types",
        "Compile": "_aliases",
        "Environment": "_wasm3",
        "FieldType": "_aggregate_types",
        "Imports": "_aliases",
        "InstancePool": "_pool",
        "M3_VERSION": "_wasm3",
        "Missing": "_aliases",
        "ParsedModule": "_wasm3",
        "Runtime": "_wasm3",
        "Snapshot": "_snapshot",
        "Source": "_aliases",
        "Struct": "_aggregate",
        "StructType": "_aggregate_types",
        "V128": "_vector",
        "host_function": "_host_function",
        "sleep": "_wait",
        "wait": "_wait",
        "wasi": "wasi",
    }

    def __getattr__(name):
        """Imports a name of _LATE when it is first used, because most programs never use it."""
        if name not in _LATE:
            raise AttributeError(f"module 'pywasm3' has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"pywasm3.{_LATE[name]}")
        found = globals()[name] = module if name == "wasi" else getattr(module, name)
        return found

    def __dir__():
        """Lists all names, including those that are imported when they are first used."""
        return sorted({*globals(), *_LATE})


del TYPE_CHECKING
