# SPDX-License-Identifier: MIT
"""Measures what it costs to throw and to catch, and that a `try` without exceptions costs nothing.

The first table has a guest that calls itself to a depth and throws there. The function that was
called first catches the exception. The same guest returns from that depth instead in the column
"return", so that the difference is what the exception costs. wasmtime, which compiles to machine
code, runs the same bytes.

The second table has a loop with many calls of a function that does nothing. In the other loops each
of these calls stands in a `try` of its own.

The third table is about the border. The peer is Python code that raises and catches an exception of
its own in the same places.

    python benchmarks/exceptions.py [--rounds N]

All contestants take turns in this process, and the least time of all rounds counts.

These figures do **not** show what the language of the guest adds. C++, for example, allocates the
object that is thrown, and calls its personality routine in each function with a destructor.

The bars: throwing and catching across 10 frames takes at most 150 ns more than to return through
them, 1,000 and 10,000 frames take at most 2.5 times as long per frame as 100 (they are too many for
the processor's first caches), and a call in a `try` takes at most 2.3 ns more than one outside. The
exit code is 1 if one is missed.
"""

import argparse
import sys
from collections.abc import Callable

import wasmtime
from timing import Run, judge, race, times_for

import pywasm3

FRAMES_BAR = 150  # The most ns that an exception may add to a return through 10 frames.
GROWTH_BAR = 2.5  # The most time per frame, as a multiple of that with 100 frames.
TRY_BAR = 2.3  # The most ns that a `try` may add to a call.

COPIES = 200  # The calls in a loop.

# The guest of the first table: `run` takes the depth, whether to throw there, and how often.
DEEP = """
(module
  (tag $t (param i32))
  (func $down (param $depth i32) (param $throws i32)
    (if (local.get $depth)
      (then
        (call $down (i32.sub (local.get $depth) (i32.const 1)) (local.get $throws))
        (return)))
    (if (local.get $throws) (then (throw $t (i32.const 42)))))
  (func $catch (param $depth i32) (param $throws i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught)
        (call $down (i32.sub (local.get $depth) (i32.const 1)) (local.get $throws)))
      (i32.const 0)))
  (func (export "run") (param $depth i32) (param $throws i32) (param $times i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum
        (i32.add (local.get $sum) (call $catch (local.get $depth) (local.get $throws))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum)))
"""
DEPTHS = (1, 10, 100, 1000, 10_000)

# A call, without a `try` and in each kind of it.
CALLS = {
    "no try": "(call $nothing)",
    "try_table": "(block $caught (try_table (catch_all $caught) (call $nothing)))",
    "try (legacy)": " try call $nothing catch_all end ",
}

# The guest of the third table. It calls a host function, which raises an exception.
BORDER = """
(module
  (import "env" "f" (func $f (param i32)))
  (tag $t (export "t") (param i32))
  (func (export "throw") (param i32) (throw $t (local.get 0)))
  (func (export "by_tag") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught) (call $f (local.get 0)))
      (i32.const 0)))
  (func (export "by_any") (param i32)
    (block $caught (try_table (catch_all $caught) (call $f (local.get 0)))))
  (func (export "through") (param i32) (call $f (local.get 0))))
"""


# --- measuring


def fastest(runs: list[Run], rounds: int) -> list[float]:
    """Returns the least time of each contestant for doing its work once, in ns."""
    return [1e9 * value for value in race(runs, [times_for(run) for run in runs], rounds)]


def assemble(text: str) -> bytes:
    """Returns the bytes of a module."""
    return bytes(wasmtime.wat2wasm(text))


# --- in the guest


Guest = Callable[[int, bool, int], object]  # The export `run` of the guest of the first table.


def load_theirs(data: bytes) -> Guest:
    """Returns the guest of the first table in wasmtime."""
    config = wasmtime.Config()
    config.wasm_exceptions = config.wasm_gc = True
    config.max_wasm_stack = 1 << 20
    store = wasmtime.Store(wasmtime.Engine(config))
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, data), [])
    run = instance.exports(store)["run"]
    return lambda depth, throws, times: run(store, depth, throws, times)


def at(guest: Guest, depth: int, throws: bool) -> Run:
    """Returns what the guest does at a depth, after a look at its result."""
    if guest(depth, throws, 3) != (126 if throws else 0):
        raise AssertionError("the guest gives a wrong result")
    return lambda times: guest(depth, throws, times)


