# SPDX-License-Identifier: MIT
"""Threads that share a memory, each with a store of its own: waiting, notifying, atomic accesses.

The litmus tests look for outcomes that the memory model forbids. What is expected is written by
hand from the small modules below. Waits without an end are in a child process, or another thread
ends them, so that a lost notification fails a test by a timeout.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, child, hammer, load, wat
from pywasm3 import DeadlineExceeded, Interrupted, Memory, Trap

# Seconds that a slow machine under load may take.
PATIENCE = 60.0

WAITER = """(module (import "env" "memory" (memory 1 64 shared))
  (import "env" "f" (func $f (param i32) (result i32)))
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "add") (param i32 i32) (result i32)
    (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func (export "call") (param i32) (result i32) (call $f (local.get 0))))"""

WASM = wat(WAITER)
FOREVER = -1


def waiter(memory: Memory, f: Callable[[int], int] = abs) -> pywasm3.Instance:
    return load(WAITER, {"env": {"memory": memory, "f": f}})


def notified(memory: Memory, address: int, count: int) -> None:
    """Notifies until `count` threads were woken, which may come later than this thread."""
    end = time.monotonic() + PATIENCE
    while count:
        assert time.monotonic() < end, f"{count} threads do not wait"
        count -= memory.notify(address, count)
        time.sleep(0.001)


def start(target: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Runs a function on a thread; the list gets its result, or its exception."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(target())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def result(started: tuple[threading.Thread, list[Any]]) -> Any:
    thread, results = started
    thread.join(PATIENCE)
    assert results, "the thread does not end"
    return results[0]


# ---- waiting and notifying -----------------------------------------------------------------------


@pytest.mark.parametrize("width", [32, 64])
def test_a_guest_waits_until_it_is_notified(width: int) -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    started = start(lambda: a.exports[f"wait{width}"](16, 0, FOREVER))
    notified(memory, 16, 1)
    assert result(started) == 0


def test_a_guest_notifies_another_guest_and_python() -> None:
    memory = Memory(1, 64, shared=True)
    a, b = waiter(memory), waiter(memory)
    guest, host = (
        start(lambda: a.exports.wait32(16, 0, FOREVER)),
        start(lambda: memory.wait(16, 0)),
    )
    end, woken = time.monotonic() + PATIENCE, 0
    while woken < 2 and time.monotonic() < end:
        woken += b.exports.notify(16, 5)
    assert (result(guest), result(host)) == (0, "ok")


def test_threads_wake_in_the_order_in_which_they_came() -> None:
    memory = Memory(1, 64, shared=True)
    order: list[int] = []
    instances = [waiter(memory) for _ in range(6)]
    started = []
    for number, instance in enumerate(instances):

        def wait(number: int = number, instance: pywasm3.Instance = instance) -> None:
            if number % 2:
                memory.wait(8, 0)
            else:
                instance.exports.wait32(8, 0, FOREVER)
            order.append(number)

        started.append(start(wait))
        # The next one starts when this one waits: a waiting thread at another address shows when.
        time.sleep(0.05)
    for number in range(6):
        notified(memory, 8, 1)
        end = time.monotonic() + PATIENCE
        while len(order) <= number and time.monotonic() < end:
            time.sleep(0.001)
    for thread in started:
        result(thread)
    assert order == [0, 1, 2, 3, 4, 5]


def test_only_threads_at_the_address_of_the_same_memory_wake() -> None:
    memory, other = Memory(1, 64, shared=True), Memory(1, 64, shared=True)
    a = waiter(memory)
    started = start(lambda: a.exports.wait32(16, 0, FOREVER))
    time.sleep(0.05)
    assert [other.notify(16), memory.notify(12), memory.notify(20), memory.notify(16, 0)] == [0] * 4
    notified(memory, 16, 1)
    assert result(started) == 0


def test_a_wait_takes_as_long_as_its_timeout() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    begin = time.monotonic()
    assert a.exports.wait32(0, 0, 80_000_000) == 2
    middle = time.monotonic()
    assert memory.wait(0, 0, 0.08) == "timed-out"
    assert middle - begin >= 0.08
    assert time.monotonic() - middle >= 0.08


def test_other_threads_run_while_a_guest_waits() -> None:
    """The main thread waits; the GIL is free for the thread that notifies."""
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    started = start(lambda: notified(memory, 0, 1))
    assert a.exports.wait32(0, 0, FOREVER) == 0
    assert result(started) is None


def test_two_guests_take_turns() -> None:
    """Each waits for the other one's number: a lost notification would be a hang."""
    text = """(module (import "env" "memory" (memory 1 64 shared))
      (func (export "play") (param $me i32) (param $rounds i32) (local $turn i32)
        (loop $next
          (block $mine
            (loop $again
              (local.set $turn (i32.atomic.load (i32.const 64)))
              (br_if $mine (i32.eq (i32.and (local.get $turn) (i32.const 1)) (local.get $me)))
              (drop (memory.atomic.wait32 (i32.const 64) (local.get $turn) (i64.const -1)))
              (br $again)))
          (i32.store (i32.const 128) (i32.add (i32.load (i32.const 128)) (i32.const 1)))
          (i32.atomic.store (i32.const 64) (i32.add (local.get $turn) (i32.const 1)))
          (drop (memory.atomic.notify (i32.const 64) (i32.const 1)))
          (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))"""
    memory = Memory(1, 64, shared=True)
    players = [load(text, {"env": {"memory": memory}}) for _ in range(2)]
    rounds = 300
    hammer(*[lambda n: players[n].exports.play(n, rounds)] * 2, threads=2)
    assert (memory.read_u32(64), memory.read_u32(128)) == (2 * rounds, 2 * rounds)


