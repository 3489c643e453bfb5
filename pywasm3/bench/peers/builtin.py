# SPDX-License-Identifier: MIT
"""The floor of C functions in Python itself, called with METH_FASTCALL."""

from __future__ import annotations

import math
import operator
import platform
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Cannot, Host, Peer, arguments_text

# gcd takes any number of integers; of none it is 0, and of one that one.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "nothing": math.gcd,
    "identity_i32": math.gcd,
    "add_i32": operator.add,
    "add_i64": operator.add,
    "add_f32": operator.add,
    "add_f64": operator.add,
}


class Builtin(Peer):
    """`operator.add`, and `math.gcd` where there is one argument or none."""

    title = "builtin"
    floor = True
    note = "operator.add, and math.gcd where there is one argument or none"

    def version(self) -> str:
        """Of Python."""
        return platform.python_version()

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Functions by name."""
        if guest.name != "calls":
            raise Cannot("no builtin does that")
        return FUNCTIONS

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """A call of the function."""
        if export not in instance:
            raise Cannot("no builtin does that")
        return Work(f"f({arguments_text(arguments)})", {"f": instance[export]})

    def value(self, result: Any) -> Any:
        """gcd() is 0 where the others return nothing."""
        return result or None
