# SPDX-License-Identifier: MIT
"""Interrupts, deadlines and fuel stop calls that would never end, and the instance stays usable.

The expected values are written by hand from the small modules below. An endless call runs in a
child process, so that a call that nothing stops fails its test by the child's timeout.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3 import DeadlineExceeded, Interrupted, Limits

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (table funcref (elem $spin))
  (func (export "loop")
    loop i32.const 0 i32.const 1 i32.store8 br 0 end)
  (func $spin (export "tails") return_call $spin)
  (func (export "tails_indirect") i32.const 0 return_call_indirect)
  (func $tree (export "tree") (param i32)
    local.get 0 if
      local.get 0 i32.const 1 i32.sub call $tree
      local.get 0 i32.const 1 i32.sub call $tree
    end)
  (func (export "hosts") (loop i32.const 1 call $f drop br 0))
  (func (export "heavy")
    loop i32.const 0 i32.const 0 i32.const 65536 memory.fill br 0 end)
  (func (export "nested") (param i32) (result i32) local.get 0 call $f)
  (func (export "spins") (param i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
"""
WASM = wat(TEXT)

# Seconds that a slow machine under load may take; benchmarks/threads.py measures on a quiet one.
PATIENCE = 5.0

START = """
import threading, time
from pywasm3 import DeadlineExceeded, Interrupted, Limits
instance = pywasm3.load(WASM, {"env": {"f": abs}})
exports = instance.exports
begin = time.monotonic()

def soon(instance):
    def interrupt():
        while not instance.interrupt():  # returns False until the call has begun
            time.sleep(0.001)
    threading.Timer(0.05, interrupt).start()
"""

ENDLESS = [
    "loop()",
    "tails()",
    "tails_indirect()",
    "tree(1000)",
    "hosts()",
    "heavy()",
]


# ---- long code without calls and loops ----

# Counts itself, and then takes some twenty operations more.
PIECE = """(global.set $count (i32.add (global.get $count) (i32.const 1)))""" + (
    "(local.set $n (i32.mul (i32.xor (local.get $n) (i32.const 3)) (i32.const 5)))" * 10
)
PIECES = 1000
# How the pieces follow each other.
WAYS = {
    "one after the other": PIECE * PIECES,
    "blocks that end": f"(block {PIECE})" * PIECES,
    "blocks that may be left before": f"(block (br_if 0 (local.get $zero)) {PIECE})" * PIECES,
    "blocks that are left": f"(block {PIECE} (br 0) {PIECE})" * PIECES,
    "blocks that are left by br_table": f"(block {PIECE} (br_table 0 0 (local.get $zero)))"
    * PIECES,
    "cases of a br_table": "(block " * PIECES
    + f"(br_table {' '.join(map(str, range(PIECES)))} (local.get $zero))"
    + f") {PIECE}" * PIECES,
    "arms": f"(if (local.get $zero) (then) (else {PIECE}))" * PIECES,
    "nested arms": f"(if (i32.eqz (local.get $zero)) (then {PIECE}" * PIECES + "))" * PIECES,
    "catch clauses": f"(block (try_table (catch_all 0) {PIECE} (throw $t)))" * PIECES,
    "legacy catch clauses": f" try {PIECE} throw $t catch_all {PIECE} end" * PIECES,
}


@pytest.mark.parametrize("way", WAYS)
def test_long_code_without_calls_and_loops_is_stopped_in_the_middle(way: str) -> None:
    """An interruption ends a loop within an iteration, whatever way leads through its long code.

    The code has a checkpoint every 256 operations at least. Without them, the loop would always end
    between two iterations.
    """
    instance = load(
        f"""(module (tag $t) (global $count (export "count") (mut i32) (i32.const 0))
        (func (export "long") (param $n i32) (param $zero i32)
          (loop $again {WAYS[way]} (br $again))))""",
        compile="eager",  # an interruption would also stop the compilation at the first call
    )

    def interrupt() -> None:
        while not instance.interrupt():  # returns False until the call has begun
            time.sleep(0.001)

    places = []
    for _ in range(5):
        threading.Timer(0.01, interrupt).start()
        with pytest.raises(Interrupted):
            instance.exports.long(1, 0)
        places.append(instance.exports.count.value % PIECES)
    assert any(places)


