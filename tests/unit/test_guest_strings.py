# SPDX-License-Identifier: MIT
"""`pywasm3.guests.strings` moves text through the allocator of a guest, and frees what it took.

The guest's allocator counts what it has given and got back, so the tests see each call of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import pywasm3
from helpers import load
from pywasm3.guests.strings import AllocationError, Block, Form, Heap

# `taken` and `freed` count the calls. The functions named `echo` return what they are given.
GUEST = """
(module
  (import "env" "sink" (func $sink (param i32 i32)))
  (memory (export "memory") 1 4)
  (global $top (mut i32) (i32.const 1024))
  (global (export "taken") (mut i32) (i32.const 0))
  (global (export "freed") (mut i32) (i32.const 0))
  (global (export "last_size") (mut i32) (i32.const 0))
  (global (export "last_freed") (mut i32) (i32.const 0))
  (global (export "last_freed_size") (mut i32) (i32.const 0))
  (func $take (param $size i32) (param $align i32) (result i32)
    (local $address i32)
    (global.set 1 (i32.add (global.get 1) (i32.const 1)))
    (global.set 3 (local.get $size))
    (global.set $top (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (local.set $address (global.get $top))
    (global.set $top (i32.add (global.get $top) (local.get $size)))
    (local.get $address))
  (func $release (param i32 i32)
    (global.set 2 (i32.add (global.get 2) (i32.const 1)))
    (global.set 4 (local.get 0))
    (global.set 5 (local.get 1)))
  (func (export "malloc") (param i32) (result i32) (call $take (local.get 0) (i32.const 8)))
  (func (export "free") (param i32) (call $release (local.get 0) (i32.const -1)))
  (func (export "dealloc") (param i32 i32) (call $release (local.get 0) (local.get 1)))
  (func (export "aligned") (param i32 i32) (result i32)
    (call $take (local.get 0) (local.get 1)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $take (local.get 3) (local.get 2)))
  (func (export "realloc") (param i32 i32) (result i32)
    (if (result i32) (local.get 1)
      (then (call $take (local.get 1) (i32.const 8)))
      (else (call $release (local.get 0) (i32.const -2)) (i32.const 0))))
  (func (export "null") (param i32) (result i32) (i32.const 0))
  (func (export "wild") (param i32) (result i32) (i32.const -16))
  (func (export "trapping") (param i32) unreachable)
  (func (export "floats") (param f32) (result i32) (i32.const 0))
  (func (export "echo") (param i32) (result i32) (local.get 0))
  (func (export "echo2") (param i32 i32) (result i32 i32) (local.get 0) (local.get 1))
  (func (export "packed") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
            (i64.extend_i32_u (local.get 1))))
  (func (export "pair") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))
  (func (export "length") (param i32 i32) (result i32) (local.get 1))
  (func (export "fail") (param i32) unreachable)
  (func (export "call") (param i32 i32) (call $sink (local.get 0) (local.get 1)))
  (func (export "none") (result i32) (i32.const 0))
  (func (export "floating") (param f64) (result f64) (local.get 0))
  (func (export "object") (param externref) (result externref) (local.get 0)))
