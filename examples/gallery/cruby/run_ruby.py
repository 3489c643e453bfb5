# SPDX-License-Identifier: MIT
"""Runs Ruby scripts in CRuby, which is itself a guest: ``python run_ruby.py ruby.wasm``.

The module is that of the npm package @ruby/3.4-wasm-wasi; docs/gallery/cruby.md says how to get it.
It is a library (a "reactor") and no program: the host starts the interpreter, and then has it
evaluate texts. So the interpreter is started once, and each script begins with a snapshot of that
state, in an instance that has its own files.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pywasm3
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

SCRIPTS = Path(__file__).resolve().parent / "scripts"

# The exports are named after their types in an interface description.
INIT = "ruby-init: func(args: list<string>) -> ()"
EVALUATE = "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>"

MAX_VALUES = 10_000  # how many handles the guest may have

# The limits of a script. CRuby needs 54 MB of memory to start, and 10 million units of fuel.
LIMITS = pywasm3.Limits(memory=128 << 20, fuel=50_000_000)
MAX_OUTPUT_BYTES = 64 << 10  # of each stream
MAX_OPEN_FILES = 16

# A script that ends with an exception, or with exit, ends the guest with the fitting exit code.
# exit! runs no at_exit blocks, so the wrapper writes what $stdout still has.
WRAPPER = r"""
code = begin
  $0 = "/script/main.rb"
  ARGV.replace(File.read("/script/args").split("\0"))
  load $0
  0
rescue SystemExit => e
  e.status
rescue Exception => e
  $stderr.write(e.full_message(highlight: false))
  1
