# SPDX-License-Identifier: MIT
"""Reads the words of the command line with argparse, and writes the help.

``pywasm3 run`` reads words that are right without this module, because argparse takes as long to
import as the rest of the command line.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from .. import __version__
from . import COMMANDS, EXIT_USAGE
from .terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

# The options that stand before the name of a command.
_OPTIONS = ("-h", "--help", "--version")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose descriptions keep their line breaks."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Writes the message and ends the process."""
        complain(f"{message} (see {self.prog} --help)")
        sys.exit(EXIT_USAGE)


def _parser(wanted: str) -> argparse.ArgumentParser:
    """Makes the parser of one command, or of all commands if `wanted` is not one of them."""
    parser = Parser(
        prog="pywasm3",
        description="Runs WebAssembly modules, and shows what is in them.",
        epilog="example: pywasm3 run program.wasm, or pywasm3 program.wasm\n\n"
        "'pywasm3 COMMAND --help' shows the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"pywasm3 {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser, prog="pywasm3"
    )
    for name, module in COMMANDS.items():
        if wanted not in COMMANDS or wanted == name:
            import_module(module).add_parser(commands)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Returns the arguments of the command that the words name, or ends the process."""
    first = argv[0] if argv else ""
    parser = _parser(first)
    if first.startswith("-") and first not in _OPTIONS:
        parser.error(f"unrecognized arguments: {first}; options of a command stand after its name")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.prog += f" {arguments.command}"  # The message then refers to the command's own help.
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments
