# SPDX-License-Identifier: MIT
"""Threads and tasks share the instances of an `InstancePool`: they wait, and find clean ones.

A pool that is closed wakes those who wait. The expected values are written by hand from the small
module of pool_helpers.py.
"""

import asyncio
import os
import threading
import time

import pytest

import pywasm3
from helpers import THREADS, child, hammer, wat
from pool_helpers import MODULE, TEXT, dirty
from pywasm3 import InstancePool, Trap, WasmError

# ---- waiting ----


def test_it_waits_no_longer_than_the_timeout() -> None:
    """If all instances stay in use, `instance(timeout)` raises TimeoutError in time."""
    with InstancePool(MODULE, size=1) as pool, pool.instance():
        for timeout in (0, 0.05):
            begin = time.monotonic()
            with pytest.raises(
                TimeoutError, match="all instances of the pool are in use: its size is 1"
            ):
                pool.instance(timeout).__enter__()
            assert timeout <= time.monotonic() - begin < timeout + 5


def test_who_waits_gets_the_next_one() -> None:
    """A thread that waits gets the instance that another gives back."""
    with InstancePool(MODULE, size=1) as pool:
        found: list[int] = []

        def wait() -> None:
            with pool.instance(timeout=60) as instance:
                found.append(dirty(instance))

        with pool.instance() as instance:
            waiter = threading.Thread(target=wait)
            waiter.start()
            dirty(instance)
            waiter.join(0.05)
            assert not found
        waiter.join()
        assert found == [101]


def test_who_waits_gets_the_place_of_a_dropped_one() -> None:
    """A thread that waits gets a new instance if another's was dropped after a trap."""
    with InstancePool(MODULE, size=1) as pool:
        found: list[int] = []

        def wait() -> None:
            with pool.instance(timeout=60) as instance:
                found.append(dirty(instance))

        with pytest.raises(Trap), pool.instance() as instance:
            waiter = threading.Thread(target=wait)
            waiter.start()
            waiter.join(0.05)
            instance.exports.trap()
        waiter.join()
        assert found == [101]


# ---- closing ----


def test_a_closed_pool_gives_no_instance() -> None:
    pool = InstancePool(MODULE, size=2)
    with pool.instance() as out:
        with pool.instance() as idle:
            pass
        pool.close()
        pool.close()
        assert (pool.closed, idle.closed, out.closed) == (True, True, False)
        assert out.exports.count() == 101
        with pytest.raises(WasmError, match="the pool is closed"):
            pool.instance().__enter__()
    assert out.closed
    assert len(pool) == 0


def test_closing_wakes_who_waits() -> None:
    """Threads that wait for an instance get an error when the pool is closed."""
    pool = InstancePool(MODULE, size=1)
    errors: list[str] = []

    def wait() -> None:
        with pytest.raises(WasmError) as caught:
            pool.instance().__enter__()
        errors.append(str(caught.value))

    with pool.instance():
        waiters = [threading.Thread(target=wait) for _ in range(3)]
        for waiter in waiters:
            waiter.start()
        time.sleep(0.02)
        pool.close()
        for waiter in waiters:
            waiter.join()
    assert errors == ["the pool is closed"] * 3


# ---- many threads ----


@pytest.mark.hammer
def test_many_threads_get_clean_instances() -> None:
    with InstancePool(MODULE, size=3) as pool:
        using: set[int] = set()

        def use(number: int) -> None:
            for i in range(60):
                try:
                    with pool.instance() as instance:
                        assert id(instance) not in using
                        using.add(id(instance))
                        try:
                            assert dirty(instance) == 101
                            if (i + number) % 10 == 0:
                                instance.exports.trap()
                        finally:
                            using.discard(id(instance))
                except Trap:
                    pass

        hammer(use)
        assert len(pool) <= 3
        with pool.instance(0), pool.instance(0), pool.instance(0):
            pass


@pytest.mark.hammer
def test_closing_among_many_threads() -> None:
    """If one thread closes the pool, all others get "the pool is closed" and none hangs."""
    pool = InstancePool(MODULE, size=2)
    done = threading.Barrier(THREADS)

    def use(number: int) -> None:
        for i in range(1000):
            if number == 0 and i == 20:
                pool.close()
            try:
                with pool.instance() as instance:
                    assert dirty(instance) == 101
            except WasmError as error:
                assert str(error) == "the pool is closed"
                break
        done.wait(60)

    hammer(use)
    assert len(pool) == 0


