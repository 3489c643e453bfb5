# SPDX-License-Identifier: MIT
"""Measures guests with structures and arrays: allocating, collecting, reading and calling.

    python benchmarks/gc.py [--rounds N]

The first table has programs of one kind each, which pywasm3 and wasmtime run side by side with the
same bytes:

- "trees" builds binary trees of depth 14, counts their nodes, and drops them;
- "list" builds a linked list of 100,000 nodes and adds up its values;
- "churn" makes structures with two fields, each of which is garbage at once;
- "numbers" fills an array of 100,000 i32, and adds up its elements;
- "shapes" calls methods of 1,000 objects of three classes through `call_ref`;
- "casts" tests the classes of these objects with `br_on_cast`.

The second table is about short runs: from the bytes of a module to the result, with compilation.
The third one has the pauses of collections, which a call waits for: the longest of many calls that
make 100 structures, beside so much live data. It counts the time that the thread runs, so that
other programs on the machine do not matter.

The fourth table has functions of `wasm:js-string`, which guests call for each operation on a
string, beside the same in a loop of Python: joining two texts of 10 characters, reading each of
1,000 code units, of a text of ASCII and of one in which some characters take two (Python has the
units of this one ready), and copying the units of the latter into an array.

All contestants take turns in this process, and the least time of all rounds counts. wasmtime
compiles to machine code, and counts references by default; its time to compile is counted in the
second table only.

The bars: no program takes more than 8 times as long as in wasmtime, pywasm3 has the result of a
short run first, a structure with two fields costs at most 15 ns, its share of the collections
included, and a collection with 10 MB of live data takes at most 10 ms. The exit code is 1 if one is
missed.
"""

import argparse
import sys
import time
from collections.abc import Callable

import wasmtime
from timing import Run, judge, race, times_for

import pywasm3
from pywasm3.guests import js_string

SLOWEST_BAR = 8.0  # The most time, as a multiple of wasmtime's.
ALLOCATION_BAR = 15.0  # ns
PAUSE_BAR = 10.0  # ms

