# SPDX-License-Identifier: MIT
"""Calls within calls on one thread: Python calls wasm, which calls Python, and so on.

They may nest until a stack is exhausted, which is an exception and never a crash. The expected
values are written by hand. What could overflow the native stack runs in a child process.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator

import pytest

import pywasm3
from helpers import SANITIZED, child, guest, load, on_thread, wat

NESTED = """
(module (import "env" "f" (func $f (param i32) (result i32)))
  (func $g (export "g") (param i32) (result i32) local.get 0 call $f)
  (func $endless (export "endless") call $endless)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
"""

# `outcome(depth)` nests so many calls of wasm and of Python in turn.
DESCEND = """
import sys
sys.setrecursionlimit(20_000)
def f(x):
    return 0 if x == 0 else 1 + g(x - 1)
g = pywasm3.load(WASM, {"env": {"f": f}}).exports.g
def outcome(depth):
    try:
        return g(depth)
    except pywasm3.StackExhausted:
        return "exhausted"
    except RecursionError:
        return "recursion"
"""


@pytest.fixture
def recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


def descending() -> pywasm3.Instance:
    def f(x: int) -> int:
        return 0 if x == 0 else 1 + instance.exports.g(x - 1)

    instance = load(NESTED, {"env": {"f": f}})
    return instance


def test_a_call_nests_a_hundred_deep() -> None:
    assert descending().exports.g(100) == 100


def test_calls_nest_a_thousand_deep_or_exhaust_the_stack() -> None:
    child(
        DESCEND
        + "assert outcome(1000) in (1000, 'exhausted'), outcome(1000)\n"
        + "assert g(10) == 10\n",
        WASM=wat(NESTED),
    )


def test_calls_that_nest_without_end_exhaust_a_stack() -> None:
    child(
        DESCEND
        + "assert outcome(100_000) in ('exhausted', 'recursion'), outcome(100_000)\n"
        + "assert g(10) == 10\n",
        WASM=wat(NESTED),
    )


@pytest.mark.parametrize("size", [256 * 1024, 1 << 20, 8 << 20])
def test_calls_that_nest_without_end_exhaust_the_stack_of_a_thread(size: int) -> None:
    child(
        DESCEND
        + f"""
import threading
threading.stack_size({size})
seen = []
thread = threading.Thread(target=lambda: seen.append(outcome(100_000)))
thread.start()
thread.join()
assert seen[0] in ("exhausted", "recursion"), seen
assert g(10) == 10
""",
        WASM=wat(NESTED),
    )


def test_calls_of_two_instances_nest_without_end(recursion_limit: None) -> None:
    child(
        """
        import sys
        sys.setrecursionlimit(20_000)
        first = pywasm3.load(WASM, {"env": {"f": lambda x: second.exports.g(x)}})
        second = pywasm3.load(WASM, {"env": {"f": lambda x: first.exports.g(x)}})
        for _ in range(3):
            try:
                first.exports.g(1)
            except RecursionError:  # also catches StackExhausted, which derives from it
                pass
            else:
                raise AssertionError
        """,
        WASM=wat(NESTED),
    )


def test_nested_endless_recursion_exhausts_the_stack_and_leaves_it_usable() -> None:
    def f(x: int) -> int:
        with pytest.raises(pywasm3.StackExhausted):
            instance.exports.endless()
        return instance.exports.add(x, 1)

    instance = load(NESTED, {"env": {"f": f}})
    for _ in range(5):
        assert instance.exports.g(1) == 2


@pytest.mark.parametrize("size", [256 * 1024, 512 * 1024, 1 << 20, 16 << 20])
def test_endless_recursion_exhausts_the_stack_of_any_thread(size: int) -> None:
    child(
        f"""
        import threading
        threading.stack_size({size})
        exports = pywasm3.load(WASM).exports
        def run():
            try:
                exports.recurse(-1)
            except pywasm3.StackExhausted as error:
                seen.append(error)
            seen.append(exports.recurse(10))
        for _ in range(3):
            seen = []
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            assert isinstance(seen[0], pywasm3.StackExhausted), seen
            assert seen[1] == 10
        assert exports.recurse(100) == 100
        """,
        WASM=guest("trap").module.bytes,
    )


def test_endless_recursion_with_a_huge_value_stack_ends_at_the_native_one() -> None:
    child(
        """
        store = pywasm3.Store(stack=1 << 29)
        exports = pywasm3.load(WASM, store=store).exports
        try:
            exports.recurse(-1)
        except pywasm3.StackExhausted:
            pass
        else:
            raise AssertionError
        assert exports.recurse(100) == 100
        """,
        WASM=guest("trap").module.bytes,
    )


def test_deep_python_below_a_call_ends_in_an_exception() -> None:
    """A call works or raises, however much of the native stack Python has used before it."""
    child(
        """
        import sys
        sys.setrecursionlimit(20_000)
        exports = pywasm3.load(WASM).exports
        def dive(n):
            return exports.recurse(10) if n == 0 else list(map(dive, [n - 1]))[0]
        for depth in (1, 100, 1000, 5000):
            try:
                assert dive(depth) == 10
            except RecursionError:
                pass
        assert exports.recurse(10) == 10
        """,
        WASM=guest("trap").module.bytes,
    )


def test_a_trap_on_one_thread_leaves_the_others_alone() -> None:
    """Exhausting the stack of one thread changes nothing for calls on another."""
    exports = guest("trap").exports
    for _ in range(3):
        with pytest.raises(pywasm3.StackExhausted):
            on_thread(lambda: exports.recurse(-1), stack=1 << 20)
        with pytest.raises(pywasm3.StackExhausted):
            exports.recurse(-1)
        assert exports.recurse(1000) == 1000


def test_a_nested_call_of_another_instance_of_the_store_works() -> None:
    store = pywasm3.Store()
    second = load(NESTED, {"env": {"f": lambda x: x * 2}}, store=store)
    first = load(NESTED, {"env": {"f": second.exports.g}}, store=store)
    third = load(NESTED, {"env": {"f": lambda x: first.exports.g(x) + 1}}, store=store)
    assert third.exports.g(5) == 11


def test_a_generator_may_run_inside_and_outside_of_a_call() -> None:
    """A generator that calls the instance may be resumed in a host function and outside."""

    def numbers() -> Iterator[int]:
        total = 0
        while True:
            total += instance.exports.add(total, 1)
            yield total

    stream = numbers()
    instance = load(NESTED, {"env": {"f": lambda x: next(stream)}})
    assert [instance.exports.g(0), next(stream), instance.exports.g(0)] == [1, 3, 7]


# ---- coroutines ----

needs_greenlet = pytest.mark.skipif(
    SANITIZED or importlib.util.find_spec("greenlet") is None,
    reason="needs greenlet, without AddressSanitizer, which breaks greenlet's C++ exceptions",
)

COROUTINES = """
from greenlet import greenlet, getcurrent
def f(x):
    return getcurrent().parent.switch(x)
exports = pywasm3.load(WASM, {"env": {"f": f}}).exports
first, second = (greenlet(exports.keep) for _ in range(2))
assert first.switch(1, 2) == 2
assert second.switch(10, 20) == 20
"""

KEEPS = wat("""
(module (import "env" "f" (func $f (param i32) (result i32)))
  (func (export "keep") (param i32 i32) (result i32)
    local.get 0 local.get 1 call $f i32.add)
  (func $deep (export "deep") (param i32) (result i32)
    local.get 0 if (result i32)
      local.get 0 i32.const 1 i32.sub call $deep i32.const 1 i32.add
    else i32.const 0 end))
""")


@needs_greenlet
def test_coroutines_that_return_in_order_are_right() -> None:
    """Coroutines whose calls return in reverse order get the right results."""
    child(
        COROUTINES
        + """
assert exports.deep(50) == 50
assert second.switch(3) == 13
assert first.switch(4) == 5
assert exports.deep(50) == 50
""",
        WASM=KEEPS,
    )


@needs_greenlet
def test_coroutines_that_are_refused_keep_no_part_of_the_stack() -> None:
    """After 5000 refused calls, the store's small stack still has room for a deep call."""
    child(
        COROUTINES
        + """
module, store = pywasm3.Module(WASM), pywasm3.Store(stack=65536)
exports = pywasm3.Instance(module, {"env": {"f": f}}, store=store).exports
for _ in range(5000):
    both = [greenlet(exports.keep) for _ in range(2)]
    for coroutine in both:
        assert coroutine.switch(1, 2) == 2
    for coroutine in both:
        try:
            coroutine.switch(3)
        except pywasm3.WasmError as error:
            assert "later call" in str(error), error
assert exports.deep(100) == 100
""",
        WASM=KEEPS,
    )


@needs_greenlet
def test_coroutines_that_return_out_of_order_are_refused() -> None:
    """Coroutines whose calls return in another order than the reverse one get an error.

    Their frames lie above each other on the store's stack, so the call that returns too early would
    overwrite the frames of the other one.
    """
    child(
        COROUTINES
        + """
def refused(coroutine):
    try:
        coroutine.switch(3)
    except pywasm3.WasmError as error:
        assert "later call" in str(error), error
    else:
        raise AssertionError
for _ in range(1000):
    refused(first)
    first = greenlet(exports.keep)
    assert first.switch(1, 2) == 2  # its frames take the place of the second one's
    refused(second)
    second = greenlet(exports.keep)
    assert second.switch(1, 2) == 2
refused(first)
refused(second)
assert exports.deep(1000) == 1000
""",
        WASM=KEEPS,
    )