# ---- each kind of code that does not end ----


@pytest.mark.parametrize("call", ENDLESS)
def test_interrupt_stops(call: str) -> None:
    """`interrupt()` stops each kind of code that never ends, and the instance stays usable."""
    child(
        START
        + f"""
for _ in range(3):
    soon(instance)
    try:
        exports.{call}
    except Interrupted as error:
        assert error.kind is pywasm3.TrapKind.INTERRUPTED
        assert error.frames
    else:
        raise AssertionError
    assert exports.add(1, 2) == 3
""",
        WASM=WASM,
    )


@pytest.mark.parametrize("call", ENDLESS)
def test_a_deadline_stops(call: str) -> None:
    """A deadline stops each kind of code that never ends, and the instance stays usable."""
    child(
        START
        + f"""
for _ in range(3):
    try:
        with instance.deadline(0.05):
            exports.{call}
    except DeadlineExceeded as error:
        assert isinstance(error, TimeoutError) and isinstance(error, pywasm3.Trap)
        assert error.kind is pywasm3.TrapKind.DEADLINE
        assert "deadline exceeded" in str(error)
    else:
        raise AssertionError
    assert exports.add(1, 2) == 3
assert 0.15 <= time.monotonic() - begin < 0.15 + {PATIENCE}
""",
        WASM=WASM,
    )


@pytest.mark.parametrize("call", ENDLESS)
def test_fuel_stops(call: str) -> None:
    """Fuel stops each kind of code that never ends, and the instance stays usable."""
    child(
        START
        + f"""
for _ in range(2):
    instance.fuel = 20_000
    try:
        exports.{call}
    except pywasm3.OutOfFuel:
        pass
    else:
        raise AssertionError
    assert instance.fuel == 0
    assert exports.add(1, 2) == 3
""",
        WASM=WASM,
    )


# Work that takes milliseconds for each iteration. It follows thousands of cheap iterations: if
# only their number decided when a checkpoint reads the clock, seconds would pass until it does.
SLOW_WORK = {
    "fill": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x10000000))",
    "copy": "(memory.copy (i32.const 0) (i32.const 1) (i32.const 0xfffffff))",
    "elements": "(table.fill $t (i32.const 0) (ref.null func) (i32.const 10000000))",
    "straight": "(local.set $n (i64.div_u (local.get $n) (i64.const 3)))" * 500_000,
    "branchy": "(block (br_if 0 (i32.const 1)) (drop (i64.div_u (local.get $n) (i64.const 3))))"
    * 500_000,
}
SUDDENLY = """
(module
  (memory 4096)
  (table $t 10000000 funcref)
  (func (export "f") (local $i i32) (local $n i64)
    (local.set $n (i64.const 0x4000000000000000))
    (loop
      (local.set $i (i32.const 20480)) ;; 5 times the iterations between two checkpoints
      (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (local.set $i (i32.const 4096))
      (loop %s (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br 0))))
"""


@pytest.mark.parametrize("work", SLOW_WORK)
def test_a_deadline_stops_what_becomes_slow_at_once(work: str, tmp_path: Path) -> None:
    path = tmp_path / "suddenly.wasm"
    path.write_bytes(wat(SUDDENLY % SLOW_WORK[work]))
    child(
        START
        + f"""
instance = pywasm3.load(PATH.decode(), compile="eager")
begin = time.monotonic()
try:
    with instance.deadline(0.05):
        instance.exports.f()
except DeadlineExceeded as error:
    assert [frame.name for frame in error.frames] == ["f"]
    loop = instance.module.bytes.index(b"\\x03\\x40")
    assert error.frames[0].offset >= loop  # in the loop, not at the entry of the function
else:
    raise AssertionError
assert time.monotonic() - begin < 0.05 + {PATIENCE}
""",
        WASM=WASM,
        PATH=str(path).encode(),
    )


