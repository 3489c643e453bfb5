# SPDX-License-Identifier: MIT
"""Programs for the package wasmer 1.1.0 run over pywasm3.

The package has wheels for Python up to 3.10 only, so these tests do not run with it. What they
expect was compared with wasmer 1.1.0 by hand; the tests below the last line say what differs.
"""

from __future__ import annotations

import ctypes
import importlib
import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from helpers import child
from pywasm3.compat import wasmer
from pywasm3.compat.wasmer import (
    Buffer,
    Exports,
    Function,
    FunctionType,
    Global,
    GlobalType,
    ImportObject,
    Instance,
    Memory,
    MemoryType,
    Module,
    Store,
    Table,
    TableType,
    Type,
    Uint8Array,
    Value,
    engine,
    wasi,
    wat2wasm,
)

KINDS = """(module $kinds
  (func (export "func") (param i32 i64))
  (global (export "glob") i32 (i32.const 7))
  (table (export "tab") 0 funcref)
  (memory (export "mem") 1 2))"""
ADD_ONE = """(module
  (import "math" "sum" (func $sum (param i32 i32) (result i32)))
  (func (export "add_one") (param i32) (result i32)
    (call $sum (local.get 0) (i32.const 1))))"""
SWAP = """(module (import "env" "swap" (func $swap (param i32 i64) (result i64 i32)))
  (func (export "swap") (param i32 i64) (result i64 i32)
    (call $swap (local.get 0) (local.get 1))))"""


def instance(text: str, imports: Any = None) -> Any:
    return Instance(Module(Store(), text), imports)


def add(x: int, y: int) -> int:
    return x + y


# Annotations that are objects, as they are without "from __future__ import annotations".
add.__annotations__ = {"x": int, "y": int, "return": int}


def identity(type_: str) -> Any:
    text = f'(module (func (export "f") (param {type_}) (result {type_}) local.get 0))'
    return instance(text).exports.f


# ---- modules -------------------------------------------------------------------------------------


def test_a_program_with_an_engine_runs() -> None:
    from pywasm3.compat.wasmer.compiler import Compiler

    store = Store(engine.Universal(Compiler))
    module = Module(store, wat2wasm(KINDS))
    assert Instance(module).exports.func(1, 2) is None


def test_a_module_tells_its_exports() -> None:
    function, global_, table, memory = Module(Store(), KINDS).exports
    assert (function.name, str(function.type)) == (
        "func",
        "FunctionType(params: [I32, I64], results: [])",
    )
    assert str(global_.type) == "GlobalType(type: I32, mutable: false)"
    assert str(table.type) == "TableType(type: FuncRef, minimum: 0, maximum: None)"
    assert str(memory.type) == "MemoryType(minimum: 1, maximum: Some(2), shared: false)"


def test_a_module_tells_its_imports() -> None:
    (import_,) = Module(Store(), ADD_ONE).imports
    assert (import_.module, import_.name) == ("math", "sum")
    assert isinstance(import_.type, FunctionType)
    assert import_.type.params == [Type.I32, Type.I32]


def test_the_name_of_a_module_can_be_set() -> None:
    module = Module(Store(), KINDS)
    assert module.name == "kinds"
    module.name = "other"
    assert module.name == "other"


def test_a_module_can_be_serialized() -> None:
    store = Store()
    data = Module(store, KINDS).serialize()
    assert len(Module.deserialize(store, data).exports) == 4


def test_custom_sections_are_found_by_name() -> None:
    module = Module(Store(), wat2wasm("(module)") + b"\0\6\3eggab")
    assert module.custom_sections("egg") == [b"ab"]
    assert module.custom_sections("foo") == []


def test_validation_gives_a_bool() -> None:
    assert Module.validate(Store(), wat2wasm(KINDS))
    assert not Module.validate(Store(), b"\0asm")


@pytest.mark.parametrize("data", ["(modul", b"\0asm\1\0\0\0\1"])
def test_a_wrong_module_is_a_runtime_error(data: Any) -> None:
    with pytest.raises(RuntimeError):
        Module(Store(), data)


