# SPDX-License-Identifier: MIT
"""The floor of plain Python: Python functions that do what the guests do."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..functions import add, add_eight, identity, nothing, pair
from ..guests import MEMORY_BYTES, Guest
from ..rows import REPEATS
from .base import Cannot, Host, Peer, arguments_text


def fibonacci(n: int) -> int:
    """Computes a Fibonacci number by the same recursion as the guest."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def fib() -> int:
    """Does the job of fib.wasm."""
    return int(fibonacci(20) != 6765)


def sieve() -> int:
    """Does the job of sieve.wasm."""
    composite = bytearray(30_000)
    count = 0
    for i in range(2, len(composite)):
        if composite[i]:
            continue
        count += 1
        for multiple in range(2 * i, len(composite), i):
            composite[multiple] = 1
    return int(count != 3245)


def matrix() -> int:
    """Does the job of matrix.wasm."""
    side = 40
    left = [[float(row + column) for column in range(side)] for row in range(side)]
    right = [[float(row - column) for column in range(side)] for row in range(side)]
    result = [[0.0] * side for _ in range(side)]
    for row in range(side):
        for column in range(side):
            total = 0.0
            for i in range(side):
                total += left[row][i] * right[i][column]
            result[row][column] = total
    trace = sum(result[i][i] for i in range(side))
    return int(trace != 0 or result[side - 1][0] != 50960)


CALLS: dict[str, Callable[..., Any]] = {
    "nothing": nothing,
    "identity_i32": identity,
    "identity_externref": identity,
    "add_i32": add,
    "add_i64": add,
    "add_f32": add,
    "add_f64": add,
    "sum": add_eight,
    "pair": pair,
}
JOBS: dict[str, Callable[[], int]] = {"fib": fib, "sieve": sieve, "matrix": matrix}


def callbacks(hosts: Mapping[str, Host]) -> dict[str, Callable[[], int]]:
    """Returns functions that do what the exports of callbacks.wasm do."""
    functions = {name: host.function for name, host in hosts.items()}
    none, one, two, floats, eight = (
        functions[name] for name in ("nothing", "identity_i32", "add_i32", "add_f64", "sum")
    )

    def repeat_nothing() -> int:
        left = REPEATS
        while left:
            none()
            left -= 1
        return 0

    def repeat_identity_i32() -> int:
        left, wrong = REPEATS, 0
        while left:
            wrong |= one(left) != left
            left -= 1
        return wrong

    def repeat_add_i32() -> int:
        left, wrong = REPEATS, 0
        while left:
            wrong |= two(left, 2) != left + 2
            left -= 1
        return wrong

    def repeat_add_f64() -> int:
        left, wrong = REPEATS, 0
        while left:
            wrong |= floats(0.5, 0.25) != 0.75
            left -= 1
        return wrong

    def repeat_sum() -> int:
        left, wrong = REPEATS, 0
        while left:
            wrong |= eight(1, 2, 3, 4, 5, 6, 7, 8) != 36
            left -= 1
        return wrong

    def outer() -> int:
        return int(functions["reenter"](7) != 7)

    made = (repeat_nothing, repeat_identity_i32, repeat_add_i32, repeat_add_f64, repeat_sum)
    return {function.__name__: function for function in made} | {
        "once": lambda: int(one(7) != 7),
        "outer": outer,
        "inner": lambda: 0,
    }


class Python(Peer):
    """Has a Python function for each guest function, and a bytearray instead of a memory."""

    title = "Python"
    floor = True

    def version(self) -> str:
        """Returns the version of Python."""
        return platform.python_version()

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Returns functions by name, or a bytearray."""
        if guest.name in ("calls", "references"):
            return CALLS
        if guest.name == "callbacks":
            return callbacks(hosts)
        if guest.name == "memory":
            return bytearray(MEMORY_BYTES)
        if guest.name in JOBS:
            return {"job": JOBS[guest.name]}
        raise Cannot("there is no version of it in Python")

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call."""
        return Work(f"f({arguments_text(arguments)})", {"f": instance[export]})

    def value(self, result: Any) -> Any:
        """Returns the result as it is."""
        return result

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes a memoryview of the bytearray."""
        return Work("memoryview(m)", {"m": instance})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that slices the bytearray."""
        return Work("m[a:b]", {"m": instance, "a": address, "b": address + size})

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that assigns to a slice of the bytearray."""
        names = {"m": instance, "a": address, "b": address + len(data), "d": data}
        return Work("m[a:b] = d", names)
