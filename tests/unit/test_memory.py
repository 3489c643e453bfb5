# SPDX-License-Identifier: MIT
"""Linear memory: bytes, views, text, structures, numbers, growth.

Expected values are those of `bytes` and `struct`; growth is compared with wasmtime's.
"""

from __future__ import annotations

import gc
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import pywasm3
from helpers import Oracle, load, wat

PAGE = 65536

TEXT = """
(module (memory (export "memory") 1 4)
  (data (i32.const 16) "hello\\00")
  (func (export "peek") (param i32) (result i32) local.get 0 i32.load8_u)
  (func (export "poke") (param i32 i32) local.get 0 local.get 1 i32.store8)
  (func (export "size") (result i32) memory.size)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))
"""


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(TEXT)


@pytest.fixture
def memory(instance: pywasm3.Instance) -> pywasm3.Memory:
    return instance.memory


# ---- bytes ----


def test_memory_holds_the_data_segments(memory: pywasm3.Memory) -> None:
    assert memory.read(16, 6) == b"hello\0"
    assert memory.read(0, 16) == bytes(16)


def test_what_the_host_writes_the_guest_reads(instance: pywasm3.Instance) -> None:
    instance.memory.write(100, b"\xfe")
    assert instance.exports.peek(100) == 0xFE


def test_what_the_guest_writes_the_host_reads(instance: pywasm3.Instance) -> None:
    instance.exports.poke(100, 0xFE)
    assert instance.memory.read(100, 1) == b"\xfe"


@pytest.mark.parametrize(
    "data", [b"abc", bytearray(b"abc"), memoryview(b"abc"), numpy.frombuffer(b"abc", "u1")]
)
def test_write_takes_bytes_like_objects(memory: pywasm3.Memory, data: Any) -> None:
    memory.write(0, data)
    assert memory.read(0, 3) == b"abc"


def test_write_takes_the_bytes_of_wider_items(memory: pywasm3.Memory) -> None:
    memory.write(0, numpy.array([1, 2], "<u4"))
    assert memory.read(0, 8) == struct.pack("<2I", 1, 2)


@pytest.mark.parametrize("data", ["abc", 3, None, [1, 2]])
def test_write_refuses_objects_without_a_buffer(memory: pywasm3.Memory, data: Any) -> None:
    with pytest.raises(TypeError):
        memory.write(0, data)


def test_a_buffer_with_gaps_cannot_be_written_to_a_memory(memory: pywasm3.Memory) -> None:
    with pytest.raises((BufferError, ValueError, TypeError)):
        memory.write(0, memoryview(b"abcdef")[::2])
    assert memory.read(0, 3) == bytes(3)


@pytest.mark.parametrize("name", ["write", "copy_in"])
def test_bytes_before_the_address_are_refused_with_the_right_order(
    memory: pywasm3.Memory, name: str
) -> None:
    """Other packages have write(data, address)."""
    with pytest.raises(TypeError, match=r"\(address, data\)"):
        getattr(memory, name)(b"abc", 5)


@pytest.mark.buffers
def test_write_of_the_memory_into_itself_copies_as_memmove_does(memory: pywasm3.Memory) -> None:
    memory.write(0, b"abcdef")
    memory.write(2, memoryview(memory)[:4])
    assert memory.read(0, 6) == b"ababcd"


def test_reads_and_writes_of_nothing_are_fine_up_to_the_end(memory: pywasm3.Memory) -> None:
    assert memory.read(PAGE, 0) == b""
    memory.write(PAGE, b"")


@pytest.mark.parametrize(
    ("address", "size"),
    [(PAGE, 1), (PAGE - 1, 2), (0, PAGE + 1), (PAGE + 1, 0), (-1, 1), (0, -1), (1 << 64, 1)],
)
def test_a_read_out_of_range_tells_address_length_and_size(
    memory: pywasm3.Memory, address: int, size: int
) -> None:
    with pytest.raises(IndexError) as caught:
        memory.read(address, size)
    for number in (address, size, PAGE):
        assert str(number) in str(caught.value)


@pytest.mark.parametrize("address", [PAGE, PAGE - 2, -1, 1 << 32, 1 << 64])
def test_a_write_out_of_range_tells_the_same_and_writes_nothing(
    memory: pywasm3.Memory, address: int
) -> None:
    before = bytes(memory)
    with pytest.raises(IndexError) as caught:
        memory.write(address, b"abc")
    for number in (address, 3, PAGE):
        assert str(number) in str(caught.value)
    assert bytes(memory) == before