def deep(rounds: int) -> dict[int, float]:
    """Prints a line for each depth. Returns how many ns the exception adds at each."""
    data = assemble(DEEP)
    guests = [pywasm3.load(data).exports.run, load_theirs(data)]
    runs = [
        at(guest, depth, throws) for depth in DEPTHS for guest in guests for throws in (True, False)
    ]
    least = fastest(runs, rounds)
    print(f"{'':8}   {'pywasm3, ns':^28}   {'wasmtime, ns':^28}")
    columns = f"{'throw':>9} {'return':>9} {'added':>8}"
    print(f"{'frames':8}   {columns}   {columns}   {'of wasmtime':>11}")
    added = {}
    for i, depth in enumerate(DEPTHS):
        throw, back, their_throw, their_back = least[4 * i : 4 * i + 4]
        added[depth] = throw - back
        print(
            f"{depth:<8,}   {throw:9,.0f} {back:9,.0f} {throw - back:8,.0f}"
            f"   {their_throw:9,.0f} {their_back:9,.0f} {their_throw - their_back:8,.0f}"
            f"   {throw / their_throw:11.2f}"
        )
    print(flush=True)
    return added


def loop(call: str) -> Run:
    """Returns a function that runs many copies of a call as often as is asked for."""
    text = f"""(module (func $nothing) (func (export "run") (param $turns i32)
      (loop $again
        {call * COPIES}
        (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))"""
    run: Run = pywasm3.load(assemble(text)).exports.run
    return run


def calls(rounds: int) -> float:
    """Prints a line for each kind of `try`. Returns the most ns that one adds to a call."""
    least = fastest([loop(call) for call in CALLS.values()], rounds)
    cost = dict(zip(CALLS, [value / COPIES for value in least], strict=True))
    print(f"{'a call in':16} {'ns':>6} {'added':>7}")
    for name, value in cost.items():
        print(f"{name:16} {value:6.2f} {value - cost['no try']:7.2f}")
    print(flush=True)
    return max(cost.values()) - cost["no try"]


# --- at the border


def repeated(action: Callable[[], object]) -> Run:
    """Returns a function that does something as often as is asked for."""

    def run(times: int) -> None:
        for _ in range(times):
            action()

    return run


def failing(function: Callable[[int], object], error: type[Exception]) -> Callable[[], None]:
    """Returns a function that calls one which raises an exception, and catches that."""

    def action() -> None:
        try:  # noqa: SIM105  suppress() would take most of the time
            function(7)
        except error:
            pass

    return action


def border(rounds: int) -> None:
    """Prints a line for each way across the border, and what Python takes for the same."""

    def raise_lookup(x: int) -> None:
        raise LookupError(x)

    def raise_tagged(x: int) -> None:
        raise tagged.t(x)

    def nested(x: int) -> None:
        raise_lookup(x)

    data = assemble(BORDER)
    tagged = pywasm3.load(data, {"env": {"f": raise_tagged}}).exports
    untagged = pywasm3.load(data, {"env": {"f": raise_lookup}}).exports
    rows = {
        "the guest throws, Python catches": failing(tagged.throw, pywasm3.WasmException),
        "Python raises, the guest catches by tag": lambda: tagged.by_tag(7),
        "Python raises, the guest catches any": lambda: untagged.by_any(7),
        "Python raises, through the guest, Python catches": failing(untagged.through, LookupError),
        "the same without a guest": failing(nested, LookupError),
    }
    least = fastest([repeated(action) for action in rows.values()], rounds)
    print(f"{'across the border':50} {'ns':>6}  x Python")
    for name, value in zip(rows, least, strict=True):
        print(f"{name:50} {value:6,.0f} {value / least[-1]:9.2f}")
    print(flush=True)


def main() -> int:
    """Prints the tables, and a line for each bar. Returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    added = deep(rounds)
    in_try = calls(rounds)
    border(rounds)
    growth = max(added[depth] / depth for depth in DEPTHS[3:]) / (added[100] / 100)
    bars = [
        (added[10] <= FRAMES_BAR, f"10 frames: {added[10]:.0f} ns, and at most {FRAMES_BAR}"),
        (growth <= GROWTH_BAR, f"growth with depth: {growth:.2f}, and at most {GROWTH_BAR}"),
        (in_try <= TRY_BAR, f"a try around a call: {in_try:.2f} ns, and at most {TRY_BAR}"),
    ]
    return judge(bars)


if __name__ == "__main__":
    sys.exit(main())
