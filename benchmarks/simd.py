# SPDX-License-Identifier: MIT
"""Measures what SIMD gains in programs that have it, and what one vector operation costs.

The guests of tests/guests/simd are compiled twice from one source, without SIMD ("scalar") and with
it ("vector"). Both builds run here and in wasmtime. All give the bytes that Python computes, or the
benchmark stops. The four take turns in this process, and the least time of all rounds counts.

A second table has single instructions. A function has a loop with many copies of one instruction,
and the time of the same loop without them is subtracted. There are three forms:

- on slots: Both operands are locals, and the result is dropped. Each copy is one operation of the
  interpreter, which reads two slots and waits for nothing.
- in an expression: One operand is the result of the copy before. The interpreter keeps an i64 in
  its register then, and a vector in a slot.
- in a chain: Each copy sets the local that the next one reads. An i64 needs two operations for
  that, because it goes through the register, and a vector needs one.

    python benchmarks/simd.py [--rounds N]

What these figures do **not** show:

- Programs that are compiled with SIMD but spend their time elsewhere. Each guest here does nothing
  but work for which vectors are made.
- A build without SIMD that processes one byte after the other. The scalar sources take four bytes
  or two channels at once, where libraries do so.
- How wasmtime, which compiles to machine code, would do with more time: a call of the guest takes
  it some microseconds in Python, which are a part of its figures.

The bars: the geometric mean of the speed-up is at least 2.5, no guest is slower with SIMD, and an
`i32x4.add` on slots takes at most 1.5 times as long as an `i64.add`. The exit code is 1 if one is
missed.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import wasmtime
from timing import Run, judge, race, times_for

import pywasm3

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from simd_kernels import BUILDS, Kernel, kernels

GAIN_BAR = 2.5  # The least geometric mean of the speed-up.
ADD_BAR = 1.5  # The most time of an i32x4.add, as a multiple of that of an i64.add.

COPIES, TURNS = 500, 1000  # The copies of an instruction in a loop, and the turns of the loop.

# As floats, these are ordinary numbers. Processors may be slower with subnormal ones.
ONE = {"i64": "(i64.const 1)", "f64": "(f64.const 1)", "v128": "(v128.const f64x2 1 1)"}
# An instruction, the type of its operands, and that instruction with which it is compared.
SINGLE = [
    ("i64.add", "i64", None),
    ("i32x4.add", "v128", "i64.add"),
    ("f64.add", "f64", None),
    ("f64x2.add", "v128", "f64.add"),
    ("v128.xor", "v128", "i64.add"),
    ("i16x8.mul", "v128", "i64.add"),
    ("i8x16.swizzle", "v128", "i64.add"),
]


# --- the guests


def load_ours(kernel: Kernel, build: str) -> Run:
    """Returns the export `run` of a guest in pywasm3, which has its input and gives the result."""
    guest = pywasm3.load(kernel.module(build))
    guest.memory.write(guest.exports.input(), kernel.data)
    guest.exports.run(1)
    if guest.memory.read(guest.exports.output(), len(kernel.expected)) != kernel.expected:
        raise AssertionError(f"{kernel.name}-{build}: pywasm3 gives a wrong result")
    run: Run = guest.exports.run
    return run


def load_theirs(kernel: Kernel, build: str) -> Run:
    """Does the same in wasmtime."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    module = wasmtime.Module(engine, kernel.module(build))
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory, run = exports["memory"], exports["run"]
    memory.write(store, kernel.data, exports["input"](store))
    run(store, 1)
    at = exports["output"](store)
    if bytes(memory.read(store, at, at + len(kernel.expected))) != kernel.expected:
        raise AssertionError(f"{kernel.name}-{build}: wasmtime gives a wrong result")
    return lambda times: run(store, times)


