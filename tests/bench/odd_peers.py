# SPDX-License-Identifier: MIT
"""Peers that do what peers should not; children import this module."""

import os
import time
from pathlib import Path

from pywasm3.bench.clock import Work
from pywasm3.bench.peers.base import Missing
from pywasm3.bench.peers.python import Python


class Crashing(Python):
    """Ends its process in one row, and prints where answers go."""

    title = "crashing"

    def call(self, instance, export, arguments):
        print("not an answer", flush=True)
        if export == "add_i32":
            os.abort()
        return super().call(instance, export, arguments)


def hang():
    """Says who hangs, where somebody wants to know, and does."""
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
    """Answers, but takes no more questions."""

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
