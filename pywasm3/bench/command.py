# SPDX-License-Identifier: MIT
"""The command ``pywasm3 bench``: reads its options, measures, and writes the results.

The command line calls ``add_parser`` and ``run``, as it does for every command.
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

from ..cli.terminal import complain, error_text, one_line
from . import compare
from .figures import Run
from .peers import PEERS
from .rows import GROUPS, ROWS, select
from .run import QUICK, Settings
from .run import run as measure
from .stored import read

if TYPE_CHECKING:
    # Only type checkers see this class as generic; at run time it cannot be subscripted.
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = "Measures what crossing between Python and WebAssembly costs on this machine."
MOST = 1_000_000  # The most rounds or seconds: clocks and timeouts cannot handle infinity.
MISSING = "bench needs the extra: type `pip install 'pywasm3-cffi[bench]'`"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--quick", action="store_true", help="take fewer and shorter values, which vary more")
    add(
        "--rows",
        metavar="GLOB",
        default="*",
        help="the rows to measure, such as calls/*,compute/fib (all but real-*: those download "
        "42 MB with npm, once)",
    )
    add(
        "--peers", metavar="NAMES", default=",".join(PEERS),
        help="the peers to measure (%(default)s); add your own as module:Class",
    )  # fmt: skip
    add("--rounds", type=int, metavar="N", help="the number of values for each cell")
    add("--milliseconds", type=float, metavar="M", help="the least time that a value takes")
    add("--timeout", type=float, metavar="S", help="end a peer that has not answered for S seconds")
    add("--json", type=Path, metavar="FILE", help="write all values to this file")
    add("--plot", type=Path, metavar="FILE", help="draw a chart; FILE ends with .svg, .png or .pdf")
    add(
        "--plot-first", type=Path, metavar="FILE",
        help="draw the time to the first result against the size of the module, and from when on "
        "a compiling engine is ahead (needs rows of start, compute or real-*)",
    )  # fmt: skip
    add(
        "--update",
        type=Path,
        metavar="FILE",
        help="put the report into a document, between its markers",
    )
    add(
        "--from",
        type=Path,
        metavar="FILE",
        dest="source",
        help="measure nothing, but report a file of --json",
    )
    add("--list", action="store_true", help="measure nothing, but list the rows")
    add(
        "--compare", type=Path, nargs=2, metavar=("A", "B"),
        help="measure nothing, but compare two files of --json",
    )  # fmt: skip


def add_parser(subparsers: Subparsers) -> None:
    """Adds the parser of this command."""
    parser = subparsers.add_parser(
        "bench",
        help="measure calls, callbacks, memory, starts and computing beside other engines",
        description=ABOUT,
        epilog="example: pywasm3 bench --quick --rows 'calls/*' --peers pywasm3,wasmtime,python",
    )
    _add_arguments(parser)


def settings_of(options: argparse.Namespace) -> Settings:
    """Returns the settings that the options ask for; raises ValueError if one is out of range."""
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
    """Ignores SIGPIPE, so that writing to a peer that has died raises BrokenPipeError.

    The command line lets the signal end the process, which is right for its own output only.
    """
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
    """Raises OSError if the file cannot be written, and leaves it as it is."""
    there = path.exists()
    with path.open("ab"):
        pass
    if not there:
        path.unlink()


def _check_outputs(options: argparse.Namespace) -> None:
    """Checks all output files first, so that no minutes are lost if one cannot be written."""
    from . import report
    from .plot import require_format

    pictures = list(filter(None, (options.plot, options.plot_first)))
    for path in (*filter(None, (options.json, options.update)), *pictures):
        _require_writable(path)
    for path in pictures:
        require_format(path)
        importlib.import_module("matplotlib.figure")
    if options.update:
        report.put_between(options.update.read_text(encoding="utf-8"), "bench", "")


def _write(options: argparse.Namespace, measured: Run) -> None:
    """Writes the files that are asked for."""
    from . import first, report
    from .plot import plot

    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(measured, options.plot)
    if options.plot_first:
        first.draw(measured, options.plot_first)
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
    """Runs the command and returns the exit code.

    Returns:
        0, or 2 if an option is wrong, a package is missing or a file cannot be read or written.
    """
    try:
        _do(args)
    except ModuleNotFoundError as error:
        complain(f"{MISSING} ({error})")
        return 2
    except ValueError as error:
        complain(one_line(str(error)))
        return 2
    except OSError as error:
        complain(error_text(error))
        return 2
    return 0