"""


def guest(sink: Callable[..., Any] = lambda *_: None) -> pywasm3.Instance:
    return load(GUEST, {"env": {"sink": sink}})


def counts(instance: pywasm3.Instance) -> tuple[int, int]:
    return instance.exports.taken.value, instance.exports.freed.value


# ---- the allocator ----


def test_malloc_and_free_are_found() -> None:
    instance = guest()
    with Heap(instance).put("text") as block:
        assert instance.memory.read(block.address, 5) == b"text\0"
        assert counts(instance) == (1, 0)
    assert counts(instance) == (1, 1)
    assert instance.exports.last_freed.value == block.address


@pytest.mark.parametrize(
    ("allocate", "free", "size_at_free"),
    [
        ("malloc", "free", -1),
        ("malloc", "dealloc", 9),
        ("aligned", "dealloc", 9),
        ("cabi_realloc", "free", -1),
        ("realloc", "realloc", -2),
    ],
)
def test_each_shape_of_functions_is_called_with_its_arguments(
    allocate: str, free: str, size_at_free: int
) -> None:
    instance = guest()
    heap = Heap(instance, allocate, free)
    with heap.put(b"five!", Form.PREFIXED) as block:
        assert block.address % 4 == 0
        assert instance.exports.last_size.value == 9
    assert instance.exports.last_freed_size.value == size_at_free


def test_functions_can_be_given_instead_of_names() -> None:
    instance = guest()
    heap = Heap(instance, instance.exports.malloc, instance.exports.free)
    heap.put("x").free()
    assert counts(instance) == (1, 1)


def test_without_a_function_that_frees_nothing_is_freed() -> None:
    instance = guest()
    with Heap(instance, "cabi_realloc").put("text"):
        pass
    assert counts(instance) == (1, 0)


def test_a_guest_without_an_allocator_is_refused() -> None:
    instance = load('(module (memory (export "memory") 1))')
    with pytest.raises(pywasm3.WasmError, match="exports no allocator that is known"):
        Heap(instance)


@pytest.mark.parametrize("name", ["floats", "length", "free", "memory", "absent"])
def test_what_is_no_allocator_is_refused(name: str) -> None:
    instance = guest()
    if name == "length":  # two integers may be a size and an alignment
        Heap(instance, name)
        return
    with pytest.raises(pywasm3.WasmError):
        Heap(instance, name, "free")


def test_a_misspelt_allocator_is_answered_with_the_one_that_is_meant() -> None:
    with pytest.raises(pywasm3.WasmError, match="does not export 'malok'; did you mean 'malloc'"):
        Heap(guest(), "malok")


def test_free_needs_allocate() -> None:
    with pytest.raises(ValueError, match="give both"):
        Heap(guest(), free="free")


def test_a_guest_without_a_memory_is_refused() -> None:
    with pytest.raises(pywasm3.WasmError, match="memory"):
        Heap(load("(module)"))


@pytest.mark.parametrize(
    ("name", "message"), [("null", "returned null"), ("wild", "beyond the end of its memory")]
)
def test_an_address_that_cannot_be_used_is_an_error(name: str, message: str) -> None:
    heap = Heap(guest(), name, "free")
    with pytest.raises(AllocationError, match=message) as caught:
        heap.put("text")
    assert isinstance(caught.value, MemoryError)


def test_no_bytes_are_one_byte_for_the_allocator() -> None:
    """malloc(0) may return null."""
    instance = guest()
    with Heap(instance).put("", Form.SLICE) as block:
        assert (block.length, block.size, instance.exports.last_size.value) == (0, 1, 1)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Heap(guest()).allocate(-1)


# ---- blocks ----


def test_a_block_is_an_argument_until_it_is_freed() -> None:
    instance = guest()
    block = Heap(instance).put("text")
    assert instance.exports.echo(block) == block.address
    block.free()
    block.free()
    assert block.freed
    assert counts(instance) == (1, 1)
    with pytest.raises(ValueError, match="was freed"):
        instance.exports.echo(block)


def test_an_error_in_the_block_is_not_replaced_by_one_of_freeing() -> None:
    heap = Heap(guest(), "malloc", "trapping")
    with pytest.raises(KeyError), heap.put("text"):
        raise KeyError("first")
    with pytest.raises(pywasm3.Trap), heap.put("text"):
        pass


def test_blocks_show_their_state() -> None:
    block = Heap(guest()).allocate(3)
    assert repr(block) == f"<pywasm3.guests.strings.Block at {block.address}: 3 bytes>"
    block.free()
    assert "freed" in repr(block)


# ---- text in and out ----

TEXTS = ["", "text", "grüße", "日本語", "🦀 crab"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("form", Form)
def test_every_form_gives_back_what_was_put(form: Form, text: str) -> None:
    heap = Heap(guest())
    with heap.put(text, form) as block:
        length = block.length if form in (Form.SLICE, Form.UTF16_SLICE) else None
        assert heap.read(block.address, form, length) == text


def test_bytes_may_have_gaps_between_them() -> None:
    heap = Heap(guest())
    for data in (memoryview(b"t-e-x-t")[::2], numpy.frombuffer(b"t-e-x-t", numpy.uint8)[::2]):
        with heap.put(data, Form.SLICE) as block:
            assert heap.read(block.address, Form.SLICE, block.length) == "text"


def test_the_forms_lie_in_memory_as_they_are_described() -> None:
    instance = guest()
    heap = Heap(instance)
    found = {form: instance.memory.read(heap.put("né", form).address, 7) for form in Form}
    assert found[Form.CSTRING][:4] == b"n\xc3\xa9\0"
    assert found[Form.SLICE][:3] == b"n\xc3\xa9"
    assert found[Form.PREFIXED] == b"\3\0\0\0n\xc3\xa9"
    assert found[Form.UTF16][:6] == b"n\0\xe9\0\0\0"
    assert found[Form.UTF16_SLICE][:4] == b"n\0\xe9\0"


def test_lengths_are_in_the_units_of_the_form() -> None:
    heap = Heap(guest())
    assert heap.put("é🦀", Form.SLICE).length == 6
    assert heap.put("é🦀", Form.UTF16_SLICE).length == 3


@pytest.mark.parametrize("form", [Form.CSTRING, Form.UTF16])
def test_a_nul_would_end_the_text_and_is_refused(form: Form) -> None:
    instance = guest()
    with pytest.raises(ValueError, match="contains one at index 2"):
        Heap(instance).put("ab\0c", form)
    assert counts(instance) == (0, 0)


def test_a_nul_in_bytes_is_refused_too() -> None:
    with pytest.raises(ValueError, match="at index 0"):
        Heap(guest()).put(b"\0")


def test_a_form_with_a_length_takes_nul() -> None:
    heap = Heap(guest())
    assert heap.read(heap.put("a\0b", Form.PREFIXED).address, Form.PREFIXED) == "a\0b"


@pytest.mark.parametrize(("data", "form"), [(b"ab", Form.UTF16), (5, Form.CSTRING)])
def test_data_of_other_types_are_refused(data: Any, form: Form) -> None:
    with pytest.raises(TypeError, match="must be str"):
        Heap(guest()).put(data, form)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        Heap(guest()).put("\ud800")


# ---- what a hostile guest names ----


def test_a_text_without_an_end_is_not_searched_for_ever() -> None:
    instance = guest()
    heap = Heap(instance, max_bytes=100)
    instance.memory.write(0, b"x" * 65536)
    for form in (Form.CSTRING, Form.UTF16):
        with pytest.raises(ValueError, match="no NUL in its first 100 bytes"):
            heap.read(0, form)
        with pytest.raises(IndexError, match="no NUL"):
            Heap(instance).read(0, form)


def test_a_text_of_just_max_bytes_is_read() -> None:
    instance = guest()
    heap = Heap(instance, max_bytes=4)
    instance.memory.write(0, b"text\0\0")
    assert heap.read(0) == "text"
    assert heap.read(0, Form.UTF16) == "整瑸"
    assert heap.read(0, Form.SLICE, 4) == "text"


def test_a_long_text_in_utf16_is_read_across_pieces() -> None:
    instance = guest()
    text = "é" * 10000
    instance.memory.write(101, text.encode("utf-16-le") + b"\0\0")
    assert Heap(instance).read(101, Form.UTF16) == text


def test_zeros_that_are_not_a_unit_do_not_end_utf16() -> None:
    instance = guest()
    instance.memory.write(1, b"\1\0\0\1\0\0")
    assert Heap(instance).read(1, Form.UTF16) == "\u0001\u0100"


@pytest.mark.parametrize("length", [(1 << 31), -1, (1 << 32) - 1])
def test_a_length_beyond_the_memory_or_the_limit_is_refused(length: int) -> None:
    instance = guest()
    instance.memory.write_u32(0, length % (1 << 32))
    for heap in (Heap(instance), Heap(instance, max_bytes=1 << 33)):
        with pytest.raises((ValueError, IndexError)):
            heap.read(0, Form.PREFIXED)
        with pytest.raises((ValueError, IndexError)):
            heap.read(0, Form.SLICE, length)
        with pytest.raises((ValueError, IndexError)):
            heap.read(0, Form.UTF16_SLICE, length)


@pytest.mark.parametrize("address", [-1, 65535, 65536, 1 << 40, -(1 << 31)])
@pytest.mark.parametrize("form", Form)
def test_an_address_beyond_the_memory_is_an_index_error(form: Form, address: int) -> None:
    instance = guest()
    instance.memory.write(65000, b"x" * 536)
    length = 2 if form in (Form.SLICE, Form.UTF16_SLICE) else None
    with pytest.raises((IndexError, OverflowError)):
        Heap(instance).read(address, form, length)


def test_a_length_is_given_if_and_only_if_the_form_has_one() -> None:
    heap = Heap(guest())
    with pytest.raises(ValueError, match="needs a length"):
        heap.read(0, Form.SLICE)
    with pytest.raises(ValueError, match="no separate length"):
        heap.read(0, Form.CSTRING, 4)


# ---- calls ----


def test_a_wrapped_function_takes_and_returns_text() -> None:
    instance = guest()
    echo = Heap(instance).wrap("echo", result=Form.CSTRING)
    assert echo("grüße") == "grüße"
    assert counts(instance) == (1, 1)


@pytest.mark.parametrize("name", ["echo2", "packed", "pair"])
@pytest.mark.parametrize("form", [Form.SLICE, Form.UTF16_SLICE])
def test_a_slice_is_returned_in_three_ways(name: str, form: Form) -> None:
    echo = Heap(guest()).wrap(name, args=form, result=form)
    assert [echo(text) for text in TEXTS] == TEXTS


def test_bytes_go_in_and_come_out() -> None:
    echo = Heap(guest()).wrap("echo2", args=Form.SLICE, result=Form.SLICE, raw=True)
    assert echo(b"\0\xff") == b"\0\xff"
    assert echo(bytearray(b"ab")) == b"ab"
    assert echo(memoryview(b"ab")) == b"ab"


def test_numbers_and_objects_are_passed_as_they_are() -> None:
    heap = Heap(guest())
    assert heap.wrap("echo")(5) == 5
    assert heap.wrap("floating")(2.5) == 2.5
    assert heap.wrap("object")("text") == "text"


def test_a_text_that_the_caller_owns_is_freed() -> None:
    instance = guest()
    echo = Heap(instance, "malloc", "dealloc").wrap("echo", result=Form.CSTRING, owned=True)
    block = Heap(instance, "malloc", "dealloc").put("text")
    assert echo(block.address) == "text"
    assert counts(instance) == (1, 1)
    assert instance.exports.last_freed_size.value == 5


@pytest.mark.parametrize(("free", "count"), [("free", 1), ("dealloc", 0)])
def test_an_empty_slice_is_not_freed_by_its_size(free: str, count: int) -> None:
    """Rust's empty slices are at addresses that no allocator gave."""
    instance = guest()
    echo = Heap(instance, "malloc", free).wrap("echo2", result=Form.SLICE, owned=True)
    assert echo(1, 0) == ""
    assert counts(instance) == (0, count)


