# SPDX-License-Identifier: MIT
"""Python at a prompt, on a pseudo-terminal. For a process of one thread, because it forks."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

# The old prompt, and no colours: what is shown is what was written.
ENVIRONMENT = {"TERM": "dumb", "PYTHON_BASIC_REPL": "1", "NO_COLOR": "1", "INPUTRC": os.devnull}


class Prompt:
    """The other side of the terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = ""

    def type(self, line: str) -> None:
        """Types a line when it is asked for one."""
        self.until(">>> ")
        os.write(self._descriptor, line.encode() + b"\n")

    def ctrl_c(self) -> None:
        """Presses it, a moment later."""
        time.sleep(0.1)
        os.write(self._descriptor, b"\x03")

    def until(self, text: str) -> None:
        """Reads on until the text was shown, and forgets what came before."""
        deadline = time.monotonic() + 60
        while text not in self._text:
            left = max(deadline - time.monotonic(), 0)
            ready, _, _ = select.select([self._descriptor], [], [], left)
            assert ready, f"{text!r} was not shown, but {self._text!r}"
            self._text += os.read(self._descriptor, 4096).decode()
        self._text = self._text.partition(text)[2]


@contextmanager
def session() -> Iterator[Prompt]:
    """Starts Python there; ends it."""
    pid, descriptor = os.forkpty()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-q", "-i"], {**os.environ, **ENVIRONMENT})
    try:
        yield Prompt(descriptor)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
