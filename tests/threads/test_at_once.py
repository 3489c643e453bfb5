# SPDX-License-Identifier: MIT
"""Threads may do anything to one store at the same time: results stay right and nothing crashes.

Each test lets several threads do different things to one store, or to things that stores share.
On a free-threaded Python the actions can meet at any instruction; with a GIL they meet where it
is handed over. The expected values are written by hand from the small module below.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, THREADS, child, hammer, wat
from pywasm3 import DeadlineExceeded, Interrupted, Limits, WasmError
from pywasm3._ffi import FdWrite

pytestmark = pytest.mark.hammer

ROUNDS = 20 if SANITIZED else 100

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (import "env" "pair" (func $pair (result i32 i32)))
  (memory (export "memory") 1 64)
  (table (export "table") 4 100000 funcref) (elem (i32.const 0) $add)
  (global $counter (export "counter") (mut i32) (i32.const 0))
  (func $add (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "call") (param i32) (result i32) local.get 0 call $f)
  (func (export "sum") (result i32) call $pair i32.add)
  (func (export "step") global.get $counter i32.const 1 i32.add global.set $counter)
  (func (export "fail") unreachable)
  (func (export "func") (param funcref) (result funcref) local.get 0)
  (func (export "pass") (param externref) (result externref) local.get 0)
  (func (export "loop") (loop br 0))
  (func (export "spins") (param i32) (result i32) (local i32)
    loop
      local.get 1 i32.const 1 i32.add local.set 1
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
    end
    local.get 1))
"""
MODULE = pywasm3.Module(wat(TEXT))


def make(f: Any = abs, pair: Any = lambda: (1, 2), **options: Any) -> pywasm3.Instance:
    return pywasm3.Instance(MODULE, {"env": {"f": f, "pair": pair}}, **options)


