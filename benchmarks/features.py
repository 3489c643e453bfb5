# SPDX-License-Identifier: MIT
"""Finds out what the packages that run WebAssembly in Python can run.

    python benchmarks/features.py             prints a table
    python benchmarks/features.py --update    puts it into README.md
    python benchmarks/features.py --python wasmer=.venv-3.10/bin/python
                                              lets another Python try a package

For each feature there is a small module, whose function `f` must return 42. Each package gets each
module in a process of its own, because some of them crash. The package is used as `pywasm3 bench`
uses it: with its default settings.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from pywasm3.bench.guests import Guest
from pywasm3.bench.peers import peer_class
from pywasm3.bench.peers.base import Missing, Peer
from pywasm3.bench.report import put_between

README = Path(__file__).resolve().parent.parent / "README.md"
ANSWER = 42
SECONDS = 30  # A process that takes longer hangs.
PEERS = ("pywasm3", "wasm3", "wasmtime", "wasmer", "pywasm")
F = '(func (export "f") (result i32)'
FEATURES = {
    "several results": f"(module {F} (block (result i32 i32) i32.const 40 i32.const 2) i32.add))",
    "sign extension": f"(module {F} (i32.add (i32.extend8_s (i32.const 255)) (i32.const 43))))",
    "saturating conversions": f"""(module {F}
        (i32.sub (i32.const 42) (i32.trunc_sat_f32_s (f32.const nan)))))""",
    "bulk memory": f"""(module (memory 1) {F}
        (memory.fill (i32.const 0) (i32.const 42) (i32.const 9)) (i32.load8_u (i32.const 8))))""",
    "reference types": f"""(module (table $t 2 externref) {F}
        (i32.add (ref.is_null (table.get $t (i32.const 1))) (i32.const 41))))""",
    "typed function references": f"""(module (type $t (func (result i32)))
        (func $g (type $t) (i32.const 42)) (elem declare func $g)
        {F} (call_ref $t (ref.func $g))))""",
    "tail calls": f"""(module (func $g (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
        (return_call $g (i32.sub (local.get 0) (i32.const 1))))
        {F} (call $g (i32.const 1000000))))""",
    "extended constant expressions": f"""(module
        (global $g i32 (i32.add (i32.const 40) (i32.const 2))) {F} (global.get $g)))""",
    "SIMD": f"""(module {F} (i32x4.extract_lane 3 (i32x4.add
        (i32x4.splat (i32.const 40)) (i32x4.splat (i32.const 2))))))""",
    "relaxed SIMD": f"""(module {F} (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s
        (f32x4.splat (f32.const 42))))))""",
    "exceptions": f"""(module (tag $t (param i32)) {F}
        (block $caught (result i32) (try_table (catch $t $caught) (throw $t (i32.const 42)))
        (i32.const 0))))""",
    "several memories": f"""(module (memory $a 1) (memory $b 1) {F}
        (i32.store $b (i32.const 0) (i32.const 42))
        (i32.add (i32.load $a (i32.const 0)) (i32.load $b (i32.const 0)))))""",
    "64-bit memories": f"""(module (memory i64 1) {F}
        (i32.store (i64.const 8) (i32.const 43)) (i32.add (i32.load (i64.const 8))
        (i32.wrap_i64 (memory.grow (i64.const 0x1_0000_0000_0000))))))""",
    "threads: atomics, shared memories": f"""(module (memory 1 1 shared) {F}
        (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 42)))
        (i32.atomic.load (i32.const 0))))""",
    "garbage-collected types": f"""(module (type $s (struct (field i32))) {F}
        (struct.get $s 0 (struct.new $s (i32.const 42)))))""",
}  # fmt: skip
# This module is invalid, because a function that nobody calls has a wrong type. Validation must
# refuse it.
INVALID = f"(module {F} (i32.const 42)) (func (result i32) (i64.const 42)))"
REFUSES = "refuses a module that is invalid"


def assembled(text: str) -> bytes:
    """Returns the module that a text describes."""
    import wasmtime

    return bytes(wasmtime.wat2wasm(text))


def peer_of(name: str) -> Peer:
    """Imports a package."""
    return peer_class(name)("")


def probe(name: str, path: str) -> int:
    """Runs a module in this process; returns 0 if `f` returned 42."""
    peer = peer_of(name)
    instance = peer.load(Guest("probe", Path(path).read_bytes()), {})
    result = peer.value(peer.call(instance, "f", ()).function()())
    return int(result != ANSWER)


def runs(name: str, module: bytes, folder: Path) -> str:
    """Returns "yes", "no", or "crashes" for a module in a package."""
    path = folder / "probe.wasm"
    path.write_bytes(module)
    command = [sys.executable, __file__, "--probe", name, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    return "yes" if done.returncode == 0 else "no" if done.returncode == 1 else "crashes"


def column(name: str) -> list[str]:
    """Returns the cells of a package: its name and version, and what it does in each row.

    Raises:
        Missing: The package is not installed for this Python.
    """
    peer = peer_of(name)
    cells = [f"{peer.title} {peer.version()}"]
    with tempfile.TemporaryDirectory() as folder:
        cells += [runs(name, assembled(text), Path(folder)) for text in FEATURES.values()]
        verdict = runs(name, assembled(INVALID), Path(folder))
    return [*cells, {"yes": "no", "no": "yes"}.get(verdict, verdict)]


def column_of(name: str, python: str) -> list[str]:
    """Returns the cells of a package, as another Python finds them.

    Raises:
        Missing: That Python has no such package, or cannot run this file.
    """
    command = [python, __file__, "--column", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Missing(f"{python} did not try it")
    return done.stdout.splitlines()


def table(pythons: dict[str, str]) -> str:
    """Returns the table, in Markdown.

    Args:
        pythons: The path of the Python for each package that is not for this one.
    """
    columns = [["", *FEATURES, REFUSES]]
    for name in PEERS:
        try:
            columns.append(column_of(name, pythons[name]) if name in pythons else column(name))
        except Missing as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    head, *rows = ("| " + " | ".join(cells) + " |" for cells in zip(*columns, strict=True))
    return "\n".join([head.replace("|  |", "| |"), "|" + " --- |" * len(columns), *rows])


def named_python(text: str) -> tuple[str, str]:
    """Parses PEER=PYTHON."""
    name, _, python = text.partition("=")
    if name not in PEERS or not python:
        raise argparse.ArgumentTypeError(f"one of {', '.join(PEERS)}, '=', and a path are expected")
    return name, python


def main() -> int:
    """Prints the table, or puts it into README.md."""
    parser = argparse.ArgumentParser(description="Shows what each package can run.")
    parser.add_argument("--update", action="store_true", help="put the table into README.md")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        type=named_python,
        metavar="PEER=PYTHON",
        help="let this Python, which has the package, try a peer",
    )
    parser.add_argument("--probe", nargs=2, metavar=("PEER", "MODULE"), help=argparse.SUPPRESS)
    parser.add_argument("--column", metavar="PEER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        return probe(*options.probe)
    if options.column:
        try:
            print(*column(options.column), sep="\n")
        except Missing as error:
            sys.exit(f"{options.column}: {error}")
        return 0
    made = table(dict(options.python))
    if options.update:
        text = put_between(README.read_text(encoding="utf-8"), "features", made)
        README.write_text(text, encoding="utf-8")
    else:
        print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
