# SPDX-License-Identifier: MIT
"""Measures what crossing between Python and WebAssembly costs, beside the `wasm3` package.

The `wasm3` package is PyPI's pywasm3 0.5.0, a binding of the same engine. What these figures do
**not** show:

- The figures are minima at quiet moments of one machine (for starting, the minimum of the rounds'
  medians). A program sees higher costs: cold caches, the garbage collector (which is off while the
  clock runs), other threads. Ratios carry over to other machines better than nanoseconds do.
- How long starting takes depends on how fast the system hands out fresh memory. The `wasm3` package
  always needs some, because it does not give memory back. Here each instance is gone before the
  next one starts, so pywasm3 recycles the mapping of its memory. A program that keeps its instances
  also pays for new address space for each memory: 17 us on the machine of the published figures.
  Trust only runs on an idle machine.
- The loop that repeats a call is in every figure and moves all ratios towards 1. The last line of
  the report says how long it takes.
- Arguments are small numbers, for which Python keeps objects ready. Results that need a new object
  cost every contestant more, which one row shows.
- The guests are small. A tiny module shows the least that starting can cost, and says nothing about
  large modules. `compute.wasm` has integers, calls and memory, but no floats.
- The plain Python function does in Python what the guest does. It is the measure for the cost of a
  call, and says nothing about the speed of either language.
- Resident memory counts pages that were touched. If a guest uses its whole page, that page is
  needed whatever runs the guest.
- Only wasm3, an interpreter, is compared here. An engine that compiles, such as wasmtime, starts
  later, costs more to cross, and computes several times faster.

Run it with `make bench`, or with `python benchmarks/crossing.py [--rounds N] [--json FILE]` where
`pywasm3-cffi`, `wasmtime` (which assembles the small modules) and preferably the `wasm3` package
(`pip install pywasm3==0.5.0`) are installed. With `--update`, the table in benchmarks/README.md is
replaced by the new one. The exit code is 0 even if a bar is missed.
"""

import argparse
import dataclasses
import gc
import importlib
import importlib.util
import json
import statistics
import struct
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pywasm3.bench.figures import three_digits
from pywasm3.bench.functions import add, add_eight, nothing, pair
from pywasm3.bench.guests import guest
from pywasm3.bench.machine import describe, import_seconds, resident_bytes, version
from pywasm3.bench.report import put_between

ROOT = Path(__file__).resolve().parent.parent

# --- the functions that are called

CALLBACK = """
(module
  (import "env" "callback" (func $callback (param i32) (result i32)))
  (func (export "once") (param i32) (result i32) local.get 0 call $callback)
  (func (export "repeat") (param $count i32) (result i32) (local $last i32)
    loop $again
      local.get $count
      call $callback
      local.set $last
      local.get $count
      i32.const 1
      i32.sub
      local.tee $count
      br_if $again
    end
    local.get $last))
"""

TINY = """(module (func (export "f") (param i32) (result i32) local.get 0))"""
TINY_WITH_MEMORY = f"""{TINY[:-1]} (memory (export "memory") 1))"""

ACCESS = """
(module
  (import "env" "fail" (func $fail))
  (memory (export "memory") 1)
  (global (export "counter") (mut i32) (i32.const 5))
  (table (export "table") 4 funcref)
  (elem (i32.const 0) $echo $echo $echo $echo)
  (func $echo (export "echo") (param i32) (result i32) local.get 0)
  (func (export "pass_on") call $fail))
"""

CALLBACKS = 1000  # The number of host calls that one call of "repeat" makes.
COMPUTE_ITERATIONS = 10  # They take a few milliseconds.
INSTANCES = 1000  # The number of instances whose resident memory is measured.


def callback(value: int) -> int:
    """The host function that every contestant calls."""
    return value


def once(value: int) -> int:
    """Calls a function once, as the guest's "once" does."""
    return callback(value)


def repeat(count: int) -> int:
    """Calls a function in a loop, as the guest's "repeat" does."""
    last = 0
    while count:
        last = callback(count)
        count -= 1
    return last


def fail() -> None:
    """The host function that raises."""
    raise ArithmeticError


def pass_on() -> None:
    """Calls the function that raises, as the guest's "pass_on" does."""
    fail()


