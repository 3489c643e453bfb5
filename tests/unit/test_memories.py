# SPDX-License-Identifier: MIT
"""Modules with several memories, and memories with 64-bit addresses.

Loads and stores are in test_far_accesses.py. Here are instructions on whole memories, which are
compared with a model of bytearrays; segments, links, snapshots and limits; and the class Memory.
"""

from __future__ import annotations

import contextlib
import itertools
import pickle
import random
import struct
from typing import Any

import numpy
import pytest

import pywasm3
from helpers import load, wat
from pywasm3 import Limits, LinkError, Memory, MemoryType, Trap, TrapKind, UnsupportedError

PAGE = 1 << 16
GIB = 1 << 30

# ---- instructions on whole memories --------------------------------------------------------------

WIDTHS = ["i32", "i64", "i32", "i64"]
MOST = 3  # pages
SEGMENT = bytes(range(1, 201))


def _whole_memories() -> str:
    """A module with four memories, and functions `<instruction> <memory>` for each of them."""
    text = "".join(f"\\{byte:02x}" for byte in SEGMENT)
    parts = [f'(data $d "{text}")']
    for index, width in enumerate(WIDTHS):
        parts.append(f'(memory (export "{index}") {width} {index % 2} {MOST})')
        parts.append(
            f"""(func (export "size {index}") (result {width}) (memory.size {index}))
            (func (export "grow {index}") (param {width}) (result {width})
              (memory.grow {index} (local.get 0)))
            (func (export "fill {index}") (param {width} i32 {width})
              (memory.fill {index} (local.get 0) (local.get 1) (local.get 2)))
            (func (export "init {index}") (param {width} i32 i32)
              (memory.init {index} $d (local.get 0) (local.get 1) (local.get 2)))"""
        )
    for (to, wide_to), (source, wide_from) in itertools.product(enumerate(WIDTHS), repeat=2):
        count = min(wide_to, wide_from)
        parts.append(
            f"""(func (export "copy {to} {source}") (param {wide_to} {wide_from} {count})
              (memory.copy {to} {source} (local.get 0) (local.get 1) (local.get 2)))"""
        )
    return f"(module {' '.join(parts)})"


WHOLE = _whole_memories()


class Model:
    """Four memories as bytearrays, and what each instruction does to them."""

    def __init__(self) -> None:
        self.memories = [bytearray(PAGE * (index % 2)) for index in range(4)]

    def grow(self, index: int, delta: int) -> int:
        memory = self.memories[index]
        before = len(memory) // PAGE
        if before + delta > MOST:
            return -1
        memory.extend(bytes(delta * PAGE))
        return before

    def fill(self, index: int, at: int, value: int, count: int) -> bool:
        memory = self.memories[index]
        if at + count > len(memory):
            return False
        memory[at : at + count] = bytes([value & 0xFF]) * count
        return True

    def copy(self, to: int, source: int, at: int, place: int, count: int) -> bool:
        target, origin = self.memories[to], self.memories[source]
        if at + count > len(target) or place + count > len(origin):
            return False
        target[at : at + count] = origin[place : place + count]
        return True

    def init(self, index: int, at: int, place: int, count: int) -> bool:
        memory = self.memories[index]
        if at + count > len(memory) or place + count > len(SEGMENT):
            return False
        memory[at : at + count] = SEGMENT[place : place + count]
        return True


