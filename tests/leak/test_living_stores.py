# SPDX-License-Identifier: MIT
"""A store that lives on keeps nothing of the instances and objects that nobody can reach any more.

The expected values: as much memory as before, or as many living host functions as the model in the
test's words says.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, child, load, wat
from leak_helpers import assert_no_leak, failing
from pywasm3 import Global, Instance, Memory, Module, Store, Table, Trap

pytestmark = pytest.mark.leak

CORE = """
(module
  (table (export "table") 4 funcref)
  (global (export "last") (mut funcref) (ref.null func))
  (func (export "log") (param i32))
  (func (export "at") (param i32) (result i32) local.get 0 call_indirect (result i32))
  (func (export "call") (result i32)
    i32.const 3 global.get 0 table.set 0
    i32.const 3 call_indirect (result i32)))
"""
PLUGIN = Module(
    wat("""
(module
  (import "env" "name" (func $name (result i32)))
  (import "core" "log" (func $log (param i32)))
  (memory 1)
  (table 10 funcref)
  (global (mut i64) (i64.const 0))
  (elem (i32.const 0) $run)
  (func $run (export "run") (result i32) i32.const 1 call $log call $name))
""")
)
SHARING = Module(
    wat("""
(module
  (import "env" "memory" (memory 1))
  (import "env" "table" (table 1 funcref))
  (import "env" "global" (global (mut i32)))
  (import "env" "tag" (tag (param i32)))
  (func (export "run") (result i32) i32.const 7))
""")
)


def name() -> int:
    return 7


def ignore(host: Named, x: int) -> int:
    return x


class Named:
    """A host function whose death can be seen."""

    alive = 0

    def __init__(self) -> None:
        type(self).alive += 1
        self.cycle: object = None

    def __call__(self) -> int:
        return 7

    def __del__(self) -> None:
        type(self).alive -= 1


@pytest.fixture
def core() -> Instance:
    gc.collect()
    Named.alive = 0
    return load(CORE)


def plug(core: Instance, host: Callable[[], int] = name) -> Instance:
    return Instance(PLUGIN, {"env": {"name": host}, "core": {"log": core.exports.log}})


def test_an_instance_that_imports_from_another_does_not_leak(core: Instance) -> None:
    def action() -> None:
        assert plug(core).exports.run() == 7

    assert_no_leak(action, 4000)


def test_more_memories_than_the_address_space_has_room_for_can_be_made(core: Instance) -> None:
    """Each takes 4 GiB of addresses, and a process has 32,768 times that."""
    for _ in range(4_000 if SANITIZED else 40_000):
        plug(core)


@pytest.mark.parametrize(
    "make",
    [
        lambda store: Memory(1, store=store),
        lambda store: Table("externref", 100, init=[], store=store),
        lambda store: Global("externref", [], True, store=store),
        lambda store: pywasm3.Tag(pywasm3.FuncType(["i32"], []), store=store),
        lambda store: pywasm3.host_function(pywasm3.FuncType([], ["i32"]), name, store=store),
    ],
    ids=["memory", "table", "global", "tag", "function"],
)
def test_what_the_host_makes_does_not_leak(make: Callable[[Store], object]) -> None:
    store = Store()
    assert_no_leak(lambda: make(store), 4000)


def test_instances_that_share_what_the_host_makes_do_not_leak() -> None:
    store = Store()
    shared = {
        "memory": Memory(1, store=store),
        "table": Table("funcref", 1, store=store),
        "global": Global("i32", 0, True, store=store),
        "tag": pywasm3.Tag(pywasm3.FuncType(["i32"], []), store=store),
    }

    def action() -> None:
        assert Instance(SHARING, {"env": shared}).exports.run() == 7

    assert_no_leak(action, 4000)


def test_an_instance_that_fails_to_be_made_does_not_leak(core: Instance) -> None:
    """The first has made its tables and globals when a limit ends it; the second a segment."""
    store = Store(limits=pywasm3.Limits(table=100))
    large = Module(wat("(module (global i32 (i32.const 0)) (table 90 funcref) (table 90 funcref))"))
    misfit = Module(
        wat('(module (import "c" "t" (table 0 funcref)) (elem (i32.const 9) $f)(func $f))')
    )

    def action() -> None:
        failing(pywasm3.UnsupportedError, lambda: Instance(large, store=store))
        failing(Trap, Instance, misfit, {"c": {"t": core.exports.table}})

    assert_no_leak(action, 2000)


def test_host_functions_of_an_instance_that_fails_to_be_made_do_not_leak() -> None:
    """A limit ends the instance before anything can refer to it."""
    module = Module(wat('(module (import "env" "f" (func)) (table 90 funcref))'))
    store = Store(limits=pywasm3.Limits(table=10))

    def action() -> None:
        given = {"env": {"f": Named()}}
        failing(pywasm3.UnsupportedError, lambda: Instance(module, given, store=store))

    Named.alive = 0
    assert_no_leak(action, 2000)
    gc.collect()
    assert Named.alive == 0


def test_an_instance_lives_while_a_table_has_its_function(core: Instance) -> None:
    core.exports.table[0] = plug(core, Named()).exports.run
    gc.collect()
    assert Named.alive == 1
    assert core.exports.at(0) == 7
    core.exports.table[0] = None
    assert Named.alive == 0


def test_an_instance_lives_while_a_global_has_its_function(core: Instance) -> None:
    core.exports.last.value = plug(core, Named()).exports.run
    gc.collect()
    assert core.exports.call() == 7
    assert Named.alive == 1
    core.exports.last.value = None
    core.exports.table[3] = None
    assert Named.alive == 0


def test_an_instance_lives_while_another_imports_its_function(core: Instance) -> None:
    first = Instance(
        Module(wat('(module (import "a" "f" (func $f (param i32))) (export "log" (func $f)))')),
        {"a": {"f": partial(ignore, Named())}},
        store=core.store,
    )
    second = plug(first)
    del first
    gc.collect()
    assert second.exports.run.store is core.store
    failing(TypeError, second.exports.run)  # log must have no result, and returns 7
    assert Named.alive == 1
    del second
    assert Named.alive == 0


def test_an_instance_lives_while_its_table_has_its_functions_and_is_held() -> None:
    instance = load(
        '(module (import "e" "n" (func $n (result i32))) (table (export "t") 1 funcref) '
        "(elem (i32.const 0) $n))",
        {"e": {"n": Named()}},
    )
    table = instance.exports.t
    del instance
    gc.collect()
    assert table[0]() == 7
    table[0] = None
    assert Named.alive == 0
    assert table[0] is None


def test_a_chain_of_instances_does_not_leak(core: Instance) -> None:
    """Each imports from the one before, so only the last keeps the others."""
    link = Module(
        wat(
            '(module (import "core" "log" (func $f (param i32))) (import "env" "name" (func)) '
            '(export "log" (func $f)))'
        )
    )
    last = core
    for _ in range(2_000):
        given = {"core": {"log": last.exports.log}, "env": {"name": Named()}}
        last = Instance(link, given, store=core.store)
    assert Named.alive == 2_000
    last.exports.log(1)
    del last, given
    assert Named.alive == 0


def test_an_instance_in_a_cycle_that_a_table_keeps_does_not_leak(core: Instance) -> None:
    """Python's garbage collector finds the cycle, but a table has a function of the instance."""
    host = Named()
    instance = plug(core, host)
    host.cycle = instance.exports
    core.exports.table[1] = instance.exports.run
    del host, instance
    for _ in range(3):
        gc.collect()
        assert core.exports.at(1) == 7
    assert core.exports.table[1].store is core.store
    core.exports.table[1] = None
    gc.collect()
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is Named]


