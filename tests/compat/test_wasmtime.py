# SPDX-License-Identifier: MIT
"""Programs for the package wasmtime do the same over pywasm3.

Each test runs with wasmtime itself, too, so what it expects is what wasmtime does. The tests below
the line say where pywasm3.compat.wasmtime differs.
"""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
import wasmtime

import pywasm3
from pywasm3.compat import wasmtime as compat

TRAPS = """(module
  (table 1 funcref) (memory 1)
  (type $empty (func)) (type $other (func (param i32)))
  (elem declare func $typed)
  (func $typed (type $other))
  (func (export "unreachable") unreachable)
  (func (export "divide") (drop (i32.div_s (i32.const 1) (i32.const 0))))
  (func (export "overflow") (drop (i32.div_s (i32.const -2147483648) (i32.const -1))))
  (func (export "conversion") (drop (i32.trunc_f32_s (f32.const nan))))
  (func (export "undefined") (call_indirect (type $empty) (i32.const 5)))
  (func (export "null") (call_indirect (type $empty) (i32.const 0)))
  (func (export "type") (table.set (i32.const 0) (ref.func $typed))
    (call_indirect (type $empty) (i32.const 0)))
  (func (export "table") (drop (table.get (i32.const 9))))
  (func (export "memory") (drop (i32.load (i32.const 65536))))
  (func $deep (export "recursion") (call $deep)))"""
LOOP = """(module (func (export "loop") (param i32)
  (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0)))))"""


@pytest.fixture(params=[wasmtime, compat], ids=["wasmtime", "pywasm3"])
def w(request: pytest.FixtureRequest) -> Any:
    return request.param


def exports(w: Any, store: Any, text: str | bytes, *imports: Any) -> Any:
    return w.Instance(store, w.Module(store.engine, text), list(imports)).exports(store)


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        ("i32", 0xFFFFFFFF, -1),
        ("i32", 1 << 40, 0),
        ("i64", -(1 << 63), -(1 << 63)),
        ("i64", 1 << 63, -(1 << 63)),
        ("f32", 0.1, 0.10000000149011612),
        ("f32", 1e300, float("inf")),
        ("f64", 0.1, 0.1),
        ("i32", True, 1),
    ],
)
def test_a_value_comes_back_as_in_wasmtime(w: Any, type_: str, given: Any, expected: Any) -> None:
    store = w.Store()
    text = f'(module (func (export "f") (param {type_}) (result {type_}) local.get 0))'
    assert exports(w, store, text)["f"](store, given) == expected


@pytest.mark.parametrize(
    ("type_", "given"), [("i32", 1.0), ("f32", 1), ("f64", 1), ("i64", "1"), ("funcref", 1)]
)
def test_a_value_of_another_type_is_refused(w: Any, type_: str, given: Any) -> None:
    store = w.Store()
    function = exports(w, store, f'(module (func (export "f") (param {type_})))')["f"]
    with pytest.raises(TypeError):
        function(store, given)


def test_several_results_are_a_list(w: Any) -> None:
    store = w.Store()
    text = '(module (func (export "f") (result i32 f64) i32.const 1 f64.const 2))'
    assert exports(w, store, text)["f"](store) == [1, 2.0]


def test_a_reference_to_a_function_can_be_called(w: Any) -> None:
    store = w.Store()
    text = '(module (func (export "f") (param funcref) (result funcref) local.get 0))'
    given = w.Func(store, w.FuncType([], [w.ValType.i32()]), lambda: 5)
    assert exports(w, store, text)["f"](store, given)(store) == 5


def test_a_false_object_passes_as_externref(w: Any) -> None:
    store = w.Store()
    text = '(module (func (export "f") (param externref) (result externref) local.get 0))'
    assert exports(w, store, text)["f"](store, "") == ""


