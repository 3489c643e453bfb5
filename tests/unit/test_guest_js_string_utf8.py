# SPDX-License-Identifier: MIT
"""`js_string.builtins()` has `wasm:text-encoder` and `wasm:text-decoder`, too.

Expected values follow from the text of the proposal "JS String Builtins", and from TextEncoder and
TextDecoder of the standard "Encoding", on which it builds.
"""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import Limits, TrapKind
from pywasm3.guests import js_string

FACE = "\U0001f600"
HIGH, LOW = "\ud83d", "\ude00"
UNKNOWN = "\ufffd"

BYTES = "(type $bytes (array (mut i8)))"
INTO = "externref (ref null $bytes) i32", "i32"
TO = "externref", "(ref $bytes)"
FROM = "(ref null $bytes) i32 i32", "(ref extern)"


def imported(name: str, params: str, result: str) -> str:
    module = "decoder" if name.startswith("decode") else "encoder"
    type_ = f"(param {params}) (result {result})"
    return f'(import "wasm:text-{module}" "{name}" (func ${name} {type_}))'


GUEST = f"""
(module
  {BYTES}
  {imported("measureStringAsUTF8", "externref", "i32")}
  {imported("encodeStringIntoUTF8Array", *INTO)}
  {imported("encodeStringToUTF8Array", *TO)}
  {imported("decodeStringFromUTF8Array", *FROM)}
  (func (export "measure") (param externref) (result i32)
    (call $measureStringAsUTF8 (local.get 0)))
  (func (export "into") (param externref (ref null $bytes) i32) (result i32)
    (call $encodeStringIntoUTF8Array (local.get 0) (local.get 1) (local.get 2)))
  (func (export "to") (param externref) (result (ref $bytes))
    (call $encodeStringToUTF8Array (local.get 0)))
  (func (export "from") (param (ref null $bytes) i32 i32) (result (ref extern))
    (call $decodeStringFromUTF8Array (local.get 0) (local.get 1) (local.get 2)))
  (func (export "many") (param $count i32) (param $text externref)
    (loop $again
      (drop (call $encodeStringToUTF8Array (local.get $text)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))
"""


@pytest.fixture(scope="module")
def instance() -> Any:
    return load(GUEST, js_string.builtins())


def array(instance: Any, data: bytes) -> Any:
    return pywasm3.Array(instance, 0, data)


TEXTS = [
    ("", b""),
    ("abc", b"abc"),
    ("h\xe9\u4e2d\0", b"h\xc3\xa9\xe4\xb8\xad\0"),
    (f"a{FACE}", b"a\xf0\x9f\x98\x80"),
    (f"a{HIGH}", b"a\xef\xbf\xbd"),
    (f"{LOW}{HIGH}b", b"\xef\xbf\xbd\xef\xbf\xbdb"),
    (f"{HIGH}{HIGH}{LOW}", b"\xef\xbf\xbd\xf0\x9f\x98\x80"),  # two halves that meet
]


@pytest.mark.parametrize(("text", "data"), TEXTS)
def test_a_string_becomes_utf8_in_each_way(instance: Any, text: str, data: bytes) -> None:
    exports = instance.exports
    assert exports.measure(text) == len(data)
    assert bytes(exports.to(text)) == data
    given = array(instance, b"\xaa" * (len(data) + 3))
    assert exports.into(text, given, 2) == len(data)
    assert bytes(given) == b"\xaa\xaa" + data + b"\xaa"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        *((data, text) for text, data in TEXTS[:4]),
        (b"\xef\xbb\xbfab", "ab"),  # one byte order mark is skipped
        (b"\xef\xbb\xbf\xef\xbb\xbf", "\ufeff"),
        (b"a\xef\xbb\xbf", "a\ufeff"),
        (b"a\xffb\x80", f"a{UNKNOWN}b{UNKNOWN}"),
        (b"\xed\xa0\xbd", UNKNOWN * 3),  # a surrogate
        (b"\xf0\x9f\x98", UNKNOWN),
        (b"\xf0\x9fz", f"{UNKNOWN}z"),
        (b"\xc0\xaf", UNKNOWN * 2),
    ],
)
def test_utf8_becomes_a_string(instance: Any, data: bytes, text: str) -> None:
    assert instance.exports["from"](array(instance, b"<" + data + b">"), 1, len(data) + 1) == text


