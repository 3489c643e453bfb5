# SPDX-License-Identifier: MIT
"""Senseless use of shared memories and of waiting; the memory must work afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3 import Memory, WasmError

PAGE = 65536


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Memory(1, shared=True), ValueError),
        (lambda: Memory(2, 1, shared=True), ValueError),
        (lambda: Memory(0, (1 << 16) + 1, shared=True), ValueError),
        (lambda: Memory(-1, 1, shared=True), ValueError),
        (lambda: Memory(1, 1, True), TypeError),
        (lambda: Memory(1, 1, shared=True, store=5), TypeError),
        (lambda: Memory(1 << 47, 1 << 48, shared=True, address="i64"), MemoryError),
    ],
)
def test_memories_that_cannot_be_made(make: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


WRONG: list[tuple[Callable[[Memory], Any], type[Exception]]] = [
    (lambda m: m.wait(), TypeError),
    (lambda m: m.wait(0), TypeError),
    (lambda m: m.wait(0, 0, 0, 32), TypeError),
    (lambda m: m.wait("0", 0), TypeError),
    (lambda m: m.wait(0, "0"), TypeError),
    (lambda m: m.wait(0, 0.0), TypeError),
    (lambda m: m.wait(0, None), TypeError),
    (lambda m: m.wait(0, 0, "1"), TypeError),
    (lambda m: m.wait(0, 0, -1), ValueError),
    (lambda m: m.wait(0, 0, float("nan")), ValueError),
    (lambda m: m.wait(0, 0, 0, width=16), ValueError),
    (lambda m: m.wait(0, 0, 0, width=None), ValueError),
    (lambda m: m.wait(0, 1 << 32), OverflowError),
    (lambda m: m.wait(0, -(1 << 31) - 1), OverflowError),
    (lambda m: m.wait(0, 1 << 64, width=64), OverflowError),
    (lambda m: m.wait(2, 0, 0), ValueError),
    (lambda m: m.wait(4, 0, 0, width=64), ValueError),
    (lambda m: m.wait(PAGE, 0, 0), IndexError),
    (lambda m: m.wait(PAGE - 2, 0, 0), IndexError),
    (lambda m: m.wait(-4, 0, 0), IndexError),
    (lambda m: m.wait(1 << 70, 0, 0), IndexError),
    (lambda m: m.notify(), TypeError),
    (lambda m: m.notify("0"), TypeError),
    (lambda m: m.notify(0, "1"), TypeError),
    (lambda m: m.notify(0, 1.0), TypeError),
    (lambda m: m.notify(0, -1), ValueError),
    (lambda m: m.notify(1), ValueError),
    (lambda m: m.notify(PAGE), IndexError),
    (lambda m: m.notify(-1), IndexError),
    (lambda m: m._wait(0, 3, 0, 0), ValueError),
    (lambda m: m._wait(0, 4, -1, 0), OverflowError),
    (lambda m: m._wait(0, 4, 0, 1 << 63), OverflowError),
    (lambda m: m._wait(0, 4, 0), TypeError),
    (lambda m: m._notify(0, 4, -1), OverflowError),
    (lambda m: m._notify(0, 4), TypeError),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_arguments_of_waiting(number: int) -> None:
    call, error = WRONG[number]
    memory = Memory(1, 2, shared=True)
    with pytest.raises(error):
        call(memory)
    assert (memory.wait(0, 0, 0), memory.wait(0, 1), memory.notify(0)) == (
        "timed-out",
        "not-equal",
        0,
    )


def test_counts_and_timeouts_may_be_huge() -> None:
    memory = Memory(1, 2, shared=True)
    assert memory.notify(0, 1 << 80) == 0
    assert memory.wait(0, 1, 1e300) == "not-equal"
    assert memory.wait(0, 1, float("inf")) == "not-equal"


def test_waiting_at_a_memory_that_is_not_shared() -> None:
    memory = Memory(1)
    with pytest.raises(ValueError, match="expected shared memory"):
        memory.wait(0, 0)
    assert memory.notify(0) == 0


def test_conversions_may_grow_and_close() -> None:
    """What is checked is the memory as it is after the conversions."""
    memory = Memory(1, 4, shared=True)

    class Growing:
        def __index__(self) -> int:
            memory.grow(1)
            memory.store.close()
            return PAGE

    assert memory.wait(Growing(), 0, 0) == "timed-out"  # type: ignore[arg-type]
    assert memory.pages == 2


def test_a_shared_memory_of_a_closed_store_can_be_imported() -> None:
    memory = Memory(1, 4, shared=True)
    memory.store.close()
    text = '(module (import "env" "m" (memory 1 4 shared)) (export "m" (memory 0)))'
    instance = load(text, {"env": {"m": memory}})
    assert instance.exports.m == memory
    with pytest.raises(WasmError, match="closed"):
        load(text, {"env": {"m": memory}}, store=memory.store)


def test_a_store_is_not_closed_while_its_guest_waits() -> None:
    """close() of another thread waits for the call, and then the memory is still there."""
    child(
        """
        import threading, time
        memory = pywasm3.Memory(1, 4, shared=True)
        a = pywasm3.load(WASM, {"env": {"m": memory}})
        wait = a.exports.wait
        caller = threading.Thread(target=lambda: results.append(wait()))
        closer = threading.Thread(target=a.store.close)
        results = []
        caller.start()
        time.sleep(0.1)
        closer.start()
        time.sleep(0.1)
        while not memory.notify(0):
            pass
        caller.join()
        closer.join()
        assert results == [0]
        memory.write_u32(0, 5)
        """,
        WASM=wat(
            """(module (import "env" "m" (memory 1 4 shared)) (func (export "wait") (result i32)
            (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))"""
        ),
    )


def test_a_signal_handler_may_use_the_memory_during_a_wait() -> None:
    """It waits, too, notifies, calls the guest that waits, and drops what it can."""
    child(
        """
        import gc, signal
        memory = pywasm3.Memory(1, 4, shared=True)
        a = pywasm3.load(WASM, {"env": {"m": memory}})
        def handle(*_):
            global a
            assert memory.wait(0, 0, 0.01) == "timed-out"
            assert a.exports.short() == 2
            a = None
            gc.collect()
            assert memory.notify(0) == 1
        signal.signal(signal.SIGALRM, handle)
        for wait, expected in ((a.exports.wait, 0), (lambda: memory.wait(0, 0), "ok")):
            a = pywasm3.load(WASM, {"env": {"m": memory}})
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            assert wait() == expected
        """,
        WASM=wat(
            """(module (import "env" "m" (memory 1 4 shared)) (func (export "wait") (result i32)
            (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
            (func (export "short") (result i32)
            (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000))))"""
        ),
    )


def test_memories_cannot_be_copied_but_can_be_keys() -> None:
    memory = Memory(1, 4, shared=True)
    found = {memory: 1, Memory(1, 4, shared=True): 2}
    assert found[memory] == 1
    with pytest.raises(TypeError):
        sorted([memory, memory])  # type: ignore[type-var]
    assert isinstance(memory, pywasm3.Memory)
