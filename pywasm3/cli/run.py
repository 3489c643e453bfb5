# SPDX-License-Identifier: MIT
"""``pywasm3 run``: programs for WASI, and single functions."""

from __future__ import annotations

import argparse
import os
import re
import signal

from .. import Function, FuncType, Instance, Limits, Module, WasiExit
from . import EXIT_TRAPPED
from .source import read_bytes, shown_name
from .terminal import CommandError, Output, complain, printable, quoted
from .values import parse_arguments, result_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Any

    from ..wasi import WasiConfig

# The deadline of the call itself comes first: it knows where the guest was.
_GRACE_SECONDS = 0.1

_DESCRIPTION = """\
Runs a program for WASI, or with --invoke one of a module's functions. Its exit code is that of the
program; 134 after a trap, 130 after Ctrl-C, 1 when it cannot be run.

The program is given its arguments, the standard streams, and what --dir and --env say. What
follows FILE is for the program, or for the function: integers, decimal or hexadecimal, and
floating-point numbers, "inf" and "nan".
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "run",
        help="run a program, or a function of a module",
        description=_DESCRIPTION,
        epilog="examples: pywasm3 run --dir .::/work program.wasm --verbose in.txt\n"
        "          pywasm3 run --invoke add plugin.wasm 2 0x10",
        usage="pywasm3 run [OPTIONS] FILE [ARGS...]",
    )
    add = parser.add_argument
    add(
        "--dir",
        metavar="HOST::GUEST",
        action="append",
        default=[],
        help="let it use the directory HOST, which it calls GUEST; HOST alone serves as both",
    )
    add(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="set an environment variable; K alone takes it from this process",
    )
    add("--invoke", metavar="NAME", help="call this export instead of _start; prints its results")
    add("--fuel", metavar="N", type=_count, help="stop after so many calls and loop iterations")
    add("--timeout", metavar="SECONDS", type=_seconds, help="stop after this time")
    add("--max-memory", metavar="SIZE", type=_size, help="bytes of memory, as in 64M")
    add("--stack", metavar="SIZE", type=_size, help="bytes of stack, as in 256K; default 1M")
    add("file", metavar="FILE", help="a module; - reads standard input")
    rest = add("args", metavar="ARGS", nargs=argparse.REMAINDER, help="its arguments")
    rest.required = False  # so that no message asks for them


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    module = Module(read_bytes(args.file))
    if args.invoke is not None:
        args.args = _typed(module, args.invoke, args.args)
    elif not _is_program(module) and module._start() is None:
        raise CommandError(
            f"{shown_name(args.file)} is no program, for it exports no _start; "
            f"name a function with --invoke: {_exported(module)}"
        )
    try:
        return _run(module, args)
    except WasiExit as end:  # of a library, or in an invoked function
        return end.code & _exit_mask()
    except _OutOfTime as late:
        complain("\n".join(["[trap] deadline exceeded", *_notes(late)]), lines=True)
        return EXIT_TRAPPED


def _run(module: Module, args: argparse.Namespace) -> int:
    wasi = _wasi(args) if _needs_wasi(module) else None
    limits = _limits(args)
    with _stopping_after(args.timeout), Instance(module, wasi=wasi, limits=limits) as instance:
        if args.invoke is not None:
            return _invoke(instance, args.invoke, args.args)
        if _is_program(module):
            return instance.run() & _exit_mask()
        return 0  # its start function was all there is


def _verbatim(words: list[str], file: str, argv: Sequence[str]) -> list[str]:
    """What follows FILE, with the ``--`` that argparse takes away if it comes first."""
    if list(argv[-len(words) - 2 :][:2]) == [file, "--"]:
        return ["--", *words]
    return words


def _exit_mask() -> int:
    """What systems keep of an exit code."""
    return 0xFF if os.name == "posix" else 0xFFFFFFFF


# ---- what it is given ----


def _needs_wasi(module: Module) -> bool:
    """A module without WASI does not wait for the import of it."""
    return any(entry.module.startswith("wasi_") for entry in module.imports)


def _wasi(args: argparse.Namespace) -> WasiConfig:
    from ..wasi import WasiConfig

    arguments = []
    if args.invoke is None:
        arguments = _verbatim(args.args, args.file, args.argv)
    try:
        return WasiConfig(
            args=[args.file, *arguments],
            env=dict(map(_variable, args.env)),
            preopens=dict(map(_directory, args.dir)),
            inherit=["stdio"],
        )
    except ValueError as error:
        raise CommandError(str(error)) from None


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if equals:
        return name, value
    if name not in os.environ:
        raise CommandError(f"--env {name}: there is no such variable; give it as {name}=VALUE")
    return name, os.environ[name]


def _directory(given: str) -> tuple[str, str]:
    host, separator, guest = given.rpartition("::")
    if not separator:
        host = guest
    if not host or not guest:
        raise CommandError(f"--dir {given}: expected HOST::GUEST")
    if not os.path.isdir(host):
        raise CommandError(f"--dir {given}: {host} is no directory")
    return guest, host


def _limits(args: argparse.Namespace) -> Limits:
    given = {
        "memory": args.max_memory,
        "stack": args.stack,
        "fuel": args.fuel,
        "timeout": args.timeout,
    }
    try:
        return Limits(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise CommandError(str(error)) from None


_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,18})([KMG]?)(?:iB|B)?", text, re.ASCII | re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: bytes, or as in 64K, 64M, 1G")
    return int(match[1]) * _UNITS[match[2].upper()]


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 10^18")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds")
    return seconds


# ---- functions ----


def _functions(module: Module) -> list[str]:
    return [export.name for export in module.exports if isinstance(export.type, FuncType)]


def _exported(module: Module) -> str:
    names = _functions(module)
    shown = ", ".join(map(printable, names[:20])) + (", ..." if len(names) > 20 else "")
    return f"its functions are: {shown}" if names else "it exports no function"


def _typed(module: Module, name: str, words: list[str]) -> list[int | float]:
    """The arguments for an exported function."""
    for export in module.exports:
        if export.name == name and isinstance(export.type, FuncType):
            return parse_arguments(printable(name), export.type, words)
    raise CommandError(f"there is no function {quoted(name)}; {_exported(module)}")


def _is_program(module: Module) -> bool:
    return "_start" in _functions(module)


def _invoke(instance: Instance, name: str, arguments: list[int | float]) -> int:
    function = instance.exports[name]
    assert isinstance(function, Function)
    result = function(*arguments)
    output = Output()
    for line in result_lines(function.type, result):
        output.line(line)
    return 0


# ---- time ----


class _OutOfTime(BaseException):
    """The time is over while the guest waits in a host function. Nothing on the way handles it."""


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", ()))


class _stopping_after:
    """Limits stop running code; this stops what waits for input, or sleeps."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds if hasattr(signal, "setitimer") else None

    def __enter__(self) -> None:
        if self._seconds is not None:
            signal.signal(signal.SIGALRM, self._stop)
            signal.setitimer(signal.ITIMER_REAL, min(self._seconds, 1e9) + _GRACE_SECONDS)

    def __exit__(self, *exc: object) -> None:
        if self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        raise _OutOfTime