GUEST = """
(module
  (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))
  (type $node (struct (field $value i32) (field $next (ref null $node))))
  (type $pair (struct (field i32) (field i32)))
  (type $numbers (array (mut i32)))
  (rec
    (type $method (func (param (ref $shape)) (result i32)))
    (type $shape (sub (struct (field $area (ref $method)) (field $a i32)))))
  (type $square (sub $shape (struct (field (ref $method)) (field i32))))
  (type $oblong (sub $shape (struct (field (ref $method)) (field i32) (field $b i32))))
  (type $point (sub $shape (struct (field (ref $method)) (field i32) (field i64))))
  (type $shapes (array (mut (ref null $shape))))
  (elem declare func $square_area $oblong_area $point_area)
  (global $shapes (ref $shapes) (array.new_default $shapes (i32.const 1000)))
  (global $kept (mut (ref null $node)) (ref.null $node))

  (func $grow (param $depth i32) (result (ref $tree))
    (if (i32.eqz (local.get $depth)) (then (return (struct.new_default $tree))))
    (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
    (struct.new $tree (call $grow (local.get $depth)) (call $grow (local.get $depth))))
  (func $count (param $tree (ref null $tree)) (result i32)
    (if (ref.is_null (local.get $tree)) (then (return (i32.const 0))))
    (i32.add (i32.const 1)
      (i32.add (call $count (struct.get $tree $left (local.get $tree)))
               (call $count (struct.get $tree $right (local.get $tree))))))
  (func (export "trees") (param $times i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $count (call $grow (i32.const 14)))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))

  (func $make (param $n i32) (result (ref null $node))
    (local $list (ref null $node))
    (loop $again
      (local.set $list (struct.new $node (local.get $n) (local.get $list)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $list))
  (func (export "list") (param $times i32) (result i32)
    (local $list (ref null $node)) (local $sum i32)
    (loop $again
      (local.set $list (call $make (i32.const 100000)))
      (block $done
        (loop $next
          (br_on_null $done (local.get $list))
          (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $list))))
          (local.set $list (struct.get $node $next))
          (br $next)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))
  (func (export "keep") (param $n i32) (global.set $kept (call $make (local.get $n))))

  (func (export "churn") (param $times i32) (result i32)
    (local $pair (ref null $pair))
    (loop $again
      (local.set $pair (struct.new $pair (local.get $times) (i32.const 7)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (struct.get $pair 0 (local.get $pair)))
  (func (export "idle") (param $times i32) (result i32)
    (local $x i32)
    (loop $again
      (local.set $x (i32.add (local.get $times) (i32.const 7)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $x))

  (func (export "numbers") (param $times i32) (result i32)
    (local $numbers (ref null $numbers)) (local $i i32) (local $sum i32)
    (local.set $numbers (array.new_default $numbers (i32.const 100000)))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $fill
        (array.set $numbers (local.get $numbers) (local.get $i) (local.get $i))
        (br_if $fill
          (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))
      (loop $add
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (local.set $sum
          (i32.add (local.get $sum) (array.get $numbers (local.get $numbers) (local.get $i))))
        (br_if $add (local.get $i)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))

  (func $square_area (type $method)
    (i32.mul (struct.get $shape $a (local.get 0)) (struct.get $shape $a (local.get 0))))
  (func $oblong_area (type $method)
    (i32.mul (struct.get $shape $a (local.get 0))
             (struct.get $oblong $b (ref.cast (ref $oblong) (local.get 0)))))
  (func $point_area (type $method) (i32.const 1))
  (func $fill_shapes
    (local $i i32)
    (loop $again
      (array.set $shapes (global.get $shapes) (local.get $i)
        (struct.new $square (ref.func $square_area) (local.get $i)))
      (array.set $shapes (global.get $shapes) (i32.add (local.get $i) (i32.const 1))
        (struct.new $oblong (ref.func $oblong_area) (local.get $i) (i32.const 2)))
      (array.set $shapes (global.get $shapes) (i32.add (local.get $i) (i32.const 2))
        (struct.new $point (ref.func $point_area) (local.get $i) (i64.const 3)))
      (br_if $again
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 3))) (i32.const 998)))))
  (start $fill_shapes)
  (func (export "shapes") (param $times i32) (result i32)
    (local $i i32) (local $sum i32) (local $shape (ref null $shape))
    (loop $again
      (local.set $i (i32.const 998))
      (loop $next
        (local.set $shape
          (array.get $shapes (global.get $shapes) (local.tee $i
            (i32.sub (local.get $i) (i32.const 1)))))
        (local.set $sum
          (i32.add (local.get $sum)
            (call_ref $method (ref.as_non_null (local.get $shape))
              (struct.get $shape $area (local.get $shape)))))
        (br_if $next (local.get $i)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))
  (func (export "casts") (param $times i32) (result i32)
    (local $i i32) (local $sum i32)
    (loop $again
      (local.set $i (i32.const 998))
      (block $done (loop $next
        (block $is_point (result (ref $point))
          (block $is_oblong (result (ref $oblong))
            (br_on_cast $is_oblong (ref null $shape) (ref $oblong)
              (array.get $shapes (global.get $shapes)
                (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (drop (br_on_cast $is_point (ref null $shape) (ref $point)))
            (br_if $next (local.get $i))
            (br $done))
          (local.set $sum (i32.add (struct.get $oblong $b) (local.get $sum)))
          (br_if $next (local.get $i))
          (br $done))
        (drop)
        (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
        (br_if $next (local.get $i))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum)))
"""

