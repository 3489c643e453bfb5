# SPDX-License-Identifier: MIT
"""Output of the command line: text that is safe on a terminal, colour, and error messages."""

from __future__ import annotations

# `signal` would wrap this module's numbers in enums, which takes a millisecond. mypy's stubs of the
# standard library do not have it.
import _signal  # type: ignore[import-not-found]
import os
import sys

from .._text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "cyan": "36"}


class CommandError(Exception):
    """A command cannot go on. The text of the error is shown to the user."""


class UsageError(CommandError):
    """The words of the command line are wrong, whatever the files contain that they name."""


def set_up_process() -> None:
    """Makes the process behave as other command-line programs do."""
    for descriptor in range(3):
        _ensure_open(descriptor)
    if hasattr(_signal, "SIGPIPE"):
        # When the reader of a pipe goes away, the process ends without an error message.
        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _ensure_open(descriptor: int) -> None:
    """Opens the null device for a standard stream that is closed.

    Otherwise the next file that is opened would get the stream's number, and with it the output.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # This gets the lowest number that is free.


def release_stdout() -> None:
    """Drops what stdout still holds after it failed, so that Python does not report it again."""
    if sys.stdout is not None and sys.stdout is sys.__stdout__:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)


def error_text(error: OSError) -> str:
    """Returns the name of the file and the reason, as a message shows them."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename is not None else reason


def _has_colour(stream: TextIO | None) -> bool:
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if os.name == "nt" and "WT_SESSION" not in os.environ:
        return False
    return stream.isatty()


class Output:
    """Writes lines to stdout, in colour on a terminal."""

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._coloured = _has_colour(self._stream)

    def line(self, text: str = "") -> None:
        """Writes a line."""
        if self._stream is not None:
            self._stream.write(text + "\n")

    def json(self, value: object) -> None:
        """Writes a value as JSON, in ASCII."""
        import json

        if self._stream is not None:
            json.dump(value, self._stream, indent=2)
            self._stream.write("\n")

    def paint(self, colour: str, text: str) -> str:
        """Returns the text in a colour, or as it is if the output has no colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._coloured else text


def one_line(text: str) -> str:
    """Joins the lines of a message into one line."""
    first, *others = [line.strip() for line in text.splitlines()] or [""]
    if not others:
        return first
    return f"{first} {'; '.join(others)}" if first.endswith(":") else "; ".join([first, *others])


def complain(text: str, *, lines: bool = False) -> None:
    """Writes an error message to stderr: one line, or with `lines` as many as the text has."""
    if sys.stderr is None:
        return
    label = "\x1b[31merror:\x1b[0m" if _has_colour(sys.stderr) else "error:"
    shown = [printable(line) for line in (text.splitlines() if lines else [text])]
    sys.stderr.write(f"pywasm3: {label} " + "\n".join(shown) + "\n")
    sys.stderr.flush()
