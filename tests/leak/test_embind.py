# SPDX-License-Identifier: MIT
"""Programs with bindings leave nothing behind, and neither do calls, objects and vals."""

from __future__ import annotations

from typing import Any

import pytest

from embind_guests import INDEX, INT, OLD, UINT, VAL, VOID, Guest
from leak_helpers import assert_no_leak, collected, failing
from pywasm3.guests import emscripten

pytestmark = pytest.mark.leak

VALS = (
    "_emval_decref i>",
    "_emval_new_array >i",
    "_emval_get_method_caller ii>i",
    "_emval_call_void_method iiii>",
)
CLASS, SMART, RECORD = 200, 220, 300


class Bound(Guest):
    """A guest with one of everything. Its structures are always in the same place."""

    def __init__(self) -> None:
        super().__init__(*OLD, *VALS)
        self.types()
        self.register_class(CLASS, "Class")
        get, set = ((INT, 0, INDEX[each], 0) for each in ("get", "set"))
        self("_embind_register_class_property", CLASS, "value", *get, *set)
        parts = (0, INDEX["same"], 0, INDEX["make0"], 0, INDEX["share"], 0, INDEX["destroy"])
        self("_embind_register_smart_ptr", SMART, CLASS, "Pointer", 0, *parts)
        self("_embind_register_value_object", RECORD, "R", 0, INDEX["same0"], 0, INDEX["destroy"])
        self("_embind_register_value_object_field", RECORD, "x", *get, *set)
        self("_embind_finalize_value_object", RECORD)
        self.function("text", (INT, INT))
        self.function("smart", (SMART, UINT))
        self.function("val", (VAL, VAL))
        self.function("record", (RECORD, RECORD))
        self.function("object", (CLASS + 1, UINT))


@pytest.fixture(scope="module")
def bound() -> Bound:
    return Bound()


def test_a_program_with_bindings_is_freed() -> None:
    def make() -> emscripten.Emscripten:
        bound = Bound()
        made = bound.embind.object(1024)
        made.value = 1
        bound.embind.smart(1024).close()
        bound.embind.val([bound.embind.Class, bound.embind])
        return bound.program

    assert collected(make)


def test_calls_do_not_leak(bound: Bound) -> None:
    def act() -> None:
        assert bound.embind.val({"key": [1]}) == {"key": [1]}
        assert bound.embind.record({"x": 5}) == {"x": 5}
        failing(TypeError, bound.embind.text, "no number")

    assert_no_leak(act, 3000)


def test_objects_do_not_leak(bound: Bound) -> None:
    def act() -> None:
        made = bound.embind.object(1024)
        made.value += 1
        made.clone().close()
        bound.embind.smart(1024)

    assert_no_leak(act, 3000)
    bound.embind.text(1)
    assert not bound.program.registry.dropped


def test_values_of_the_guest_do_not_leak(bound: Bound) -> None:
    registry = bound.program.registry
    caller = bound("_emval_get_method_caller", 1, (VOID,))
    name = bound.program.new_text("push")
    before = registry.budget.used

    def act() -> None:
        array = bound("_emval_new_array")
        value: Any = registry.handles.value(array)
        registry.script.call_method(value, "push", ["text", 1])
        bound("_emval_call_void_method", caller, array, name, 0)
        bound("_emval_decref", array)

    assert_no_leak(act, 3000)
    assert (registry.budget.used, len(registry.handles)) == (before, 0)