# Each frame that the exception passes has many clauses that do not catch it.
MANY_CLAUSES = f"""
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (tag $t)
  (tag $other)
  (func $down (param i32) (param $host i32)
    (block
      (try_table {"(catch $other 0)" * 100_000}
        (if (local.get 0)
          (then (call $down (i32.sub (local.get 0) (i32.const 1)) (local.get $host)) return))
        (if (local.get $host) (then (drop (call $f (i32.const 7)))))
        (throw $t))))
  (func (export "f") (param i32) (param $host i32)
    (block $caught
      (try_table (catch_all $caught) (call $down (local.get 0) (local.get $host))))))
"""


@pytest.mark.parametrize(("host", "error"), [(0, DeadlineExceeded), (1, LookupError)])
def test_a_deadline_stops_the_search_for_who_catches_an_exception(
    host: int, error: type[Exception]
) -> None:
    """Without a stop, the guest would catch it after seconds. An exception of Python goes on."""

    def f(x: int) -> int:
        raise LookupError(x)

    instance = load(MANY_CLAUSES, {"env": {"f": f}})
    instance.exports.f(1, host)
    with pytest.raises(error), instance.deadline(0.1):
        instance.exports.f(8000, host)
    instance.exports.f(1, host)


def test_exceptions_survive_collections_that_are_stopped() -> None:
    """The guest makes a longer and longer chain of exceptions, which takes longer to collect."""
    instance = load("""
    (module
      (tag $t (param exnref))
      (global $last (mut exnref) (ref.null exn))
      (global $count (export "count") (mut i32) (i32.const 0))
      (func (export "grow")
        (loop $again
          (block $caught (result exnref)
            (try_table (catch_all_ref $caught) (throw $t (global.get $last)))
            unreachable)
          global.set $last
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (br $again)))
      (func (export "length") (result i32) (local $one exnref) (local $length i32)
        (local.set $one (global.get $last))
        (block $end
          (loop $again
            (br_if $end (ref.is_null (local.get $one)))
            (block $caught (result exnref)
              (try_table (catch $t $caught) (throw_ref (local.get $one)))
              unreachable)
            local.set $one
            (local.set $length (i32.add (local.get $length) (i32.const 1)))
            (br $again)))
        (local.get $length)))
    """)
    for turn in range(100):
        with pytest.raises(DeadlineExceeded), instance.deadline(0.001 + turn / 20_000):
            instance.exports.grow()
    length = instance.exports.length()
    assert length > 20_000
    assert length - instance.exports.count.value in (0, 1)


def test_a_stop_in_long_code_without_calls_says_where_that_was() -> None:
    add = "(local.set $n (i64.add (local.get $n) (i64.const 1)))"
    data = wat(f'(module (func (export "f") (local $n i64) (loop {add * 20_000} (br 0))))')
    instance = pywasm3.load(data, compile="eager")
    places = []
    for _ in range(3):
        with pytest.raises(DeadlineExceeded) as caught, instance.deadline(0.02):
            instance.exports.f()
        places.append(caught.value.frames[0].offset or 0)
    assert max(places) > data.index(b"\x03\x40")  # not always at the beginning of the loop


def test_the_timeout_stops_each_call() -> None:
    child(
        START
        + f"""
instance = pywasm3.load(WASM, {{"env": {{"f": abs}}}}, limits=Limits(timeout=0.3))
for _ in range(3):
    begin = time.monotonic()
    try:
        instance.exports.loop()
    except DeadlineExceeded:
        pass
    else:
        raise AssertionError
    assert 0.3 <= time.monotonic() - begin < {PATIENCE}
    assert instance.memory[0] == 1  # what the guest wrote stays
    time.sleep(0.35)  # time between calls does not count
    assert instance.exports.add(1, 2) == 3
""",
        WASM=WASM,
    )


