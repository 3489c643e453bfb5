# SPDX-License-Identifier: MIT
"""Atomic instructions, on memories of both address widths and on memories beyond the first one.

Every instruction is compared with a plain model, which is a bytearray, and with wasmtime.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

import pywasm3
from helpers import Oracle, load, outcome, wat
from pywasm3 import Trap, TrapKind

SIZE = 65536
BITS = {"i32": 32, "i64": 64}


@dataclass(frozen=True)
class Access:
    """An atomic access: its name, the type of its values, and the bytes of the number."""

    name: str
    type: str
    size: int
    kind: str

    @property
    def operands(self) -> int:
        return {"load": 0, "cmpxchg": 2}.get(self.kind, 1)


def accesses() -> list[Access]:
    found = []
    for type_, bits in BITS.items():
        for size in (1, 2, 4, 8):
            if size * 8 > bits:
                continue
            part = "" if size * 8 == bits else str(size * 8)
            unsigned = f"{part}_u" if part else ""
            ending = "_u" if part else ""
            found.append(Access(f"{type_}.atomic.load{unsigned}", type_, size, "load"))
            found.append(Access(f"{type_}.atomic.store{part}", type_, size, "store"))
            for kind in ("add", "sub", "and", "or", "xor", "xchg", "cmpxchg"):
                name = f"{type_}.atomic.rmw{part}.{kind}{ending}"
                found.append(Access(name, type_, size, kind))
    return found


ACCESSES = accesses()
OFFSETS = (0, 3, 8)

# The memories of a module, and the address type of the one that is accessed, which is $m.
MEMORIES = {
    "the only memory": ("(memory $m 1)", "i32"),
    "a second memory": ("(memory 1) (memory $m 1)", "i32"),
    "a memory with 64-bit addresses": ("(memory $m i64 1)", "i64"),
    "a second one with 64-bit addresses": ("(memory 1) (memory $m i64 1)", "i64"),
}


def function(access: Access, address: str, offset: int) -> str:
    operands = f" {access.type}" * access.operands
    gets = "".join([f" (local.get {i + 1})" for i in range(access.operands)])
    result = "" if access.kind == "store" else f"(result {access.type})"
    return (
        f'(func (export "{access.name} {offset}") (param {address}{operands}) {result} '
        f"({access.name} $m offset={offset} (local.get 0){gets}))"
    )


def module(memory: str) -> str:
    declared, address = MEMORIES[memory]
    functions = [function(access, address, offset) for access in ACCESSES for offset in OFFSETS]
    return f"""(module {declared} {"".join(functions)}
      (func (export "read") (param {address}) (result i64) (i64.load $m (local.get 0)))
      (func (export "write") (param {address} i64) (i64.store $m (local.get 0) (local.get 1)))
      (func (export "notify") (param {address} i32) (result i32)
        (memory.atomic.notify $m (local.get 0) (local.get 1)))
      (func (export "wait32") (param {address} i32 i64) (result i32)
        (memory.atomic.wait32 $m (local.get 0) (local.get 1) (local.get 2)))
      (func (export "wait64") (param {address} i64 i64) (result i32)
        (memory.atomic.wait64 $m (local.get 0) (local.get 1) (local.get 2))))"""


def model(access: Access, data: bytearray, at: int, values: list[int]) -> int | None:
    """Does what the instruction does to the bytes, and returns its result, unsigned."""
    old = int.from_bytes(data[at : at + access.size], "little")
    mask = (1 << 8 * access.size) - 1
    given = values[0] & mask if values else 0
    new = {
        "load": lambda: old,
        "store": lambda: given,
        "add": lambda: old + given,
        "sub": lambda: old - given,
        "and": lambda: old & given,
        "or": lambda: old | given,
        "xor": lambda: old ^ given,
        "xchg": lambda: given,
        # The value that is expected is cut to the number's size.
        "cmpxchg": lambda: values[1] if given == old else old,
    }[access.kind]()
    data[at : at + access.size] = (new & mask).to_bytes(access.size, "little")
    return None if access.kind == "store" else old


def random_value(rng: random.Random, type_: str) -> int:
    edges = [0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, -0x80000000]
    value = rng.choice([rng.choice(edges), rng.getrandbits(64)])
    return value & ((1 << BITS[type_]) - 1)


@pytest.mark.parametrize("memory", MEMORIES)
def test_every_access_does_what_the_model_does(memory: str) -> None:
    rng = random.Random(17)
    instance = load(module(memory))
    start = 64
    for access in ACCESSES:
        for offset in OFFSETS:
            call = instance.exports[f"{access.name} {offset}"].raw
            for _ in range(12):
                data = bytearray(rng.choice([rng.randbytes(8), bytes(8), b"\xff" * 8]))
                instance.exports.write(start, int.from_bytes(data, "little", signed=True))
                # An address behind which the number is aligned, within the eight bytes.
                at = rng.randrange(0, 8, access.size)
                values = [random_value(rng, access.type) for _ in range(access.operands)]
                if access.kind == "cmpxchg" and rng.random() < 0.5:
                    values[0] = int.from_bytes(data[at : at + access.size], "little")
                    beyond = random_value(rng, access.type) >> 8 * access.size
                    values[0] |= beyond << 8 * access.size  # which does not count
                expected = model(access, data, at, values)
                result = call(start + at - offset, *values)
                assert result == expected, (access, offset, at, values)
                after = instance.exports.read(start) & (1 << 64) - 1
                assert after.to_bytes(8, "little") == bytes(data), (access, offset, at, values)


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_compare_exchange_ignores_bits_beyond_its_number(memory: str) -> None:
    """As in wasmtime: the proposal wraps the value that is expected before it compares."""
    text = module(memory)
    oracle, instance = Oracle(wat(text)), load(text)
    for access in ACCESSES:
        if access.kind != "cmpxchg" or 8 * access.size == BITS[access.type]:
            continue
        for expected in (0x11, 0x1111, 0x11111111, 0x1111111111111111):
            values = (expected & (1 << BITS[access.type]) - 1, 0x42)
            found = []
            for call in (lambda name, *given: instance.exports[name](*given), oracle.call):
                call("write", 64, 0x1111111111111111)
                found.append((call(f"{access.name} 0", 64, *values), call("read", 64)))
            assert found[0] == found[1], (access, values)


@pytest.mark.parametrize("memory", MEMORIES)
def test_accesses_trap_as_in_wasmtime(memory: str) -> None:
    """Unaligned accesses and those beyond the end trap; if both is so, the first check decides."""
    text = module(memory)
    oracle, instance = Oracle(wat(text)), load(text)
    wide = MEMORIES[memory][1] == "i64"
    edges = [0, 1, 2, 3, 4, 5, 7, SIZE, -1, -2, -4, -8, *[SIZE - i for i in range(1, 12)]]
    edges += [(1 << 62), (1 << 32) + 1, -(1 << 63), (1 << 63) - 1] if wide else [-(1 << 31)]
    for access in ACCESSES:
        for offset in OFFSETS:
            for at in edges:
                name, given = f"{access.name} {offset}", (at, *(1,) * access.operands)
                assert outcome(instance.exports[name], *given) == oracle.outcome(name, *given), (
                    name,
                    at,
                )


@pytest.mark.parametrize("memory", MEMORIES)
def test_nothing_waits_at_a_memory_that_is_not_shared(memory: str) -> None:
    exports = load(module(memory)).exports
    assert exports.notify(8, 5) == 0
    assert exports.notify(SIZE - 4, -1) == 0
    for name in ("wait32", "wait64"):
        with pytest.raises(Trap) as caught:
            exports[name](8, 0, -1)
        assert caught.value.kind is TrapKind.EXPECTED_SHARED_MEMORY


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        ("notify", (2, 1), TrapKind.UNALIGNED_ATOMIC),
        ("notify", (SIZE, 1), TrapKind.MEMORY_OUT_OF_BOUNDS),
        ("wait32", (2, 0, 0), TrapKind.UNALIGNED_ATOMIC),
        ("wait64", (4, 0, 0), TrapKind.UNALIGNED_ATOMIC),
        ("wait32", (SIZE, 0, 0), TrapKind.MEMORY_OUT_OF_BOUNDS),
        ("wait64", (SIZE, 0, 0), TrapKind.MEMORY_OUT_OF_BOUNDS),
    ],
)
def test_waiting_needs_an_aligned_address_of_the_memory(
    memory: str, name: str, given: tuple[Any, ...], kind: TrapKind
) -> None:
    with pytest.raises(Trap) as caught:
        load(module(memory)).exports[name](*given)
    assert caught.value.kind is kind


@pytest.mark.parametrize("offset", [(1 << 64) - 8, (1 << 64) - 1, (1 << 63), (1 << 64) - 12])
def test_huge_offsets_do_not_wrap(offset: int) -> None:
    """An offset that wraps around together with the address would reach the memory."""
    text = f"""(module (memory i64 1)
      (func (export "load") (param i64) (result i32)
        (i32.atomic.load offset={offset} (local.get 0)))
      (func (export "add") (param i64 i64) (result i64)
        (i64.atomic.rmw.add offset={offset} (local.get 0) (local.get 1))))"""
    exports = load(text).exports
    for name, given in (("load", ()), ("add", (1,))):
        for at in range(16):
            with pytest.raises(Trap) as caught:
                exports[name](at, *given)
            unaligned = (offset + at) % (4 if name == "load" else 8)
            expected = TrapKind.UNALIGNED_ATOMIC if unaligned else TrapKind.MEMORY_OUT_OF_BOUNDS
            assert caught.value.kind is expected, (name, at)


def test_a_trap_names_the_instruction() -> None:
    instance = load("""(module (memory 1)
      (func (export "f") (result i32) (nop) (i32.atomic.load offset=1 (i32.const 0))))""")
    with pytest.raises(Trap) as caught:
        instance.exports.f()
    (frame,) = caught.value.frames
    assert frame.offset is not None
    data = wat("""(module (memory 1)
      (func (export "f") (result i32) (nop) (i32.atomic.load offset=1 (i32.const 0))))""")
    assert data[frame.offset : frame.offset + 2] == b"\xfe\x10"


def test_operands_may_be_anywhere() -> None:
    """Operands come from locals, constants, and the results of other instructions."""
    exports = load("""(module (memory 1)
      (func (export "f") (param i32 i32) (result i32)
        (i32.atomic.rmw.add (i32.mul (local.get 0) (i32.const 4))
          (i32.atomic.rmw.cmpxchg (i32.const 8) (i32.add (local.get 1) (i32.const 1))
            (i32.atomic.rmw.xchg (i32.const 12) (i32.const 7))))
        (atomic.fence)
        (i32.add (i32.atomic.load (i32.shl (local.get 0) (i32.const 2))))
        (i32.atomic.store offset=16 (i32.const 0) (i32.sub (local.get 1) (local.get 0)))
        (i32.add (i32.atomic.load offset=16 (i32.const 0)))))""").exports
    assert exports.f(0, -1) == 0 + 0 + -1
    assert exports.f(1, -1) == 0 + 0 + -2
    assert exports.f(2, -1) == 7 + 14 + -3
    assert exports.f(3, -1) == 7 + 21 + -4


def test_floats_in_registers_stay() -> None:
    exports = load("""(module (memory 1)
      (func (export "f") (param f64) (result f64)
        (f64.mul (f64.add (local.get 0) (f64.const 1))
          (f64.convert_i64_s (i64.atomic.rmw.add (i32.const 0) (i64.const 3))))))""").exports
    assert exports.f(2.0) == 0.0
    assert exports.f(2.0) == 9.0


def test_fuel_counts_no_atomic_accesses() -> None:
    store = pywasm3.Store()
    instance = load(
        """(module (memory 1) (func (export "f") (drop (i32.atomic.rmw.add (i32.const 0)
          (i32.const 1)))))""",
        store=store,
    )
    store.fuel = 10
    instance.exports.f()
    assert store.fuel == 10


def test_waiting_takes_no_native_stack() -> None:
    """A compiler that makes calls instead of jumps would use up the stack of the thread."""
    waited = load(
        """(module (memory 1 1 shared)
          (func (export "f") (param i32) (result i32) (local i32)
            (loop $l
              (local.set 1 (i32.add (local.get 1)
                (memory.atomic.wait32 (i32.const 8) (i32.const 1) (i64.const -1))))
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $l (local.get 0)))
            (local.get 1)))"""
    ).exports.f(300_000)
    assert waited == 300_000  # the memory has another number, so each result is 1
