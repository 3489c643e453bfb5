# SPDX-License-Identifier: MIT
"""Values that a guest made for Go's wasm_exec.js and Python exchange.

The expected values are those of JavaScript's operations, by the specification of ECMAScript.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest

from gojs_helpers import FALSE, GLOBAL, NULL, TRUE, UNDEFINED, ZERO, Script
from pywasm3 import WasiExit
from pywasm3.guests import gojs
from pywasm3.guests.gojs.budget import Budget
from pywasm3.guests.gojs.references import References
from pywasm3.guests.gojs.values import to_text


def bits(number: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


def received(values: Any) -> list[Any]:
    """Returns what a host function gets when a guest hands it a global value."""
    script = Script(globals={"value": values})
    script.tell(script.get(GLOBAL, "value"))
    return script.told()


@pytest.mark.parametrize(
    ("number", "text"),
    [(3, "3"), (2.0, "2"), (-0.5, "-0.5"), (1e-7, "1e-7"), (1e20, "1" + 20 * "0"),
     (math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN"), (-0.0, "0")],
)  # fmt: skip
def test_numbers_are_texts_as_in_javascript(number: float, text: str) -> None:
    assert to_text(number) == text


def test_constants_of_the_guest_are_values_of_python() -> None:
    script = Script()
    script.tell(UNDEFINED, NULL, TRUE, FALSE, ZERO, bits(1.5), bits(3), bits(2**53), bits(1e300))
    assert script.told() == [gojs.UNDEFINED, None, True, False, 0, 1.5, 3, 2**53, 1e300]


def test_whole_numbers_arrive_as_int() -> None:
    script = Script()
    script.tell(bits(3), bits(3.5), bits(-(2**53)), bits(2.0**60))
    assert [type(value) for value in script.told()] == [int, float, int, float]


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, 1, -1.5, math.inf, "", "text", "zażółć 𝄞", b"bytes", [1], {"a": 1}],
    ids=repr,
)
def test_a_value_that_passes_through_a_guest_is_the_same(value: Any) -> None:
    (got,) = received(value)
    assert got == value
    assert type(got) is type(value)
    if isinstance(value, (bytes, list, dict)):
        assert got is value


def test_nan_passes_through_a_guest() -> None:
    (got,) = received(math.nan)
    assert math.isnan(got)


def test_an_int_that_is_no_number_of_javascript_is_an_overflow() -> None:
    with pytest.raises(OverflowError):
        received(10**400)


def test_the_high_half_of_a_reference_has_the_type() -> None:
    table = References(Budget(10_000), {}, object())
    types = [table.bits(value) >> 32 & 7 for value in ("text", print, {}, [], None, True)]
    assert types == [2, 4, 1, 1, 0, 0]


def test_an_index_is_used_again_when_the_guest_has_let_go() -> None:
    budget = Budget(10_000)
    table = References(budget, {}, object())
    first = table.bits("one")
    assert table.bits("one") == first
    second = table.bits("two")
    table.release(first)
    assert table.value(first) == "one"
    table.release(first)
    assert table.value(first) is None
    assert table.bits("three") & 0xFFFFFFFF == first & 0xFFFFFFFF
    assert (table.value(second), len(table)) == ("two", 9)


def test_strings_that_are_equal_are_one_reference_and_objects_are_not() -> None:
    table = References(Budget(10_000), {}, object())
    assert table.bits("".join(["te", "xt"])) == table.bits("text")
    assert table.bits([]) != table.bits([])


# ---- properties ----


def test_items_of_mappings_are_properties() -> None:
    script = Script(globals={"given": {"a": {"b": 1}}})
    given = script.get(GLOBAL, "given")
    script.tell(script.get(script.get(given, "a"), "b"), script.get(given, "missing"))
    script.set(given, "new", TRUE)
    script.call("syscall/js.valueDelete", given, *script.text("a"))
    assert script.told() == [1, gojs.UNDEFINED]
    assert script.globals["given"] == {"new": True}


@gojs.exposes("size", "title", writable=["title"], getTitle="get_title")
class Exposing:
    size = 3
    title = "t"
    secret = 4

    def get_title(self) -> str:
        return self.title


@gojs.exposes("more")
class Extended(Exposing):
    more = 5


def test_a_class_says_which_attributes_guests_may_use() -> None:
    script = Script(globals={"given": Extended()})
    given = script.get(GLOBAL, "given")
    script.set(given, "title", script.string("new"))
    names = ("size", "title", "more", "secret", "get_title", "__class__")
    script.tell(*[script.get(given, name) for name in names])
    script.tell(script.method(given, "getTitle"))
    nothing = gojs.UNDEFINED
    assert script.told() == [3, "new", 5, nothing, nothing, nothing, "new"]


def test_what_is_not_writable_cannot_be_set() -> None:
    script = Script(globals={"given": Exposing()})
    script.set(script.get(GLOBAL, "given"), "size", TRUE)
    with pytest.raises(gojs.JSError, match="'size' of Exposing cannot be set"):
        script.told()


def test_exposes_refuses_to_make_unknown_names_writable() -> None:
    with pytest.raises(ValueError, match="'other' is not one of the names"):
        gojs.exposes("one", writable=["other"])(type("C", (), {}))


def test_arrays_have_elements_and_a_length() -> None:
    script = Script(globals={"given": ["a", "b"]})
    given = script.get(GLOBAL, "given")
    script.call("syscall/js.valueSetIndex", given, 3, TRUE)
    element = [
        script.call("syscall/js.valueIndex", given, index, result=24) for index in (1, 2, 3, 4, -1)
    ]
    script.tell(script.get(given, "length"), *element)
    nothing = gojs.UNDEFINED
    assert script.told() == [4, "b", nothing, True, nothing, nothing]


@pytest.mark.parametrize(
    ("value", "length"),
    [("text", 4), ("𝄞", 2), ([1, 2], 2), (b"abc", 3), ({"length": 7}, 7), ({}, 0), ((), 0)],
    ids=repr,
)
def test_length(value: Any, length: int) -> None:
    script = Script(globals={"given": value})
    given = script.get(GLOBAL, "given")
    place = script.call("syscall/js.valueLength", given, result=16)
    script.exit(0)
    program = script.program()
    with pytest.raises(WasiExit):
        program.start()
    assert program.instance.memory.read_i64(place.address) == length


def test_a_guest_makes_objects_arrays_and_typed_arrays() -> None:
    script = Script()
    made = script.new(script.get(GLOBAL, "Object"))
    script.set(made, "key", script.string("value"))
    array = script.new(script.get(GLOBAL, "Array"), bits(2))
    script.call("syscall/js.valueSetIndex", array, 1, made)
    data = script.new(script.get(GLOBAL, "Uint8Array"), bits(3))
    script.call("syscall/js.copyBytesToJS", data, *script.text(b"\1\2\3\4"), 4)
    script.tell(array, data, script.method(data, "subarray", bits(1)))
    array_, data_, part = script.told()
    assert array_ == [gojs.UNDEFINED, {"key": "value"}]
    assert (isinstance(array_, list), isinstance(array_[1], dict)) == (True, True)
    assert (bytes(data_), bytes(part)) == (b"\1\2\3", b"\2\3")
    part[0] = 9
    assert bytes(data_) == b"\1\x09\3"


def test_instances_are_known_by_their_constructors() -> None:
    values = {"list": [], "bytes": b"", "dict": {}, "error": ValueError("x")}
    script = Script(globals={"yes": [], **values})
    for value in values:
        for constructor in ("Array", "Uint8Array", "Object", "Error"):
            pair = script.get(GLOBAL, value), script.get(GLOBAL, constructor)
            place = script.call("syscall/js.valueInstanceOf", *pair, result=24)
            # The answer is one byte; the others are what was there before.
            script.raw(
                f"(i64.store (i32.const {place.address}) (select (i64.const {TRUE}) "
                f"(i64.const {FALSE}) (i32.load8_u (i32.const {place.address}))))"
            )
            script.tell(place)
    yes, no = True, False
    assert script.told() == [
        *(yes, no, yes, no),
        *(no, yes, yes, no),
        *(no, no, yes, no),
        *(no, no, yes, yes),
    ]


# ---- calls ----


def test_the_error_of_a_host_function_is_the_result_of_the_call() -> None:
    def fail() -> None:
        raise KeyError("name")

    script = Script(globals={"fail": fail})
    error = script.invoke(script.get(GLOBAL, "fail"))
    script.tell(error, script.get(error, "message"), script.get(error, "name"))
    error_, message, name = script.told()
    assert isinstance(error_, KeyError)
    assert (message, name) == ("'name'", "KeyError")


def test_an_error_of_the_system_has_a_code() -> None:
    def fail() -> None:
        raise FileNotFoundError(2, "No such file")

    script = Script(globals={"fail": fail})
    script.tell(script.get(script.invoke(script.get(GLOBAL, "fail")), "code"))
    assert script.told() == ["ENOENT"]


def test_what_is_not_a_function_cannot_be_called() -> None:
    script = Script(globals={"given": {"number": 1}})
    given = script.get(GLOBAL, "given")
    script.tell(
        script.method(given, "number"), script.method(given, "missing"), script.invoke(given)
    )
    assert [str(error) for error in script.told()] == [
        "[object Object].number is not a function",
        "[object Object].missing is not a function",
        "[object Object] is not a function",
    ]


def test_exceptions_that_are_not_errors_pass_through() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    script = Script(globals={"stop": stop})
    script.invoke(script.get(GLOBAL, "stop"))
    with pytest.raises(KeyboardInterrupt):
        script.told()


def test_strings_that_are_not_utf8_get_replacement_characters() -> None:
    script = Script()
    script.tell(script.string(b"a\xffb"))
    assert script.told() == ["a�b"]


def test_a_string_goes_to_the_guest_as_utf8() -> None:
    script = Script(globals={"given": "ż𝄞\ud800"})
    data = script.call("syscall/js.valuePrepareString", script.get(GLOBAL, "given"), result=16)
    script.tell(data)
    (got,) = script.told()
    assert got == "ż𝄞�".encode()
