# SPDX-License-Identifier: MIT
"""Measures what it costs to await a call, beside other ways to call from an event loop.

Each row is the time of one short call, which one task makes a thousand times in turn. The least
time of several rounds counts, in which the rows take turns. What the figures do **not** show: in a
loop that has much else to do, each switch to a thread and back waits longer; and only the rows with
a thread leave the loop free while a guest computes.

    python benchmarks/aio.py [--rounds N]

The rows with greenlet are only measured if it is installed.
"""

import argparse
import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import wasmtime

import pywasm3

try:
    import greenlet
except ImportError:
    greenlet = None

TEXT = """(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (func (export "call") (param i32) (result i32) local.get 0 call $f)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"""
MODULE = pywasm3.Module(wasmtime.wat2wasm(TEXT))
CALLS = 1000

Row = Callable[[], Awaitable[None]]


def exports(f: Callable[..., Any] = abs) -> pywasm3.Exports:
    """Returns the exports of a new instance."""
    return pywasm3.Instance(MODULE, {"env": {"f": f}}).exports


async def direct() -> None:
    """Calls directly: the loop waits for the guest."""
    add = exports().add
    for _ in range(CALLS):
        add(1, 2)


async def aio() -> None:
    """Awaits the call, which runs on a thread and can be cancelled."""
    add = exports().add.aio
    for _ in range(CALLS):
        await add(1, 2)


async def to_thread() -> None:
    """Runs the call on one of asyncio's threads, where it cannot be cancelled."""
    add = exports().add
    for _ in range(CALLS):
        await asyncio.to_thread(add, 1, 2)


async def answer(n: int) -> int:
    """An async host function."""
    return n


async def aio_host() -> None:
    """Awaits a call that calls an async host function."""
    call = exports(answer).call.aio
    for _ in range(CALLS):
        await call(1)


async def in_greenlet() -> None:
    """Calls in a greenlet: the loop waits, but a host function could switch back to it."""
    add = exports().add
    for _ in range(CALLS):
        greenlet.greenlet(add).switch(1, 2)


async def greenlet_host() -> None:
    """Calls in a greenlet, whose host function switches to the loop to have something awaited."""
    loop = greenlet.getcurrent()
    call = exports(lambda n: loop.switch(answer(n))).call
    for _ in range(CALLS):
        guest = greenlet.greenlet(call)
        guest.switch(await guest.switch(1))


ROWS: list[tuple[str, Row]] = [
    ("f(1, 2)", direct),
    ("await f.aio(1, 2)", aio),
    ("await asyncio.to_thread(f, 1, 2)", to_thread),
    ("await f.aio(1), async host function", aio_host),
]
if greenlet:
    ROWS += [
        ("f(1, 2) in a greenlet", in_greenlet),
        ("f(1) in a greenlet, async host function", greenlet_host),
    ]


def main() -> None:
    """Prints one line for each row."""
    parser = argparse.ArgumentParser(description="Measures what it costs to await a call.")
    parser.add_argument("--rounds", type=int, default=20)
    least = dict.fromkeys((name for name, _ in ROWS), math.inf)
    for _ in range(parser.parse_args().rounds):
        for name, row in ROWS:
            begin = time.perf_counter()
            asyncio.run(row())
            least[name] = min(least[name], time.perf_counter() - begin)
    for name, seconds in least.items():
        print(f"{name:36} {seconds / CALLS * 1e6:7.2f} us")


if __name__ == "__main__":
    main()