def guests(rounds: int) -> list[float]:
    """Prints a line for each guest. Returns how much faster each is with SIMD in pywasm3."""
    all_kernels = kernels()
    runs = [
        load(kernel, build)
        for kernel in all_kernels
        for load in (load_ours, load_theirs)
        for build in BUILDS
    ]
    least = [1e6 * s for s in race(runs, [times_for(run) for run in runs], rounds)]
    print(f"{'':28} {'pywasm3, us':^23}   {'wasmtime, us':^23}   {'of wasmtime':^15}".rstrip())
    columns = f"{'scalar':>8} {'vector':>7} {'gain':>6}"
    print(f"{'guest':28} {columns}   {columns}   {'scalar':>7} {'vector':>7}")
    ratios = []
    for i, kernel in enumerate(all_kernels):
        ours, our_vector, theirs, their_vector = least[4 * i : 4 * i + 4]
        ratios.append(
            (ours / our_vector, theirs / their_vector, ours / theirs, our_vector / their_vector)
        )
        gain, their_gain, distance, vector_distance = ratios[-1]
        print(
            f"{kernel.title:28} {ours:8.1f} {our_vector:7.1f} {gain:6.2f}"
            f"   {theirs:8.1f} {their_vector:7.1f} {their_gain:6.2f}"
            f"   {distance:7.1f} {vector_distance:7.1f}"
        )
    gain, their_gain, *distances = map(statistics.geometric_mean, zip(*ratios, strict=True))
    print(
        f"{'geometric mean':28} {gain:23.2f}   {their_gain:23.2f}"
        f"   {distances[0]:7.1f} {distances[1]:7.1f}\n",
        flush=True,
    )
    return [gain for gain, *_ in ratios]


# --- single instructions


# The code that a loop repeats, by the name of the instruction.
FORMS: dict[str, Callable[[str], str]] = {
    "on slots": lambda name: f"(drop ({name} (local.get $a) (local.get $b)))" * COPIES,
    "in an expression": lambda name: f"local.get $a {f'local.get $b {name} ' * COPIES} drop",
    "in a chain": lambda name: f"(local.set $a ({name} (local.get $a) (local.get $b)))" * COPIES,
}


def loop(type_: str, code: str) -> Run:
    """Returns a function that runs a piece of code as often as is asked for."""
    text = f"""(module (func (export "run") (param $turns i32) (local $a {type_}) (local $b {type_})
      (local.set $a {ONE[type_]})
      (local.set $b {ONE[type_]})
      (loop $again
        {code}
        (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))"""
    run: Run = pywasm3.load(bytes(wasmtime.wat2wasm(text))).exports.run
    return run


def single(rounds: int) -> float:
    """Prints a line for each instruction. Returns i32x4.add on slots as a multiple of i64.add."""
    runs = {
        (form, name): loop(type_, FORMS[form](name)) for form in FORMS for name, type_, _ in SINGLE
    }
    runs["", ""] = loop("i64", "")
    least = dict(zip(runs, race(list(runs.values()), [TURNS] * len(runs), rounds), strict=True))
    cost = {key: (value - least["", ""]) * 1e9 / COPIES for key, value in least.items()}
    print(f"{'':16}" + "".join(f"   {form:24}" for form in FORMS).rstrip())
    print(f"{'instruction':16}" + f"   {'ns':>5}  {'ratio':17}" * 2 + f"   {'ns':>5}  ratio")
    for name, _, other in SINGLE:
        line = f"{name:16}"
        for form in FORMS:
            ratio = f"{cost[form, name] / cost[form, other]:.2f} {other}" if other else ""
            line += f"   {cost[form, name]:5.2f}  {ratio:17}"
        print(line.rstrip())
    return cost["on slots", "i32x4.add"] / cost["on slots", "i64.add"]


def main() -> int:
    """Prints both tables, and a line for each bar. Returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    gains = guests(rounds)
    ratio = single(rounds)
    mean = statistics.geometric_mean(gains)
    bars = [
        (mean >= GAIN_BAR, f"the mean gain is {mean:.2f}, and must be at least {GAIN_BAR}"),
        (min(gains) >= 1, f"the least gain is {min(gains):.2f}, and must be at least 1"),
        (
            ratio <= ADD_BAR,
            f"i32x4.add takes {ratio:.2f} times as long as i64.add, and at most {ADD_BAR} is right",
        ),
    ]
    print()
    return judge(bars)


if __name__ == "__main__":
    sys.exit(main())