def test_null_is_none() -> None:
    heap = Heap(guest())
    assert heap.wrap("none", result=Form.CSTRING, owned=True)() is None
    assert heap.wrap("echo2", result=Form.SLICE, owned=True)(0, 0) == ""


def test_texts_are_freed_when_the_function_traps() -> None:
    instance = guest()
    with pytest.raises(pywasm3.Trap):
        Heap(instance).wrap("fail")("text")
    assert counts(instance) == (1, 1)


def test_texts_are_freed_when_a_host_function_raises() -> None:
    def sink(*_: int) -> None:
        raise KeyError("of the host")

    instance = guest(sink)
    with pytest.raises(KeyError, match="of the host"):
        Heap(instance).wrap("call")("one", "two")
    assert counts(instance) == (2, 2)


def test_texts_are_freed_when_a_later_argument_cannot_be_put() -> None:
    instance = guest()
    with pytest.raises(ValueError, match="NUL"):
        Heap(instance).wrap("call")("one", "t\0wo")
    assert counts(instance) == (1, 1)


def test_texts_are_freed_when_the_result_cannot_be_read() -> None:
    instance = guest()
    instance.memory.write(0, b"\1\xff\0")
    with pytest.raises(UnicodeDecodeError):
        Heap(instance).wrap("length", result=Form.CSTRING)("text", 1)
    assert counts(instance) == (1, 1)


