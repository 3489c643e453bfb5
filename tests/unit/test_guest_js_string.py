# SPDX-License-Identifier: MIT
"""`pywasm3.guests.js_string` gives guests the functions of the proposal "JS String Builtins".

Expected values follow from its text, in which a string is a list of UTF-16 code units.
"""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import load
from js_string_guest import PLAIN, guest, imported
from pywasm3 import TrapKind
from pywasm3.guests import js_string

FACE = "\U0001f600"  # the code units d83d de00
HIGH, LOW = "\ud83d", "\ude00"


@pytest.fixture(scope="module")
def strings() -> Any:
    return guest()


@pytest.mark.parametrize(
    ("string", "length"), [("", 0), ("abc", 3), ("h\xe9\u4e2d", 3), (f"a{FACE}", 3), (HIGH, 1)]
)
def test_the_length_counts_code_units(strings: Any, string: str, length: int) -> None:
    assert strings.length(string) == length


def test_code_units_are_read_by_their_index(strings: Any) -> None:
    text = f"a\xe9{FACE}\u4e2d"
    units = [strings.charCodeAt(text, i) for i in range(5)]
    assert units == [0x61, 0xE9, 0xD83D, 0xDE00, 0x4E2D]


def test_code_points_are_read_by_the_index_of_a_code_unit(strings: Any) -> None:
    """A low half has the code point that it is itself."""
    text = f"{FACE}{HIGH}z"
    assert [strings.codePointAt(text, i) for i in range(4)] == [0x1F600, 0xDE00, 0xD83D, 0x7A]


def test_halves_that_meet_become_a_character(strings: Any) -> None:
    assert strings.concat(f"a{HIGH}", f"{LOW}z") == f"a{FACE}z"
    assert strings.concat(LOW, HIGH) == LOW + HIGH


def test_a_part_may_begin_and_end_within_a_pair(strings: Any) -> None:
    assert strings.substring(f"a{FACE}z", 0, 2) == f"a{HIGH}"
    assert strings.substring(f"a{FACE}z", 2, 4) == f"{LOW}z"
    assert strings.substring(f"a{FACE}z", 1, 3) == FACE


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [(0, 3, "abc"), (1, 2, "b"), (2, 1, ""), (1, -1, "bc"), (-1, -1, ""), (3, 9, ""), (4, 9, "")],
)
def test_a_part_ends_where_the_string_ends(strings: Any, start: int, end: int, part: str) -> None:
    """Bounds are unsigned, so that -1 is the largest number."""
    assert strings.substring("abc", start, end) == part


def test_a_code_unit_becomes_a_string(strings: Any) -> None:
    """Of a number, the lower 16 bits count."""
    assert [strings.fromCharCode(unit) for unit in (0x41, 0xD83D, 0x10041, -1)] == [
        "A",
        HIGH,
        "A",
        "\uffff",
    ]


def test_a_code_point_becomes_a_string(strings: Any) -> None:
    assert [strings.fromCodePoint(point) for point in (0x41, 0xD83D, 0x1F600)] == ["A", HIGH, FACE]


def test_strings_are_equal_if_their_code_units_are(strings: Any) -> None:
    """Python can give both halves of a pair as two characters."""
    assert strings.equals(HIGH + LOW, FACE) == 1
    assert strings.equals("\xe9", "\xe8") == 0
    assert strings.equals("a", "\xe9") == 0
    assert strings.length(HIGH + LOW) == 2
    assert strings.codePointAt(HIGH + LOW, 0) == 0x1F600


def test_null_equals_null_alone(strings: Any) -> None:
    pairs = [(None, None), (None, ""), ("", None)]
    assert [strings.equals(*pair) for pair in pairs] == [1, 0, 0]


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [("a", "b", -1), ("b", "a", 1), ("a", "a", 0), ("\uffff", FACE, 1), (HIGH + LOW, FACE, 0)],
)
def test_strings_are_ordered_by_their_code_units(
    strings: Any, first: str, second: str, order: int
) -> None:
    """The code point of the face is greater than ffff, and its first code unit is less."""
    assert strings.compare(first, second) == order


@pytest.mark.parametrize(
    ("value", "is_string"), [("", 1), ("a", 1), (None, 0), (b"a", 0), (7, 0), ([], 0)]
)
def test_a_value_is_tested(strings: Any, value: object, is_string: int) -> None:
    assert strings.test(value) == is_string


def test_a_string_passes_a_cast_as_it_is(strings: Any) -> None:
    text = "".join(["some ", "text"])
    assert strings.cast(text) is text


def test_an_object_of_a_class_derived_from_str_is_a_string(strings: Any) -> None:
    class Name(str):
        __slots__ = ()

    name = Name("h\xe9")
    assert (strings.length(name), strings.charCodeAt(name, 1)) == (2, 0xE9)
    assert type(strings.concat(name, name)) is str


def test_an_array_becomes_a_string() -> None:
    strings = guest()
    strings.make(4)
    for i, unit in enumerate((0xD83D, 0xDE00, 0x61, 0xD83D)):
        strings.put(i, unit)
    assert strings["from"](0, 4) == f"{FACE}a{HIGH}"
    assert strings["from"](1, 3) == f"{LOW}a"
    assert strings["from"](4, 4) == ""


def test_a_string_is_written_into_an_array() -> None:
    strings = guest()
    strings.make(6)
    assert strings.into(f"\xe9{FACE}", 1) == 3
    assert [strings.item(i) for i in range(6)] == [0, 0xE9, 0xD83D, 0xDE00, 0, 0]


