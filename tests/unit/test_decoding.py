# SPDX-License-Identifier: MIT
"""The decoder: what a module says of itself once its sections have been read.

The modules are made by hand or from text, and the expected values are what was put into them.
"""

from __future__ import annotations

import pytest

import pywasm3
from binary import HEADER, leb, section, text
from helpers import load, wat
from pywasm3 import (
    CustomSection,
    ExportType,
    FuncType,
    GlobalType,
    ImportType,
    MemoryType,
    TableType,
    externref,
    f32,
    f64,
    funcref,
    i32,
    i64,
)

NO_TYPE = b"\x01\x60\x00\x00"  # the contents of a type section with one type, () -> ()


def custom(name: str, data: bytes) -> bytes:
    return section(0, text(name) + data)


def module(*sections: bytes) -> pywasm3.Module:
    return pywasm3.Module(HEADER + b"".join(sections))


def trapping(*extra: bytes, exports: bytes = b"\x00") -> pywasm3.Module:
    """A module whose function 0, the start function, is `unreachable`."""
    return module(
        section(1, NO_TYPE),
        section(3, b"\x01\x00"),
        section(7, exports),
        section(8, b"\x00"),
        section(10, b"\x01\x03\x00\x00\x0b"),
        *extra,
    )


def frame_name(trapping_module: pywasm3.Module) -> str | None:
    with pytest.raises(pywasm3.Trap) as caught:
        pywasm3.Instance(trapping_module)
    return caught.value.frames[0].name


# ---- imports and exports ----


def test_a_module_of_nothing_but_the_header_is_a_module() -> None:
    empty = pywasm3.Module(HEADER)
    assert empty.imports == empty.exports == empty.custom_sections == ()
    assert empty.name is None


def test_imports_come_in_the_modules_order_with_their_types() -> None:
    data = wat("""(module
        (import "env" "f" (func (param i32 f64) (result i64)))
        (import "env" "t" (table 1 2 externref))
        (import "" "" (memory 3 4))
        (import "env" "g" (global (mut f32)))
        (import "env" "f" (func)))""")
    assert pywasm3.Module(data).imports == (
        ImportType("env", "f", FuncType((i32, f64), (i64,))),
        ImportType("env", "t", TableType(externref, 1, 2)),
        ImportType("", "", MemoryType(3, 4)),
        ImportType("env", "g", GlobalType(f32, True)),
        ImportType("env", "f", FuncType()),
    )


def test_exports_come_in_the_modules_order_with_their_types() -> None:
    data = wat("""(module
        (memory (export "m") 1)
        (func (export "f") (param f32) (result i32 i32) unreachable)
        (table (export "t") 0 funcref)
        (global (export "g") i64 (i64.const 1)))""")
    assert pywasm3.Module(data).exports == (
        ExportType("m", MemoryType(1)),
        ExportType("f", FuncType((f32,), (i32, i32))),
        ExportType("t", TableType(funcref, 0)),
        ExportType("g", GlobalType(i64)),
    )


def test_an_index_counts_the_imported_ones_first() -> None:
    data = wat("""(module
        (import "env" "a" (func (param i32)))
        (import "env" "g" (global f64))
        (func (param i64))
        (global i32 (i32.const 0))
        (export "imported" (func 0)) (export "defined" (func 1))
        (export "imported global" (global 0)) (export "defined global" (global 1)))""")
    assert [export.type for export in pywasm3.Module(data).exports] == [
        FuncType((i32,)),
        FuncType((i64,)),
        GlobalType(f64),
        GlobalType(i32),
    ]


def test_a_thing_may_be_exported_under_many_names() -> None:
    names = [f"name {i}" for i in range(1000)]
    exports = leb(len(names)) + b"".join(text(name) + b"\x02\x00" for name in names)
    found = module(section(5, b"\x01\x00\x01"), section(7, exports)).exports
    assert [export.name for export in found] == names


@pytest.mark.parametrize("name", ["", "\0", "a\0b", "ä", "\u20ac", "\U0001f980", "\ud7ff\ue000"])
def test_a_name_is_any_unicode_text(name: str) -> None:
    exports = b"\x01" + text(name) + b"\x02\x00"
    assert module(section(5, b"\x01\x00\x01"), section(7, exports)).exports[0].name == name


def test_numbers_may_be_padded_up_to_their_width() -> None:
    padded = b"\x81\x80\x80\x80\x00"
    assert module(section(1, padded + NO_TYPE[1:]), section(3, b"\x00")).exports == ()
    memory = module(section(5, b"\x01\x00" + b"\x82" + b"\x80" * 8 + b"\x00"))
    assert memory.exports == ()


def test_a_memory_may_have_all_pages_of_its_address_space() -> None:
    data = wat('(module (import "" "" (memory 65536 65536)))')
    assert pywasm3.Module(data).imports[0].type == MemoryType(65536, 65536)