def catching(function: Callable[[], object]) -> Callable[[], bool]:
    """Returns a function that calls another one, and tells whether that raised."""

    def call() -> bool:
        try:
            function()
        except ArithmeticError:
            return True
        return False

    return call


class Cell:
    """Does in Python what a global of integers does."""

    def __init__(self, value: int) -> None:
        self._value = value

    @property
    def value(self) -> int:
        """The value, which is an int."""
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        if not isinstance(value, int):
            raise TypeError(value)
        self._value = value


class Cells:
    """Does in Python what a table of functions does, whose indices cannot be negative."""

    def __init__(self, elements: list[Callable[[int], int]]) -> None:
        self._elements = elements

    def __len__(self) -> int:
        return len(self._elements)

    def __getitem__(self, index: int) -> Callable[[int], int]:
        if index < 0:
            raise IndexError(index)
        return self._elements[index]

    def __setitem__(self, index: int, element: Callable[[int], int]) -> None:
        if index < 0 or not callable(element):
            raise IndexError(index)
        self._elements[index] = element


BYTES = bytearray(65536)


def pack(format: str, address: int, *values: int) -> None:
    """Writes a structure to the bytes, all of it or nothing."""
    data = struct.pack(format, *values)
    BYTES[address : address + len(data)] = data


def unpack(format: str, address: int) -> tuple[int, ...]:
    """Reads a structure from the bytes."""
    return struct.unpack(format, BYTES[address : address + struct.calcsize(format)])


# --- the contestants


def load_upstream(binary: bytes) -> Any:
    """Returns a runtime of the `wasm3` package with the module loaded, and linked if necessary."""
    upstream = importlib.import_module("wasm3")
    environment = upstream.Environment()
    runtime = environment.new_runtime(64 * 1024)
    module = environment.parse_module(binary)
    runtime.load(module)
    if b"callback" in binary:
        module.link_function("env", "callback", "i(i)", callback)
    return runtime


def load_ours(binary: bytes) -> Any:
    """Returns an instance of pywasm3 with the module."""
    import pywasm3

    return pywasm3.load(binary, {"env": {"callback": callback}} if b"callback" in binary else None)


def start_upstream(binary: bytes) -> Callable[[], Any]:
    """Returns a function of the `wasm3` package that goes from bytes to the first result."""
    upstream = importlib.import_module("wasm3")

    def start() -> Any:
        environment = upstream.Environment()
        runtime = environment.new_runtime(64 * 1024)
        runtime.load(environment.parse_module(binary))
        return runtime.find_function("f")(7)

    return start


def start_ours(binary: bytes) -> Callable[[], Any]:
    """Returns a function of pywasm3 that goes from bytes to the first result."""
    import pywasm3

    def start() -> Any:
        return pywasm3.load(binary).exports.f(7)

    return start


# --- rows and their bars


@dataclasses.dataclass(frozen=True)
class Bar:
    """The most that a figure of pywasm3 may be.

    Attributes:
        of_upstream: The most as a ratio to the figure of the `wasm3` package, or None.
        of_python: The most as a ratio to the figure of plain Python, or None.
        absolute: The most in the unit of the row, or None.
        text: The bar as the report shows it.
    """

    of_upstream: float | None = None
    of_python: float | None = None
    absolute: float | None = None
    text: str = ""


@dataclasses.dataclass
class Row:
    """One line of the table. Figures are in `unit`; None means that nothing was measured."""

    what: str
    unit: str
    bar: Bar | None = None
    python: float | None = None
    ours: float | None = None
    upstream: float | None = None

    @property
    def of_upstream(self) -> float | None:
        """Our figure divided by that of the `wasm3` package."""
        return self.ours / self.upstream if self.ours and self.upstream else None

    @property
    def of_python(self) -> float | None:
        """Our figure divided by that of plain Python."""
        return self.ours / self.python if self.ours and self.python else None

    @property
    def passed(self) -> bool | None:
        """Whether the bar holds; None if there is none, or it cannot be judged."""
        if self.bar is None:
            return None
        limits = [
            (self.bar.of_upstream, self.of_upstream),
            (self.bar.of_python, self.of_python),
            (self.bar.absolute, self.ours),
        ]
        asked = [(limit, figure) for limit, figure in limits if limit is not None]
        if any(figure is not None and figure > limit for limit, figure in asked):
            return False
        return None if any(figure is None for _, figure in asked) else True