# ---- exports -------------------------------------------------------------------------------------


def test_exports_have_the_classes_of_wasmer() -> None:
    exports = instance(KINDS).exports
    assert isinstance(exports, Exports)
    assert [type(export) for _, export in exports] == [Function, Global, Table, Memory]
    assert [name for name, _ in exports] == ["func", "glob", "tab", "mem"]
    assert len(exports) == 4


def test_a_missing_export_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match="Export `foo` does not exist"):
        instance(KINDS).exports.foo  # noqa: B018


# ---- functions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        ("i32", 0xFFFFFFFF, -1),
        ("i64", 1 << 63, -(1 << 63)),
        ("f32", 7.5, 7.5),
        ("f64", 7.1, 7.1),
        ("v128", (1 << 128) - 1, (1 << 128) - 1),
    ],
)
def test_a_value_passes_a_guest(type_: str, given: Any, expected: Any) -> None:
    assert identity(type_)(given) == expected


@pytest.mark.parametrize(("type_", "given"), [("i32", 1.0), ("f32", 1), ("f64", 1), ("v128", b"")])
def test_a_value_of_another_type_is_refused(type_: str, given: Any) -> None:
    with pytest.raises(TypeError):
        identity(type_)(given)


def test_an_integer_out_of_range_is_refused() -> None:
    with pytest.raises(OverflowError):
        identity("i32")(1 << 32)


def test_too_few_arguments_are_refused() -> None:
    with pytest.raises(RuntimeError):
        identity("i32")()


def test_a_host_function_that_returns_nothing_is_refused() -> None:
    store = Store()
    function = Function(store, lambda x, y: None, FunctionType([Type.I32] * 2, [Type.I32]))
    exports = Instance(Module(store, ADD_ONE), {"math": {"sum": function}}).exports
    with pytest.raises(RuntimeError):
        exports.add_one(1)


def test_annotations_are_the_type_of_a_function() -> None:
    def function() -> None:
        pass

    function.__annotations__ = {"a": int, "b": "I64", "c": float, "d": "f64", "return": (int, int)}
    type_ = Function(Store(), function).type
    assert str(type_) == "FunctionType(params: [I32, I64, F32, F64], results: [I32, I32])"


@pytest.mark.parametrize(
    ("annotations", "message"),
    [({"a": None}, "Variable `a` cannot have type `None`"), ({"a": str}, "not a supported type")],
)
def test_an_annotation_that_is_no_type_is_refused(annotations: Any, message: str) -> None:
    def function(a: Any) -> None:
        pass

    function.__annotations__ = annotations
    with pytest.raises(RuntimeError, match=message):
        Function(Store(), function)


@pytest.mark.parametrize("kind", ["object", "dict"])
def test_a_function_of_the_host_is_imported(kind: str) -> None:
    store = Store()
    imports: Any = ImportObject()
    if kind == "object":
        imports.register("math", {"sum": Function(store, add)})
        assert imports.contains_namespace("math")
    else:
        imports = defaultdict(dict)
        imports["math"]["sum"] = Function(store, add)
    assert Instance(Module(store, ADD_ONE), imports).exports.add_one(41) == 42


def test_several_results_are_a_tuple_on_both_sides() -> None:
    store = Store()
    type_ = FunctionType([Type.I32, Type.I64], [Type.I64, Type.I32])
    swap = Function(store, lambda x, y: (y, x), type_)
    exports = Instance(Module(store, SWAP), {"env": {"swap": swap}}).exports
    assert exports.swap(41, 42) == (42, 41)


def test_an_exception_of_the_host_arrives() -> None:
    def fail(x: Any, y: Any) -> None:
        raise RuntimeError("oops")

    store = Store()
    function = Function(store, fail, FunctionType([Type.I32, Type.I32], [Type.I32]))
    exports = Instance(Module(store, ADD_ONE), {"math": {"sum": function}}).exports
    with pytest.raises(RuntimeError, match="oops"):
        exports.add_one(1)


