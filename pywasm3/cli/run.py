# SPDX-License-Identifier: MIT
"""``pywasm3 run``: runs a program for WASI, or a single function."""

from __future__ import annotations

import os
from types import SimpleNamespace

from .. import Function, FuncType, Instance, Limits, Module, Store, WasiExit
from .._text import brief, brief_quoted, listed, meant
from . import EXIT_TRAPPED
from .source import STDIN, read_bytes, shown_name
from .terminal import CommandError, Output, UsageError, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any

    from ..wasi import HostDir, WasiConfig
    from .observe import Stats

    Observer = Callable[[str, tuple[int, ...], int | None], None]

# The alarm comes this much after the limit of the call, whose error says where the guest was.
_GRACE_SECONDS = 0.1

_DESCRIPTION = """\
Runs a program for WASI, or with --invoke one function of a module. The exit code is that of the
program, 134 after a trap, 130 after Ctrl-C, and 1 when the module cannot be run.

The program gets the standard streams, and the directories and variables of --dir and --env. The
words after FILE are its arguments. With --invoke they are the arguments of the function: decimal or
hexadecimal integers, and floating-point numbers, also "inf" and "nan". A v128 is an integer of 128
bits, whose lowest bits are the first lane.
"""


def add_parser(subparsers: Any) -> None:
    """Adds the parser of this command."""
    from argparse import REMAINDER

    parser = subparsers.add_parser(
        "run",
        help="run a program, or one function of a module",
        description=_DESCRIPTION,
        epilog="examples: pywasm3 run --dir .::/work program.wasm --verbose in.txt\n"
        "          pywasm3 run --invoke add plugin.wasm 2 0x10",
        usage="pywasm3 run [OPTIONS] FILE [ARGS...]",
    )
    add = parser.add_argument
    for flag, text in _FLAGS.items():
        add(flag, action="store_true", help=text)
    for flag, (metavar, read, is_list, text) in _OPTIONS.items():
        repeated = {"action": "append", "default": []} if is_list else {}
        add(flag, metavar=metavar, type=read, help=text, **repeated)
    add("file", metavar="FILE", help="a module; - reads standard input")
    rest = add(
        "args",
        metavar="ARGS",
        nargs=REMAINDER,
        help="arguments of the program or function",
    )
    rest.required = False  # Otherwise error messages would ask for ARGS, which may be absent.


def read_quickly(words: Sequence[str]) -> SimpleNamespace | None:
    """Reads the words after ``run`` if they are right, as they mostly are.

    argparse takes as long to import as everything else that the command does. It reads the words
    when this function returns None: something is wrong, help is asked for, or there is a ``--``.
    """
    if "--" in words:
        return None
    found: dict[str, Any] = {
        _attribute(flag): [] if is_list else None for flag, (_, _, is_list, _) in _OPTIONS.items()
    }
    found |= {_attribute(flag): False for flag in _FLAGS}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == STDIN:
            return SimpleNamespace(command="run", file=word, args=[*rest], **found)
        if word in _FLAGS:
            found[_attribute(word)] = True
            continue
        flag, equals, value = word.partition("=")
        if not equals:
            value = next(rest, "-")
        if flag not in _OPTIONS or (value.startswith("-") and not equals):
            return None
        _, read, is_list, _ = _OPTIONS[flag]
        try:
            given = read(value)
        except Exception:  # argparse will say what is wrong with the value
            return None
        if is_list:
            found[_attribute(flag)].append(given)
        else:
            found[_attribute(flag)] = given
    return None


def _attribute(flag: str) -> str:
    return flag[2:].replace("-", "_")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    stats = _stats(args)
    module = Module(read_bytes(args.file))
    if args.invoke is not None:
        args.args = _parsed_arguments(module, args.invoke, args.args)
    elif not _is_program(module) and module._start() is None:
        raise CommandError(
            f"{shown_name(args.file)} is not a program, because it does not export _start; "
            f"call a function with --invoke: {_list_of_functions(module)}"
        )
    try:
        return _run(module, args, stats)
    except WasiExit as end:  # A library or an invoked function ended the process.
        return end.code & _exit_mask()
    except _OutOfTime as late:
        complain("\n".join(["[trap] deadline exceeded", *_notes(late)]), lines=True)
        return EXIT_TRAPPED


