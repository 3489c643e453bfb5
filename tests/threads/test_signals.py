# SPDX-License-Identifier: MIT
"""Ctrl-C stops a running call, and the instance can be used afterwards.

Signal handlers run during a call, and their exceptions end the call. The expected values are
written by hand; every test runs in a child process, which gets the signals.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from helpers import TESTS, child, wat

ENDLESS = wat(
    """(module (import "env" "f" (func $f (param i32) (result i32)))
    (func $loop (export "loop") (loop br 0))
    (func $tree (export "tree") (param i32)
      local.get 0 if
        local.get 0 i32.const 1 i32.sub call $tree
        local.get 0 i32.const 1 i32.sub call $tree
      end)
    (func (export "nested") (param i32) (result i32) local.get 0 call $f)
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"""
)

WITHOUT_IMPORTS = wat(
    """(module (func (export "loop") (loop br 0))
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"""
)

START = """
import signal
import sys
import pywasm3

# A shell starts background jobs with SIGINT ignored, and Python would leave it so.
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt_soon():
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.1)

def host(x):
    interrupt_soon()
    exports.loop()
    return x

exports = pywasm3.load(WASM, {"env": {"f": host}}).exports
"""


@pytest.mark.parametrize("call", ["exports.loop()", "exports.tree(1000)", "exports.nested(1)"])
def test_ctrl_c_stops_a_call_and_leaves_the_instance_usable(call: str) -> None:
    child(
        START
        + f"""
for _ in range(3):
    interrupt_soon()
    try:
        {call}
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError
    assert exports.add(1, 2) == 3
""",
        WASM=ENDLESS,
    )


def test_the_exception_of_a_signal_handler_arrives_as_the_same_object() -> None:
    child(
        START
        + """
error = LookupError()
def handler(*_):
    raise error
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    exports.loop()
except LookupError as caught:
    assert caught is error
    assert "loop" in caught.__notes__[0]
else:
    raise AssertionError
""",
        WASM=ENDLESS,
    )


def test_a_signal_handler_that_returns_does_not_disturb() -> None:
    """Handlers that call the instance and return leave the running call alone."""
    child(
        START
        + """
seen = []
def handler(*_):
    seen.append(exports.add(1, 2))
    if len(seen) == 5:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
try:
    exports.tree(1000)
except KeyboardInterrupt:
    pass
assert seen == [3] * 5, seen
""",
        WASM=ENDLESS,
    )


def test_what_a_signal_handler_calls_leaves_the_frames_of_the_call_alone() -> None:
    """A call in a signal handler does not overwrite the frames of the call that it interrupts.

    If it did, the sum of the interrupted call would be wrong.
    """
    child(
        """
import signal
exports = pywasm3.load(WASM).exports
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(exports.mix(9, 9, 9, 9)))
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
try:
    assert exports.deep(200) == 200 * 20_000
finally:
    signal.setitimer(signal.ITIMER_REAL, 0)
