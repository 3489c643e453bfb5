# SPDX-License-Identifier: MIT
"""Loading modules, making and closing instances, their exports, start functions and stores.

The order of what instantiation does is that of the specification, section 4.5.4.
"""

from __future__ import annotations

import io
import mmap
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from helpers import load, wat

TEXT = """
(module $sample
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (memory (export "memory") 1)
  (global (export "counter") (mut i32) (i32.const 0))
  (table (export "table") 1 funcref)
  (func (export "odd name!"))
  (func (export ""))
  (func (export "get") (result i32) i32.const 7))
"""


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(TEXT)


@pytest.fixture
def exports(instance: pywasm3.Instance) -> pywasm3.Exports:
    return instance.exports


# ---- the price of an instance ----


@pytest.mark.c_types
def test_a_module_without_imports_starts_with_few_calls_of_python_functions() -> None:
    """Programs that make an instance for each request pay for every Python function on the way.

    Before the conversions between Python, cffi and C were few, there were 34 calls on Python 3.11.
    """
    data = wat('(module (func (export "f") (param i32) (result i32) local.get 0))')
    pywasm3.load(data).exports.f(7)  # what is made only once is made now
    calls = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: calls.append(frame) if event == "call" else None)
    try:
        pywasm3.load(data).exports.f(7)
    finally:
        sys.setprofile(before)
    names = [frame.f_code.co_name for frame in calls]
    assert len(names) <= 24, names


# ---- sources ----


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sample.wasm"
    path.write_bytes(wat(TEXT))
    return path


def test_load_takes_a_path(path: Path) -> None:
    assert pywasm3.load(path).exports.add(1, 2) == 3
    assert pywasm3.load(str(path)).exports.add(1, 2) == 3


def test_load_assembles_a_file_whose_name_ends_with_wat(tmp_path: Path) -> None:
    path = tmp_path / "sample.wat"
    path.write_text(TEXT)
    assert pywasm3.load(path).exports.add(1, 2) == 3
    assert pywasm3.load(str(path)).exports.add(1, 2) == 3


def test_a_module_in_a_file_whose_name_ends_with_wat_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "sample.wat"
    path.write_bytes(wat(TEXT))
    assert pywasm3.load(path).exports.add(1, 2) == 3


def test_an_error_in_a_text_file_has_its_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "sample.wat"
    path.write_text("(module\n  (func i32.foo))")
    with pytest.raises(pywasm3.MalformedError) as caught:
        pywasm3.load(path)
    assert str(caught.value) == f"{path}:2:9: unknown operator or unexpected token"


def test_a_text_file_without_an_assembler_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sample.wat"
    path.write_text(TEXT)
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    with pytest.raises(pywasm3.MalformedError, match=r"assembler: pip install wasmtime$"):
        pywasm3.load(path)


def test_text_in_bytes_or_under_another_name_is_not_assembled(tmp_path: Path) -> None:
    """Whoever chooses the bytes must not choose what reads them."""
    path = tmp_path / "sample.wasm"
    path.write_text(TEXT)
    for source in (path, TEXT.encode()):
        with pytest.raises(pywasm3.MalformedError, match="the bytes are WebAssembly text"):
            pywasm3.load(source)


def test_load_takes_a_binary_file(path: Path) -> None:
    with open(path, "rb") as file:
        assert pywasm3.load(file).exports.add(1, 2) == 3
    assert pywasm3.load(io.BytesIO(wat(TEXT))).exports.add(1, 2) == 3


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_load_takes_bytes_like_objects(kind: Any) -> None:
    assert pywasm3.load(kind(wat(TEXT))).exports.add(1, 2) == 3


def test_a_module_may_be_mapped_from_a_file(path: Path) -> None:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        module = pywasm3.Module(mapped)
    assert pywasm3.Instance(module).exports.add(1, 2) == 3


def test_the_bytes_are_copied() -> None:
    data = bytearray(wat(TEXT))
    module = pywasm3.Module(data)
    data[:] = bytes(len(data))
    assert module.bytes == wat(TEXT)
    assert pywasm3.Instance(module).exports.add(1, 2) == 3


def test_a_missing_file_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pywasm3.load(tmp_path / "missing.wasm")


def test_a_text_file_is_refused(path: Path) -> None:
    with open(path, encoding="latin-1") as file, pytest.raises(TypeError, match="binary"):
        pywasm3.load(file)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [3.5, None, [0, 97], object()])
