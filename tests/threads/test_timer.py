# SPDX-License-Identifier: MIT
"""Deadlines are kept when the time is spent in few steps, and the timer that sees to it survives.

A call is stopped although it has passed few checkpoints: its time is spent in the system, which
provides pages of memory, or in the engine, which compiles, grows a table, makes an instance or
copies its state. The tests compare with how long the same work takes without a deadline, or count
what the work has done; none depends on how fast the machine is.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, child, load, wat
from pywasm3 import DeadlineExceeded, Interrupted, Limits, Trap
from pywasm3._ffi import lib, store_pointer

POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# A function of 300,000 divisions, which takes tens of milliseconds to compile.
DIVISIONS = "(local.set $n (i64.div_u (local.get $n) (i64.const 3)))" * 300_000
LARGE = wat(f'(module (func (export "f") (local $n i64) {DIVISIONS}))')
LOOP = wat("""
(module
  (import "env" "f" (func $f))
  (func (export "loop") (loop br 0))
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "hosts") (call $f) (loop br 0)))
""")


def nothing() -> None:
    pass


def allocated(instance: pywasm3.Instance) -> int:
    """How many bytes the store has allocated for its guests."""
    return int(lib.pw_store_allocated(store_pointer(instance.store)))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def halfway(
    make: Callable[[], tuple[pywasm3.Instance, Callable[[], object]]],
) -> tuple[pywasm3.Instance, DeadlineExceeded]:
    """Stops work at half of the time that it takes; returns the instance and the error.

    `make` returns an instance and the work. If the machine is much quicker or slower than a moment
    before, the work ends, or does not begin, before the deadline; so it is tried several times.
    """
    for part in (2, 2, 2, 3, 3, 4, 4, 6, 8, 12, 20):
        whole = seconds(make()[1])
        instance, work = make()
        try:
            with instance.deadline(whole / part):
                work()
        except DeadlineExceeded as error:
            return instance, error
    raise AssertionError("the work was never stopped")


# ---- code with few checkpoints ----

# The loop over pages begins right after the tick hook has run. Each of its 4095 iterations writes
# to 256 pages of the system, which are 1 MiB, and takes 5 of the 4096 ticks until the hook runs
# again.
PAGES = """
(module
  (memory (export "memory") 65536)
  (func (export "f") (local $i i32) (local $p i32)
    (local.set $i (i32.const 8200))
    (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (loop
      %s
      (i32.store (i32.const 0) (local.tee $p (i32.add (local.get $p) (i32.const 0x100000))))
      (br_if 0 (i32.lt_u (local.get $p) (i32.const 0xfff00000))))))
"""


@pytest.mark.skipif(SANITIZED, reason="the sanitizer's own memory leaves no room for 4 GiB")
def test_a_deadline_stops_writes_to_new_pages() -> None:
    """Without the timer, the clock is looked at after 800 MiB, or later."""
    stores = "".join(
        f"(i32.store offset={4096 * page} (local.get $p) (i32.const 1))" for page in range(1, 256)
    )
    child(
        """
        instance = pywasm3.load(WASM, compile="eager")
        try:
            with instance.deadline(0.01):
                instance.exports.f()
        except pywasm3.DeadlineExceeded:
            pass
        else:
            raise AssertionError("all pages were written")
        pages = int.from_bytes(instance.memory[:4], "little") >> 20
        assert pages < 500, pages
        """,
        WASM=wat(PAGES % stores),
    )


def test_a_deadline_stops_the_growth_of_a_table() -> None:
    """The table keeps its size, and can be grown later."""
    data = wat("""
    (module
      (table (export "t") 0 10000000 funcref)
      (func (export "grow") (result i32) (table.grow (ref.null func) (i32.const 10000000))))
    """)

    def make() -> tuple[pywasm3.Instance, Callable[[], object]]:
        instance = pywasm3.load(data, compile="eager")
        return instance, instance.exports.grow

    sizes = []
    for _ in range(20):  # the deadline may also pass right before or after the instruction
        instance, _ = halfway(make)
        sizes.append(len(instance.exports.t))
        if sizes[-1] == 0:
            break
    assert sizes[-1] == 0
    assert instance.exports.grow() == 0
    assert len(instance.exports.t) == 10_000_000


# ---- compilation ----


def test_a_deadline_stops_the_compilation_at_the_first_call() -> None:
    """The function can be called again, and attempts leave no code behind."""

    def make() -> tuple[pywasm3.Instance, Callable[[], object]]:
        instance = pywasm3.load(LARGE)
        return instance, instance.exports.f

    instance, _ = halfway(make)
    left = [allocated(instance)]
    while len(left) < 6:
        with pytest.raises(DeadlineExceeded) as caught, instance.deadline(0.0005):
            instance.exports.f()
        if caught.value.frames:  # it began in time
            assert [frame.name for frame in caught.value.frames] == ["f"]
            left.append(allocated(instance))
    assert left == left[:1] * 6
    assert left[0] < allocated(pywasm3.load(LARGE)) + (1 << 20)
    instance.exports.f()
    assert allocated(instance) > left[0] + (1 << 20)


@pytest.mark.parametrize("how", ["call", "call_indirect", "import"])
def test_a_stopped_compilation_traps_in_the_caller(how: str) -> None:
    caller = {
        "call": "(call $f)",
        "call_indirect": "(call_indirect (i32.const 0))",
        "import": "(call $imported)",
    }[how]
    data = wat(f"""
    (module
      (import "env" "f" (func $imported))
      (table funcref (elem $f))
      (func $f (local $n i64) {DIVISIONS})
      (func $caller (export "caller") {caller}))
    """)

    def make() -> tuple[pywasm3.Instance, Callable[[], object]]:
        instance = pywasm3.load(data, {"env": {"f": pywasm3.load(LARGE).exports.f}})
        return instance, instance.exports.caller

    instance, error = halfway(make)
    assert error.frames[-1].name == "caller"
    instance.exports.caller()


def test_interrupt_stops_a_compilation() -> None:
    """The compilation lets go of the GIL, so that the other thread can run."""
    stopped = 0
    for _ in range(10):
        instance = pywasm3.load(LARGE)

        def interrupt(instance: pywasm3.Instance = instance) -> None:
            while not instance.interrupt():
                time.sleep(0)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(Interrupted):
            while True:
                instance.exports.f()
        thread.join()
        stopped += allocated(instance) < allocated(pywasm3.load(LARGE)) + (1 << 20)
    assert stopped


# ---- instances and snapshots ----


def state(**options: Any) -> pywasm3.Instance:
    return load(
        """
        (module
          (memory (export "memory") 1 2000)
          (table (export "t") 10 3000000 funcref)
          (global (export "g") (mut i32) (i32.const 1))
          (func (export "grow") (result i32)
            (drop (memory.grow (i32.const 1000)))
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 60000000))
            (global.set 0 (i32.const 2))
            (table.grow (ref.null func) (i32.const 2000000))))
        """,
        **options,
    )


def test_instantiation_and_snapshots_do_not_begin_after_the_deadline() -> None:
    """They count as calls: an expired deadline refuses them, as it refuses a call."""
    instance = state()
    snapshot = instance.snapshot()
    instance.exports.grow()
    for work in (instance.snapshot, lambda: instance.restore(snapshot)):
        with instance.deadline(0), pytest.raises(DeadlineExceeded) as caught:
            work()
        assert caught.value.frames == ()
    assert (len(instance.exports.t), instance.exports.g.value) == (2_000_010, 2)
    store = pywasm3.Store()
    module = instance.module
    with pywasm3.Instance(module, store=store).deadline(0), pytest.raises(DeadlineExceeded):
        pywasm3.Instance(module, store=store)
    with pytest.raises(DeadlineExceeded):
        state(limits=Limits(timeout=0))
    pywasm3.Instance(module, store=store).exports.grow()


def test_the_timeout_stops_eager_compilation() -> None:
    module = pywasm3.Module(LARGE)
    whole = seconds(lambda: pywasm3.Instance(module, compile="eager"))
    with pytest.raises(DeadlineExceeded):
        for part in (2, 4, 8, 16, 32):
            pywasm3.Instance(module, compile="eager", limits=Limits(timeout=whole / part))
    pywasm3.Instance(module, compile="eager", limits=Limits(timeout=60)).exports.f()


def test_a_host_function_makes_no_instance_after_the_deadline_of_its_call() -> None:
    """The instance is made in a store of its own, which has no deadline."""
    seen = []

    def f() -> None:
        time.sleep(0.55)
        with pytest.raises(DeadlineExceeded):
            state()
        seen.append(True)

    instance = pywasm3.load(LOOP, {"env": {"f": f}})
    with pytest.raises(DeadlineExceeded), instance.deadline(0.5):
        instance.exports.hosts()
    assert seen


def test_a_stopped_snapshot_changes_nothing() -> None:
    def make() -> tuple[pywasm3.Instance, Callable[[], object]]:
        instance = state()
        instance.exports.grow()
        return instance, instance.snapshot

    instance, _ = halfway(make)
    snapshot = instance.snapshot()
    assert snapshot == make()[0].snapshot()


@pytest.mark.parametrize("grows", [True, False])
def test_a_stopped_restore_can_be_repeated(grows: bool) -> None:
    """After it, the state is a mixture, but each part of it is valid."""
    small, grown = state(), state()
    grown.exports.grow()
    old, new = (small, grown) if grows else (grown, small)
    before, after = old.snapshot(), new.snapshot()

    def make() -> tuple[pywasm3.Instance, Callable[[], object]]:
        instance = state()
        instance.restore(before)
        return instance, lambda: instance.restore(after)

    instance, _ = halfway(make)
    assert len(instance.exports.t) in (10, 2_000_010)
    assert {instance.exports.t[i] for i in range(0, len(instance.exports.t), 997)} == {None}
    assert len(instance.memory) in (1 << 16, 1001 << 16)
    instance.restore(after)
    assert instance.snapshot() == after


def test_a_pool_drops_an_instance_whose_restoring_was_stopped() -> None:
    module = state().module
    prepared = []

    def prepare(instance: pywasm3.Instance) -> None:
        prepared.append(instance)

    pool = pywasm3.InstancePool(module, size=1, prepare=prepare, limits=Limits(timeout=60))
    with pool.instance() as instance:
        instance.exports.grow()
        deadline = instance.deadline(0)
        deadline.__enter__()
    with pool.instance() as instance:
        assert len(instance.exports.t) == 10
    assert len(prepared) == 2


@pytest.mark.parametrize("how", ["interrupt", "cancel"])
def test_another_thread_stops_work_of_the_engine(how: str) -> None:
    stopped = 0
    for _ in range(20):
        instance = state()
        instance.exports.grow()
        store = instance.store
        deadline = store._begin_deadline(60)
        begun = threading.Event()

        def stop(store: Any = store, deadline: int = deadline, begun: Any = begun) -> None:
            begun.wait()
            time.sleep(0.001)
            if how == "interrupt":
                store.interrupt()
            else:
                store._cancel(deadline)

        thread = threading.Thread(target=stop)
        thread.start()
        begun.set()
        try:
            instance.snapshot()
        except Trap as error:
            expected = {"interrupt": Interrupted, "cancel": DeadlineExceeded}[how]
            assert type(error) is expected
            stopped += 1
        thread.join()
        store._end_deadline(deadline)
        instance.snapshot()
    assert stopped


def test_a_table_that_the_host_makes_is_stopped_only_within_a_call() -> None:
    """It is filled by the same function as the tables of an instance, but outside of a call."""
    assert len(pywasm3.Table("externref", 9_000_000, init="element")) == 9_000_000
    seen = []

    def f() -> None:
        time.sleep(0.55)
        with pytest.raises(DeadlineExceeded):
            pywasm3.Table("externref", 9_000_000, init="element", store=instance.store)
        assert len(pywasm3.Table("externref", 10, store=instance.store)) == 10
        seen.append(True)

    instance = pywasm3.load(LOOP, {"env": {"f": f}})
    with pytest.raises(DeadlineExceeded), instance.deadline(0.5):
        instance.exports.hosts()
    assert seen


# ---- the thread of the timer ----

TIMED = """
import os, threading, time
from pywasm3 import DeadlineExceeded, Limits

