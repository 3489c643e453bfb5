# SPDX-License-Identifier: MIT
"""Programs with threads (wasi-threads): how threads begin and end, what they share, their limits.

tests/toolchains/test_threads.py runs a C program with pthreads. Here the guests are small texts:
what a thread does is chosen by its argument.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3 import (
    DeadlineExceeded,
    Global,
    Instance,
    InstancePool,
    Interrupted,
    Limits,
    LinkError,
    Memory,
    MemoryType,
    Module,
    OutOfFuel,
    Trap,
    TrapKind,
    WasiExit,
    WasmError,
    WasmException,
)
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig
from wasi_helpers import PATIENCE, all_threads_end, eventually

EAGAIN, ENOTSUP = 6, 58

# The arguments of threads. Each makes a thread do one thing.
KINDS = range(1, 10)
ADD, TRAP, EXIT, LOOP, SLEEP, CALL, CALL_LOOP, THROW, SPAWN = KINDS

PROGRAM = f"""(module
  (import "env" "memory" (memory 1 10 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "f" (func $f (param i32)))
  (tag $tag (export "tag") (param i32))
  (global $own (mut i32) (i32.const 0))
  (func $init (global.set $own (i32.const 7)))
  (start $init)
  (func $is (param i32 i32) (result i32) (i32.eq (local.get 0) (local.get 1)))
  (func (export "wasi_thread_start") (param $number i32) (param $what i32)
    (drop (i32.atomic.rmw.add (i32.const 4) (global.get $own)))
    (global.set $own (local.get $number))
    (if (call $is (local.get $what) (i32.const {ADD})) (then
      (drop (i32.atomic.rmw.add (i32.const 0) (local.get $number)))))
    (if (call $is (local.get $what) (i32.const {TRAP})) (then unreachable))
    (if (call $is (local.get $what) (i32.const {EXIT})) (then (call $exit (i32.const 33))))
    (if (call $is (local.get $what) (i32.const {LOOP})) (then (loop $l (br $l))))
    (if (call $is (local.get $what) (i32.const {SLEEP})) (then (call $sleep)))
    (if (call $is (local.get $what) (i32.const {CALL})) (then (call $f (local.get $number))))
    (if (call $is (local.get $what) (i32.const {CALL_LOOP})) (then
      (call $f (local.get $number))
      (loop $l (br $l))))
    (if (call $is (local.get $what) (i32.const {THROW})) (then
      (throw $tag (local.get $number))))
    (if (call $is (local.get $what) (i32.const {SPAWN})) (then
      (drop (call $spawn (i32.const {ADD})))
      (drop (call $spawn (i32.const {LOOP}))))))
  (func $sleep (export "sleep")
    (drop (memory.atomic.wait32 (i32.const 16) (i32.const 0) (i64.const -1))))
  (func (export "spawn") (param i32) (result i32) (call $spawn (local.get 0)))
  (func (export "exit") (param i32) (call $exit (local.get 0)))
  (func (export "trap") unreachable)
  (func (export "loop") (loop $l (br $l)))
  (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
  (func (export "own") (result i32) (global.get $own))
  (func (export "_start")
    (drop (call $spawn (i32.const {LOOP})))
    (drop (call $spawn (i32.const {SLEEP})))
    (call $f (i32.const 0))))"""

WASM = wat(PROGRAM)


def nothing(_: int) -> None:
    pass


def program(
    f: Callable[..., None] = nothing, *, threads: int = 4, imports: Any = None, **options: Any
) -> Instance:
    given = {"env": {"f": f, **(imports or {})}}
    return Instance(Module(WASM), given, wasi=WasiConfig(threads=threads), **options)


def started(instance: Instance, *arguments: int) -> list[int]:
    """Starts threads that do not end by themselves, and waits until each has begun."""
    numbers = [instance.exports.spawn(argument) for argument in arguments]
    eventually(lambda: instance.exports.load(4) == 7 * len(arguments))
    return numbers


# ---- beginning ----


def test_threads_have_numbers_and_share_the_memory() -> None:
    with program() as instance:
        numbers = [instance.exports.spawn(ADD) for _ in range(3)]
        assert numbers == [1, 2, 3]
        eventually(lambda: instance.exports.load(0) == sum(numbers))


def test_each_thread_is_an_instance_whose_start_function_has_run() -> None:
    with program() as instance:
        started(instance, ADD, ADD)
        assert instance.exports.own() == 7


def test_a_thread_can_start_threads() -> None:
    with program() as instance:
        assert instance.exports.spawn(SPAWN) == 1
        eventually(lambda: instance.exports.load(0) == 2)
    all_threads_end()


def test_the_program_gets_a_memory_as_it_imports_it() -> None:
    assert program().memory.type == MemoryType(1, 10, shared=True)


def test_the_host_can_give_the_memory() -> None:
    memory = Memory(2, 10, shared=True)
    with program(imports={"memory": memory}) as instance:
        assert instance.exports.spawn(ADD) == 1
        eventually(lambda: memory.read_u32(0) == 1)


def test_a_memory_that_is_not_shared_is_not_made_for_the_program() -> None:
    with pytest.raises(LinkError, match=r"env\.memory"):
        load('(module (import "env" "memory" (memory 1)))', wasi=WasiConfig(threads=1))


def test_a_host_function_gets_the_instance_of_the_thread() -> None:
    seen = []

    @pywasm3.host(pass_instance=True)
    def f(instance: Instance, number: int) -> None:
        seen.append((instance.exports.own(), number))

    with program(f) as instance:
        assert instance.exports.spawn(CALL) == 1
        eventually(lambda: bool(seen))
    assert seen == [(1, 1)]


def test_missing_imports_trap_in_threads_too() -> None:
    instance = Instance(Module(WASM), wasi=WasiConfig(threads=1), missing="trap")
    with pytest.raises(Trap, match=r"env\.f, which the host was not given"):
        instance.exports.spawn(CALL)
        instance.exports.sleep()


# ---- how many ----


def test_there_are_no_threads_by_default() -> None:
    instance = Instance(Module(WASM), {"env": {"f": nothing}}, wasi=WasiConfig())
    assert instance.exports.spawn(ADD) == -EAGAIN


def test_a_program_cannot_have_more_threads_than_it_may() -> None:
    with program(threads=2) as instance:
        assert started(instance, LOOP, SLEEP) == [1, 2]
        assert instance.exports.spawn(ADD) == -EAGAIN


def test_a_thread_that_ends_makes_room_for_another_one() -> None:
    with program(threads=1) as instance:
        for _ in range(5):
            eventually(lambda: instance.exports.spawn(ADD) > 0)


def test_the_start_of_a_thread_waits_for_the_end_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program that has joined a thread may start one before the other's end is known here."""
    monkeypatch.setattr(pywasm3.wasi.threads, "_ROOM_SECONDS", PATIENCE)
    may_end = threading.Event()

    def f(_: int) -> None:
        may_end.wait(PATIENCE)

    with program(f, threads=1) as instance:
        assert instance.exports.spawn(CALL) == 1
        threading.Timer(0.01, may_end.set).start()
        assert instance.exports.spawn(ADD) == 2


def test_a_deadline_stops_a_start_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pywasm3.wasi.threads, "_ROOM_SECONDS", PATIENCE)
    begin = time.monotonic()
    with program(threads=1) as instance:
        started(instance, LOOP)
        with instance.deadline(0.05), pytest.raises(pywasm3.DeadlineExceeded):
            instance.exports.spawn(ADD)
    assert time.monotonic() - begin < PATIENCE


def test_a_module_without_a_function_for_threads_cannot_start_any() -> None:
    instance = load(
        """(module (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (func (export "wasi_thread_start") (param i32))
          (func (export "f") (result i32) (call $spawn (i32.const 0))))""",
        wasi=WasiConfig(threads=1),
    )
    assert instance.exports.f() == -ENOTSUP


def test_what_only_one_store_can_use_cannot_be_given_to_threads() -> None:
    counter = Global("i32", 0, mutable=True)
    instance = load(
        """(module (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "env" "counter" (global (mut i32)))
          (func (export "wasi_thread_start") (param i32 i32))
          (func (export "f") (result i32) (call $spawn (i32.const 0))))""",
        {"env": {"counter": counter}},
        wasi=WasiConfig(threads=1),
    )
    with pytest.raises(LinkError, match="of another store"):
        instance.exports.f()


@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), (1.0, TypeError), (True, TypeError)]
)
def test_the_number_of_threads_is_checked(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="threads"):
        WasiConfig(threads=value)