assert seen and set(seen) == {36}
""",
        WASM=wat("""
        (module
          (func (export "mix") (param i32 i32 i32 i32) (result i32)
            local.get 0 local.get 1 i32.add local.get 2 i32.add local.get 3 i32.add)
          (func $count (param i32) (result i32) (local i32)
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


def test_ctrl_c_from_outside_stops_a_call() -> None:
    code = f"""
WASM = bytes.fromhex({ENDLESS.hex()!r})
{START}
try:
    print("ready", flush=True)
    exports.loop()
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=TESTS
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            os.kill(process.pid, signal.SIGINT)
            assert process.communicate(timeout=120)[0] == "stopped\n"
        finally:
            process.kill()
    assert process.returncode == 0


def test_ctrl_c_ends_the_wait_for_a_busy_instance() -> None:
    child(
        START
        + """
import threading
entered, release = threading.Event(), threading.Event()
def busy(x):
    entered.set()
    release.wait()
    return x
shared = pywasm3.load(WASM, {"env": {"f": busy}}).exports
thread = threading.Thread(target=shared.nested, args=(1,))
thread.start()
entered.wait()
interrupt_soon()
try:
    shared.add(1, 2)
except KeyboardInterrupt:
    pass
else:
    raise AssertionError
release.set()
thread.join()
assert shared.add(1, 2) == 3
""",
        WASM=ENDLESS,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_at_the_prompt_stops_a_call_and_the_session_goes_on() -> None:
    child(
        """
from terminal import session
with session() as prompt:
    prompt.type(f"import pywasm3; e = pywasm3.load(bytes.fromhex('{WASM.hex()}')).exports")
    prompt.type("print('begin' + 'ning'); e.loop()")
    prompt.until("beginning")
    prompt.ctrl_c()
    prompt.until("KeyboardInterrupt")
    prompt.type("print(e.add(40, 2) * 1000)")
    prompt.until("42000")
""",
        WASM=WITHOUT_IMPORTS,
    )


# A thread that waits for a busy store, and runs signal handlers meanwhile. `busy` keeps the store
# on another thread until `release` is set. A watchdog ends a process that is stuck.
WAITING = (
    START
    + """
import faulthandler, threading
faulthandler.dump_traceback_later(60, exit=True)
entered, release, served = threading.Event(), threading.Event(), []
def busy(x):
    entered.set()
    release.wait()
    served.append(x)
    return x
instance = pywasm3.load(WASM, {"env": {"f": busy}})
shared = instance.exports
table = pywasm3.Table("externref", 1, store=instance.store)
thread = threading.Thread(target=shared.nested, args=(1,))
thread.start()
entered.wait()

def on_alarm(handler):
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
"""
)
AFTERWARDS = """
thread.join()
assert not shared.add.store.running
assert shared.add(1, 2) == 3
"""


def test_a_handler_calls_the_store_that_its_thread_waits_for() -> None:
    """The call of the handler gets the turn first, and then the call that it interrupted."""
    child(
        WAITING
        + """
seen = []
def handler(*_):
    threading.Timer(0.1, release.set).start()
    seen.append(shared.add(10, 20))
    seen.append(shared.add(30, 40))
on_alarm(handler)
seen.append(shared.add(1, 2))
assert seen == [30, 70, 3], seen
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )


def test_handlers_interrupt_handlers_that_wait_for_the_same_store() -> None:
    """Each of five handlers interrupts the wait of the one before. The innermost runs first."""
    child(
        WAITING
        + """
seen = []
def handler(*_):
    depth = len(depths)
    depths.append(depth)
    if depth == 4:
        signal.setitimer(signal.ITIMER_REAL, 0)
        release.set()
    seen.append(shared.add(depth, 0))
depths = []
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
assert shared.add(1, 2) == 3
assert seen == [4, 3, 2, 1, 0], seen
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )


def test_a_handler_waits_for_a_thread_that_needs_the_store() -> None:
    """A thread whose signal handler runs is not given the turn: others may need it first."""
    child(
        WAITING
        + """
results = []
def handler(*_):
    other = threading.Thread(target=lambda: results.append(shared.add(5, 6)))
    other.start()
    release.set()
    other.join()
on_alarm(handler)
assert shared.add(1, 2) == 3
assert results == [11]
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )


def test_a_handler_waits_for_another_store_whose_user_needs_this_one() -> None:
    child(
        WAITING
        + """
def host(x):
    inside.set()
    release.set()
    return shared.add(x, 1)
inside = threading.Event()
second = pywasm3.load(WASM, {"env": {"f": host}}).exports
def handler(*_):
    user = threading.Thread(target=lambda: results.append(second.nested(7)))
    user.start()
    inside.wait()
    results.append(second.add(1, 1))
    user.join()
results = []
on_alarm(handler)
assert shared.add(1, 2) == 3
assert sorted(results) == [2, 8], results
assert not second.add.store.running
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )


def test_a_thread_keeps_its_place_in_the_queue_while_its_handler_runs() -> None:
    """The main thread came first. Its handler ends before the store is free, so it stays first."""
    child(
        WAITING
        + """
def handler(*_):
    others.append(threading.Thread(target=shared.nested, args=(3,)))
    others[0].start()
    threading.Timer(0.5, release.set).start()
others = []
on_alarm(handler)
shared.nested(2)
others[0].join()
assert served == [1, 2, 3], served
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )


@pytest.mark.parametrize(
    "wait", ["shared.add(1, 2)", "instance.snapshot()", "len(table)", "instance.close()"]
)
def test_a_handler_that_fails_after_its_own_wait_ends_the_outer_wait(wait: str) -> None:
    child(
        WAITING
        + f"""
def handler(*_):
    release.set()
    assert shared.add(10, 20) == 30
    raise LookupError
on_alarm(handler)
try:
    {wait}
except LookupError:
    pass
else:
    raise AssertionError
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )


def test_many_signals_while_threads_take_turns() -> None:
    """A handler that uses the store runs 200 times during calls, waits and what is between them."""
    child(
        START
        + """
import faulthandler, threading
faulthandler.dump_traceback_later(100, exit=True)
shared = pywasm3.load(WASM, {"env": {"f": lambda x: x}}).exports
done, handled = False, 0
def handler(*_):
    global handled
    handled += 1
    number = handled  # another signal may interrupt this handler
    assert shared.add(number, 1) == number + 1
signal.signal(signal.SIGALRM, handler)
def work():
    while not done:
        shared.tree(10)
        assert shared.nested(3) == 3
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while handled < 200:
    assert shared.add(1, 2) == 3
    assert shared.nested(4) == 4
signal.setitimer(signal.ITIMER_REAL, 0)
done = True
for thread in threads:
    thread.join()
assert not shared.add.store.running
""",
        WASM=ENDLESS,
    )


def test_a_cancellation_ends_all_waits_of_a_thread() -> None:
    """A thread has two waits here: that of its call, and that of its signal handler."""
    child(
        WAITING
        + """
errors = []
def handler(*_):
    threading.Timer(0.1, instance.store._cancel, (deadline,)).start()
    try:
        shared.add(10, 20)
    except pywasm3.WasmError as error:
        errors.append(str(error))
on_alarm(handler)
deadline = instance.store._begin_deadline(1000)
try:
    shared.add(1, 2)
except pywasm3.WasmError as error:
    errors.append(str(error))
assert errors == ["the call was cancelled before it began"] * 2, errors
instance.store._end_deadline(deadline)
release.set()
"""
        + AFTERWARDS,
        WASM=ENDLESS,
    )
