# SPDX-License-Identifier: MIT
"""Whatever a guest binds, and whatever it does with vals, Python gets an error that says it.

Guests in the text format call the functions of embind with senseless numbers.
"""

from __future__ import annotations

import contextlib
import gc
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import pywasm3
from embind_guests import DOUBLE, INDEX, INT, OLD, TEXT, UINT, UNKNOWN, VAL, VALS, VOID, Guest
from pywasm3 import Trap
from pywasm3.guests.emscripten import BindingError, UnboundTypeError

FAR = 2**31
END = 2 * 65536  # bytes of the memory
CLASS, DERIVED, RECORD, ENUM, SMART = 200, 210, 300, 310, 320

ALL = (
    *OLD,
    *VALS,
    "_embind_register_iterable iiii>",
    "_emval_create_invoker iii>i",
    "_emval_invoke iiiii>d",
)


@pytest.fixture
def bound() -> Guest:
    return Guest(*ALL).types()


def field(bound: Guest, name: str, type: int, id: int = RECORD) -> None:
    get, set = ((type, 0, INDEX[each], 0) for each in ("get", "set"))
    bound("_embind_register_value_object_field", id, name, *get, *set)


def record(bound: Guest, id: int, *types: int) -> None:
    """Binds a structure with fields of types."""
    make, end = (0, INDEX["make0"]), (0, INDEX["destroy"])
    bound("_embind_register_value_object", id, f"Record{id}", *make, *end)
    for position, type in enumerate(types):
        field(bound, f"field{position}", type, id)
    bound("_embind_finalize_value_object", id)


# ---- registrations ----


def endless(bound: Guest) -> int:
    bound.program.memory[8192 : 8192 + 5000] = b"n" * 5000
    return 8192


