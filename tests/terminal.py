# SPDX-License-Identifier: MIT
"""Runs an interactive Python on a pseudo-terminal.

It forks, so it must be used in a process that has only one thread.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

# The plain prompt without colours shows the text exactly as it was written.
ENVIRONMENT = {"TERM": "dumb", "PYTHON_BASIC_REPL": "1", "NO_COLOR": "1", "INPUTRC": os.devnull}


class Prompt:
    """The side of the terminal on which a person would sit."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = ""

    def type(self, line: str) -> None:
        """Waits for the prompt, then types a line."""
        self.until(">>> ")
        os.write(self._descriptor, line.encode() + b"\n")

    def ctrl_c(self) -> None:
        """Presses Ctrl-C a moment later."""
        time.sleep(0.1)
        os.write(self._descriptor, b"\x03")

    def until(self, text: str) -> None:
        """Reads the output until the text was shown, and forgets everything before it."""
        deadline = time.monotonic() + 60
        while text not in self._text:
            left = max(deadline - time.monotonic(), 0)
            ready, _, _ = select.select([self._descriptor], [], [], left)
            assert ready, f"{text!r} was not shown, but {self._text!r}"
            self._text += os.read(self._descriptor, 4096).decode()
        self._text = self._text.partition(text)[2]


@contextmanager
def session() -> Iterator[Prompt]:
    """Starts Python on a pseudo-terminal, and kills it when the block ends."""
    pid, descriptor = os.forkpty()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-q", "-i"], {**os.environ, **ENVIRONMENT})
    try:
        yield Prompt(descriptor)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
