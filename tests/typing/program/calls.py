# SPDX-License-Identifier: MIT
"""Loads modules and calls what they export."""

import array
import io
from pathlib import Path
from typing import Any, Protocol

from typing_extensions import assert_type

import pywasm3
from pywasm3.guests.strings import Heap


class StringsExports(Protocol):
    """What ``pywasm3 stubs`` writes of strings.wasm, in part."""

    def alloc(self, p0: int, /) -> int: ...
    def greet(self, p0: int, /) -> int: ...


def sources(path: Path, data: bytes) -> list[pywasm3.Source]:
    """Everything that load() reads a module from."""
    return [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]


def add(path: Path) -> None:
    for source in sources(path, path.read_bytes()):
        assert pywasm3.load(source).exports.add_i32(2, 3) == 5
    with path.open("rb") as file, pywasm3.load(file, compile="eager") as instance:
        assert_type(instance, pywasm3.Instance)
        function: pywasm3.Function = instance.exports["add_i32"]
        assert_type(function.type, pywasm3.FuncType)
        assert_type(function.type.params, tuple[pywasm3.ValueType, ...])
        assert_type(function.name, str)
        assert_type(function.raw, pywasm3.Function)
        assert_type(function.call_argv("2", "0x3"), Any)
        assert_type(function.aio, pywasm3.AsyncFunction)
        increment = function.bind(1)
        assert_type(increment, pywasm3.BoundFunction)
        assert increment(41) == 42
        columns = array.array("i", [1, 2, 3]), array.array("i", [10, 20, 30])
        total = array.array("i", [0, 0, 0])
        function.map(*columns, out=total)
        assert list(total) == list(function.map(*columns)) == [11, 22, 33]
        assert list(increment.map(columns[0])) == [2, 3, 4]
        assert list(function.map(columns[0], 1)) == [2, 3, 4]


def greet_typed(path: Path) -> None:
    instance: pywasm3.Instance[StringsExports] = pywasm3.load(path)
    assert_type(instance.exports.alloc(16), int)
    typed = pywasm3.Instance[StringsExports](instance.module)
    assert_type(typed.exports, StringsExports)
    # What takes any instance takes one with types, too.
    snapshot = instance.snapshot()
    typed.restore(snapshot)
    Heap(typed, "alloc", None)


def greet(data: bytes) -> None:
    module = pywasm3.Module(data)
    instance = pywasm3.Instance(module, limits=pywasm3.Limits(memory=1 << 20, timeout=5))
    memory = instance.memory
    assert_type(memory, pywasm3.Memory)
    address: int = instance.exports.alloc(16)
    assert_type(memory.write_str(address, "Ada"), int)
    text = memory.read_str(instance.exports.greet(address))
    assert_type(text, str)
    assert text == "Hello, Ada!"

    memory.write(address, b"abc")
    assert_type(memory.read(address, 3), bytes)
    assert_type(memory[address], int)
    assert_type(memory[address : address + 3], bytes)
    memory[address] = 0x41
    memory[address : address + 3] = bytearray(b"abc")
    memory.write_u16(address, 0xFFFF)
    assert_type(memory.read_i16(address), int)
    assert_type(memory.read_f64(address), float)
    memory.pack("ii", address, 1, 2)
    assert memory.unpack("ii", address) == (1, 2)
    view = memory.view("i32", address, 2)
    assert_type(view.nbytes, int)  # it would be Any if the view were
    view[0] = 7
    assert view.tolist() == [7, 2]
    assert memory.view(pywasm3.f64, 0, 1).nbytes == 8
    assert_type(memory.copy_out(address, 4), bytes)
    assert_type(memory.copy_out(address, 4, into=bytearray(4)), bytearray)
    assert_type(memoryview(memory).nbytes, int)
    assert_type(memory.grow(1), int)
    assert_type(memory.type, pywasm3.MemoryType)


def lanes() -> None:
    vector = pywasm3.v128(i32x4=(1, -2, 3, 4))
    assert_type(vector, pywasm3.V128)
    assert_type(vector.i32x4, tuple[int, ...])
    assert_type(pywasm3.v128(bytearray(16)).f64x2, tuple[float, ...])
    variable = pywasm3.Global(pywasm3.v128, vector, mutable=True)
    variable.value = memoryview(bytes(16))
    assert pywasm3.v128(variable.value) == pywasm3.v128(f32x4=0)


async def add_later(path: Path) -> None:
    instance = pywasm3.load(path)
    assert_type(await instance.exports.add_i32.aio(2, 3), Any)
    later: pywasm3.AsyncFunction = instance.exports.add_i32.aio
    assert await later(2, 3) == 5