@dataclasses.dataclass
class Case:
    """A row that is measured by repeating one statement."""

    row: Row
    statement: str
    python: Callable[..., Any] | None
    ours: Callable[..., Any]
    upstream: Callable[..., Any] | None
    check: str = ""  # An expression in which all contestants must agree; "": the statement.
    divisor: float = 1  # The figure is the nanoseconds of one execution, divided by this.
    number: int = 0  # The executions for one reading of the clock; with 0, as many as fill TARGET.
    repeats: int = 1  # The readings per contestant and round, of which the median counts.

    TARGET = 0.004  # The seconds that a contestant takes in a round.

    def prepare(self) -> None:
        """Checks that all contestants compute the same, and chooses `number` for all of them."""
        functions = [f for f in (self.python, self.ours, self.upstream) if f is not None]
        for f in functions:
            exec(self.statement, {"f": f})
        results = [eval(self.check or self.statement, {"f": f}) for f in functions]
        if any(result != results[0] for result in results):
            raise AssertionError(f"{self.row.what}: results differ: {results}")
        self.timers = {
            name: timeit.Timer(self.statement, "f = function", globals={"function": function})
            for name in ("python", "ours", "upstream")
            if (function := getattr(self, name)) is not None
        }
        if self.number == 0:
            probe, _ = self.timers["ours"].autorange()
            seconds = min(self.timers["ours"].repeat(3, probe)) / probe
            self.number = max(1, round(self.TARGET / seconds))

    def measure(self) -> None:
        """Measures each contestant once, and keeps the minimum."""
        for name, timer in self.timers.items():
            seconds = statistics.median(timer.repeat(self.repeats, self.number)) / self.number
            figure = seconds * 1e9 / self.divisor
            best = getattr(self.row, name)
            setattr(self.row, name, figure if best is None else min(best, figure))


def assemble(text: str) -> bytes:
    """Assembles a module from the text format."""
    import wasmtime  # It is imported here, so that child processes stay small.

    return bytes(wasmtime.wat2wasm(text))


def access_cases() -> list[Case]:
    """Returns the cases for what Python does with a guest beside calling it.

    The `wasm3` package has no tables, and hides exceptions of host functions, so the peer is Python
    code that does the same.
    """
    import pywasm3

    exports = pywasm3.load(assemble(ACCESS), {"env": {"fail": fail}}).exports
    cell, cells = Cell(5), Cells([callback] * 4)
    once = Bar(of_python=1, text="at most 1 x Python")

    def case(
        what: str, statement: str, python: Any, ours: Any, bar: Bar = once, check: str = ""
    ) -> Case:
        return Case(Row(what, "ns", bar), statement, python, ours, None, check=check)

    return [
        case("`global.value = x`", "f.value = 5", cell, exports.counter, check="f.value"),
        case("`global.value`", "f.value", cell, exports.counter),
        case("`table[k] = f`", "f[0][2] = f[1]", (cells, callback), (exports.table, exports.echo),
             check="f[0][1](7)"),
        case("`table[k]`", "f[1]", cells, exports.table,
             Bar(of_python=2, text="at most 2 x Python"), check="f[1](7)"),
        case("`len(table)`", "len(f)", cells, exports.table),
        case("exception of a host function, caught by the caller of the guest", "f()",
             catching(pass_on), catching(exports.pass_on),
             Bar(of_python=3.5, text="at most 3.5 x Python")),
        case("`memory.pack` of two numbers", "f('<iI', 8, 1, 2)", pack, exports.memory.pack,
             Bar(of_python=0.6, text="at most 0.6 x Python")),
        case("`memory.unpack` of two numbers", "f('<iI', 8)", unpack, exports.memory.unpack),
    ]  # fmt: skip