# ---- traps and errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("unreachable", "divide", "overflow", "conversion", "undefined", "null", "type"),
        *("table", "memory"),
    ],
)
def test_a_trap_has_the_code_and_the_frames_of_wasmtime(name: str) -> None:
    seen = []
    for w in (wasmtime, compat):
        store = w.Store()  # type: ignore[attr-defined]
        with pytest.raises(w.Trap) as caught:  # type: ignore[attr-defined]
            exports(w, store, TRAPS)[name](store)
        trap = caught.value
        assert trap.trap_code is not None
        frames = [(f.func_index, f.func_name, f.module_offset) for f in trap.frames]
        reason = str(trap).rpartition("wasm trap: ")[2]
        seen.append((trap.trap_code.name, trap.trap_code.value, frames, reason))
    assert seen[0] == seen[1]


def test_a_recursion_without_end_is_a_trap(w: Any) -> None:
    store = w.Store()
    with pytest.raises(w.Trap, match="call stack exhausted") as caught:
        exports(w, store, TRAPS)["recursion"](store)
    assert caught.value.trap_code is w.TrapCode.STACK_OVERFLOW
    assert [frame.func_name for frame in caught.value.frames] == ["deep"] * 20


def test_a_trap_of_the_start_function_has_frames_with_names(w: Any) -> None:
    store = w.Store()
    with pytest.raises(w.Trap) as caught:
        exports(w, store, "(module $m (func $main unreachable) (start $main))")
    assert [(f.module_name, f.func_name) for f in caught.value.frames] == [("m", "main")]


def test_a_store_keeps_its_state_after_a_trap_of_a_start_function(w: Any) -> None:
    store = w.Store()
    memories: list[Any] = []
    host = w.Func(store, w.FuncType([], []), lambda c: memories.append(c["m"]), access_caller=True)
    text = """(module (import "" "" (func $h)) (memory (export "m") 1) (start $main)
      (func $main (call $h) unreachable))"""
    with pytest.raises(w.Trap):
        exports(w, store, text, host)
    assert memories[0].size(store) == 1


def test_an_exception_that_nothing_catches_is_a_trap_without_code(w: Any) -> None:
    store = w.Store()
    function = exports(w, store, '(module (tag $t) (func (export "f") throw $t))')["f"]
    with pytest.raises(w.Trap, match="thrown Wasm exception") as caught:
        function(store)
    assert caught.value.trap_code is None


def test_an_exception_of_a_host_function_arrives_as_it_is(w: Any) -> None:
    store = w.Store()
    error = KeyError("mine")

    def fail() -> None:
        raise error

    host = w.Func(store, w.FuncType([], []), fail)
    function = exports(w, store, '(module (import "" "" (func)) (export "f" (func 0)))', host)["f"]
    with pytest.raises(KeyError) as caught:
        function(store)
    assert caught.value is error


def test_a_guest_cannot_catch_an_exception_of_a_host_function(w: Any) -> None:
    store = w.Store()

    def fail() -> None:
        raise KeyError("mine")

    host = w.Func(store, w.FuncType([], []), fail)
    text = """(module (import "" "" (func))
      (func (export "f") (block $caught (try_table (catch_all $caught) (call 0)))))"""
    with pytest.raises(KeyError):
        exports(w, store, text, host)["f"](store)


@pytest.mark.parametrize(
    "call",
    [
        lambda w, s: w.Module(s.engine, b"\0asm\1\0\0\0\1"),
        lambda w, s: w.Module(s.engine, "(modul"),
        lambda w, s: w.ValType(),
        lambda w, s: w.Val.ref_null(w.ValType.i32()),
        lambda w, s: w.MemoryType(w.Limits(70000, None)),
        lambda w, s: w.Memory(s, w.MemoryType(w.Limits(3, 2))),
        lambda w, s: w.Func(s, w.FuncType([], []), lambda: None)(s, 1),
        lambda w, s: w.Func(s, w.FuncType([], []), lambda: 1)(s),
        lambda w, s: w.Instance(s, w.Module(s.engine, '(module (import "" "" (func)))'), []),
        lambda w, s: w.Linker(s.engine).get(s, "a", "b"),
        lambda w, s: s.set_fuel(1),
        lambda w, s: w.Linker(s.engine).instantiate(
            s, w.Module(s.engine, '(module (import "a" "b" (func)))')
        ),
    ],
)
def test_what_is_wrong_is_a_wasmtime_error(w: Any, call: Any) -> None:
    with pytest.raises(w.WasmtimeError):
        call(w, w.Store())