def load(f=lambda: None, **options):
    return pywasm3.load(WASM, {"env": {"f": f}}, **options)

def is_stopped(instance, seconds=0.05, name="loop"):
    try:
        with instance.deadline(seconds):
            instance.exports[name]()
    except DeadlineExceeded:
        return True

def threads():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))

def status_of_child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def run(code: str) -> None:
    child(TIMED + code, WASM=LOOP)


@LINUX
def test_there_is_one_timer_and_only_once_it_is_needed() -> None:
    run("""
before = threads()
load().exports.add(1, 2)
assert threads() == before
stores = [load(limits=Limits(timeout=60)) for _ in range(20)]
for instance in stores * 10:
    assert instance.exports.add(1, 2) == 3
assert threads() == before + 1
""")


@LINUX
def test_short_calls_do_not_wake_the_timer() -> None:
    """The first call does. Later calls are due later, so that the timer need not know of them."""
    run("""
instance = load(limits=Limits(timeout=60))
instance.exports.add(1, 2)
timer, = set(map(int, os.listdir("/proc/self/task"))) - {os.getpid()}
def woken():
    with open(f"/proc/self/task/{timer}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary"))
time.sleep(0.05)
before = woken()
others = [load(limits=Limits(timeout=60)) for _ in range(100)]
for each in [instance, *others] * 100:
    assert each.exports.add(1, 2) == 3
time.sleep(0.05)
assert woken() - before <= 5, woken() - before
""")


