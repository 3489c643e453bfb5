# SPDX-License-Identifier: MIT
"""Makes the statement that is timed for a row, from the operations that every peer offers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .clock import Work
from .functions import add, add_eight, identity, nothing
from .guests import MEMORY_BYTES, Guest, guest
from .jobs import Job
from .machine import resident_bytes
from .peers.base import Cannot, Host, Peer
from .programs import PROGRAMS
from .rows import Row

ADDRESS = 4096
INSTANCES = 200  # The number of instances whose resident memory is measured.
THREAD_SECONDS = 0.1  # The time that each thread works.

Check = Callable[[Any], None]


class WrongResult(Exception):
    """A peer computed something else than the row expects."""


HOSTS = {
    "nothing": Host(nothing, "", ""),
    "identity_i32": Host(identity, "i", "i"),
    "add_i32": Host(add, "ii", "i"),
    "add_f64": Host(add, "FF", "F"),
    "sum": Host(add_eight, "iiiiiiii", "i"),
}


def _linked(peer: Peer, module: Guest) -> Any:
    """Makes an instance. A guest that calls back gets the host functions."""
    if module.name != "callbacks":
        return peer.load(module, {})
    inner: list[Callable[[], Any]] = []

    def reenter(value: int) -> int:
        inner[0]()
        return value

    instance = peer.load(module, HOSTS | {"reenter": Host(reenter, "i", "i")})
    inner.append(peer.call(instance, "inner", ()).function())
    return instance


def _equal(peer: Peer, row: Row) -> Check:
    """Returns a check that the result is the one that the row expects."""

    def check(result: Any) -> None:
        value = peer.value(result)
        if value != row.expected:
            raise WrongResult(f"{value!r} instead of {row.expected!r}")

    return check


def _call(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance = _linked(peer, guest(row.guest))
    return peer.call(instance, row.export, row.arguments), _equal(peer, row)


def _any(result: Any) -> None:
    """Accepts any result, for rows whose result cannot be compared."""


# --- memory


def _pattern(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) or bytes(range(size))


def _contents(expected: bytes, actual: Callable[[Any], Any]) -> Check:
    def check(result: Any) -> None:
        if bytes(actual(result)) != expected:
            raise WrongResult("other bytes than expected")

    return check


def _view(peer: Peer, row: Row) -> tuple[Work, Check]:
    def check(result: Any) -> None:
        view = memoryview(result)
        if view.readonly or view.nbytes < MEMORY_BYTES:
            raise WrongResult("the view is read-only, or shorter than the memory")

    return peer.view(peer.load(guest(row.guest), {})), check


def _bytes_of(peer: Peer, row: Row) -> tuple[Any, memoryview]:
    """Returns an instance and a view of its memory."""
    instance = peer.load(guest(row.guest), {})
    view: Any = peer.view(instance).function()()
    return instance, memoryview(view).cast("B")


def _slice_names(row: Row, instance: Any) -> dict[str, Any]:
    # With some engines a view does not keep its memory alive, so the instance must be kept, too.
    return {"a": ADDRESS, "b": ADDRESS + row.size, "i": instance}


def _read_slice(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance = peer.load(guest(row.guest), {})
    peer.write(instance, ADDRESS, _pattern(row.size)).execute()
    return peer.read(instance, ADDRESS, row.size), _contents(_pattern(row.size), identity)


def _write_slice(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance = peer.load(guest(row.guest), {})
    again = peer.read(instance, ADDRESS, row.size)
    data = _pattern(row.size)
    return peer.write(instance, ADDRESS, data), _contents(data, lambda _: again.execute())


def _read_buffer(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance, view = _bytes_of(peer, row)
    view[ADDRESS : ADDRESS + row.size] = _pattern(row.size)
    names = _slice_names(row, instance) | {"v": view}
    return Work("bytes(v[a:b])", names), _contents(_pattern(row.size), identity)


def _write_buffer(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance, view = _bytes_of(peer, row)
    data, again = _pattern(row.size), peer.read(instance, ADDRESS, row.size)
    names = _slice_names(row, instance) | {"v": view, "d": data}
    return Work("v[a:b] = d", names), _contents(data, lambda _: again.execute())


def _array(view: memoryview) -> Any:
    try:
        import numpy
    except ImportError:
        raise Cannot("numpy is not installed") from None
    return numpy.frombuffer(view, numpy.uint8)


def _read_numpy(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance, view = _bytes_of(peer, row)
    view[ADDRESS : ADDRESS + row.size] = _pattern(row.size)
    names = _slice_names(row, instance) | {"x": _array(view)}
    return Work("x[a:b].copy()", names), _contents(_pattern(row.size), identity)


def _write_numpy(peer: Peer, row: Row) -> tuple[Work, Check]:
    instance, view = _bytes_of(peer, row)
    data, again = _pattern(row.size), peer.read(instance, ADDRESS, row.size)
    names = _slice_names(row, instance) | {"x": _array(view), "d": _array(memoryview(data))}
    return Work("x[a:b] = d", names), _contents(data, lambda _: again.execute())


# --- starting


def _instantiate(peer: Peer, row: Row) -> tuple[Work, Check]:
    return peer.instantiate(guest(row.guest)), _any


def _load(peer: Peer, row: Row) -> tuple[Work, Check]:
    return peer.compile(guest(row.guest)), _any


def _start(peer: Peer, row: Row) -> tuple[Work, Check]:
    start = peer.start(guest(row.guest), row.export)
    return Work("f()", {"f": start}), _equal(peer, row)


# --- real programs


def _does_its_job(row: Row) -> Callable[[Job], None]:
    """Returns a check that a program computes what the row expects."""
    expected = PROGRAMS[row.program].expected()

    def check(job: Job) -> None:
        value = job.result()
        if value != expected:
            raise WrongResult(f"{value} instead of {expected}")

    return check


def _loader(peer: Peer, row: Row) -> Callable[[], Job]:
    """Returns a function that goes from bytes to an instance that is ready for its job."""
    program = PROGRAMS[row.program]
    module = Guest(row.program, program.read())
    return lambda: program.prepare(peer.program(module, program.imports))


def _real_start(peer: Peer, row: Row) -> tuple[Work, Check]:
    load = _loader(peer, row)

    def start() -> Job:
        job = load()
        job.work()
        return job

    return Work("f()", {"f": start}), _does_its_job(row)


def _real_compute(peer: Peer, row: Row) -> tuple[Work, Check]:
    job, check = _loader(peer, row)(), _does_its_job(row)
    job.work()  # Some engines compile a function when it is first called.
    return Work("f()", {"f": job.work}), lambda _: check(job)


# --- the process


def _instance_memory(peer: Peer, row: Row) -> tuple[Work, Check]:
    module = guest(row.guest)
    kept: list[Any] = []

    def keep_one() -> None:
        instance = peer.load(module, {})
        peer.call(instance, row.export, ()).execute()
        kept.append(instance)

    def growth() -> float:
        keep_one()
        before = resident_bytes()
        for _ in range(INSTANCES):
            keep_one()
        return (resident_bytes() - before) / INSTANCES

    if resident_bytes() == 0:
        raise Cannot("only Linux tells how much memory a process uses")
    return Work("", {}, growth), _any


def _repeatedly(function: Callable[[], Any], loops: int) -> None:
    for _ in range(loops):
        function()


def _elapsed(functions: list[Callable[[], Any]], loops: int) -> float:
    """Returns the seconds until all functions have run `loops` times, each in its own thread."""
    threads = [threading.Thread(target=_repeatedly, args=(f, loops)) for f in functions]
    before = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - before


def _threads(peer: Peer, row: Row) -> tuple[Work, Check]:
    module = guest(row.guest)
    functions = [peer.call(peer.load(module, {}), row.export, ()).function() for _ in range(2)]
    for function in functions:
        _equal(peer, row)(function())
    loops = max(1, round(THREAD_SECONDS / _elapsed(functions[:1], 1)))

    def scaling() -> float:
        alone = min(_elapsed([function], loops) for function in functions)
        return 2 * alone / _elapsed(functions, loops)

    return Work("", {}, scaling), _any


_KINDS: dict[str, Callable[[Peer, Row], tuple[Work, Check]]] = {
    "call": _call,
    "view": _view,
    "read_slice": _read_slice,
    "write_slice": _write_slice,
    "read_buffer": _read_buffer,
    "write_buffer": _write_buffer,
    "read_numpy": _read_numpy,
    "write_numpy": _write_numpy,
    "instantiate": _instantiate,
    "load": _load,
    "start": _start,
    "real_start": _real_start,
    "real_compute": _real_compute,
    "instance_memory": _instance_memory,
    "threads": _threads,
}


def prepare(peer: Peer, row: Row) -> tuple[Work, Check]:
    """Returns the statement to time for a row, and the check of its result.

    Raises:
        Cannot: The peer has no way to do the row; the text says why.
    """
    return _KINDS[row.kind](peer, row)
