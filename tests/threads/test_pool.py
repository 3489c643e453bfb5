# SPDX-License-Identifier: MIT
"""`InstancePool`: each use gets an instance in its first state, however the last use ended.

This holds for uses on one thread, on many threads, and in tasks of an event loop. The expected
values are written by hand from the small module below, whose start function sets the global to
100, so that the first `count` of a clean instance returns 101.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import THREADS, child, hammer, wat
from pywasm3 import InstancePool, Limits, Trap, WasmError
from pywasm3.wasi import CAPTURE, WasiConfig

TEXT = """
(module
  (memory (export "memory") 1 4)
  (data (i32.const 0) "state")
  (global $g (export "g") (mut i32) (i32.const 0))
  (func $start (global.set $g (i32.const 100)))
  (start $start)
  (func (export "count") (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
  (func (export "grow") (drop (memory.grow (i32.const 1))))
  (func (export "spin") (loop (br 0)))
  (func (export "trap") (unreachable)))
"""
MODULE = pywasm3.Module(wat(TEXT))


def dirty(instance: pywasm3.Instance) -> int:
    """Checks that an instance is clean and changes its whole state.

    Returns the global, counted up by one: 101 if the instance was clean.
    """
    assert instance.memory.read(0, 5) == b"state"
    assert instance.memory.pages == 1
    instance.exports.grow()
    instance.memory.write(0, b"dirty")
    instance.memory.write(100_000, b"dirty")
    result: int = instance.exports.count()
    return result


# ---- one thread ----


def test_each_use_begins_after_the_start() -> None:
    """Each use finds the state that the start function left."""
    with InstancePool(MODULE, size=1) as pool:
        for _ in range(5):
            with pool.instance() as instance:
                assert dirty(instance) == 101
        assert len(pool) == 1


def test_the_first_instance_is_made_at_once_and_others_when_needed() -> None:
    with InstancePool(MODULE, size=3) as pool:
        assert (len(pool), pool.size, bool(pool)) == (1, 3, True)
        with pool.instance() as one, pool.instance() as two:
            assert one is not two
            assert one.store is not two.store
            assert len(pool) == 2
        assert len(pool) == 2


def test_by_default_there_is_one_for_each_processor() -> None:
    """The default size of a pool is the number of processors."""
    with InstancePool(MODULE) as pool:
        assert pool.size == os.cpu_count()


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_without_instances_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        InstancePool(MODULE, size=size)


def test_what_cannot_be_linked_is_said_at_once() -> None:
    """Making the pool raises the error of a missing import or a wrong module."""
    with pytest.raises(pywasm3.LinkError):
        InstancePool(pywasm3.Module(wat('(module (import "a" "b" (func)))')))
    with pytest.raises(TypeError, match=r"expected a pywasm3\.Module"):
        InstancePool(b"")  # type: ignore[arg-type]


def test_what_is_prepared_is_there_in_each_use() -> None:
    prepared: list[pywasm3.Instance] = []

    def prepare(instance: pywasm3.Instance) -> None:
        prepared.append(instance)
        instance.memory.write(10, b"ready")

    with InstancePool(MODULE, size=1, prepare=prepare) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert instance.memory.read(10, 5) == b"ready"
                instance.memory.write(10, b"other")
    assert len(prepared) == 1


def test_equal_instances_share_a_snapshot() -> None:
    with InstancePool(MODULE, size=2) as pool:
        with pool.instance(), pool.instance():
            pass
        one, two = pool._idle
        assert one.snapshot is two.snapshot


def test_unequal_instances_have_their_own() -> None:
    """Instances that `prepare` made different keep snapshots of their own."""
    numbers = iter((1, 2))

    def prepare(instance: pywasm3.Instance) -> None:
        instance.exports.g.value = next(numbers)

    with InstancePool(MODULE, size=2, prepare=prepare) as pool:
        for _ in range(3):
            with pool.instance() as one, pool.instance() as two:
                assert {dirty(one), dirty(two)} == {2, 3}


def test_it_says_what_it_is() -> None:
    """The repr of a pool says how many instances there are and how many are in use."""
    pool = InstancePool(MODULE, size=2)
    with pool.instance():
        assert repr(pool) == "<pywasm3.InstancePool: 1 of 2 instances, 1 in use>"
    assert pool.module is MODULE
    pool.close()
    assert repr(pool) == "<pywasm3.InstancePool: closed>"


# ---- how a use ends ----


def test_an_error_of_the_user_keeps_the_instance() -> None:
    """An instance whose `with` block raised is used again."""
    with InstancePool(MODULE, size=1) as pool:
        with pytest.raises(KeyError), pool.instance() as first:
            dirty(first)
            raise KeyError
        with pool.instance() as second:
            assert second is first
            assert dirty(second) == 101


def spin(instance: pywasm3.Instance) -> None:
    threading.Timer(0.02, instance.interrupt).start()
    instance.exports.spin()


def trap(instance: pywasm3.Instance) -> None:
    instance.exports.trap()


def burn(instance: pywasm3.Instance) -> None:
    instance.fuel = 10
    instance.exports.spin()


def late(instance: pywasm3.Instance) -> None:
    with instance.deadline(0.01):
        instance.exports.spin()


@pytest.mark.parametrize("end", [trap, spin, burn, late])
@pytest.mark.parametrize("caught", [False, True])
def test_an_instance_that_trapped_is_dropped(
    end: Callable[[pywasm3.Instance], None], caught: bool
) -> None:
    with InstancePool(MODULE, size=1) as pool:
        if caught:
            with pool.instance() as first:
                with pytest.raises(Trap):
                    end(first)
                assert first.exports.count() == 101
        else:
            with pytest.raises(Trap), pool.instance() as first:
                end(first)
        assert first.closed
        assert len(pool) == 0
        with pool.instance() as second:
            assert second is not first
            assert dirty(second) == 101
        assert len(pool) == 1


def test_an_exception_of_a_host_function_keeps_the_instance() -> None:
    def f() -> None:
        raise KeyError

    module = pywasm3.Module(wat('(module (import "" "f" (func $f)) (func (export "g") (call $f)))'))
    with InstancePool(module, {"": {"f": f}}, size=1) as pool:
        with pytest.raises(KeyError), pool.instance() as first:
            first.exports.g()
        with pool.instance() as second:
            assert second is first


def test_what_ends_the_program_drops_the_instance() -> None:
    """A KeyboardInterrupt in the `with` block closes the instance and frees its place."""
    with InstancePool(MODULE, size=1) as pool:
        with pytest.raises(KeyboardInterrupt), pool.instance() as first:
            raise KeyboardInterrupt
        assert (first.closed, len(pool)) == (True, 0)


def test_an_instance_that_its_user_closed_is_dropped() -> None:
    with InstancePool(MODULE, size=1) as pool:
        with pool.instance() as first:
            first.close()
        with pool.instance() as second:
            assert dirty(second) == 101


def test_giving_back_within_a_call_is_an_error_and_drops_the_instance() -> None:
    def f() -> None:
        context.__exit__(None, None, None)

    module = pywasm3.Module(wat('(module (import "" "f" (func $f)) (func (export "g") (call $f)))'))
    with InstancePool(module, {"": {"f": f}}, size=1) as pool:
        context = pool.instance()
        instance = context.__enter__()
        with pytest.raises(WasmError, match="while a call runs"):
            instance.exports.g()
        assert len(pool) == 0
        with pool.instance() as other:
            assert other is not instance


def test_an_instance_that_cannot_be_made_leaves_its_place() -> None:
    """If `prepare` raises, the instance is closed and another can be made in its place."""
    fails = [False]
    made: list[pywasm3.Instance] = []

    def prepare(instance: pywasm3.Instance) -> None:
        made.append(instance)
        if fails[0]:
            raise KeyError

    with InstancePool(MODULE, size=2, prepare=prepare) as pool, pool.instance():
        fails[0] = True
        for _ in range(3):
            with pytest.raises(KeyError):
                pool.instance().__enter__()
        fails[0] = False
        assert [instance.closed for instance in made] == [False, True, True, True]
        with pool.instance() as instance:
            assert dirty(instance) == 101


# ---- limits ----


def test_each_use_has_its_fuel() -> None:
    with InstancePool(MODULE, size=1, limits=Limits(fuel=50)) as pool:
        for refill in (None, 7, 0):
            with pool.instance() as instance:
                assert instance.fuel == 50
                instance.fuel = refill
        with pytest.raises(pywasm3.OutOfFuel), pool.instance() as instance:
            instance.exports.spin()
        with pool.instance() as instance:
            assert instance.fuel == 50


def test_a_timeout_holds_in_each_use() -> None:
    with InstancePool(MODULE, size=1, limits=Limits(timeout=0.02)) as pool:
        for _ in range(2):
            with pytest.raises(pywasm3.DeadlineExceeded), pool.instance() as instance:
                instance.exports.spin()


# ---- imports ----

IMPORTS = pywasm3.Module(
    wat(
        """
        (module
          (import "" "m" (memory 1 2))
          (import "" "g" (global $g (mut i32)))
          (import "" "t" (table 1 externref))
          (func (export "f") (result i32)
            (i32.store (i32.const 0) (i32.const 7))
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (global.get $g)))
        """
    )
)


def test_imported_state_is_reset_too() -> None:
    made: list[pywasm3.Memory] = []

    def imports(store: pywasm3.Store) -> Any:
        made.append(pywasm3.Memory(1, 2, store=store))
        return {
            "": {
                "m": made[-1],
                "g": pywasm3.Global("i32", 5, mutable=True, store=store),
                "t": pywasm3.Table("externref", 1, store=store),
            }
        }

    with InstancePool(IMPORTS, imports, size=2, limits=Limits(fuel=1000)) as pool:
        for _ in range(3):
            with pool.instance() as one, pool.instance() as two:
                assert (one.exports.f(), two.exports.f()) == (6, 6)
                assert made[0].read_i32(0) == 7
                made[0].grow(1)
            assert (made[0].read_i32(0), made[0].pages) == (0, 1)
    assert len(made) == 2


def test_state_that_instances_would_share_is_refused() -> None:
    shared = {"": {"m": pywasm3.Memory(1, 2)}}
    module = pywasm3.Module(wat('(module (import "" "m" (memory 1 2)))'))
    with pytest.raises(pywasm3.LinkError, match="store"):
        InstancePool(module, shared)
    with pytest.raises(pywasm3.LinkError, match="store"):
        InstancePool(module, lambda store: shared)


# ---- WASI ----


def test_each_use_has_wasi_anew() -> None:
    """Each use has a fresh WASI: open descriptors, an empty output, the same random seed."""
    module = pywasm3.Module(
        wat(
            """
            (module
              (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
              (import "wasi_snapshot_preview1" "random_get"
                (func $random (param i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\\08\\00\\00\\00\\08\\00\\00\\00")
              (func (export "_start")
                (if (call $random (i32.const 8) (i32.const 8)) (then unreachable))
                (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100))
                  (then unreachable))
                (if (call $close (i32.const 1)) (then unreachable))
                (call $exit (i32.const 3))))
            """
        )
    )
    with InstancePool(module, size=1, wasi=WasiConfig(stdout=CAPTURE, random=1)) as pool:
        outputs = set()
        for _ in range(3):
            with pool.instance() as instance:
                assert instance.run() == 3
                outputs.add(instance.wasi.stdout)
        assert len(pool) == 1
    assert [len(output) for output in outputs] == [8]


def test_a_use_leaves_no_file_open(tmp_path: Any) -> None:
    with InstancePool(MODULE, size=1, wasi=WasiConfig(preopens={"/": tmp_path})) as pool:
        with pool.instance() as instance:
            assert len(instance.wasi.descriptors._entries) == 4
        assert not instance.wasi.descriptors._entries
        tmp_path.rmdir()
        with pytest.raises(FileNotFoundError):
            pool.instance().__enter__()
        tmp_path.mkdir()
        with pool.instance() as again:
            assert again is instance
            assert len(instance.wasi.descriptors._entries) == 4


# ---- waiting ----


def test_it_waits_no_longer_than_the_timeout() -> None:
    """If all instances stay in use, `instance(timeout)` raises TimeoutError in time."""
    with InstancePool(MODULE, size=1) as pool, pool.instance():
        for timeout in (0, 0.05):
            begin = time.monotonic()
            with pytest.raises(TimeoutError, match="all 1 instances are in use"):
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
                with pytest.raises(TimeoutError, match="all 1 instances are in use"):
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
