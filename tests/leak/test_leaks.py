# SPDX-License-Identifier: MIT
"""Nothing stays behind: not per call, not per failure, not per instance.

Python objects are counted exactly, by tracemalloc; what C allocates shows in the resident memory of
the process. A sanitizer keeps freed memory back and so blurs the latter: there, its own count of
allocated bytes is taken instead.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import sys
import tracemalloc
import weakref
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, load, wat
from pywasm3._ffi import FdWrite
from pywasm3.wasi import WasiConfig

pytestmark = pytest.mark.leak

MEBIBYTE = 1 << 20

TEXT = """
(module $leaky
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "table") 2 funcref) (elem (i32.const 0) $add)
  (global (export "counter") (mut i64) (i64.const 0))
  (func $add (export "add") (param i64 f64) (result i64 f64) local.get 0 local.get 1)
  (func (export "call") (param i32) (result i32) local.get 0 call $f)
  (func $fail (export "fail") unreachable)
  (func $endless (export "endless") call $endless)
  (func (export "grow") (result i32) i32.const 0 memory.grow))
"""

IMPORTS: dict[str, dict[str, Any]] = {"env": {"f": lambda x: x}}


def resident_bytes() -> int:
    """What the process holds of memory, or what it has allocated under a sanitizer."""
    if SANITIZED:
        count = ctypes.CDLL(None).__sanitizer_get_current_allocated_bytes
        count.restype = ctypes.c_size_t
        return int(count())
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def repeat(action: Callable[[], Any], count: int) -> None:
    for _ in range(count):
        action()


def collect() -> None:
    """Twice: without a GIL, what another thread could be reading is freed a collection later."""
    gc.collect()
    gc.collect()


def growth(measure: Callable[[], int], action: Callable[[], Any], count: int, bound: int) -> int:
    """How much grows in `count` rounds, after a warm-up.

    A cache that fills grows less and less, as does what replaces objects older than the measure; a
    leak grows every time alike. So beyond `bound` it is measured again.
    """
    repeat(action, max(1, count // 4))
    grown = bound
    for _ in range(8):
        collect()
        before = measure()
        repeat(action, count)
        collect()
        grown = measure() - before
        if grown < bound:
            break
    return grown


def traced_bytes() -> int:
    """What Python has allocated since tracemalloc was started."""
    return tracemalloc.get_traced_memory()[0]


def assert_no_objects_left(action: Callable[[], Any], rounds: int = 1000) -> None:
    """The smallest object has 16 bytes: one per round would be 16 bytes a round."""
    tracemalloc.start()
    try:
        assert growth(traced_bytes, action, rounds, 4 * rounds) < 4 * rounds
    finally:
        tracemalloc.stop()


def assert_no_leak(action: Callable[[], Any], count: int) -> None:
    """Neither Python objects nor memory of C are left behind."""
    assert_no_objects_left(action)
    if SANITIZED:
        count //= 20
    # An allocation takes 32 bytes at least: one per round is beyond the allowance.
    allowance = 8 * count + 65536 if SANITIZED else max(MEBIBYTE // 2, 8 * count)
    assert growth(resident_bytes, action, count, allowance) < allowance


def failing(error: type[BaseException], function: Callable[..., Any], *arguments: Any) -> None:
    try:
        function(*arguments)
    except error:
        return
    raise AssertionError("no exception")


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(TEXT, IMPORTS)


# ---- calls ----


def test_a_call_does_not_leak(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: add(1 << 62, 1.5), 200_000)


def test_a_raw_call_does_not_leak(instance: pywasm3.Instance) -> None:
    raw = instance.exports.add.raw
    assert_no_leak(lambda: raw(1 << 62, 1 << 62), 200_000)


def test_a_call_with_text_does_not_leak(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: add.call_argv("4611686018427387904", "1.5"), 50_000)


def test_a_call_with_many_arguments_does_not_leak() -> None:
    types = "i64 " * 100
    gets = " ".join(f"local.get {i}" for i in range(100))
    function = load(
        f'(module (func (export "f") (param {types}) (result {types}) {gets}))'
    ).exports.f
    arguments = [1 << 62] * 100
    assert_no_leak(lambda: function(*arguments), 10_000)


def test_a_map_does_not_leak(instance: pywasm3.Instance) -> None:
    items, numbers = array("q", range(100)), array("d", range(100))
    add = instance.exports.add
    assert_no_leak(lambda: add.map(items, numbers), 20_000)
    assert_no_leak(lambda: add.map(items[::-1], 1.5, out=(items, numbers)), 20_000)


def test_a_map_over_itself_does_not_leak(instance: pywasm3.Instance) -> None:
    items = memoryview(array("i", bytes(400)))
    call = instance.exports.call
    assert_no_leak(lambda: call.map(items[:-1], out=items[1:]), 10_000)


def test_a_map_that_fails_does_not_leak(instance: pywasm3.Instance) -> None:
    exports = instance.exports
    assert_no_leak(lambda: failing(TypeError, exports.add.map, b"abc", "x"), 20_000)
    assert_no_leak(lambda: failing(ValueError, exports.add.map, b"abc", b"ab"), 20_000)
    with_trap = load(
        """(module (func (export "f") (param i32) (result i32) unreachable))"""
    ).exports
    assert_no_leak(lambda: failing(pywasm3.Trap, with_trap.f.map, b"abc"), 20_000)


def test_a_bound_function_does_not_leak(instance: pywasm3.Instance) -> None:
    converted = type("Wide", (), {"__index__": lambda self: 1 << 62})()
    add = instance.exports.add
    assert_no_leak(lambda: add.bind(1 << 62)(1.5), 50_000)
    assert_no_leak(lambda: add.bind(converted)(1.5), 50_000)
    assert_no_leak(lambda: failing(TypeError, add.bind, "x"), 20_000)


def test_binding_does_not_leak_references() -> None:
    """The references to the function and to a bound object are counted."""
    text = """(module (func (export "pick") (param externref i32 externref) (result externref)
      local.get 0 local.get 2 local.get 1 select (result externref)))"""
    function, argument = load(text).exports.pick, object()
    function(argument, 1, None)  # the store holds it from here on
    before = sys.getrefcount(function), sys.getrefcount(argument)
    for _ in range(10):
        function.bind(argument)(0, argument)
        with pytest.raises(TypeError):
            function.bind(argument, "x")
        function.bind(argument).bind(1)
    gc.collect()
    assert (sys.getrefcount(function), sys.getrefcount(argument)) == before


def test_copies_do_not_leak(instance: pywasm3.Instance) -> None:
    memory, target = instance.memory, bytearray(100)
    assert_no_leak(lambda: memory.copy_out(memory.copy_in(0, target), 100, target), 50_000)
    assert_no_leak(lambda: memory.view("i", 0, 5), 50_000)


def test_a_call_that_traps_does_not_leak(instance: pywasm3.Instance) -> None:
    fail = instance.exports.fail
    assert_no_leak(lambda: failing(pywasm3.Trap, fail), 20_000)


def test_a_call_that_exhausts_the_stack_does_not_leak(instance: pywasm3.Instance) -> None:
    endless = instance.exports.endless
    assert_no_leak(lambda: failing(pywasm3.StackExhausted, endless), 500)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), TypeError),
        ((1, 2, 3), TypeError),
        (("1", 2.0), TypeError),
        ((1, "2"), TypeError),
        ((1 << 64, 2.0), OverflowError),
    ],
)
def test_a_call_that_is_refused_does_not_leak(
    instance: pywasm3.Instance, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: failing(error, add, *arguments), 50_000)


def test_a_text_call_that_is_refused_does_not_leak(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: failing(pywasm3.WasmError, add.call_argv, "x", "1"), 20_000)


# ---- callbacks ----


def test_a_callback_does_not_leak(instance: pywasm3.Instance) -> None:
    call = instance.exports.call
    assert_no_leak(lambda: call(1 << 30), 200_000)


def test_a_callback_that_raises_does_not_leak() -> None:
    def f(x: int) -> int:
        raise LookupError(x)

    call = load(TEXT, {"env": {"f": f}}).exports.call
    assert_no_leak(lambda: failing(LookupError, call, 1), 20_000)


def test_a_callback_with_a_wrong_result_does_not_leak() -> None:
    call = load(TEXT, {"env": {"f": lambda x: "text"}}).exports.call
    assert_no_leak(lambda: failing(TypeError, call, 1), 20_000)


def test_a_callback_with_several_results_does_not_leak() -> None:
    function = load(
        """(module (import "env" "f" (func $f (param i64 f64) (result i64 f64)))
        (func (export "g") (param i64 f64) (result i64 f64) local.get 0 local.get 1 call $f))""",
        {"env": {"f": lambda a, b: [a, b]}},
    ).exports.g
    assert_no_leak(lambda: function(1 << 62, 1.5), 100_000)


def test_a_callback_with_a_wrong_count_of_results_does_not_leak() -> None:
    function = load(
        """(module (import "env" "f" (func $f (result i64 f64)))
        (func (export "g") (result i64 f64) call $f))""",
        {"env": {"f": lambda: (1 << 62,)}},
    ).exports.g
    assert_no_leak(lambda: failing(TypeError, function), 20_000)


def test_a_callback_with_the_instance_does_not_leak() -> None:
    @pywasm3.host(pass_instance=True)
    def f(instance: pywasm3.Instance, x: int) -> int:
        return x

    call = load(TEXT, {"env": {"f": f}}).exports.call
    assert_no_leak(lambda: call(1 << 30), 100_000)


def test_a_nested_call_does_not_leak() -> None:
    def f(x: int) -> int:
        return x and instance.exports.call(x - 1)

    instance = load(TEXT, {"env": {"f": f}})
    assert_no_leak(lambda: instance.exports.call(5), 10_000)


# ---- the short way through WASI's fd_write ----

WRITES = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "write") (param i32 i32) (result i32)
    (call $write (local.get 0) (i32.const 0) (i32.const 1) (local.get 1))))"""


