# SPDX-License-Identifier: MIT
"""The child process that measures one peer: sending requests, waiting, and reporting its end."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any

from .peers import peer_class

Answer = dict[str, Any]
MAX_HANGS = 3  # A peer that hung this often is not asked again, because there are many rows.


def ending(code: int, timeout: float | None = None) -> str:
    """Says in words why a process ended."""
    if timeout is not None:
        return f"no answer in {timeout:g} s"
    if code < 0:
        try:
            return f"crashed: {signal.Signals(-code).name}"
        except ValueError:
            return f"crashed: signal {-code}"
    return f"ended with exit code {code}"


class Child:
    """The process of one peer. The first request starts it, and starts it again after it ended."""

    def __init__(self, name: str, floors: str, timeout: float) -> None:
        peer_class(name)  # An unknown name raises ValueError here, where the user sees it.
        self._command = [sys.executable, "-m", "pywasm3.bench.child", name, floors]
        self._timeout = timeout
        self._hung = 0
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def ask(self, *, patience: float = 1, **request: Any) -> Answer:
        """Returns the answer to a request.

        If the process ends or hangs instead, the answer is ``{"failed": what}``. `patience` says
        how many times as long as usual it may take.
        """
        if self._hung >= MAX_HANGS:
            return {"failed": f"not asked, because it hung {MAX_HANGS} times"}
        if self._process is None and request["do"] != "hello":
            hello = self._ask({"do": "hello"}, self._timeout)
            if "version" not in hello:
                return {"failed": hello.get("failed") or hello.get("missing")}
        return self._ask(request, self._timeout * patience)

    def _ask(self, request: Answer, timeout: float) -> Answer:
        process = self._process or self._start()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return {"failed": self._end(timeout)}
        except OSError:
            line = None
        if line is None:
            return {"failed": self._end()}
        answer: Answer = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[str]:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )
        self._process, self._lines = process, queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(process, self._lines), daemon=True)
        self._reader.start()
        return process

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def _end(self, timeout: float | None = None) -> str:
        """Ends the process. Returns why it ended, with the last line that it wrote to stderr."""
        process = self._process
        assert process is not None
        if timeout is not None:
            self._hung += 1
            process.kill()
        why = ending(process.wait(), timeout)
        self._errors.seek(0)
        words = self._errors.read().strip().splitlines()
        self.close()
        return f"{why} ({words[-1]})" if words and process.returncode > 0 else why

    def close(self) -> None:
        """Ends the process, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self._reader.join()
        for stream in (process.stdin, process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