def test_an_instance_that_is_dropped_by_its_own_host_function_ends_its_call(core: Instance) -> None:
    box: list[Any] = []

    class Drop:
        def __call__(self) -> int:
            box.clear()
            gc.collect()
            return 7

    drop = Drop()
    dead = weakref.ref(drop)
    box.append(plug(core, drop))
    call = box[0].exports.run.bind()
    del drop
    assert call() == 7
    assert dead() is not None  # the bound function keeps the instance
    del call
    assert dead() is None


def test_a_call_that_is_running_keeps_what_it_runs(core: Instance) -> None:
    """A host function takes the last reference from the table, in the middle of the call."""

    def clear() -> int:
        core.exports.table[2] = None
        gc.collect()
        return 7

    core.exports.table[2] = plug(core, clear).exports.run
    assert core.exports.at(2) == 7


def test_what_a_store_keeps_for_wasm_alone_is_freed_with_the_store() -> None:
    core = load(CORE)
    for i in range(4):
        core.exports.table[i] = plug(core, Named()).exports.run
    assert Named.alive == 4
    core.close()
    assert Named.alive == 0
    core = load(CORE)
    core.exports.table[0] = plug(core, Named()).exports.run
    del core
    assert Named.alive == 0


def test_the_descriptors_of_wasi_are_closed_with_the_instance() -> None:
    """Each of 300 programs has a file as its input, and the process may have 100 files open."""
    child(
        """
        import resource, tempfile
        from pywasm3.wasi import WasiConfig
        core, plugin = pywasm3.load(CORE), pywasm3.Module(PLUGIN)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        with tempfile.NamedTemporaryFile() as file:
            for _ in range(300):
                config = WasiConfig(stdin=file.name, stdout=file.name)
                instance = pywasm3.Instance(
                    plugin, {"core": core.exports}, wasi=config, store=core.store
                )
                assert instance.exports.run() == 0
        """,
        CORE=wat(CORE),
        PLUGIN=wat(
            '(module (import "core" "log" (func $log (param i32)))'
            '(import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32)))'
            '(memory (export "memory") 1)'
            '(func (export "run") (result i32) i32.const 1 call $log call $y))'
        ),
    )