def _stats(args: argparse.Namespace) -> Stats | None:
    """Returns what counts for --stats, whose report the command line writes at the very end."""
    if not args.stats:
        return None
    from .observe import Stats

    stats = Stats()
    args.at_end = stats.report
    return stats


def _run(module: Module, args: argparse.Namespace, stats: Stats | None) -> int:
    wasi = _wasi(args, stats) if _needs_wasi(module) else None
    limits = _limits(args)
    if stats is None:
        with _stopping_after(args.timeout), Instance(module, wasi=wasi, limits=limits) as instance:
            return _result(instance, args)
    return _counted(module, args, wasi, limits, stats)


def _counted(
    module: Module,
    args: argparse.Namespace,
    wasi: WasiConfig | None,
    limits: Limits,
    stats: Stats,
) -> int:
    """Does the same as `_run` with a store of its own, whose fuel is counted in any case."""
    from .observe import ENOUGH_FUEL

    store, instance = Store(limits=limits), None
    given = ENOUGH_FUEL if store.fuel is None else store.fuel
    store.fuel = given
    with _stopping_after(args.timeout), store:
        try:
            instance = Instance(module, wasi=wasi, store=store)
            stats.loaded()
            return _result(instance, args)
        finally:
            stats.ended(store, given, instance)


def _result(instance: Instance, args: argparse.Namespace) -> int:
    """Runs what is to be run, and returns the exit code."""
    if args.invoke is not None:
        return _invoke(instance, args.invoke, args.args)
    if _is_program(instance.module):
        return instance.run() & _exit_mask()
    return 0  # Making the instance has run the module's start function: there is nothing else.


def _with_dashes(words: list[str], file: str, argv: Sequence[str]) -> list[str]:
    """Puts back the ``--`` after FILE, which argparse takes away but the guest should get."""
    if list(argv[-len(words) - 2 :][:2]) == [file, "--"]:
        return ["--", *words]
    return words


def _exit_mask() -> int:
    """Returns the bits of an exit code that the operating system keeps."""
    return 0xFF if os.name == "posix" else 0xFFFFFFFF


# ---- what the guest is given ----


def _needs_wasi(module: Module) -> bool:
    """Returns whether a module imports WASI. Other modules start faster without loading it."""
    return any(
        entry.module.startswith("wasi_") or entry.module == "wasi" for entry in module.imports
    )


def _observer(args: argparse.Namespace, stats: Stats | None) -> Observer | None:
    """Returns what hears of each call of WASI, if --trace or --stats asks for that."""
    if not args.trace:
        return None if stats is None else stats.count
    from .observe import trace

    if stats is None:
        return trace

    def both(name: str, arguments: tuple[int, ...], result: int | None) -> None:
        trace(name, arguments, result)
        stats.count(name, arguments, result)

    return both