def test_a_trap_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="unreachable"):
        instance('(module (func (export "f") unreachable))').exports.f()


def test_a_missing_import_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="math"):
        instance(ADD_ONE)


# ---- memories ------------------------------------------------------------------------------------


def memory(minimum: int = 1, maximum: int | None = None) -> Memory:
    return Memory(Store(), MemoryType(minimum, maximum))


def test_a_memory_has_sizes_and_a_buffer() -> None:
    made = memory(3)
    assert (made.size, made.data_size) == (3, 196608)
    assert isinstance(made.buffer, Buffer)
    assert memoryview(made.buffer).nbytes == 196608


def test_a_memory_that_cannot_grow_says_its_size() -> None:
    with pytest.raises(RuntimeError, match="current size 1 pages, requested increase: 9 pages"):
        memory(1, 2).grow(9)


def test_views_of_all_types_share_the_bytes() -> None:
    made = memory()
    made.uint8_view()[0:8] = bytes(range(1, 9))
    views = [
        *(made.int8_view(), made.uint16_view(), made.int16_view(), made.uint32_view()),
        *(made.int32_view(), made.uint64_view(), made.int64_view()),
    ]
    assert [view[0] for view in views] == [
        int.from_bytes(range(1, 1 + view.bytes_per_element), "little") for view in views
    ]
    made.float32_view()[4] = 1.5
    made.float64_view()[4] = 2.5
    content = memoryview(made.buffer)
    assert struct.unpack_from("<f", content, 16) == (1.5,)
    assert struct.unpack_from("<d", content, 32) == (2.5,)


def test_a_view_begins_at_its_offset_and_grows() -> None:
    made = memory()
    view = made.uint16_view(offset=2)
    view[0] = 5
    assert made.uint8_view()[4] == 5
    assert len(view) == 32766
    made.grow(1)
    assert len(view) == 32766 + 32768


def test_a_slice_of_a_view_is_a_list() -> None:
    view = memory().uint8_view()
    view[7:12] = b"abcde"
    assert view[7:10] == [97, 98, 99]
    assert view[7:8] == [97]
    assert view[7:12:2] == [97, 99, 101]
    assert view[5:5] == []
    assert len(view[-3:]) == 3


def test_a_slice_with_a_step_is_set() -> None:
    view = memory().uint8_view()
    view[7:12:2] = [1, 2, 3]
    assert view[7:12] == [1, 0, 2, 0, 3]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (65536, "Index 65536 is larger than the view size 65536"),
        (-1, "Index cannot be negative"),
        (slice(2, 1), "Slice `2:1` cannot be empty"),
        (slice(1, 7, -1), "Slice must have a positive step; given -1"),
    ],
)
def test_an_index_out_of_range_is_refused(index: Any, message: str) -> None:
    view = memory().uint8_view()
    with pytest.raises(IndexError, match=message):
        view[index]
    with pytest.raises(IndexError, match=message):
        view[index] = 1


def test_a_sequence_of_another_length_is_refused() -> None:
    with pytest.raises(IndexError, match="Sequence length 4 doesn't match slice length 2"):
        memory().uint8_view(offset=65534)[0:4] = b"abcd"


@pytest.mark.parametrize(
    ("value", "error"), [(300, OverflowError), (-1, OverflowError), (1.0, TypeError)]
)
def test_a_number_that_does_not_fit_a_view_is_refused(value: Any, error: Any) -> None:
    with pytest.raises(error):
        memory().uint8_view()[0] = value


def test_an_index_of_another_type_is_refused() -> None:
    index: Any = "a"
    with pytest.raises(ValueError, match="Only integers and slices"):
        memory().uint8_view()[index]


def test_ctypes_takes_the_buffer() -> None:
    made = memory()
    (ctypes.c_uint8 * 4).from_buffer(made.buffer)[3] = 9
    assert made.uint8_view()[3] == 9
    assert isinstance(made.uint8_view(), Uint8Array)