@pytest.fixture(autouse=True)
def _many_switches() -> Iterator[None]:
    """Makes a Python with a GIL switch between threads as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def until(ended: threading.Event, use: Callable[[int], Any], *expected: type[Exception]) -> Any:
    """Returns an action that repeats `use` until the event; it may raise only these exceptions."""

    def action(number: int) -> None:
        while not ended.is_set():
            with suppress(*expected):
                use(number)

    return action


def first(ended: threading.Event, use: Callable[[int], Any]) -> Any:
    """Returns an action that repeats `use` for ROUNDS rounds and then sets the event."""

    def action(number: int) -> None:
        try:
            for i in range(ROUNDS):
                use(i)
        finally:
            ended.set()

    return action


# ---- one store ----


def uses_of(instance: pywasm3.Instance, alone: bool = False) -> list[Callable[[int], None]]:
    """Returns actions that together use everything that an instance offers."""
    exports, store = instance.exports, instance.store

    def calls(number: int) -> None:
        assert exports.add(number, 1) == number + 1
        assert exports.add.bind(number)(2) == number + 2
        assert exports.add.raw(number, -1) == (number - 1) % (1 << 32)
        assert exports.call(-number) == number

    def long_calls(number: int) -> None:
        assert exports.spins(20_000 + number) == 20_000 + number

    def traps(number: int) -> None:
        with pytest.raises(pywasm3.Trap) as caught:
            exports.fail()
        if caught.value.kind is pywasm3.TrapKind.UNREACHABLE:
            assert [frame.name for frame in caught.value.frames] == ["fail"]

    def inspects(number: int) -> None:
        fresh = pywasm3.Exports._of(MODULE, store, instance._anchor)
        assert fresh.add.name == "add" and fresh.add is fresh["add"]
        assert fresh.memory.pages >= 1
        assert exports.add.raw.type == exports.add.type
        assert fresh.counter.type.mutable
        assert repr(instance) and repr(exports.add) and exports.add.__doc__

    def maps(number: int) -> None:
        numbers = array("i", range(50))
        assert list(exports.add.bind(number).map(numbers)) == [number + i for i in numbers]

    def references(number: int) -> None:
        value = object()
        assert exports["pass"](value) is value
        assert exports.func(exports.add)(1, number) == 1 + number
        exports.table[2] = exports.add
        assert exports.table[0](number, 1) == number + 1

    def memory(number: int) -> None:
        bytes_ = instance.memory
        address = 64 * number
        written, before = bytes([number] * 8), bytes(8)
        bytes_.write(address, written)
        # A thread that restores a snapshot from before the write takes the write back.
        assert bytes_.read(address, 8) in ([written] if alone else [written, before])
        assert len(memoryview(bytes_)) >= 65536
        if bytes_.pages < 32:
            bytes_.grow(1)

    def fuel(number: int) -> None:
        store.fuel = None if number % 2 else 1 << 40
        assert store.fuel is None or store.fuel > 1 << 30

    def deadlines(number: int) -> None:
        with instance.deadline(60):
            assert exports.add(number, 3) == number + 3
        with instance.deadline(0), pytest.raises((DeadlineExceeded, Interrupted)):
            exports.add(1, 1)

    def saves(number: int) -> None:
        instance.restore(instance.snapshot())

    def joins(number: int) -> None:
        imports = {"env": {"f": exports.call, "pair": lambda: (1, 2)}}
        assert pywasm3.Instance(MODULE, imports).exports.call(-number) == number

    return [
        calls, long_calls, traps, inspects, maps, references, memory, fuel, deadlines, saves, joins
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(uses_of(make()))))
def test_many_threads_do_the_same(number: int) -> None:
    """Many threads use one instance in the same way."""
    use = uses_of(make(), alone=True)[number]

    def action(thread: int) -> None:
        for _ in range(ROUNDS // 5):
            use(thread)

    hammer(action)


def test_threads_do_everything_at_once() -> None:
    """Threads use one instance in all ways at the same time."""
    instance, ended = make(), threading.Event()
    uses = uses_of(instance)
    hammer(first(ended, uses[0]), *[until(ended, use) for use in uses[1:]], threads=len(uses))


def test_threads_do_everything_while_one_interrupts() -> None:
    """Calls are interrupted or give the right result, and the instance stays usable."""
    instance, ended = make(), threading.Event()

    def interrupts(number: int) -> None:
        instance.interrupt()
        time.sleep(0.0005)

    others = [until(ended, use, Interrupted) for use in uses_of(instance)]
    hammer(first(ended, interrupts), *others, threads=len(others) + 1)
    assert instance.exports.add(1, 2) == 3


def test_threads_do_everything_while_one_closes() -> None:
    """Uses give the right result, or an error because the store is closed."""
    for _ in range(ROUNDS // 5):
        instance, closed = make(), threading.Event()

        def closes(
            number: int, instance: pywasm3.Instance = instance, closed: threading.Event = closed
        ) -> None:
            time.sleep(0.001)
            try:
                instance.close()
            finally:
                closed.set()

        others = [until(closed, use, WasmError, ValueError) for use in uses_of(instance)]
        hammer(closes, *others, threads=len(others) + 1)
        assert instance.closed
        with pytest.raises(WasmError, match="closed"):
            instance.exports.add(1, 2)


def test_a_store_is_closed_while_its_exports_are_first_looked_up() -> None:
    """A lookup during `close` gives the export or an error that says "closed", nothing else."""
    names = ["add", "memory", "counter", "table", "call"]
    for _ in range(ROUNDS):
        instance = make()

        def inspects(number: int, instance: pywasm3.Instance = instance) -> None:
            try:
                assert instance.exports[names[number % 5]] is instance.exports[names[number % 5]]
            except WasmError as error:
                assert "closed" in str(error)

        hammer(inspects, inspects, lambda _, instance=instance: instance.close())


def test_many_threads_get_the_same_object_of_an_export() -> None:
    for _ in range(ROUNDS):
        exports = make().exports
        seen: list[Any] = []
        hammer(lambda _, exports=exports, seen=seen: seen.append((exports.add, exports.counter)))
        assert all(a is exports.add and b is exports.counter for a, b in seen)


def test_a_store_is_closed_by_many_threads() -> None:
    """Several threads may close one store at the same time."""
    for _ in range(ROUNDS):
        instance = make()
        hammer(lambda _, instance=instance: instance.close())


# ---- what stops calls ----


def test_an_interrupt_stops_the_call_that_it_met() -> None:
    """Each `interrupt` that returns True stops a call, even one that has only just begun.

    The calls loop forever, so that an interruption that got lost makes the test hang and fail.
    """
    child(
        f"""
        import threading
        instance = pywasm3.load(WASM, {{"env": {{"f": abs, "pair": list}}}})
        stopped = []
        def loops():
            for _ in range({ROUNDS}):
                try:
                    instance.exports.loop()
                except pywasm3.Interrupted:
                    stopped.append(True)
        thread = threading.Thread(target=loops)
        thread.start()
        for i in range({ROUNDS}):
            while not instance.interrupt():
                pass
            while len(stopped) == i:
                pass
        thread.join()
        """,
        WASM=wat(TEXT),
    )


def test_an_interrupt_stops_no_later_call() -> None:
    """Each `interrupt` that returns True stops at most one call; one that returns False, none."""
    instance, ended = make(), threading.Event()
    hits: list[bool] = []
    stopped: list[int] = []

    def interrupts(number: int) -> None:
        hits.append(instance.interrupt())
        time.sleep(0)

    def calls(number: int) -> None:
        try:
            instance.exports.spins(100)
        except Interrupted:
            stopped.append(number)

    hammer(first(ended, interrupts), until(ended, calls), until(ended, calls), threads=3)
    assert len(stopped) <= sum(hits)
    for _ in range(ROUNDS):
        assert instance.exports.spins(100) == 100


def test_a_deadline_is_that_of_its_thread() -> None:
    """A deadline stops the calls of the thread that set it, and of no other."""
    instance, ended = make(), threading.Event()

    def late(number: int) -> None:
        with instance.deadline(0), pytest.raises(DeadlineExceeded):
            instance.exports.add(1, 1)

    def short(number: int) -> None:
        with instance.deadline(0.001), pytest.raises(DeadlineExceeded):
            instance.exports.loop()

    def calls(number: int) -> None:
        assert instance.exports.spins(5_000) == 5_000

    def patient(number: int) -> None:
        with instance.deadline(1000):
            assert instance.exports.spins(5_000) == 5_000

    others = [until(ended, use) for use in (short, calls, calls, patient)]
    hammer(first(ended, late), *others, threads=5)


def test_a_deadline_of_a_host_function_ends_with_its_context() -> None:
    """A deadline that was left after its call had ended does not stop later calls."""
    contexts: list[Any] = []

    def f(x: int) -> int:
        contexts.append(instance.deadline(0.05))
        contexts[-1].__enter__()
        return x

    instance = make(f)
    assert instance.exports.call(3) == 3
    contexts[0].__exit__(None, None, None)
    assert instance.exports.spins(30_000_000) == 30_000_000


def test_a_deadline_of_nested_use_ends_with_its_context() -> None:
    """A deadline ends with its `with` block even if the store was entered again inside it."""
    instance = make()
    with instance.deadline(0.05):
        assert instance.store._call_entered(instance.exports.add, 1, 2) == 3
    assert instance.exports.spins(30_000_000) == 30_000_000


def test_fuel_that_is_given_by_other_threads_is_the_last_that_was_given() -> None:
    instance, ended = make(limits=Limits(fuel=1 << 40)), threading.Event()

    def gives(number: int) -> None:
        instance.fuel = (1 << 40) + number

    def calls(number: int) -> None:
        assert instance.exports.spins(1000) == 1000

    hammer(first(ended, gives), until(ended, gives), until(ended, calls), threads=3)
    instance.fuel = 1000
    assert instance.fuel == 1000
    assert instance.exports.spins(1000) == 1000
    assert instance.fuel == 0


def test_a_call_of_two_stores_is_stopped_from_outside() -> None:
    """The outer store's call is interrupted while calls in the inner store begin and end."""
    inner, ended = make(), threading.Event()
    outer = make(inner.exports.spins)
    met: list[type] = []

    def interrupts(number: int) -> None:
        outer.interrupt()
        inner.fuel = 1 << 40
        time.sleep(0.0005)

    def calls(number: int) -> None:
        try:
            assert outer.exports.call(5_000) == 5_000
        except Interrupted as error:
            met.append(type(error))

    hammer(first(ended, interrupts), until(ended, calls), until(ended, calls), threads=3)
    assert outer.exports.call(500) == 500 == inner.exports.spins(500)