# ---- a memory as a sequence ----


def test_len_is_the_size_in_bytes(memory: pywasm3.Memory) -> None:
    assert len(memory) == PAGE


def test_single_bytes_are_ints(memory: pywasm3.Memory) -> None:
    memory[3] = 200
    assert memory[3] == 200
    assert memory[-PAGE + 3] == 200


def test_slices_are_bytes(memory: pywasm3.Memory) -> None:
    memory[0:4] = b"abcd"
    assert memory[0:4] == b"abcd"
    assert memory[2:2] == b""
    assert memory[3:1] == b""
    assert memory[-PAGE : -PAGE + 2] == b"ab"
    assert len(memory[:]) == PAGE


def test_slices_reach_neither_beyond_the_end_nor_before_the_start(memory: pywasm3.Memory) -> None:
    for key in (slice(0, PAGE + 1), slice(-PAGE - 1, 5), slice(PAGE + 1, None)):
        with pytest.raises(IndexError, match=str(PAGE)):
            memory[key]


@pytest.mark.parametrize("index", [PAGE, -PAGE - 1, 1 << 64, -(1 << 64)])
def test_an_index_out_of_range_is_an_index_error(memory: pywasm3.Memory, index: int) -> None:
    with pytest.raises(IndexError):
        memory[index]
    with pytest.raises(IndexError):
        memory[index] = 0