def test_other_sources_are_refused(source: Any) -> None:
    with pytest.raises(TypeError):
        pywasm3.load(source)


# ---- exports ----


def test_exports_are_attributes_and_items(exports: pywasm3.Exports) -> None:
    assert exports.add is exports["add"]
    assert exports["odd name!"]() is None
    assert exports[""]() is None


def test_exports_are_of_their_kinds(exports: pywasm3.Exports) -> None:
    assert isinstance(exports.add, pywasm3.Function)
    assert isinstance(exports.memory, pywasm3.Memory)
    assert isinstance(exports.counter, pywasm3.Global)
    assert isinstance(exports.table, pywasm3.Table)


def test_exports_are_in_the_order_of_the_module(exports: pywasm3.Exports) -> None:
    names = ["add", "memory", "counter", "table", "odd name!", "", "get"]
    assert list(exports) == list(exports.keys()) == names
    assert len(exports) == 7
    assert [export.name for export in load(TEXT).module.exports] == names


def test_exports_are_a_mapping(exports: pywasm3.Exports) -> None:
    assert "add" in exports
    assert "sub" not in exports
    assert 3 not in exports
    assert dict(exports)["add"] is exports.add
    assert next(iter(exports.values())) is exports.add
    assert exports.get("sub", None) is None
    match exports:
        case {"add": add}:
            assert add(1, 2) == 3
        case _:
            pytest.fail("no match")


def test_an_export_with_the_name_of_a_mapping_method_is_an_item(exports: pywasm3.Exports) -> None:
    assert exports["get"]() == 7
    assert exports.get("add") is exports.add
    assert exports.get("sub", 3) == 3


def test_a_mapping_method_is_not_mistaken_for_an_export() -> None:
    functions = "".join(
        f'(func (export "{name}") (param i32) (result i32) local.get 0)'
        for name in ("get", "keys", "values", "items")
    )
    exports = load(f"(module {functions})").exports
    uses: list[Callable[[], object]] = [
        lambda: exports.get(1),  # type: ignore[arg-type]
        lambda: exports.get("no such name"),
        exports.keys,
        exports.values,
        exports.items,
        lambda: dict(exports),
    ]
    for use in uses:
        with pytest.raises(TypeError, match=r"ambiguous, because the module exports .* exports\["):
            use()
    assert [exports[name](3) for name in exports] == [3, 3, 3, 3]


def test_a_name_that_python_mangles_within_a_class_is_explained() -> None:
    exports = load('(module (func (export "__wbindgen_malloc") (result i32) i32.const 7))').exports

    class Guest:
        def refused(self) -> object:
            return exports.__wbindgen_malloc

        def called(self) -> object:
            return exports["__wbindgen_malloc"]()

    with pytest.raises(AttributeError, match=r"use exports\['__wbindgen_malloc'\]"):
        Guest().refused()
    assert Guest().called() == 7
    with pytest.raises(AttributeError, match=r"no export named '_Guest__other'$"):
        _ = exports._Guest__other


def test_the_memory_of_an_instance_may_be_imported() -> None:
    memory = pywasm3.Memory(3)
    importing = load('(module (import "env" "memory" (memory 1)))', {"env": {"memory": memory}})
    importing.memory.write(5, b"x")
    assert memory.read(5, 1) == b"x"
    assert importing.memory is importing.memory
    exporting = load('(module (memory (export "memory") 1))')
    assert exporting.memory is exporting.exports.memory
    with pytest.raises(pywasm3.WasmError, match="imports none"):
        _ = load("(module (memory 1))").memory


def test_a_missing_export_is_named(exports: pywasm3.Exports) -> None:
    with pytest.raises(AttributeError, match="sub"):
        _ = exports.sub
    with pytest.raises(KeyError, match="sub"):
        exports["sub"]
    assert not hasattr(exports, "sub")


def test_dir_lists_the_exports(exports: pywasm3.Exports) -> None:
    assert {"add", "memory", "counter", "table", "odd name!"} <= set(dir(exports))


def test_exports_cannot_be_changed(exports: pywasm3.Exports) -> None:
    with pytest.raises(AttributeError):
        exports.add = None
    with pytest.raises(AttributeError):
        exports.counter = 3
    with pytest.raises(AttributeError):
        del exports.add
    with pytest.raises(TypeError):
        exports["add"] = None  # type: ignore[index]