@LINUX
def test_the_timer_takes_no_signals() -> None:
    """Signals that are sent to the process must reach threads of Python."""
    run("""
load(limits=Limits(timeout=60)).exports.add(1, 2)
def blocked(task):
    with open(f"/proc/self/task/{task}/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith("SigBlk:"))
timer, = set(map(int, os.listdir("/proc/self/task"))) - {os.getpid()}
for signal in (1, 2, 10, 14, 15):
    assert blocked(timer) >> (signal - 1) & 1
assert blocked(os.getpid()) == 0
""")


@POSIX
def test_deadlines_are_kept_after_a_fork() -> None:
    """A warning about a second thread would end the child: CPython 3.12 warns of forks then."""
    run("""
import warnings
warnings.simplefilter("error")
instance = load()
assert is_stopped(instance)
for _ in range(3):
    pid = os.fork()
    if not pid:
        os._exit(0 if is_stopped(instance) and is_stopped(load()) else 1)
    assert status_of_child(pid) == 0
    assert is_stopped(instance)
""")


@POSIX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_call_that_forks_keeps_its_deadline_in_both_processes() -> None:
    run("""
import warnings
warnings.simplefilter("ignore")
pids = []
instance = load(lambda: pids.append(os.fork()))
stopped = is_stopped(instance, 0.2, "hosts")
if pids == [0]:
    os._exit(0 if stopped else 1)
assert stopped
assert status_of_child(pids[0]) == 0
""")