def crossing_cases(upstream: bool) -> list[Case]:
    """Returns the cases that are timed in this process."""
    calls, callbacks = guest("calls").binary, assemble(CALLBACK)
    compute = (ROOT / "tests" / "guests" / "compute.wasm").read_bytes()
    binaries = {"calls": calls, "callbacks": callbacks, "compute": compute}
    ours = {name: load_ours(binary) for name, binary in binaries.items()}
    theirs = {name: load_upstream(binary) for name, binary in binaries.items()} if upstream else {}

    def case(
        what: str,
        binary: str,
        export: str,
        args: Sequence[float],
        python: Callable[..., Any] | None,
        bar: Bar | None = None,
        **options: Any,
    ) -> Case:
        return Case(
            Row(what, options.pop("unit", "ns"), bar),
            f"f({', '.join(map(repr, args))})",
            python,
            ours[binary].exports[export],
            theirs[binary].find_function(export) if upstream else None,
            **options,
        )

    third = Bar(of_upstream=0.38, of_python=1.5, text="at most 0.38 x wasm3, at most 1.5 x Python")
    half = Bar(of_upstream=0.5, of_python=1.5, text="at most 0.5 x wasm3, at most 1.5 x Python")
    many = Bar(of_upstream=0.55, text="at most 0.55 x wasm3")
    speed = Bar(of_upstream=1 / 0.98, text="speed at least 0.98 x wasm3")
    start = Bar(of_upstream=0.5, text="at most 0.5 x wasm3")
    big = (2**40, 2**41)
    cases = [
        case(
            "`() -> ()`", "calls", "nothing", (), nothing,
            Bar(of_upstream=0.65, text="at most 0.65 x wasm3"),
        ),
        case("`(i32, i32) -> i32`", "calls", "add_i32", (2, 3), add, third),
        case("`(i64, i64) -> i64`", "calls", "add_i64", (2, 3), add, half),
        case("`(f64, f64) -> f64`", "calls", "add_f64", (0.5, 0.25), add, half),
        case("`8 x i32 -> i32`", "calls", "sum", range(1, 9), add_eight, many),
        case("`() -> (i32, i32)`", "calls", "pair", (), pair, many),
        case("`(i64, i64) -> i64`, numbers around 2**40", "calls", "add_i64", big, add),
        case(
            "host callback `(i32) -> i32`, from a loop in the guest", "callbacks", "repeat",
            (CALLBACKS,), repeat, Bar(of_upstream=0.45, text="at most 0.45 x wasm3"),
            divisor=CALLBACKS,
        ),
        case("call in and callback out, once", "callbacks", "once", (7,), once),
        case(
            f"compute guest, {COMPUTE_ITERATIONS} iterations", "compute", "run",
            (COMPUTE_ITERATIONS,), None, speed, number=1, divisor=1e6, unit="ms",
        ),
    ]  # fmt: skip
    cases += access_cases()
    for what, text in (
        ("tiny module, bytes to first call", TINY),
        ("tiny module with a one-page memory, bytes to first call", TINY_WITH_MEMORY),
    ):
        binary = assemble(text)
        starts = start_ours(binary), start_upstream(binary) if upstream else None
        # The median counts, because neither extreme is typical. A start that recycles the mapping
        # of an earlier memory is much faster, and one that waits until the system hands out fresh
        # memory is much slower.
        row = Row(what, "us", start)
        cases.append(Case(row, "f()", None, *starts, divisor=1e3, number=1, repeats=20))
    return cases


# --- the figures that need a process of their own


