# SPDX-License-Identifier: MIT
"""A memory behaves like a bytearray that can only grow, whether Python or the guest uses it.

Hypothesis makes random sequences of operations. The model, `MemoryMachine.model`, is a bytearray
to which each operation is applied as well; it says what reads return and which operations fail.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import pywasm3
from helpers import SANITIZED, load

PAGE = 65536
MAX = 4

TEXT = f"""
(module (memory (export "memory") 0 {MAX})
  (func (export "load") (param i32) (result i32) local.get 0 i32.load8_u)
  (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store8)
  (func (export "load64") (param i32) (result i64) local.get 0 i64.load)
  (func (export "store64") (param i32 i64) local.get 0 local.get 1 i64.store)
  (func (export "fill") (param i32 i32 i32)
    local.get 0 local.get 1 local.get 2 memory.fill)
  (func (export "copy") (param i32 i32 i32)
    local.get 0 local.get 1 local.get 2 memory.copy)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))
"""

# Mostly addresses near the borders of pages, where mistakes are most likely.
addresses = st.one_of(
    st.builds(
        lambda page, offset: max(0, page * PAGE + offset),
        st.integers(0, MAX),
        st.integers(-20, 20),
    ),
    st.integers(0, MAX * PAGE + 8),
    st.integers(0, (1 << 32) - 1),
)
sizes = st.one_of(st.integers(0, 40), st.integers(0, 2 * PAGE))
contents = st.binary(max_size=40)

TYPED = {
    **{f"i{n}": c for n, c in zip((8, 16, 32, 64), "bhiq", strict=True)},
    **{f"u{n}": c for n, c in zip((8, 16, 32, 64), "BHIQ", strict=True)},
    "f32": "f",
    "f64": "d",
}


class MemoryMachine(RuleBasedStateMachine):
    """Applies each operation to a memory and to the model, and compares both."""

    def __init__(self) -> None:
        super().__init__()
        self.instance = load(TEXT)
        self.memory = self.instance.memory
        self.exports = self.instance.exports
        self.model = bytearray()
        self.views: list[memoryview] = []

    def fits(self, address: int, size: int) -> bool:
        return address + size <= len(self.model)

    @initialize(pages=st.integers(0, MAX))
    def start(self, pages: int) -> None:
        self.grow_by_host(pages)

    @rule(delta=st.integers(0, MAX + 1))
    def grow_by_host(self, delta: int) -> None:
        pages = len(self.model) // PAGE
        if pages + delta > MAX:
            with pytest.raises(pywasm3.WasmError):
                self.memory.grow(delta)
        else:
            assert self.memory.grow(delta) == pages
            self.model += bytes(delta * PAGE)

    @rule(delta=st.integers(-1, MAX + 1))
    def grow_by_guest(self, delta: int) -> None:
        pages = len(self.model) // PAGE
        if delta < 0 or pages + delta > MAX:
            assert self.exports.grow(delta) == -1
        else:
            assert self.exports.grow(delta) == pages
            self.model += bytes(delta * PAGE)

    @rule(address=addresses, data=contents)
    def write(self, address: int, data: bytes) -> None:
        if self.fits(address, len(data)):
            self.memory.write(address, data)
            self.model[address : address + len(data)] = data
        else:
            with pytest.raises(IndexError):
                self.memory.write(address, data)

    @rule(address=addresses, size=sizes)
    def read(self, address: int, size: int) -> None:
        if self.fits(address, size):
            assert self.memory.read(address, size) == self.model[address : address + size]
        else:
            with pytest.raises(IndexError):
                self.memory.read(address, size)

    @rule(start=addresses, stop=addresses)
    def read_slice(self, start: int, stop: int) -> None:
        if max(start, stop) <= len(self.model):
            assert self.memory[start:stop] == self.model[start:stop]
        else:
            with pytest.raises(IndexError):
                self.memory[start:stop]

    @rule(address=addresses, data=contents)
    def write_slice(self, address: int, data: bytes) -> None:
        if self.fits(address, len(data)):
            self.memory[address : address + len(data)] = data
            self.model[address : address + len(data)] = data
        else:
            with pytest.raises((IndexError, ValueError)):
                self.memory[address : address + len(data)] = data

    @rule(index=st.integers(-MAX * PAGE - 1, MAX * PAGE), value=st.integers(0, 255))
    def item(self, index: int, value: int) -> None:
        if -len(self.model) <= index < len(self.model):
            self.memory[index] = value
            self.model[index] = value
            assert self.memory[index] == value
        else:
            with pytest.raises(IndexError):
                self.memory[index]

    @rule(
        kind=st.sampled_from(sorted(TYPED)), address=addresses, bits=st.integers(0, (1 << 64) - 1)
    )
    def typed(self, kind: str, address: int, bits: int) -> None:
        code = f"<{TYPED[kind]}"
        size = struct.calcsize(code)
        if not self.fits(address, size):
            with pytest.raises(IndexError):
                getattr(self.memory, f"read_{kind}")(address)
            return
        data = bits.to_bytes(8, "little")[:size]
        (value,) = struct.unpack(code, data)
        if value != value:
            return
        getattr(self.memory, f"write_{kind}")(address, value)
        self.model[address : address + size] = data
        assert getattr(self.memory, f"read_{kind}")(address) == value
        assert self.memory.unpack(TYPED[kind], address) == (value,)

    @rule(address=addresses, value=st.integers(0, 255))
    def guest_byte(self, address: int, value: int) -> None:
        if self.fits(address, 1):
            self.exports.store(address, value)
            self.model[address] = value
            assert self.exports.load(address) == value
        else:
            with pytest.raises(pywasm3.Trap):
                self.exports.store(address, value)

    @rule(address=addresses, value=st.integers(0, (1 << 64) - 1))
    def guest_word(self, address: int, value: int) -> None:
        data = value.to_bytes(8, "little")
        if self.fits(address, 8):
            self.exports.store64(address, value)
            self.model[address : address + 8] = data
            assert self.exports.load64.raw(address) == value
        else:
            with pytest.raises(pywasm3.Trap):
                self.exports.store64(address, value)
            with pytest.raises(pywasm3.Trap):
                self.exports.load64(address)

    @rule(address=addresses, value=st.integers(0, 255), size=sizes)
    def guest_fill(self, address: int, value: int, size: int) -> None:
        if self.fits(address, size):
            self.exports.fill(address, value, size)
            self.model[address : address + size] = bytes([value]) * size
        else:
            with pytest.raises(pywasm3.Trap):
                self.exports.fill(address, value, size)

    @rule(to=addresses, source=addresses, size=sizes)
    def guest_copy(self, to: int, source: int, size: int) -> None:
        if self.fits(to, size) and self.fits(source, size):
            self.exports.copy(to, source, size)
            self.model[to : to + size] = self.model[source : source + size]
        else:
            with pytest.raises(pywasm3.Trap):
                self.exports.copy(to, source, size)

    @rule(text=st.text(max_size=20), address=addresses)
    def text(self, text: str, address: int) -> None:
        data = text.encode() + b"\0"
        if self.fits(address, len(data)):
            assert self.memory.write_str(address, text) == len(data)
            self.model[address : address + len(data)] = data
            assert self.memory.read_str(address) == text.split("\0")[0]
            assert self.memory.read_str(address, len(data) - 1) == text
        else:
            with pytest.raises(IndexError):
                self.memory.write_str(address, text)

    @rule()
    def view(self) -> None:
        self.views.append(memoryview(self.memory))

    @rule(address=addresses, value=st.integers(0, 255), data=st.data())
    def write_through_a_view(self, address: int, value: int, data: st.DataObject) -> None:
        views: list[Any] = [view for view in self.views if address < view.nbytes]
        if views:
            data.draw(st.sampled_from(range(len(views))))
            views[0][address] = value
            self.model[address] = value

    @invariant()
    def sizes_agree(self) -> None:
        assert len(self.memory) == len(self.model)
        assert self.memory.pages * PAGE == len(self.model)

    @invariant()
    def views_see_the_bytes(self) -> None:
        for view in self.views[-2:]:
            assert view[-40:] == self.model[max(0, view.nbytes - 40) : view.nbytes]

    def teardown(self) -> None:
        assert self.memory[:] == self.model
        for view in self.views:
            assert view == self.model[: view.nbytes]


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=10 if SANITIZED else 50, stateful_step_count=40)