@POSIX
def test_threads_that_fork_at_the_same_time_all_do() -> None:
    run("""
import warnings
warnings.simplefilter("ignore")
ended = threading.Event()
def calls():
    instance = load()
    while not ended.is_set():
        assert is_stopped(instance, 0.002)
def forks():
    for _ in range(20):
        pid = os.fork()
        if not pid:
            os._exit(0)
        assert status_of_child(pid) == 0
callers = [threading.Thread(target=calls) for _ in range(2)]
forkers = [threading.Thread(target=forks) for _ in range(3)]
for thread in callers + forkers:
    thread.start()
for thread in forkers:
    thread.join()
ended.set()
for thread in callers:
    thread.join()
""")


def test_the_process_ends_while_a_daemon_thread_is_timed() -> None:
    run("""
for _ in range(3):
    threading.Thread(target=is_stopped, args=(load(), 60), daemon=True).start()
time.sleep(0.05)
""")


def test_stores_come_and_go_while_the_timer_runs() -> None:
    """The timer never looks at a store that was freed: a sanitizer would see it."""
    run("""
def work():
    for number in range(100):
        instance = load()
        assert is_stopped(instance, 0.0005 * (1 + number % 3))
        if number % 2:
            instance.close()
running = [threading.Thread(target=work) for _ in range(4)]
for thread in running:
    thread.start()
for thread in running:
    thread.join()
""")


def test_a_store_is_closed_within_its_deadline() -> None:
    run("""
instance = load()
with instance.deadline(60), instance.deadline(0.5):
    instance.exports.add(1, 2)
    instance.close()
    time.sleep(0.55)
assert is_stopped(load())
""")


def test_a_deadline_of_a_nested_call_is_followed_by_that_of_the_outer_one() -> None:
    """The outer deadline still holds after a host function has made a call with a shorter one."""
    inner = pywasm3.load(LOOP, {"env": {"f": nothing}})
    seen = []

    def f() -> None:
        for instance in (outer, inner):
            begin = time.monotonic()
            with pytest.raises(DeadlineExceeded), instance.deadline(0.02):
                instance.exports.loop()
            seen.append(time.monotonic() - begin)

    outer = pywasm3.load(LOOP, {"env": {"f": f}})
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded), outer.deadline(0.5):
        outer.exports.hosts()
    assert time.monotonic() - begin >= 0.5
    assert all(taken >= 0.02 for taken in seen)
    assert len(seen) == 2


def test_a_wish_to_stop_without_a_reason_takes_no_fuel() -> None:
    """Deadlines that end before the guest goes on make the timer raise such wishes."""
    data = wat("""
    (module
      (import "env" "f" (func $f))
      (func $leaf)
      (func (export "f") (param i32)
        (loop
          (call $leaf)
          (if (i32.eqz (i32.and (local.get 0) (i32.const 1023))) (then (call $f)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
    """)

    def f() -> None:
        with instance.deadline(0):
            pass

    instance = pywasm3.load(data, {"env": {"f": f}}, limits=Limits(fuel=1 << 40, timeout=600))
    count = 1 << 20
    for _ in range(3):
        before = instance.fuel
        instance.exports.f(count)
        assert before is not None
        assert before - (instance.fuel or 0) == 2 * count + count // 1024