# A mutex as C libraries have it: 0 is free, 1 is locked, 2 is locked and somebody waits.
MUTEX = """(module (import "env" "memory" (memory 1 64 shared))
  (func $lock
    (local $found i32)
    (br_if 0 (i32.eqz (local.tee $found
      (i32.atomic.rmw.cmpxchg (i32.const 256) (i32.const 0) (i32.const 1)))))
    (loop $again
      (if (i32.eq (i32.atomic.rmw.xchg (i32.const 256) (i32.const 2)) (i32.const 0))
        (then (return)))
      (drop (memory.atomic.wait32 (i32.const 256) (i32.const 2) (i64.const -1)))
      (br $again)))
  (func $unlock
    (if (i32.eq (i32.atomic.rmw.xchg (i32.const 256) (i32.const 0)) (i32.const 2))
      (then (drop (memory.atomic.notify (i32.const 256) (i32.const 1))))))
  (func (export "count") (param $rounds i32) (local $work i32)
    (loop $next
      (call $lock)
      (i64.store (i32.const 512) (i64.add (i64.load (i32.const 512)) (i64.const 1)))
      (local.set $work (i32.const 50))
      (loop $busy
        (br_if $busy (local.tee $work (i32.sub (local.get $work) (i32.const 1)))))
      (call $unlock)
      (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))"""


def test_a_mutex_of_the_guest_excludes_threads() -> None:
    memory = Memory(1, 64, shared=True)
    instances = [load(MUTEX, {"env": {"memory": memory}}) for _ in range(4)]
    rounds = 400 if SANITIZED else 2000
    hammer(*[lambda n: instances[n].exports.count(rounds)] * 4, threads=4)
    assert memory.read_u64(512) == 4 * rounds


def test_atomic_additions_of_many_threads_are_not_lost() -> None:
    text = """(module (import "env" "memory" (memory 1 64 shared))
      (func (export "f") (param $rounds i32)
        (loop $next
          (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
          (drop (i64.atomic.rmw.sub (i32.const 8) (i64.const 3)))
          (drop (i32.atomic.rmw8.xor_u (i32.const 16) (i32.const 1)))
          (drop (i32.atomic.rmw16.add_u (i32.const 18) (i32.const 1)))
          (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))"""
    memory = Memory(1, 64, shared=True)
    instances = [load(text, {"env": {"memory": memory}}) for _ in range(4)]
    rounds = 5001
    hammer(*[lambda n: instances[n].exports.f(rounds)] * 4, threads=4)
    total = 4 * rounds
    assert (memory.read_u32(0), memory.read_i64(8)) == (total, -3 * total)
    assert (memory.read_u8(16), memory.read_u16(18)) == (0, total % 65536)