# ---- ending ----


def in_thread(instance: Instance, argument: int) -> BaseException:
    """Lets a thread end the program, whose call sleeps meanwhile; returns what the call raises."""
    started(instance, LOOP, SLEEP)
    with pytest.raises(BaseException) as caught:
        instance.exports.spawn(argument)
        instance.exports.sleep()
    all_threads_end()
    return caught.value


def test_a_trap_in_a_thread_ends_the_program() -> None:
    instance = program()
    error = in_thread(instance, TRAP)
    assert isinstance(error, Trap)
    assert error.kind is TrapKind.UNREACHABLE
    assert error.frames[0].name == "wasi_thread_start"
    assert "in thread 3 of the program" in error.__notes__


def test_later_calls_of_the_program_raise_what_ended_it() -> None:
    instance = program()
    error = in_thread(instance, TRAP)
    frames = set()
    for _ in range(3):
        with pytest.raises(Trap) as caught:
            instance.exports.own()
        assert caught.value is error
        frames.add(len(traceback.extract_tb(error.__traceback__)))
    assert len(frames) == 1
    with pytest.raises(Trap, match="unreachable"):
        instance.exports.spawn(ADD)


def test_an_exception_of_a_thread_ends_the_program() -> None:
    error = in_thread(program(), THROW)
    assert isinstance(error, WasmException)
    assert error.payload == (3,)


