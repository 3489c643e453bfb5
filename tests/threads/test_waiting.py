# SPDX-License-Identifier: MIT
"""A call that waits in a WASI function, or in sleep() or wait(), is stopped like one that computes.

Every function that can wait is made to wait for something that never comes. The call runs on a
thread of its own, so that a call that nothing stops fails its test instead of hanging.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3 import DeadlineExceeded, Interrupted, Limits, wasi
from wasi_helpers import Calls

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes that select() can wait for")

# Seconds that a slow machine under load may take; benchmarks/threads.py measures on a quiet one.
PATIENCE = 5.0
SOON = 0.05

RESULT = Calls.RESULT
NONBLOCK = 4
WRITE_ONLY = 1 << 6
READ_ONLY = 1 << 1

Wait = Callable[[], object]


class Place:
    """Makes what a test needs, and removes it afterwards."""

    def __init__(self, stack: ExitStack, folder: Path, limits: Limits | None) -> None:
        self.stack = stack
        self.folder = folder
        self.limits = limits

    def calls(self, **config: Any) -> Calls:
        calls = Calls(limits=self.limits, **config)
        self.stack.callback(self.close, calls.instance)
        calls.memory.pack("II", 0, 4096, 4096)  # one buffer
        return calls

    @staticmethod
    def close(instance: pywasm3.Instance) -> None:
        if not instance.store.running:  # close() would wait for a call that nothing stops
            instance.close()

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        pair = socket.socketpair()
        for one in pair:
            self.stack.enter_context(one)
        return pair

    def full(self, one: socket.socket) -> socket.socket:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                one.send(bytes(4096))
        one.setblocking(True)
        return one

    def pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        for fd in ends:
            self.stack.callback(os.close, fd)
        return ends

    def instead_of(self, fd: int, number: int) -> None:
        """Puts a descriptor in the place of 0, 1 or 2 of this process."""
        saved = os.dup(number)
        os.dup2(fd, number)
        self.stack.callback(os.close, saved)
        self.stack.callback(os.dup2, saved, number)

    def fifo(self) -> str:
        os.mkfifo(self.folder / "fifo")
        return "fifo"


def ns(seconds: float) -> int:
    return int(seconds * 1e9)


def poll_clock(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls()
    calls.memory.pack("QBxxxxxxxIxxxxQQH", 64, 7, 0, 1, ns(3600), 0, 0)
    return calls.instance, lambda: calls.poll_oneoff(64, 256, 1, RESULT)


class Frozen:
    """A clock on which no time passes."""

    def now_ns(self, clock_id: int) -> int:
        return 0

    def resolution_ns(self, clock_id: int) -> int:
        return 1

    def sleep_ns(self, duration_ns: int) -> None:
        pass


class FrozenSystemClock(wasi.SystemClock):
    """The system's clocks with a sleep that returns at once."""

    def sleep_ns(self, duration_ns: int) -> None:
        pass


