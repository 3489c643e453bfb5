# SPDX-License-Identifier: MIT
"""``pywasm3 validate``: checks whether files are valid modules."""

from __future__ import annotations

import argparse

from .. import Module, ModuleError, UnsupportedError
from .._text import printable
from .source import read_bytes, shown_name
from .terminal import CommandError, Output, complain, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def add_parser(subparsers: Any) -> None:
    """Adds the parser of this command."""
    parser = subparsers.add_parser(
        "validate",
        help="check modules by the rules of WebAssembly 3.0",
        description="Checks modules by all rules of WebAssembly 3.0 and of threads, and writes one "
        "line for\neach. The exit code is 1 if one is invalid or cannot be read.",
        epilog="example: pywasm3 validate plugins/*.wasm",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a module; - reads standard input")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    output = Output()
    failed = [name for name in args.files if not _check(output, name)]
    return int(bool(failed))


def _check(output: Output, name: str) -> bool:
    shown = printable(shown_name(name))
    try:
        data = read_bytes(name)
        Module.validate(data)
    except OSError as error:
        complain(f"{shown}: {error.strerror or error}")
        return False
    except CommandError as error:
        complain(str(error))
        return False
    except ModuleError as error:
        word = "not supported" if isinstance(error, UnsupportedError) else "invalid"
        output.line(f"{shown}: {output.paint('red', word)}: {printable(one_line(str(error)))}")
        return False
    output.line(f"{shown}: {output.paint('green', 'valid')}{_why_not_runnable(data)}")
    return True


def _why_not_runnable(data: bytes) -> str:
    """Returns why this version cannot run a valid module, or an empty text if it can."""
    try:
        Module(data)
    except UnsupportedError as error:
        return f", but cannot be run: {printable(one_line(str(error)))}"
    return ""
