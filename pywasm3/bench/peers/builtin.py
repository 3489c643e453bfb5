# SPDX-License-Identifier: MIT
"""The floor of C functions within Python itself, which Python calls with METH_FASTCALL."""

from __future__ import annotations

import math
import operator
import platform
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Cannot, Host, Peer, arguments_text

# math.gcd takes any number of integers. Without arguments it returns 0, with one it returns that.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "nothing": math.gcd,
    "identity_i32": math.gcd,
    "add_i32": operator.add,
    "add_i64": operator.add,
    "add_f32": operator.add,
    "add_f64": operator.add,
}


class Builtin(Peer):
    """Calls `operator.add`, or `math.gcd` for one argument or none."""

    title = "builtin"
    floor = True
    note = "calls operator.add, or math.gcd for one argument or none"

    def version(self) -> str:
        """Returns the version of Python."""
        return platform.python_version()

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Returns the functions by name."""
        if guest.name != "calls":
            raise Cannot("no built-in function does that")
        return FUNCTIONS

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call."""
        if export not in instance:
            raise Cannot("no built-in function does that")
        return Work(f"f({arguments_text(arguments)})", {"f": instance[export]})

    def value(self, result: Any) -> Any:
        """Turns 0 into None, because gcd() returns 0 where the other peers return nothing."""
        return result or None