def poll_frozen_clock(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(clock=Frozen())
    calls.memory.pack("QBxxxxxxxIxxxxQQH", 64, 7, 0, 1, ns(3600), 0, 0)
    return calls.instance, lambda: calls.poll_oneoff(64, 256, 1, RESULT)


def poll_sleepless_clock(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(clock=FrozenSystemClock())
    calls.memory.pack("QBxxxxxxxIxxxxQQH", 64, 7, 0, 1, ns(3600), 0, 0)
    return calls.instance, lambda: calls.poll_oneoff(64, 256, 1, RESULT)


def poll_descriptor(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(sockets=[place.sockets()[0]])
    calls.memory.pack("QBxxxxxxxI", 64, 7, 1, 3)
    return calls.instance, lambda: calls.poll_oneoff(64, 256, 1, RESULT)


def read_inherited_pipe(place: Place) -> tuple[pywasm3.Instance, Wait]:
    place.instead_of(place.pipe()[0], 0)
    calls = place.calls(stdin=wasi.INHERIT)
    return calls.instance, lambda: calls.fd_read(0, 0, 1, RESULT)


def read_inherited_socket(place: Place) -> tuple[pywasm3.Instance, Wait]:
    place.instead_of(place.sockets()[0].fileno(), 0)
    calls = place.calls(stdin=wasi.INHERIT)
    return calls.instance, lambda: calls.fd_read(0, 0, 1, RESULT)


def fill(calls: Calls, fd: int) -> None:
    """Writes until the file takes no more, and then waits."""
    while True:
        calls.fd_write(fd, 0, 1, RESULT)


def write_inherited_pipe(place: Place) -> tuple[pywasm3.Instance, Wait]:
    place.instead_of(place.pipe()[1], 1)
    calls = place.calls(stdout=wasi.INHERIT)
    return calls.instance, lambda: fill(calls, 1)


def write_inherited_pipe_at_once(place: Place) -> tuple[pywasm3.Instance, Wait]:
    """One call with more than the pipe has room for."""
    place.instead_of(place.pipe()[1], 1)
    calls = place.calls(stdout=wasi.INHERIT)
    calls.memory.grow(32)
    calls.memory.pack("II", 0, 0, 2 << 20)
    return calls.instance, lambda: calls.fd_write(1, 0, 1, RESULT)


def write_inherited_terminal(place: Place) -> tuple[pywasm3.Instance, Wait]:
    """A terminal that nobody reads has room for a few bytes only, although it is ready."""
    pty = pytest.importorskip("pty")
    ends = pty.openpty()
    for fd in ends:
        place.stack.callback(os.close, fd)
    place.instead_of(ends[1], 1)
    calls = place.calls(stdout=wasi.INHERIT)
    return calls.instance, lambda: fill(calls, 1)


def read_fifo(place: Place) -> tuple[pywasm3.Instance, Wait]:
    name = place.fifo()
    calls = place.calls(preopens={"/": place.folder})

    def read() -> object:
        return calls.fd_read(calls.opened(3, name, rights=READ_ONLY), 0, 1, RESULT)

    return calls.instance, read


def open_fifo(place: Place) -> tuple[pywasm3.Instance, Wait]:
    """Opening for writing waits for a reader."""
    name = place.fifo()
    calls = place.calls(preopens={"/": place.folder})
    return calls.instance, lambda: calls.open(3, name, rights=WRITE_ONLY)


def write_fifo(place: Place) -> tuple[pywasm3.Instance, Wait]:
    name = place.fifo()
    calls = place.calls(preopens={"/": place.folder})
    fd = calls.opened(3, name, rights=READ_ONLY | WRITE_ONLY)
    return calls.instance, lambda: fill(calls, fd)


def accept(place: Place) -> tuple[pywasm3.Instance, Wait]:
    listening = place.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    calls = place.calls(sockets=[listening])
    return calls.instance, lambda: calls.sock_accept(3, 0, RESULT)


def read_socket(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(sockets=[place.sockets()[0]])
    return calls.instance, lambda: calls.fd_read(3, 0, 1, RESULT)


def receive(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(sockets=[place.sockets()[0]])
    return calls.instance, lambda: calls.sock_recv(3, 0, 1, 0, RESULT, RESULT + 8)


def receive_datagram(place: Place) -> tuple[pywasm3.Instance, Wait]:
    ours = place.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    ours.bind(("127.0.0.1", 0))
    calls = place.calls(sockets=[ours])
    return calls.instance, lambda: calls.sock_recv(3, 0, 1, 0, RESULT, RESULT + 8)


def receive_all(place: Place) -> tuple[pywasm3.Instance, Wait]:
    ours, theirs = place.sockets()
    theirs.send(b"less than the buffer")
    calls = place.calls(sockets=[ours])
    return calls.instance, lambda: calls.sock_recv(3, 0, 1, 2, RESULT, RESULT + 8)


def peek_all(place: Place) -> tuple[pywasm3.Instance, Wait]:
    ours, theirs = place.sockets()
    theirs.send(b"less than the buffer")
    calls = place.calls(sockets=[ours])
    return calls.instance, lambda: calls.sock_recv(3, 0, 1, 3, RESULT, RESULT + 8)


def send(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(sockets=[place.full(place.sockets()[0])])
    return calls.instance, lambda: calls.sock_send(3, 0, 1, 0, RESULT)


def write_socket(place: Place) -> tuple[pywasm3.Instance, Wait]:
    calls = place.calls(sockets=[place.full(place.sockets()[0])])
    return calls.instance, lambda: calls.fd_write(3, 0, 1, RESULT)


HOST = '(module (import "env" "f" (func $f)) (func (export "g") (call $f)))'


def own_sleep(place: Place) -> tuple[pywasm3.Instance, Wait]:
    imports = {"env": {"f": lambda: pywasm3.sleep(3600)}}
    instance = load(HOST, imports, limits=place.limits)
    return instance, lambda: instance.exports.g()


def own_wait(place: Place) -> tuple[pywasm3.Instance, Wait]:
    ours = place.sockets()[0]

    def f() -> None:
        pywasm3.wait(ours)

    instance = load(HOST, {"env": {"f": f}}, limits=place.limits)
    return instance, lambda: instance.exports.g()


def caught_sleep(place: Place) -> tuple[pywasm3.Instance, Wait]:
    """A host function that catches everything only delays the end."""

    def f() -> None:
        with contextlib.suppress(BaseException):
            pywasm3.sleep(3600)

    instance = load(HOST, {"env": {"f": f}}, limits=place.limits)
    return instance, lambda: instance.exports.g()


def inner_store(place: Place) -> tuple[pywasm3.Instance, Wait]:
    """A host function calls another store, and the wait is in a host function of that store."""
    inner = load(HOST, {"env": {"f": lambda: pywasm3.sleep(3600)}})
    instance = load(HOST, {"env": {"f": lambda: inner.exports.g()}}, limits=place.limits)
    return instance, lambda: instance.exports.g()


def inner_loop(place: Place) -> tuple[pywasm3.Instance, Wait]:
    """A host function calls another store, whose guest computes for ever."""
    inner = load('(module (func (export "g") (loop br 0)))')
    instance = load(HOST, {"env": {"f": lambda: inner.exports.g()}}, limits=place.limits)
    return instance, lambda: instance.exports.g()


WAITS = [
    poll_clock,
    poll_frozen_clock,
    poll_sleepless_clock,
    poll_descriptor,
    read_inherited_pipe,
    read_inherited_socket,
    write_inherited_pipe,
    write_inherited_pipe_at_once,
    write_inherited_terminal,
    read_fifo,
    open_fifo,
    write_fifo,
    accept,
    read_socket,
    receive,
    receive_datagram,
    receive_all,
    peek_all,
    send,
    write_socket,
    own_sleep,
    own_wait,
    caught_sleep,
    inner_store,
    inner_loop,
]
waits = pytest.mark.parametrize("make", WAITS, ids=lambda make: make.__name__)


@contextlib.contextmanager
def made(make: Any, folder: Path, limits: Limits | None = None) -> Iterator[Any]:
    with ExitStack() as stack:
        yield make(Place(stack, folder, limits))


class Running(threading.Thread):
    """Runs something on another thread, and keeps the exception that ended it."""

    def __init__(self, run: Wait) -> None:
        super().__init__(daemon=True)
        self._run = run
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.error = error

    def ended_with(self) -> BaseException | None:
        self.join(PATIENCE)
        assert not self.is_alive(), "nothing stopped the call"
        return self.error


@waits
def test_a_timeout_ends_the_wait(make: Any, tmp_path: Path) -> None:
    with made(make, tmp_path, Limits(timeout=SOON)) as (instance, wait):
        assert isinstance(Running(wait).ended_with(), DeadlineExceeded)
        assert not instance.store.running


@waits
def test_a_deadline_ends_the_wait(make: Any, tmp_path: Path) -> None:
    with made(make, tmp_path) as (instance, wait):

        def run() -> None:
            with instance.deadline(SOON):
                wait()

        assert isinstance(Running(run).ended_with(), DeadlineExceeded)


@waits
def test_interrupt_ends_the_wait(make: Any, tmp_path: Path) -> None:
    with made(make, tmp_path) as (instance, wait):
        running = Running(wait)
        time.sleep(SOON)
        while not instance.interrupt() and running.is_alive():
            time.sleep(0.001)
        assert isinstance(running.ended_with(), Interrupted)
        assert not instance.store.running


@waits
def test_cancelling_a_task_ends_the_wait(make: Any, tmp_path: Path) -> None:
    """The call is one that ``Function.aio`` makes; the wait is what its host function calls."""
    with made(make, tmp_path) as (instance, wait):

        async def cancelled() -> None:
            task = asyncio.create_task(aio_of(instance, wait))
            await asyncio.sleep(SOON)
            task.cancel()
            await task

        ended = Running(lambda: asyncio.run(cancelled())).ended_with()
        assert isinstance(ended, asyncio.CancelledError)


async def aio_of(instance: pywasm3.Instance, wait: Wait) -> None:
    """Makes the same calls of the instance as `wait`, on a thread of an event loop."""
    from pywasm3 import _aio

    class Calling:
        """Looks like a Function, for one call that consists of what `wait` calls."""

        store = instance.store

        def __call__(self) -> object:
            return wait()

    await _aio.call_on_thread(Calling(), ())  # type: ignore[arg-type]


def test_a_call_that_was_stopped_leaves_the_instance_usable(tmp_path: Path) -> None:
    with made(poll_clock, tmp_path) as (instance, wait):
        for _ in range(3):
            with pytest.raises(DeadlineExceeded) as caught, instance.deadline(SOON):
                wait()
            assert isinstance(caught.value, TimeoutError)
        assert instance.exports.sched_yield() == 0


def test_closing_an_instance_waits_for_the_wait_until_it_is_interrupted(tmp_path: Path) -> None:
    with made(poll_clock, tmp_path) as (instance, wait):
        running = Running(wait)
        while not instance.store.running:
            time.sleep(0.001)
        closing = Running(instance.close)
        closing.join(2 * SOON)
        assert closing.is_alive()
        assert instance.interrupt()
        assert isinstance(running.ended_with(), Interrupted)
        assert closing.ended_with() is None
        assert instance.store.closed


def test_a_pool_drops_an_instance_whose_host_function_raised_the_stop() -> None:
    module = pywasm3.Module(wat(HOST))
    with pywasm3.InstancePool(
        module, {"env": {"f": lambda: pywasm3.sleep(3600)}}, limits=Limits(timeout=SOON)
    ) as pool:
        with pytest.raises(DeadlineExceeded), pool.instance() as first:
            first.exports.g()
        with pool.instance() as second:
            assert second is not first


def test_two_guests_that_share_a_listening_socket_both_stop(tmp_path: Path) -> None:
    """One of them accepts the only connection; the other must not be stuck in accept()."""
    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        both = [place.calls(sockets=[listening]) for _ in range(2)]
        threads = [Running(lambda c=c: c.sock_accept(3, 0, RESULT)) for c in both]  # type: ignore[misc]
        time.sleep(SOON)
        with socket.create_connection(listening.getsockname()):
            time.sleep(SOON)
            for calls in both:
                calls.instance.interrupt()
            ended = [thread.ended_with() for thread in threads]
        assert sorted(str(type(e)) for e in ended) == sorted(
            str(type(e)) for e in (None, Interrupted(pywasm3.TrapKind.INTERRUPTED))
        )


# ---- signals ----


def test_a_signal_handler_may_interrupt_the_wait_of_its_own_thread() -> None:
    child(
        """
import signal
instance = pywasm3.load(WASM, wasi=pywasm3.wasi.WasiConfig())
signal.signal(signal.SIGALRM, lambda number, frame: instance.interrupt())
instance.memory.pack("QBxxxxxxxIxxxxQQH", 64, 7, 0, 1, 3600 * 10**9, 0, 0)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    instance.exports.poll_oneoff(64, 256, 1, 512)
except pywasm3.Interrupted:
    pass
else:
    raise AssertionError
""",
        WASM=wat(
            """(module
            (import "wasi_snapshot_preview1" "poll_oneoff"
              (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (export "poll_oneoff" (func $poll)))"""
        ),
    )


def test_an_exception_of_a_signal_handler_ends_the_wait() -> None:
    child(
        """
import signal
def stop(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
instance = pywasm3.load(WASM, {"env": {"f": lambda: pywasm3.sleep(3600)}})
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    instance.exports.g()
except KeyboardInterrupt:
    pass
else:
    raise AssertionError
""",
        WASM=wat(HOST),
    )


# ---- what waits still does what it did ----


def test_a_wait_ends_when_there_is_something_to_read(tmp_path: Path) -> None:
    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        ours, theirs = place.sockets()
        calls = place.calls(sockets=[ours])
        running = Running(lambda: calls.fd_read(3, 0, 1, RESULT))
        time.sleep(SOON)
        theirs.send(b"text")
        assert running.ended_with() is None
        assert calls.memory.read(4096, calls.result()) == b"text"


def test_a_large_write_to_a_slow_reader_is_complete(tmp_path: Path) -> None:
    """One fd_write of 1 MiB each to a socket, a FIFO and an inherited pipe."""
    data = os.urandom(1 << 16) * 16

    def check(place: Place, calls: Calls, fd: int, read: Callable[[int], bytes]) -> None:
        calls.memory.grow(32)
        calls.memory.write(1 << 17, data)
        calls.memory.pack("IIII", 0, 1 << 17, 5, (1 << 17) + 5, len(data) - 5)
        running = Running(lambda: calls.fd_write(fd, 0, 2, RESULT))
        got = bytearray()
        while len(got) < len(data):
            got += read(50_000)
        assert running.ended_with() is None
        assert calls.result() == len(data)
        assert bytes(got) == data

    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        ours, theirs = place.sockets()
        check(place, place.calls(sockets=[ours]), 3, theirs.recv)
        name = place.fifo()
        reader = os.open(tmp_path / name, os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, reader)
        calls = place.calls(preopens={"/": tmp_path})
        fd = calls.opened(3, name, rights=WRITE_ONLY)
        os.set_blocking(reader, True)
        check(place, calls, fd, lambda size: os.read(reader, size))
        read, write = place.pipe()
        place.instead_of(write, 1)
        calls = place.calls(stdout=wasi.INHERIT)
        check(place, calls, 1, lambda size: os.read(read, size))
        assert os.get_blocking(write)


def test_output_follows_a_terminal_that_the_host_redirects(tmp_path: Path) -> None:
    """Descriptor 1 is what it is now, not what it was when the instance was made."""
    pty = pytest.importorskip("pty")
    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        ends = pty.openpty()
        for fd in ends:
            stack.callback(os.close, fd)
        place.instead_of(ends[1], 1)
        calls = place.calls(stdout=wasi.INHERIT)
        assert calls.write(1, b"one") == "OK"
        assert os.read(ends[0], 10) == b"one"
        read, write = place.pipe()
        place.instead_of(write, 1)
        for text in (b"two", b"three"):
            assert calls.write(1, text) == "OK"
            assert os.read(read, 10) == text


def test_a_guest_that_asked_not_to_wait_gets_eagain(tmp_path: Path) -> None:
    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        calls = place.calls(preopens={"/": tmp_path}, sockets=[place.sockets()[0]])
        name = place.fifo()
        assert calls.open(3, name, rights=WRITE_ONLY, fdflags=NONBLOCK) == "ENXIO"
        fd = calls.opened(3, name, fdflags=NONBLOCK)
        assert calls.fd_read(fd, 0, 1, RESULT) == "EAGAIN"
        assert calls.fd_fdstat_set_flags(4, NONBLOCK) == "OK"
        assert calls.fd_read(4, 0, 1, RESULT) == "EAGAIN"
        assert calls.sock_recv(4, 0, 1, 2, RESULT, RESULT + 8) == "EAGAIN"


def test_a_fifo_ends_when_its_writer_has_gone(tmp_path: Path) -> None:
    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        calls = place.calls(preopens={"/": tmp_path})
        fd = calls.opened(3, place.fifo(), rights=READ_ONLY)
        running = Running(lambda: calls.fd_read(fd, 0, 1, RESULT))
        time.sleep(SOON)
        (tmp_path / "fifo").write_bytes(b"text")
        assert running.ended_with() is None
        assert calls.memory.read(4096, calls.result()) == b"text"
        assert calls.read(fd) == b""


def test_receiving_all_waits_for_all(tmp_path: Path) -> None:
    with ExitStack() as stack:
        place = Place(stack, tmp_path, None)
        ours, theirs = place.sockets()
        calls = place.calls(sockets=[ours])
        calls.memory.pack("IIII", 0, 4096, 3, 4096 + 3, 5)
        for flags in (3, 2):  # peek first, then take
            running = Running(
                lambda flags=flags: calls.sock_recv(3, 0, 2, flags, RESULT, RESULT + 8)  # type: ignore[misc]
            )
            for piece in (b"12", b"345", b"678") if flags == 3 else ():
                time.sleep(0.01)
                theirs.send(piece)
            assert running.ended_with() is None
            assert calls.memory.read(4096, calls.result()) == b"12345678"
        theirs.send(b"end")
        theirs.close()
        for flags in (3, 2):
            assert calls.sock_recv(3, 0, 2, flags, RESULT, RESULT + 8) == "OK"
            assert calls.memory.read(4096, calls.result()) == b"end"


# ---- sleep() and wait() outside of host functions, and their arguments ----


def test_sleep_and_wait_work_outside_of_host_functions() -> None:
    begin = time.monotonic()
    pywasm3.sleep(0.02)
    assert time.monotonic() - begin >= 0.02
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not pywasm3.wait(ours, 0)
        assert not pywasm3.wait(ours.fileno(), 0.01)
        assert pywasm3.wait(ours, write=True)
        theirs.send(b"x")
        assert pywasm3.wait(ours)


def test_sleep_in_a_host_function_takes_its_time() -> None:
    times = []

    def f() -> None:
        begin = time.monotonic()
        pywasm3.sleep(0.03)
        times.append(time.monotonic() - begin)

    load(HOST, {"env": {"f": f}}).exports.g()
    assert 0.03 <= times[0] < PATIENCE


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_sleep_and_wait_refuse_a_negative_time(seconds: float) -> None:
    def f() -> None:
        with pytest.raises(ValueError, match="must not be negative"):
            pywasm3.sleep(seconds)
        with pytest.raises(ValueError, match="must not be negative"):
            pywasm3.wait(0, seconds)

    load(HOST, {"env": {"f": f}}).exports.g()
    with pytest.raises(ValueError):
        pywasm3.sleep(seconds)


def test_wait_refuses_a_closed_descriptor() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(OSError, match="descriptor"):
        pywasm3.wait(read)


def test_the_error_names_the_frames_of_the_guest() -> None:
    instance = load(HOST, {"env": {"f": lambda: pywasm3.sleep(3600)}}, limits=Limits(timeout=SOON))
    with pytest.raises(DeadlineExceeded) as caught:
        instance.exports.g()
    assert any("g" in note for note in getattr(caught.value, "__notes__", ()))
