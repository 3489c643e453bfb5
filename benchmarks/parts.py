# SPDX-License-Identifier: MIT
"""Counts the instructions of each part of a call, with callgrind.

Four kinds of calls are counted: `() -> ()`, `(i32, i32) -> i32`, `() -> (i32, i32)`, and a call of
a Python function by a guest. Each runs in two processes under callgrind, which differ only in how
often they call. The difference, divided by the number of calls, is what one call executes: what
starting takes cancels out. Unlike times, these counts hardly depend on how busy the machine is.

A part of our C code is a function of the sources, and the compiler has inlined most of them. So the
package is built once more with debug information, which says what line an instruction comes from.
Parts of Python and of the C library are the functions of their libraries. "The loop" is not in the
figures: a loop that calls nothing is counted, too, and subtracted. The same counts for functions of
plain Python stand in the last line of each table.

The figures do **not** show time: a load that waits for a store, a jump that was not predicted, and
a division count like any other instruction. Another compiler, and another build of Python, give
other counts.

    python benchmarks/parts.py [--least N] [--kind KIND]

It needs valgrind and a C compiler, and takes three minutes.
"""

import argparse
import bisect
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import wasmtime

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import toolchain

ROOT = Path(__file__).resolve().parents[1]

GUEST = """(module
  (import "env" "callback" (func $callback (param i32) (result i32)))
  (func (export "nothing"))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "pair") (result i32 i32) (i32.const 1) (i32.const 2))
  (func (export "repeat") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (call $callback (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"""

# This program runs under callgrind. It makes many calls of one kind, of pywasm3 or of Python. The
# work is on a thread of its own, because valgrind does not let us use the whole stack of the main
# thread, as we do there. The numbers of the callback are small: each is one that Python has ready.
CHILD = """
import gc, itertools, sys, threading
peer, kind, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

def callback(number):
    return number

class Python:
    def nothing(): pass
    def add(a, b): return a + b
    def pair(): return 1, 2
    def repeat(count):
        last = 0
        while count:
            last = callback(count)
            count -= 1
        return last

def work():
    if peer == "python":
        exports = Python
    else:
        import pywasm3
        exports = pywasm3.load(sys.argv[4], {"env": {"callback": callback}}).exports
    calls = itertools.repeat(None, count)
    if kind == "loop":
        for _ in calls: pass
    elif kind == "add":
        f = exports.add
        for _ in calls: f(2, 3)
    elif kind == "repeat":
        f = exports.repeat
        for _ in itertools.repeat(None, count // 250): f(250)
    else:
        f = getattr(exports, kind)
        for _ in calls: f()

gc.disable()
threading.stack_size(16 << 20)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""

KINDS = {
    "nothing": "`() -> ()`",
    "add": "`(i32, i32) -> i32`",
    "pair": "`() -> (i32, i32)`",
    "repeat": "a callback `(i32) -> i32`, from a loop in the guest",
}
FEW, MANY = 5_000, 25_000  # calls

Counts = collections.Counter[tuple[str, str]]  # (where, function) -> instructions


def build(folder: Path) -> Path:
    """Installs the package with debug information, and returns the folder in which it is."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "tests", "*.so")
    shutil.copytree(ROOT, folder / "source", ignore=ignored)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps"]
    subprocess.run(
        [*command, "--target", str(folder / "package"), str(folder / "source")],
        check=True,
        env={**os.environ, "PYWASM3_SYMBOLS": "1"},
    )
    return folder / "package"


class Sources:
    """Finds the function of a C file that a line belongs to."""

    def __init__(self) -> None:
        self._starts: dict[Path, tuple[list[int], list[str]]] = {}

    def function(self, path: Path, line: int) -> str:
        """Returns the name of the last function that begins at this line or before."""
        if path not in self._starts:
            found = [
                (number, match[1])
                for number, text in enumerate(path.read_text().splitlines(), 1)
                if (
                    match := re.match(
                        r"(?=\w)(?!typedef).*?\b(d_m3\w*Op\w*\(.*?\)|\w+(?=\())", text
                    )
                )
                and not text.endswith(";")
            ]
            self._starts[path] = [n for n, _ in found], [name for _, name in found]
        lines, names = self._starts[path]
        at = bisect.bisect_right(lines, line) - 1
        return names[at] if at >= 0 else path.name


