# SPDX-License-Identifier: MIT
"""A long call releases the GIL, so other threads run meanwhile, and results stay right.

The expected values are written by hand from the small module below. What may hang or crash runs
in a child process, so that it is a failed test.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, child, hammer, load, wat

pytestmark = pytest.mark.hammer

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1 64)
  (global $counter (export "counter") (mut i32) (i32.const 0))
  (func (export "loop") (loop br 0))
  (func (export "until") (loop i32.const 0 i32.load8_u i32.eqz br_if 0))
  (func (export "spins") (param i32) (result i32) (local i32)
    loop
      local.get 1 i32.const 1 i32.add local.set 1
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
    end
    local.get 1)
  (func $fib (export "fib") (param i32) (result i32)
    local.get 0 i32.const 2 i32.lt_s if (result i32) local.get 0 else
      local.get 0 i32.const 1 i32.sub call $fib
      local.get 0 i32.const 2 i32.sub call $fib i32.add end)
  (func (export "host") (param i32) (result i32) local.get 0 call $f)
  (func (export "hosts") (param i32 i32) (result i32) (local i32 i32)
    loop
      local.get 1 local.set 3
      loop local.get 3 i32.const 1 i32.sub local.tee 3 br_if 0 end
      local.get 2 local.get 0 call $f i32.add local.set 2
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
    end
    local.get 2)
  (func (export "fails") (param i32) (result i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
    i32.const 1 i32.const 0 i32.div_s)
  (func (export "grows") (param i32) (result i32)
    loop
      i32.const 1 memory.grow drop
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
    end
    memory.size))
"""
WASM = wat(TEXT)

LONG = 20_000 if SANITIZED else 200_000  # iterations: a call so long releases the GIL
ROUNDS = 20 if SANITIZED else 100
PATIENCE = 10.0  # seconds that a slow machine under load may take

START = """
import threading, time
instance = pywasm3.load(WASM, {"env": {"f": abs}})
exports = instance.exports
"""


def make(f: Any = abs, **options: Any) -> pywasm3.Instance:
    return load(TEXT, {"env": {"f": f}}, **options)


# ---- others run ----


def test_another_thread_keeps_its_ticks_during_a_long_call() -> None:
    """Another thread ticks at least 10 times during a call of half a second.

    If the call kept the GIL, there would be at most one tick. About 50 are possible, but a busy
    machine may be slow.
    """
    child(
        START
        + """
ticks, ended = [], threading.Event()
def tick():
    while not ended.is_set():
        time.sleep(0.01)
        ticks.append(1)
thread = threading.Thread(target=tick)
thread.start()
def stop():
    while not instance.interrupt():  # returns False until the call has begun
        time.sleep(0.001)
threading.Timer(0.5, stop).start()
try:
    exports.loop()
except pywasm3.Interrupted:
    pass
ended.set()
thread.join()
assert len(ticks) >= 10, ticks
""",
        WASM=WASM,
    )


def test_two_guests_run_at_the_same_time() -> None:
    """The first guest ends only after the second thread has written, so neither holds the GIL."""
    child(
        START
        + """
other = pywasm3.load(WASM, {"env": {"f": abs}})
def second():
    while not started:
        pass
    other.exports.spins(1000000)
    instance.memory[0] = 1
started = []
thread = threading.Thread(target=second)
thread.start()
started.append(True)
exports.until()
thread.join()
""",
        WASM=WASM,
    )


@pytest.mark.parametrize("iterations", [1, 1000, 5000, 20_000])
@pytest.mark.parametrize("function", ["abs", "lambda x: x"])
def test_a_guest_that_calls_the_host_all_the_time_lets_others_run(
    function: str, iterations: int
) -> None:
    """A thread that sleeps gets the GIL again after each of its sleeps, at once or soon.

    The guest takes the GIL again shortly after it has let go of it, mostly before a thread that
    waits for it has woken up. The 30 sleeps took more than two minutes when a call always kept the
    GIL for the same time. Now they take half a second.
    """
    child(
        START
        + f"""
instance = pywasm3.load(WASM, {{"env": {{"f": {function}}}}})
ended = []
def stop():
    for _ in range(30):
        time.sleep(0.001)
    ended.append(time.monotonic())
    while not instance.interrupt():
        time.sleep(0.001)
threading.Thread(target=stop).start()
begin = time.monotonic()
try:
    instance.exports.hosts(-1, {iterations})
except pywasm3.Interrupted:
    pass
assert ended[0] - begin < {PATIENCE}, ended[0] - begin
""",
        WASM=WASM,
    )