def test_an_unknown_import_that_is_called_names_itself(w: Any) -> None:
    store = w.Store()
    text = '(module (import "a" "b" (func)) (func (export "f") call 0))'
    module = w.Module(store.engine, text)
    linker = w.Linker(store.engine)
    linker.define_unknown_imports_as_traps(module)
    function = linker.instantiate(store, module).exports(store)["f"]
    with pytest.raises(w.WasmtimeError, match="unknown import: `a::b` has not been defined"):
        function(store)


# ---- fuel and epochs -----------------------------------------------------------------------------


def test_a_store_begins_without_fuel(w: Any) -> None:
    config = w.Config()
    config.consume_fuel = True
    store = w.Store(w.Engine(config))
    function = exports(w, store, LOOP)["loop"]
    with pytest.raises(w.Trap) as caught:
        function(store, 1)
    assert caught.value.trap_code is w.TrapCode.OUT_OF_FUEL


def test_fuel_is_used_up_and_can_be_set_again(w: Any) -> None:
    config = w.Config()
    config.consume_fuel = True
    store = w.Store(w.Engine(config))
    store.set_fuel(100_000)
    function = exports(w, store, LOOP)["loop"]
    function(store, 10)
    assert 0 < store.get_fuel() < 100_000
    with pytest.raises(w.Trap):
        function(store, 10_000_000)
    store.set_fuel(100_000)
    function(store, 10)


def test_fuel_can_be_set_before_limits(w: Any) -> None:
    config = w.Config()
    config.consume_fuel = True
    store = w.Store(w.Engine(config))
    store.set_fuel(1000)
    store.set_limits(memory_size=65536)
    assert store.get_fuel() == 1000
    memory = w.Memory(store, w.MemoryType(w.Limits(1, None)))
    assert store.get_fuel() == 1000
    with pytest.raises(w.WasmtimeError):
        memory.grow(store, 1)


def test_an_epoch_that_has_come_stops_the_next_call(w: Any) -> None:
    config = w.Config()
    config.epoch_interruption = True
    store = w.Store(w.Engine(config))
    store.set_epoch_deadline(1)
    function = exports(w, store, LOOP)["loop"]
    function(store, 10)
    store.engine.increment_epoch()
    with pytest.raises(w.Trap) as caught:
        function(store, 10)
    assert caught.value.trap_code is w.TrapCode.INTERRUPT
    store.set_epoch_deadline(1)
    function(store, 10)


def test_an_epoch_stops_a_call_of_another_thread(w: Any) -> None:
    config = w.Config()
    config.epoch_interruption = True
    store = w.Store(w.Engine(config))
    store.set_epoch_deadline(1)
    begun = threading.Event()
    host = w.Func(store, w.FuncType([], []), begun.set)
    text = '(module (import "" "" (func)) (func (export "f") call 0 (loop br 0)))'
    function = exports(w, store, text, host)["f"]

    def end() -> None:
        begun.wait()
        store.engine.increment_epoch()

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(w.Trap):
        function(store)
    thread.join()


# ---- memories ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 4), (2, 3), (-4, None), (-4, -2), (0, None), (5, 2), (70000, None), (None, 2)],
)
def test_a_memory_is_read_like_a_slice(w: Any, start: Any, stop: Any) -> None:
    store = w.Store()
    memory = w.Memory(store, w.MemoryType(w.Limits(1, 2)))
    content = bytes(range(256)) * 256
    memory.write(store, content)
    assert memory.read(store, start, stop) == content[start:stop]


@pytest.mark.parametrize("start", [65536, 65534, 1 << 40])
def test_writing_beyond_the_end_of_a_memory_fails(w: Any, start: int) -> None:
    store = w.Store()
    memory = w.Memory(store, w.MemoryType(w.Limits(1, 2)))
    with pytest.raises(IndexError):
        memory.write(store, b"abc", start)