def test_the_error_of_the_call_is_not_replaced_by_one_of_freeing() -> None:
    heap = Heap(guest(), "malloc", "trapping")
    with pytest.raises(pywasm3.Trap) as caught:
        heap.wrap("fail")("text")
    assert caught.value.frames[0].name == "fail"
    with pytest.raises(pywasm3.Trap) as caught:
        heap.wrap("echo")("text")
    assert caught.value.frames[0].name == "trapping"


@pytest.mark.parametrize(
    ("name", "form"),
    [("free", Form.CSTRING), ("floating", Form.CSTRING), ("echo2", Form.CSTRING)],
)
def test_results_that_cannot_be_text_are_refused_before_the_call(name: str, form: Form) -> None:
    with pytest.raises(TypeError):
        Heap(guest()).wrap(name, result=form)


def test_a_block_is_exported_by_the_module() -> None:
    assert isinstance(Heap(guest()).allocate(1), Block)


def test_a_memory_with_64_bit_addresses_has_long_pairs() -> None:
    instance = load("""
    (module (memory (export "memory") i64 1)
      (global $top (mut i64) (i64.const 64))
      (func (export "malloc") (param i64) (result i64)
        (global.get $top) (global.set $top (i64.add (global.get $top) (local.get 0))))
      (func (export "free") (param i64))
      (func (export "pair") (param i64 i64) (result i64)
        (i64.store (i64.const 16) (local.get 0)) (i64.store (i64.const 24) (local.get 1))
        (i64.const 16)))
    """)
    pair = Heap(instance).wrap("pair", args=Form.SLICE, result=Form.SLICE)
    assert pair("text") == "text"