# ---- host functions ----


def test_a_function_is_linked_again_while_it_is_called() -> None:
    """Linking another host function does not disturb calls: both functions turn -5 into 5."""
    runtime = pywasm3.Environment().new_runtime(1 << 16)
    module = pywasm3.Environment().parse_module(wat(TEXT))
    runtime.load(module)
    module.link_function("env", "f", abs)
    call, ended = runtime.find_function("call"), threading.Event()

    def links(number: int) -> None:
        module.link_function("env", "f", lambda x: -x)

    def calls(number: int) -> None:
        assert call(-5) == 5

    hammer(first(ended, links), until(ended, links), until(ended, calls), threads=3)


def test_a_list_of_results_is_changed_by_another_thread() -> None:
    """Changing the list that a host function returned gives old or new values or a TypeError."""
    results, ended = [1, 2], threading.Event()
    instance = make(pair=lambda: results)

    def changes(number: int) -> None:
        results[:] = [3, 4]
        results.append(5)
        results.clear()

    def calls(number: int) -> None:
        assert instance.exports.sum() in (3, 7)

    hammer(first(ended, changes), until(ended, calls, TypeError), threads=2)


def test_host_functions_of_many_stores_take_one_lock() -> None:
    """Host functions that wait for one lock do not deadlock, and no call gets lost."""
    lock, seen = threading.Lock(), [0]

    def f(x: int) -> int:
        with lock:
            seen[0] += 1
            return x

    def action(number: int) -> None:
        exports = make(f).exports
        for i in range(ROUNDS * 5):
            assert exports.call(i) == i

    hammer(action)
    assert seen[0] == THREADS * ROUNDS * 5