# ---- custom sections and names ----


def test_custom_sections_may_stand_anywhere_and_share_a_name() -> None:
    found = module(
        custom("a", b"1"),
        section(1, NO_TYPE),
        custom("", b""),
        section(5, b"\x00"),
        custom("a", b"2"),
    ).custom_sections
    assert found == (CustomSection("a", b"1"), CustomSection("", b""), CustomSection("a", b"2"))


def test_the_name_section_names_the_module() -> None:
    assert pywasm3.Module(wat("(module $geometry)")).name == "geometry"


def test_the_first_name_section_counts() -> None:
    both = module(custom("name", b"\x00\x02" + text("a")), custom("name", b"\x00\x02" + text("b")))
    assert both.name == "a"


@pytest.mark.parametrize(
    "contents",
    [
        b"\x00\x03" + text("ab") + b"\x01\x04\x01\x00\x05x",  # the names of functions are cut off
        b"\x00\x03" + text("ab") + b"\x01\x7f",  # a subsection is larger than the section
        b"\x00\x04" + text("ab") + b"!",  # there are bytes after the name
        b"\x00\x02\x01\xff",  # the name is not UTF-8
        b"\x00\x03" + text("ab") + b"\x01\x05\xff\xff\xff\xff\x0f",  # more names than bytes
        b"\x00",
    ],
)
def test_a_malformed_name_section_is_ignored(contents: bytes) -> None:
    exports = b"\x01" + text("exported") + b"\x00\x00"
    broken = trapping(custom("name", contents), exports=exports)
    assert broken.name is None
    assert frame_name(broken) == "exported"
    assert broken.custom_sections == (CustomSection("name", contents),)


def test_other_subsections_of_the_name_section_are_skipped() -> None:
    names = b"\x02\x01\xff" + b"\x00\x02" + text("m") + b"\x09\x00"
    assert module(custom("name", names)).name == "m"


def test_a_frame_has_the_name_of_the_name_section_before_that_of_an_export() -> None:
    names = b"\x01\x08\x01\x00" + text("inner")
    exports = b"\x02" + text("first") + b"\x00\x00" + text("second") + b"\x00\x00"
    assert frame_name(trapping(custom("name", names), exports=exports)) == "inner"
    assert frame_name(trapping(exports=exports)) == "first"
    assert frame_name(trapping()) is None


def test_a_name_for_a_function_that_is_not_there_is_skipped() -> None:
    names = b"\x01\x06\x02\x00" + text("f")[:2] + b"\x07" + text("")
    assert frame_name(trapping(custom("name", names))) == "f"


# ---- the bytes of a module ----


def test_a_module_keeps_its_own_copy_of_the_bytes() -> None:
    data = bytearray(HEADER + custom("note", b"before"))
    made = pywasm3.Module(data)
    data[-6:] = b"after!"
    assert made.custom_sections == (CustomSection("note", b"before"),)
    assert made.bytes.endswith(b"before")


def test_names_outlive_what_they_were_read_from() -> None:
    sections = pywasm3.Module(HEADER + custom("note", b"data")).custom_sections
    assert sections == (CustomSection("note", b"data"),)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_of_bytes_is_read(kind: type) -> None:
    assert pywasm3.Module(kind(HEADER)).size == 8


def test_text_where_bytes_belong_says_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"load"):
        pywasm3.Module("plugin.wasm")  # type: ignore[arg-type]


def test_a_buffer_of_wider_items_is_refused() -> None:
    import array

    with pytest.raises(TypeError, match="bytes"):
        pywasm3.Module(array.array("I", [0x6D736100, 1]))
    with pytest.raises(TypeError, match="bytes"):
        pywasm3.Module(memoryview(bytes(8)).cast("Q"))


def test_a_buffer_with_gaps_is_refused() -> None:
    data = bytes(b for byte in wat("(module)") for b in (byte, 0))
    with pytest.raises(TypeError, match="contiguous"):
        pywasm3.Module(memoryview(data)[::2])
    with pytest.raises(TypeError, match="contiguous"):
        pywasm3.Module(memoryview(wat("(module)"))[::-1])


def test_signed_bytes_and_characters_are_bytes() -> None:
    for code in "bc":
        assert pywasm3.Module(memoryview(wat("(module)")).cast(code)).size == 8


def test_a_released_view_is_refused() -> None:
    view = memoryview(wat("(module)"))
    view.release()
    with pytest.raises((ValueError, TypeError)):
        pywasm3.Module(view)


@pytest.mark.buffers
def test_a_module_may_be_made_of_a_memory_of_its_own_kind() -> None:
    memory = load('(module (memory (export "memory") 1))').memory
    data = wat("(module)")
    memory.write(0, data)
    assert pywasm3.Module(memoryview(memory)[: len(data)]).bytes == data