# ---- litmus tests --------------------------------------------------------------------------------

# Each thread runs one side of a test many times, with cells of its own for each time. The two meet
# before every 64 times, so that they run at the same moment. Cells of a time lie 16 bytes apart.
TIMES = 6400
AT_ONCE = 64
PAGES = 16


def litmus(side: str) -> str:
    """A module that runs a side with $cell, the address of the cells, and $me, 0 or 1."""
    return f"""(module (import "env" "memory" (memory {PAGES} {PAGES} shared))
      (func $meet (param $count i32)
        (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
        (loop $wait
          (br_if $wait (i32.lt_u (i32.atomic.load (i32.const 0)) (local.get $count)))))
      (func $side (param $me i32) (param $cell i32) (local $found i32) {side})
      (func (export "run") (param $me i32) (local $i i32)
        (loop $next
          (if (i32.eqz (i32.rem_u (local.get $i) (i32.const {AT_ONCE})))
            (then (call $meet (i32.add (i32.const 2)
              (i32.mul (i32.div_u (local.get $i) (i32.const {AT_ONCE})) (i32.const 2))))))
          (call $side (local.get $me)
            (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 16))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $i) (i32.const {TIMES}))))))"""


def outcomes(*sides: str) -> set[tuple[int, int, int, int]]:
    """Runs the sides on two threads. Returns the contents that the four cells had afterwards."""
    memory = Memory(PAGES, PAGES, shared=True)
    instances = [load(litmus(side), {"env": {"memory": memory}}) for side in sides]
    hammer(*[lambda n: instances[n].exports.run(n)] * 2, threads=2)
    return {memory.unpack("4I", 1024 + 16 * i) for i in range(TIMES)}


def own(offset: int) -> str:
    """The address of a cell of this thread; the other thread's is at the other offset."""
    mine = f"(i32.add (i32.const {offset}) (i32.shl (local.get $me) (i32.const 2)))"
    return f"(i32.add (local.get $cell) {mine})"


OTHER = (
    "(i32.add (local.get $cell) (i32.shl (i32.xor (local.get $me) (i32.const 1)) (i32.const 2)))"
)

# Each thread writes 1 to its cell, and then reads the other one's, to which it adds 2.
STORE_BUFFERING = {
    "atomic accesses": (
        f"(i32.atomic.store {own(0)} (i32.const 1))"
        f"(i32.store {own(8)} (i32.add (i32.const 2) (i32.atomic.load {OTHER})))"
    ),
    "exchanges": (
        f"(drop (i32.atomic.rmw.xchg {own(0)} (i32.const 1)))"
        f"(i32.store {own(8)} (i32.add (i32.const 2) (i32.atomic.load {OTHER})))"
    ),
    "a fence between plain accesses": (
        f"(i32.store {own(0)} (i32.const 1)) (atomic.fence)"
        f"(i32.store {own(8)} (i32.add (i32.const 2) (i32.load {OTHER})))"
    ),
}


@pytest.mark.parametrize("kind", STORE_BUFFERING)
def test_store_buffering(kind: str) -> None:
    """At least one of the two threads sees what the other one has written."""
    found = outcomes(STORE_BUFFERING[kind], STORE_BUFFERING[kind])
    assert found <= {(1, 1, 2, 3), (1, 1, 3, 2), (1, 1, 3, 3)}


def test_message_passing() -> None:
    """What was written before the flag is there once the flag is seen."""
    write = """(i32.store (local.get $cell) (i32.const 42))
      (i32.atomic.store offset=4 (local.get $cell) (i32.const 1))"""
    read = """(local.set $found (i32.atomic.load offset=4 (local.get $cell)))
      (i32.store offset=8 (local.get $cell) (local.get $found))
      (i32.store offset=12 (local.get $cell)
        (select (i32.load (local.get $cell)) (i32.const 42) (local.get $found)))"""
    assert outcomes(write, read) <= {(42, 1, 0, 42), (42, 1, 1, 42)}


