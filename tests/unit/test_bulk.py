# SPDX-License-Identifier: MIT
"""Bulk instructions on memories and tables, and the segments that they read.

Results are compared with wasmtime's, or follow from Python's slices.
"""

from __future__ import annotations

import random
from array import array

import pytest

import pywasm3
from helpers import Oracle, load, outcome, wat
from pywasm3 import Trap, TrapKind

# Operations on the memory and the data segment $s.
FUNCTIONS = """
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32)
    (memory.init $s (local.get 0) (local.get 1) (local.get 2)))
"""

OPERATIONS = f"""
(module
  (memory (export "memory") 1 2)
  (data $s "0123456789abcdef")
  (data $active (i32.const 65530) "active")
  {FUNCTIONS}
  (func (export "init_active") (param i32 i32 i32)
    (memory.init $active (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "drop") data.drop $s))
"""

EDGES = [0, 1, 5, 16, 17, 65520, 65535, 65536, 65537, 0x7FFFFFFF, -65536, -1]


@pytest.mark.parametrize("seed", range(8))
def test_random_operations_on_memory_do_what_wasmtime_does(seed: int) -> None:
    chance = random.Random(seed)
    data = wat(OPERATIONS)
    exports, oracle = pywasm3.load(data).exports, Oracle(data)
    for _ in range(150):
        name = chance.choice(["fill", "copy", "init", "init_active"])
        arguments = [
            chance.choice(EDGES) if chance.random() < 0.3 else chance.randrange(20)
            for _ in range(3)
        ]
        if chance.random() < 0.02:
            name, arguments = chance.choice(["drop", "grow"]), []
        assert outcome(exports[name], *arguments) == oracle.outcome(name, *arguments)
    assert bytes(exports.memory) == bytes(oracle.exports["memory"].read(oracle.store))


@pytest.mark.parametrize("name", ["fill", "copy", "init"])
@pytest.mark.parametrize("start", [65536, -1, 65535])
def test_beyond_the_end_of_memory_traps_and_says_where(name: str, start: int) -> None:
    with pytest.raises(Trap) as caught:
        load(OPERATIONS).exports[name](start, 0, 2)
    assert caught.value.kind is TrapKind.MEMORY_OUT_OF_BOUNDS
    assert caught.value.frames[0].offset is not None


def test_a_copy_may_overlap_in_both_directions() -> None:
    exports = load(OPERATIONS).exports
    exports.init(0, 0, 16)
    exports.copy(2, 0, 8)
    assert exports.memory.read(0, 12) == b"0101234567ab"
    exports.copy(0, 3, 8)
    assert exports.memory.read(0, 12) == b"1234567a67ab"


# The engine does 1 MiB at a time: these sizes are larger, and not multiples of it.
LARGE = f"""
(module
  (memory (export "memory") 64)
  (data $s "{"0123456789abcdef" * 150_001}")
  (table $t 300000 funcref)
  (table $other 300000 funcref)
  (elem declare func $f)
  (func $f)
  {FUNCTIONS}
  (func (export "fill_elements") (param i32 i32)
    (table.fill $t (local.get 0) (ref.func $f) (local.get 1)))
  (func (export "copy_elements") (param i32 i32 i32)
    (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy_to_other") (param i32 i32 i32)
    (table.copy $other $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "t") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "other") (param i32) (result i32)
    (ref.is_null (table.get $other (local.get 0)))))
"""


@pytest.mark.parametrize(("to", "start"), [(7, 1_000), (1_000, 7), (7, 7), (7, 2_000_000)])
@pytest.mark.buffers
def test_a_large_copy_may_overlap_in_both_directions(to: int, start: int) -> None:
    exports = load(LARGE).exports
    exports.init(0, 0, 2_400_016)
    expected = bytearray(exports.memory)
    expected[to : to + 2_100_001] = expected[start : start + 2_100_001]
    exports.copy(to, start, 2_100_001)
    assert bytes(exports.memory) == expected


