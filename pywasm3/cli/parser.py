# SPDX-License-Identifier: MIT
"""Reads the words of the command line with argparse, and writes the help.

``pywasm3 run`` reads words that are right without this module, because argparse takes as long to
import as the rest of the command line.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from importlib import import_module

from .. import __version__
from .._text import meant
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


def _parsers(wanted: str) -> tuple[Parser, dict[str, Parser]]:
    """Makes the parser of all words, and that of one command, or of all if it is not one."""
    parser = Parser(
        prog="pywasm3",
        description="Runs WebAssembly modules, and shows what is in them.",
        epilog="example: pywasm3 run program.wasm, or pywasm3 program.wasm\n\n"
        "'pywasm3 COMMAND --help' shows the options of a command.\n"
        "errors: https://pywasm3.github.io/pywasm3-cffi/errors/#command-line",
    )
    parser.add_argument("--version", action="version", version=f"pywasm3 {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser, prog="pywasm3"
    )
    for name, module in COMMANDS.items():
        if wanted not in COMMANDS or wanted == name:
            import_module(module).add_parser(commands)
    return parser, commands.choices


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Returns the arguments of the command that the words name, or ends the process."""
    first = argv[0] if argv else ""
    parser, commands = _parsers(first)
    if first.startswith("-") and first not in _OPTIONS:
        parser.error(f"unrecognized arguments: {first}; options of a command stand after its name")
    if first and first not in COMMANDS and first not in _OPTIONS:
        parser.error(f"there is no command {first!r}{_command_hint(first)}")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.prog += f" {arguments.command}"  # The message then refers to the command's own help.
        hint = _hint(unknown[0], commands[first])
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    return arguments


def _command_hint(word: str) -> str:
    """Returns what is meant by a word that is no command: a file, a similar command, or any."""
    if os.path.exists(word):
        return f"; to run the file, type: pywasm3 run {word}"
    return meant(word, COMMANDS, str) or f"; the commands are {', '.join(COMMANDS)}"


def _hint(word: str, parser: argparse.ArgumentParser) -> str:
    """Returns which option of a parser is meant by a word that is none, if one is similar."""
    options = dict.fromkeys(re.findall(r"(?<!\S)--[\w-]+", parser.format_help()))
    return meant(word.partition("=")[0], options, str) if word.startswith("-") else ""
