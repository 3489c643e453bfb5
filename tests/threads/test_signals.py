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
