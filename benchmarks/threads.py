# SPDX-License-Identifier: MIT
"""Measures what long calls leave to other threads, and how soon a running call stops.

What these figures do **not** show:

- They need as many idle cores as there are threads. The first line says how busy the machine was.
  If other work runs, two threads get only what is left; the row of hashlib shows how much that is.
- The guest is one loop of cheap instructions. Only one row has a guest that calls Python functions
  all the time. It takes turns with other threads, as Python code does.
- How late a call ends depends on what it does. The rows below the first ones have the slowest work
  that is known, but not all of it.
- The time until a call stops includes the time that the system takes to give the thread a core.

Each figure is the median of several rounds. The best and the worst are shown, too.

    python benchmarks/threads.py [--rounds N]

The exit code is 0 even if a bar is missed.
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
from pywasm3.wasi import WasiConfig

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (func (export "loop") (loop br 0))
  (func (export "hosts") (loop (drop (call $f (i32.const 1))) br 0))
  (func (export "spin") (param i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))
"""
MODULE = pywasm3.Module(wasmtime.wat2wasm(TEXT))
# A clock's subscription lies at address 64: the monotonic clock, 3.6e12 nanoseconds from now.
WAITING = pywasm3.Module(
    wasmtime.wat2wasm("""
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "wait") (result i32)
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const 3600000000000))
    (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192))))
""")
)
# Each function spends its time in few steps: the system provides pages, or the engine works.
# `pages` first makes so many cheap iterations that the clock is looked at as rarely as possible.
STORES = "".join(
    f"(i32.store offset={4096 * page} (local.get $p) (i32.const 1))" for page in range(256)
)
DIVISIONS = "(local.set $n (i64.div_u (local.get $n) (i64.const 3)))"
SLOW = pywasm3.Module(
    wasmtime.wat2wasm(f"""
(module
  (memory (export "memory") 65536)
  (table 0 10000000 funcref)
  (func (export "pages") (local $i i32) (local $p i32)
    (local.set $i (i32.const 100000))
    (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (loop {STORES}
      (local.set $p (i32.add (local.get $p) (i32.const 0x100000)))
      (br_if 0 (i32.lt_u (local.get $p) (i32.const 0xfff00000)))))
  (func (export "fill")
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 0xffff0000)))
  (func (export "table") (drop (table.grow (ref.null func) (i32.const 10000000))))
  (func (export "compile") (local $n i64) {DIVISIONS * 900_000}))
""")
)
SLOW_BYTES = 65536 * 65536  # SLOW has so much memory; one row makes two instances in a store.
SECONDS = 0.5  # The time that a long call takes, approximately.


def sized(work: Callable[[int], object], count: int) -> int:
    """Returns the count for which the work takes SECONDS, estimated from a smaller count."""
    begin = time.perf_counter()
    work(count)
    return round(count * SECONDS / (time.perf_counter() - begin))


def elapsed(works: list[Callable[[int], object]], count: int) -> float:
    """Returns the seconds until all threads have done their work `count` times."""
    workers = [threading.Thread(target=work, args=(count,)) for work in works]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begin


def throughput(make: Callable[[], Callable[[int], object]], count: int) -> float:
    """Returns the throughput of two threads, as a multiple of that of one."""
    one = min(elapsed([make()], count), elapsed([make()], count))
    return 2 * one / elapsed([make(), make()], count)


def new_instance() -> pywasm3.Instance:
    """Returns a new instance of the module whose functions run long."""
    return pywasm3.Instance(MODULE, {"env": {"f": abs}})


def guest() -> Callable[[int], object]:
    """Returns a function of a new instance, for one thread."""
    spin: Callable[[int], object] = new_instance().exports.spin
    return spin


def hashing() -> Callable[[int], object]:
    """Returns work of the standard library that needs no GIL, to see what the machine can give."""
    return lambda size: hashlib.sha256(bytes(size))


def ticks(running: Callable[[float], None]) -> int:
    """Returns how often a thread that sleeps 10 ms each time wakes up in a second."""
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
    """Runs a guest for a time."""
    instance = new_instance()
    with contextlib.suppress(pywasm3.DeadlineExceeded), instance.deadline(seconds):
        instance.exports.loop()


def kept_ticks() -> float:
    """Returns the part of its wake-ups that another thread keeps while a guest runs."""
    return ticks(spin_for) / ticks(time.sleep)


def deadline_lateness() -> float:
    """Returns the milliseconds from a deadline to its exception."""
    begin = time.perf_counter()
    spin_for(0.05)
    return (time.perf_counter() - begin - 0.05) * 1e3


def lateness(
    stop: Callable[[], None], call: Callable[[], object], error: type[BaseException]
) -> float:
    """Returns the milliseconds from the moment when another thread stops a call to its error."""
    at = [0.0]

    def stop_now() -> None:
        at[0] = time.perf_counter()
        stop()

    threading.Timer(0.05, stop_now).start()
    with contextlib.suppress(error):
        call()
    return (time.perf_counter() - at[0]) * 1e3


