# SPDX-License-Identifier: MIT
"""The decoder refuses malformed and unsupported modules: with which error, where, and how fast.

The offsets follow from how the modules are put together. tests/invalid has the exact texts of the
errors.
"""

from __future__ import annotations

import pytest

import pywasm3
from binary import HEADER, leb, read_leb, section
from helpers import wat
from pywasm3 import InvalidError, MalformedError, ModuleError, UnsupportedError
from pywasm3._ffi import error_from, ffi, lib

EVERY_SECTION = """(module $all
    (type (func (param i32 f64) (result i64)))
    (import "env" "f" (func (type 0)))
    (import "env" "g" (global $imported i32))
    (func (export "f") (param i32) (local i64 i64 f32))
    (table (export "t") 4 8 funcref)
    (memory (export "m") 1 2)
    (tag (param i32))
    (global (export "g") (mut f64) (f64.const 1.5))
    (global i32 (global.get $imported))
    (global funcref (ref.null func))
    (start 2)
    (func)
    (elem (i32.const 1) func 0 1)
    (elem externref (ref.null extern))
    (elem declare func 2)
    (data (i32.const 0) "hello")
    (data "passive"))"""


def refusal(data: bytes) -> ModuleError:
    with pytest.raises(ModuleError) as caught:
        pywasm3.Module(data)
    return caught.value


def section_ends(data: bytes) -> set[int]:
    """The offsets at which the header and each section end."""
    ends, position = {8}, 8
    while position < len(data):
        size, position = read_leb(data, position + 1)
        position += size
        ends.add(position)
    return ends


# ---- offset and function of an error ----


def test_each_kind_of_refusal_is_a_class_of_its_own() -> None:
    assert type(refusal(b"no module")) is MalformedError
    assert type(refusal(HEADER + section(3, b"\x01\x00"))) is InvalidError
    assert type(refusal(HEADER + section(5, b"\x01\x08\x01\x00"))) is UnsupportedError


def test_a_refusal_carries_the_offset_of_what_is_wrong() -> None:
    error = refusal(HEADER + section(1, b"\x02\x60\x00\x00\x61\x00\x00"))
    assert error.offset == len(HEADER) + 2 + 1 + 3
    assert "0x61" in str(error)
    assert f"{error.offset:#x}" in str(error)


def test_a_refusal_of_a_body_carries_the_function() -> None:
    # Function 0 is imported, function 1 is empty, and function 2 has a local of type 0x10.
    data = (
        HEADER
        + section(1, b"\x01\x60\x00\x00")
        + section(2, b"\x01\x00\x00\x00\x00")
        + section(3, b"\x02\x00\x00")
        + section(10, b"\x02" + b"\x02\x00\x0b" + b"\x04\x01\x01\x10\x0b")
    )
    assert refusal(data).function == 2
    assert refusal(HEADER + section(3, b"\x01\x00")).function is None


def test_validate_refuses_what_the_constructor_refuses() -> None:
    with pytest.raises(MalformedError):
        pywasm3.Module.validate(b"\0asm")
    assert pywasm3.Module.validate(HEADER) is None


# ---- cut and changed modules ----


def test_a_module_cut_inside_a_section_is_malformed() -> None:
    data = wat(EVERY_SECTION)
    pywasm3.Module.validate(data)
    ends = section_ends(data)
    for size in range(len(data)):
        if size not in ends:
            error = refusal(data[:size])
            assert type(error) is MalformedError
            assert error.offset is not None and error.offset <= size


def test_a_section_that_says_another_size_than_it_has_is_malformed() -> None:
    contents = b"\x01\x60\x01\x7f\x00"
    for size in [*range(len(contents)), len(contents) + 1, 127]:
        assert type(refusal(HEADER + bytes([1, size]) + contents)) is MalformedError


def test_sections_out_of_order_are_malformed() -> None:
    order = [1, 2, 3, 4, 5, 13, 6, 7, 9, 10, 11]
    for place, number in enumerate(order):
        for earlier in order[: place + 1]:
            error = refusal(HEADER + section(number, b"\x00") + section(earlier, b"\x00"))
            assert str(error).startswith("unexpected content after last section")


def test_every_order_of_present_sections_that_keeps_the_rule_is_read() -> None:
    order = [1, 2, 3, 4, 5, 13, 6, 7, 9, 10, 11]
    for missing in order:
        kept = b"".join(section(number, b"\x00") for number in order if number != missing)
        pywasm3.Module(HEADER + kept)


# ---- valid modules that are not supported ----

UNSUPPORTED = [
    ("custom page sizes", "(module (memory 1 2 (pagesize 1)))"),
    ("custom page sizes", '(module (import "env" "m" (memory 1 (pagesize 1))))'),
]


@pytest.mark.parametrize(("feature", "text"), UNSUPPORTED)
def test_a_feature_that_is_not_supported_is_named(feature: str, text: str) -> None:
    error = refusal(wat(text))
    assert type(error) is UnsupportedError
    assert str(error).startswith(f"not supported: {feature} (")
    assert error.offset is not None and error.offset >= 8


@pytest.mark.parametrize(("feature", "text"), UNSUPPORTED)
def test_modules_with_unsupported_features_are_valid(feature: str, text: str) -> None:
    assert pywasm3.Module.validate(wat(text)) is None