def test_load_buffering() -> None:
    """Not both threads read what the other one writes after its own reading."""
    side = (
        f"(i32.store {own(8)} (i32.atomic.load {OTHER})) (i32.atomic.store {own(0)} (i32.const 1))"
    )
    assert outcomes(side, side) <= {(1, 1, 0, 0), (1, 1, 0, 1), (1, 1, 1, 0)}


def test_a_number_is_written_whole() -> None:
    """A 64-bit number that one thread writes is never seen half written."""
    write = "(i64.atomic.store (local.get $cell) (i64.const -1))"
    read = "(i64.store offset=8 (local.get $cell) (i64.atomic.load (local.get $cell)))"
    whole = 0xFFFFFFFF
    assert outcomes(write, read) <= {(whole, whole, 0, 0), (whole, whole, whole, whole)}


# ---- growth --------------------------------------------------------------------------------------


def test_a_new_page_can_be_used_as_soon_as_its_address_is_known() -> None:
    grower = """(module (import "env" "memory" (memory 1 64 shared))
      (func (export "run") (local $address i32)
        (loop $next
          (local.set $address (i32.shl (memory.grow (i32.const 1)) (i32.const 16)))
          (i32.store offset=65532 (local.get $address) (local.get $address))
          (i32.atomic.store (i32.const 0) (local.get $address))
          (br_if $next (i32.lt_u (memory.size) (i32.const 64))))))"""
    reader = """(module (import "env" "memory" (memory 1 64 shared))
      (func (export "run") (local $address i32)
        (loop $next
          (local.set $address (i32.atomic.load (i32.const 0)))
          (if (local.get $address) (then
            (if (i32.ne (i32.load offset=65532 (local.get $address)) (local.get $address))
              (then unreachable))))
          (br_if $next (i32.lt_u (local.get $address) (i32.const 0x3f0000))))))"""
    memory = Memory(1, 64, shared=True)
    instances = [load(text, {"env": {"memory": memory}}) for text in (grower, reader, reader)]
    hammer(*[lambda n: instances[n].exports.run()] * 3, threads=3)
    assert memory.pages == 64


def test_many_threads_grow_at_once() -> None:
    text = """(module (import "env" "memory" (memory 1 64 shared))
      (func (export "grow") (result i32) (memory.grow (i32.const 1))))"""
    memory = Memory(1, 64, shared=True)
    found: list[int] = []

    def act(number: int) -> None:
        instance = load(text, {"env": {"memory": memory}})
        for _ in range(8):
            found.append(memory.grow(1) if number % 2 else instance.exports.grow())

    hammer(act, threads=7)
    assert sorted(found) == list(range(1, 57))
    assert memory.pages == 57


def test_a_memory_grows_while_a_guest_waits() -> None:
    """Python need not wait for the turn in the store of the guest."""
    memory = Memory(1, 64, shared=True)
    a = waiter(memory, lambda x: x)
    started = start(lambda: a.exports.wait32(0, 0, FOREVER))
    time.sleep(0.05)
    assert (memory.grow(2), memory.type.min) == (1, 3)
    notified(memory, 0, 1)
    assert result(started) == 0


def test_stores_come_and_go_while_others_use_the_memory() -> None:
    memory = Memory(1, 64, shared=True)

    def act(number: int) -> None:
        for _ in range(30):
            a = waiter(memory)
            a.exports.add(4, 1)
            a.exports.notify(8, 1)
            if number % 2:
                a.store.close()

    hammer(act)
    assert memory.read_u32(4) == 8 * 30


# ---- what ends a wait ----------------------------------------------------------------------------


def test_a_deadline_ends_a_wait() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    begin = time.monotonic()
    with a.deadline(0.05), pytest.raises(DeadlineExceeded):
        a.exports.wait32(0, 0, FOREVER)
    assert time.monotonic() - begin >= 0.05
    assert memory.notify(0) == 0
    assert a.exports.wait32(0, 0, 0) == 2


def test_a_timeout_of_calls_ends_a_wait() -> None:
    memory = Memory(1, 64, shared=True)
    limits = pywasm3.Limits(timeout=0.05)
    a = load(WAITER, {"env": {"memory": memory, "f": abs}}, limits=limits)
    with pytest.raises(DeadlineExceeded):
        a.exports.wait64(0, 0, FOREVER)
    assert memory.notify(0) == 0