REGISTRATIONS: dict[str, tuple[Callable[[Guest], Any], type[Exception], str]] = {
    "a name outside of the memory": (
        lambda bound: bound("_embind_register_void", 1, FAR),
        Trap,
        "the guest gave its host",
    ),
    "a name that does not end": (
        lambda bound: bound("_embind_register_void", 1, endless(bound)),
        BindingError,
        "does not end within 1,024 bytes",
    ),
    "a name up to the end of the memory": (
        lambda bound: bound("_embind_register_void", 1, END),
        Trap,
        "the guest gave its host",
    ),
    "a type twice": (
        lambda bound: bound("_embind_register_void", VOID, "void"),
        BindingError,
        "the type void is bound twice",
    ),
    "a type without id": (
        lambda bound: bound("_embind_register_void", 0, "void"),
        BindingError,
        "has the id 0",
    ),
    "integers of 3 bytes": (
        lambda bound: bound("_embind_register_integer", 1, "odd", 3, 0, 0),
        BindingError,
        "3 bytes: 1, 2, 4 or 8 exist",
    ),
    "floats of 2 bytes": (
        lambda bound: bound("_embind_register_float", 1, "half", 2),
        BindingError,
        "2 bytes",
    ),
    "characters of 1 byte": (
        lambda bound: bound("_embind_register_std_wstring", 1, 1, "narrow"),
        BindingError,
        "1 bytes",
    ),
    "views of nothing": (
        lambda bound: bound("_embind_register_memory_view", 1, 99, "view"),
        BindingError,
        "the type 99",
    ),
    "2**31 parameters": (
        lambda bound: bound("_embind_register_function", "f", FAR, 1024, 0, 1, 0),
        BindingError,
        "2,147,483,648 types",
    ),
    "no result": (
        lambda bound: bound("_embind_register_function", "f", 0, 1024, 0, 1, 0),
        BindingError,
        "with 0 types",
    ),
    "types outside of the memory": (
        lambda bound: bound("_embind_register_function", "f", 2, END - 4, 0, 1, 0),
        Trap,
        "the guest gave its host",
    ),
    "a function pointer to nothing": (
        lambda bound: bound("_embind_register_function", "f", 1, (INT,), 0, 99, 0),
        BindingError,
        "f has the function pointer 0x63",
    ),
    "a null function pointer": (
        lambda bound: bound("_embind_register_function", "f", 1, (INT,), 0, 0, 0),
        BindingError,
        "there is no function",
    ),
    "a function twice": (
        lambda bound: [bound.function("f", (INT, INT)) for _ in range(2)],
        BindingError,
        r"f\(\) is bound twice with 1 argument",
    ),
    "a function with the name of a class": (
        lambda bound: [bound.register_class(CLASS, "f"), bound.function("f", (INT, INT))],
        BindingError,
        "'f' is bound twice",
    ),
    "a value of no enumeration": (
        lambda bound: bound("_embind_register_enum_value", INT, "A", 1),
        BindingError,
        "no enumeration",
    ),
    "a value twice": (
        lambda bound: [
            bound("_embind_register_enum", ENUM, "E", 4, 0),
            *(bound("_embind_register_enum_value", ENUM, "A", 1) for _ in range(2)),
        ],
        BindingError,
        "'A' of E is bound twice",
    ),
    "a field of no structure": (
        lambda bound: field(bound, "x", INT),
        BindingError,
        "no structure",
    ),
    "the end of no structure": (
        lambda bound: bound("_embind_finalize_value_object", RECORD),
        BindingError,
        "no structure",
    ),
    "a method of no class": (
        lambda bound: bound(
            "_embind_register_class_function", CLASS, "m", 2, (INT, INT), 0, 1, 0, 0
        ),
        UnboundTypeError,
        "method m needs a class",
    ),
    "a method without object": (
        lambda bound: [
            bound.register_class(CLASS, "Class"),
            bound("_embind_register_class_function", CLASS, "m", 1, (INT,), 0, 1, 0, 0),
        ],
        BindingError,
        "without the type of its object",
    ),
    "a method that Python calls itself": (
        lambda bound: [
            bound.register_class(CLASS, "Class"),
            bound("_embind_register_class_function", CLASS, "__del__", 2, (INT, 201), 0, 1, 0, 0),
        ],
        BindingError,
        "'__del__', which Python uses itself",
    ),
    "an iteration by no methods": (
        lambda bound: [
            bound.register_class(CLASS, "Class"),
            bound("_embind_register_iterable", CLASS, INT, "size", "get"),
        ],
        BindingError,
        "no methods",
    ),
    "a smart pointer of an unknown kind": (
        lambda bound: bound("_embind_register_smart_ptr", SMART, CLASS, "P", 9, *[0, 1] * 4),
        BindingError,
        "in the way 9",
    ),
    "a class derived from a number": (
        lambda bound: bound("_embind_create_inheriting_constructor", "C", INT, 0),
        BindingError,
        "which is no class",
    ),
}


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_a_senseless_registration_is_an_error_that_says_why(bound: Guest, name: str) -> None:
    act, error, message = REGISTRATIONS[name]
    with pytest.raises(error, match=message):
        act(bound)
    bound.function("still", (INT, INT))
    assert bound.embind.still(1) == 1


def test_random_numbers_are_errors(bound: Guest) -> None:
    """Each function gets 200 times small, large and meaningful numbers in turn."""
    source = random.Random(7)
    numbers = [0, 1, 2, 3, 5, 8, 1024, END - 1, END, FAR, 2**32 - 1, INT, TEXT, CLASS, VAL]
    for import_ in ALL:
        name, _, signature = import_.partition(" ")
        params = signature.partition(">")[0]
        for _ in range(200):
            with contextlib.suppress(pywasm3.WasmError, MemoryError):
                bound.program.exports[name](*[source.choice(numbers) for _ in params])
    for name in list(bound.embind):
        with contextlib.suppress(pywasm3.WasmError):
            bound.embind[name]


# ---- circles and depths ----


def test_classes_that_derive_from_each_other(bound: Guest) -> None:
    bound.register_class(CLASS, "First", base=DERIVED)
    bound.register_class(DERIVED, "Second", base=CLASS)
    with pytest.raises(BindingError, match="derived from more than 64 classes"):
        bound.embind.First  # noqa: B018


def test_a_class_that_derives_from_itself(bound: Guest) -> None:
    bound.register_class(CLASS, "Class", base=CLASS)
    with pytest.raises(BindingError, match="derived from more than 64 classes"):
        bound.embind.Class()