def interrupt_lateness() -> float:
    """Returns the milliseconds from interrupt() on another thread to its exception."""
    instance = new_instance()
    return lateness(instance.interrupt, instance.exports.loop, pywasm3.Interrupted)


def host_loop_lateness() -> float:
    """Returns the milliseconds until another thread has interrupted a guest that calls the host."""
    instance = new_instance()
    begin = time.perf_counter()
    lateness(instance.interrupt, instance.exports.hosts, pywasm3.Interrupted)
    return (time.perf_counter() - begin - 0.05) * 1e3


def signal_lateness() -> float:
    """Returns the milliseconds from Ctrl-C to KeyboardInterrupt."""
    loop = new_instance().exports.loop
    return lateness(lambda: os.kill(os.getpid(), signal.SIGINT), loop, KeyboardInterrupt)


def waiting(limits: pywasm3.Limits | None = None) -> pywasm3.Instance:
    """Returns an instance whose function `wait` waits for an hour in WASI's poll_oneoff."""
    return pywasm3.Instance(WAITING, wasi=WasiConfig(), limits=limits)


def timeout_lateness_of_a_wait() -> float:
    """Returns the milliseconds from the end of a timeout to its exception, in poll_oneoff."""
    instance = waiting(pywasm3.Limits(timeout=0.05))
    begin = time.perf_counter()
    with contextlib.suppress(pywasm3.DeadlineExceeded):
        instance.exports.wait()
    return (time.perf_counter() - begin - 0.05) * 1e3


def interrupt_lateness_of_a_wait() -> float:
    """Returns the milliseconds from interrupt() to its exception, in poll_oneoff."""
    instance = waiting()
    return lateness(instance.interrupt, instance.exports.wait, pywasm3.Interrupted)


def lateness_of(
    prepare: Callable[[pywasm3.Instance], Callable[[], object]], seconds: float
) -> float:
    """Returns the milliseconds from a deadline to the error of work that takes longer.

    Args:
        prepare: Takes a new instance of SLOW and returns the work.
        seconds: The time from the beginning of the work to the deadline.
    """
    instance = pywasm3.Instance(SLOW, limits=pywasm3.Limits(total=3 * SLOW_BYTES))
    work = prepare(instance)
    begin = time.perf_counter()
    try:
        with instance.deadline(seconds):
            work()
    except pywasm3.DeadlineExceeded:
        return (time.perf_counter() - begin - seconds) * 1e3
    raise RuntimeError("the work ended before the deadline")


def in_eager_compilation(instance: pywasm3.Instance) -> Callable[[], object]:
    """Returns work that makes an instance and compiles all of its functions."""
    return lambda: pywasm3.Instance(SLOW, store=instance.store, compile="eager")


def in_snapshot(instance: pywasm3.Instance) -> Callable[[], pywasm3.Snapshot]:
    """Returns work that takes a snapshot of 256 MiB."""
    instance.memory[: 1 << 28] = b"\1" * (1 << 28)
    return instance.snapshot


def in_restore(instance: pywasm3.Instance) -> Callable[[], object]:
    """Returns work that restores a snapshot of 256 MiB."""
    snapshot = in_snapshot(instance)()
    return lambda: instance.restore(snapshot)


def main() -> None:
    """Prints one line for each figure."""
    parser = argparse.ArgumentParser(
        description="Measures what long calls leave to other threads, and how soon a call stops."
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    signal.signal(signal.SIGINT, signal.default_int_handler)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load average {load:.1f} (0 means an idle machine)")
    iterations, size = sized(guest(), 1_000_000), sized(hashing(), 1_000_000)
    for what, measure, bar, more_is_better in (
        (
            "hashlib: throughput of two threads / of one",
            lambda: throughput(hashing, size),
            1.85,
            True,
        ),
        (
            "guest: throughput of two threads / of one",
            lambda: throughput(guest, iterations),
            1.85,
            True,
        ),
        ("wake-ups that another thread keeps", kept_ticks, 0.9, True),
        ("ms that a deadline is late", deadline_lateness, 20, False),
        ("ms that interrupt() is late", interrupt_lateness, 20, False),
        ("ms that it is late if the guest calls the host", host_loop_lateness, 20, False),
        ("ms that Ctrl-C is late", signal_lateness, 50, False),
        ("ms that a timeout of a wait is late", timeout_lateness_of_a_wait, 20, False),
        ("ms that interrupt() of a wait is late", interrupt_lateness_of_a_wait, 20, False),
        *(
            (
                f"ms that a deadline is late: {what}",
                lambda p=prepare, s=s: lateness_of(p, s),
                20,
                False,
            )
            for what, prepare, s in (
                ("new pages", lambda instance: instance.exports.pages, 0.05),
                ("memory.fill", lambda instance: instance.exports.fill, 0.05),
                ("table.grow", lambda instance: instance.exports.table, 0.01),
                ("first call", lambda instance: instance.exports.compile, 0.03),
                ("eager compilation", in_eager_compilation, 0.03),
                ("snapshot", in_snapshot, 0.03),
                ("restore", in_restore, 0.01),
            )
        ),
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