def test_a_start_function_is_stopped() -> None:
    child(
        """
        store = pywasm3.Store(limits=pywasm3.Limits(timeout=0.3))
        try:
            pywasm3.load(WASM, store=store)
        except pywasm3.DeadlineExceeded:
            pass
        else:
            raise AssertionError
        """,
        WASM=wat("(module (func $s (loop br 0)) (start $s))"),
    )


# ---- deadlines ----


def make(f: Any = abs, **options: Any) -> pywasm3.Instance:
    return load(TEXT, {"env": {"f": f}}, **options)


def test_a_call_in_time_returns() -> None:
    instance = make(limits=Limits(timeout=60))
    with instance.deadline(60):
        instance.exports.spins(100_000)
        assert instance.exports.add(1, 2) == 3


def test_a_call_after_the_deadline_does_not_begin() -> None:
    instance = make()
    with instance.deadline(0), pytest.raises(DeadlineExceeded) as caught:
        instance.exports.add(1, 2)
    assert caught.value.frames == ()
    assert instance.exports.add(1, 2) == 3


def test_the_first_of_nested_deadlines_counts() -> None:
    """Of two nested deadlines the earlier one stops a call, whichever is the outer one."""
    instance = make()
    for seconds in ((60, 0), (0, 60)):
        first, second = map(instance.deadline, seconds)
        with first, second, pytest.raises(DeadlineExceeded):
            instance.exports.add(1, 2)
    assert instance.exports.add(1, 2) == 3


def test_a_deadline_can_be_used_again_and_within_itself() -> None:
    """One deadline object may be entered several times, also while it is entered."""
    deadline = make().deadline(60)
    with deadline, deadline:
        pass
    with deadline:
        pass


def test_a_deadline_is_that_of_its_thread() -> None:
    """A deadline stops the calls of the thread that set it, and of no other."""
    instance = make()
    with instance.deadline(0):
        results: list[int] = []
        thread = threading.Thread(target=lambda: results.append(instance.exports.add(1, 2)))
        thread.start()
        thread.join()
        assert results == [3]
        with pytest.raises(DeadlineExceeded):
            instance.exports.add(1, 2)


@pytest.mark.parametrize(
    ("wrong", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)]
)
def test_a_wrong_deadline_is_refused(wrong: Any, error: type[Exception]) -> None:
    instance = make()
    with pytest.raises(error), instance.deadline(wrong):
        pass
    assert instance.exports.add(1, 2) == 3


def test_an_instance_can_be_closed_within_a_deadline() -> None:
    instance = make()
    with instance.deadline(60):
        instance.close()
    with pytest.raises(pywasm3.WasmError, match="closed"), instance.deadline(60):
        pass


def test_a_guest_does_not_go_on_after_a_host_function_that_took_too_long() -> None:
    def f(x: int) -> int:
        time.sleep(0.05)
        return x

    instance = make(f)
    with instance.deadline(0.01), pytest.raises(DeadlineExceeded):
        instance.exports.nested(1)


# ---- interruption ----


def test_nothing_is_interrupted_when_no_call_runs() -> None:
    instance = make()
    assert instance.interrupt() is False
    assert instance.exports.add(1, 2) == 3
    instance.close()
    assert instance.interrupt() is False


def test_a_host_function_interrupts_its_call() -> None:
    def f(x: int) -> int:
        assert instance.interrupt() is True
        return x

    instance = make(f)
    for _ in range(2):
        with pytest.raises(Interrupted):
            instance.exports.nested(1)
        assert instance.exports.add(1, 2) == 3


