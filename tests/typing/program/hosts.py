# SPDX-License-Identifier: MIT
"""Gives host functions, and whatever else a module may import."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import pywasm3


def twice(value: int) -> int:
    return 2 * value


@pywasm3.host(pass_instance=True)
def from_memory(instance: pywasm3.Instance, address: int) -> int:
    return instance.memory.read_i32(address)


@pywasm3.host()
async def fetched(value: int) -> int:
    return value


class Plugin:
    """A host whose methods are imported."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def callback(self, value: int) -> int:
        self.seen.append(value)
        return value

    def imports(self) -> pywasm3.Imports:
        return {"env": {"callback": self.callback}}


def nested(function: Callable[[int], int]) -> pywasm3.Imports:
    return {"env": {"callback": function, "unused": 1.5}}


def flat(function: Callable[[int], int]) -> pywasm3.Imports:
    return {("env", "callback"): function}


def run(path: Path) -> None:
    assert_type(from_memory(pywasm3.load(path, nested(twice)), 0), int)
    for imports in (nested(twice), flat(twice), Plugin().imports()):
        assert pywasm3.load(path, imports).exports.once(21) in (42, 21)
    callbacks: dict[str, dict[str, Callable[[int], int]]] = {"env": {"callback": twice}}
    module = pywasm3.Module(path.read_bytes())
    store = pywasm3.Store(limits=pywasm3.Limits(fuel=10_000))
    first = pywasm3.Instance(module, callbacks, store=store)
    anything: dict[str, Any] = {"env": {"callback": first.exports.once}, "other": first}
    second = pywasm3.Instance(module, anything, store=store)
    third = pywasm3.Instance(
        module, {"env": {"callback": second.exports.once}, "first": first}, store=first.store
    )
    assert third.exports.once(1) == 2
    assert_type(third.fuel, int | None)
    third.fuel = None


def reference() -> pywasm3.Function:
    kind = pywasm3.FuncType(["i32"], [pywasm3.i32])
    return pywasm3.host_function(kind, twice)