@pytest.mark.parametrize("value", [256, -1, 1 << 64])
def test_a_byte_out_of_range_is_refused(memory: pywasm3.Memory, value: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        memory[0] = value


@pytest.mark.parametrize("value", ["a", b"a", 1.0, None])
def test_a_byte_is_an_integer(memory: pywasm3.Memory, value: Any) -> None:
    with pytest.raises(TypeError):
        memory[0] = value


@pytest.mark.parametrize("key", ["0", 1.0, None, (0, 1)])
def test_an_index_is_an_integer_or_a_slice(memory: pywasm3.Memory, key: Any) -> None:
    with pytest.raises(TypeError):
        memory[key]
    with pytest.raises(TypeError):
        memory[key] = 0


def test_a_slice_keeps_its_length(memory: pywasm3.Memory) -> None:
    with pytest.raises(ValueError, match="2"):
        memory[0:2] = b"abc"
    with pytest.raises(ValueError, match="4"):
        memory[0:4] = b"abc"


def test_nothing_can_be_deleted(memory: pywasm3.Memory) -> None:
    with pytest.raises(TypeError):
        del memory[0]
    with pytest.raises(TypeError):
        del memory[0:4]


# ---- views ----


@pytest.mark.buffers
def test_a_view_sees_and_changes_the_bytes(instance: pywasm3.Instance) -> None:
    view = memoryview(instance.memory)
    assert view.nbytes == PAGE
    assert (view.format, view.itemsize, view.readonly) == ("B", 1, False)
    instance.exports.poke(5, 77)
    assert view[5] == 77
    view[6] = 88
    assert instance.exports.peek(6) == 88


@pytest.mark.buffers
def test_a_view_of_another_format_sees_the_same_bytes(memory: pywasm3.Memory) -> None:
    memory.write_u32(8, 0x01020304)
    assert memoryview(memory).cast("I")[2] == 0x01020304


@pytest.mark.buffers
def test_a_view_stays_valid_when_the_memory_grows(instance: pywasm3.Instance) -> None:
    view = memoryview(instance.memory)
    assert instance.exports.grow(3) == 1
    instance.exports.poke(5, 77)
    assert view[5] == 77
    assert view.nbytes == PAGE
    assert memoryview(instance.memory).nbytes == 4 * PAGE


@pytest.mark.buffers
def test_views_from_before_and_after_growth_see_the_same_bytes() -> None:
    instance = load(TEXT)
    views = [memoryview(instance.memory)]
    for _ in range(3):
        instance.memory.grow(1)
        views.append(memoryview(instance.memory))
    assert [view.nbytes for view in views] == [PAGE * n for n in (1, 2, 3, 4)]
    for i, view in enumerate(views):
        view[i] = i + 1
    for view in views:
        assert bytes(view[:4]) == b"\1\2\3\4"
    views[3][-1] = 7
    del instance
    gc.collect()
    assert views[3][-1] == 7


def test_a_view_cannot_have_a_negative_number_of_items(memory: pywasm3.Memory) -> None:
    with pytest.raises(ValueError, match=r"^count must not be negative: -1$"):
        memory.view("f32", 0, -1)


@pytest.mark.buffers
def test_a_view_can_be_released_and_taken_again(memory: pywasm3.Memory) -> None:
    for _ in range(10):
        with memoryview(memory) as view:
            view[0] = 1
        with pytest.raises(ValueError, match="released"):
            view[0]


@pytest.mark.buffers
def test_numpy_sees_the_memory_without_a_copy(instance: pywasm3.Instance) -> None:
    array = numpy.frombuffer(instance.memory, "<u4")
    assert array.shape == (PAGE // 4,)
    array[1] = 0x01020304
    assert instance.memory.read(4, 4) == b"\4\3\2\1"
    instance.exports.poke(4, 0xFF)
    assert array[1] == 0x010203FF


def test_bytes_copies_the_whole_memory(memory: pywasm3.Memory) -> None:
    copied = bytes(memory)
    memory[0] = 1
    assert len(copied) == PAGE
    assert copied[0] == 0


@pytest.mark.buffers
def test_struct_works_on_the_memory_itself(memory: pywasm3.Memory) -> None:
    struct.pack_into("<I", memory, 12, 7)
    assert struct.unpack_from("<I", memory, 12) == (7,)


# ---- text ----


def test_a_string_ends_at_its_nul(memory: pywasm3.Memory) -> None:
    assert memory.read_cstring(16) == b"hello"
    assert memory.read_cstring(18) == b"llo"
    assert memory.read_cstring(21) == b""


def test_a_string_may_be_bounded(memory: pywasm3.Memory) -> None:
    assert memory.read_cstring(16, 3) == b"hel"
    assert memory.read_cstring(16, 100) == b"hello"
    assert memory.read_cstring(16, 0) == b""


def test_a_huge_bound_of_a_string_does_not_limit_it(memory: pywasm3.Memory) -> None:
    memory.write(0, b"abc\0")
    for bound in (1 << 31, 1 << 62, (1 << 63) - 1):
        assert memory.read_cstring(0, bound) == b"abc"
    with pytest.raises((OverflowError, ValueError)):
        memory.read_cstring(0, 1 << 64)


def test_a_string_without_an_end_is_out_of_range(memory: pywasm3.Memory) -> None:
    memory.write(PAGE - 3, b"abc")
    with pytest.raises(IndexError, match=str(PAGE)):
        memory.read_cstring(PAGE - 3)
    assert memory.read_cstring(PAGE - 3, 3) == b"abc"


@pytest.mark.parametrize("address", [-1, PAGE + 1, 1 << 64])
def test_a_string_begins_within_the_memory(memory: pywasm3.Memory, address: int) -> None:
    with pytest.raises(IndexError):
        memory.read_cstring(address)


def test_text_is_written_with_its_nul_and_read_back(memory: pywasm3.Memory) -> None:
    memory.write(0, b"\xff" * 20)
    assert memory.write_str(0, "Grüße") == 8
    assert memory.read(0, 9) == "Grüße".encode() + b"\0\xff"
    assert memory.read_str(0) == "Grüße"


def test_text_may_be_written_without_a_nul(memory: pywasm3.Memory) -> None:
    memory.write(0, b"\xff" * 20)
    assert memory.write_str(0, "abc", nul=False) == 3
    assert memory.read(0, 4) == b"abc\xff"


def test_text_may_have_another_encoding(memory: pywasm3.Memory) -> None:
    size = memory.write_str(0, "Grüße", encoding="utf-16-le", nul=False)
    assert memory.read_str(0, size, "utf-16-le") == "Grüße"


def test_text_of_a_given_size_may_hold_nuls(memory: pywasm3.Memory) -> None:
    memory.write(0, b"a\0b\0")
    assert memory.read_str(0, 3) == "a\0b"


def test_bytes_that_are_not_text_are_a_unicode_error(memory: pywasm3.Memory) -> None:
    memory.write(0, b"\xff\0")
    with pytest.raises(UnicodeDecodeError):
        memory.read_str(0)


def test_text_that_does_not_fit_is_not_written_in_part(memory: pywasm3.Memory) -> None:
    with pytest.raises(IndexError):
        memory.write_str(PAGE - 3, "abc")
    assert memory.read(PAGE - 3, 3) == bytes(3)


def test_text_is_a_str(memory: pywasm3.Memory) -> None:
    with pytest.raises(TypeError):
        memory.write_str(0, b"abc")  # type: ignore[arg-type]


# ---- structures and numbers ----


def test_structures_are_little_endian_without_a_prefix(memory: pywasm3.Memory) -> None:
    memory.pack("IhB", 32, 1, -2, 3)
    assert memory.read(32, 7) == struct.pack("<IhB", 1, -2, 3)
    assert memory.unpack("IhB", 32) == (1, -2, 3)


def test_more_formats_than_are_remembered_can_be_used(memory: pywasm3.Memory) -> None:
    """Up to 128 layouts are kept. In the second round, none of the first formats is among them."""
    for count in (*range(1, 300), *range(1, 300)):
        values = range(count)
        memory.pack(f"{count}H", 8, *values)
        assert memory.unpack(f"{count}H", 8) == (*values,)


@pytest.mark.c_types
def test_the_layout_of_a_format_is_found_once(memory: pywasm3.Memory) -> None:
    """The layout comes from a Python function, which would double the time of pack."""
    memory.pack("<5s3I", 0, b"first", 1, 2, 3)
    calls = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: calls.append(frame) if event == "call" else None)
    try:
        memory.pack("<5s3I", 0, b"other", 4, 5, 6)
        memory.unpack("<5s3I", 0)
    finally:
        sys.setprofile(before)
    assert calls == []


def test_structures_keep_a_prefix(memory: pywasm3.Memory) -> None:
    memory.pack(">I", 32, 1)
    assert memory.read(32, 4) == b"\0\0\0\1"
    assert memory.unpack(">I", 32) == (1,)


def test_structures_out_of_range_are_index_errors(memory: pywasm3.Memory) -> None:
    with pytest.raises(IndexError):
        memory.unpack("Q", PAGE - 7)
    with pytest.raises(IndexError):
        memory.pack("Q", PAGE - 7, 1)


def test_structures_that_do_not_fit_are_not_written_in_part(memory: pywasm3.Memory) -> None:
    memory.write(PAGE - 4, b"abcd")
    with pytest.raises(IndexError, match=r"8 bytes at address 65532"):
        memory.pack("II", PAGE - 4, 1, 2)
    with pytest.raises(struct.error):
        memory.pack("HH", PAGE - 4, 1, "text")
    assert memory.read(PAGE - 4, 4) == b"abcd"


def test_structures_take_their_first_arguments_by_name(memory: pywasm3.Memory) -> None:
    memory.pack("", address=0)
    memory.pack(address=0, format="")
    memory.pack("H", 8, 7)
    assert memory.unpack("H", address=8) == memory.unpack(address=8, format="H") == (7,)


@pytest.mark.parametrize(
    "action",
    [
        lambda memory: memory.pack(),
        lambda memory: memory.pack("I"),
        lambda memory: memory.pack("I", 0, value=1),
        lambda memory: memory.pack("I", "0", 1),
        lambda memory: memory.unpack("I"),
        lambda memory: memory.unpack("I", 0, 1),
        lambda memory: memory.unpack("I", format="I"),
        lambda memory: memory.unpack("I", place=3),
        lambda memory: memory.unpack(["I"], 0),
        lambda memory: memory.unpack(3, 0),
    ],
)
def test_structures_need_a_format_and_an_address(
    memory: pywasm3.Memory, action: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError):
        action(memory)


def test_many_formats_are_all_understood(memory: pywasm3.Memory) -> None:
    for count in [*range(300), *range(300)]:
        values = tuple(i % 256 for i in range(count))
        memory.pack(f"{count}B", 100, *values)
        assert memory.unpack(f"{count}B", 100) == values


def test_wrong_formats_are_struct_errors(memory: pywasm3.Memory) -> None:
    with pytest.raises(struct.error):
        memory.unpack("?!", 0)
    with pytest.raises(struct.error):
        memory.pack("I", 0, "text")


INTEGERS = [("i8", "b"), ("u8", "B"), ("i16", "h"), ("u16", "H")] + [
    (f"{sign}{bits}", code)
    for bits, codes in ((32, "iI"), (64, "qQ"))
    for sign, code in zip("iu", codes, strict=True)
]


@pytest.mark.parametrize(("name", "code"), INTEGERS)
def test_integers_are_read_and_written_as_struct_has_them(
    memory: pywasm3.Memory, name: str, code: str
) -> None:
    bits = int(name[1:])
    low, high = (
        (0, (1 << bits) - 1) if name[0] == "u" else (-(1 << (bits - 1)), (1 << bits - 1) - 1)
    )
    for value in (low, high, 1):
        getattr(memory, f"write_{name}")(40, value)
        assert memory.read(40, bits // 8) == struct.pack(f"<{code}", value)
        assert getattr(memory, f"read_{name}")(40) == value
    for value in (low - 1, high + 1):
        with pytest.raises(OverflowError, match=name):
            getattr(memory, f"write_{name}")(40, value)
    with pytest.raises(TypeError):
        getattr(memory, f"write_{name}")(40, 1.0)


@pytest.mark.parametrize(("name", "code"), [("f32", "f"), ("f64", "d")])
def test_floats_are_read_and_written_as_struct_has_them(
    memory: pywasm3.Memory, name: str, code: str
) -> None:
    for value in (0.0, -0.0, 1.5, 1e-40, float("inf")):
        getattr(memory, f"write_{name}")(40, value)
        assert memory.read(40, int(name[1:]) // 8) == struct.pack(f"<{code}", value)
        packed = struct.pack("<d", getattr(memory, f"read_{name}")(40))
        assert packed == struct.pack(
            "<d", struct.unpack(f"<{code}", struct.pack(f"<{code}", value))[0]
        )
    with pytest.raises(TypeError):
        getattr(memory, f"write_{name}")(40, "1")


@pytest.mark.parametrize("name", [name for name, _ in INTEGERS] + ["f32", "f64"])
def test_numbers_out_of_range_are_index_errors(memory: pywasm3.Memory, name: str) -> None:
    address = PAGE - int(name[1:]) // 8 + 1
    with pytest.raises(IndexError):
        getattr(memory, f"read_{name}")(address)
    with pytest.raises(IndexError):
        getattr(memory, f"write_{name}")(address, 1)


# ---- growth ----


def test_growth_returns_the_pages_before(memory: pywasm3.Memory) -> None:
    assert memory.grow(2) == 1
    assert memory.pages == 3
    assert len(memory) == 3 * PAGE
    assert memory.grow(0) == 3


def test_new_pages_are_zero_and_usable(instance: pywasm3.Instance) -> None:
    instance.memory.grow(1)
    assert instance.memory.read(PAGE, PAGE) == bytes(PAGE)
    instance.exports.poke(2 * PAGE - 1, 9)
    assert instance.memory[-1] == 9


def test_the_guest_sees_what_the_host_grew(instance: pywasm3.Instance) -> None:
    instance.memory.grow(1)
    assert instance.exports.size() == 2
    assert instance.exports.grow(1) == 2
    assert instance.memory.pages == 3


@pytest.mark.parametrize("delta", [4, 65536, 1 << 32, 1 << 62])
def test_growth_beyond_the_maximum_is_refused(memory: pywasm3.Memory, delta: int) -> None:
    with pytest.raises(pywasm3.WasmError, match="grow"):
        memory.grow(delta)
    assert memory.pages == 1


@pytest.mark.parametrize("delta", [-1, -(1 << 62), 1 << 64])
def test_growth_by_less_than_nothing_is_a_value_error(memory: pywasm3.Memory, delta: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        memory.grow(delta)
    assert memory.pages == 1


@pytest.mark.parametrize("delta", [1.0, "1", None])
def test_growth_counts_whole_pages(memory: pywasm3.Memory, delta: Any) -> None:
    with pytest.raises(TypeError):
        memory.grow(delta)


@pytest.mark.parametrize("delta", [0, 1, 3, 4, -1, 0x7FFFFFFF, 65535, 65536])
def test_the_guest_grows_as_it_does_in_wasmtime(instance: pywasm3.Instance, delta: int) -> None:
    oracle = Oracle(wat(TEXT))
    assert instance.exports.grow(delta) == oracle.call("grow", delta)
    assert instance.exports.size() == oracle.call("size")


def test_a_memory_without_a_maximum_grows_to_4_gib_and_no_further() -> None:
    instance = load(
        """(module (memory (export "memory") 0)
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))"""
    )
    assert instance.exports.grow(65537) == -1
    assert len(instance.memory) == 0
    assert instance.memory.grow(1) == 0
    assert instance.memory.read(PAGE - 1, 1) == b"\0"


def test_a_memory_of_4_gib_is_not_touched_before_it_is_used() -> None:
    memory = load('(module (memory (export "memory") 65536 65536))').memory
    assert len(memory) == 1 << 32
    memory[-1] = 7
    assert memory.read((1 << 32) - 2, 2) == b"\0\7"
    with pytest.raises(IndexError, match="4294967296"):
        memory.read((1 << 32) - 1, 2)


def test_a_pointer_that_arrives_as_a_negative_i32_is_an_address() -> None:
    instance = load("""(module (memory (export "memory") 65536 65536)
        (func (export "f") (result i32) i32.const -8 i32.const 77 i32.store i32.const -8))""")
    memory, pointer = instance.memory, instance.exports.f()
    assert pointer == -8
    assert memory.read_i32(pointer) == memory.unpack("i", pointer)[0] == 77
    assert memory.view("i", pointer, 1)[0] == 77
    assert memory.view("i", -(1 << 31), 1)[0] == 0
    memory.write_u8(pointer, 5)
    assert memory.read(pointer, 8) == memory[-8:] == memory[(1 << 32) - 8 :]
    for address in (-(1 << 31) - 1, -(1 << 40)):
        with pytest.raises(IndexError, match=f"address {address}"):
            memory.read(address, 1)
    with pytest.raises(IndexError, match="address -8, memory size 65536"):
        load('(module (memory (export "memory") 1))').memory.read(-8, 4)


@pytest.mark.parametrize("pages", [1, 3, 17, 300])
def test_nothing_of_an_earlier_instance_is_in_a_new_memory(pages: int) -> None:
    """The address space of memories that were freed is recycled for new ones."""
    for smaller, grown in ((2, 0), (0, 0), (0, 0), (2, 2), (1, 1), (0, 0)):
        text = f'(module (memory (export "memory") {pages + 2 - smaller} {pages + 2}))'
        for _ in range(2):
            with load(text) as instance:
                assert bytes(instance.memory) == bytes(len(instance.memory))
                if grown:
                    instance.memory.grow(grown)
                    assert bytes(instance.memory) == bytes(len(instance.memory))
                instance.memory[:] = b"\xa5" * len(instance.memory)


@pytest.mark.buffers
def test_a_view_of_a_closed_memory_is_its_own() -> None:
    instances = [load(TEXT) for _ in range(20)]
    views = [memoryview(instance.memory) for instance in instances]
    for number, instance in enumerate(instances):
        instance.memory[100] = number
        instance.close()
    for _ in range(20):
        with load(TEXT) as instance:
            instance.memory[100] = 255
    assert [view[100] for view in views] == list(range(20))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_freed_memories_give_back_their_address_space() -> None:
    def reserved() -> int:
        statm = Path("/proc/self/statm").read_text(encoding="ascii")
        return int(statm.split()[0]) * os.sysconf("SC_PAGE_SIZE")

    def use() -> None:
        instances = [load('(module (memory (export "memory") 1))') for _ in range(50)]
        assert all(instance.memory.pages == 1 for instance in instances)

    use()
    before = reserved()
    for _ in range(20):
        use()
    assert reserved() - before < 50 * 4 << 30


@pytest.mark.buffers
def test_an_empty_memory_has_an_empty_view() -> None:
    memory = load('(module (memory (export "memory") 0 1))').memory
    view = memoryview(memory)
    assert view.nbytes == 0
    assert memory[:] == b""
    with pytest.raises(IndexError):
        memory[0]
    assert memory.grow(1) == 0
    assert view.nbytes == 0


# ---- types ----


def test_a_memory_tells_its_limits(memory: pywasm3.Memory) -> None:
    assert memory.type == pywasm3.MemoryType(1, 4)
    memory.grow(1)
    assert memory.type == pywasm3.MemoryType(2, 4)
    assert load('(module (memory (export "m") 1))').memory.type == pywasm3.MemoryType(1)


def test_the_memory_of_an_instance_is_its_export(instance: pywasm3.Instance) -> None:
    assert instance.memory is instance.exports.memory


def test_an_instance_without_a_memory_says_so() -> None:
    with pytest.raises(pywasm3.WasmError, match="no memory"):
        _ = load("(module)").memory


def test_a_memory_that_is_not_exported_is_not_shown() -> None:
    with pytest.raises(pywasm3.WasmError):
        _ = load("(module (memory 1))").memory


@pytest.mark.parametrize("offset", [0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
def test_no_bit_of_a_large_offset_is_lost(offset: int) -> None:
    function = load(
        f"""(module (memory 1) (func (export "f") (result i32)
        (i32.load8_u offset={offset} (i32.const 0))))"""
    ).exports.f
    with pytest.raises(pywasm3.Trap):
        function()
