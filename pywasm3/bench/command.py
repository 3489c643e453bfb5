# SPDX-License-Identifier: MIT
"""The command ``pywasm3 bench``: its options, and what becomes of them.

``add_parser`` and ``run`` are what the command line asks of a module that is a command.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cli.terminal import complain, one_line
from . import compare
from .figures import Run
from .peers import PEERS
from .rows import GROUPS, ROWS, select
from .run import QUICK, Settings
from .run import run as measure
from .stored import read

if TYPE_CHECKING:
    # As type checkers see it, the class of subparsers is generic.
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = "Measures what crossing between Python and WebAssembly costs on this machine."
MOST = 1_000_000  # rounds, or seconds; clocks know no infinity
MISSING = "bench needs the extra: type `pip install 'pywasm3-cffi[bench]'`"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer and shorter values: less steady")
    add("--rows", metavar="GLOB", default="*", help="which rows, as calls/*,compute/fib")
    add(
        "--peers", metavar="NAMES", default=",".join(PEERS),
        help="who takes part (%(default)s); your own as module:Class",
    )  # fmt: skip
    add("--rounds", type=int, metavar="N", help="values per cell")
    add("--milliseconds", type=float, metavar="M", help="that a value takes, at least")
    add("--timeout", type=float, metavar="S", help="seconds until a peer counts as hanging")
    add("--json", type=Path, metavar="FILE", help="write all values here")
    add("--plot", type=Path, metavar="FILE", help="draw a figure: FILE.svg, .png or .pdf")
    add("--update", type=Path, metavar="FILE", help="put the report into a document")
    add("--from", type=Path, metavar="FILE", dest="source", help="report what --json wrote")
    add("--list", action="store_true", help="list the rows, measure nothing")
    add(
        "--compare", type=Path, nargs=2, metavar=("A", "B"),
        help="compare two files that --json wrote, measure nothing",
    )  # fmt: skip


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command to those of ``pywasm3``."""
    parser = subparsers.add_parser(
        "bench",
        help="measure calls, callbacks, memory, starts and computing beside other engines",
        description=ABOUT,
        epilog="example: pywasm3 bench --quick --rows 'calls/*' --peers pywasm3,wasmtime,python",
    )
    _add_arguments(parser)


def settings_of(options: argparse.Namespace) -> Settings:
    """What the options say; ValueError when they make no sense."""
    changes: dict[str, Any] = {}
    if options.rounds is not None:
        changes |= {"rounds": options.rounds, "fresh_rounds": options.rounds}
    if options.milliseconds is not None:
        changes |= {"seconds": options.milliseconds / 1e3, "warmup": options.milliseconds / 1e3}
    if options.timeout is not None:
        changes["timeout"] = options.timeout
    if any(not 0 < value <= MOST for value in changes.values()):
        raise ValueError(f"--rounds, --milliseconds and --timeout must be above 0, up to {MOST:,}")
    return dataclasses.replace(QUICK if options.quick else Settings(), **changes)


def _list_rows() -> None:
    width = max(len(row.id) for row in ROWS)
    for row in ROWS:
        print(f"{row.id:{width}}  {GROUPS[row.group]}: {row.title}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


@contextlib.contextmanager
def _broken_pipes_raise() -> Iterator[None]:
    """Who writes to a peer that has died shall see that, and not be ended by it."""
    number = getattr(signal, "SIGPIPE", None)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return
    signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


def _measured(options: argparse.Namespace) -> Run:
    from . import terminal

    if options.source:
        return read(options.source)
    rows = select(_names(options.rows))
    settings = settings_of(options)
    with _broken_pipes_raise(), terminal.progress() as progress:
        return measure(rows, _names(options.peers), settings, progress)


def _require_writable(path: Path) -> None:
    """OSError unless the file can be written; it stays as it is."""
    there = path.exists()
    with path.open("ab"):
        pass
    if not there:
        path.unlink()


def _check_outputs(options: argparse.Namespace) -> None:
    """Before minutes go into what could not be kept."""
    from . import report
    from .plot import require_format

    for path in filter(None, (options.json, options.plot, options.update)):
        _require_writable(path)
    if options.plot:
        require_format(options.plot)
        importlib.import_module("matplotlib.figure")
    if options.update:
        report.put_between(options.update.read_text(encoding="utf-8"), "bench", "")


def _write(options: argparse.Namespace, measured: Run) -> None:
    """What is asked for besides the table."""
    from . import report
    from .plot import plot

    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(measured, options.plot)
    if options.update:
        document = options.update.read_text(encoding="utf-8")
        text = report.put_between(document, "bench", report.markdown(measured))
        options.update.write_text(text, encoding="utf-8")


def _do(options: argparse.Namespace) -> None:
    if options.list:
        _list_rows()
    elif options.compare:
        print(compare.markdown(*map(read, options.compare)))
    else:
        from . import terminal

        _check_outputs(options)
        measured = _measured(options)
        terminal.show(measured)
        _write(options, measured)


def run(args: argparse.Namespace) -> int:
    """Carries out the command.

    Returns:
        0; 2 for options that make no sense, or when a package is missing.
    """
    try:
        _do(args)
    except ModuleNotFoundError as error:
        complain(f"{MISSING} ({error})")
        return 2
    except (ValueError, OSError) as error:
        complain(one_line(str(error)))
        return 2
    return 0