class Output:
    """A file object whose write() does something."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self.write = write


def writing(write: Callable[[bytes], Any]) -> pywasm3.Instance:
    """A guest whose ``write(1, 70000)`` takes the short way to `write`."""
    instance = load(WRITES, wasi=WasiConfig(stdout=Output(write)))
    instance.memory.pack("II", 0, 70_000, 1000)
    assert instance.exports.write(2, 70_000) == 0  # finds the memory
    return instance


def fail(error: BaseException) -> None:
    raise error


def test_fd_write_does_not_leak() -> None:
    write = writing(len).exports.write
    assert write(1, 70_000) == 0
    assert_no_leak(lambda: write(1, 70_000), 100_000)


def test_fd_write_that_fails_does_not_leak() -> None:
    write = writing(lambda data: fail(OSError(5, "no"))).exports.write
    assert write(1, 70_000) == 29
    assert_no_leak(lambda: write(1, 70_000), 20_000)


def test_fd_write_that_raises_does_not_leak() -> None:
    write = writing(lambda data: fail(LookupError(data))).exports.write
    assert_no_leak(lambda: failing(LookupError, write, 1, 70_000), 20_000)


def test_fd_write_that_is_left_to_the_checks_does_not_leak() -> None:
    """A descriptor that is not there, and a result out of bounds."""
    write = writing(len).exports.write
    assert (write(70_000, 70_000), write(1, -1)) == (8, 21)
    assert_no_leak(lambda: (write(70_000, 70_000), write(1, -1)), 10_000)


def test_the_arguments_of_fd_write_are_given_back() -> None:
    """What calls only borrow, counted; also of what is refused, and of a writer with no count."""
    memory = pywasm3.Memory(1)
    memory.pack("II", 8, 1 << 14, 3)
    fd, iovecs, result = 1 << 40, 8 + (1 << 40), (1 << 40) + 20
    objects = [fd, iovecs, result, len, memory, OSError]
    guest = SimpleNamespace(found=memory)
    for writer in (len, lambda data: "3", lambda data: -1, lambda data: fail(OSError())):
        write: Any = FdWrite({fd: writer}, lambda *_: 7, guest, (OSError,), id)
        write(0, 0, 0, 0)
        before = [sys.getrefcount(x) for x in objects]
        for _ in range(100):
            with suppress(TypeError, ValueError):
                write(fd, iovecs, 1, result)
            assert write(fd, iovecs, 2, result) == 7
            failing(TypeError, write, fd, iovecs)
        assert [sys.getrefcount(x) for x in objects] == before
        del write


def test_an_fd_write_gives_back_what_it_was_made_of() -> None:
    memory = pywasm3.Memory(1)
    parts: tuple[Any, ...] = (
        {},
        lambda *_: 7,
        SimpleNamespace(found=memory),
        (OSError,),
        lambda error: 29,
    )
    objects = [*parts, memory]
    before = [sys.getrefcount(x) for x in objects]
    write = FdWrite(*parts)
    assert write(1, 8, 1, 20) == 7
    assert all(sys.getrefcount(x) > n for x, n in zip(objects, before, strict=True))
    del write
    assert [sys.getrefcount(x) for x in objects] == before


def test_an_fd_write_does_not_leak() -> None:
    memory = pywasm3.Memory(1)
    guest = SimpleNamespace(found=memory)

    def action() -> None:
        write = FdWrite({}, lambda *_: 7, guest, (OSError,), id)
        assert write(1, 8, 1, 20) == 7
        failing(TypeError, FdWrite, {}, len)

    assert_no_leak(action, 20_000)


# ---- modules and instances ----


def test_a_module_does_not_leak() -> None:
    data = wat(TEXT)

    def action() -> None:
        module = pywasm3.Module(data)
        assert module.imports
        assert module.exports
        assert module.name

    assert_no_leak(action, 5_000)


def test_functions_with_many_locals_do_not_leak() -> None:
    """Their types are kept while they are compiled."""
    text = f'(module (func (export "f") (local {"i32 " * 20_000})))'
    module, store = pywasm3.Module(wat(text)), pywasm3.Limits(stack=65536)
    assert_no_leak(lambda: pywasm3.Instance(module, limits=store).exports.f(), 2_000)


def test_a_refused_module_does_not_leak() -> None:
    data = wat(TEXT)
    assert_no_leak(lambda: failing(pywasm3.ModuleError, pywasm3.Module, data[:-5]), 20_000)


def test_an_instance_does_not_leak() -> None:
    """10,000 instances, made and dropped, leave the process as large as it was."""
    module = pywasm3.Module(wat(TEXT))

    def action() -> None:
        exports = pywasm3.Instance(module, IMPORTS).exports
        exports.add(1, 2.0)
        exports.memory[0] = 1

    assert_no_objects_left(action, 500)
    count = 1_000 if SANITIZED else 10_000
    allowance = 64 * 1024 if SANITIZED else 5 * MEBIBYTE
    assert growth(resident_bytes, action, count, allowance) < allowance


def test_an_instance_with_dropped_parts_in_any_order_does_not_leak() -> None:
    module = pywasm3.Module(wat(TEXT))

    def action() -> None:
        instance = pywasm3.Instance(module, IMPORTS)
        function, view = instance.exports.add, memoryview(instance.memory)
        del instance
        function(1, 2.0)
        del function
        view[0] = 1

    assert_no_leak(action, 4_000)


def test_a_closed_instance_does_not_leak() -> None:
    """Even while something refers to it."""
    module = pywasm3.Module(wat(TEXT))
    kept: list[Any] = []

    def action() -> None:
        with pywasm3.Instance(module, IMPORTS) as instance:
            instance.exports.add(1, 2.0)
        kept[:] = [instance]

    assert_no_leak(action, 4_000)


def test_an_instance_that_cannot_be_linked_does_not_leak() -> None:
    module = pywasm3.Module(wat(TEXT))
    assert_no_leak(lambda: failing(pywasm3.LinkError, pywasm3.Instance, module), 5_000)


def test_an_instance_whose_start_fails_does_not_leak() -> None:
    module = pywasm3.Module(wat("(module (memory 1) (func $f unreachable) (start $f))"))
    assert_no_leak(lambda: failing(pywasm3.Trap, pywasm3.Instance, module), 4_000)


def test_an_instance_whose_segments_do_not_fit_does_not_leak() -> None:
    module = pywasm3.Module(wat('(module (memory 1) (data (i32.const 65536) "x"))'))
    assert_no_leak(lambda: failing(pywasm3.Trap, pywasm3.Instance, module), 4_000)


def test_a_module_that_cannot_be_run_does_not_leak() -> None:
    data = wat("(module (memory 1) (memory 1))")
    assert_no_leak(lambda: failing(pywasm3.UnsupportedError, pywasm3.Module, data), 4_000)


def test_validating_does_not_leak() -> None:
    data = wat("(module (type (sub (func))) (func (param v128) (block (br 0))))")
    assert_no_leak(lambda: pywasm3.Module.validate(data), 4_000)


def test_linked_instances_do_not_leak() -> None:
    first = pywasm3.Module(wat('(module (memory (export "m") 1) (func (export "f")))'))
    second = pywasm3.Module(
        wat(
            """(module (import "a" "m" (memory 1)) (import "a" "f" (func $f))
            (func (export "g") call $f))"""
        )
    )

    def action() -> None:
        pywasm3.Instance(second, {"a": pywasm3.Instance(first)}).exports.g()

    assert_no_leak(action, 4_000)


def test_a_runtime_of_the_wasm3_shape_does_not_leak() -> None:
    data = wat(TEXT)

    def action() -> None:
        environment = pywasm3.Environment()
        runtime = environment.new_runtime(1024)
        module = environment.parse_module(data)
        runtime.load(module)
        module.link_function("env", "f", "i(i)", lambda x: x)
        runtime.find_function("call")(1)
        view = runtime.get_memory(0)
        assert view is not None
        view[0] = 1

    assert_no_leak(action, 3_000)


# ---- parts ----


def test_a_view_does_not_leak(instance: pywasm3.Instance) -> None:
    memory = instance.memory
    assert_no_leak(lambda: memoryview(memory)[8:16], 100_000)


def test_a_memory_that_only_a_view_keeps_does_not_leak() -> None:
    """Each has a page that was written to: one that stays is 64 KiB."""
    module = pywasm3.Module(wat('(module (memory (export "m") 1))'))
    kept: list[memoryview] = []

    def action() -> None:
        view = memoryview(pywasm3.Instance(module).memory)
        view[:] = b"x" * len(view)
        kept[:] = [view]

    assert_no_leak(action, 2_000)


def test_grown_memory_does_not_leak() -> None:
    module = pywasm3.Module(wat('(module (memory (export "m") 1))'))

    def action() -> None:
        memory = pywasm3.Instance(module).memory
        memory.grow(8)
        memory.write(8 * 65536, b"x" * 65536)

    assert_no_leak(action, 2_000)


def test_memory_accesses_do_not_leak(instance: pywasm3.Instance) -> None:
    memory = instance.memory

    def action() -> None:
        memory.write(1000, b"text" * 10)
        memory.read(1000, 40)
        memory.read_cstring(1000)
        memory[0:40] = memory[1000:1040]
        memory.write_u64(0, memory.read_u64(8))
        memory.write_str(0, memory.read_str(1000))
        memory.pack("Q", 0, *memory.unpack("Q", 8))
        memory.grow(0)

    assert_no_leak(action, 10_000)


def test_refused_memory_accesses_do_not_leak(instance: pywasm3.Instance) -> None:
    memory = instance.memory

    def action() -> None:
        failing(IndexError, memory.read, 65536, 1)
        failing(IndexError, memory.write, 65536, b"x")
        failing(IndexError, memory.read_cstring, 65537)
        failing(IndexError, memory.__getitem__, 65536)
        failing(TypeError, memory.write, 0, "text")
        failing(ValueError, memory.__setitem__, slice(0, 1), b"xx")
        failing(pywasm3.WasmError, memory.grow, 1 << 20)

    assert_no_leak(action, 5_000)


def test_globals_and_tables_do_not_leak(instance: pywasm3.Instance) -> None:
    counter, table = instance.exports.counter, instance.exports.table

    def action() -> None:
        counter.value = 1 << 62
        assert counter.value == 1 << 62
        table[1] = table[0]
        table[1] = None
        assert len(list(table)) == 2
        failing(TypeError, table.__setitem__, 0, 3)
        failing(IndexError, table.__getitem__, 5)

    assert_no_leak(action, 3_000)


def test_documentation_and_signatures_do_not_leak(instance: pywasm3.Instance) -> None:
    import inspect

    add = instance.exports.add

    def action() -> None:
        assert add.__doc__
        assert inspect.signature(add)
        assert repr(add)
        assert add.arg_types
        assert add.raw != add

    assert_no_leak(action, 2_000)


# ---- cycles ----


def collected(make: Callable[[], Any]) -> bool:
    """Whether what is made is freed, by the garbage collector if need be."""
    reference = weakref.ref(make())
    gc.collect()
    return reference() is None


def test_an_instance_in_a_cycle_through_a_host_function_does_not_leak() -> None:
    def make() -> pywasm3.Instance:
        def f(x: int) -> int:
            return instance.exports.call(x)

        instance = load(TEXT, {"env": {"f": f}})
        instance.exports.add(1, 2.0)
        return instance

    assert collected(make)


def test_an_instance_that_is_passed_to_its_host_function_does_not_leak() -> None:
    def make() -> pywasm3.Instance:
        @pywasm3.host(pass_instance=True)
        def f(instance: pywasm3.Instance, x: int) -> int:
            return x

        instance = load(TEXT, {"env": {"f": f}})
        instance.exports.call(1)
        return instance

    assert collected(make)


def test_an_instance_that_its_output_knows_does_not_leak() -> None:
    def make() -> pywasm3.Instance:
        instance = writing(lambda data: instance.memory.grow(0))
        assert [instance.exports.write(1, 70_000) for _ in range(3)] == [0, 0, 0]
        return instance

    assert collected(make)


def test_an_fd_write_that_its_memory_knows_does_not_leak() -> None:
    class Known(pywasm3.Memory):
        pass

    def make() -> Known:
        memory: Any = Known(1)
        memory.write = FdWrite({}, lambda *_: 7, SimpleNamespace(found=memory), (OSError,), id)
        assert memory.write(1, 8, 1, 20) == 7
        return memory  # type: ignore[no-any-return]

    assert collected(make)


def test_a_function_in_a_cycle_does_not_leak() -> None:
    class Holder:
        function: Any

        def f(self, x: int) -> int:
            return x

    def make() -> Holder:
        holder = Holder()
        holder.function = load(TEXT, {"env": {"f": holder.f}}).exports.call
        holder.function(1)
        return holder

    assert collected(make)


def test_a_view_in_a_cycle_does_not_leak() -> None:
    class Holder:
        view: Any
        memory: Any

        def f(self, x: int) -> int:
            return x

    def make() -> Holder:
        holder = Holder()
        holder.memory = load(TEXT, {"env": {"f": holder.f}}).memory
        holder.view = memoryview(holder.memory)
        return holder

    assert collected(make)


def test_two_linked_instances_in_a_cycle_do_not_leak() -> None:
    def make() -> pywasm3.Instance:
        def f(x: int) -> int:
            return second.exports.g(x)

        first = load(TEXT, {"env": {"f": f}})
        second = load(
            """(module (import "a" "call" (func $call (param i32) (result i32)))
            (func (export "g") (param i32) (result i32) local.get 0 call $call))""",
            {"a": first},
        )
        return second

    assert collected(make)


def test_a_module_of_the_wasm3_shape_in_a_cycle_does_not_leak() -> None:
    class Holder:
        def __init__(self) -> None:
            environment = pywasm3.Environment()
            self.runtime = environment.new_runtime(1024)
            module = environment.parse_module(wat(TEXT))
            self.runtime.load(module)
            module.link_function("env", "f", self.f)
            self.call = self.runtime.find_function("call")

        def f(self, x: int) -> int:
            return x

    assert collected(Holder)


def test_a_cycle_that_is_collected_during_a_call_does_not_disturb() -> None:
    def f(x: int) -> int:
        for _ in range(3):
            load(TEXT, {"env": {"f": lambda x: x}})
        gc.collect()
        return x

    call = load(TEXT, {"env": {"f": f}}).exports.call
    assert call(5) == 5


def test_host_functions_are_freed_with_the_instance() -> None:
    class Callback:
        def __call__(self, x: int) -> int:
            return x

    callback = Callback()
    reference = weakref.ref(callback)
    instance = load(TEXT, {"env": {"f": callback}})
    del callback
    assert reference() is not None
    del instance
    gc.collect()
    assert reference() is None


def test_host_functions_are_freed_by_close() -> None:
    class Callback:
        def __call__(self, x: int) -> int:
            return x

    callback = Callback()
    reference = weakref.ref(callback)
    instance = load(TEXT, {"env": {"f": callback}})
    del callback
    instance.close()
    gc.collect()
    assert reference() is None


def test_references_are_given_back(instance: pywasm3.Instance) -> None:
    """Counted for objects that calls only borrow."""
    value, number = 1 << 62, 1.25
    add, call = instance.exports.add, instance.exports.call
    before = [sys.getrefcount(x) for x in (value, number, add, call, None, instance)]
    for _ in range(1000):
        add(value, number)
        call(5)
        instance.exports.grow()
    after = [sys.getrefcount(x) for x in (value, number, add, call, None, instance)]
    for i in (0, 1, 2, 3, 5):
        assert after[i] == before[i]
    assert abs(after[4] - before[4]) < 100


# ---- references ----

REFERENCES = """
(module
  (import "env" "fresh" (func $fresh (result externref)))
  (table $t (export "table") 100 externref)
  (global $g (export "global") (mut externref) (ref.null extern))
  (func (export "pass") (param externref) (result externref) local.get 0)
  (func (export "keep") (param externref) local.get 0 global.set $g)
  (func (export "ask") (result i32) call $fresh ref.is_null)
  (func (export "func") (param funcref) (result funcref) local.get 0))