def _wasi(args: argparse.Namespace, stats: Stats | None) -> WasiConfig:
    from ..wasi import WasiConfig

    arguments = []
    if args.invoke is None:
        arguments = _with_dashes(args.args, args.file, args.argv)
    try:
        return WasiConfig(
            # Where the module lies on the host is no business of the program's.
            args=[os.path.basename(args.file), *arguments],
            env=dict(args.env),
            preopens=_preopens(args),
            inherit=["stdio"],
            threads=args.threads or 0,
            trace=_observer(args, stats),
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _preopens(args: argparse.Namespace) -> dict[str, HostDir]:
    from ..wasi import HostDir

    preopens: dict[str, HostDir] = {}
    for given, read_only in ((args.dir, False), (args.read_only_dir, True)):
        for guest, host in given:
            if guest in preopens:
                raise UsageError(f"two directories are given under the name {guest!r}")
            preopens[guest] = HostDir(host, read_only=read_only)
    return preopens


def _wrong(text: str) -> Exception:
    """Returns the exception with which the reader of an option's value tells argparse a reason."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(text)


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if equals:
        return name, value
    if name not in os.environ:
        raise _wrong(f"this process has no variable {name!r}; give a value with {name}=VALUE")
    return name, os.environ[name]


def _directory(given: str) -> tuple[str, str]:
    host, separator, guest = given.rpartition("::")
    if not separator:
        host = guest
    if not host or not guest:
        raise _wrong(f"{given!r} is not HOST::GUEST, two names that are not empty")
    if not os.path.isdir(host):
        raise _wrong(f"{host!r} is not a directory")
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
        raise UsageError(str(error)) from None


_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _size(text: str) -> int:
    import re

    match = re.fullmatch(r"(\d{1,18})([KMG]?)(?:iB|B)?", text, re.ASCII | re.IGNORECASE)
    if not match:
        raise _wrong(f"{text!r} is not a size: give bytes, or a number with K, M or G, such as 64M")
    return int(match[1]) * _UNITS[match[2].upper()]


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise _wrong(f"{text!r} is not a whole number from 0 to 10^18 - 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise _wrong(f"{text!r} is not a number of seconds")
    return seconds


_FLAGS = {
    "--stats": "at the end, write the time, the fuel, the memory and the calls of WASI to stderr",
    "--trace": "write each call of WASI to stderr, with its result",
}

# For each option: how its value is called and read, whether it may be repeated, and its help.
_OPTIONS: dict[str, tuple[str, Callable[[str], Any], bool, str]] = {
    "--dir": (
        "HOST::GUEST",
        _directory,
        True,
        "let the program use the directory HOST under the name GUEST; without ::GUEST both names "
        "are HOST",
    ),
    "--read-only-dir": (
        "HOST::GUEST",
        _directory,
        True,
        "the same, but the program cannot change anything in the directory",
    ),
    "--env": (
        "K=V",
        _variable,
        True,
        "set an environment variable; K alone copies it from this process",
    ),
    "--invoke": (
        "NAME",
        str,
        False,
        "call this export instead of _start, and print its results",
    ),
    "--threads": (
        "N",
        _count,
        False,
        "let the program have up to N threads besides the first one",
    ),
    "--fuel": ("N", _count, False, "stop after N calls and loop iterations"),
    "--timeout": ("SECONDS", _seconds, False, "stop after this many seconds"),
    "--max-memory": (
        "SIZE",
        _size,
        False,
        "the most memory that the module may have, such as 64M",
    ),
    "--stack": (
        "SIZE",
        _size,
        False,
        "the size of the stack, such as 256K; the default is 16M",
    ),
}


# ---- functions ----


def _functions(module: Module) -> list[str]:
    return [export.name for export in module.exports if isinstance(export.type, FuncType)]


def _list_of_functions(module: Module) -> str:
    names = _functions(module)
    shown = ", ".join(listed(names, brief))
    return f"its functions are: {shown}" if names else "it exports no functions"


def _parsed_arguments(module: Module, name: str, words: list[str]) -> list[int | float | bytes]:
    """Returns the values of the words that are given as arguments for an exported function."""
    for export in module.exports:
        if export.name == name and isinstance(export.type, FuncType):
            from .values import parse_arguments

            return parse_arguments(brief(name), export.type, words)
    hint = meant(name, _functions(module), brief_quoted) or f"; {_list_of_functions(module)}"
    raise UsageError(f"there is no function {brief_quoted(name)}{hint}")


def _is_program(module: Module) -> bool:
    return "_start" in _functions(module)


def _invoke(instance: Instance, name: str, arguments: list[int | float | bytes]) -> int:
    function = instance.exports[name]
    assert isinstance(function, Function)
    result = function(*arguments)
    from .values import result_lines

    output = Output()
    for line in result_lines(function.type, result):
        output.line(line)
    return 0


# ---- time ----


class _OutOfTime(BaseException):
    """The time is up while the guest waits in a host function.

    This is a BaseException, so that nothing between the alarm and the command handles it.
    """


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", ()))


class _stopping_after:
    """Stops a guest that sleeps or waits for input, which `Limits` does not do, with a signal."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds if os.name == "posix" else None

    def __enter__(self) -> None:
        if self._seconds is not None:
            import signal

            signal.signal(signal.SIGALRM, self._stop)
            signal.setitimer(signal.ITIMER_REAL, min(self._seconds, 1e9) + _GRACE_SECONDS)

    def __exit__(self, *exc: object) -> None:
        if self._seconds is not None:
            import signal

            signal.setitimer(signal.ITIMER_REAL, 0)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        raise _OutOfTime