def test_a_long_line_of_classes(bound: Guest) -> None:
    bound.register_class(1000, "C0")
    for number in range(1, 500):
        bound.register_class(1000 + 4 * number, f"C{number}", base=1000 + 4 * (number - 1))
    assert len(bound.embind.C50.__mro__) == 53  # with CppObject and object
    with pytest.raises(BindingError, match="more than 64 classes"):
        bound.embind.C499  # noqa: B018


@pytest.mark.parametrize("ids", [(RECORD,), (RECORD, RECORD + 1)])
def test_structures_that_contain_themselves(bound: Guest, ids: tuple[int, ...]) -> None:
    for id, next in zip(ids, (*ids[1:], ids[0]), strict=True):
        record(bound, id, next)
    bound.function("f", (RECORD, INT))
    with pytest.raises(BindingError, match="contains itself"):
        bound.embind.f(1024)


def test_many_structures_in_each_other(bound: Guest) -> None:
    record(bound, 1000, INT)
    for number in range(1, 40):
        record(bound, 1000 + number, 1000 + number - 1, 1000 + number - 1)
    bound.function("f", (1039, INT))
    with pytest.raises(BindingError, match="more than 32 structures"):
        bound.embind.f(1024)


# ---- calls ----


def test_a_function_with_other_parameters_than_it_is_bound_with(bound: Guest) -> None:
    bound.function("f", (INT, INT), "sum")
    with pytest.raises(BindingError, match="a function that has 3 parameters, not 2"):
        bound.embind.f(1)


def test_a_field_whose_getter_has_other_parameters(bound: Guest) -> None:
    bound("_embind_register_value_object", RECORD, "R", 0, INDEX["make0"], 0, INDEX["destroy"])
    access = (INT, 0, INDEX["nothing"], 0)
    bound("_embind_register_value_object_field", RECORD, "x", *access, *access)
    bound("_embind_finalize_value_object", RECORD)
    bound.function("f", (RECORD, INT))
    with pytest.raises(BindingError, match=r"R.x is bound with a function"):
        bound.embind.f(1024)


def test_a_text_that_is_not_in_the_memory(bound: Guest) -> None:
    bound.function("f", (TEXT, UINT))
    for address in (FAR, END - 2):
        with pytest.raises(Trap, match="the guest gave its host"):
            bound.embind.f(address)
    bound.program.memory.write_u32(1024, 2**32 - 1)
    with pytest.raises(Trap, match=r"4,294,967,295 bytes"):
        bound.embind.f(1024)


def test_a_trap_in_a_function(bound: Guest) -> None:
    bound.function("f", (VOID,), "trap")
    with pytest.raises(Trap):
        bound.embind.f()


def test_a_constant_that_is_no_number_of_its_type(bound: Guest) -> None:
    bound("_embind_register_constant", "C", TEXT, 0.5)
    bound("_embind_register_constant", "N", INT, float("nan"))
    for name in "CN":
        with pytest.raises(BindingError, match="the constant"):
            bound.embind[name]


def test_names_in_messages_are_printable(bound: Guest) -> None:
    name = "a\nname\x1b[2J\u202e"
    bound.function(name, (INT, INT))
    bound.register_class(CLASS, name + "!")
    made = bound.embind[name + "!"]()
    with pytest.raises(BindingError) as raised:
        bound.embind[name]("text")
    texts = [str(raised.value), repr(bound.embind[name]), repr(made)]
    assert all(text.isprintable() for text in texts)


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["positive", "negative"])
def test_numbers_that_python_does_not_write(bound: Guest, value: int) -> None:
    bound.function("f", (INT, INT))
    bound.function("g", (DOUBLE, DOUBLE), "first_double")
    with pytest.raises(BindingError, match="an int of 16610 bits"):
        bound.embind.f(value)
    with pytest.raises(BindingError, match="too large"):
        bound.embind.g(value)


def test_names_of_values_that_python_does_not_allow(bound: Guest) -> None:
    bound("_embind_register_enum", ENUM, "E", 4, 0)
    bound("_embind_register_enum_value", ENUM, "mro", 1)
    with pytest.raises(BindingError, match="E cannot be an enumeration"):
        bound.embind.E  # noqa: B018