STRINGS = """
(module
  (type $units (array (mut i16)))
  (import "wasm:js-string" "concat"
    (func $concat (param externref externref) (result (ref extern))))
  (import "wasm:js-string" "charCodeAt" (func $at (param externref i32) (result i32)))
  (import "wasm:js-string" "intoCharCodeArray"
    (func $into (param externref (ref null $units) i32) (result i32)))
  (func (export "concat") (param $times i32) (param $a externref) (param $b externref)
    (loop $again
      (drop (call $concat (local.get $a) (local.get $b)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (func (export "read") (param $times i32) (param $text externref) (param $length i32)
    (local $i i32)
    (loop $again
      (local.set $i (local.get $length))
      (loop $next
        (drop (call $at (local.get $text) (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (br_if $next (local.get $i)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (func (export "copy") (param $times i32) (param $text externref) (param $length i32)
    (local $units (ref null $units))
    (local.set $units (array.new_default $units (local.get $length)))
    (loop $again
      (drop (call $into (local.get $text) (local.get $units) (i32.const 0)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))
"""

ASCII, FACES = "0123456789" * 100, "0123456é😀" * 100  # 1,000 code units each

PROGRAMS = ("trees", "list", "churn", "numbers", "shapes", "casts")


def their_store() -> wasmtime.Store:
    """Returns a store of wasmtime in which guests can have structures and arrays."""
    config = wasmtime.Config()
    config.wasm_gc = config.wasm_function_references = True
    return wasmtime.Store(wasmtime.Engine(config))


def their_run(store: wasmtime.Store, instance: wasmtime.Instance, name: str) -> Run:
    """Returns a program of the guest in wasmtime."""
    function = instance.exports(store)[name]
    return lambda times: function(store, times)


def programs(data: bytes, rounds: int) -> dict[str, tuple[float, float]]:
    """Prints a line for each program. Returns the time of both engines for each, in ns."""
    store = their_store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, data), [])
    ours = pywasm3.load(data).exports
    runs: list[Run] = []
    for name in (*PROGRAMS, "idle"):
        pair = [ours[name], their_run(store, instance, name)]
        if pair[0](3) != pair[1](3):
            raise AssertionError(f"{name}: the engines have different results")
        runs += pair
    least = race(runs, [times_for(run) for run in runs], rounds)
    table = {}
    print(f"{'':10} {'pywasm3, us':>12} {'wasmtime, us':>13} {'x wasmtime':>11}")
    for i, name in enumerate((*PROGRAMS, "idle")):
        mine, theirs = least[2 * i : 2 * i + 2]
        table[name] = mine * 1e9, theirs * 1e9
        print(f"{name:10} {mine * 1e6:12.3f} {theirs * 1e6:13.3f} {mine / theirs:11.2f}")
    print(flush=True)
    return table


def from_bytes(data: bytes, times: int) -> tuple[Run, Run]:
    """Returns what each engine does from the bytes of the guest to the result of "trees"."""

    def ours(count: int) -> None:
        for _ in range(count):
            pywasm3.load(data).exports.trees(times)

    def theirs(count: int) -> None:
        for _ in range(count):
            store = their_store()
            instance = wasmtime.Instance(store, wasmtime.Module(store.engine, data), [])
            instance.exports(store)["trees"](store, times)

    return ours, theirs


def short_runs(data: bytes, rounds: int) -> float:
    """Prints a line for each short run. Returns the time for the shortest, as a ratio."""
    print(f"{'from bytes to result':22} {'pywasm3, ms':>12} {'wasmtime, ms':>13}")
    ratio = 0.0
    for times in (1, 2, 4):
        mine, theirs = race(from_bytes(data, times), (1, 1), rounds)
        print(f"{f'{times} x trees':22} {mine * 1e3:12.2f} {theirs * 1e3:13.2f}")
        ratio = ratio or mine / theirs
    print(flush=True)
    return ratio


def longest_pause(data: bytes, nodes: int) -> float:
    """Returns the longest time of a call that makes 100 structures beside live nodes, in ms."""
    guest = pywasm3.load(data).exports
    guest.keep(nodes)
    churn: Callable[[int], object] = guest.churn
    longest = 0.0
    for _ in range(100_000):
        begin = time.thread_time()
        churn(100)
        longest = max(longest, time.thread_time() - begin)
    return longest * 1e3