@pytest.mark.hammer
def test_restoring_while_others_read_and_write_is_safe() -> None:
    """Restoring a snapshot while other threads use the memory at worst mixes old and new bytes."""
    instance = pywasm3.Instance(MODULE)
    snapshot = instance.snapshot()
    instance.exports.grow()
    view = memoryview(instance.memory)
    stop = threading.Event()

    def restore(number: int) -> None:
        for _ in range(300):
            instance.restore(snapshot)
            instance.exports.grow()
        stop.set()

    def touch(number: int) -> None:
        while not stop.is_set():
            view[70_000:131_000] = b"\xaa" * 61_000
            assert view[70_000:131_000].tobytes().strip(b"\0\xaa") == b""

    def read(number: int) -> None:
        while not stop.is_set():
            assert len(instance.memory.read(0, 65536)) == 65536
            instance.snapshot()

    hammer(restore, touch, read, threads=3)
    instance.restore(snapshot)
    assert instance.memory.read(0, 65536)[:5] == b"state"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_has_a_pool_of_its_own() -> None:
    """A forked child makes new instances in the pool's places, and the parent keeps its own."""
    child(
        """
        import os, threading, warnings
        warnings.simplefilter("ignore")
        pool = pywasm3.InstancePool(pywasm3.Module(module), size=2)
        ready, go = threading.Event(), threading.Event()

        def use():
            with pool.instance():
                ready.set()
                go.wait()

        def wait():
            with pool.instance():
                pass

        threads = [threading.Thread(target=use)]
        threads[0].start()
        ready.wait()
        with pool.instance() as mine:
            threads.append(threading.Thread(target=wait))
            threads[1].start()
            pid = os.fork()
            if not pid:
                mine.exports.count()
        if not pid:
            assert len(pool) == 0, len(pool)
            with pool.instance(5) as one, pool.instance(5) as two:
                assert one.exports.count() == two.exports.count() == 101
            with pool.instance(5) as one:
                assert one.exports.count() == 101
            assert len(pool) == 2
            pool.close()
            os._exit(7)
        go.set()
        for thread in threads:
            thread.join()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        with pool.instance(5), pool.instance(5):
            assert len(pool) == 2
        pool.close()
        """,
        module=wat(TEXT),
    )


# ---- tasks ----


def test_tasks_share_the_instances() -> None:
    """A hundred tasks take turns with three instances."""

    async def use(pool: InstancePool) -> None:
        async with pool.instance() as instance:
            assert dirty(instance) == 101
            await asyncio.sleep(0)
            assert await instance.exports.count.aio() == 102

    async def main() -> None:
        with InstancePool(MODULE, size=3) as pool:
            await asyncio.wait_for(asyncio.gather(*(use(pool) for _ in range(100))), 60)
            assert len(pool) == 3

    asyncio.run(main())


def test_a_task_that_waits_does_not_hold_up_the_loop_and_can_give_up() -> None:
    async def main() -> None:
        with InstancePool(MODULE, size=1) as pool:
            async with pool.instance():
                with pytest.raises(
                    TimeoutError, match="all instances of the pool are in use: its size is 1"
                ):
                    async with pool.instance(0.01):
                        raise AssertionError
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(pool.instance().__aenter__(), 0.01)
            async with pool.instance(0) as instance:
                assert dirty(instance) == 101

    asyncio.run(main())


def test_a_task_that_gives_up_when_it_is_woken_wakes_the_next() -> None:
    async def main() -> None:
        with InstancePool(MODULE, size=1) as pool:
            tasks = []
            async with pool.instance():
                tasks += [asyncio.create_task(pool.instance().__aenter__()) for _ in range(2)]
                await asyncio.sleep(0.01)
            tasks[0].cancel()  # the task has been woken but has not run yet
            assert await asyncio.wait_for(tasks[1], 60)

    asyncio.run(main())


def test_a_cancelled_call_costs_its_instance_only() -> None:
    """After a call was cancelled, its place in the pool gets a new instance."""

    async def spin(pool: InstancePool) -> None:
        async with pool.instance() as instance:
            await instance.exports.spin.aio()

    async def main() -> None:
        with InstancePool(MODULE, size=1) as pool:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(spin(pool), 0.02)
            async with pool.instance() as instance:
                assert dirty(instance) == 101

    asyncio.run(main())


def test_threads_and_tasks_wait_for_the_same_instances() -> None:
    """Threads and tasks of several event loops take turns with the instances of one pool."""

    async def main(pool: InstancePool) -> None:
        for _ in range(20):
            async with pool.instance() as instance:
                assert dirty(instance) == 101

    with InstancePool(MODULE, size=2) as pool:

        def tasks(number: int) -> None:
            asyncio.run(asyncio.wait_for(main(pool), 60))

        def threads(number: int) -> None:
            for _ in range(20):
                with pool.instance() as instance:
                    assert dirty(instance) == 101

        hammer(tasks, threads)


def test_closing_the_pool_tells_tasks_that_wait() -> None:
    async def main() -> None:
        pool = InstancePool(MODULE, size=1)
        async with pool.instance():
            waiting = asyncio.create_task(pool.instance().__aenter__())
            await asyncio.sleep(0.01)
            pool.close()
            with pytest.raises(WasmError, match="closed"):
                await asyncio.wait_for(waiting, 60)

    asyncio.run(main())