def child(*arguments: str) -> float:
    """Runs this file with `--child` in a new process, and returns the number that it prints."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def resident_growth(engine: str, binary: bytes) -> int:
    """Returns how many bytes INSTANCES instances add to this process, if each is called once."""
    load = load_ours if engine == "pywasm3" else load_upstream
    kept = [load(binary)]
    before = resident_bytes()
    for _ in range(INSTANCES):
        instance = load(binary)
        function = instance.exports.f if engine == "pywasm3" else instance.find_function("f")
        function(7)
        kept.append(instance)
    return resident_bytes() - before


def process_rows(upstream: bool, rounds: int) -> list[Row]:
    """Measures import time, resident memory, and the size of a wheel if there is one in dist/."""
    importing = Row("`import`, in a fresh process", "ms", Bar(absolute=15, text="under 15 ms"))
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds + 1):  # The first import fills the cache of compiled bytecode.
            figure = import_seconds("pywasm3", cache, ROOT) * 1e3
            importing.ours = min(importing.ours or figure, figure)
            if upstream:
                figure = import_seconds("wasm3", cache, ROOT) * 1e3
                importing.upstream = min(importing.upstream or figure, figure)
    rows = [importing]

    if resident_bytes():
        resident = Row(
            f"resident memory of {INSTANCES:,} instances with one page each", "MB",
            Bar(of_upstream=0.25, absolute=25, text="at most 0.25 x wasm3, at most 25 MB"),
        )  # fmt: skip
        binary = assemble(TINY_WITH_MEMORY).hex()
        resident.ours = child("pywasm3", binary) / 1e6
        if upstream:
            resident.upstream = child("wasm3", binary) / 1e6
        rows.append(resident)

    wheels = sorted((ROOT / "dist").glob("pywasm3_cffi-*.whl"), key=lambda w: w.stat().st_mtime)
    if wheels:
        size = Row("wheel", "KB", Bar(absolute=1000, text="under 1 MB"))
        size.ours = wheels[-1].stat().st_size / 1e3
        rows.append(size)
    return rows


# --- the report


def machine() -> dict[str, str]:
    """Describes the machine and the versions."""
    return describe() | {
        "pywasm3-cffi": version("pywasm3-cffi") or "not installed",
        "pywasm3 (the wasm3 package)": version("pywasm3") or "not installed",
    }


def figure_text(figure: float | None, unit: str = "") -> str:
    """Writes a figure with three digits, since more would differ from run to run."""
    if figure is None:
        return ""
    return f"{three_digits(figure)} {unit}".rstrip()


def markdown(rows: Sequence[Row], loop: float) -> str:
    """Returns the table, and a line that says on which machine it was measured."""
    verdicts = {True: "pass", False: "**FAIL**", None: ""}
    cells: list[tuple[str, ...]] = [
        ("what", "Python", "pywasm3", "wasm3 0.5.0", "x wasm3", "x Python", "bar", ""),
        ("---", "--:", "--:", "--:", "--:", "--:", "---", "---"),
    ]
    for row in rows:
        verdict = "" if row.bar is None else verdicts[row.passed] or "not judged"
        cells.append(
            (
                row.what,
                *(figure_text(f, row.unit) for f in (row.python, row.ours, row.upstream)),
                *(f"{f:.2f}" if f is not None else "" for f in (row.of_upstream, row.of_python)),
                row.bar.text if row.bar else "",
                verdict,
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for line in cells:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        lines.append(f"| {' | '.join(padded)} |")
    about = "; ".join(f"{name}: {value}" for name, value in machine().items())
    return "\n".join(
        [*lines, "", f"{about}. Every call includes the loop that repeats it, {loop:.1f} ns."]
    )


def measure(rounds: int) -> tuple[list[Row], float]:
    """Measures all rows. Returns them, and the nanoseconds that one turn of an empty loop takes."""
    upstream = importlib.util.find_spec("wasm3") is not None
    if not upstream:
        print(
            "The wasm3 package is not installed, so nothing is compared with it. "
            "To install it, type `pip install pywasm3==0.5.0`.",
            file=sys.stderr,
        )
    cases = crossing_cases(upstream)
    for case in cases:
        case.prepare()
    loops = []
    # Each round visits all rows, so that every row sees the good and bad moments of the whole run.
    for _ in range(rounds):
        loops.append(timeit.timeit("pass", number=100_000) * 1e4)
        for case in cases:
            case.measure()
            gc.collect()
    return [case.row for case in cases] + process_rows(upstream, min(rounds, 15)), min(loops)


def main() -> None:
    """Runs the command line."""
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument(
        "--rounds", type=int, default=40, help="more rounds give steadier minima (40)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures to this file as well"
    )
    parser.add_argument(
        "--update",
        type=Path,
        metavar="FILE",
        help="put the table into a document; without FILE, into benchmarks/README.md",
        nargs="?",
        const=ROOT / "benchmarks" / "README.md",
    )
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        engine, binary = options.child
        print(resident_growth(engine, bytes.fromhex(binary)))
        return
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")

    rows, loop = measure(options.rounds)
    table = markdown(rows, loop)
    print(table)
    if options.update:
        document = options.update.read_text(encoding="utf-8")
        options.update.write_text(put_between(document, "crossing", table), encoding="utf-8")
    if options.json:
        ratios = ("of_upstream", "of_python", "passed")
        figures = [
            dataclasses.asdict(row) | {name: getattr(row, name) for name in ratios} for row in rows
        ]
        report = {"machine": machine(), "loop_ns": loop, "rounds": options.rounds, "rows": figures}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