@pytest.mark.parametrize("name", [name for name in PLAIN if PLAIN[name][0].startswith("externref")])
@pytest.mark.parametrize("value", [None, 7])
def test_what_is_not_a_string_traps(strings: Any, name: str, value: object) -> None:
    if name == "test" or (name == "equals" and value is None):
        return
    arguments = [value, *(0 if each == "i32" else "" for each in PLAIN[name][0].split()[1:])]
    with pytest.raises(pywasm3.Trap, match=f"{name} needs a string, but got ") as caught:
        strings[name](*arguments)
    assert caught.value.kind is TrapKind.CAST_FAILURE


@pytest.mark.parametrize("name", ["charCodeAt", "codePointAt"])
@pytest.mark.parametrize("text", ["abc", "ab\xe9", f"a{FACE}"])
@pytest.mark.parametrize("index", [3, -1, -3])
def test_an_index_beyond_the_end_traps(strings: Any, name: str, text: str, index: int) -> None:
    with pytest.raises(pywasm3.Trap, match=f"{name}: there is no code unit .* in a string of 3"):
        strings[name](text, index)


@pytest.mark.parametrize("point", [0x110000, -1])
def test_what_is_no_code_point_traps(strings: Any, point: int) -> None:
    with pytest.raises(pywasm3.Trap, match="is not a code point"):
        strings.fromCodePoint(point)


@pytest.mark.parametrize(("start", "end"), [(0, 4), (2, 1), (4, 4), (-1, 2), (0, -1), (-1, -1)])
def test_elements_that_an_array_has_not_trap(start: int, end: int) -> None:
    strings = guest()
    strings.make(3)
    with pytest.raises(pywasm3.Trap, match="of an array of 3") as caught:
        strings["from"](start, end)
    assert caught.value.kind is TrapKind.ARRAY_OUT_OF_BOUNDS


@pytest.mark.parametrize(("text", "start"), [("abcd", 0), ("ab", 2), ("", 4), ("a", -1)])
def test_a_string_that_is_too_long_for_an_array_writes_nothing(text: str, start: int) -> None:
    strings = guest()
    strings.make(3)
    with pytest.raises(pywasm3.Trap, match="of an array of 3"):
        strings.into(text, start)
    assert [strings.item(i) for i in range(3)] == [0, 0, 0]


def test_a_null_array_traps(strings: Any) -> None:
    for name, arguments in (("from", (0, 0)), ("into", ("", 0))):
        with pytest.raises(pywasm3.Trap) as caught:
            strings[name](*arguments)
        assert caught.value.kind is TrapKind.NULL_ARRAY_REFERENCE


# ---- imports ------------------------------------------------------------------------------------


def test_an_import_of_another_type_is_a_mismatch() -> None:
    text = f"(module {imported('length', 'externref', 'i64')})"
    with pytest.raises(pywasm3.LinkError, match=r"length.*\n?.*\(externref\) -> i32"):
        load(text, js_string.builtins())


@pytest.mark.parametrize(
    "type_",
    [
        "(type $a (array i16))",
        "(type $a (array (mut i8)))",
        "(type $a (sub (array (mut i16))))",
        "(rec (type $a (array (mut i16))) (type $b (struct)))",
        "(type $a (struct))",
    ],
)
def test_an_array_of_another_type_is_a_mismatch(type_: str) -> None:
    function = imported("fromCharCodeArray", "(ref null $a) i32 i32", "(ref extern)")
    with pytest.raises(pywasm3.LinkError, match=r"\(ref null \(array \(mut i16\)\)\)"):
        load(f"(module {type_} {function})", js_string.builtins())


@pytest.mark.parametrize(
    ("params", "result"),
    [
        ("(ref $a) i32 i32", "(ref extern)"),
        ("arrayref i32 i32", "(ref extern)"),
        ("(ref null $a) i32", "(ref extern)"),
        ("(ref null $a) i32 i32", "externref"),
    ],
)
def test_a_function_on_arrays_has_one_type(params: str, result: str) -> None:
    function = imported("fromCharCodeArray", params, result)
    with pytest.raises(pywasm3.LinkError, match="fromCharCodeArray"):
        load(f"(module (type $a (array (mut i16))) {function})", js_string.builtins())


def test_a_function_that_does_not_exist_is_missing() -> None:
    with pytest.raises(pywasm3.LinkError, match="toUpperCase"):
        load(f"(module {imported('toUpperCase', 'externref', 'externref')})", js_string.builtins())


def test_a_constant_is_the_name_of_its_import() -> None:
    text = """
    (module
      (import "'" "caf\\c3\\a9 \\f0\\9f\\98\\80" (global $a externref))
      (import "'" "" (global $b (ref extern)))
      (import "'" "a\\00b" (global $c externref))
      (func (export "all") (result externref externref externref)
        (global.get $a) (global.get $b) (global.get $c)))
    """
    instance = load(text, {"'": js_string.constants})
    assert instance.exports.all() == (f"caf\xe9 {FACE}", "", "a\0b")


@pytest.mark.parametrize(
    "import_", ["(global (mut externref))", "(global i32)", "(func)", "(memory 1)"]
)
def test_a_constant_of_another_type_is_a_mismatch(import_: str) -> None:
    with pytest.raises(pywasm3.LinkError, match="is a constant"):
        load(f'(module (import "S" "is a constant" {import_}))', {"S": js_string.constants})


def test_a_guest_cannot_catch_a_trap_of_a_string_function() -> None:
    text = f"""
    (module {imported("length", "externref", "i32")}
      (func (export "run") (result i32)
        (block (try_table (catch_all 0) (return (call $length (ref.null extern)))))
        (i32.const -1)))
    """
    with pytest.raises(pywasm3.Trap):
        load(text, js_string.builtins()).exports.run()
