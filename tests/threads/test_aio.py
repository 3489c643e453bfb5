# SPDX-License-Identifier: MIT
"""`Function.aio`: wasm calls that an event loop awaits, and host functions that are coroutines.

An awaited call gives what the plain call gives, the loop runs on meanwhile, and cancelling the
task stops the guest. The expected values are written by hand from the small modules below.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import inspect
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "steps") (mut i32) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "call") (param i32) (result i32) local.get 0 call $f)
  (func (export "loop") (loop global.get 0 i32.const 1 i32.add global.set 0 br 0))
  (func (export "twice") (param i32) (result i32)
    local.get 0 call $f local.get 0 i32.const 1 i32.add call $f i32.add)
  (func (export "trap") unreachable))
"""


def make(f: Callable[..., Any] = abs) -> pywasm3.Instance:
    return load(TEXT, {"env": {"f": f}})


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine in an event loop of its own; fails after 60 seconds instead of hanging."""
    return asyncio.run(asyncio.wait_for(main, 60))


# ---- calls ----


def test_a_call_is_awaited() -> None:
    async def main() -> None:
        assert await make().exports.add.aio(1, 2) == 3

    run(main())


def test_the_loop_runs_during_a_long_call() -> None:
    async def main() -> None:
        instance = make()
        task = asyncio.create_task(instance.exports.loop.aio())
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert not task.done()
        instance.interrupt()
        with pytest.raises(pywasm3.Interrupted):
            await task

    run(main())


def test_calls_of_many_instances_run_at_the_same_time() -> None:
    barrier = threading.Barrier(50)  # lets no call go on before all 50 are in the host function

    def meet(n: int) -> int:
        barrier.wait(60)
        return n

    async def main() -> None:
        calls = [make(meet).exports.call.aio(n) for n in range(50)]
        assert await asyncio.gather(*calls) == list(range(50))

    run(main())


def test_calls_of_one_instance_take_turns() -> None:
    inside = 0

    def alone(n: int) -> int:
        nonlocal inside
        inside += 1
        time.sleep(0.001)
        assert inside == 1
        inside -= 1
        return n

    async def main() -> None:
        call = make(alone).exports.call.aio
        assert await asyncio.gather(*map(call, range(20))) == list(range(20))

    run(main())


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [("add", (1,), TypeError), ("add", (1, 1 << 40), OverflowError), ("trap", (), pywasm3.Trap)],
)
def test_errors_arrive(name: str, arguments: tuple[Any, ...], error: type[Exception]) -> None:
    """Awaiting a call raises what the plain call raises."""

    async def main() -> None:
        with pytest.raises(error):
            await make().exports[name].aio(*arguments)

    run(main())


@pytest.mark.parametrize("error", [KeyError("x"), asyncio.CancelledError(), SystemExit(3)])
def test_what_a_host_function_raises_arrives(error: BaseException) -> None:
    def f(n: int) -> int:
        raise error

    async def main() -> None:
        with pytest.raises(type(error)) as caught:
            await make(f).exports.call.aio(1)
        assert caught.value is error

    run(main())


def test_a_stop_iteration_does_not_end_the_coroutine_silently() -> None:
    """A StopIteration of a host function becomes a RuntimeError, as in any coroutine (PEP 479)."""

    def f(n: int) -> int:
        raise StopIteration(n)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await make(f).exports.call.aio(1)

    run(main())


def test_a_call_into_a_closed_store_is_an_error() -> None:
    """Awaiting a function of a closed store raises a WasmError that says "closed"."""

    async def main() -> None:
        instance = make()
        call = instance.exports.add.aio
        instance.close()
        with pytest.raises(pywasm3.WasmError, match="closed"):
            await call(1, 2)

    run(main())


def test_without_a_loop_there_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="loop"):
        make().exports.add.aio(1, 2).send(None)


def test_it_looks_like_a_coroutine_function() -> None:
    """`inspect` takes `aio` for a coroutine function, and its repr shows name and type."""
    aio = make().exports.add.aio
    assert inspect.iscoroutinefunction(aio.__call__)
    assert "add" in repr(aio)
    assert "(i32, i32) -> i32" in repr(aio)


def test_bit_patterns_are_awaited_too() -> None:
    async def main() -> None:
        instance = load('(module (func (export "f") (param f32) (result f32) local.get 0))')
        assert await instance.exports.f.raw.aio(0x7FA00000) == 0x7FA00000

    run(main())


def test_threads_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywasm3._aio._idle", [])  # so that threads of other tests do not count
    threads = set()

    def f(n: int) -> int:
        threads.add(threading.get_ident())
        return n

    async def main() -> None:
        instance = make(f)
        for n in range(20):
            await instance.exports.call.aio(n)

    run(main())
    assert len(threads) == 1


def test_an_instance_is_freed_after_its_calls() -> None:
    async def main() -> weakref.ref[pywasm3.Instance]:
        instance = make()
        await instance.exports.add.aio(1, 2)
        with pytest.raises(pywasm3.Trap):
            await instance.exports.trap.aio()
        return weakref.ref(instance)

    reference = run(main())
    until = time.monotonic() + 60
    while reference() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.001)  # the thread that ran the call may still hold a reference to it
    assert reference() is None


# ---- cancellation ----


def test_cancelling_the_task_stops_the_guest() -> None:
    async def main() -> None:
        instance = make()
        task = asyncio.create_task(instance.exports.loop.aio())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        before = instance.exports.steps.value
        assert before != 0
        await asyncio.sleep(0.02)
        assert instance.exports.steps.value == before
        assert await instance.exports.add.aio(1, 2) == 3

    run(main())


def test_a_timeout_stops_the_guest() -> None:
    async def main() -> None:
        instance = make()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(instance.exports.loop.aio(), 0.02)
        assert instance.exports.add(1, 2) == 3

    run(main())


def test_a_call_that_waits_for_its_turn_is_cancelled_alone() -> None:
    async def main() -> None:
        instance = make()
        first = asyncio.create_task(instance.exports.loop.aio())
        while not instance.store.running:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(instance.exports.add.aio(1, 2))
        third = asyncio.create_task(instance.exports.add.aio(3, 4))
        await asyncio.sleep(0.02)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not first.done()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await third == 7

    run(main())


def test_a_task_that_is_cancelled_before_it_began_calls_nothing() -> None:
    called = []

    async def main() -> None:
        instance = make(lambda n: called.append(n) or n)
        for _ in range(50):
            task = asyncio.create_task(instance.exports.call.aio(1))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    assert called == []


def test_cancelling_at_any_moment_leaves_the_instance_usable() -> None:
    """A cancelled call has either returned its result or stopped, and the store is not busy."""

    async def main() -> None:
        instance = make(lambda n: n)
        for turn in range(300):
            task = asyncio.create_task(instance.exports.call.aio(turn))
            for _ in range(turn % 7):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert await task == turn
            assert not instance.store.running
        assert await instance.exports.call.aio(5) == 5

    run(main())


def test_cancellation_waits_for_a_host_function() -> None:
    ended = []

    def f(n: int) -> int:
        time.sleep(0.1)
        ended.append(n)
        return n

    async def main() -> None:
        instance = make(f)
        task = asyncio.create_task(instance.exports.twice.aio(1))
        await asyncio.sleep(0.02)
        for _ in range(3):  # cancelling again must not end the wait
            task.cancel()
            await asyncio.sleep(0.001)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert ended == [1]  # the guest did not go on to its second call


def test_a_deadline_and_fuel_count_for_awaited_calls() -> None:
    """`Limits(timeout=…)` and `Limits(fuel=…)` stop an awaited call as they stop a plain one."""

    async def main() -> None:
        slow = load(TEXT, {"env": {"f": abs}}, limits=pywasm3.Limits(timeout=0.2))
        with pytest.raises(pywasm3.DeadlineExceeded):
            await slow.exports.loop.aio()
        poor = load(TEXT, {"env": {"f": abs}}, limits=pywasm3.Limits(fuel=1000))
        with pytest.raises(pywasm3.OutOfFuel):
            await poor.exports.loop.aio()

    run(main())


# ---- async host functions ----


async def double(n: int) -> int:
    await asyncio.sleep(0.001)
    return 2 * n


class Doubles:
    async def __call__(self, n: int) -> int:
        return await double(n)

    async def method(self, n: int) -> int:
        return await double(n)


async def scaled(factor: int, n: int) -> int:
    return factor * n


@pytest.mark.parametrize(
    "function",
    [double, Doubles(), Doubles().method, functools.partial(scaled, 2)],
    ids=["function", "object", "method", "partial"],
)
def test_a_host_function_may_be_async(function: Any) -> None:
    async def main() -> None:
        assert await make(function).exports.twice.aio(10) == 42

    run(main())


def test_an_async_host_function_runs_on_the_loop_of_the_caller() -> None:
    seen = []

    async def f(n: int) -> int:
        seen.append((asyncio.get_running_loop(), threading.get_ident()))
        return n

    async def main() -> None:
        await make(f).exports.call.aio(1)
        assert seen == [(asyncio.get_running_loop(), threading.get_ident())]

    run(main())


def test_an_async_host_function_is_given_its_instance() -> None:
    @pywasm3.host(pass_instance=True)
    async def f(instance: pywasm3.Instance, n: int) -> int:
        return instance.memory.pages + n

    async def main() -> None:
        assert await make(f).exports.call.aio(5) == 6

    run(main())


@pytest.mark.parametrize("wrong", ["text", 1 << 40, None])
def test_the_result_of_an_async_host_function_is_checked(wrong: Any) -> None:
    async def f(n: int) -> Any:
        return wrong

    async def main() -> None:
        with pytest.raises((TypeError, OverflowError), match=r"env\.f"):
            await make(f).exports.call.aio(1)

    run(main())


def test_an_exception_of_an_async_host_function_arrives() -> None:
    error = KeyError("x")

    async def f(n: int) -> int:
        raise error

    async def main() -> None:
        with pytest.raises(KeyError) as caught:
            await make(f).exports.call.aio(1)
        assert caught.value is error

    run(main())


def test_an_async_host_function_needs_an_awaited_call() -> None:
    with pytest.raises(RuntimeError, match=r"double is async.*\.aio"):
        make(double).exports.call(1)


def test_an_async_host_function_is_cancelled_with_the_call() -> None:
    async def main() -> None:
        started, cancelled = asyncio.Event(), []

        async def f(n: int) -> int:
            started.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.append(n)
                raise
            return n

        instance = make(f)
        task = asyncio.create_task(instance.exports.twice.aio(7))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cancelled == [7]
        assert instance.exports.add(1, 2) == 3

    run(main())


def test_an_async_host_function_awaits_calls_of_the_same_instance() -> None:
    instance: pywasm3.Instance

    async def f(n: int) -> int:
        if n == 0:
            return 0
        inner: int = await instance.exports.call.aio(n - 1)
        return 1 + inner

    async def main() -> None:
        nonlocal instance
        instance = make(f)
        assert await instance.exports.call.aio(20) == 20

    run(main())


def test_an_async_host_function_awaits_several_calls_at_once() -> None:
    instance: pywasm3.Instance

    async def f(n: int) -> int:
        return sum(await asyncio.gather(*(instance.exports.add.aio(n, i) for i in range(10))))

    async def main() -> None:
        nonlocal instance
        instance = make(f)
        assert await instance.exports.call.aio(100) == 1045

    run(main())


def test_a_nested_call_is_cancelled_alone() -> None:
    """A timeout of a call that a host function awaits does not stop the outer call."""
    instance: pywasm3.Instance

    async def f(n: int) -> int:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(instance.exports.loop.aio(), 0.02)
        return n

    async def main() -> None:
        nonlocal instance
        instance = make(f)
        assert await instance.exports.twice.aio(1) == 3

    run(main())


def test_what_a_host_function_leaves_behind_calls_when_the_call_has_ended() -> None:
    """A task that a host function created may call the instance after the host function ended."""
    instance: pywasm3.Instance
    left: list[asyncio.Task[int]] = []

    async def later() -> int:
        await asyncio.sleep(0.02)
        result: int = await instance.exports.add.aio(1, 2)
        return result

    async def f(n: int) -> int:
        left.append(asyncio.create_task(later()))
        return n

    async def main() -> None:
        nonlocal instance
        instance = make(f)
        assert await instance.exports.call.aio(1) == 1
        assert await left[0] == 3

    run(main())


def test_calls_between_two_instances_nest() -> None:
    async def main() -> None:
        other = make(double)

        async def f(n: int) -> int:
            result: int = await other.exports.call.aio(n)
            return result + 1

        assert await make(f).exports.twice.aio(10) == 44

    run(main())


def test_host_functions_see_the_context_of_the_caller() -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    async def f(n: int) -> int:
        seen.append(variable.get())
        return n

    def g(n: int) -> int:
        seen.append(variable.get())
        return n

    async def main() -> None:
        variable.set("set")
        await make(f).exports.call.aio(1)
        await make(g).exports.call.aio(1)

    run(main())
    assert seen == ["set", "set"]


# ---- the end ----


def test_the_process_ends_while_an_awaited_guest_runs() -> None:
    child(
        """
        import asyncio, sys
        async def main():
            asyncio.ensure_future(pywasm3.load(module).exports.loop.aio())
            await asyncio.sleep(0.05)
            raise SystemExit(42)
        asyncio.run(main())
        """,
        result=42,
        module=wat('(module (func (export "loop") (loop br 0)))'),
    )


def test_a_loop_that_is_dropped_does_not_hold_up_the_end() -> None:
    child(
        """
        import asyncio
        loop = asyncio.new_event_loop()
        call = pywasm3.load(module).exports.loop.aio
        async def main():
            asyncio.ensure_future(call())
            await asyncio.sleep(0.05)
        loop.run_until_complete(main())
        raise SystemExit(42)
        """,
        result=42,
        module=wat('(module (func (export "loop") (loop br 0)))'),
    )
