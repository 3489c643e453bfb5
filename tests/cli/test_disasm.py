# SPDX-License-Identifier: MIT
"""`pywasm3 disasm` lists every instruction there is, in the text format.

The listing is checked by assembling it again with wasmtime: it must give the same bytes. Which
instructions there are comes from the opcode table; other expected values are written by hand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

import binary
import pywasm3
from cli_helpers import LIBRARY, UNRUNNABLE, failure, run
from fuzz import seeds
from helpers import GUESTS, TESTS, wat
from pywasm3.cli import main
from pywasm3.cli.listing import Listing

Write = Callable[..., Path]

OPCODES = TESTS.parent / "native/base"
TABLES = ("opcodes.def", "opcodes_simd.def", "opcodes_atomic.def")

# A module with types and with one of everything that an index can name, or two where needed.
MODULE = """(module
    (type (func)) (type (struct (field (mut i32)) (field i64))) (type (struct (field (mut i8))))
    (type (array (mut i32))) (type (array (mut i8))) (type (array (mut funcref)))
    (type (func (param i32) (result i64 f32))) (type (func (param i32)))
    (type (func (result i32 exnref)))
    (tag (type 7)) (memory 1) (memory i64 1) (table 1 funcref) (table 1 externref)
    (table 1 funcref) (global (mut i32) (i32.const 0)) (data "x") (data "y")
    (elem func 0) (elem func 0)
    {functions})"""

# The instructions with other immediates than an alignment, a lane or none, as the listing writes
# them. They stand in unreachable code, where the operands may be anything.
OTHERS = """block; end; block (result i32); end; block (type 6); end; loop; end; if; else; end;
    loop (result (ref null 1)); end; block (result (ref 1)); end; block (result (ref i31)); end;
    try_table; end; try_table (result i32) (catch_all 0); end; try_table (type 6) (catch_all 0);
    end; block (result i32); try_table (catch 0 0) (catch_all 1); end; end;
    block (type 8); try_table (catch_ref 0 0); end; end;
    block (result exnref); try_table (catch_all_ref 0); end; end;
    block (result (ref any)); br_on_non_null 0; end;
    block (result (ref i31)); br_on_cast 0 anyref (ref i31); end;
    block (result anyref); br_on_cast_fail 0 anyref (ref null 1); end;
    try; catch 0; drop; catch_all; rethrow 0; end; try (type 6); end; try; delegate 0;
    throw 0; throw_ref; br 0; br_if 0; br_table 0 0 0; br_table 0; return; call 0;
    call_indirect (type 6); call_indirect 2 (type 6); return_call 0;
    return_call_indirect (type 0); return_call_indirect 2 (type 0); call_ref 6;
    return_call_ref 0; drop; select; select (result i32); select (result (ref null 3));
    local.get 0; local.set 1; local.tee 2; global.get 0; global.set 0; table.get 0; table.set 1;
    table.grow 1; table.size 2; table.fill 0; memory.size; memory.size 1; memory.grow;
    memory.grow 1; memory.fill; memory.fill 1; memory.copy; memory.copy 0 1; memory.copy 1 0;
    memory.init 1; memory.init 1 0; data.drop 1; elem.drop 1; table.init 0 1; table.init 2 0;
    table.copy 0 2; table.copy 0 0;
    i32.const 0; i32.const -2147483648; i64.const 9223372036854775807; i64.const -1;
    f32.const 0.1; f32.const -0.0; f32.const inf; f32.const nan; f32.const -nan:0x1;
    f32.const 3.4028234663852886e+38; f32.const 1e-45;
    f64.const 0.1; f64.const -inf; f64.const nan:0x123456789abcd; f64.const 5e-324;
    v128.const i32x4 0x00000001 0x80000000 0xffffffff 0x12345678;
    i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31;
    ref.null func; ref.null extern; ref.null 3; ref.null none; ref.is_null; ref.func 0; ref.eq;
    ref.as_non_null; br_on_null 0; struct.new 1; struct.new_default 1; struct.get 1 0;
    struct.get 1 1; struct.get_s 2 0; struct.get_u 2 0; struct.set 1 0; array.new 3;
    array.new_default 4; array.new_fixed 3 2; array.new_data 4 1; array.new_elem 5 0;
    array.get 3; array.get_s 4; array.get_u 4; array.set 3; array.len; array.fill 3;
    array.copy 3 3; array.init_data 4 0; array.init_elem 5 1; ref.test (ref i31);
    ref.test anyref; ref.test (ref 1); ref.cast (ref null 1); ref.cast (ref array);
    any.convert_extern; extern.convert_any; ref.i31; i31.get_s; i31.get_u; atomic.fence;
    i32.load offset=4294967295; i64.load 1 offset=8 align=2; v128.load8_lane offset=1 3;
    i32.load 1; v128.load32_lane 1 align=1 3"""


def rows() -> list[tuple[str, str, int]]:
    """The name, the kind of immediates and the alignment of every row of the opcode table."""
    if not OPCODES.exists():
        pytest.skip("needs the sources")
    text = "".join((OPCODES / name).read_text() for name in TABLES)
    row = r'^PW_\w+\(0x\w+, \w+, "([^"]+)", (\w+), .*, (\d+), \w+, [01], [01]\)$'
    found = re.findall(row, text, re.M)
    assert len(found) > 500
    return [(name, kind, int(log2)) for name, kind, log2 in found if kind != "PREFIX"]


def plain(name: str, kind: str, log2: int) -> list[str]:
    """Texts of an instruction whose immediates follow from its row of the opcode table."""
    if kind in ("NONE", "BYTE") and name not in ("else", "end", "catch_all"):
        return [name]
    if kind == "MEMARG":
        atomic = "atomic" in name
        return [name] if atomic else [name, f"{name} offset=16", *[f"{name} align=1"] * (log2 > 0)]
    if kind == "MEMARG_LANE":
        return [f"{name} 1"]
    if kind == "LANE":
        return [f"{name} {(1 << log2) - 1}"]
    return []


def dead(type_index: int, instructions: list[str]) -> str:
    """A function of which only the beginning can be reached."""
    body = " unreachable ".join(["", *instructions, ""])
    return f"(func (type {type_index}) (local i32) (local i64 i64) {body})"


def every_instruction() -> str:
    """Two functions that together have every instruction."""
    simple = [text for row in rows() for text in plain(*row)]
    others = [" ".join(text.split()) for text in OTHERS.split(";")]
    return dead(0, simple) + dead(7, others)


def listed(data: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> str:
    path = tmp_path / "listed.wasm"
    path.write_bytes(data)
    assert main(["disasm", str(path)]) == 0
    return capsys.readouterr().out


def without_offsets(listing: str) -> str:
    return "\n".join(line[10:] for line in listing.splitlines())


def code(data: bytes) -> bytes:
    """The content of the code section."""
    section = next(s for s in Listing(data).sections() if s.name == "code")
    return data[section.offset : section.offset + section.size]


def assembled(functions: str) -> bytes:
    return wat(MODULE.replace("{functions}", functions))


@pytest.fixture
def everything() -> bytes:
    return assembled(every_instruction())


def test_the_listing_of_every_instruction_assembles_to_the_same_code(
    everything: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = without_offsets(listed(everything, capsys, tmp_path))
    assert code(assembled(text)) == code(everything)


def test_every_row_of_the_opcode_table_was_listed(
    everything: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = without_offsets(listed(everything, capsys, tmp_path))
    shown = {line.split()[0] for line in text.splitlines()}
    assert {name for name, _, _ in rows()} - shown == set()


def test_every_float_is_written_exactly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    random = Random(6)
    body = b""
    for _ in range(1000):
        body += b"\x43" + random.randbytes(4) + b"\x1a\x44" + random.randbytes(8) + b"\x1a"
        body += b"\x43" + random.randbytes(2) + b"\x80\x7f\x1a"  # more NaNs
    entry = binary.vector([binary.leb(len(body) + 2) + b"\0" + body + b"\x0b"])
    data = binary.HEADER + binary.section(1, b"\1\x60\0\0") + binary.section(3, b"\1\0")
    data += binary.section(10, entry)
    text = without_offsets(listed(data, capsys, tmp_path))
    assert code(wat(f"(module (type (func)) {text})")) == entry


def test_each_line_has_the_offset_of_its_instruction(
    everything: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """At the offset that begins a line stands the opcode of the instruction, for some of them."""
    opcodes = {"i32.add": 0x6A, "drop": 0x1A, "call": 0x10, "block": 0x02, "nop": 0x01}
    seen = set()
    for line in listed(everything, capsys, tmp_path).splitlines():
        word = line[10:].split()[0]
        if word in opcodes:
            assert everything[int(line[:8], 16)] == opcodes[word]
            seen.add(word)
    assert seen == opcodes.keys()


@pytest.mark.parametrize("name", sorted(seeds.TEXTS))
def test_modules_of_every_feature_are_listed_to_the_end_of_each_body(name: str) -> None:
    listing = Listing(wat(seeds.TEXTS[name]))
    for index in range(listing.count("func")):
        instructions = list(listing.instructions(index))
        if instructions:
            assert instructions[-1].text == "end"
            assert all(a.end == b.offset for a, b in itertools.pairwise(instructions))


def test_nesting_is_shown_by_indentation() -> None:
    source = b"(module (func block loop nop end i32.const 0 if nop else nop end end))"
    lines = run("disasm", "-", given=source).out.splitlines()[1:]
    assert [line[10:] for line in lines] == [
        "  block",
        "    loop",
        "      nop",
        "    end",
        "    i32.const 0",
        "    if",
        "      nop",
        "    else",
        "      nop",
        "    end",
        "  end",
        ")",
    ]


def test_names_of_functions_are_comments(module: Write) -> None:
    out = run("disasm", module(LIBRARY)).out
    assert re.search(r"^ {10}\(func \(;5;\) \(export \"divide\"\) .*;; divide$", out, re.M)
    assert re.search(r"call 4  ;; inner$", out, re.M)


def test_a_function_is_chosen_by_name_export_or_index(module: Write) -> None:
    path = module(LIBRARY)
    for word in ("inner", "$inner", "4"):
        out = run("disasm", path, word).out
        assert out.count("(func") == 1
        assert "i32.div_s" in out
    assert "i32.add" in run("disasm", path, "add").out
    assert failure("disasm", path, "none", code=2) == 'no function is called "none"'
    message = failure("disasm", path, "$iner", code=2)
    assert message == 'no function is called "$iner"; did you mean "inner"?'
    message = failure("disasm", path, "99", code=2)
    assert message == "there is no function 99: the module has 10 functions"


def test_imported_functions_are_listed_without_a_body(module: Write) -> None:
    path = GUESTS / "host.wasm"
    first = run("disasm", path, "0").out
    assert first.strip() == (
        '(func (;0;) (import "env" "callback") (type 0) (param i32) (result i32))  ;; callback'
    )


def test_hostile_names_are_escaped(module: Write) -> None:
    out = run("disasm", module(UNRUNNABLE)).out
    assert "\x1b" not in out and "\u202e" not in out
    assert '(export "\\u{1b}[31mred\\u{a}\\u{202e}\\"\\\\")' in out


def test_the_length_of_a_listing_is_in_proportion_to_the_module() -> None:
    deep = 20_000
    nested = wat(f"(module (func {'block ' * deep} {'end ' * deep}))")
    locals_ = wat(f"(module {'(func (local i32) ' + '(local i32) ' * 40_000 + ')'})")
    for data in (nested, locals_):
        done = run("disasm", "-", given=data)
        assert done.code == 0
        assert len(done.out) < 200 * len(data)


def test_a_very_long_list_of_operands_is_cut() -> None:
    data = wat(f"(module (func unreachable br_table {'0 ' * 70_000}))")
    out = run("disasm", "-", given=data).out
    assert "br_table 0 0" in out
    assert "0 (; and 4,464 more ;)\n" in out


def test_a_module_that_does_not_validate_is_refused(module: Write) -> None:
    path = module("(module (func i32.add))")
    assert failure("disasm", path).startswith(f"{path}: type mismatch")


def test_what_was_read_to_be_listed_cannot_be_instantiated() -> None:
    """A module that was decoded only for a listing is refused when an instance is made of it."""
    from pywasm3._ffi import address, ffi, lib, new_error

    data = wat("(module)")
    error = new_error()
    module = ffi.gc(lib.pw_module_list(data, len(data), error), lib.pw_module_release)
    store = pywasm3.Store()
    with pytest.raises(pywasm3.UnsupportedError, match="only to be looked at"):
        store._call_entered(store._instantiate, address(module), 0, False, (), ())