def test_an_interruption_ends_a_wait() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    started = start(lambda: a.exports.wait32(0, 0, FOREVER))
    end = time.monotonic() + PATIENCE
    while not a.interrupt() and time.monotonic() < end:
        time.sleep(0.001)
    assert isinstance(result(started), Interrupted)
    assert memory.notify(0) == 0


def test_a_cancelled_task_ends_a_wait() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(a.exports.wait32.aio(0, 0, FOREVER), 0.05)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert a.exports.wait32(0, 1, FOREVER) == 1
    assert memory.notify(0) == 0


def test_what_stops_a_call_ends_a_wait_of_its_host_function() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory, lambda x: len(memory.wait(0, 0)))
    with a.deadline(0.05), pytest.raises(DeadlineExceeded):
        a.exports.call(1)
    started = start(lambda: a.exports.call(1))
    end = time.monotonic() + PATIENCE
    while not a.interrupt() and time.monotonic() < end:
        time.sleep(0.001)
    assert isinstance(result(started), Interrupted)
    started = start(lambda: a.exports.call(1))
    notified(memory, 0, 1)
    assert result(started) == len("ok")


def test_fuel_is_not_used_by_waiting() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    a.store.fuel = 1000
    assert a.exports.wait32(0, 0, 30_000_000) == 2
    assert a.store.fuel == 1000


def test_a_trap_has_the_place_of_the_wait() -> None:
    memory = Memory(1, 64, shared=True)
    a = waiter(memory)
    with a.deadline(0.01), pytest.raises(Trap) as caught:
        a.exports.wait32(0, 0, FOREVER)
    (frame,) = caught.value.frames
    assert frame.offset is not None
    assert WASM[frame.offset : frame.offset + 2] == b"\xfe\x01"


SIGNALS = """
import signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
memory = pywasm3.Memory(1, 64, shared=True)
a = pywasm3.load(WASM, {"env": {"memory": memory, "f": abs}})
threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT)).start()
"""


@pytest.mark.parametrize("call", ["a.exports.wait32(0, 0, -1)", "memory.wait(0, 0)"])
def test_ctrl_c_ends_a_wait(call: str) -> None:
    child(
        SIGNALS
        + f"""
try:
    {call}
except KeyboardInterrupt:
    assert memory.notify(0) == 0
    assert a.exports.wait32(0, 1, -1) == 1
else:
    raise SystemExit("the wait ended without the exception")
""",
        WASM=WASM,
    )


def test_a_process_ends_while_daemon_threads_wait() -> None:
    child(
        """
        import threading, time
        memory = pywasm3.Memory(1, 64, shared=True)
        a = pywasm3.load(WASM, {"env": {"memory": memory, "f": abs}})
        for wait in (lambda: a.exports.wait32(0, 0, -1), lambda: memory.wait(0, 0)):
            threading.Thread(target=wait, daemon=True).start()
        time.sleep(0.1)
        """,
        WASM=WASM,
    )


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_the_child_of_a_fork_has_no_waiting_threads() -> None:
    """The bytes stay shared with the parent, as the pages of such a mapping do."""
    child(
        """
        import os, threading, time, warnings
        warnings.simplefilter("ignore")
        memory = pywasm3.Memory(1, 64, shared=True)
        a = pywasm3.load(WASM, {"env": {"memory": memory, "f": abs}})
        threads = [
            threading.Thread(target=wait)
            for wait in (lambda: a.exports.wait32(0, 0, -1), lambda: memory.wait(0, 0))
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        pid = os.fork()
        if not pid:
            b = pywasm3.load(WASM, {"env": {"memory": memory, "f": abs}})
            good = memory.notify(0) == 0 and b.exports.wait32(0, 0, 1000) == 2
            memory.write_u32(8, 7)
            os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert memory.read_u32(8) == 7
        woken = 0
        while woken < 2:
            woken += memory.notify(0)
        for thread in threads:
            thread.join()
        """,
        WASM=WASM,
    )