def pauses(data: bytes) -> float:
    """Prints a line for each amount of live data. Returns the pause with 10 MB, in ms."""
    print(f"{'live nodes of 32 bytes':24} {'longest pause, ms':>18}")
    found = {
        nodes: min(longest_pause(data, nodes) for _ in range(3))
        for nodes in (1000, 312_500, 3_125_000)
    }
    for nodes, pause in found.items():
        print(f"{nodes:<24,} {pause:18.2f}")
    print(flush=True)
    return found[312_500]


def joined(times: int) -> None:
    """Joins two texts of 10 characters."""
    first, second = ASCII[:10], ASCII[10:20]
    for _ in range(times):
        _ = first + second


def read_characters(times: int) -> None:
    """Reads each code unit of a text in which each character has one."""
    for _ in range(times):
        for i in range(1000):
            _ = ord(ASCII[i])


def read_units(times: int) -> None:
    """Reads each code unit of a text by a list of them."""
    units = memoryview(FACES.encode("utf-16-le")).cast("H")
    for _ in range(times):
        for i in range(1000):
            _ = units[i]


def copied(times: int) -> None:
    """Copies the code units of a text into a buffer."""
    units = bytearray(2 * 1000)
    for _ in range(times):
        units[:] = FACES.encode("utf-16-le")


def strings(rounds: int) -> None:
    """Prints a line for each function on strings, with the times for one call of it."""
    module = pywasm3.Module(bytes(wasmtime.wat2wasm(STRINGS)))
    guest = pywasm3.Instance(module, js_string.builtins()).exports
    rows: list[tuple[str, Run, Run, int]] = [
        ("concat, 10 + 10", lambda n: guest.concat(n, ASCII[:10], ASCII[10:20]), joined, 1),
        ("charCodeAt, ASCII", lambda n: guest.read(n, ASCII, 1000), read_characters, 1000),
        ("charCodeAt, pairs", lambda n: guest.read(n, FACES, 1000), read_units, 1000),
        ("intoCharCodeArray, 1,000", lambda n: guest.copy(n, FACES, 1000), copied, 1),
    ]
    runs = [run for _, mine, theirs, _ in rows for run in (mine, theirs)]
    least = race(runs, [times_for(run) for run in runs], rounds)
    print(f"{'wasm:js-string':26} {'pywasm3, ns':>12} {'Python, ns':>11} {'x Python':>9}")
    for i, (name, _, _, calls) in enumerate(rows):
        mine, theirs = (each / calls * 1e9 for each in least[2 * i : 2 * i + 2])
        print(f"{name:26} {mine:12.0f} {theirs:11.0f} {mine / theirs:9.1f}")
    print(flush=True)


def main() -> int:
    """Prints the tables, and a line for each bar. Returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    data = bytes(wasmtime.wat2wasm(GUEST))
    table = programs(data, rounds)
    ratio = short_runs(data, rounds)
    pause = pauses(data)
    strings(rounds)
    slowest = max(PROGRAMS, key=lambda name: table[name][0] / table[name][1])
    times = table[slowest][0] / table[slowest][1]
    allocation = table["churn"][0] - table["idle"][0]
    bars = [
        (times <= SLOWEST_BAR, f"{slowest}: {times:.1f} x wasmtime, and at most {SLOWEST_BAR:.0f}"),
        (ratio <= 1, f"a short run: {ratio:.2f} x wasmtime, and at most 1"),
        (
            allocation <= ALLOCATION_BAR,
            f"a structure of two fields: {allocation:.1f} ns, and at most {ALLOCATION_BAR:.0f}",
        ),
        (pause <= PAUSE_BAR, f"10 MB live: a pause of {pause:.1f} ms, and at most {PAUSE_BAR:.0f}"),
    ]
    return judge(bars)


if __name__ == "__main__":
    sys.exit(main())
