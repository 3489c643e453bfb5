# SPDX-License-Identifier: MIT
"""Functions of a guest that do not fit what it binds are errors of bindings, and texts are counted.

Random registrations found most of what these tests claim.
"""

from __future__ import annotations

import pytest

import pywasm3
from embind_guests import DOUBLE, INDEX, INT, LONG, OLD, TEXT, VAL, VALS, Guest
from pywasm3.guests.emscripten import BindingError

CLASS, RECORD, ENUM, SMART = 200, 300, 310, 320
CAST = 3  # a kind of callers
ALL = (
    *OLD,
    *VALS,
    "_emval_as_int64 ii>l",
    "_emval_create_invoker iii>i",
    "_emval_invoke iiiii>d",
)


@pytest.fixture
def bound() -> Guest:
    return Guest(*ALL).types()


@pytest.mark.parametrize(
    ("types", "invoker"),
    [
        ((INT, DOUBLE), "first"),
        ((INT, LONG), "first"),
        ((INT, INT), "first_double"),
        ((LONG, INT), "first"),
        ((DOUBLE, INT), "first"),
        ((VAL, DOUBLE), "first_double"),
        ((TEXT,), "nothing"),
    ],
)
def test_a_function_of_another_type_than_it_is_bound_with(
    bound: Guest, types: tuple[int, ...], invoker: str
) -> None:
    bound.function("f", types, invoker)
    with pytest.raises(BindingError, match="does not fit its C\\+\\+ types"):
        bound.embind.f(*[1] * (len(types) - 1))


def test_a_destructor_of_another_type(bound: Guest) -> None:
    make, end = (0, INDEX["make0"]), (0, INDEX["first"])
    with pytest.raises(BindingError, match="the destructor of R is a function of the type"):
        bound("_embind_register_value_object", RECORD, "R", *make, *end)


def test_a_smart_pointer_whose_functions_have_other_types(bound: Guest) -> None:
    same, destroy = INDEX["same"], INDEX["destroy"]
    functions = (0, same, 0, same, 0, same, 0, destroy)
    with pytest.raises(BindingError, match="the null pointer of P is a function of the type"):
        bound("_embind_register_smart_ptr", SMART, CLASS, "P", 0, *functions)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300])
def test_a_float_that_is_no_integer_of_64_bits(bound: Guest, value: float) -> None:
    handle = bound.program.registry.handles.add(value)
    with pytest.raises(BindingError, match="expects an integer of 64 bits"):
        bound("_emval_as_int64", handle, DOUBLE)


@pytest.mark.parametrize("types", [(INT,), (INT, INT, INT)])
def test_a_conversion_by_another_number_of_types(bound: Guest, types: tuple[int, ...]) -> None:
    with pytest.raises(BindingError, match="converted by two types"):
        bound("_emval_create_invoker", len(types), types, CAST)


@pytest.mark.parametrize("name", ["__new__", "_ignore_", "__hash__"])
def test_a_value_with_a_name_of_pythons_own(bound: Guest, name: str) -> None:
    bound("_embind_register_enum", ENUM, "E", 4, 0)
    with pytest.raises(BindingError, match="which Python uses itself"):
        bound("_embind_register_enum_value", ENUM, name, 1)


def test_static_properties_are_not_those_of_objects(bound: Guest) -> None:
    bound.register_class(CLASS, "A")
    get, set = ((0, INDEX[each]) for each in ("static_get", "static_set"))
    bound("_embind_register_class_class_property", CLASS, "s", INT, 1024, *get, *set)
    registry = bound.program.registry
    assert registry.script.get(bound.embind.A, "s") == 0
    assert registry.script.get(bound.embind.A(), "s") is None


def test_the_texts_of_a_structure_are_counted_together() -> None:
    """Its fields are one and the same text of 60,000 bytes, which the budget allows once."""
    bound = Guest(*ALL, max_kept_bytes=100_000).types()
    address = 4096
    bound.program.memory.write_u32(address, 60_000)
    bound.program.memory.write_u32(1024, address)
    make, end = (0, INDEX["make0"]), (0, INDEX["destroy"])
    bound("_embind_register_value_object", RECORD, "R", *make, *end)
    for name in ("a", "b"):
        access = (TEXT, 0, INDEX["get"], 0)
        bound("_embind_register_value_object_field", RECORD, name, *access, TEXT, 0, 0, 0)
    bound("_embind_finalize_value_object", RECORD)
    bound.function("f", (RECORD, INT))
    with pytest.raises(pywasm3.WasmError, match="max_kept_bytes"):
        bound.embind.f(1024)
    used = bound.program.registry.budget.used
    with pytest.raises(pywasm3.WasmError, match="max_kept_bytes"):
        bound.embind.f(1024)
    assert bound.program.registry.budget.used == used