def test_a_nested_call_is_stopped_as_a_whole() -> None:
    """A host function that catches the interruption cannot save the outer call."""
    seen: list[str] = []

    def f(depth: int) -> int:
        if not depth:
            assert instance.interrupt()
            return 0
        try:
            return int(instance.exports.nested(depth - 1))
        except Interrupted:
            seen.append("swallowed")
        with pytest.raises(Interrupted):
            instance.exports.add(1, 2)
        return 0

    instance = make(f)
    with pytest.raises(Interrupted):
        instance.exports.nested(2)
    assert seen == ["swallowed"] * 2
    assert instance.exports.add(1, 2) == 3


def test_a_deadline_of_the_outer_call_cannot_be_swallowed() -> None:
    """A host function that catches the deadline's exception cannot save the outer call."""

    def f(depth: int) -> int:
        with pytest.raises(DeadlineExceeded):
            instance.exports.spins(0)
        return 0

    instance = make(f, limits=Limits(timeout=0.3))
    with pytest.raises(DeadlineExceeded):
        instance.exports.nested(1)


def test_a_deadline_that_a_host_function_sets_is_its_own() -> None:
    """A deadline that a host function sets and that passes does not stop the outer call."""

    def f(x: int) -> int:
        with instance.deadline(0.02), pytest.raises(DeadlineExceeded):
            instance.exports.spins(0)
        return x + 1

    instance = make(f)
    assert instance.exports.nested(1) == 2


def test_the_exception_of_a_host_function_goes_on_in_spite_of_an_interruption() -> None:
    def f(x: int) -> int:
        instance.interrupt()
        raise LookupError

    instance = make(f)
    with pytest.raises(LookupError):
        instance.exports.nested(1)
    assert instance.exports.add(1, 2) == 3


@pytest.mark.parametrize("how", ["interrupt", "deadline"])
def test_a_call_in_another_store_is_stopped_with_the_one_that_it_is_nested_in(how: str) -> None:
    child(
        START
        + f"""
def f(x):
    try:
        exports.loop()
    except (Interrupted, DeadlineExceeded):
        return x  # the exception is swallowed
outer = pywasm3.load(WASM, {{"env": {{"f": f}}}})
if {how == "interrupt"}:
    soon(outer)
try:
    if {how == "interrupt"}:
        outer.exports.nested(1)
    else:
        with outer.deadline(0.05):
            outer.exports.nested(1)
except (Interrupted, DeadlineExceeded):
    pass
else:
    raise AssertionError
assert exports.add(1, 2) == outer.exports.add(1, 2) == 3
""",
        WASM=WASM,
    )


def test_an_interrupted_inner_store_does_not_stop_the_outer_one() -> None:
    inner = make(lambda x: inner.interrupt() and x)

    def f(x: int) -> int:
        with pytest.raises(Interrupted):
            inner.exports.nested(1)
        return inner.exports.add(x, x)  # type: ignore[no-any-return]

    assert make(f).exports.nested(4) == 8


def test_a_running_call_is_refilled_by_another_thread() -> None:
    """Fuel that another thread sets counts for the running call, and can be read meanwhile."""
    child(
        START
        + """
instance.fuel = None
thread = threading.Timer(0.05, setattr, (instance, "fuel", 1000))
thread.start()
try:
    exports.loop()
except pywasm3.OutOfFuel:
    pass
else:
    raise AssertionError
thread.join()
assert instance.fuel == 0

instance.fuel = 1 << 60
seen = []
def watch():
    while not seen or seen[-1] == seen[0]:
        seen.append(instance.fuel)
    while not instance.interrupt():
        pass
thread = threading.Timer(0.05, watch)
thread.start()
try:
    exports.loop()
except Interrupted:
    pass
thread.join()
assert (1 << 60) >= seen[0] > seen[-1] >= instance.fuel
""",
        WASM=WASM,
    )


# ---- signals ----