"""


@pytest.fixture
def references() -> pywasm3.Exports:
    return load(REFERENCES, {"env": {"fresh": object}}).exports


def test_a_million_objects_passed_do_not_leak(references: pywasm3.Exports) -> None:
    count = 50_000 if SANITIZED else 1_000_000
    passes = references["pass"]

    def action() -> None:
        passes(bytearray(100))

    # All of them would be more than 100 MB.
    assert growth(resident_bytes, action, count, 2 * MEBIBYTE) < 2 * MEBIBYTE


def test_an_object_that_the_guest_keeps_and_replaces_does_not_leak(
    references: pywasm3.Exports,
) -> None:
    count = 20_000 if SANITIZED else 200_000

    def action() -> None:
        references.keep(bytearray(100))
        references.table[7] = bytearray(100)
        references["global"].value = bytearray(100)

    assert growth(resident_bytes, action, count, 2 * MEBIBYTE) < 2 * MEBIBYTE


def test_an_object_of_a_host_function_does_not_leak(references: pywasm3.Exports) -> None:
    """No reference goes in by the call itself: only what the host function returns."""
    count = 20_000 if SANITIZED else 300_000
    assert growth(resident_bytes, references.ask, count, 2 * MEBIBYTE) < 2 * MEBIBYTE


def test_a_function_passed_does_not_leak(references: pywasm3.Exports) -> None:
    function = references.ask
    assert_no_leak(lambda: references.func(function), 20_000)


def test_a_refused_reference_does_not_leak(references: pywasm3.Exports) -> None:
    assert_no_leak(lambda: failing(TypeError, references.func, 3), 20_000)


def test_a_cycle_through_wasm_does_not_leak() -> None:
    def action() -> None:
        exports = load(REFERENCES, {"env": {"fresh": object}}).exports
        exports.keep([exports])

    assert_no_objects_left(action, 200)


def test_externs_of_the_host_do_not_leak() -> None:
    def action() -> None:
        store = pywasm3.Store()
        memory = pywasm3.Memory(1, 2, store=store)
        table = pywasm3.Table("externref", 10, None, memory, store=store)
        pywasm3.Global("externref", table, store=store)
        store.close()

    assert_no_leak(action, 4000)


def test_tags_do_not_leak() -> None:
    """Exported, imported and of the host; also those whose types do not fit."""
    text = '(module (import "a" "t" (tag (param i32))) (tag (export "own") (param f64)))'
    user, other = pywasm3.Module(wat(text)), pywasm3.Module(wat(text.replace("i32", "i64")))

    def action() -> None:
        tag = pywasm3.Tag(pywasm3.FuncType(("i32",)))
        assert pywasm3.Instance(user, {"a": {"t": tag}}).exports.own != tag
        failing(pywasm3.LinkError, pywasm3.Instance, other, {"a": {"t": tag}})

    assert_no_leak(action, 20_000)


def test_snapshots_do_not_leak() -> None:
    """Taken, pickled, restored to a memory that grew; also those that are refused."""
    instance = load(
        """
        (module
          (memory (export "memory") 1 4) (data (i32.const 0) "data")
          (table (export "t") 3 8 externref) (table (export "f") 2 8 funcref)
          (func (export "g")))
        """
    )
    other = load("(module (memory 1))").snapshot()
    stranger = load('(module (func (export "h")))', store=instance.store)

    def action(thing: object) -> None:
        instance.exports.t[0] = thing
        snapshot = pickle.loads(pickle.dumps(instance.snapshot()))
        instance.exports.f[0] = stranger.exports.h
        instance.memory.grow(1)
        instance.exports.t.grow(1)
        foreign = instance.snapshot()
        failing(TypeError, pickle.dumps, foreign)
        failing(pywasm3.SnapshotError, instance.restore, other)
        instance.restore(foreign)
        instance.restore(snapshot)

    assert_no_leak(lambda: action([object()]), 3000)
    # New objects are let go some at a time.
    assert_no_objects_left(lambda: action(5), 1000)


def test_pools_do_not_leak() -> None:
    """Those that are closed, those that are not, and instances that trapped."""
    module = pywasm3.Module(wat('(module (memory 1) (func (export "f") unreachable))'))

    def use(pool: pywasm3.InstancePool) -> None:
        with pool.instance() as instance:
            instance.exports.f()

    def action() -> None:
        with pywasm3.InstancePool(module, size=2) as pool, pool.instance():
            failing(pywasm3.Trap, use, pool)
        failing(pywasm3.Trap, use, pywasm3.InstancePool(module, size=1))

    assert_no_leak(action, 2000)
    assert_no_objects_left(action, 200)
