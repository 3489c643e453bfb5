# SPDX-License-Identifier: MIT
"""The price of crossing between Python and WebAssembly, beside the published binding.

What these figures do **not** show:

- They are minima on a quiet moment of one machine (for starting: of each round's median). A program
  sees more: cold caches, the collector (which is off while the clock runs), other threads. Ratios
  travel better than nanoseconds.
- How long starting takes depends on how fast the system hands out fresh memory; the published
  binding always needs some, because it gives none back. Each instance is gone before the next one
  starts, so pywasm3 needs none: a program that keeps its instances pays for the address space of
  each memory, 17 us where these figures were taken. Trust only runs on an idle machine.
- The loop that repeats a call is in every figure, the same for all; a row says how much it is. That
  moves all ratios towards 1.
- Arguments are small numbers, which Python keeps ready-made. Results that need a new object cost
  every contestant some more; one row shows it.
- The guests are small. A tiny module says what starting costs at least, nothing about large ones;
  `compute.wasm` has integers, calls and memory, but no floats.
- The plain Python function does in Python what the guest does: that is the measure for a call, not
  a statement about the speed of either language.
- Resident memory counts pages that were touched. A guest that uses its whole page needs that page,
  whoever runs it.
- Only wasm3 is compared here, an interpreter. A compiler in front (wasmtime) starts later, costs
  more to cross, and computes several times faster.

Run it with `make bench`, or `python benchmarks/crossing.py [--rounds N] [--json FILE]` where
`pywasm3-cffi`, `wasmtime` (the assembler of the small modules) and preferably the published binding
(`pip install pywasm3==0.5.0`) are installed. The exit code says nothing about the bars.
"""

import argparse
import dataclasses
import gc
import importlib
import importlib.util
import json
import statistics
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

# --- what is called

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

CALLBACKS = 1000  # per call of "repeat"
COMPUTE_ITERATIONS = 10  # a few milliseconds
INSTANCES = 1000  # whose resident memory is measured


def callback(value: int) -> int:
    """The host function, for every contestant."""
    return value


def once(value: int) -> int:
    """A function that calls another."""
    return callback(value)


def repeat(count: int) -> int:
    """The loop of the guest, in Python."""
    last = 0
    while count:
        last = callback(count)
        count -= 1
    return last


# --- the contestants


def load_upstream(binary: bytes) -> Any:
    """A runtime of the published binding with the module loaded, and linked if it asks for that."""
    upstream = importlib.import_module("wasm3")
    environment = upstream.Environment()
    runtime = environment.new_runtime(64 * 1024)
    module = environment.parse_module(binary)
    runtime.load(module)
    if b"callback" in binary:
        module.link_function("env", "callback", "i(i)", callback)
    return runtime


def load_ours(binary: bytes) -> Any:
    """An instance of ours."""
    import pywasm3

    return pywasm3.load(binary, {"env": {"callback": callback}} if b"callback" in binary else None)


def start_upstream(binary: bytes) -> Callable[[], Any]:
    """From bytes to the result of the first call, as the published binding has it."""
    upstream = importlib.import_module("wasm3")

    def start() -> Any:
        environment = upstream.Environment()
        runtime = environment.new_runtime(64 * 1024)
        runtime.load(environment.parse_module(binary))
        return runtime.find_function("f")(7)

    return start


def start_ours(binary: bytes) -> Callable[[], Any]:
    """From bytes to the result of the first call."""
    import pywasm3

    def start() -> Any:
        return pywasm3.load(binary).exports.f(7)

    return start


# --- rows and their bars


@dataclasses.dataclass(frozen=True)
class Bar:
    """What a figure may be at most; None: no demand of this kind."""

    of_upstream: float | None = None
    of_python: float | None = None
    absolute: float | None = None
    text: str = ""