def test_an_export_with_a_private_name_does_not_disturb() -> None:
    names = ["_store", "__class__", "__dict__", "__init__", "_Exports__cache", "__getitem__"]
    functions = " ".join(
        f'(func (export "{name}") (result i32) i32.const {i})' for i, name in enumerate(names)
    )
    exports = load(f"(module {functions})").exports
    assert [exports[name]() for name in names] == list(range(len(names)))
    assert isinstance(exports, pywasm3.Exports)


def test_one_thing_may_have_several_names() -> None:
    exports = load(
        '(module (memory (export "a") (export "b") 1) (func (export "f") (export "g")))'
    ).exports
    exports.a[0] = 1
    assert exports.b[0] == 1
    assert exports.f == exports.g


# ---- instances ----


def test_a_module_is_instantiated_as_often_as_wanted() -> None:
    module = pywasm3.Module(wat(TEXT))
    first, second = pywasm3.Instance(module), pywasm3.Instance(module)
    first.memory[0] = 1
    first.exports.counter.value = 1
    assert second.memory[0] == 0
    assert second.exports.counter.value == 0
    assert first.module is second.module is module


def test_a_subclass_of_module_and_instance_works() -> None:
    class OwnModule(pywasm3.Module):
        pass

    class OwnInstance(pywasm3.Instance):
        def add(self, a: int, b: int) -> int:
            return self.exports.add(a, b) + 0

    instance = OwnInstance(OwnModule(wat(TEXT)))
    assert instance.add(1, 2) == 3
    assert isinstance(instance.module, OwnModule)


def test_an_instance_outlives_its_module_and_its_source() -> None:
    instance = pywasm3.Instance(pywasm3.Module(bytearray(wat(TEXT))))
    assert instance.exports.add(1, 2) == 3
    assert instance.module.name == "sample"


def test_arguments_of_other_types_are_refused() -> None:
    module = pywasm3.Module(wat("(module)"))
    for wrong in (wat("(module)"), None, "module", pywasm3.Instance(module)):
        with pytest.raises(TypeError, match="Module"):
            pywasm3.Instance(wrong)  # type: ignore[arg-type]
    for wrong in (3, "env", [("env", "f")], object()):
        with pytest.raises(TypeError, match="imports"):
            pywasm3.Instance(module, wrong)  # type: ignore[arg-type]
    for wrong in (3, "store", pywasm3.Instance(module)):
        with pytest.raises(TypeError, match="store"):
            pywasm3.Instance(module, store=wrong)  # type: ignore[arg-type]


# ---- start functions and segments ----


def test_the_start_function_runs_once_and_first() -> None:
    instance = load(
        """(module (global $g (export "g") (mut i32) (i32.const 0))
        (memory (export "memory") 1) (data (i32.const 0) "\\05")
        (func $start i32.const 0 i32.load8_u global.get $g i32.add global.set $g)
        (start $start))"""
    )
    assert instance.exports.g.value == 5


def test_a_trap_of_the_start_function_arrives_with_its_frames() -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        load("(module (func $begin unreachable) (start $begin))")
    assert caught.value.kind is pywasm3.TrapKind.UNREACHABLE
    assert caught.value.frames[0].name == "begin"


def test_an_exception_in_the_start_function_arrives() -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        load('(module (import "env" "f" (func $f)) (start $f))', {"env": {"f": fail}})


def test_segments_are_applied_in_order() -> None:
    memory = load(
        """(module (memory (export "m") 1)
        (data (i32.const 0) "aaaa") (data (i32.const 1) "bb") (data (i32.const 2) "c"))"""
    ).memory
    assert memory.read(0, 4) == b"abca"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('(module (memory 1) (data (i32.const 65535) "ab"))', "MEMORY_OUT_OF_BOUNDS"),
        ('(module (memory 0) (data (i32.const 1) ""))', "MEMORY_OUT_OF_BOUNDS"),
        ('(module (memory 1) (data (i32.const -1) "a"))', "MEMORY_OUT_OF_BOUNDS"),
        ("(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))", "TABLE_OUT_OF_BOUNDS"),
        ("(module (table 1 funcref) (func $f) (elem (i32.const -1) $f))", "TABLE_OUT_OF_BOUNDS"),
    ],
)
def test_a_segment_that_does_not_fit_traps(text: str, kind: str) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        load(text)
    assert caught.value.kind is pywasm3.TrapKind[kind]
    assert str(caught.value).startswith(f"[trap] {pywasm3.TrapKind[kind].value}")


