# SPDX-License-Identifier: MIT
"""What long calls leave to others: the GIL, and how soon a call stops.

What these figures do **not** show:

- They need as many idle cores as there are threads. The first line says how busy the machine was;
  beside other work, two threads get what is left. A first row says what that is, for hashlib.
- The guest is one loop of cheap instructions. Guests that call Python functions all the time take
  turns with other threads, as Python code does.
- How late a stop is includes what the system takes to give the thread a core.

Each figure comes from several rounds; the median counts, and the worst is shown.

    python benchmarks/threads.py [--rounds N]

The exit code says nothing about the bars.
"""

import argparse
import contextlib
import hashlib
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable

import wasmtime

import pywasm3

TEXT = """
(module
  (func (export "loop") (loop br 0))
  (func (export "spin") (param i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))
"""
MODULE = pywasm3.Module(wasmtime.wat2wasm(TEXT))
SECONDS = 0.5  # that a long call takes, about


def sized(work: Callable[[int], object], count: int) -> int:
    """What to multiply the count by, for the work to take SECONDS."""
    begin = time.perf_counter()
    work(count)
    return round(count * SECONDS / (time.perf_counter() - begin))


def elapsed(works: list[Callable[[int], object]], count: int) -> float:
    """Seconds in which threads do so much work each."""
    workers = [threading.Thread(target=work, args=(count,)) for work in works]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begin


def throughput(make: Callable[[], Callable[[int], object]], count: int) -> float:
    """Of two threads, in times that of one."""
    one = min(elapsed([make()], count), elapsed([make()], count))
    return 2 * one / elapsed([make(), make()], count)


def guest() -> Callable[[int], object]:
    """An instance for one thread."""
    spin: Callable[[int], object] = pywasm3.Instance(MODULE).exports.spin
    return spin


def hashing() -> Callable[[int], object]:
    """Work of the standard library, without the GIL: what the machine gives at this moment."""
    return lambda size: hashlib.sha256(bytes(size))


def ticks(running: Callable[[float], None]) -> int:
    """How often another thread wakes up in a second if it sleeps 10 ms each time."""
    seen, ended = [0], threading.Event()

    def tick() -> None:
        while not ended.is_set():
            time.sleep(0.01)
            seen[0] += 1

    thread = threading.Thread(target=tick)
    thread.start()
    running(1.0)
    ended.set()
    thread.join()
    return seen[0]


def spin_for(seconds: float) -> None:
    """Runs a guest so long."""
    instance = pywasm3.Instance(MODULE)
    with contextlib.suppress(pywasm3.DeadlineExceeded), instance.deadline(seconds):
        instance.exports.loop()


def kept_ticks() -> float:
    """The part of its ticks that another thread keeps while a guest runs."""
    return ticks(spin_for) / ticks(time.sleep)


def deadline_lateness() -> float:
    """Milliseconds from a deadline to its exception."""
    begin = time.perf_counter()
    spin_for(0.05)
    return (time.perf_counter() - begin - 0.05) * 1e3


def interrupt_lateness() -> float:
    """Milliseconds from the interruption by another thread to its exception."""
    instance = pywasm3.Instance(MODULE)
    at = [0.0]

    def interrupt() -> None:
        at[0] = time.perf_counter()
        instance.interrupt()

    threading.Timer(0.05, interrupt).start()
    with contextlib.suppress(pywasm3.Interrupted):
        instance.exports.loop()
    return (time.perf_counter() - at[0]) * 1e3


def signal_lateness() -> float:
    """Milliseconds from a Ctrl-C to KeyboardInterrupt."""
    at = [0.0]

    def press() -> None:
        at[0] = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(0.05, press).start()
    with contextlib.suppress(KeyboardInterrupt):
        pywasm3.Instance(MODULE).exports.loop()
    return (time.perf_counter() - at[0]) * 1e3


def main() -> None:
    """Prints one line per figure."""
    parser = argparse.ArgumentParser(description="What long calls leave to others.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    signal.signal(signal.SIGINT, signal.default_int_handler)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load average {load:.1f} (0 is an idle machine)")
    iterations, size = sized(guest(), 1_000_000), sized(hashing(), 1_000_000)
    for what, measure, bar, more_is_better in (
        ("two threads of hashlib, times one", lambda: throughput(hashing, size), 1.85, True),
        (
            "two threads, times the throughput of one",
            lambda: throughput(guest, iterations),
            1.85,
            True,
        ),
        ("part of its 10 ms ticks another thread keeps", kept_ticks, 0.9, True),
        ("deadline: late by milliseconds", deadline_lateness, 20, False),
        ("interrupt(): late by milliseconds", interrupt_lateness, 20, False),
        ("Ctrl-C: late by milliseconds", signal_lateness, 50, False),
    ):
        figures = [measure() for _ in range(rounds)]
        middle = statistics.median(figures)
        worst, best = sorted((min(figures), max(figures)), reverse=not more_is_better)
        passed = middle >= bar if more_is_better else middle <= bar
        print(
            f"{what:46} {middle:7.2f}  (best {best:.2f}, worst {worst:.2f}; bar {bar}: "
            f"{'ok' if passed else 'FAIL'})"
        )


if __name__ == "__main__":
    main()