@dataclasses.dataclass
class Row:
    """One line of the table: figures in `unit`, None where there is nothing to measure."""

    what: str
    unit: str
    bar: Bar | None = None
    python: float | None = None
    ours: float | None = None
    upstream: float | None = None

    @property
    def of_upstream(self) -> float | None:
        """Our figure divided by the published binding's."""
        return self.ours / self.upstream if self.ours and self.upstream else None

    @property
    def of_python(self) -> float | None:
        """Our figure divided by Python's."""
        return self.ours / self.python if self.ours and self.python else None

    @property
    def passed(self) -> bool | None:
        """Whether all demands hold; None without demands or with one that cannot be judged."""
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
    divisor: float = 1  # what one execution counts for, in units of the row
    number: int = 0  # executions under one clock; 0: as many as fill TARGET
    repeats: int = 1  # clock readings per contestant and round; the median counts

    TARGET = 0.004  # seconds per contestant and round

    def prepare(self) -> None:
        """Checks that all contestants compute the same, and fixes `number`, the same for all."""
        functions = [f for f in (self.python, self.ours, self.upstream) if f is not None]
        results = [eval(self.statement, {"f": f}) for f in functions]
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
        """One round: each contestant once, the minimum kept."""
        for name, timer in self.timers.items():
            seconds = statistics.median(timer.repeat(self.repeats, self.number)) / self.number
            figure = seconds * 1e9 / self.divisor
            best = getattr(self.row, name)
            setattr(self.row, name, figure if best is None else min(best, figure))


def assemble(text: str) -> bytes:
    """Text format to binary."""
    import wasmtime  # here, so that child processes stay small

    return bytes(wasmtime.wat2wasm(text))


def crossing_cases(upstream: bool) -> list[Case]:
    """All rows that are measured by a stopwatch in this process."""
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
    for what, text in (
        ("tiny module, bytes to first call", TINY),
        ("the same with a one-page memory", TINY_WITH_MEMORY),
    ):
        binary = assemble(text)
        starts = start_ours(binary), start_upstream(binary) if upstream else None
        # The median: a start that finds used memory to recycle is much cheaper, one that waits for
        # the system to hand out fresh memory much dearer, and neither is the rule.
        row = Row(what, "us", start)
        cases.append(Case(row, "f()", None, *starts, divisor=1e3, number=1, repeats=20))
    return cases


# --- what needs processes of its own


def child(*arguments: str) -> float:
    """Runs this file with `--child`; the number it prints."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def resident_growth(engine: str, binary: bytes) -> int:
    """Bytes that INSTANCES instances, each called once and kept, add to this process."""
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
    """Import time, resident memory, and the size of a wheel that may lie in dist/."""
    importing = Row("`import`, in a fresh process", "ms", Bar(absolute=15, text="under 15 ms"))
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds + 1):  # the first one fills the cache
            figure = import_seconds("pywasm3", cache, ROOT) * 1e3
            importing.ours = min(importing.ours or figure, figure)
            if upstream:
                figure = import_seconds("wasm3", cache, ROOT) * 1e3
                importing.upstream = min(importing.upstream or figure, figure)
    rows = [importing]

    if resident_bytes():
        resident = Row(
            f"resident memory of {INSTANCES:,} instances with one page each", "MB",
            Bar(of_upstream=0.75, text="at most 0.75 x wasm3"),
        )  # fmt: skip
        binary = assemble(TINY_WITH_MEMORY).hex()
        resident.ours = child("pywasm3", binary) / 1e6
        if upstream:
            resident.upstream = child("wasm3", binary) / 1e6
        rows.append(resident)

    wheels = sorted((ROOT / "dist").glob("pywasm3_cffi-*.whl"), key=lambda w: w.stat().st_mtime)
    if wheels:
        size = Row("wheel", "KB", Bar(absolute=400, text="under 400 KB"))
        size.ours = wheels[-1].stat().st_size / 1e3
        rows.append(size)
    return rows


# --- the report


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    return describe() | {
        "pywasm3-cffi": version("pywasm3-cffi") or "not installed",
        "pywasm3 (published, imports as wasm3)": version("pywasm3") or "not installed",
    }


def figure_text(figure: float | None, unit: str = "") -> str:
    """Three digits are all that repeats."""
    if figure is None:
        return ""
    return f"{three_digits(figure)} {unit}".rstrip()


def markdown(rows: Sequence[Row], loop: float) -> str:
    """The table, and the line that says where it comes from."""
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
    return "\n".join([*lines, "", f"{about}. The loop, {loop:.1f} ns, is part of every call."])


def measure(rounds: int) -> tuple[list[Row], float]:
    """All rows, and what one turn of an empty loop takes in nanoseconds."""
    upstream = importlib.util.find_spec("wasm3") is not None
    if not upstream:
        print("no published binding here: `pip install pywasm3==0.5.0`", file=sys.stderr)
    cases = crossing_cases(upstream)
    for case in cases:
        case.prepare()
    loops = []
    # Rounds on the outside: every row sees the whole run's good and bad moments.
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
    parser.add_argument("--rounds", type=int, default=40, help="more give steadier minima (40)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--update", type=Path, metavar="FILE", help="put the table into a document")
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