def test_ctrl_c_reaches_the_main_thread_while_another_one_is_in_the_guest() -> None:
    child(
        START
        + """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
def run():
    try:
        exports.loop()
    except Interrupted:
        stopped.set()
stopped = threading.Event()
threading.Thread(target=run).start()
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    # Free-threaded CPython 3.14 does not wake an endless wait for a signal.
    while not stopped.wait(0.05):
        pass
except KeyboardInterrupt:
    instance.interrupt()
else:
    raise AssertionError
stopped.wait()
""",
        WASM=WASM,
    )


def test_a_signal_handler_interrupts_the_call() -> None:
    child(
        START
        + """
import signal
signal.signal(signal.SIGALRM, lambda *_: instance.interrupt())
# The signal repeats, because the call may not have begun at the first one.
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
try:
    exports.loop()
except Interrupted:
    pass
else:
    raise AssertionError
signal.setitimer(signal.ITIMER_REAL, 0)
assert exports.add(1, 2) == 3
""",
        WASM=WASM,
    )


def test_what_a_signal_handler_calls_finds_no_room_at_the_end_of_the_stack() -> None:
    """A call in a signal handler raises StackExhausted if the store's stack is full.

    The stack has 17 MiB, because stacks of up to 16 MiB are recycled mappings of 16 MiB, which may
    be larger than the size that was asked for.
    """
    child(
        """
        import bisect, signal
        store = pywasm3.Store(stack=17 << 20)
        exports = pywasm3.Instance(pywasm3.Module(WASM), store=store).exports
        def overflows(depth):
            try:
                exports.down(depth, 1)
            except pywasm3.StackExhausted:
                return True
            return False
        depth = bisect.bisect_left(range(10_000), True, key=overflows) - 1
        seen = []
        def handle(*_):
            try:
                seen.append(exports.down(0, 1))
            except pywasm3.StackExhausted as error:
                seen.append(type(error))
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        while pywasm3.StackExhausted not in seen:
            exports.down(depth, 20_000_000)
        signal.setitimer(signal.ITIMER_REAL, 0)
        """,
        WASM=wat(f"""
        (module (func $down (export "down") (param i32 i32) (local {"i64 " * 2000})
          local.get 0 if
            local.get 0 i32.const 1 i32.sub local.get 1 call $down
          else
            loop local.get 1 i32.const 1 i32.sub local.tee 1 br_if 0 end
          end))
        """),
    )


def test_what_a_signal_handler_calls_leaves_the_frames_of_the_call_alone() -> None:
    """A call in a signal handler does not overwrite the frames of the call that it interrupts.

    Its values go above those frames. If they did not, the counts would be wrong.
    """
    child(
        """
        import signal
        exports = pywasm3.load(WASM).exports
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(exports.mix(9, 9, 9, 9)))
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        try:
            assert exports.count(3_000_000) == 3_000_000
            assert exports.deep(200) == 200 * 20_000
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert seen and set(seen) == {36}
        """,
        WASM=wat("""
        (module
          (func $mix (export "mix") (param i32 i32 i32 i32) (result i32)
            local.get 0 local.get 1 i32.add local.get 2 i32.add local.get 3 i32.add)
          (func $count (export "count") (param i32) (result i32) (local i32)
            loop
              local.get 1 i32.const 1 i32.add local.set 1
              local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
            end
            local.get 1)
          (func $deep (export "deep") (param i32) (result i32)
            local.get 0 i32.eqz if (result i32) i32.const 0 else
              i32.const 20000 call $count
              local.get 0 i32.const 1 i32.sub call $deep i32.add end))
        """),
    )


def test_interruptions_from_many_threads_lose_nothing() -> None:
    """Each of 50 endless calls is stopped, although three threads interrupt at the same time."""
    child(
        START
        + """
ended = []
def pester():
    while not ended:
        instance.interrupt()
        time.sleep(0.001)
threads = [threading.Thread(target=pester) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(50):
    try:
        exports.loop()
    except Interrupted:
        pass
ended.append(True)
for thread in threads:
    thread.join()
assert exports.add(1, 2) == 3
""",
        WASM=WASM,
    )
