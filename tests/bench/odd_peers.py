# SPDX-License-Identifier: MIT
"""Peers that do what peers should not; children import this module."""

import os
import time

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


class Hanging(Python):
    title = "hanging"

    def load(self, guest, hosts):
        time.sleep(1000)


class Wrong(Python):
    title = "wrong"

    def call(self, instance, export, arguments):
        return Work("6", {})


class Absent(Python):
    title = "absent"

    def __init__(self, floors):
        raise Missing("nobody has it")
