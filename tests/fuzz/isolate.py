# SPDX-License-Identifier: MIT
"""Runs something that may crash or hang, in a forked child."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable

CRASH, HANG = "crash", "hang"


def _child(run: Callable[[], str], write: int) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    try:
        os.write(write, f"ok {run()}".encode())
    except BaseException as error:
        os.write(write, f"no {type(error).__name__}: {error}".encode())
    os._exit(0)


def _answer(read: int, seconds: float) -> str:
    """What the child wrote until it closed the pipe."""
    parts = []
    while select.select([read], [], [], seconds)[0]:
        part = os.read(read, 65536)
        if not part:
            return b"".join(parts).decode(errors="replace") or CRASH
        parts.append(part)
    return HANG


def isolated(run: Callable[[], str], seconds: float = 10) -> str:
    """What a function returns, or CRASH, or HANG.

    Raises:
        RuntimeError: The function raised.
    """
    read, write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _child(run, write)
    os.close(write)
    try:
        answer = _answer(read, seconds)
    finally:
        os.close(read)
        os.kill(pid, signal.SIGKILL)  # not waited for yet, so it is still that child's
        os.waitpid(pid, 0)
    if answer.startswith("no "):
        raise RuntimeError(answer[3:])
    return answer.removeprefix("ok ")