@pytest.mark.parametrize(("start", "end"), [(0, 4), (2, 1), (4, 4), (-1, 2), (0, -1), (-1, -1)])
def test_elements_that_an_array_has_not_trap(instance: Any, start: int, end: int) -> None:
    with pytest.raises(pywasm3.Trap, match=r"decodeString.*of an array of 3") as caught:
        instance.exports["from"](array(instance, b"abc"), start, end)
    assert caught.value.kind is TrapKind.ARRAY_OUT_OF_BOUNDS


@pytest.mark.parametrize(("text", "start"), [("abcd", 0), ("\xe9", 2), ("", 4), ("a", -1)])
def test_a_string_that_is_too_long_writes_nothing(instance: Any, text: str, start: int) -> None:
    given = array(instance, b"xyz")
    with pytest.raises(pywasm3.Trap, match=r"encodeStringIntoUTF8Array.*of an array of 3"):
        instance.exports.into(text, given, start)
    assert bytes(given) == b"xyz"


def test_a_null_array_traps(instance: Any) -> None:
    for call in (lambda e: e["from"](None, 0, 0), lambda e: e.into("", None, 0)):
        with pytest.raises(pywasm3.Trap) as caught:
            call(instance.exports)
        assert caught.value.kind is TrapKind.NULL_ARRAY_REFERENCE


@pytest.mark.parametrize("value", [None, 7, b"bytes"])
def test_what_is_not_a_string_traps(instance: Any, value: object) -> None:
    exports = instance.exports
    given = array(instance, b"")
    for call in (exports.measure, exports.to, lambda value: exports.into(value, given, 0)):
        with pytest.raises(pywasm3.Trap, match=r"UTF8.* needs a string, but got ") as caught:
            call(value)
        assert caught.value.kind is TrapKind.CAST_FAILURE


def test_an_array_beyond_the_limits_is_a_trap() -> None:
    exports = load(GUEST, js_string.builtins(), limits=Limits(heap=1 << 20)).exports
    with pytest.raises(pywasm3.Trap, match="no room for 2000000 bytes") as caught:
        exports.to("x" * 2_000_000)
    assert caught.value.kind is TrapKind.HEAP_EXHAUSTED
    assert len(exports.to("x" * 2_000)) == 2_000


def test_arrays_that_the_guest_drops_are_collected() -> None:
    """All of them together would take 20 MB."""
    exports = load(GUEST, js_string.builtins(), limits=Limits(heap=1 << 20)).exports
    exports.many(2_000, "x" * 10_000)


def test_each_module_gets_arrays_of_its_own_type() -> None:
    """Two modules share the imports, and the type has another index in each."""
    builtins = js_string.builtins()
    second = GUEST.replace(BYTES, f"(type (struct)) (type (func)) {BYTES}")
    first, other = load(GUEST, builtins), load(second, builtins)
    assert bytes(first.exports.to("one")) == b"one"
    assert bytes(other.exports.to("two")) == b"two"
    assert other.exports["from"](other.exports.to("three"), 0, 5) == "three"


@pytest.mark.parametrize(
    ("type_", "name", "function"),
    [
        ("(array i8)", "encodeStringToUTF8Array", TO),
        ("(array (mut i16))", "encodeStringToUTF8Array", TO),
        ("(sub (array (mut i8)))", "decodeStringFromUTF8Array", FROM),
        ("(array (mut i8))", "encodeStringToUTF8Array", ("externref", "(ref null $bytes)")),
        ("(array (mut i8))", "encodeStringToUTF8Array", ("externref", "arrayref")),
        ("(array (mut i8))", "measureStringAsUTF8", ("externref", "i64")),
    ],
)
def test_an_import_of_another_type_is_a_mismatch(
    type_: str, name: str, function: tuple[str, str]
) -> None:
    text = f"(module (type $bytes {type_}) {imported(name, *function)})"
    with pytest.raises(pywasm3.LinkError, match=name):
        load(text, js_string.builtins())


def test_modules_that_a_guest_does_not_import_are_no_hint_for_what_is_missing() -> None:
    with pytest.raises(pywasm3.LinkError) as caught:
        load('(module (import "other" "f" (func)))', js_string.builtins())
    assert caught.value.unused == ()


def test_a_start_function_may_encode() -> None:
    text = f"""(module {BYTES} {imported("encodeStringToUTF8Array", *TO)}
      (import "_" "text" (global $text externref))
      (global $bytes (mut (ref null $bytes)) (ref.null $bytes))
      (func $start (global.set $bytes (call $encodeStringToUTF8Array (global.get $text))))
      (start $start)
      (func (export "bytes") (result (ref null $bytes)) (global.get $bytes)))"""
    instance = load(text, {**js_string.builtins(), "_": js_string.constants})
    assert bytes(instance.exports.bytes()) == b"text"