# ---- globals, tables, values ---------------------------------------------------------------------


def test_a_global_is_shared_with_the_guest() -> None:
    store = Store()
    global_ = Global(store, Value.i32(7), mutable=True)
    text = """(module (import "env" "g" (global (mut i32)))
      (func (export "read") (result i32) global.get 0)
      (func (export "write") (param i32) (global.set 0 (local.get 0))))"""
    exports = Instance(Module(store, text), {"env": {"g": global_}}).exports
    global_.value = 153
    assert exports.read() == 153
    exports.write(11)
    assert global_.value == 11


def test_an_immutable_global_cannot_be_set() -> None:
    global_ = Global(Store(), Value.f64(1.5))
    assert not global_.mutable
    assert str(global_.type) == str(GlobalType(Type.F64, mutable=False))
    with pytest.raises(RuntimeError, match="The global variable is not mutable"):
        global_.value = 2.0


def test_a_table_tells_size_and_type() -> None:
    table = instance('(module (table (export "t") 2 funcref))').exports.t
    assert (table.size, str(table.type)) == (2, str(TableType(Type.FUNC_REF, 2)))


@pytest.mark.parametrize("make", [Value.i32, Value.i64])
def test_an_integer_value_is_signed(make: Any) -> None:
    with pytest.raises(OverflowError):
        make(1 << 63)


def test_values_show_themselves() -> None:
    values = [Value.i32(42), Value.i64(42), Value.f32(4.5), Value.f64(42), Value.v128(3)]
    assert list(map(repr, values)) == ["I32(42)", "I64(42)", "F32(4.5)", "F64(42.0)", "V128(3)"]


# ---- WASI ----------------------------------------------------------------------------------------

HELLO = r"""(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 8) "\10\00\00\00\06\00\00\00hello\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))
    (call $exit (i32.const 3))))"""
PROGRAM = """
from pywasm3.compat.wasmer import Instance, Module, Store, wasi
store = Store()
module = Module(store, program)
environment = wasi.StateBuilder("program").argument("--foo").environment("A", "B").finalize()
imports = environment.generate_import_object(store, wasi.get_version(module, strict=True))
try:
    Instance(module, imports).exports._start()
except RuntimeError as error:
    print(error)
"""


def test_a_program_for_wasi_writes_and_ends() -> None:
    done = child(PROGRAM, program=wat2wasm(HELLO))
    assert done.stdout == "hello\nRuntimeError: WASI exited with code: 3\n"


def test_the_version_of_wasi_is_found() -> None:
    store = Store()
    assert wasi.get_version(Module(store, HELLO), strict=True) == wasi.Version.SNAPSHOT1
    assert wasi.get_version(Module(store, KINDS), strict=False) is None
    assert list(wasi.Version) == [1, 2, 3]


# ---- what is missing, or differs -----------------------------------------------------------------


def test_a_directory_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not a directory"):
        wasi.StateBuilder("p").map_directory("here", str(tmp_path / "missing"))


def test_too_many_arguments_are_refused() -> None:
    """wasmer ignores those that are too many."""
    with pytest.raises(TypeError, match="takes 1 arguments, not 2"):
        identity("i32")(1, 2)


@pytest.mark.parametrize("module", [wasmer, engine, wasi])
def test_an_unknown_name_is_named(module: Any) -> None:
    with pytest.raises(AttributeError, match=r"pywasm3\.compat\.wasmer has no '.*Other'"):
        module.Other  # noqa: B018


def test_a_table_of_the_host_is_named() -> None:
    with pytest.raises(NotImplementedError, match="Table of the host"):
        Table(Store(), TableType(Type.FUNC_REF, 1), Value.i32(1))


def test_the_modules_are_imported_only_when_they_are_asked_for() -> None:
    code = "import sys, pywasm3; print([name for name in sys.modules if 'compat' in name])"
    assert child(code).stdout == "[]\n"
    assert importlib.import_module("pywasm3.compat.wasmer") is sys.modules["pywasm3.compat.wasmer"]