def test_an_exception_of_a_host_function_in_a_thread_ends_the_program() -> None:
    given = ValueError("of the host")

    def f(_: int) -> None:
        raise given

    assert in_thread(program(f), CALL) is given


def test_an_exit_in_a_thread_ends_the_program() -> None:
    instance = program()
    error = in_thread(instance, EXIT)
    assert isinstance(error, WasiExit)
    assert error.code == 33


def test_run_returns_the_exit_code_of_a_thread() -> None:
    def exits(_: int) -> None:
        instance.exports.spawn(EXIT)
        instance.exports.sleep()

    instance = program(exits)
    assert instance.run() == 33
    all_threads_end()


def test_the_end_of_the_program_ends_its_threads() -> None:
    instance = program()
    assert instance.run() == 0
    all_threads_end()
    assert instance.exports.spawn(ADD) == -EAGAIN


def test_an_exit_of_the_program_ends_its_threads() -> None:
    instance = program()
    started(instance, LOOP, SLEEP)
    with pytest.raises(WasiExit):
        instance.exports.exit(2)
    all_threads_end()


def test_a_trap_of_the_program_ends_its_threads() -> None:
    instance = program()
    started(instance, LOOP, SLEEP)
    with pytest.raises(Trap, match="unreachable"):
        instance.exports.trap()
    all_threads_end()
    assert instance.exports.own() == 7  # nothing stops calls after a trap of the program itself


def test_close_ends_threads() -> None:
    instance = program()
    started(instance, LOOP, SLEEP)
    instance.close()
    all_threads_end()


def test_threads_end_with_the_last_reference_to_the_instance() -> None:
    instance = program()
    started(instance, LOOP, SLEEP)
    del instance
    gc.collect()
    all_threads_end()


def test_functions_of_an_instance_that_is_gone_start_no_threads() -> None:
    exports = program().exports
    gc.collect()
    assert exports.own() == 7
    with pytest.raises(WasmError, match="must be kept"):
        exports.spawn(ADD)


def test_functions_of_an_instance_that_is_gone_do_not_wait_for_its_threads() -> None:
    instance = program()
    started(instance, LOOP)
    exports = instance.exports
    del instance
    gc.collect()
    all_threads_end()
    with pytest.raises(WasmError, match="must be kept"):
        exports.sleep()


def test_a_thread_that_finds_the_instance_gone_ends_too() -> None:
    """Python collects its garbage on any thread, here on the program's own one."""

    def f(_: int) -> None:
        unreachable.wait()
        gc.collect()

    unreachable = threading.Event()
    enabled = gc.isenabled()
    gc.disable()
    try:
        instance = program(f)
        instance.exports.spawn(CALL_LOOP)
        cycle = [instance]
        cycle.append(cycle)
        del instance, cycle
        unreachable.set()
        all_threads_end()
    finally:
        if enabled:
            gc.enable()


@pytest.mark.parametrize("end", ["close", "trap"])
def test_a_thread_that_ends_the_program_ends_too(end: str) -> None:
    ended = threading.Event()

    def f(_: int) -> None:
        with contextlib.suppress(Trap):
            instance.close() if end == "close" else instance.exports.trap()
        ended.set()

    instance = program(f)
    instance.exports.spawn(CALL_LOOP)
    assert ended.wait(PATIENCE)
    all_threads_end()


