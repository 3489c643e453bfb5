# SPDX-License-Identifier: MIT
"""Each use of an `InstancePool` gets an instance in its first state, however the last use ended.

The expected values are written by hand from the small module of pool_helpers.py. How threads and
tasks share a pool is in test_pool_sharing.py.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import wat
from pool_helpers import MODULE, dirty
from pywasm3 import InstancePool, Limits, Trap, WasmError
from pywasm3.wasi import CAPTURE, WasiConfig

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
    with InstancePool(MODULE, size=1, limits=Limits(timeout=0.2)) as pool:
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
