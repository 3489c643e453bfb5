# SPDX-License-Identifier: MIT
"""Loads and stores of vectors access exactly their bytes, up to the last byte of the memory.

The expected results are arithmetic: an access of n bytes is in bounds up to the address that is n
less than the size of the memory.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import Trap, TrapKind
from simd_model import compute
from simd_ops import OPS, Op

PAGE = 1 << 16
ACCESSES = {name: op for name, op in OPS.items() if op.size}
VECTOR = bytes(range(0xE0, 0xF0))
LANE = 1  # in each access of a lane

# How the code gets the address: in a local, computed just before, or as a constant.
ADDRESSES = {
    "local": "(local.get $address)",
    "computed": "(i32.add (local.get $address) (i32.const 0))",
}


def _code(op: Op, address: str, offset: int) -> str:
    """Returns code that accesses the memory and gives the result, if there is one."""
    constant = f"(v128.const i8x16 {' '.join(map(str, VECTOR))})"
    lane = f" {LANE}" if op.lanes else ""
    vector = constant if "v128" in op.params else ""
    return f"({op.name} offset={offset}{lane} {address} {vector})"


def _function(op: Op, name: str, address: str, offset: int) -> str:
    """Returns a function whose results are the halves of a loaded vector."""
    head = f'(func (export "{name}") (param $address i32)'
    code = _code(op, address, offset)
    if op.result is None:
        return f"{head} {code})"
    return f"""{head} (result i64 i64) (local $v v128) (local.set $v {code})
        (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)))"""


@functools.cache
def _instance(name: str) -> pywasm3.Instance:
    op = ACCESSES[name]
    functions = [
        _function(op, f"{how} {offset}", address, offset)
        for how, address in ADDRESSES.items()
        for offset in (0, 5, 0xFFFFFFFF)
    ]
    last = PAGE - op.size
    functions += [
        _function(op, "last constant", f"(i32.const {last})", 0),
        _function(op, "constant behind the last", f"(i32.const {last + 1})", 0),
        _function(op, "constant with an offset", f"(i32.const {last - 7})", 8),
    ]
    return load(f'(module (memory (export "m") 1) {" ".join(functions)})')


def _pattern() -> bytes:
    return bytes((i * 37 + i // 256) & 0xFF for i in range(PAGE))


def _expected(op: Op, before: bytes, address: int) -> tuple[Any, bytes]:
    """Returns what a call returns, and the memory after it."""
    lane = {"lane": LANE} if op.lanes else {}
    if op.result is None:
        result = compute(op.name, VECTOR, **lane)
        data = result.bits.to_bytes(op.size, "little")
        return None, before[:address] + data + before[address + op.size :]
    data = before[address : address + op.size]
    operands = (data, VECTOR) if op.lanes else (data,)
    bits = compute(op.name, *operands, **lane).bits
    halves = (bits & (1 << 64) - 1, bits >> 64)
    return tuple(half - (half >> 63 << 64) for half in halves), before


@pytest.mark.parametrize("name", ACCESSES)
def test_the_last_bytes_of_the_memory_can_be_accessed(name: str) -> None:
    op, exports = ACCESSES[name], _instance(name).exports
    last = PAGE - op.size
    calls = {("last constant", 0): last}
    for how in ADDRESSES:
        for address in (0, 1, 2, 3, 7, last - 6, last - 5):
            calls[f"{how} 0", address] = address
            calls[f"{how} 5", address] = address + 5
        calls[f"{how} 0", last] = last
    for (function, argument), address in calls.items():
        exports.m.write(0, _pattern())
        result, memory = _expected(op, _pattern(), address)
        assert exports[function](argument) == result, (function, argument)
        assert bytes(exports.m.read(0, PAGE)) == memory, (function, argument)


@pytest.mark.parametrize("name", ACCESSES)
def test_an_access_behind_the_memory_traps_and_changes_nothing(name: str) -> None:
    op, exports = ACCESSES[name], _instance(name).exports
    last = PAGE - op.size
    calls = [("constant behind the last", 0), ("constant with an offset", 0)]
    for how in ADDRESSES:
        calls += [(f"{how} 0", last + more) for more in (1, op.size, op.size + 1)]
        calls += [(f"{how} 5", last - 4), (f"{how} 5", -1), (f"{how} 0", -1), (f"{how} 0", -16)]
        calls += [(f"{how} 0", -(1 << 31)), (f"{how} 5", -5)]
        calls += [(f"{how} {0xFFFFFFFF}", address) for address in (0, 1, 2, -1, -2)]
    exports.m.write(0, _pattern())
    for function, argument in calls:
        with pytest.raises(Trap) as caught:
            exports[function](argument)
        assert caught.value.kind == TrapKind.MEMORY_OUT_OF_BOUNDS, (function, argument)
    assert bytes(exports.m.read(0, PAGE)) == _pattern()