def test_the_program_waits_for_a_thread_that_is_in_a_host_function() -> None:
    left = []

    def f(number: int) -> None:
        if number:
            entered.set()
            time.sleep(0.05)
            left.append(number)
        else:
            instance.exports.spawn(CALL)
            assert entered.wait(PATIENCE)

    entered = threading.Event()
    instance = program(f)
    assert instance.run() == 0
    assert left == [3]


def test_a_trap_does_not_wait_for_a_thread_that_waits_for_the_program() -> None:
    """The thread's host function wants the store of the program, whose host function traps."""
    interrupted = []

    def f(number: int) -> None:
        if number:
            called.set()
            with pytest.raises(Interrupted):
                instance.exports.load(4)
            interrupted.append(number)
        else:
            instance.exports.spawn(CALL)
            assert called.wait(PATIENCE)
            with pytest.raises(Trap, match="unreachable"):
                instance.exports.trap()

    called = threading.Event()
    instance = program(f)
    instance.exports._start()
    all_threads_end()
    assert interrupted == [3]


def test_the_end_of_the_process_ends_threads() -> None:
    snippet = f"""
    from pywasm3.wasi import WasiConfig
    given = {{"env": {{"f": print}}}}
    instance = pywasm3.Instance(pywasm3.Module(data), given, wasi=WasiConfig(threads=2))
    print(instance.exports.spawn({LOOP}), instance.exports.spawn({SLEEP}))
    """
    assert child(snippet, data=WASM).stdout == "1 2\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_the_child_of_a_fork_has_no_threads_of_the_guest() -> None:
    snippet = f"""
    import os, warnings
    warnings.simplefilter("ignore")
    from pywasm3.wasi import WasiConfig
    given = {{"env": {{"f": print}}}}
    instance = pywasm3.Instance(pywasm3.Module(data), given, wasi=WasiConfig(threads=2))
    instance.exports.spawn({LOOP}), instance.exports.spawn({SLEEP})
    if not os.fork():
        instance.close()
        other = pywasm3.Instance(pywasm3.Module(data), given, wasi=WasiConfig(threads=2))
        os._exit(40 + other.exports.spawn({SLEEP}))
    print(os.waitstatus_to_exitcode(os.wait()[1]))
    """
    assert child(snippet, data=WASM).stdout == "41\n"


# ---- limits ----


def test_the_memories_of_all_threads_count_together() -> None:
    """Each instance has a memory of a page besides the shared one, which also has a page."""
    instance = load(
        """(module (import "env" "memory" (memory 1 1 shared))
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (memory 1)
          (func (export "wasi_thread_start") (param i32 i32)
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
          (func (export "spawn") (result i32) (call $spawn (i32.const 0))))""",
        wasi=WasiConfig(threads=10),
        limits=Limits(memory=4 << 16),
    )
    assert [instance.exports.spawn() for _ in range(4)] == [1, 2, -EAGAIN, -EAGAIN]
    instance.close()


def test_what_a_thread_has_allocated_is_free_after_its_end() -> None:
    """A thread compiles its functions, which takes some of the limit on everything."""
    with program(threads=1, limits=Limits(total=1 << 20)) as instance:
        for _ in range(100):
            eventually(lambda: instance.exports.spawn(ADD) > 0)
        eventually(lambda: instance.exports.load(4) == 700)


def test_all_threads_share_the_fuel() -> None:
    instance = program(limits=Limits(fuel=100_000))
    with pytest.raises(OutOfFuel):
        for _ in range(3):
            instance.exports.spawn(LOOP)
        instance.exports.sleep()
    all_threads_end()
    # Another thread may have drawn up to a sixteenth of the fuel and not have used it.
    assert instance.fuel is not None
    assert instance.fuel <= 3 * 100_000 // 16


def test_fuel_that_threads_did_not_use_comes_back() -> None:
    """Each call of thread-spawn, and each of $is in a thread, takes a unit."""
    with program(limits=Limits(fuel=1_000_000)) as instance:
        before = instance.fuel
        started(instance, ADD)
        eventually(lambda: instance.fuel == before - 1 - len(KINDS))


def test_fuel_can_be_set_while_threads_run() -> None:
    instance = program()
    started(instance, LOOP)
    assert instance.fuel is None
    instance.fuel = 10_000
    with pytest.raises(OutOfFuel):
        instance.exports.sleep()
    all_threads_end()


def test_a_timeout_ends_threads() -> None:
    instance = program(limits=Limits(timeout=0.05))
    with pytest.raises(DeadlineExceeded):
        instance.exports.spawn(LOOP)
        instance.exports.sleep()
    all_threads_end()