class Numbers:
    """Random numbers near the borders of a memory, which fit an address of its width."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self, width: str) -> int:
        """Returns an unsigned number."""
        bits = int(width[1:])
        kind = self.random.randrange(8)
        if kind == 0:
            return self.random.choice([2**bits - 1, 2**31, 2**32 - 1, 2 ** (bits - 1), 2**bits - 9])
        if kind == 1 and bits == 64:
            return 2**32 + self.random.randrange(PAGE)
        border = self.random.randrange(MOST + 1) * PAGE
        return max(0, border + self.random.randrange(-300, 300))

    def count(self, width: str) -> int:
        few = self.random.randrange(4)
        return self(width) if few == 0 else self.random.randrange(40 if few == 1 else 3 * PAGE)


def _signed(number: int, width: str) -> int:
    bits = int(width[1:])
    return number - (number >> (bits - 1) << bits)


def _step(exports: Any, model: Model, numbers: Numbers) -> None:
    """Does something in the instance and in the model, and compares what came of it."""
    index = numbers.random.randrange(4)
    source = numbers.random.randrange(4)
    width = WIDTHS[index]
    kind = numbers.random.choice(["fill", "copy", "copy", "copy", "init", "grow"])
    if kind == "grow":
        delta = numbers.random.choice([0, 1, 1, MOST, 2**32 - 1, 2 ** int(width[1:]) - 1])
        assert exports[f"grow {index}"](_signed(delta, width)) == model.grow(index, delta)
        assert exports[f"size {index}"]() * PAGE == len(model.memories[index])
        return
    name = f"copy {index} {source}" if kind == "copy" else f"{kind} {index}"
    types = exports[name].type.params
    if kind == "copy":
        numbers_ = [numbers(width), numbers(WIDTHS[source]), numbers.count(str(types[2]))]
        fits = model.copy(index, source, *numbers_)
    elif kind == "fill":
        numbers_ = [numbers(width), numbers.random.randrange(2**32), numbers.count(width)]
        fits = model.fill(index, *numbers_)
    else:
        numbers_ = [
            numbers(width),
            numbers.random.choice([0, 1, 199, 200, 201, 2**32 - 1]),
            numbers.random.choice([0, 1, 200, 201, 2**32 - 1]),
        ]
        fits = model.init(index, *numbers_)
    arguments = [_signed(n, str(t)) for n, t in zip(numbers_, types, strict=True)]
    if fits:
        exports[name](*arguments)
        return
    with pytest.raises(Trap) as caught:
        exports[name](*arguments)
    assert caught.value.kind == TrapKind.MEMORY_OUT_OF_BOUNDS


@pytest.mark.parametrize("seed", range(6))
def test_instructions_on_whole_memories_do_what_the_model_does(seed: int) -> None:
    exports = load(WHOLE).exports
    model, numbers = Model(), Numbers(seed)
    for _ in range(400):
        _step(exports, model, numbers)
    for index, memory in enumerate(model.memories):
        assert bytes(exports[str(index)]) == bytes(memory)


def test_a_copy_within_one_memory_under_two_indices_may_overlap() -> None:
    memory = Memory(1)
    copy = load(
        """(module (import "e" "m" (memory 1)) (import "e" "m" (memory 1))
        (func (export "copy") (param i32 i32 i32)
          (memory.copy 0 1 (local.get 0) (local.get 1) (local.get 2))))""",
        {"e": {"m": memory}},
    ).exports.copy
    memory.write(0, b"abcdef")
    copy(2, 0, 4)
    assert memory.read(0, 6) == b"ababcd"
    copy(0, 1, 5)
    assert memory.read(0, 6) == b"babcdd"


def test_sizes_that_are_not_used_at_once_are_right() -> None:
    """The sizes are operands in slots, because the register holds one of them only."""
    sizes = load(
        """(module (memory 3) (memory i64 5) (memory 7) (func (export "f") (result i64)
        (i64.add (i64.mul (i64.extend_i32_u (memory.size 0)) (i64.const 100))
          (i64.add (i64.mul (memory.size 1) (i64.const 10))
            (i64.extend_i32_u (memory.grow 2 (i32.const 0)))))))"""
    ).exports.f
    assert sizes() == 357


# ---- segments ------------------------------------------------------------------------------------


def test_data_segments_go_to_the_memories_that_they_name() -> None:
    exports = load(
        """(module (memory (export "a") 1) (memory (export "b") 1) (memory (export "c") i64 1)
        (data (memory 1) (i32.const 5) "one") (data (memory 2) (i64.const 0xfffd) "two")
        (data (i32.const 7) "zero"))"""
    ).exports
    assert [bytes(exports[name]).strip(b"\0") for name in "abc"] == [b"zero", b"one", b"two"]
    assert exports.b.read(5, 3) == b"one"
    assert exports.c.read(0xFFFD, 3) == b"two"


@pytest.mark.parametrize("offset", [0xFFFE, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_segment_that_reaches_beyond_its_memory_traps(offset: int) -> None:
    with pytest.raises(Trap, match="data segment 0 does not fit"):
        load(f'(module (memory 2) (memory i64 1) (data (memory 1) (i64.const {offset}) "abc"))')


# ---- exports and imports -------------------------------------------------------------------------

TWO = """(module (memory (export "a") 1) (memory (export "b") i64 2 5)
    (func (export "poke") (i32.store8 1 (i64.const 3) (i32.const 7))))"""


def test_every_memory_can_be_exported() -> None:
    instance = load(TWO)
    exports = instance.exports
    assert exports.a.type == MemoryType(1)
    assert exports.b.type == MemoryType(2, 5, is64=True)
    exports.poke()
    assert exports.b[3] == 7
    assert exports.a[3] == 0


def test_the_memory_of_an_instance_is_its_first_one() -> None:
    instance = load(TWO)
    assert instance.memory is instance.exports.a
    second = load('(module (memory 1) (memory (export "b") 2))')
    with pytest.raises(pywasm3.WasmError, match="exports a memory, but not the first one"):
        _ = second.memory
    imported = load('(module (import "e" "m" (memory 1)) (memory 1))', {"e": {"m": Memory(3)}})
    assert imported.memory.pages == 3


def test_imported_memories_keep_their_order() -> None:
    store = pywasm3.Store()
    first, second = Memory(1, store=store), Memory(1, address="i64", store=store)
    peek = load(
        """(module (import "e" "a" (memory 1)) (import "e" "b" (memory i64 1)) (memory 1)
        (data (memory 2) (i32.const 0) "c")
        (func (export "peek") (result i32 i32 i32) (i32.load8_u 0 (i32.const 0))
          (i32.load8_u 1 (i64.const 0)) (i32.load8_u 2 (i32.const 0))))""",
        {"e": {"a": first, "b": second}},
    ).exports.peek
    first.write(0, b"a")
    second.write(0, b"b")
    assert peek() == (97, 98, 99)


def test_what_one_instance_exports_another_imports() -> None:
    first = load(TWO)
    second = load(
        """(module (import "x" "b" (memory $b i64 1)) (import "x" "a" (memory $a 1))
        (func (export "copy") (memory.copy $a $b (i32.const 0) (i64.const 0) (i32.const 4)))
        (func (export "grow") (result i64) (memory.grow $b (i64.const 1))))""",
        {"x": first},
    )
    first.exports.poke()
    second.exports.copy()
    assert first.exports.a.read(0, 4) == b"\0\0\0\7"
    assert second.exports.grow() == 2
    assert first.exports.b.pages == 3


@pytest.mark.parametrize(("given", "wanted"), [("i32", "i64"), ("i64", "i32")])
def test_a_memory_with_addresses_of_another_width_does_not_fit(given: str, wanted: str) -> None:
    with pytest.raises(LinkError) as caught:
        load(
            f'(module (import "e" "m" (memory {wanted} 1)))', {"e": {"m": Memory(1, address=given)}}
        )
    assert "64-bit 1 page or more" in str(caught.value)


def test_a_memory_that_is_missing_is_replaced_by_one_of_its_width() -> None:
    instance = load(
        '(module (import "e" "m" (memory i64 2 0x1_0000_0000_0000)) (export "m" (memory 0)))',
        missing="trap",
    )
    assert instance.exports.m.type == MemoryType(2, 1 << 48, is64=True)


def test_a_trap_in_a_far_access_has_its_place() -> None:
    module = pywasm3.Module(wat(TWO.replace("(i64.const 3)", "(i64.const -1)")))
    with pytest.raises(Trap) as caught:
        pywasm3.Instance(module).exports.poke()
    offset = caught.value.frames[0].offset
    assert offset is not None
    assert module.bytes[offset : offset + 3] == b"\x3a\x40\x01"  # i32.store8, a memory index, 1


# ---- snapshots -----------------------------------------------------------------------------------

STATE = """(module (import "e" "i" (memory $i i64 1 4)) (memory $a (export "a") 1 4)
    (memory $b (export "b") i64 1 4) (memory $c (export "c") 0 4)
    (global $g (mut i32) (i32.const 1)) (export "i" (memory $i))
    (func (export "grow")
      (drop (memory.grow $b (i64.const 2))) (drop (memory.grow $c (i32.const 1)))
      (global.set $g (i32.const 2))))"""


def _state() -> pywasm3.Instance:
    instance = load(STATE, {"e": {"i": Memory(1, 4, address="i64")}})
    instance.exports.a.write(4096, b"first")
    instance.exports.b.write(PAGE - 1, b"x")
    instance.exports.i.write(0, b"imported")
    return instance


def _contents(instance: pywasm3.Instance) -> list[bytes]:
    return [bytes(instance.exports[name]) for name in "iabc"]


def _change(instance: pywasm3.Instance) -> None:
    instance.exports.grow()
    for name in "iabc":
        instance.exports[name].write(0, b"changed")
        instance.exports[name].write(len(instance.exports[name]) - 3, b"end")


def test_a_snapshot_has_every_memory() -> None:
    instance = _state()
    before = _contents(instance)
    snapshot = instance.snapshot(imported=True)
    _change(instance)
    after = _contents(instance)
    changed = instance.snapshot(imported=True)
    instance.restore(snapshot)
    assert _contents(instance) == before
    instance.restore(changed)
    assert _contents(instance) == after


def test_a_snapshot_without_what_is_imported_has_the_other_memories() -> None:
    instance = _state()
    before = _contents(instance)
    snapshot = instance.snapshot()
    _change(instance)
    imported = bytes(instance.exports.i)
    instance.restore(snapshot)
    assert _contents(instance) == [imported, *before[1:]]


def test_a_pickled_snapshot_restores_all_memories_of_another_instance() -> None:
    instance = _state()
    snapshot = pickle.loads(pickle.dumps(instance.snapshot(imported=True)))
    other = pywasm3.Instance(instance.module, {"e": {"i": Memory(1, 4, address="i64")}})
    other.restore(snapshot)
    assert _contents(other) == _contents(instance)


@pytest.mark.parametrize("word", range(2, 12))
def test_a_forged_word_about_a_memory_is_refused_or_harmless(word: int) -> None:
    """The words from the third on are about the memories, one after the other."""
    instance = _state()
    snapshot = instance.snapshot(imported=True)
    parts: Any = snapshot.__reduce__()
    make, (digest, image, externs) = parts
    for value in (0, 1, 5, 4095, 1 << 16, 1 << 32, (1 << 48) - 1, 1 << 48, 1 << 63, (1 << 64) - 1):
        forged = image[: 8 * word] + struct.pack("=Q", value) + image[8 * word + 8 :]
        with contextlib.suppress(pywasm3.SnapshotError):
            instance.restore(make(digest, forged, externs))
        instance.restore(snapshot)
        assert instance.snapshot(imported=True) == snapshot


def test_a_pool_restores_every_memory() -> None:
    module = pywasm3.Module(
        wat(
            """(module (memory (export "a") 1) (memory (export "b") i64 1)
            (func (export "dirty") (i32.store8 0 (i32.const 1) (i32.const 2))
              (i32.store8 1 (i64.const 3) (i32.const 4)) (drop (memory.grow 1 (i64.const 1)))))"""
        )
    )
    with pywasm3.InstancePool(module, size=1) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert not any(bytes(instance.exports.a)), instance.exports.b.pages
                assert bytes(instance.exports.b) == bytes(PAGE)
                instance.exports.dirty()


# ---- limits --------------------------------------------------------------------------------------

GROWS = """(module (memory (export "a") 1) (memory (export "b") i64 1)
    (func (export "grow a") (param i32) (result i32) (memory.grow 0 (local.get 0)))
    (func (export "grow b") (param i64) (result i64) (memory.grow 1 (local.get 0))))"""


def test_the_memories_of_a_module_share_the_limit() -> None:
    text = f"(module {'(memory 2)' * 10})"
    load(text, limits=Limits(memory=20 * PAGE))
    with pytest.raises(UnsupportedError, match="131072 bytes, which is more than the limits"):
        load(text, limits=Limits(memory=20 * PAGE - 1))


def test_memories_that_grow_share_the_limit() -> None:
    exports = load(GROWS, limits=Limits(memory=100 * PAGE)).exports
    assert exports["grow a"](60) == 1
    assert exports["grow b"](39) == -1
    assert exports["grow b"](38) == 1
    assert exports["grow a"](1) == -1
    assert exports.a.pages + exports.b.pages == 100


def test_a_64_bit_memory_grows_up_to_the_limit_on_everything() -> None:
    total = 16 << 20
    exports = load(GROWS, limits=Limits(total=total)).exports
    assert exports["grow b"](total // PAGE - 1) == -1  # other things count, too
    assert exports["grow b"](total // PAGE - 3) == 1
    assert exports["grow b"](1 << 48) == -1
    assert exports["grow b"](-1) == -1


@pytest.mark.parametrize("pages", [(1 << 24) + 1, 1 << 40, 1 << 48])
def test_a_memory_that_is_too_large_is_refused_with_its_size(pages: int) -> None:
    size = "2\\^64" if pages == 1 << 48 else pages * PAGE
    message = f"memory too large: it needs {size} bytes, but the limit is"
    with pytest.raises(UnsupportedError, match=f"{message} {8 * GIB} bytes"):
        load(f"(module (memory i64 {pages}))")
    store = pywasm3.Store(limits=Limits(total=1 << 60))
    with pytest.raises(MemoryError, match=f"{message} {1 << 40} bytes"):
        Memory(pages, address="i64", store=store)


def test_many_64_bit_memories_without_a_maximum_can_grow_beyond_4_gib() -> None:
    """Address space is reserved for what the limits of the store allow, and not for all of it."""
    store = pywasm3.Store(limits=Limits(total=200 * 5 * GIB))
    memories = [Memory(1, address="i64", store=store) for _ in range(60)]
    others = [Memory(1, address="i64") for _ in range(1000)]
    assert [memory.grow(4 * GIB // PAGE) for memory in memories[:5]] == [1] * 5
    assert [memory.grow(4 * GIB // PAGE) for memory in others[-5:]] == [1] * 5


def test_a_large_maximum_costs_no_memory_and_many_fit() -> None:
    store = pywasm3.Store(limits=Limits(total=1 << 60))
    memories = [Memory(1, 1 << 48, address="i64", store=store) for _ in range(5)]
    for memory in memories:
        assert memory.grow(1) == 1
        memory.write(PAGE, b"x")


def test_filling_a_64_bit_memory_can_be_stopped() -> None:
    try:
        memory = Memory(4 * GIB // PAGE, address="i64")
    except MemoryError as error:
        pytest.skip(f"needs 4 GiB of address space: {error}")
    fill = load(
        """(module (import "e" "m" (memory i64 1)) (func (export "fill") (param i64)
        (loop $again (memory.fill (i64.const 0) (i32.const 0) (local.get 0)) (br $again))))""",
        {"e": {"m": memory}},
        store=memory.store,
    )
    with pytest.raises(pywasm3.DeadlineExceeded), fill.deadline(0.05):
        fill.exports.fill(1 << 26)


# ---- the class Memory ----------------------------------------------------------------------------


def test_a_memory_says_how_wide_its_addresses_are() -> None:
    for address, is64 in (("i32", False), ("i64", True), (pywasm3.i32, False), (pywasm3.i64, True)):
        memory = Memory(1, 2, address=address)
        assert memory.type == MemoryType(1, 2, is64=is64)
    assert str(Memory(1, 2, address="i64").type) == "64-bit 1 to 2 pages"
    assert Memory(1).type.is64 is False


@pytest.mark.parametrize("address", ["i16", "f64", "", None, 64, True])
def test_addresses_have_no_other_type(address: Any) -> None:
    with pytest.raises(ValueError, match="address"):
        Memory(1, address=address)


def test_the_limits_of_a_memory_depend_on_its_addresses() -> None:
    with pytest.raises(ValueError, match="maximum <= 65,536 pages of 64 KiB, not 1 and 65,537"):
        Memory(1, 65537)
    Memory(1, 1 << 48, address="i64")
    with pytest.raises(ValueError, match="maximum <= 281,474,976,710,656 pages"):
        Memory(1, (1 << 48) + 1, address="i64")


def test_a_negative_i32_is_no_address_of_a_64_bit_memory() -> None:
    """In a memory with 32-bit addresses, it is a pointer of the guest of 2 GiB or more."""
    memory = Memory(4 * GIB // PAGE, address="i64") if _has_room() else Memory(2, address="i64")
    for action in (
        lambda: memory.read(-1, 1),
        lambda: memory.write(-1, b"x"),
        lambda: memory.view("B", -1, 1),
        lambda: memory.read_cstring(-1),
        lambda: memory.pack("B", -1, 1),
        lambda: memory.unpack("B", -1),
        lambda: memory.copy_out(-1, 1),
    ):
        with pytest.raises(IndexError, match="address -1"):
            action()
    if _has_room():
        other = Memory(4 * GIB // PAGE)
        other.write(-1, b"x")
        assert other.read(4 * GIB - 1, 1) == b"x"


def _has_room() -> bool:
    try:
        Memory(4 * GIB // PAGE + 4, address="i64")
    except MemoryError:
        return False
    return True


BEYOND = 4 * GIB + 24


def test_a_64_bit_memory_grows_beyond_4_gib(large: Memory) -> None:
    assert large.pages == 65538
    assert len(large) == 4 * GIB + 2 * PAGE
    assert large.type == MemoryType(65538, is64=True)


def test_bytes_beyond_4_gib_are_read_and_written(large: Memory) -> None:
    large.write(BEYOND - 40, b"across the border of 4 GiB" * 2)
    assert large.read(BEYOND - 40, 52) == b"across the border of 4 GiB" * 2
    large[BEYOND] = 200
    assert large[BEYOND] == 200
    large[BEYOND : BEYOND + 2] = b"ab"
    assert large[BEYOND : BEYOND + 2] == b"ab"
    assert large.copy_in(BEYOND, b"copy\0") == 5
    assert large.read_cstring(BEYOND) == b"copy"
    assert large.read_str(BEYOND) == "copy"
    target = bytearray(4)
    large.copy_out(BEYOND, 4, into=target)
    assert target == b"copy"
    assert large.read(BEYOND - (1 << 32), 4) == bytes(4)  # nothing has wrapped
    assert large[-1] == 0


def test_numbers_beyond_4_gib_are_read_and_written(large: Memory) -> None:
    large.pack("IdH", BEYOND, 1 << 31, 0.5, 7)
    assert large.unpack("IdH", BEYOND) == (1 << 31, 0.5, 7)
    large.write_i64(BEYOND, -5)
    assert large.read_i64(BEYOND) == -5
    large.write_f32(BEYOND, 1.5)
    assert large.read_f32(BEYOND) == 1.5
    assert large.read_u8(BEYOND) == 0


@pytest.mark.buffers
def test_views_reach_beyond_4_gib(large: Memory) -> None:
    view = large.view("I", BEYOND, 3)
    view[:] = memoryview(struct.pack("3I", 1, 2, 3)).cast("I")
    assert large.unpack("3I", BEYOND) == (1, 2, 3)
    array = large.view(numpy.dtype("u4"), BEYOND, 3)
    array += 5
    assert large.unpack("3I", BEYOND) == (6, 7, 8)
    assert memoryview(large)[BEYOND] == 6
    assert len(large.view("B", 4 * GIB)) == 2 * PAGE
    assert numpy.frombuffer(large, "u1").size == len(large)


@pytest.mark.parametrize("more", [0, 1, 1 << 32, 1 << 62, 1 << 64])
def test_what_is_beyond_the_end_is_an_error(large: Memory, more: int) -> None:
    with pytest.raises(IndexError, match=f"memory size {len(large)}"):
        large.read(len(large) + more, 1)
    with pytest.raises(IndexError):
        large.view("B", len(large) + more, 1)


def test_the_guest_and_the_host_see_the_same_bytes_beyond_4_gib(large: Memory) -> None:
    exports = load(
        """(module (import "e" "m" (memory i64 1))
        (func (export "peek") (param i64) (result i32) (i32.load8_u (local.get 0)))
        (func (export "poke") (param i64 i32) (i32.store8 (local.get 0) (local.get 1)))
        (func (export "size") (result i64) (memory.size)))""",
        {"e": {"m": large}},
    ).exports
    large.write(BEYOND, b"h")
    assert exports.peek(BEYOND) == ord("h")
    exports.poke(BEYOND + 1, ord("g"))
    assert large.read(BEYOND, 2) == b"hg"
    assert exports.size() == large.pages
    with pytest.raises(Trap):
        exports.peek(len(large))


def test_a_memory_that_has_grown_beyond_4_gib_is_restored(large: Memory) -> None:
    """A snapshot has only the parts of a memory that are not zero."""
    exports_all = load('(module (import "e" "m" (memory i64 1)))', {"e": {"m": large}})
    large.write(BEYOND, b"kept")
    snapshot = exports_all.snapshot(imported=True)
    large.write(BEYOND, b"lost")
    exports_all.restore(snapshot)
    assert large.read(BEYOND, 4) == b"kept"
