# SPDX-License-Identifier: MIT
"""Measures what a guest gains by threads, and what instructions for memory that threads share cost.

The first table has a guest that computes a picture of the Mandelbrot set, as a program for WASI
with threads does. Its threads take the rows of the picture from a counter, so they write to the
memory that they share once for each row. The time includes starting the threads and waiting for
them. The peer is hashlib on as many threads of Python, to see what the machine can give.

The second table has loops with many copies of an instruction, once atomic and once as it is without
threads. wasmtime, which compiles to machine code, runs the same bytes. No other thread uses the
memory meanwhile, and nobody waits for memory.atomic.notify.

What these figures do **not** show:

- They need two idle cores. The first line says how busy the machine was.
- Guests whose threads share more than a counter wait for each other, here as in machine code.

    python benchmarks/parallel.py [--rounds N]

All contestants take turns in this process, and the least time of all rounds counts.

The bars: two threads are at least 1.8 times as fast as one, which is judged only if hashlib shows
that the machine has two cores for this process. Of wasmtime's time, an atomic addition takes at
most 1.3 times as long, and memory.atomic.notify at most 1.5 times: most of it is the processor's
own, or that of a lock. The exit code is 1 if one is missed.
"""

import argparse
import hashlib
import os
import sys
import threading
from collections.abc import Callable

import wasmtime
from timing import Run, judge, race, times_for

import pywasm3
from pywasm3.wasi import WasiConfig

THREADS_BAR = 1.8  # The least speed of two threads, as a multiple of that of one.
IDLE = 1.85  # The least gain of hashlib by a second thread that shows two idle cores.
# The most time of an atomic instruction, as a multiple of wasmtime's.
INSTRUCTION_BARS = {"add": 1.3, "memory.atomic.notify": 1.5}

ROWS, COLUMNS = 128, 192  # The points of the picture.
COPIES = 200  # The instructions in a loop.

# The guest of the first table. `run` computes the picture with a number of threads, and returns how
# often all points together were iterated. Words of the memory: at 0 the next row, at 4 how often
# points were iterated, at 8 how many threads have ended.
PICTURE = f"""
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "env" "memory" (memory 1 1 shared))
  (func $point (param $cx f64) (param $cy f64) (result i32)
    (local $x f64) (local $y f64) (local $xx f64) (local $yy f64) (local $n i32)
    (loop $again
      (local.set $xx (f64.mul (local.get $x) (local.get $x)))
      (local.set $yy (f64.mul (local.get $y) (local.get $y)))
      (local.set $y
        (f64.add (f64.mul (f64.mul (local.get $x) (local.get $y)) (f64.const 2)) (local.get $cy)))
      (local.set $x (f64.add (f64.sub (local.get $xx) (local.get $yy)) (local.get $cx)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again
        (i32.and
          (f64.lt (f64.add (local.get $xx) (local.get $yy)) (f64.const 4))
          (i32.lt_u (local.get $n) (i32.const 1000)))))
    (local.get $n))
  (func $row (param $row i32) (result i32) (local $column i32) (local $sum i32)
    (loop $next
      (local.set $sum
        (i32.add
          (local.get $sum)
          (call $point
            (f64.sub
              (f64.div (f64.convert_i32_u (local.get $column)) (f64.const {COLUMNS / 3}))
              (f64.const 2.25))
            (f64.sub
              (f64.div (f64.convert_i32_u (local.get $row)) (f64.const {ROWS / 2}))
              (f64.const 1)))))
      (br_if $next
        (i32.lt_u
          (local.tee $column (i32.add (local.get $column) (i32.const 1)))
          (i32.const {COLUMNS}))))
    (local.get $sum))
  (func $rows (local $row i32)
    (block $end
      (loop $next
        (br_if $end
          (i32.ge_u
            (local.tee $row (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
            (i32.const {ROWS})))
        (drop (i32.atomic.rmw.add (i32.const 4) (call $row (local.get $row))))
        (br $next))))
  (func (export "wasi_thread_start") (param i32 i32)
    (call $rows)
    (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 8) (i32.const 1))))
  (func (export "run") (param $threads i32) (result i32) (local $started i32) (local $ended i32)
    (i32.atomic.store (i32.const 0) (i32.const 0))
    (i32.atomic.store (i32.const 4) (i32.const 0))
    (i32.atomic.store (i32.const 8) (i32.const 0))
    (block $all
      (loop $more
        (br_if $all
          (i32.ge_u (i32.add (local.get $started) (i32.const 1)) (local.get $threads)))
        (if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
        (local.set $started (i32.add (local.get $started) (i32.const 1)))
        (br $more)))
    (call $rows)
    (block $joined
      (loop $wait
        (br_if $joined
          (i32.eq (local.tee $ended (i32.atomic.load (i32.const 8))) (local.get $started)))
        (drop (memory.atomic.wait32 (i32.const 8) (local.get $ended) (i64.const -1)))
        (br $wait)))
    (i32.atomic.load (i32.const 4))))
"""

