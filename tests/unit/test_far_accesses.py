# SPDX-License-Identifier: MIT
"""Loads and stores in memories that wasm3's own operations do not reach.

Those are every memory but the first one, and memories with 64-bit addresses. Each instruction runs
with its operands in slots and in the register, and at the ends of what addresses and offsets can
be. The expected results are those of a model: an access to `size` bytes from address + offset on, a
sum that does not wrap, traps unless a `bytes` of the memory's length has all of them.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import pywasm3
from helpers import load
from pywasm3 import Trap, TrapKind
from pywasm3._ffi import lib
from simd_model import compute
from simd_ops import OPS

PAGE = 1 << 16
GIB = 1 << 30


def signed(number: int, bits: int) -> int:
    """The number that Python gets for these low bits of a result."""
    number &= (1 << bits) - 1
    return number - (number >> (bits - 1) << bits)


# ---- instructions ----


@dataclass(frozen=True)
class Access:
    """A load or a store of a number."""

    name: str
    type: str  # of the value
    is_load: bool
    size: int  # in bytes
    is_signed: bool

    @property
    def bits(self) -> int:
        return int(self.type[1:])

    @property
    def same_bits(self) -> str:
        """The integer type that is as wide as the value."""
        return f"i{self.bits}"

    def loaded(self, data: bytes) -> int:
        """What a load of these bytes gives, as an integer of the same bits."""
        return signed(int.from_bytes(data, "little", signed=self.is_signed), self.bits)

    def stored(self, value: int) -> bytes:
        return (value & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")


def _access(name: str) -> Access:
    match = re.fullmatch(r"(([if])(32|64))\.(load|store)(\d*)(_s)?(_u)?", name)
    assert match is not None
    bits = int(match[5] or match[3])
    return Access(name, match[1], match[4] == "load", bits // 8, match[6] is not None)


NAMES = [
    *("i32.load", "i64.load", "f32.load", "f64.load", "i32.load8_s", "i32.load8_u"),
    *("i32.load16_s", "i32.load16_u", "i64.load8_s", "i64.load8_u", "i64.load16_s"),
    *("i64.load16_u", "i64.load32_s", "i64.load32_u", "i32.store", "i64.store", "f32.store"),
    *("f64.store", "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32"),
]
ACCESSES = {name: _access(name) for name in NAMES}
VECTORS = {name: op for name, op in OPS.items() if op.size}


def test_the_table_has_all_loads_and_stores() -> None:
    assert len(ACCESSES) == 0x3E - 0x28 + 1
    assert len(VECTORS) == 12 + 10


# ---- memories ----


@dataclass(frozen=True)
class Place:
    """A memory: the definitions of all memories, its index, and the type of its addresses."""

    memories: str
    index: int
    address: str

    @property
    def bits(self) -> int:
        return int(self.address[1:])


PLACES = {
    "second": Place('(memory (export "other") 1) (memory (export "m") 1)', 1, "i32"),
    "64-bit": Place('(memory (export "m") i64 1)', 0, "i64"),
    "third, 64-bit": Place(
        '(memory (export "other") 1) (memory i64 1) (memory (export "m") i64 1 1)', 2, "i64"
    ),
}

# How the code gets an operand: from a local, which is a slot, or computed, which is the register.
ADDRESSES = {"slot": "(local.get $address)", "register": "(A.add (local.get $address) (A.const 0))"}
INTEGERS = {"slot": "(local.get $value)", "register": "(I.xor (local.get $value) (I.const 0))"}
FLOATS = {
    "slot": "(local.set $float (T.reinterpret_I (local.get $value)))",
    "register": "(T.reinterpret_I (local.get $value))",
}


def offsets(place: Place, size: int) -> list[int]:
    """Offsets whose sums with addresses would wrap in 32 or in 64 bits, and small ones."""
    found = [0, 5, PAGE, 2**31, 2**32 - 1]
    if place.bits == 64:
        found += [2**32, 2**32 + 5, 2**63 - 1, 2**63, 2**64 - PAGE, 2**64 - size, 2**64 - 1]
    return sorted(set(found))


def addresses(place: Place, offset: int, size: int) -> list[int]:
    """Addresses around each border of the memory, and around where a sum would wrap."""
    borders = [0, PAGE - size, PAGE, 2**31, 2**32, -offset, PAGE - size - offset]
    if place.bits == 64:
        borders += [2**63, 2**32 - offset, 2**32 + PAGE - size - offset]
    near = {border + more for border in borders for more in (-1, 0, 1, size)}
    return sorted({number % (1 << place.bits) for number in near})


def pattern(memory: int) -> bytes:
    return bytes((i * 37 + i // 256 + 101 * memory) & 0xFF for i in range(PAGE))


def _function(access: Access, place: Place, name: str, offset: int, how: str, what: str) -> str:
    """A function of an address and a value, which returns the bits of what it loads.

    `how` says where the address is. `what` says for a store where the value is; for a load, whether
    the register is used by another operand, to which an integer is added then.
    """
    address = ADDRESSES[how].replace("A", place.address)
    integer, float_type = access.same_bits, access.type
    instruction = f"{access.name} {place.index} offset={offset} {address}"
    head = f'(func (export "{name}") (param $address {place.address}) (param $value {integer})'
    if access.is_load:
        code = f"({instruction})"
        if float_type != integer:
            code = f"({integer}.reinterpret_{float_type} {code})"
        if what == "register":
            busy = f"({integer}.mul (local.get $value) ({integer}.const 3))"
            code = f"({integer}.add {busy} {code})"
        return f"{head} (result {integer}) {code})"
    if float_type == integer:
        return f"{head} ({instruction} {INTEGERS[what].replace('I', integer)}))"
    value = FLOATS[what].replace("T", float_type).replace("I", integer)
    first, value = (value, "(local.get $float)") if what == "slot" else ("", value)
    return f"{head} (local $float {float_type}) {first} ({instruction} {value}))"


FORMS = list(itertools.product(("slot", "register"), repeat=2))


@functools.cache
def _instance(place: str, name: str) -> pywasm3.Instance:
    access, at = ACCESSES[name], PLACES[place]
    functions = [
        _function(access, at, f"{how} {what} {offset}", offset, how, what)
        for how, what in FORMS
        for offset in offsets(at, access.size)
    ]
    return load(f"(module {at.memories} {' '.join(functions)})")


def _expected(
    access: Access, before: bytes, address: int, value: int, what: str
) -> tuple[int | None, bytes]:
    """What a call returns that does not trap, and the memory after it."""
    if not access.is_load:
        data = access.stored(value)
        return None, before[:address] + data + before[address + access.size :]
    result = access.loaded(before[address : address + access.size])
    return signed(result + 3 * value, access.bits) if what == "register" else result, before


@pytest.mark.parametrize("name", ACCESSES)
@pytest.mark.parametrize("place", PLACES)
def test_numbers_are_loaded_and_stored_as_the_model_says(place: str, name: str) -> None:
    access, at = ACCESSES[name], PLACES[place]
    exports = _instance(place, name).exports
    value = signed(0x8D1FE55CC3A2B1F0, access.bits)
    before, other = pattern(0), pattern(1)
    if "other" in exports:
        exports.other.write(0, other)
    exports.m.write(0, before)
    trapped = 0
    for offset in offsets(at, access.size):
        for address in addresses(at, offset, access.size):
            for how, what in FORMS:
                call = exports[f"{how} {what} {offset}"], signed(address, at.bits), value
                if address + offset + access.size > PAGE:
                    with pytest.raises(Trap) as caught:
                        call[0](*call[1:])
                    assert caught.value.kind == TrapKind.MEMORY_OUT_OF_BOUNDS
                    trapped += 1
                    continue
                result, after = _expected(access, before, address + offset, value, what)
                assert call[0](*call[1:]) == result, (offset, address, how, what)
                if not access.is_load:
                    assert exports.m.read(0, PAGE) == after, (offset, address, how, what)
                    exports.m.write(0, before)
    assert trapped > 100
    assert exports.m.read(0, PAGE) == before
    if "other" in exports:
        assert exports.other.read(0, PAGE) == other


# ---- vectors ----

VECTOR = bytes(range(0xE0, 0xF0))
LANE = 1  # in each access of a lane
CONSTANT = f"(v128.const i8x16 {' '.join(map(str, VECTOR))})"
# The vector in a slot, and in the vector register.
VECTOR_OPERANDS = {"slot": CONSTANT, "register": f"(v128.or {CONSTANT} {CONSTANT})"}


@pytest.fixture(params=["all", "baseline"])
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    """Lets pywasm3 use all vector instructions of this processor, or those that each one has."""
    lib.pw_use_baseline_vectors(request.param == "baseline")
    yield request.param
    lib.pw_use_baseline_vectors(False)


@functools.cache
def _vector_instance(place: str, name: str, level: str) -> pywasm3.Instance:
    """Returns an instance of its own for each level, because it keeps the code of its level."""
    op, at = VECTORS[name], PLACES[place]
    functions = []
    for (how, what), offset in itertools.product(FORMS, offsets(at, op.size)):
        address = ADDRESSES[how].replace("A", at.address)
        lane = f" {LANE}" if op.lanes else ""
        vector = VECTOR_OPERANDS[what] if "v128" in op.params else ""
        code = f"({op.name} {at.index} offset={offset}{lane} {address} {vector})"
        head = f'(func (export "{how} {what} {offset}") (param $address {at.address})'
        if op.result is None:
            functions.append(f"{head} {code})")
        else:
            functions.append(
                f"""{head} (result i64 i64) (local $v v128) (local.set $v {code})
                (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)))"""
            )
    return load(f"(module {at.memories} {' '.join(functions)})")


def _vector_expected(
    name: str, before: bytes, address: int
) -> tuple[tuple[int, int] | None, bytes]:
    op = VECTORS[name]
    lane = {"lane": LANE} if op.lanes else {}
    if op.result is None:
        data = compute(name, VECTOR, **lane).bits.to_bytes(op.size, "little")
        return None, before[:address] + data + before[address + op.size :]
    data = before[address : address + op.size]
    bits = compute(name, *((data, VECTOR) if op.lanes else (data,)), **lane).bits
    return (signed(bits, 64), signed(bits >> 64, 64)), before


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("place", PLACES)
def test_vectors_are_loaded_and_stored_as_the_model_says(place: str, name: str, level: str) -> None:
    op, at = VECTORS[name], PLACES[place]
    exports = _vector_instance(place, name, level).exports
    before = pattern(0)
    exports.m.write(0, before)
    for offset in offsets(at, op.size):
        for address in addresses(at, offset, op.size):
            for how, what in FORMS:
                call = exports[f"{how} {what} {offset}"], signed(address, at.bits)
                if address + offset + op.size > PAGE:
                    with pytest.raises(Trap) as caught:
                        call[0](call[1])
                    assert caught.value.kind == TrapKind.MEMORY_OUT_OF_BOUNDS
                    continue
                result, after = _vector_expected(name, before, address + offset)
                assert call[0](call[1]) == result, (offset, address, how, what)
                if op.result is None:
                    assert exports.m.read(0, PAGE) == after, (offset, address, how, what)
                    exports.m.write(0, before)
    assert exports.m.read(0, PAGE) == before


# ---- beyond 4 GiB ----

END = 4 * GIB + 2 * PAGE


@pytest.mark.parametrize("name", ACCESSES)
def test_numbers_beyond_4_gib_are_loaded_and_stored(large: pywasm3.Memory, name: str) -> None:
    access, at = ACCESSES[name], Place('(import "host" "m" (memory i64 1))', 0, "i64")
    places = [0, 4 * GIB]
    functions = [_function(access, at, f"f{o}", o, "slot", "slot") for o in places]
    exports = load(f"(module {at.memories} {' '.join(functions)})", {"host": {"m": large}}).exports
    value = signed(0x8D1FE55CC3A2B1F0, access.bits)
    for start in (4 * GIB - 3, 4 * GIB, 4 * GIB + 8, END - access.size):
        for offset in places:
            if start < offset:
                continue
            large.write(start, VECTOR[: access.size])
            around = large.read(start - 8, 8)
            result = exports[f"f{offset}"](start - offset, value)
            if access.is_load:
                assert result == access.loaded(VECTOR[: access.size])
            else:
                assert large.read(start, access.size) == access.stored(value)
            assert large.read(start - 8, 8) == around
    for offset in places:
        with pytest.raises(Trap):
            exports[f"f{offset}"](END - access.size + 1 - offset, value)