def test_a_deadline_ends_threads() -> None:
    instance = program()
    started(instance, LOOP, SLEEP)
    with instance.deadline(0.05), pytest.raises(DeadlineExceeded):
        instance.exports.loop()
    all_threads_end()


def test_a_deadline_ends_threads_while_a_host_function_calls_another_guest() -> None:
    other = load("""(module (func (export "loop") (loop $l (br $l))))""")
    instance = program(lambda number: None if number else other.exports.loop())
    with instance.deadline(0.05), pytest.raises(DeadlineExceeded):
        instance.exports._start()
    all_threads_end()


def test_an_exception_of_a_host_function_leaves_the_threads_of_a_library() -> None:
    def f(number: int) -> None:
        if not number:
            raise KeyError(number)

    with program(f) as instance:
        with pytest.raises(KeyError):
            instance.exports._start()
        assert instance.exports.spawn(CALL) == 3
        eventually(lambda: instance.exports.load(4) == 21)


def test_an_interruption_ends_threads() -> None:
    instance = program()
    started(instance, LOOP, SLEEP)
    timer = threading.Timer(0.05, instance.interrupt)
    timer.start()
    with pytest.raises(Interrupted):
        instance.exports.sleep()
    timer.join()
    all_threads_end()


def test_an_interruption_of_the_start_of_a_thread_ends_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = program()
    started(instance, LOOP)
    make = Instance._of_thread

    def interrupts(*arguments: Any) -> Instance:
        instance.interrupt()
        return make(*arguments)

    monkeypatch.setattr(Instance, "_of_thread", interrupts)
    with pytest.raises(Interrupted):
        instance.exports.spawn(ADD)
    all_threads_end()


def test_a_cancellation_ends_threads() -> None:
    async def main() -> None:
        instance = program()
        started(instance, LOOP, SLEEP)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(instance.exports.sleep.aio(), 0.05)
        await asyncio.to_thread(all_threads_end)

    asyncio.run(main())


# ---- pools and snapshots ----


def test_a_pool_uses_a_program_with_threads_again() -> None:
    imports = {"env": {"f": nothing}}
    with InstancePool(Module(WASM), imports, wasi=WasiConfig(threads=4), size=1) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert started(instance, LOOP, SLEEP)
            all_threads_end()


def test_a_pool_does_not_use_a_program_again_that_a_thread_has_ended() -> None:
    imports = {"env": {"f": nothing}}
    with InstancePool(Module(WASM), imports, wasi=WasiConfig(threads=4), size=1) as pool:
        for _ in range(3):
            with pool.instance() as instance, pytest.raises(Trap):
                instance.exports.spawn(TRAP)
                instance.exports.sleep()


# ---- functions of WASI ----

FILES = """(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (data "name")
  (func $place (param i32) (result i32) (i32.mul (local.get 0) (i32.const 256)))
  (func (export "wasi_thread_start") (param $number i32) (param $what i32) (local $at i32)
    (local.set $at (call $place (local.get $number)))
    (block $end (block $reads (block $writes (block $opens
      (br_table $opens $writes $reads (local.get $what)))
      ;; opens a new file, and notes its descriptor
      (memory.init 0 (local.get $at) (i32.const 0) (i32.const 4))
      (i32.store8 offset=4 (local.get $at) (i32.add (local.get $number) (i32.const 48)))
      (drop (call $open (i32.const 3) (i32.const 0) (local.get $at) (i32.const 5) (i32.const 1)
        (i64.const -1) (i64.const -1) (i32.const 0) (i32.add (local.get $at) (i32.const 16))))
      (br $end))
      ;; writes 100 times the bytes at 8, of which there are 4
      (i32.store (local.get $at) (i32.const 8))
      (i32.store offset=4 (local.get $at) (i32.const 4))
      (local.set $what (i32.const 100))
      (loop $l
        (drop (call $write (i32.const 1) (local.get $at) (i32.const 1)
          (i32.add (local.get $at) (i32.const 16))))
        (br_if $l (local.tee $what (i32.sub (local.get $what) (i32.const 1)))))
      (br $end))
      ;; reads up to 4 bytes
      (i32.store (local.get $at) (i32.add (local.get $at) (i32.const 32)))
      (i32.store offset=4 (local.get $at) (i32.const 4))
      (drop (call $read (i32.const 0) (local.get $at) (i32.const 1)
        (i32.add (local.get $at) (i32.const 16)))))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
  (func (export "spawn") (param i32) (result i32) (call $spawn (local.get 0)))
  (func (export "count") (result i32) (i32.atomic.load (i32.const 0))))"""

