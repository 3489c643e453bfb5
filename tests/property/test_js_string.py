# SPDX-License-Identifier: MIT
"""The functions of wasm:js-string do what lists of UTF-16 code units do.

The strings have lone surrogates, pairs, and pairs of which Python has both halves as characters.
"""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from js_string_guest import guest

STRINGS = guest()
TEXTS = st.lists(
    st.sampled_from(["a", "z", "\x00", "\xe9", "\u4e2d", "\uffff", "\U0001f600", "\U0010ffff"])
    | st.sampled_from(["\ud800", "\ud83d", "\udbff", "\udc00", "\ude00", "\udfff"]),
    max_size=9,
).map("".join)
NUMBERS = st.integers(-2, 20) | st.integers(-(2**31), 2**31 - 1)


def units(text: str) -> list[int]:
    return array("H", text.encode("utf-16", "surrogatepass")[2:]).tolist()


def outcome(function: Any, *arguments: Any) -> Any:
    """What a function returns, or the class of the error."""
    try:
        return function(*arguments)
    except Exception as error:
        return type(error).__name__


def model_point(text: list[int], index: int) -> int | str:
    if not 0 <= index < len(text):
        return "Trap"
    pair = text[index : index + 2]
    if len(pair) == 2 and 0xD800 <= pair[0] < 0xDC00 <= pair[1] < 0xE000:
        return 0x10000 + (pair[0] - 0xD800) * 0x400 + pair[1] - 0xDC00
    return pair[0]


@given(TEXTS, NUMBERS)
def test_reading_a_string(text: str, index: int) -> None:
    model = units(text)
    assert STRINGS.length(text) == len(model)
    expected = model[index] if 0 <= index < len(model) else "Trap"
    assert outcome(STRINGS.charCodeAt, text, index) == expected
    assert outcome(STRINGS.codePointAt, text, index) == model_point(model, index)


@given(TEXTS, TEXTS)
def test_two_strings(first: str, second: str) -> None:
    one, other = units(first), units(second)
    assert units(STRINGS.concat(first, second)) == one + other
    assert STRINGS.equals(first, second) == (one == other)
    assert STRINGS.compare(first, second) == (one > other) - (one < other)


@given(TEXTS, TEXTS)
def test_strings_that_the_functions_make_are_equal_if_their_code_units_are(
    first: str, second: str
) -> None:
    """Python compares them by its own operator, which knows nothing of halves."""
    one, other = STRINGS.fromCodePoint(0x1F600), STRINGS.substring("", 0, 0)
    for text in (first, second):
        for i in range(len(units(text))):
            other = STRINGS.concat(other, STRINGS.fromCharCode(units(text)[i]))
    made = units(first) + units(second)
    assert units(other) == made
    assert other == bytes(array("H", made)).decode("utf-16-le", "surrogatepass")
    assert one == "\U0001f600"


@given(TEXTS, NUMBERS, NUMBERS)
def test_a_part_of_a_string(text: str, start: int, end: int) -> None:
    first, last = start % 2**32, end % 2**32
    assert units(STRINGS.substring(text, start, end)) == units(text)[first:last]


@given(TEXTS, st.integers(0, 12), NUMBERS, NUMBERS)
def test_arrays(text: str, length: int, start: int, end: int) -> None:
    model, elements = units(text), [0] * length
    STRINGS.make(length)
    begin = start % 2**32
    fits = begin + len(model) <= length
    assert outcome(STRINGS.into, text, start) == (len(model) if fits else "Trap")
    if fits:
        elements[begin : begin + len(model)] = model
    assert [STRINGS.item(i) for i in range(length)] == elements
    made = outcome(STRINGS["from"], start, end)
    if begin <= end % 2**32 <= length:
        assert units(made) == elements[begin : end % 2**32]
    else:
        assert made == "Trap"