def test_large_parts_of_a_segment_are_copied_whole() -> None:
    exports = load(LARGE).exports
    exports.init(5, 3, 2_400_013)
    assert exports.memory.read(5, 2_400_013) == (b"0123456789abcdef" * 150_001)[3:]
    assert not any(exports.memory.read(2_400_018, 1_000))


def test_large_parts_of_a_memory_are_filled_whole() -> None:
    exports = load(LARGE).exports
    exports.fill(5, 0xAB, 3_000_000)
    assert bytes(exports.memory) == (bytes(5) + b"\xab" * 3_000_000).ljust(64 << 16, b"\0")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("fill", (1, 1, 64 << 16)), ("copy", (1, 0, 64 << 16)), ("init", (0, 1, 2_400_016))],
)
def test_a_large_part_out_of_bounds_changes_nothing(name: str, arguments: tuple[int, ...]) -> None:
    exports = load(LARGE).exports
    with pytest.raises(Trap):
        exports[name](*arguments)
    assert bytes(exports.memory) == bytes(64 << 16)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("fill_elements", (1, 300_000)), ("copy_elements", (150_000, 1, 150_001))],
)
def test_elements_out_of_bounds_change_nothing(name: str, arguments: tuple[int, ...]) -> None:
    """The first piece of the work would be within bounds, but must not be done either."""
    exports = load(LARGE).exports
    exports.fill_elements(1, 1)
    with pytest.raises(Trap):
        exports[name](*arguments)
    assert nulls(exports.t) == b"\1\0" + b"\1" * 299_998


def nulls(function: pywasm3.Function) -> bytes:
    """One byte for each element of a table: 1 if it is null, 0 if it is not."""
    return bytes(map(int, function.map(array("i", range(300_000)))))


@pytest.mark.parametrize(("to", "start"), [(3, 10), (10, 3)])
def test_a_large_copy_of_elements_may_overlap(to: int, start: int) -> None:
    exports = load(LARGE).exports
    exports.fill_elements(11, 140_000)
    expected = bytearray(nulls(exports.t))
    assert expected == b"\1" * 11 + bytes(140_000) + b"\1" * (300_000 - 140_011)
    expected[to : to + 270_000] = expected[start : start + 270_000]
    exports.copy_elements(to, start, 270_000)
    assert nulls(exports.t) == expected
    exports.copy_to_other(20, 10, 270_000)
    assert nulls(exports.other) == b"\1" * 20 + expected[10:270_010] + b"\1" * (300_000 - 270_020)


def test_large_parts_of_an_element_segment_are_copied_whole() -> None:
    pattern = "(ref.func $f) (ref.null func) (ref.null func) " * 50_000
    exports = load(
        f"""(module (table $t 300000 funcref) (func $f)
        (elem $e funcref {pattern})
        (func (export "init") (param i32 i32 i32)
          (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
        (func (export "t") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0)))))"""
    ).exports
    exports.init(5, 1, 149_998)
    expected = b"\1" * 5 + (b"\0\1\1" * 50_000)[1:149_999]
    assert nulls(exports.t) == expected.ljust(300_000, b"\1")
    with pytest.raises(Trap):
        exports.init(160_001, 0, 140_000)
    assert nulls(exports.t) == expected.ljust(300_000, b"\1")


def test_only_the_low_byte_fills() -> None:
    exports = load(OPERATIONS).exports
    exports.fill(3, 0x1234ABCD, 2)
    assert exports.memory.read(2, 4) == b"\x00\xcd\xcd\x00"


def test_an_active_segment_is_empty_afterwards() -> None:
    exports = load(OPERATIONS).exports
    assert exports.memory.read(65530, 6) == b"active"
    exports.init_active(0, 0, 0)
    with pytest.raises(Trap):
        exports.init_active(0, 0, 1)


def test_a_segment_may_be_dropped_again() -> None:
    exports = load(OPERATIONS).exports
    exports.drop()
    exports.drop()
    exports.init(65536, 0, 0)