def costs(path: Path) -> Iterator[tuple[str, str, str, int, int]]:
    """Reads a file of callgrind: object, file, function, line, and the instructions there."""
    names: dict[tuple[str, str], str] = {}  # (kind of name, its number in the file) -> name
    here = {"ob": "", "fn": "", "fl": ""}
    line = 0
    inclusive = False  # the next line has what a called function took, which is counted there
    for text in path.read_text().splitlines():
        if match := re.match(r"(c?)(ob|fn|fl|fi|fe)=\((\d+)\)(?: (.*))?$", text):
            called, kind, number, name = match.groups()
            group = "fl" if kind in ("fi", "fe") else kind
            if name:
                names[group, number] = name
            if not called:
                here[group] = names[group, number]
        elif match := re.match(r"cfi=\((\d+)\)(?: (.*))?$", text):
            if match[2]:
                names["fl", match[1]] = match[2]
        elif text.startswith("calls="):
            inclusive = True
        elif match := re.match(r"(\+|-|\*)?(\d*) (\d+)$", text):
            sign, digits, cost = match.groups()
            moved = {"+": line + int(digits or 0), "-": line - int(digits or 0), "*": line}
            line = moved[sign] if sign else int(digits)
            if not inclusive:
                yield here["ob"], here["fl"], here["fn"], line, int(cost)
            inclusive = False


def count(folder: Path, peer: str, kind: str, calls: int) -> Counts:
    """Runs one process under callgrind, and returns the instructions of each part."""
    out = folder / "callgrind.out"
    guest = folder / "guest.wasm"
    guest.write_bytes(wasmtime.wat2wasm(GUEST))
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable, "-c"]
    subprocess.run(
        [*command, CHILD, peer, kind, str(calls), str(guest)],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "package"), "PYTHONHASHSEED": "0"},
        stderr=subprocess.DEVNULL,
    )
    sources, counts = Sources(), Counts()
    for object_, file, function, line, cost in costs(out):
        library = Path(object_).name
        ours = library.startswith(("_cpython.", "_engine."))
        marker = str(folder / "source") + "/"
        if ours and (marker in file or file.startswith(("native/", "vendor/"))):
            relative = file.removeprefix(marker)
            name = sources.function(folder / "source" / relative, line)
            counts[relative, name] += cost
        elif ours:
            counts["Python.h" if "python" in file else library, function.split("'")[0]] += cost
        else:
            counts[library, function.split("'")[0]] += cost
    return counts


def per_call(folder: Path, peer: str, kind: str) -> dict[tuple[str, str], float]:
    """Returns the instructions of each part, for one call."""
    many, few = count(folder, peer, kind, MANY), count(folder, peer, kind, FEW)
    return {part: (many[part] - few[part]) / (MANY - FEW) for part in many}


def main() -> None:
    """Prints a table for each kind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--least",
        type=float,
        default=1,
        help="parts below this many instructions are summed up (1)",
    )
    parser.add_argument("--kind", choices=KINDS, help="count this kind only")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit(
            "parts.py needs valgrind, which counts the instructions: install it with the "
            "system's packages ('apt-get install valgrind')."
        )
    if sentence := toolchain.missing(toolchain.default_compiler()):
        sys.exit(sentence)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        build(folder)
        loop = per_call(folder, "python", "loop")
        for kind in [options.kind] if options.kind else KINDS:
            parts = per_call(folder, "ours", kind)
            python = sum(per_call(folder, "python", kind).values())
            if kind != "repeat":
                python -= sum(loop.values())
                parts = {part: n - loop.get(part, 0) for part, n in parts.items()}
            print(f"\n{KINDS[kind]}: {sum(parts.values()):.0f} instructions")
            rest = 0.0
            for (where, function), n in sorted(parts.items(), key=lambda item: -item[1]):
                if abs(n) >= options.least:
                    print(f"  {n:7.1f}  {function:32} {where}")
                else:
                    rest += n
            print(f"  {rest:7.1f}  the rest\n  {python:7.1f}  the same in plain Python")


if __name__ == "__main__":
    main()