# ---- results stay right ----


def test_long_calls_of_many_threads_on_one_instance() -> None:
    """Long calls of many threads on one instance give each thread its right result."""
    exports = make().exports

    def action(number: int) -> None:
        for i in range(ROUNDS // 5):
            assert exports.spins(LONG + number + i) == LONG + number + i
            assert exports.fib(15) == 610

    hammer(action)


def test_long_calls_of_many_threads_on_their_own_instances() -> None:
    """Long calls on instances of their own give each thread its right result."""
    module = pywasm3.Module(WASM)

    def action(number: int) -> None:
        exports = pywasm3.Instance(module, {"env": {"f": abs}}).exports
        for i in range(ROUNDS // 5):
            assert exports.spins(LONG + number + i) == LONG + number + i
            assert exports.fib(15) == 610

    hammer(action)


def test_host_functions_hold_the_gil_again() -> None:
    """A host function that is called after a long time runs with the GIL held."""

    def f(x: int) -> int:
        held.append(x)
        return [x, None][0]  # type: ignore[return-value]

    held: list[int] = []
    exports = make(f).exports

    def action(number: int) -> None:
        assert exports.hosts(50, LONG // 10) == sum(range(51))

    hammer(action)
    assert len(held) == 8 * 50


def test_traps_after_a_long_time_hold_the_gil_again() -> None:
    """A trap that ends a long call is raised with the GIL held."""
    exports = make().exports

    def action(number: int) -> None:
        for _ in range(5):
            with pytest.raises(pywasm3.Trap) as caught:
                exports.fails(LONG)
            assert caught.value.kind is pywasm3.TrapKind.DIVIDE_BY_ZERO

    hammer(action)


def test_nested_long_calls() -> None:
    """Long calls inside host functions of long calls give the right results on many threads."""

    def f(x: int) -> int:
        if x:
            assert instance.exports.spins(LONG) == LONG
            return int(instance.exports.hosts(x, LONG)) if x < 3 else x
        return 0

    instance = make(f)

    def action(number: int) -> None:
        assert instance.exports.host(2) == instance.exports.host(2) > 0

    instance.exports.host(0)
    hammer(lambda number: [instance.exports.host(3) for _ in range(3)] and None)


def test_memory_is_used_while_a_guest_runs_and_grows_it() -> None:
    """Python may read and write a memory while a guest grows it: the memory never moves."""
    instance = make()
    memory, ended = instance.memory, threading.Event()

    def runs(number: int) -> None:
        try:
            for _ in range(ROUNDS // 10):
                instance.exports.spins(LONG)
                assert instance.exports.grows(6) >= 7
        finally:
            ended.set()

    def uses(number: int) -> None:
        while not ended.is_set():
            size = len(memory)
            memory[size - 1] = 7
            assert memory.read(size - 1, 1) == b"\7"
            view = memoryview(memory)
            view[8 + number] = number
            assert view[8 + number] == number
            assert memory.read_cstring(8 + number)[:1] == bytes([number])[: number > 0]

    hammer(runs, uses, uses, threads=3)


def test_instances_are_dropped_and_collected_while_others_run() -> None:
    """Freeing instances and collecting garbage does not disturb long calls of others."""
    import gc

    module = pywasm3.Module(WASM)

    def action(number: int) -> None:
        for _ in range(ROUNDS // 10):
            instance = pywasm3.Instance(module, {"env": {"f": abs}})
            assert instance.exports.spins(LONG // 4) == LONG // 4
            del instance
            gc.collect()

    hammer(action)


def test_close_waits_for_a_long_call_of_another_thread() -> None:
    child(
        START
        + """
thread = threading.Thread(target=exports.until)
thread.start()
while not instance.store.running:
    pass
closed = []
closer = threading.Thread(target=lambda: closed.append(instance.close()))
closer.start()
time.sleep(0.05)  # if the machine is slower than this, the test only proves less
assert not closed
instance.memory[0] = 1
closer.join()
thread.join()
assert instance.closed
""",
        WASM=WASM,
    )


# ---- locks ----


def test_a_host_function_takes_a_lock_that_others_hold_for_a_while() -> None:
    """A call holds its instance first and then takes the lock; the others take only the lock."""
    lock = threading.Lock()

    def f(x: int) -> int:
        with lock:
            return x

    exports = make(f).exports

    def calls(number: int) -> None:
        for _ in range(ROUNDS // 10):
            exports.hosts(5, LONG // 20)

    def locks(number: int) -> None:
        for _ in range(ROUNDS):
            with lock:
                sum(range(1000))

    hammer(calls, locks)


def test_calls_are_made_with_a_lock_held() -> None:
    """Threads take a lock first and then call; the host function takes the same lock once more."""
    lock = threading.RLock()

    def f(x: int) -> int:
        with lock:
            return x

    exports = make(f).exports

    def calls(number: int) -> None:
        for _ in range(ROUNDS // 10):
            with lock:
                assert exports.hosts(5, LONG // 20) == 15

    hammer(calls)


def test_a_deadlock_of_the_program_ends_when_the_call_is_given_up() -> None:
    """A lock with a timeout ends a deadlock between the lock and the instance.

    One thread holds the lock and wants the instance; another holds the instance, in a host
    function that wants the lock. A program must avoid this; the timeout shows that it can go on.
    """
    child(
        START
        + """
lock, inside = threading.Lock(), threading.Event()
def f(x):
    inside.set()
    if lock.acquire(timeout=0.1):
        lock.release()
        return 1
    return 0
exports = pywasm3.load(WASM, {"env": {"f": f}}).exports
results = []
thread = threading.Thread(target=lambda: results.append(exports.host(1)))
with lock:
    thread.start()
    inside.wait()
    assert exports.fib(10) == 55
thread.join()
assert results == [0]
""",
        WASM=WASM,
    )


# ---- the end of the process, and its children ----


@pytest.mark.parametrize("call", ["loop()", "hosts(-1, 100000)", "fib(100)"])
@pytest.mark.parametrize("way", ["", "sys.exit(3)", "raise SystemExit(3)", "os._exit(3)"])
def test_the_process_ends_while_a_thread_is_in_the_guest(call: str, way: str) -> None:
    child(
        START
        + f"""
import os, sys
for _ in range(3):
    instance = pywasm3.load(WASM, {{"env": {{"f": lambda x: x}}}})
    threading.Thread(target=lambda e=instance.exports: e.{call}, daemon=True).start()
time.sleep(0.1)
{way}
""",
        WASM=WASM,
        result=3 if way else 0,
    )


def test_the_process_ends_while_threads_wait_for_an_instance() -> None:
    child(
        START
        + """
for _ in range(4):
    threading.Thread(target=exports.loop, daemon=True).start()
time.sleep(0.1)
""",
        WASM=WASM,
    )


def test_a_call_runs_at_the_end_of_the_process() -> None:
    """Calls from atexit handlers and from finalizers of the exiting interpreter still work."""
    child(
        START
        + """
import atexit
atexit.register(exports.spins, 10_000_000)
class Last:
    def __del__(self, call=exports.spins):
        assert call(1_000_000) == 1_000_000
last = Last()
threading.Thread(target=pywasm3.load(WASM, {"env": {"f": abs}}).exports.loop, daemon=True).start()
""",
        WASM=WASM,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_of_fork_does_not_wait_for_threads_that_it_has_not() -> None:
    """In a forked child, a store that a thread of the parent was using is refused at once.

    Other stores, and new ones, work in the child.
    """
    child(
        START
        + """
import os, warnings
warnings.simplefilter("ignore")
other = pywasm3.load(WASM, {"env": {"f": abs}})
for _ in range(3):
    threading.Thread(target=exports.loop, daemon=True).start()
while not instance.store.running:
    pass
time.sleep(0.05)
pid = os.fork()
if not pid:
    try:
        assert not instance.interrupt() and not instance.store.running and not instance.closed
        uses = [
            lambda: exports.fib(5), lambda: exports.counter.value, instance.snapshot,
            lambda: instance.fuel, lambda: setattr(instance, "fuel", 9), lambda: exports.memory,
            lambda: exports.spins, lambda: instance.deadline(9).__enter__(),
            lambda: instance.store.__enter__(), lambda: pywasm3.Memory(1, store=instance.store),
            lambda: pywasm3.Global("i32", 1, store=instance.store),
        ]
        for use in uses:
            try:
                use()
            except pywasm3.WasmError as error:
                assert "forked" in str(error), error
            else:
                os._exit(4)
        instance.close()
        assert instance.closed and not instance.interrupt()
        instance.close()
        assert other.exports.spins(10_000_000) == 10_000_000
        again = pywasm3.load(WASM, {"env": {"f": abs}})
        assert again.exports.spins(1_000_000) == 1_000_000
        del instance, exports
        import gc
        gc.collect()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(5)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
instance.interrupt()
""",
        WASM=WASM,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_of_fork_frees_what_an_unusable_store_holds() -> None:
    """Closing, or dropping, the store of a thread that does not exist frees its Python objects.

    `inner` is called by a host function of `outer`, so that both stores are unusable in the child.
    """
    child(
        """
import gc, os, threading, time, warnings, weakref
warnings.simplefilter("ignore")
class Host:
    def __call__(self, x):
        return inner.exports.loop()
hosts = [Host(), Host()]
alive = [weakref.ref(host) for host in hosts]
outer = pywasm3.load(WASM, {"env": {"f": hosts.pop()}})
inner = pywasm3.load(WASM, {"env": {"f": hosts.pop()}})
unused = pywasm3.load(WASM, {"env": {"f": abs}})
view = memoryview(inner.memory)
view[0] = 7
def run():
    instance, function = outer, outer.exports.host
    del instance
    try:
        function(1)
    except pywasm3.Interrupted:
        pass
thread = threading.Thread(target=run)
thread.start()
while not inner.store.running:
    time.sleep(0.001)
pid = os.fork()
if not pid:
    try:
        assert not outer.interrupt() and not inner.interrupt()
        store = inner.store
        inner.close()
        del inner
        gc.collect()
        assert alive[0]() is None and alive[1]() is not None, alive
        assert view[0] == 7 and not outer.interrupt()
        outer.close()
        assert not outer.interrupt() and not store.interrupt()
        try:
            store._cancel(0)
            outer.fuel = 3
        except pywasm3.WasmError as error:
            assert "closed" in str(error), error
        del outer, store
        gc.collect()
        assert unused.exports.spins(10) == 10
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(5)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert outer.interrupt()
thread.join()
""",
        WASM=WASM,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_signal_handler_forks_while_its_thread_waits_for_a_store() -> None:
    """In the child, the wait ends with an error, because the thread that it waits for is not there.

    In the parent, the wait goes on until the other thread leaves the store.
    """
    child(
        START
        + """
import os, signal, warnings
warnings.simplefilter("ignore")
pids = []
def handler(*_):
    pids.append(os.fork())
    if pids[0]:
        instance.interrupt()
signal.signal(signal.SIGALRM, handler)
def run():
    try:
        exports.loop()
    except pywasm3.Interrupted:
        pass
thread = threading.Thread(target=run)
thread.start()
while not instance.store.running:
    pass
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    assert exports.spins(5) == 5
    assert pids[0]
except pywasm3.WasmError as error:
    os._exit(3 if not pids[0] and "forked" in str(error) else 4)
except BaseException:
    os._exit(5)
thread.join()
_, status = os.waitpid(pids[0], 0)
assert os.waitstatus_to_exitcode(status) == 3, status
assert exports.spins(5) == 5
""",
        WASM=WASM,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_host_function_forks_and_both_go_on() -> None:
    child(
        START
        + """
import os, warnings
warnings.simplefilter("ignore")
def f(x):
    return os.fork()
instance = pywasm3.load(WASM, {"env": {"f": f}})
waiter = threading.Timer(0.1, instance.exports.fib, (5,))
waiter.daemon = True
waiter.start()
pid = instance.exports.host(1)
assert instance.exports.spins(1_000_000) == 1_000_000
if not pid:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
""",
        WASM=WASM,
    )
