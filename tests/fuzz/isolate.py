# SPDX-License-Identifier: MIT
"""Runs a function that may crash or hang in a forked child process.

The child answers one question after the other. After a crash or a hang, the next question gets a
new child.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

CRASH, HANG = "crash", "hang"


def _read(pipe: int, size: int, deadline: float | None = None) -> bytes | None:
    """Reads from a pipe: fewer bytes than `size` at its end, None when the time is up."""
    data = b""
    while len(data) < size:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([pipe], [], [], left)[0]:
            return None
        part = os.read(pipe, size - len(data))
        if not part:
            break
        data += part
    return data


def _write(pipe: int, value: object) -> None:
    data = pickle.dumps(value)
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[os.write(pipe, data) :]


class Child:
    """A forked process that calls a function with one argument after the other."""

    def __init__(self, run: Callable[[Any], Any], seconds: float = 10) -> None:
        self.run = run
        self.seconds = seconds  # after which a call counts as hanging
        self.pid: int | None = None

    def _serve(self, questions: int, answers: int) -> None:
        """Answers questions, in the child, until it is killed or its parent has ended."""
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)
        if faulthandler.is_enabled():
            # Its reports go to the null device. If it was disabled, the signal handlers would go
            # that wasmtime has installed since it was enabled, and that wasmtime's traps need.
            faulthandler.enable(2)
        while size := _read(questions, 4):
            data = _read(questions, int.from_bytes(size, "little"))
            assert data is not None
            try:
                _write(answers, (True, self.run(pickle.loads(data))))
            except Exception as error:
                _write(answers, (False, f"{type(error).__name__}: {error}"))

    def _start(self) -> None:
        questions, self.questions = os.pipe()
        self.answers, answers = os.pipe()
        sys.stdout.flush()
        with warnings.catch_warnings():
            # Python warns when a process with threads forks. The child uses none of the threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            os.close(self.questions)
            os.close(self.answers)
            try:
                self._serve(questions, answers)
            finally:
                os._exit(0)
        os.close(questions)
        os.close(answers)

    def ask(self, argument: object) -> Any:
        """Returns what the function returns for the argument, or CRASH, or HANG.

        Raises:
            RuntimeError: The function raised.
        """
        if self.pid is None:
            self._start()
        _write(self.questions, argument)
        deadline = time.monotonic() + self.seconds
        size = _read(self.answers, 4, deadline)
        data = size and _read(self.answers, int.from_bytes(size, "little"), deadline)
        if not data:
            self.close()
            return HANG if size is None or data is None else CRASH
        works, answer = pickle.loads(data)
        if not works:
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        """Ends the process."""
        if self.pid is None:
            return
        os.close(self.questions)
        os.close(self.answers)
        # Nobody has waited for the child yet, so the number cannot belong to another process.
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = None
