# SPDX-License-Identifier: MIT
"""The command line: ``python -m pywasm3``, or ``pywasm3``.

Each command is a module with ``add_parser(subparsers)`` and ``run(args) -> int``, which returns the
exit code. A module is imported only when its command is asked for, or when the help lists them all.
"""

# Besides the commands: `parser` reads the words and makes the help, `source` reads files, `values`
# converts words to arguments, and `terminal` has the output and errors. `listing` reads a module
# that need not run, `wat` writes its parts as text, `producers` reads one of its sections, and
# `observe` counts for `run`.

from __future__ import annotations

import sys

from .. import ModuleError, Trap, WasmError, WasmException
from .source import shown_name
from .terminal import (
    CommandError,
    UsageError,
    complain,
    error_text,
    one_line,
    release_stdout,
    set_up_process,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COMMANDS = {
    "run": "pywasm3.cli.run",
    "inspect": "pywasm3.cli.inspect",
    "validate": "pywasm3.cli.validate",
    "disasm": "pywasm3.cli.disasm",
    "stubs": "pywasm3.cli.stubs",
    "bench": "pywasm3.bench.command",
}

# A first word that ends like this is a file, and `run` is the command.
_RUNNABLE = (".wasm", ".wat")

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
EXIT_TRAPPED = 134  # 128 + SIGABRT, as after abort()


def _parsed(argv: Sequence[str]) -> Any:
    """Returns the arguments: attributes that the parser of the command has named."""
    if argv and argv[0] == "run":
        from .run import read_quickly

        if (quickly := read_quickly(argv[1:])) is not None:
            return quickly
    from .parser import parse

    return parse(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: The arguments. None means those of the process, which is then set up as a program.

    Returns:
        The exit code of the process.

    Raises:
        SystemExit: The arguments are wrong, or they ask for the help or the version.
    """
    if argv is None:
        set_up_process()
        argv = sys.argv[1:]
    try:
        if argv and argv[0].endswith(_RUNNABLE):
            argv = ["run", *argv]
        arguments = _parsed(argv)
        arguments.argv, arguments.at_end = argv, None
        try:
            return _flush_stdout(_run(arguments))
        finally:
            if arguments.at_end is not None:
                arguments.at_end()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(arguments: Any) -> int:
    try:
        name = COMMANDS[arguments.command]
        __import__(name)
        code: int = sys.modules[name].run(arguments)
        return code
    except Trap as trap:
        complain(str(trap), lines=True)
        return EXIT_TRAPPED
    except WasmException as thrown:
        complain(f"uncaught {thrown}", lines=True)
        return EXIT_TRAPPED
    except UsageError as error:
        complain(str(error))
        return EXIT_USAGE
    except (CommandError, WasmError, NotImplementedError) as error:
        # Only commands with a FILE raise this: the modules of `bench` are valid.
        of_file = f"{shown_name(arguments.file)}: " if isinstance(error, ModuleError) else ""
        complain(of_file + one_line(str(error)))
    except MemoryError as error:
        complain(one_line(str(error)) or "out of memory")
    except OSError as error:
        complain(error_text(error))
    return EXIT_ERROR


def _flush_stdout(code: int) -> int:
    """Flushes stdout, and returns the exit code, which is an error if flushing fails."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        release_stdout()
        if code == 0:
            complain(error_text(error))
        return code or EXIT_ERROR
    return code