def test_a_segment_may_end_where_memory_ends() -> None:
    memory = load('(module (memory (export "m") 1) (data (i32.const 65534) "ab"))').memory
    assert memory.read(65534, 2) == b"ab"


# ---- closing ----


def test_an_instance_is_closed_once_and_again(instance: pywasm3.Instance) -> None:
    assert not instance.closed
    instance.close()
    instance.close()
    assert instance.closed
    assert instance.store.closed


def test_an_instance_is_a_context() -> None:
    with load(TEXT) as instance:
        assert instance.exports.add(1, 2) == 3
    assert instance.closed


def test_a_context_closes_after_an_exception() -> None:
    with pytest.raises(LookupError), load(TEXT) as instance:
        raise LookupError
    assert instance.closed


def test_a_closed_instance_cannot_be_a_context(instance: pywasm3.Instance) -> None:
    instance.close()
    instance.store.close()
    with pytest.raises(pywasm3.WasmError, match="closed"), instance.store:
        pass


def test_closing_one_instance_leaves_others_alone() -> None:
    module = pywasm3.Module(wat(TEXT))
    first, second = pywasm3.Instance(module), pywasm3.Instance(module)
    first.close()
    assert second.exports.add(1, 2) == 3


def test_closing_a_store_closes_all_its_instances() -> None:
    store = pywasm3.Store()
    first, second = load(TEXT, store=store), load(TEXT, store=store)
    first.close()
    assert second.closed
    with pytest.raises(pywasm3.WasmError, match="closed"):
        second.exports.add(1, 2)


# ---- stores ----


def test_instances_live_in_the_store_they_are_given() -> None:
    with pywasm3.Store() as store:
        first, second = load(TEXT, store=store), load(TEXT, store=store)
        assert first.store is second.store is store
        assert first.exports.add(1, 2) == second.exports.add(1, 2) == 3
    assert store.closed


def test_instances_have_stores_of_their_own() -> None:
    assert load(TEXT).store is not load(TEXT).store


def test_a_closed_store_takes_no_instance() -> None:
    store = pywasm3.Store()
    store.close()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        load(TEXT, store=store)


RECURSIVE = """
(module (func $f (export "f") (param i32) (result i32)
  local.get 0 i32.eqz if (result i32) i32.const 0
  else local.get 0 i32.const 1 i32.sub call $f i32.const 1 i32.add end))
"""


def test_the_stack_of_a_store_bounds_recursion() -> None:
    shallow = load(RECURSIVE, store=pywasm3.Store(stack=4096))
    assert shallow.exports.f(10) == 10
    with pytest.raises(pywasm3.StackExhausted):
        shallow.exports.f(10_000)
    assert shallow.exports.f(10) == 10
    assert load(RECURSIVE, store=pywasm3.Store(stack=8 << 20)).exports.f(10_000) == 10_000


@pytest.mark.parametrize("stack", [0, -1, 1 << 40, 1 << 70])
def test_an_impossible_stack_is_refused(stack: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        pywasm3.Store(stack=stack)


def test_the_stack_is_an_integer_and_a_keyword() -> None:
    with pytest.raises(TypeError):
        pywasm3.Store(stack=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        pywasm3.Store(1 << 20)  # type: ignore[misc]
    with pytest.raises(TypeError):
        pywasm3.Store(size=1)  # type: ignore[call-arg]


# ---- modules ----


def test_a_module_tells_what_it_is() -> None:
    module = pywasm3.Module(wat(TEXT))
    assert module.name == "sample"
    assert module.size == len(wat(TEXT))
    assert module.bytes == wat(TEXT)
    assert pywasm3.Module(wat("(module)")).name is None


def test_validate_raises_or_returns_nothing() -> None:
    assert pywasm3.Module.validate(wat(TEXT)) is None
    with pytest.raises(pywasm3.MalformedError):
        pywasm3.Module.validate(b"no module")


def test_an_unknown_binary_is_malformed() -> None:
    for data in (b"", b"\0asm", b"\0asm\2\0\0\0", b"\x7fELF" + bytes(60)):
        with pytest.raises(pywasm3.MalformedError):
            pywasm3.Module(data)
