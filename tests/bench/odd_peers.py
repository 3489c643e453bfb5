# SPDX-License-Identifier: MIT
"""Peers that misbehave in the ways that a run must survive. Child processes import this module."""

import os
import time
from pathlib import Path

from pywasm3.bench.clock import Work
from pywasm3.bench.peers.base import Missing
from pywasm3.bench.peers.python import Python


class Crashing(Python):
    """Ends its process in one row, and prints to the stream that its answers go to."""

    title = "crashing"

    def call(self, instance, export, arguments):
        print("not an answer", flush=True)
        if export == "add_i32":
            os.abort()
        return super().call(instance, export, arguments)


def hang():
    """Hangs. Before that, it writes its process id to the file HANGING_PID, if that is set."""
    if "HANGING_PID" in os.environ:
        path = Path(os.environ["HANGING_PID"])
        path.with_suffix(".new").write_text(str(os.getpid()))
        path.with_suffix(".new").rename(path)
    time.sleep(1000)


class Hanging(Python):
    title = "hanging"

    def load(self, guest, hosts):
        hang()


class Stuck(Python):
    title = "stuck"

    def __init__(self, floors):
        hang()


class Leaving(Python):
    """Answers once, but closes the stream from which it would read more questions."""

    title = "leaving"

    def call(self, instance, export, arguments):
        os.close(0)
        return super().call(instance, export, arguments)


class Wrong(Python):
    title = "wrong"

    def call(self, instance, export, arguments):
        return Work("6", {})

    def view(self, instance):
        return Work("memoryview(b'x')", {})


class Absent(Python):
    title = "absent"

    def __init__(self, floors):
        raise Missing("nobody has it")