# For each row of the second table: the instructions of its loops, without atomics and with them.
# memory.atomic.notify has no counterpart without atomics.
PLAIN_ADD = "(i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))"
INSTRUCTIONS = {
    "load": ("(drop (i32.load (local.get $at)))", "(drop (i32.atomic.load (local.get $at)))"),
    "store": (
        "(i32.store (local.get $at) (local.get $turns))",
        "(i32.atomic.store (local.get $at) (local.get $turns))",
    ),
    "add": (PLAIN_ADD, "(drop (i32.atomic.rmw.add (local.get $at) (i32.const 1)))"),
    "memory.atomic.notify": (
        None,
        "(drop (memory.atomic.notify (local.get $at) (i32.const 1)))",
    ),
}


def assemble(text: str) -> bytes:
    """Returns the bytes of a module."""
    return bytes(wasmtime.wat2wasm(text))


# --- threads


def picture(threads: int) -> Run:
    """Returns a function that computes the picture with so many threads, as often as asked for."""
    instance = pywasm3.Instance(
        pywasm3.Module(assemble(PICTURE)), wasi=WasiConfig(threads=2 * threads)
    )
    expected = pywasm3.Instance(instance.module, wasi=WasiConfig()).exports.run(1)

    def repeated(times: int) -> None:
        for _ in range(times):
            if instance.exports.run(threads) != expected:
                raise AssertionError("the threads have not computed the whole picture")

    return repeated


def hashing(threads: int) -> Run:
    """Returns a function that hashes some bytes on so many threads, as often as asked for."""
    pieces = [bytes((32 << 20) // threads)] * threads

    def repeated(times: int) -> None:
        for _ in range(times):
            workers = [threading.Thread(target=hashlib.sha256, args=(piece,)) for piece in pieces]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    return repeated


def gains(rounds: int) -> tuple[float, float]:
    """Prints a line for hashlib and one for the guest. Returns how much each gains."""
    works: dict[str, Callable[[int], Run]] = {"hashlib": hashing, "the guest": picture}
    runs = [work(threads) for work in works.values() for threads in (1, 2)]
    least = race(runs, [1] * len(runs), rounds)
    print(f"{'':12} {'1 thread, ms':>12} {'2 threads, ms':>14} {'gain':>6}")
    for i, name in enumerate(works):
        one, two = least[2 * i : 2 * i + 2]
        print(f"{name:12} {1e3 * one:12.1f} {1e3 * two:14.1f} {one / two:6.2f}")
    print(flush=True)
    return least[0] / least[1], least[2] / least[3]


# --- instructions


def loop(instruction: str) -> bytes:
    """Returns a module that runs many copies of an instruction as often as is asked for."""
    return assemble(f"""(module (memory 1 1 shared)
      (func (export "run") (param $turns i32) (local $at i32)
        (local.set $at (i32.const 64))
        (loop $again
          {instruction * COPIES}
          (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))""")


def load_theirs(data: bytes) -> Run:
    """Returns the function `run` of a module in wasmtime."""
    config = wasmtime.Config()
    config.wasm_threads = config.shared_memory = True
    store = wasmtime.Store(wasmtime.Engine(config))
    run = wasmtime.Instance(store, wasmtime.Module(store.engine, data), []).exports(store)["run"]
    return lambda times: run(store, times)


def instructions(rounds: int) -> dict[str, float]:
    """Prints a line for each instruction. Returns the atomic ones' times, of wasmtime's."""
    loops = {
        (name, atomic): loop(pair[atomic])
        for name, pair in INSTRUCTIONS.items()
        for atomic in (False, True)
        if pair[atomic] is not None
    }
    runs: list[Run] = [
        run
        for data in loops.values()
        for run in (pywasm3.load(data).exports.run, load_theirs(data))
    ]
    least = [1e9 * value / COPIES for value in race(runs, [times_for(run) for run in runs], rounds)]
    ours = dict(zip(loops, least[::2], strict=True))
    theirs = dict(zip(loops, least[1::2], strict=True))
    columns = f"{'plain':>6} {'atomic':>7} {'ratio':>6}"
    print(f"{'':22} {'pywasm3, ns':^21}   {'wasmtime, ns':^21}")
    print(f"{'instruction':22} {columns}   {columns}   {'of wasmtime':>11}")
    for name in INSTRUCTIONS:
        cells = []
        for cost in (ours, theirs):
            plain, atomic = cost.get((name, False)), cost[name, True]
            before = f"{plain:6.2f}" if plain else f"{'':6}"
            ratio = f"{atomic / plain:6.2f}" if plain else f"{'':6}"
            cells.append(f"{before} {atomic:7.2f} {ratio}")
        print(f"{name:22} {'   '.join(cells)}   {ours[name, True] / theirs[name, True]:11.2f}")
    print(flush=True)
    return {name: ours[name, True] / theirs[name, True] for name in INSTRUCTIONS}


def main() -> int:
    """Prints the tables, and a line for each bar. Returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load average {load:.1f} (0 means an idle machine)")
    machine, guest = gains(rounds)
    beside = instructions(rounds)
    bars = [
        (beside[name] <= bar, f"{name}: {beside[name]:.2f} x wasmtime, and at most {bar}")
        for name, bar in INSTRUCTION_BARS.items()
    ]
    if machine >= IDLE:
        text = f"two threads: {guest:.2f} x one, and at least {THREADS_BAR}"
        bars.append((guest >= THREADS_BAR, text))
    else:
        print(f"two threads are not judged: hashlib gains {machine:.2f}, and needs {IDLE} for that")
    return judge(bars)


if __name__ == "__main__":
    sys.exit(main())