end
$stdout.flush
exit!(code)
"""


@dataclass(frozen=True)
class Outcome:
    """How a script ended: with an exit code, or because a limit stopped it."""

    exit_code: int | None
    stopped: str | None
    stdout: str
    stderr: str


def trap(detail: str) -> pywasm3.Trap:
    """What stops a guest that does what it must not."""
    return pywasm3.Trap(pywasm3.TrapKind.UNREACHABLE, detail=detail)


class Values:
    """The values of Ruby that the guest has given to the host, as numbers that stand for them."""

    def __init__(self) -> None:
        self._values: dict[int, int] = {}
        self._next = 1

    def new(self, value: int) -> int:
        """The guest gives a value, and gets its handle."""
        if len(self._values) >= MAX_VALUES:
            raise trap(f"the guest has more than {MAX_VALUES} handles")
        handle, self._next = self._next, self._next + 1
        self._values[handle] = value
        return handle

    def get(self, handle: int) -> int:
        """The guest asks for the value of a handle."""
        if handle not in self._values:
            raise trap(f"the guest used {handle}, which is not a handle")
        return self._values[handle]

    def imports(self) -> dict[str, dict[str, Any]]:
        """What the guest imports for this. It also imports JavaScript, which it does not get."""
        return {
            "canonical_abi": {
                "resource_new_rb-abi-value": self.new,
                "resource_get_rb-abi-value": self.get,
            }
        }


def text(instance: Any, value: str) -> tuple[int, int]:
    """Copies a text into memory that the guest allocates. Returns its address and its size."""
    data = value.encode() + b"\0"  # CRuby wants a zero at the end, which counts.
    address = instance.exports["cabi_realloc"](0, 0, 1, len(data))
    instance.exports["memory"].write(address, data)
    return address & 0xFFFFFFFF, len(data)


def start(instance: Any, args: Sequence[str] = ("ruby", "-EUTF-8", "-e_=0")) -> None:
    """Starts the interpreter, which must be given a script to compile that it does not run."""
    words = [word for arg in args for word in text(instance, arg)]
    array = instance.exports["cabi_realloc"](0, 0, 4, 4 * len(words))
    data = b"".join(word.to_bytes(4, "little") for word in words)
    instance.exports["memory"].write(array, data)
    instance.exports[INIT](array, len(args))


def evaluate(instance: Any, source: str) -> int:
    """Evaluates a text. Returns 0 unless it ends with an exception; raises WasiExit for an exit."""
    pair = instance.exports[EVALUATE](*text(instance, source))
    return int.from_bytes(instance.exports["memory"].read(pair + 4, 4), "little")


class Ruby:
    """An interpreter that has started once. Each script begins in that state, in a new instance."""

    def __init__(self, module: pywasm3.Module, *, limits: pywasm3.Limits = LIMITS) -> None:
        self._module, self._limits = module, limits
        with self._instance(Values(), VirtualDir(), VirtualDir(), b"") as instance:
            start(instance)
            self._snapshot = instance.snapshot()

    def _instance(
        self, values: Values, script: VirtualDir, work: VirtualDir, stdin: bytes
    ) -> pywasm3.Instance:
        """Makes an instance. All get the same names of directories, which a start remembers."""
        config = WasiConfig(
            preopens={"/script": script, "/data": work},
            stdin=stdin,
            stdout=CAPTURE,
            stderr=CAPTURE,
            max_capture_bytes=MAX_OUTPUT_BYTES,
            max_open=MAX_OPEN_FILES,
        )
        return pywasm3.Instance(
            self._module, values.imports(), wasi=config, limits=self._limits, missing="trap"
        )

    def run_script(
        self,
        script: str,
        *,
        args: Sequence[str] = (),
        stdin: str = "",
        work: VirtualDir | None = None,
        seconds: float = 120.0,
    ) -> Outcome:
        """Runs a script for some seconds at most, with `work` as the directory /data."""
        files = VirtualDir({"main.rb": script, "args": "\0".join(args)}, read_only=True)
        exit_code, stopped = None, None
        work = VirtualDir() if work is None else work
        with self._instance(Values(), files, work, stdin.encode()) as instance:
            instance.restore(self._snapshot)
            try:
                with instance.deadline(seconds):
                    exit_code = min(evaluate(instance, WRAPPER), 1)
            except pywasm3.WasiExit as end:
                exit_code = end.code
            except pywasm3.Trap as reason:  # OutOfFuel and DeadlineExceeded are traps, too.
                stopped = f"{type(reason).__name__}: {str(reason).splitlines()[0]}"
            stdout, stderr = (
                stream.decode(errors="replace")
                for stream in (instance.wasi.stdout, instance.wasi.stderr)
            )
        return Outcome(exit_code, stopped, stdout, stderr)


def show(title: str, outcome: Outcome, lines: int = 30) -> None:
    """Prints how a script ended, and the beginning of what it wrote."""
    ending = outcome.stopped or f"exit code {outcome.exit_code}"
    print(f"--- {title}: {ending[:90]}")
    for name, stream in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
        for line in stream.splitlines()[:lines]:
            print(f"{name}| {line[:100]}")


def main() -> None:
    """Runs an honest script, one that tries what it must not, and some that use too much."""
    ruby = Ruby(pywasm3.Module(Path(sys.argv[1]).read_bytes()))

    work = VirtualDir({"orders.csv": "item,price\napple,0.5\npear,0.8\napple,0.7\n"})
    report = (SCRIPTS / "report.rb").read_text()
    show("report.rb", ruby.run_script(report, args=["apple"], stdin="2 days\n", work=work))
    print("/data/report.txt:", work["report.txt"].decode())

    show("a global variable", ruby.run_script("$secret = 42; p $secret"))
    escape = (SCRIPTS / "escape.rb").read_text()
    show("escape.rb", ruby.run_script(escape, work=VirtualDir(max_bytes=1 << 20)))

    show("a loop without end", ruby.run_script("loop {}"))
    show("sleep", ruby.run_script("sleep 1e6", seconds=1))
    show("memory", ruby.run_script("x = []; loop { x << 'x' * 1_000_000 }"), lines=1)
    output = ruby.run_script("loop { puts 'x' * 1000 }")
    show("output", replace(output, stdout=f"({len(output.stdout)} characters)"), lines=1)
    show("recursion", ruby.run_script("def f = f\nf"), lines=1)
    show("JavaScript", ruby.run_script('require "js"\nJS.eval("1")'), lines=1)


if __name__ == "__main__":
    main()