def test_a_pointer_and_an_array_share_the_bytes_of_a_memory(w: Any) -> None:
    store = w.Store()
    memory = w.Memory(store, w.MemoryType(w.Limits(1, 2)))
    memory.data_ptr(store)[7] = 5
    memory.get_buffer_ptr(store, 4, 6)[0] = 4
    assert memory.read(store, 6, 8) == b"\4\5"


# ---- linkers -------------------------------------------------------------------------------------


def test_imports_with_the_same_names_get_their_own_values(w: Any) -> None:
    store = w.Store()
    text = """(module (import "" "" (func $a (result i32))) (import "" "" (func $b (result i32)))
      (import "" "" (global i32))
      (func (export "f") (result i32 i32 i32) call $a call $b global.get 0))"""
    type_ = w.FuncType([], [w.ValType.i32()])
    functions = [w.Func(store, type_, lambda value=value: value) for value in (1, 2)]
    global_ = w.Global(store, w.GlobalType(w.ValType.i32(), False), 3)
    assert exports(w, store, text, *functions, global_)["f"](store) == [1, 2, 3]


def test_a_module_that_is_a_program_is_instantiated_for_each_call(w: Any) -> None:
    store = w.Store()
    linker = w.Linker(store.engine)
    counter = """(module (global $n (mut i32) (i32.const 0)) (func (export "_start"))
      (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) global.get $n))"""
    linker.define_module(store, "counter", w.Module(store.engine, counter))
    text = '(module (import "counter" "next" (func (result i32))) (export "f" (func 0)))'
    function = linker.instantiate(store, w.Module(store.engine, text)).exports(store)["f"]
    assert [function(store), function(store)] == [1, 1]


def test_a_caller_gives_the_memory_of_the_instance_that_calls(w: Any) -> None:
    store = w.Store()
    linker = w.Linker(store.engine)
    read: list[bytes] = []

    def log(caller: Any, address: int, size: int) -> None:
        read.append(bytes(caller["memory"].read(caller, address, address + size)))

    i32 = w.ValType.i32()
    linker.define_func("env", "log", w.FuncType([i32, i32], []), log, access_caller=True)
    text = """(module (import "env" "log" (func (param i32 i32)))
      (memory (export "memory") 1) (data (i32.const 8) "hello")
      (func (export "f") (call 0 (i32.const 8) (i32.const 5))))"""
    linker.instantiate(store, w.Module(store.engine, text)).exports(store)["f"](store)
    assert read == [b"hello"]


# ---- WASI ----------------------------------------------------------------------------------------