def test_a_writer_is_used_by_many_threads() -> None:
    """Threads write with one fd_write while another adds and removes the writer in Python.

    The first write also inspects the memory up, so several threads may do that at the same time.
    """
    memory, ended = pywasm3.Memory(1), threading.Event()
    memory.pack("II", 8, 100, 3)
    for _ in range(ROUNDS // 10):
        writers: dict[int, Any] = {1: len}
        write: Any = FdWrite(
            writers, lambda *_: 0, SimpleNamespace(found=memory), (OSError,), lambda _: 8
        )
        ended.clear()

        def changes(number: int, writers: dict[int, Any] = writers) -> None:
            writers[1] = lambda data: len(data)
            writers.pop(1)

        def writes(number: int, write: Any = write) -> None:
            assert write(1, 8, 1, 20) == 0

        hammer(first(ended, changes), until(ended, writes), until(ended, writes), threads=3)


# ---- many stores ----


def test_stores_are_made_used_and_dropped_while_others_collect() -> None:
    """The garbage collector may run on any thread while stores come and go."""
    ended = threading.Event()

    def makes(number: int) -> None:
        instance = make(lambda x: instance.exports.add(x, 1))  # refers to itself
        instance.exports["pass"]([instance])
        assert instance.exports.call(number) == number + 1

    def collects(number: int) -> None:
        gc.collect()
        time.sleep(0)

    hammer(first(ended, makes), until(ended, makes), until(ended, collects), threads=3)


def test_a_pool_is_used_by_threads_that_trap_and_threads_that_do_not() -> None:
    """Each use of a pool finds a clean instance, whatever the other threads do."""
    imports = {"env": {"f": abs, "pair": lambda: (1, 2)}}
    with pywasm3.InstancePool(MODULE, imports, size=3) as pool:

        def steps(number: int) -> None:
            for _ in range(ROUNDS):
                with pool.instance() as instance:
                    assert instance.exports.counter.value == 0
                    instance.exports.step()
                    assert instance.exports.counter.value == 1

        def traps(number: int) -> None:
            for _ in range(ROUNDS // 5):
                with pytest.raises(pywasm3.Trap), pool.instance() as instance:
                    instance.exports.step()
                    instance.exports.fail()

        hammer(steps, steps, traps, threads=6)
        assert len(pool) <= 3


def test_a_module_is_looked_at_by_many_threads() -> None:
    """Threads that read a module's exports for the first time at once see the same values."""
    for _ in range(ROUNDS // 5):
        module = pywasm3.Module(wat(TEXT))
        seen: list[Any] = []

        def inspects(number: int, module: pywasm3.Module = module, seen: Any = seen) -> None:
            seen.append((module.exports, module._export_table(), module._export_type("add")))
            instance = pywasm3.Instance(module, {"env": {"f": abs, "pair": lambda: (1, 2)}})
            assert instance.exports.add(number, 1) == number + 1

        hammer(inspects)
        assert seen == [seen[0]] * THREADS


def test_a_start_function_runs_once_whoever_looks_a_function_up_first() -> None:
    data = wat(
        """(module (import "env" "f" (func $f (result i32)))
        (func $start (drop (call $f))) (start $start)
        (func (export "one") (result i32) i32.const 1))"""
    )
    for _ in range(ROUNDS // 2):
        calls: list[int] = []
        environment = pywasm3.Environment()
        runtime, module = environment.new_runtime(1 << 16), environment.parse_module(data)
        module.link_function("env", "f", lambda calls=calls: calls.append(1) or 1)
        runtime.load(module)
        hammer(lambda _, runtime=runtime: runtime.find_function("one"))
        assert calls == [1]
