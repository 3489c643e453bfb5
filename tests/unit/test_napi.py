# SPDX-License-Identifier: MIT
"""The functions of Node-API do what Node's documentation says, and return its status codes."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timezone
from typing import Any

import pytest

import pywasm3
from helpers import let_pypy_free, wat
from napi_helpers import (
    AUTO,
    CALL_ARGUMENT,
    CALL_JS,
    COMPLETE,
    DATA,
    EXECUTE,
    FINALIZER,
    FIRST_ARGUMENT,
    HOOK,
    NEW_TARGET,
    RESULT,
    RETURN_THIS,
    THROW,
    WRITE_BYTES,
    Raw,
)
from pywasm3.guests import napi
from pywasm3.guests.napi.status import Status


@pytest.fixture
def raw() -> Raw:
    return Raw()


# ---- the guest from outside ----


def test_a_function_of_the_guest_is_called_with_values_of_python(raw: Raw) -> None:
    value = {"text": "ü🙂", "list": [1, 2.5, None, True], "bytes": b"\0\1", "big": 2**60}
    assert raw.guest.exports["first"](value) == value
    assert raw.guest.exports.first() is None
    assert list(raw.guest.exports) == ["first"]


def test_a_missing_export_is_an_error(raw: Raw) -> None:
    with pytest.raises(KeyError):
        raw.guest.exports["second"]
    with pytest.raises(AttributeError, match="exports nothing named 'second'"):
        _ = raw.guest.exports.second


def test_a_module_without_node_api_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of Node-API"):
        napi.load(wat("(module)"))


def test_an_unknown_function_of_node_api_says_so_when_it_is_called(raw: Raw) -> None:
    with pytest.raises(pywasm3.Trap, match=r"napi_run_script, which pywasm3.guests.napi does not"):
        raw.status("run_script", 0, 0)


def test_an_import_that_is_not_of_node_api_must_be_given() -> None:
    text = """(module (import "env" "other" (func (result i32)))
      (func (export "napi_register_module_v1") (param i32 i32) (result i32) (call 0)))"""
    with pytest.raises(pywasm3.LinkError, match=r"env\.other"):
        napi.load(wat(text))
    napi.load(wat(text), imports={"env": {"other": lambda: 0}}).close()
    with pytest.raises(pywasm3.Trap, match=r"env\.other"):
        napi.load(wat(text), missing="trap")


def test_an_import_of_another_type_is_refused() -> None:
    text = """(module (import "env" "napi_get_null" (func (param i32)))
      (func (export "napi_register_module_v1") (param i32 i32) (result i32) (i32.const 0)))"""
    with pytest.raises(pywasm3.LinkError, match="napi_get_null"):
        napi.load(wat(text))


def test_given_imports_go_before_those_of_node_api() -> None:
    seen = []
    given = {("env", "napi_create_object"): lambda env, result: seen.append(result) or 0}
    assert Raw(imports=given).status("create_object", 8) is Status.OK
    assert seen == [8]


def test_the_guest_may_replace_its_exports() -> None:
    text = """(module (import "env" "napi_create_object" (func $new (param i32 i32) (result i32)))
      (import "env" "napi_set_named_property" (func $set (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 8) "name")
      (func (export "napi_register_module_v1") (param i32 i32) (result i32)
        (drop (call $new (local.get 0) (i32.const 0)))
        (drop (call $set (local.get 0) (local.get 1) (i32.const 8) (local.get 1)))
        (drop (call $new (local.get 0) (i32.const 32)))
        (drop (call $set (local.get 0) (i32.load (i32.const 32)) (i32.const 8) (local.get 1)))
        (i32.load (i32.const 32))))"""
    guest = napi.load(wat(text))
    assert list(guest.exports["name"]) == ["name"]


# ---- numbers, texts and kinds ----


@pytest.mark.parametrize("number", [0, -7, 2**31, 1.5, -(2.0**80), math.inf])
def test_numbers_are_kept(raw: Raw, number: float) -> None:
    handle = raw.number(number)
    assert raw.status("get_value_double", handle, RESULT) is Status.OK
    assert raw.memory.read_f64(RESULT) == number


@pytest.mark.parametrize(
    ("number", "i32", "u32", "i64"),
    [
        (-1, -1, 2**32 - 1, -1),
        (2.9, 2, 2, 2),
        (2.0**32 + 5, 5, 5, 2**32 + 5),
        (math.nan, 0, 0, 0),
        (math.inf, 0, 0, 0),
        (1e30, 0, 0, 2**63 - 1),
        (-1e30, 0, 0, -(2**63)),
    ],
)
def test_numbers_become_integers(raw: Raw, number: float, i32: int, u32: int, i64: int) -> None:
    handle = raw.number(number)
    if abs(number) < 1e30:
        assert raw.make("get_value_int32", handle) == i32
        assert raw.make("get_value_uint32", handle) & 0xFFFFFFFF == u32
    assert raw.status("get_value_int64", handle, RESULT) is Status.OK
    assert raw.memory.read_i64(RESULT) == i64


def test_unsigned_and_signed_numbers_are_made(raw: Raw) -> None:
    assert raw.value(raw.make("create_uint32", -1)) == 2**32 - 1
    assert raw.value(raw.make("create_int32", -1)) == -1
    assert raw.value(raw.make("create_int64", -(2**40))) == -(2**40)
    assert raw.value(raw.make("create_int64", 2**62)) == 2.0**62


def test_bigints_have_64_bits_or_words(raw: Raw) -> None:
    assert raw.value(raw.make("create_bigint_int64", -3)) == -3
    assert raw.value(raw.make("create_bigint_uint64", -3)) == 2**64 - 3
    raw.memory.write(DATA, struct.pack("<2Q", 5, 6))
    handle = raw.make("create_bigint_words", 1, 2, DATA)
    assert raw.value(handle) == -(5 + (6 << 64))
    raw.write_words(RESULT, 0, 4)
    assert raw.status("get_value_bigint_words", handle, RESULT, RESULT + 4, DATA + 64) is Status.OK
    assert raw.words(RESULT, 2) == (1, 2)
    assert struct.unpack("<2Q", raw.memory.read(DATA + 64, 16)) == (5, 6)
    assert raw.status("get_value_bigint_int64", handle, RESULT, RESULT + 8) is Status.OK
    assert raw.memory.read(RESULT + 8, 1) == b"\0"
    assert raw.status("get_value_bigint_int64", raw.number(1), 8, 8) is Status.BIGINT_EXPECTED


@pytest.mark.parametrize("text", ["", "plain", "ü北🙂", "a\0b"])
@pytest.mark.parametrize(
    ("name", "encoding", "unit"), [("utf8", "utf-8", 1), ("utf16", "utf-16-le", 2)]
)
def test_texts_go_both_ways(raw: Raw, text: str, name: str, encoding: str, unit: int) -> None:
    data = text.encode(encoding)
    raw.memory.write(DATA, data or b"\0")
    handle = raw.make(f"create_string_{name}", DATA, len(data) // unit)
    assert raw.value(handle) == text
    assert raw.make(f"get_value_string_{name}", handle, 0, 0) == len(data) // unit
    room = len(data) // unit + 1
    assert raw.make(f"get_value_string_{name}", handle, DATA + 512, room) == len(data) // unit
    assert raw.memory.read(DATA + 512, len(data) + unit) == data + bytes(unit)


def test_a_text_is_cut_at_a_character(raw: Raw) -> None:
    handle = raw.string("aü🙂")
    written = [raw.make("get_value_string_utf8", handle, DATA, room) for room in range(9)]
    assert written == [0, 0, 1, 1, 3, 3, 3, 3, 7]
    assert raw.memory.read(DATA, 8) == "aü🙂\0".encode()


def test_latin_1_has_the_lower_half_of_each_unit(raw: Raw) -> None:
    raw.memory.write(DATA, b"\xe9t\xe9")
    assert raw.value(raw.make("create_string_latin1", DATA, 3)) == "été"
    handle = raw.string("é北🙂")
    assert raw.make("get_value_string_latin1", handle, DATA, 100) == 4
    assert raw.memory.read(DATA, 5) == b"\xe9\x17\x3d\x42\0"


def test_a_text_that_ends_with_nul_is_found(raw: Raw) -> None:
    raw.memory.write(DATA, "a\u0100b\0c".encode("utf-16-le"))
    assert raw.value(raw.make("create_string_utf16", DATA, AUTO)) == "a\u0100b"
    raw.memory.write(DATA, b"x" * 5000 + b"\0")
    assert raw.value(raw.make("create_string_utf8", DATA, AUTO)) == "x" * 5000


def test_what_is_not_utf_8_becomes_a_replacement(raw: Raw) -> None:
    raw.memory.write(DATA, b"a\xffb")
    assert raw.value(raw.make("create_string_utf8", DATA, 3)) == "a�b"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *((None, 1), (True, 2), (1.5, 3), ("x", 4), ({}, 6), ([], 6), (b"", 6), (print, 7)),
        *((2**60, 9), (datetime(2020, 1, 1, tzinfo=timezone.utc), 6)),
    ],
)
def test_every_value_has_its_type(raw: Raw, value: Any, kind: int) -> None:
    assert raw.make("typeof", raw.put(value)) == kind


def test_undefined_external_and_symbol_have_their_types(raw: Raw) -> None:
    assert raw.make("typeof", raw.make("get_undefined")) == 0
    assert raw.make("typeof", raw.make("create_symbol", raw.string("description"))) == 5
    assert raw.make("typeof", raw.make("create_external", 5, 0, 0)) == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("array", []), ("typedarray", b""), ("buffer", b"")),
        *(("date", datetime.now(timezone.utc)), ("error", ValueError())),
    ],
)
def test_a_kind_is_recognized(raw: Raw, name: str, value: Any) -> None:
    assert raw.flag(f"is_{name}", raw.put(value))
    assert not raw.flag(f"is_{name}", raw.put({}))


def test_the_symbol_of_a_text_is_always_the_same(raw: Raw) -> None:
    first, again = (raw.make("node_api_symbol_for", raw.text("text"), AUTO) for _ in range(2))
    assert raw.flag("strict_equals", first, again)
    other = raw.make("create_symbol", raw.string("text"))
    assert not raw.flag("strict_equals", first, other)


def test_values_are_coerced(raw: Raw) -> None:
    assert raw.value(raw.make("coerce_to_string", raw.number(1e21))) == "1e+21"
    assert raw.value(raw.make("coerce_to_number", raw.string(" 0x10 "))) == 16
    assert raw.value(raw.make("coerce_to_bool", raw.string(""))) is False
    assert raw.status("coerce_to_object", raw.make("get_null"), RESULT) is Status.OBJECT_EXPECTED


def test_dates_are_datetimes(raw: Raw) -> None:
    handle = raw.make("create_date", 1e12 + 5)
    assert raw.value(handle) == datetime(2001, 9, 9, 1, 46, 40, 5000, tzinfo=timezone.utc)
    assert raw.status("get_date_value", handle, RESULT) is Status.OK
    assert raw.memory.read_f64(RESULT) == 1e12 + 5
    assert raw.status("get_date_value", raw.number(1), RESULT) is Status.DATE_EXPECTED


def test_equality_is_that_of_javascript(raw: Raw) -> None:
    assert raw.flag("strict_equals", raw.number(1), raw.make("create_int32", 1))
    assert not raw.flag("strict_equals", raw.number(1), raw.string("1"))
    assert not raw.flag("strict_equals", raw.put([]), raw.put([]))


# ---- objects ----


def test_properties_are_set_got_and_deleted(raw: Raw) -> None:
    owner, name = raw.make("create_object"), raw.text("näme")
    key = raw.string("näme")
    assert raw.status("set_named_property", owner, name, raw.number(1)) is Status.OK
    assert raw.value(owner) == {"näme": 1}
    assert raw.value(raw.make("get_property", owner, key)) == 1
    assert raw.flag("has_own_property", owner, key)
    assert raw.flag("has_named_property", owner, raw.text("toString"))
    assert not raw.flag("has_own_property", owner, raw.string("toString"))
    assert raw.flag("delete_property", owner, key)
    assert raw.value(owner) == {}
    assert raw.status("has_own_property", owner, raw.number(1), RESULT) is Status.NAME_EXPECTED


def test_elements_of_an_array_are_set_and_got(raw: Raw) -> None:
    owner = raw.make("create_array_with_length", 2)
    assert raw.status("set_element", owner, 3, raw.number(5)) is Status.OK
    assert raw.make("get_array_length", owner) == 4
    assert raw.value(owner) == [None, None, None, 5]
    assert raw.flag("has_element", owner, 3)
    assert raw.status("get_array_length", raw.put({}), RESULT) is Status.ARRAY_EXPECTED


def test_names_of_properties_are_listed(raw: Raw) -> None:
    owner = raw.put({"b": 1, "10": 2, "2": 3})
    symbol = raw.make("create_symbol", 0)
    assert raw.status("set_property", owner, symbol, raw.number(1)) is Status.OK
    assert raw.value(raw.make("get_property_names", owner)) == ["2", "10", "b"]
    assert raw.value(raw.make("get_all_property_names", owner, 1, 1 << 4, 0)) == [2, 10, "b"]
    assert len(raw.value(raw.make("get_all_property_names", owner, 0, 1 << 3, 1))) == 1
    assert raw.status("get_all_property_names", owner, 2, 0, 0, RESULT) is Status.INVALID_ARG


def test_null_has_no_properties(raw: Raw) -> None:
    null, name = raw.make("get_null"), raw.text("x")
    assert raw.status("get_named_property", null, name, RESULT) is Status.OBJECT_EXPECTED
    assert raw.status("set_element", null, 1, null) is Status.OBJECT_EXPECTED


def test_accessors_and_methods_are_defined(raw: Raw) -> None:
    owner = raw.make("create_object")
    raw.write_words(
        DATA,
        *(raw.text("method"), 0, FIRST_ARGUMENT, 0, 0, 0, 0, 0),
        *(raw.text("self"), 0, 0, RETURN_THIS, 0, 0, 0, 0),
        *(0, raw.string("value"), 0, 0, 0, raw.number(4), 0, 0),
    )
    assert raw.status("define_properties", owner, 3, DATA) is Status.OK
    assert raw.value(raw.make("get_named_property", owner, raw.text("value"))) == 4
    itself = raw.make("get_named_property", owner, raw.text("self"))
    assert raw.flag("strict_equals", itself, owner)
    # What has no setter ignores a new value.
    assert raw.status("set_named_property", owner, raw.text("self"), raw.number(1)) is Status.OK
    assert raw.flag("strict_equals", raw.make("get_named_property", owner, raw.text("self")), owner)


def test_a_class_makes_objects(raw: Raw) -> None:
    raw.write_words(
        DATA,
        *(raw.text("first"), 0, FIRST_ARGUMENT, 0, 0, 0, 0, 0),
        *(raw.text("me"), 0, 0, RETURN_THIS, 0, 0, 0, 0),
        *(raw.text("kind"), 0, 0, 0, 0, raw.string("static"), 1 << 10, 0),
    )
    class_ = raw.make("define_class", raw.text("Thing"), AUTO, RETURN_THIS, 0, 3, DATA)
    thing = raw.value(class_)
    made = thing()
    assert made.first("x") == "x"
    assert made.me == made
    assert thing.kind == "static"
    instance = raw.make("new_instance", class_, 0, 0)
    assert raw.flag("instanceof", instance, class_)
    assert not raw.flag("instanceof", raw.put({}), class_)


def test_a_constructor_knows_the_class(raw: Raw) -> None:
    class_ = raw.make("define_class", raw.text("Thing"), AUTO, NEW_TARGET, 0, 0, 0)
    raw.value(class_)()
    assert raw.words(236, 1)[0] != 0
    raw.value(raw.function(NEW_TARGET))()
    assert raw.words(236, 1)[0] == 0


# ---- calls and exceptions ----


def test_a_callback_gets_arguments_and_data(raw: Raw) -> None:
    function = raw.value(raw.function(FIRST_ARGUMENT, data=99))
    assert function("a", "b") == "a"
    assert raw.words(240, 2) == (2, 99)
    arguments = raw.words(256, 4)
    assert arguments[2] == arguments[3] == raw.make("get_undefined")


def test_the_guest_calls_functions_of_python(raw: Raw) -> None:
    function = raw.put(lambda a, b: [b, a])
    raw.write_words(DATA, raw.number(1), raw.string("x"))
    null = raw.make("get_null")
    assert raw.value(raw.make("call_function", null, function, 2, DATA)) == ["x", 1]
    assert raw.status("call_function", null, function, 2, DATA, 0) is Status.OK
    assert raw.status("call_function", null, raw.put({}), 0, 0, 0) is Status.INVALID_ARG


def test_an_exception_of_python_passes_through_the_guest(raw: Raw) -> None:
    raised = LookupError("from Python")

    def host(_: object) -> None:
        raise raised

    with pytest.raises(LookupError) as caught:
        raw.value(raw.function(CALL_ARGUMENT))(host)
    assert caught.value is raised
    assert raw.words(228, 1) == (Status.PENDING_EXCEPTION,)


def test_the_guest_catches_an_exception_of_python(raw: Raw) -> None:
    def host() -> None:
        raise LookupError("from Python")

    null = raw.make("get_null")
    called = raw.status("call_function", null, raw.put(host), 0, 0, 0)
    assert called is Status.PENDING_EXCEPTION
    assert raw.flag("is_exception_pending")
    assert raw.status("get_named_property", null, raw.text("x"), 8) is Status.PENDING_EXCEPTION
    error = raw.make("get_and_clear_last_exception")
    assert not raw.flag("is_exception_pending")
    assert raw.flag("is_error", error)
    message = raw.make("get_named_property", error, raw.text("message"))
    assert raw.value(message) == "from Python"
    assert raw.value(raw.make("get_and_clear_last_exception")) is None


def test_an_error_of_the_guest_is_an_exception(raw: Raw) -> None:
    with pytest.raises(napi.JsError, match="RangeError: thrown") as caught:
        raw.value(raw.function(THROW))()
    assert (caught.value.name, caught.value.message) == ("RangeError", "thrown")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("create_error", "Error"),
        ("create_type_error", "TypeError"),
        ("node_api_create_syntax_error", "SyntaxError"),
    ],
)
def test_errors_are_made_with_a_code(raw: Raw, name: str, kind: str) -> None:
    error = raw.make(name, raw.string("E_CODE"), raw.string("message"))
    get = "get_named_property"
    assert raw.value(raw.make(get, error, raw.text("code"))) == "E_CODE"
    assert raw.value(raw.make(get, error, raw.text("name"))) == kind
    assert raw.status(name, raw.number(1), raw.string("m"), RESULT) is Status.STRING_EXPECTED
    assert raw.status(name, 0, raw.number(1), RESULT) is Status.STRING_EXPECTED


def test_a_thrown_error_carries_its_properties(raw: Raw) -> None:
    error = raw.make("create_error", raw.string("E"), raw.string("message"))
    where = raw.put({"line": 3})
    assert raw.status("set_named_property", error, raw.text("loc"), where) is Status.OK

    def host(_: Any) -> None:
        assert raw.status("throw", error) is Status.OK

    with pytest.raises(napi.JsError) as caught:
        raw.value(raw.function(CALL_ARGUMENT))(host)
    assert caught.value.details == {"code": "E", "loc": {"line": 3}}


def test_anything_can_be_thrown(raw: Raw) -> None:
    value = raw.put({"a": 1})

    def host(_: Any) -> None:
        raw.status("throw", value)

    with pytest.raises(napi.Thrown) as caught:
        raw.value(raw.function(CALL_ARGUMENT))(host)
    assert caught.value.value == {"a": 1}


def test_the_last_error_is_told(raw: Raw) -> None:
    assert raw.status("get_value_double", raw.string("x"), RESULT) is Status.NUMBER_EXPECTED
    block = raw.make("get_last_error_info")
    text, _, _, status = raw.words(block, 4)
    assert status == Status.NUMBER_EXPECTED
    assert raw.memory.read_str(text) == "number expected"
    raw.make("get_null")
    assert raw.words(raw.make("get_last_error_info"), 4) == (0, 0, 0, 0)


def test_a_fatal_error_ends_the_guest(raw: Raw) -> None:
    with pytest.raises(pywasm3.Trap, match="napi_fatal_error: here: broken"):
        raw.guest.instance.exports.napi_fatal_error(raw.text("here"), -1, raw.text("broken"), -1)


# ---- bytes ----


def test_the_guest_reads_and_writes_bytes_of_python(raw: Raw) -> None:
    """It gets a copy in its memory, which is copied back when it gives control to Python."""
    handle = raw.put(bytearray(b"abc"))
    assert raw.status("get_typedarray_info", handle, *range(64, 84, 4)) is Status.OK
    kind, length, data, _, offset = raw.words(64, 5)
    assert (kind, raw.memory.read(data, length), offset) == (1, b"abc", 0)
    raw.memory.write(data, b"XY")
    raw.write_words(DATA, handle)
    seen = raw.put(lambda array: array)
    assert raw.value(raw.make("call_function", handle, seen, 1, DATA)) == b"XYc"


def test_what_the_guest_writes_into_a_bytearray_is_written_there(raw: Raw) -> None:
    given = bytearray(b"abc")
    raw.value(raw.function(WRITE_BYTES))(given)
    assert given == b"Zbc"


def test_a_buffer_of_the_guest_is_bytes(raw: Raw) -> None:
    buffer = raw.make("create_buffer_copy", 4, raw.text("data"), DATA)
    assert raw.value(buffer) == b"data"
    (address,) = raw.words(DATA, 1)
    raw.memory.write(address, b"D")
    assert raw.value(raw.make("get_element", buffer, 0)) == ord("D")
    assert raw.status("set_element", buffer, 1, raw.number(ord("A"))) is Status.OK
    assert raw.memory.read(address, 4) == b"DAta"


def test_typed_arrays_are_views_of_one_buffer(raw: Raw) -> None:
    buffer = raw.make("create_arraybuffer", 16, 0)
    array = raw.make("create_typedarray", 6, 2, buffer, 8)
    assert raw.status("set_element", array, 1, raw.number(2**32 - 1)) is Status.OK
    view = raw.make("create_dataview", 8, buffer, 8)
    assert raw.value(view) == b"\0\0\0\0\xff\xff\xff\xff"
    assert list(raw.value(array)) == [0, 2**32 - 1]
    assert raw.status("get_arraybuffer_info", buffer, DATA, DATA + 4) is Status.OK
    address, length = raw.words(DATA, 2)
    assert length == 16
    assert raw.memory.read(address + 12, 4) == b"\xff\xff\xff\xff"
    assert raw.status("create_typedarray", 6, 2, buffer, 3, RESULT) is Status.PENDING_EXCEPTION
    raw.make("get_and_clear_last_exception")
    assert raw.status("create_typedarray", 6, 5, buffer, 0, RESULT) is Status.PENDING_EXCEPTION


def test_bytes_outlive_a_growth_of_the_memory(raw: Raw) -> None:
    address = raw.text("guest's")
    buffer = raw.make("create_external_buffer", 7, address, 0, 0)
    raw.memory.grow(3)
    raw.memory.write(address, b"G")
    assert raw.value(raw.make("get_element", buffer, 0)) == ord("G")
    assert raw.value(buffer) == b"Guest's"


def test_an_external_buffer_is_finalized_after_it_is_gone(raw: Raw) -> None:
    data = raw.text("data")

    def host(_: Any) -> bytes:
        return raw.value(raw.make("create_external_buffer", 4, data, FINALIZER, 7))

    first = raw.value(raw.function(CALL_ARGUMENT))
    first(host)
    let_pypy_free()
    raw.guest.exports.first()
    assert raw.notes == [data + 7]


def test_a_detached_buffer_is_empty(raw: Raw) -> None:
    buffer = raw.make("create_arraybuffer", 16, 0)
    assert raw.status("get_arraybuffer_info", buffer, DATA, DATA + 4) is Status.OK
    assert raw.status("detach_arraybuffer", buffer) is Status.OK
    assert raw.flag("is_detached_arraybuffer", buffer)
    assert raw.status("get_arraybuffer_info", buffer, DATA, DATA + 4) is Status.OK
    assert raw.words(DATA, 2) == (0, 0)
    assert raw.status("detach_arraybuffer", raw.put({})) is Status.ARRAYBUFFER_EXPECTED


# ---- scopes, references and what belongs to objects ----


def test_handles_end_with_their_scope(raw: Raw) -> None:
    scope = raw.make("open_handle_scope")
    handle = raw.make("create_object")
    assert raw.status("close_handle_scope", scope) is Status.OK
    assert raw.status("typeof", handle, RESULT) is Status.INVALID_ARG


def test_one_handle_escapes_a_scope(raw: Raw) -> None:
    scope = raw.make("open_escapable_handle_scope")
    inner = raw.string("kept")
    outer = raw.make("escape_handle", scope, inner)
    assert raw.status("escape_handle", scope, inner, RESULT) is Status.ESCAPE_CALLED_TWICE
    assert raw.status("close_escapable_handle_scope", scope) is Status.OK
    assert raw.value(outer) == "kept"


def test_scopes_are_closed_from_within(raw: Raw) -> None:
    outer, _ = raw.make("open_handle_scope"), raw.make("open_handle_scope")
    assert raw.status("close_handle_scope", outer) is Status.HANDLE_SCOPE_MISMATCH
    assert raw.status("close_handle_scope", 0) is Status.HANDLE_SCOPE_MISMATCH


def test_a_reference_keeps_its_value_while_it_is_counted(raw: Raw) -> None:
    scope = raw.make("open_handle_scope")
    reference = raw.make("create_reference", raw.make("create_object"), 1)
    assert raw.status("close_handle_scope", scope) is Status.OK
    assert raw.value(raw.make("get_reference_value", reference)) == {}
    scope = raw.make("open_handle_scope")
    raw.make("get_reference_value", reference)
    assert raw.make("reference_ref", reference) == 2
    assert raw.make("reference_unref", reference) == 1
    assert raw.make("reference_unref", reference) == 0
    assert raw.status("reference_unref", reference, 0) is Status.GENERIC_FAILURE
    assert raw.make("get_reference_value", reference) != 0


def test_a_weak_reference_loses_its_value(raw: Raw) -> None:
    scope = raw.make("open_handle_scope")
    reference = raw.make("create_reference", raw.make("create_object"), 0)
    assert raw.status("close_handle_scope", scope) is Status.OK
    let_pypy_free()
    assert raw.make("get_reference_value", reference) == 0
    assert raw.status("reference_ref", reference, 0) is Status.GENERIC_FAILURE
    assert raw.status("delete_reference", reference) is Status.OK


def test_an_address_is_wrapped(raw: Raw) -> None:
    owner = raw.make("create_object")
    assert raw.status("wrap", owner, 1234, 0, 0, RESULT) is Status.OK
    assert raw.make("unwrap", owner) == 1234
    assert raw.status("wrap", owner, 1, 0, 0, 0) is Status.INVALID_ARG
    assert raw.make("remove_wrap", owner) == 1234
    assert raw.status("unwrap", owner, RESULT) is Status.INVALID_ARG


@pytest.mark.parametrize(
    ("name", "removed"), [("wrap", False), ("wrap", True), ("add_finalizer", False)]
)
def test_a_finalizer_runs_unless_it_was_removed(raw: Raw, name: str, removed: bool) -> None:
    scope = raw.make("open_handle_scope")
    owner = raw.make("create_object")
    assert raw.status(name, owner, 40, FINALIZER, 2, 0) is Status.OK
    if removed:
        raw.make("remove_wrap", owner)
    raw.guest.exports.first()
    assert raw.notes == []
    assert raw.status("close_handle_scope", scope) is Status.OK
    let_pypy_free()
    raw.guest.exports.first()
    assert raw.notes == ([] if removed else [42])


def test_an_external_value_is_an_address(raw: Raw) -> None:
    handle = raw.make("create_external", 4321, 0, 0)
    assert raw.make("get_value_external", handle) == 4321
    same = raw.put(raw.value(handle))
    assert raw.make("get_value_external", same) == 4321
    assert raw.status("get_value_external", raw.number(1), RESULT) is Status.INVALID_ARG


def test_objects_are_tagged_once(raw: Raw) -> None:
    owner, tag, other = raw.make("create_object"), DATA, DATA + 16
    raw.memory.write(tag, bytes(range(32)))
    assert raw.status("type_tag_object", owner, tag) is Status.OK
    assert raw.flag("check_object_type_tag", owner, tag)
    assert not raw.flag("check_object_type_tag", owner, other)
    assert raw.status("type_tag_object", owner, other) is Status.INVALID_ARG


def test_the_guest_frees_what_it_keeps_when_it_is_closed(raw: Raw) -> None:
    assert raw.status("set_instance_data", 30, FINALIZER, 1) is Status.OK
    assert raw.make("get_instance_data") == 30
    for argument in (1, 10, 100):
        assert raw.status("add_env_cleanup_hook", HOOK, argument) is Status.OK
    assert raw.status("remove_env_cleanup_hook", HOOK, 10) is Status.OK
    raw.guest.close()
    raw.guest.close()
    assert raw.guest.instance.closed
    assert raw.notes == [100, 1, 31]


def test_a_hook_that_ends_later_is_known_by_a_number(raw: Raw) -> None:
    exports = raw.guest.instance.exports
    kept = raw.make("add_async_cleanup_hook", EXECUTE, 7)
    removed = raw.make("add_async_cleanup_hook", EXECUTE, 100)
    assert kept != removed
    remove = exports["napi_remove_async_cleanup_hook"]
    assert (remove(removed), remove(removed)) == (Status.OK, Status.INVALID_ARG)
    assert len(raw.guest._entrance.hooks) == 1
    raw.guest._entrance.hooks[0][1].invoke(None, [])
    assert exports.worked.value == 7


def test_a_finalizer_is_posted(raw: Raw) -> None:
    assert raw.status("node_api_post_finalizer", FINALIZER, 40, 2) is Status.OK
    raw.guest.exports.first()
    assert raw.notes == [42]
    assert raw.status("node_api_post_finalizer", 0, 40, 2) is Status.INVALID_ARG


def test_memory_that_objects_keep_is_counted(raw: Raw) -> None:
    for change, total in ((100, 100), (-30, 70)):
        assert raw.status("adjust_external_memory", change, RESULT) is Status.OK
        assert raw.memory.read_i64(RESULT) == total


# ---- later ----


def test_a_promise_is_waited_for(raw: Raw) -> None:
    def host(_: Any) -> Any:
        promise = raw.make("create_promise", DATA)
        assert raw.flag("is_promise", promise)
        (deferred,) = raw.words(DATA, 1)
        assert raw.status("resolve_deferred", deferred, raw.string("value")) is Status.OK
        assert raw.status("resolve_deferred", deferred, raw.number(1)) is Status.INVALID_ARG
        return raw.value(promise)

    assert raw.value(raw.function(CALL_ARGUMENT))(host) == "value"


def test_a_rejected_promise_is_an_exception(raw: Raw) -> None:
    def host(_: Any) -> Any:
        promise = raw.make("create_promise", DATA)
        (deferred,) = raw.words(DATA, 1)
        error = raw.make("create_error", 0, raw.string("rejected"))
        assert raw.status("reject_deferred", deferred, error) is Status.OK
        return raw.value(promise)

    with pytest.raises(napi.JsError, match="rejected"):
        raw.value(raw.function(CALL_ARGUMENT))(host)


@pytest.mark.parametrize("cancelled", [False, True])
def test_work_is_done_when_the_call_ends(raw: Raw, cancelled: bool) -> None:
    exports = raw.guest.instance.exports

    def host(_: Any) -> None:
        work = raw.make("create_async_work", 0, 0, EXECUTE, COMPLETE, 5)
        assert raw.status("cancel_async_work", work) is Status.GENERIC_FAILURE
        assert raw.status("queue_async_work", work) is Status.OK
        assert raw.status("queue_async_work", work) is Status.GENERIC_FAILURE
        if cancelled:
            assert raw.status("cancel_async_work", work) is Status.OK
        assert exports.worked.value == 0

    raw.value(raw.function(CALL_ARGUMENT))(host)
    assert exports.worked.value == (0 if cancelled else 5)
    assert exports.completed.value == (Status.CANCELLED if cancelled else Status.OK)


def test_a_thread_safe_function_is_called_when_the_call_ends(raw: Raw) -> None:
    exports = raw.guest.instance.exports

    def host(_: Any) -> None:
        number = raw.make("create_threadsafe_function", 0, 0, 0, 2, 1, 8, FINALIZER, 100, CALL_JS)
        call = exports["napi_call_threadsafe_function"]
        assert [call(number, data, 0) for data in (1, 2, 3)] == [0, 0, Status.QUEUE_FULL]
        assert exports["napi_get_threadsafe_function_context"](number, DATA) == 0
        assert raw.words(DATA, 1) == (100,)
        assert exports["napi_release_threadsafe_function"](number, 0) == 0
        assert call(number, 1, 0) == Status.INVALID_ARG

    raw.value(raw.function(CALL_ARGUMENT))(host)
    assert exports.worked.value == 203
    assert raw.notes == [108]


def test_random_bytes_come_from_the_given_source() -> None:
    raw = Raw(random=lambda size: bytes(range(size)))
    assert raw.guest.instance.exports["__getrandom_v03_custom"](DATA, 5) == 0
    assert raw.memory.read(DATA, 6) == b"\0\1\2\3\4\0"