OPENS, WRITES, READS = range(3)


def files(**options: Any) -> Instance:
    return Instance(Module(wat(FILES)), wasi=WasiConfig(threads=9, **options))


def test_threads_share_the_descriptors() -> None:
    directory = VirtualDir()
    with files(preopens={"/": directory}) as instance:
        numbers = [instance.exports.spawn(OPENS) for _ in range(9)]
        eventually(lambda: instance.exports.count() == 9)
        found = {instance.memory.read_u32(256 * number + 16) for number in numbers}
        assert found == set(range(4, 13))


def test_the_lines_of_threads_do_not_mix() -> None:
    with files(stdout=CAPTURE) as instance:
        instance.memory.write(8, b"abc\n")
        for _ in range(9):
            assert instance.exports.spawn(WRITES) > 0
        eventually(lambda: instance.exports.count() == 9)
        assert instance.wasi.stdout == b"abc\n" * 900


def reads_while_another_writes(instance: Instance, give: Callable[[], Any]) -> None:
    instance.memory.write(8, b"abc\n")
    assert instance.exports.spawn(READS) == 1
    time.sleep(0.02)  # the thread should wait by now
    assert instance.exports.spawn(WRITES) == 2
    eventually(lambda: instance.exports.count() == 1)
    give()
    eventually(lambda: instance.exports.count() == 2)
    assert instance.memory.read(256 + 32, 4) == b"data"


def test_a_thread_writes_while_another_one_waits_for_a_file_object() -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as stdin, files(stdin=stdin, stdout=CAPTURE) as instance:
        reads_while_another_writes(instance, lambda: os.write(writer, b"data"))
    os.close(writer)


@pytest.mark.parametrize("back", [False, True])
def test_a_file_object_may_call_another_program_with_threads(back: bool) -> None:
    """With `back`, a file object of the other program calls the first one again."""

    class File(io.RawIOBase):
        def __init__(self, called: Callable[[], Instance]) -> None:
            self.called = called
            self.depth = 0

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.depth += 1
            if self.depth < 3:
                assert self.called().exports.write() == 0
            self.depth -= 1
            return len(data)

    def loaded(stdout: Any) -> Instance:
        return load(
            """(module (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00a\\0a")
              (func (export "write") (result i32)
                (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))""",
            wasi=WasiConfig(threads=1, stdout=stdout),
            limits=Limits(timeout=PATIENCE),
        )

    inner = loaded(File(lambda: outer) if back else CAPTURE)
    outer = loaded(File(lambda: inner))
    for _ in range(2):
        assert outer.exports.write() == 0
        assert inner.exports.write() == 0


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """The path of a FIFO, and a descriptor that keeps it open, to write to."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no FIFOs")
    path = tmp_path / "fifo"
    os.mkfifo(path)
    keeper = os.open(path, os.O_RDWR)
    yield path, keeper
    os.close(keeper)


def test_a_thread_writes_while_another_one_waits_for_a_fifo(fifo: tuple[Path, int]) -> None:
    path, keeper = fifo
    with files(stdin=path, stdout=CAPTURE) as instance:
        reads_while_another_writes(instance, lambda: os.write(keeper, b"data"))


def test_threads_that_wait_in_functions_of_wasi_end(fifo: tuple[Path, int]) -> None:
    instance = files(stdin=fifo[0])
    assert [instance.exports.spawn(READS) for _ in range(3)] == [1, 2, 3]
    time.sleep(0.02)
    instance.close()
    all_threads_end()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_the_child_of_a_fork_can_call_functions_of_wasi() -> None:
    """Another thread of the guest writes at that moment, which takes as long as the test."""
    snippet = f"""
    import os, threading, warnings
    warnings.simplefilter("ignore")
    from pywasm3.wasi import WasiConfig
    class Output:
        def write(self, data):
            writes.set()
            may_end.wait()
            return len(data)
    writes, may_end = threading.Event(), threading.Event()
    config = WasiConfig(threads=1, stdout=Output())
    instance = pywasm3.Instance(pywasm3.Module(data), wasi=config)
    instance.memory.write(8, b"abc!")
    instance.exports.spawn({WRITES})
    writes.wait()
    if not os.fork():
        yields, _ = instance.wasi.function("wasi_snapshot_preview1", "sched_yield")
        os._exit(40 + yields())
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
    may_end.set()
    instance.close()
    """
    assert child(snippet, data=wat(FILES)).stdout == "40\n"