def test_a_class_whose_objects_have_a_type_that_is_none(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")
    bound.program.exports.ACTUAL.value = INT
    assert type(bound.embind.Class()) is bound.embind.Class


# ---- objects ----


def test_objects_of_another_program_are_refused(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")
    bound.function("f", (UINT, 201))
    other = Guest().types()
    other.register_class(CLASS, "Class")
    with pytest.raises(TypeError, match="an object of another program"):
        bound.embind.f(other.embind.Class())


def test_objects_end_quietly_when_the_program_is_closed(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")
    made, other = bound.embind.Class(), bound.embind.Class()
    bound.program.close()
    made.close()
    other.delete()
    with pytest.raises(pywasm3.WasmError):
        bound.embind.Class()
    del made, other
    gc.collect()


def test_an_object_that_is_made_without_its_class(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")
    made = bound.embind.Class.__new__(bound.embind.Class)
    assert made.is_closed
    with pytest.raises(BindingError, match=r"call super\(\).__init__\(\) first"):
        made.clone()


def test_a_class_of_python_that_does_not_call_the_base(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")

    class Mine(bound.embind.Class):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            pass

    bound.function("f", (UINT, 201))
    with pytest.raises(BindingError, match="the object of Mine is not made"):
        bound.embind.f(Mine())


# ---- vals ----

LATER = {  # what a guest does with a handle that it does not have
    "_emval_incref": (),
    "_emval_decref": (),
    "_emval_run_destructors": (),
    "_emval_get_property": (2,),
    "_emval_iter_begin": (),
    "_emval_iter_next": (),
    "_emval_throw": (),
    "_emval_as": (INT, 1024),
}


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("handle", [11, 5000, 2**32 - 1])
def test_a_handle_that_the_guest_does_not_have(bound: Guest, name: str, handle: int) -> None:
    with pytest.raises(BindingError, match=r"the val \d+, which it does not have"):
        bound(name, handle, *LATER[name])


def test_a_handle_that_is_given_back_twice(bound: Guest) -> None:
    handle = bound("_emval_new_array")
    bound("_emval_decref", handle)
    with pytest.raises(BindingError, match="which it does not have"):
        bound("_emval_decref", handle)


def test_a_val_that_is_not_what_the_guest_takes_it_for(bound: Guest) -> None:
    handle = bound("_emval_new_object")
    for name, message in {
        "_emval_run_destructors": "nothing that must be freed",
        "_emval_iter_next": "no iterator",
        "_emval_new_array_from_memory_view": "no view of memory",
        "_emval_iter_begin": "no elements",
    }.items():
        with pytest.raises(BindingError, match=message):
            bound(name, bound.program.registry.handles.add({}))
    bound("_emval_decref", handle)


@pytest.mark.parametrize("caller", [0, 5, 2**32 - 1])
def test_a_caller_that_does_not_exist(bound: Guest, caller: int) -> None:
    with pytest.raises(BindingError, match=f"the caller {caller}, which does not exist"):
        bound("_emval_invoke", caller, 2, 0, 0, 0)


def test_a_kind_of_caller_that_does_not_exist(bound: Guest) -> None:
    with pytest.raises(BindingError, match="in the way 4"):
        bound("_emval_create_invoker", 1, (VOID,), 4)


def test_types_of_a_caller_that_are_not_bound(bound: Guest) -> None:
    with pytest.raises(UnboundTypeError, match=hex(UNKNOWN)):
        bound("_emval_create_invoker", 1, (UNKNOWN,), 0)


def test_arguments_that_are_not_in_the_memory(bound: Guest) -> None:
    caller = bound("_emval_create_invoker", 2, (VOID, DOUBLE), 0)
    function = bound.program.registry.handles.add(print)
    with pytest.raises(Trap, match="the guest gave its host"):
        bound("_emval_invoke", caller, function, 0, 0, END - 4)


class Secret:
    """An object that a guest holds."""

    value = 1

    def method(self) -> int:
        return 1


@pytest.mark.parametrize("key", ["value", "method", "__class__", "__init__"])
def test_attributes_of_objects_are_out_of_reach(bound: Guest, key: str) -> None:
    script = bound.program.registry.script
    for act in (
        lambda: script.get(Secret(), key),
        lambda: script.put(Secret(), key, 1),
        lambda: script.call_method(Secret(), key, []),
    ):
        with pytest.raises(BindingError, match="opaque"):
            act()


def test_attributes_of_functions_texts_and_classes_are_out_of_reach(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")
    made = bound.embind.Class()
    script = bound.program.registry.script
    for value in (test_random_numbers_are_errors, "text", [1], {}, 1, made, type(made), Secret):
        for key in ("__globals__", "__class__", "_hold", "_cpp", "format", "mro", "close"):
            assert script.get(value, key) is None
    assert script.get(made, "clone")() is not None


class Mixin:
    def mixed(self) -> int:
        return 1


def test_only_methods_of_a_derived_class_are_in_reach(bound: Guest) -> None:
    bound.register_class(CLASS, "Class")

    class Mine(bound.embind.Class, Mixin):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.secret = 5

        def public(self) -> int:
            return 7

        def _private(self) -> int:
            return 8

    script, mine = bound.program.registry.script, Mine()
    assert script.call_method(mine, "public", []) == 7
    for name in ("secret", "_private", "mixed", "__init__"):
        assert not script.has(mine, name)
    with pytest.raises(BindingError, match="opaque"):
        script.put(mine, "secret", 6)


@pytest.mark.parametrize(
    ("value", "name", "arguments"),
    [
        ([], "slice", ["x"]),
        ([1], "indexOf", []),
        ([], "hasOwnProperty", []),
        (memoryview(bytearray(4)), "set", [[1], 9]),
        (memoryview(bytearray(4)), "set", [["x"]]),
        (memoryview(bytearray(4)), "push", [1]),
        ((1, 2), "pop", []),
        (5, "anything", []),
    ],
)
def test_methods_with_senseless_arguments(
    bound: Guest, value: Any, name: str, arguments: list[Any]
) -> None:
    with pytest.raises(BindingError):
        bound.program.registry.script.call_method(value, name, arguments)


@pytest.mark.parametrize("size", [-1, 2**40, float("inf"), "x", [300]])
def test_typed_arrays_of_senseless_sizes(bound: Guest, size: Any) -> None:
    script = bound.program.registry.script
    with pytest.raises(pywasm3.WasmError):
        script.call(script.globals["Uint8Array"], [size])


# ---- what the host keeps ----


def until_refused(act: Callable[[], Any]) -> None:
    with pytest.raises(pywasm3.WasmError, match="made the host keep more than 100,000 bytes"):
        for _ in range(10_000):
            act()


@pytest.fixture
def limited() -> Guest:
    return Guest(*ALL, max_kept_bytes=100_000).types()


def test_a_guest_cannot_make_values_without_end(limited: Guest) -> None:
    before = limited.program.registry.budget.used
    handles: list[int] = []
    until_refused(lambda: handles.append(limited("_emval_new_object")))
    for handle in handles:
        limited("_emval_decref", handle)
    gc.collect()
    assert limited.program.registry.budget.used == before


def test_a_guest_cannot_fill_arrays_without_end(limited: Guest) -> None:
    registry = limited.program.registry
    before = registry.budget.used
    array = limited("_emval_new_array")
    push = partial(registry.script.call_method, registry.handles.value(array), "push", [0])
    until_refused(push)
    del push
    limited("_emval_decref", array)
    gc.collect()
    assert registry.budget.used == before


def test_a_guest_cannot_fill_objects_without_end(limited: Guest) -> None:
    script = limited.program.registry.script
    numbers = iter(range(10_000))
    value = limited.program.registry.handles.value(limited("_emval_new_object"))
    until_refused(lambda: script.put(value, f"key {next(numbers)}", 1))


def test_a_guest_cannot_bind_without_end(limited: Guest) -> None:
    ids = iter(range(1000, 20_000, 4))
    text = limited.program.new_text("name")
    until_refused(lambda: limited("_embind_register_void", next(ids), text))
    until_refused(lambda: limited("_emval_register_symbol", limited.program.new_text("s")))
    until_refused(lambda: limited("_emval_create_invoker", 1, (VOID,), 0))