def test_a_refusal_names_all_features_that_the_module_needs() -> None:
    """Only one feature is not supported, so this is how the engine would report two of them."""
    names = ("custom page sizes", "garbage-collected types")
    named = {ffi.string(lib.pw_feature_name(1 << i)).decode(): 1 << i for i in range(18)}
    bits = sum([named[name] for name in names])
    detail = b"not supported: custom page sizes (pages of 1 byte)"
    fields = {"code": lib.PW_UNSUPPORTED, "offset": 8, "features": bits, "detail": detail}
    error = error_from(ffi.new("pw_error *", fields))
    assert isinstance(error, UnsupportedError)
    assert error.features == names
    assert str(error) == (
        "not supported: custom page sizes (pages of 1 byte); the module also needs "
        "garbage-collected types (at offset 0x8)"
    )


@pytest.mark.parametrize(("feature", "text"), UNSUPPORTED)
def test_a_single_feature_is_all_that_is_listed(feature: str, text: str) -> None:
    error = refusal(wat(text))
    assert type(error) is UnsupportedError
    assert error.features == (feature,)
    assert "also needs" not in str(error)


def test_a_refusal_for_a_size_names_no_feature() -> None:
    limits = pywasm3.Limits(memory=0)
    with pytest.raises(UnsupportedError) as caught:
        pywasm3.Instance(pywasm3.Module(wat("(module (memory 1))")), limits=limits)
    assert caught.value.features == ()


def test_an_error_of_validation_comes_before_one_of_support() -> None:
    data = wat("(module (memory 1 1 (pagesize 1)) (func) (func nop))")
    broken = data[:-2] + b"\x1a" + data[-1:]  # drop instead of nop
    assert type(refusal(broken)) is InvalidError


@pytest.mark.parametrize(
    "text",
    [
        "(module (rec (type (func)) (type (func))))",
        "(module (type (func)) (func (param (ref null 0))))",
        "(module (func (param (ref func))))",
        "(module (table 1 funcref (ref.null func)))",
        "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
        "(module (func $f return_call $f))",
        "(module (memory 1 (pagesize 65536)))",
        "(module (type (struct (field i32))))",
        "(module (type (array i8)))",
        "(module (type (sub (func))))",
        "(module (func (param anyref)))",
        "(module (table 0 i31ref))",
        "(module (func (local eqref)))",
        "(module (func (drop (ref.i31 (i32.const 1)))))",
        '(module (import "env" "t" (tag (param i32))) (tag $t) (export "t" (tag $t)))',
    ],
)
def test_a_feature_that_is_supported_is_accepted(text: str) -> None:
    pywasm3.Module(wat(text))


# ---- limits ----


def test_a_function_may_have_1000_parameters_and_results_together() -> None:
    def data(params: int, results: int) -> bytes:
        types = b"\x01\x60" + leb(params) + b"\x7f" * params + leb(results) + b"\x7f" * results
        return HEADER + section(1, types)

    pywasm3.Module(data(1000, 0))
    pywasm3.Module(data(400, 600))
    for params, results in ((1001, 0), (0, 1001), (500, 501)):
        assert type(refusal(data(params, results))) is UnsupportedError


def test_a_function_may_have_50000_locals_with_its_parameters() -> None:
    def data(*groups: int) -> bytes:
        body = leb(len(groups)) + b"".join(leb(n) + b"\x7f" for n in groups) + b"\x0b"
        return (
            HEADER
            + section(1, b"\x01\x60\x02\x7f\x7f\x00")
            + section(3, b"\x01\x00")
            + section(10, b"\x01" + leb(len(body)) + body)
        )

    pywasm3.Module(data(49_998))
    error = refusal(data(49_998, 1))
    assert type(error) is UnsupportedError
    assert str(error).startswith("too many locals: a function has 50001")
    assert error.function == 0
    assert type(refusal(data(2**32 - 1, 1))) is MalformedError


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 9, 11, 13])
def test_a_count_beyond_the_bytes_is_refused_before_room_is_made_for_it(number: int) -> None:
    # The section has 20 bytes, but room for a million entries would take up to 72 MB.
    for count in (1000, 1_000_000, 2**32 - 1):
        error = refusal(HEADER + section(number, leb(count) + b"\x00" * 20))
        assert type(error) is MalformedError
        assert str(error).startswith("length out of bounds")


def test_more_entries_than_the_limit_are_not_supported() -> None:
    memories = HEADER + section(5, leb(101) + b"\x00\x00" * 101)
    assert type(refusal(memories)) is UnsupportedError
    segments = HEADER + section(11, leb(100_001) + b"\x01\x00" * 100_001)
    assert "at most 100000 are supported" in str(refusal(segments))


# ---- export names ----


def test_an_export_name_that_comes_twice_among_many_is_found() -> None:
    def data(names: list[bytes]) -> bytes:
        entries = b"".join(leb(len(name)) + name + b"\x02\x00" for name in names)
        return HEADER + section(5, b"\x01\x00\x00") + section(7, leb(len(names)) + entries)

    names = [b"export %d" % i for i in range(100_000)]
    pywasm3.Module(data(names))
    names[99_999] = names[7]
    error = refusal(data(names))
    assert str(error).startswith('duplicate export name "export 7": export 99999 ')
    assert error.offset == len(data(names)) - 2 - len(names[7])


def test_a_long_name_in_a_message_is_cut_between_characters() -> None:
    name = ("ä" * 1000).encode()
    entry = leb(len(name)) + name + b"\x02\x00"
    error = refusal(HEADER + section(5, b"\x01\x00\x00") + section(7, b"\x02" + entry * 2))
    assert "\N{REPLACEMENT CHARACTER}" not in str(error)
    assert len(str(error)) < 200