WRITE = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 8) "\\10\\00\\00\\00\\03\\00\\00\\00abc")
  (func (export "_initialize") (call $print))
  (func $print (export "print")
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))))"""


def wasi_exports(w: Any, config: Any, text: str) -> tuple[Any, Any]:
    linker = w.Linker(w.Engine())
    linker.define_wasi()
    store = w.Store(linker.engine)
    store.set_wasi(config)
    instance = linker.instantiate(store, w.Module(linker.engine, text))
    return store, instance.exports(store)


def test_a_file_gets_the_output_of_a_program(w: Any, tmp_path: Path) -> None:
    config = w.WasiConfig()
    config.stdout_file = str(tmp_path / "out")
    store, found = wasi_exports(w, config, WRITE)
    found["print"](store)
    found["print"](store)
    assert (tmp_path / "out").read_bytes() == b"abcabc"


def test_a_library_is_not_initialized_by_the_linker(w: Any) -> None:
    config = w.WasiConfig()
    output: list[bytes] = []
    config.stdout_custom = lambda data: output.append(data)
    wasi_exports(w, config, WRITE)
    assert output == []


# ---- where pywasm3.compat.wasmtime differs -------------------------------------------------------


def test_a_wrong_variable_of_the_environment_is_a_wasmtime_error() -> None:
    config = compat.WasiConfig()
    config.env = [["a=b", "c"]]
    with pytest.raises(compat.WasmtimeError, match="environment variable"):
        wasi_exports(compat, config, WRITE)


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(AttributeError, match=r"pywasm3\.compat\.wasmtime has no 'component'"):
        compat.component  # noqa: B018


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(AttributeError, match="Config has no option 'wasm_magic'"):
        compat.Config().wasm_magic = True


def test_a_proposal_cannot_be_switched_off() -> None:
    with pytest.raises(NotImplementedError, match="wasm_simd = False"):
        compat.Config().wasm_simd = False


def test_limits_come_before_what_they_limit() -> None:
    store = compat.Store()
    compat.Memory(store, compat.MemoryType(compat.Limits(1, None)))
    with pytest.raises(NotImplementedError, match="before anything is made in the store"):
        store.set_limits(memory_size=1)


def test_a_limit_on_the_number_of_instances_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="number of instances"):
        compat.Store().set_limits(instances=1)


def test_objects_of_another_store_are_refused() -> None:
    """wasmtime ends the process."""
    memory = compat.Memory(compat.Store(), compat.MemoryType(compat.Limits(1, None)))
    with pytest.raises(compat.WasmtimeError, match="belongs to another store"):
        memory.size(compat.Store())


def test_a_program_for_wasi_without_configuration_is_refused() -> None:
    """wasmtime ends the process when the program calls WASI."""
    linker = compat.Linker(compat.Engine())
    linker.define_wasi()
    with pytest.raises(compat.WasmtimeError, match="set_wasi"):
        linker.instantiate(compat.Store(), compat.Module(linker.engine, WRITE))


def test_a_broken_name_section_gives_no_names() -> None:
    text = '(module (func (export "f") unreachable))'
    broken = compat.wat2wasm(text) + b"\0\x09\4name\1\xff\xff\xff"
    store = compat.Store()
    function = exports(compat, store, bytes(broken))["f"]
    with pytest.raises(compat.Trap) as caught:
        function(store)
    assert [frame.func_name for frame in caught.value.frames] == [None]


def test_an_exception_of_a_host_function_keeps_its_context() -> None:
    """In wasmtime, its context is an error of wasmtime."""
    store = compat.Store()

    def fail() -> None:
        try:
            raise IndexError
        except IndexError:
            raise KeyError("mine")  # noqa: B904

    with pytest.raises(KeyError) as caught:
        compat.Func(store, compat.FuncType([], []), fail)(store)
    assert isinstance(caught.value.__context__, IndexError)


def test_hostile_names_are_escaped_and_cut_in_messages() -> None:
    store = compat.Store()
    text = '(module $"a\\nb" (func $"c\\n\\1b[31m" (export "f") unreachable))'
    with pytest.raises(compat.Trap) as caught:
        exports(compat, store, text)["f"](store)
    assert "a\\u{a}b!c\\u{a}\\u{1b}[31m\n" in str(caught.value)
    assert caught.value.frames[0].func_name == "c\n\x1b[31m"
    module = compat.Module(store.engine, f'(module (import "{"x" * 5000}" "y" (func)))')
    with pytest.raises(compat.WasmtimeError) as unknown:
        compat.Linker(store.engine).instantiate(store, module)
    assert len(str(unknown.value)) < 400


def test_an_exit_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(compat.ExitTrap(3))).code == 3


def test_an_error_of_pywasm3_is_the_cause() -> None:
    store = compat.Store()
    with pytest.raises(compat.Trap) as caught:
        exports(compat, store, TRAPS)["divide"](store)
    assert isinstance(caught.value.__cause__, pywasm3.Trap)


def test_a_store_with_host_functions_does_not_leak() -> None:
    store = compat.Store()
    host = compat.Func(store, compat.FuncType([], []), lambda c: None, access_caller=True)
    exports(compat, store, '(module (import "" "" (func)) (export "f" (func 0)))', host)["f"](store)
    gone = weakref.ref(store)
    del store, host
    gc.collect()
    assert gone() is None