def test_instances_of_a_module_drop_their_own_segments() -> None:
    module = pywasm3.Module(wat(OPERATIONS))
    first, second = pywasm3.Instance(module), pywasm3.Instance(module)
    first.exports.drop()
    second.exports.init(0, 2, 3)
    assert second.exports.memory.read(0, 3) == b"234"


def test_data_before_a_segment_that_traps_stays() -> None:
    owner = load('(module (memory (export "m") 1))')
    module = pywasm3.Module(
        wat(
            """(module (import "o" "m" (memory 1)) (data (i32.const 0) "first")
            (data (i32.const 65536) "x") (data (i32.const 8) "last"))"""
        )
    )
    with pytest.raises(Trap):
        pywasm3.Instance(module, {"o": owner})
    assert owner.exports.m.read(0, 12) == b"first" + bytes(7)


# ---- numbers that are longer than they need be ----


def body(code: str) -> bytes:
    """A module whose f runs the code, given in hexadecimal, on a memory, a table and segments."""
    instructions = bytes([0]) + bytes.fromhex(code) + b"\x0b"
    entry = bytes([len(instructions)]) + instructions
    sections = [
        (1, b"\x01\x60\x00\x01\x7f"),
        (3, b"\x01\x00"),
        (4, b"\x01\x70\x00\x02"),
        (5, b"\x01\x00\x01"),
        (7, b"\x01\x01f\x00\x00"),
        (9, b"\x01\x01\x00\x01\x00"),
        (12, b"\x01"),
        (10, b"\x01" + entry),
        (11, b"\x01\x01\x03\x05\x06\x07"),
    ]
    header = b"\x00asm\x01\x00\x00\x00"
    return header + b"".join(bytes([i, len(data)]) + data for i, data in sections)


THREE = "4100 4101 4102"  # the operands 0, 1, 2
LOAD = "41 00 2d 00 00"  # i32.load8_u of address 0


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (f"{THREE} fc 88 80 00  80 00  80 80 00 {LOAD}", 6),
        (f"fc 89 80 80 00  80 00 {LOAD}", 0),
        (f"4100 4109 4101 fc 8b 00  80 80 80 00 {LOAD}", 9),
        (f"4101 4107 4101 fc0b00 4100 4101 4101 fc 8a 00  80 00  80 00 {LOAD}", 7),
        ("4101 4100 4101 fc 8c 80 80 80 00  80 00  80 00 4101 25 80 00 d1", 0),
        ("fc 8d 00  80 80 80 80 00 4101", 1),
        ("4101 4100 4101 fc 8e 00  80 00  80 80 00 4100 25 00 d1", 1),
        ("d0 70 4103 fc 8f 00  80 00", 2),
        ("fc 90 80 00  80 00", 2),
        ("4100 d2 80 00 4102 fc 91 00  80 00 4101 2580 80 00 d1", 0),
        ("3f 80 80 00", 1),
        ("4101 40 80 00", 1),
        ("41 00 41 05 36 82 00  80 00 41 00 28 42 80 00  00", 5),
    ],
    ids=[
        "memory.init", "data.drop", "memory.fill", "memory.copy", "table.init", "elem.drop",
        "table.copy", "table.grow", "table.size", "table.fill", "memory.size", "memory.grow",
        "load and store",
    ],
)  # fmt: skip
def test_opcodes_and_indices_may_be_longer_than_they_need_be(code: str, result: int) -> None:
    data = body(code)
    assert Oracle(data).call("f") == result
    assert pywasm3.load(data).exports.f() == result


def test_a_numeric_opcode_of_two_parts_may_be_longer_than_it_needs_be() -> None:
    """The instruction is i32.trunc_sat_f64_s of 2.0."""
    code = "44 0000000000000040 fc 82 80 80 00"
    assert pywasm3.load(body(code)).exports.f() == 2


def test_the_index_of_a_memory_is_skipped_in_code_that_cannot_be_reached() -> None:
    """The offset of the load is 11, which is also the opcode of `end`."""
    code = "02 40 0c 00 28 42 00 0b 1a 0b 41 05"
    assert pywasm3.load(body(code)).exports.f() == 5
