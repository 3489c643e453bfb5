# SPDX-License-Identifier: MIT
"""Strings in and out of guests, objects of AssemblyScript, and guests that are imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import pywasm3
from pywasm3 import hook
from pywasm3.guests import assemblyscript
from pywasm3.guests.assemblyscript import Abort, Array, Guest, TypedArray
from pywasm3.guests.strings import AllocationError, Block, Form, Heap
from pywasm3.wasi import CAPTURE, WasiConfig


def place(path: Path) -> None:
    """Uses a heap; the guest exports no allocator under a usual name."""
    instance = pywasm3.load(path)
    try:
        heap = Heap(instance, max_bytes=1 << 20)
    except pywasm3.WasmError:
        return
    assert_type(heap.wrap("greet", result=Form.CSTRING), Callable[..., Any])
    try:
        with heap.put("text", Form.SLICE) as block:
            assert_type(block, Block)
            assert_type(heap.read(block.address, Form.SLICE, block.length), str)
    except AllocationError as error:
        print(error)


@assemblyscript.host(str, None, returns=str)
def ask(question: str, number: int) -> str:
    return question * number


def objects(path: Path) -> None:
    """Loads a guest, which need not be AssemblyScript's as long as no object is made."""
    config = WasiConfig(stdout=CAPTURE)
    guest = assemblyscript.load(path, {"guest": {"ask": ask}}, wasi=config)
    assert_type(guest, Guest)
    try:
        assert_type(guest.new(Array("i32", [1, 2])), int)
        with guest.pinned(TypedArray("f64", [1.5])) as address:
            assert_type(address, int)
    except Abort as error:
        assert_type(error.line, int)
    except pywasm3.WasmError:
        pass


def installed() -> None:
    """Installs the hook for one guest, and removes it."""
    limits = pywasm3.Limits(fuel=1000)
    with hook.install(modules=["absent"], limits=limits, from_python=["host"]) as finder:
        assert_type(finder, hook.Finder)
