# SPDX-License-Identifier: MIT
"""A guest of embind gets an error for what no val can do, and cannot use up memory or time by vals.

The tests use what stands behind the functions for vals. What they claim was found by random calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from embind_guests import VALS, Guest
from pywasm3.guests.emscripten import BindingError, ThrownValue
from pywasm3.guests.emscripten.embind import values
from pywasm3.guests.emscripten.embind.budget import cost
from pywasm3.guests.emscripten.embind.script import Script


@pytest.fixture
def script() -> Script:
    return Guest(*VALS, max_kept_bytes=200_000).program.registry.script


def called(script: Script, name: str, *arguments: Any) -> Any:
    """Calls a global function, as a guest does."""
    return script.call(script.globals[name], list(arguments))


SENSELESS: dict[str, Callable[[Script], Any]] = {
    "bytes that get a text": lambda script: script.put(bytearray(), 0, "x"),
    "bytes that are in use": lambda script: script.call_method(held, "pop", []),
    "a view with two dimensions": lambda script: script.get(
        memoryview(b"1234").cast("B", [2, 2]), 0
    ),
    "an array of an object": lambda script: called(script, "Uint8Array", Opaque()),
    "a call with an object": lambda script: script.call_method(len, "apply", [None, Opaque()]),
    "a copy of an object": lambda script: script.call_method(bytearray(4), "set", [Opaque()]),
    "a property of nothing": lambda script: script.call_method(
        script.get(script.get(script.globals["Object"], "prototype"), "hasOwnProperty"), "call", []
    ),
}
held = bytearray(4)
_view = memoryview(held)  # so that the bytes cannot become fewer


class Opaque:
    """An object with elements that a guest must not see."""

    def __len__(self) -> int:
        raise AssertionError("a guest looked into an opaque object")

    def __iter__(self) -> Any:
        raise AssertionError("a guest looked into an opaque object")


@pytest.mark.parametrize("what", SENSELESS)
def test_what_a_val_cannot_do_is_an_error_of_bindings(script: Script, what: str) -> None:
    with pytest.raises(BindingError):
        SENSELESS[what](script)


@pytest.mark.parametrize("between", [None, 1, 2.5, [], {}])
def test_join_takes_anything_as_a_text(script: Script, between: Any) -> None:
    assert script.call_method(["a", "b"], "join", [between]) == f"a{values.text_of(between)}b"


def test_join_cannot_make_a_text_of_any_size(script: Script) -> None:
    with pytest.raises(pywasm3.WasmError, match="max_kept_bytes"):
        script.call_method([1] * 1000, "join", ["-" * 10_000])


def test_the_message_of_a_thrown_val_leaves_its_elements_out() -> None:
    """Python's repr() of this one would have 2**40 elements."""
    value: list[Any] = []
    for _ in range(40):
        value = [value, value]
    assert str(ThrownValue(value)) == "the guest threw list"


def test_methods_of_methods_of_functions_do_not_form_a_chain(script: Script) -> None:
    assert script.get(script.get(len, "call"), "call") is None
    assert script.get(script.get(len, "apply"), "apply") is None


def test_what_keeps_another_value_is_counted_with_it(script: Script) -> None:
    text = "x" * 5000
    part = script.call_method(called(script, "Uint8Array", 5000), "subarray", [0, 1])
    for value in (script.get(text, "slice"), called(script, "Error", text), part):
        assert cost(value) > 5000


def test_elements_that_are_set_again_are_counted_once(script: Script) -> None:
    budget = script._budget
    array, view = called(script, "Array", "x"), called(script, "Uint8Array", 1)
    before = budget.used
    for _ in range(10_000):
        script.put(array, 0, "y")
        script.put(view, 0, 1)
    assert budget.used == before


def test_elements_that_are_removed_are_not_counted_any_more(script: Script) -> None:
    array, thing = called(script, "Array"), called(script, "Object")
    before = script._budget.used
    for _ in range(10_000):
        script.call_method(array, "push", ["text"])
        script.call_method(array, "shift", [])
        script.put(thing, "key", "text")
        script.remove(thing, "key")
    assert script._budget.used == before


def test_a_guest_and_python_that_call_each_other_without_end() -> None:
    guest = Guest(*VALS)
    handles = guest.program.registry.handles

    class Endless(dict[str, int]):
        def get(self, key: Any, default: Any = None) -> Any:
            return guest("_emval_get_property", handle, handle)

    handle = handles.add(Endless())
    with pytest.raises(pywasm3.StackExhausted):
        guest("_emval_get_property", handle, handle)


@pytest.mark.parametrize("name", ["includes", "join", "slice"])
def test_long_loops_over_elements_can_be_stopped(
    script: Script, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise pywasm3.WasmError("stop")

    monkeypatch.setattr(values, "check", stop)
    with pytest.raises(pywasm3.WasmError, match="stop"):
        script.call_method([1, 2, 3], name, [4] if name == "includes" else [])
