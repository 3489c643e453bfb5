# SPDX-License-Identifier: MIT
"""Guests of each version of embind bind functions, types and classes, and use vals.

Guests in the text format bind what a test tells them to. Expected values follow from what the
functions of the guests do (embind_guests.FUNCTIONS), and from the headers of Emscripten.
"""

from __future__ import annotations

import array
import struct
from typing import Any

import numpy
import pytest

import pywasm3
from embind_guests import (
    BOOL,
    DOUBLE,
    FUNCTIONS,
    INDEX,
    INT,
    LONG,
    OLD,
    TEXT,
    UINT,
    UNKNOWN,
    VAL,
    VALS,
    VOID,
    Guest,
    guest,
)
from pywasm3.guests import emscripten


def replaced(*imports: str) -> tuple[str, ...]:
    """Returns OLD with other types for the functions that are named."""
    names = {each.split()[0] for each in imports}
    return (*(each for each in OLD if each.split()[0] not in names), *imports)


@pytest.fixture
def bound() -> Guest:
    return Guest().types()


# ---- the types that versions give to functions ----


@pytest.mark.parametrize(("count", "more"), [(6, 0), (7, 1), (8, 2)])
def test_functions_are_bound_by_each_version(count: int, more: int) -> None:
    bound = Guest(*replaced(f"_embind_register_function {'i' * count}>")).types()
    types = (INT, INT, INT)
    bound("_embind_register_function", "add", 3, types, "", INDEX["sum"], 0, *[0] * more)
    assert bound.embind.add(2, 3) == 5


@pytest.mark.parametrize("arguments", [(1, 0), (1, 7, 5)])
def test_bools_are_bound_by_each_version(arguments: tuple[int, ...]) -> None:
    types = "i" * (2 + len(arguments))
    bound = Guest(*replaced(f"_embind_register_bool {types}>"))
    bound("_embind_register_bool", BOOL, "bool", *arguments)
    bound.function("first", (BOOL, BOOL))
    assert bound.embind.first(True) is True
    raw = bound.program.registry.converters((BOOL,), "test")[0]
    assert [raw.to_wire(value, None) for value in (True, False)] == list(arguments[-2:])


@pytest.mark.parametrize("types", ["iiill", "iiiiiii"])
def test_integers_of_64_bits_are_bound_whole_or_as_halves(types: str) -> None:
    bound = Guest(*replaced(f"_embind_register_bigint {types}>"))
    limits = [0, 2**64 - 1] if len(types) == 5 else [0, 0, 2**32 - 1, 2**32 - 1]
    bound("_embind_register_bigint", LONG, "uint64_t", 8, *limits)
    bound.function("first", (LONG, LONG), "first_long")
    assert bound.embind.first(2**64 - 1) == 2**64 - 1


@pytest.mark.parametrize("name", [(), ("emscripten::val",)])
def test_vals_are_bound_by_each_version(name: tuple[str, ...]) -> None:
    bound = Guest(*replaced(f"_embind_register_emval {'i' * (1 + len(name))}>"))
    bound("_embind_register_emval", VAL, *name)
    bound.function("first", (VAL, VAL))
    assert bound.embind.first({"key": 1}) == {"key": 1}


@pytest.mark.parametrize("count", [8, 9, 10])
def test_methods_are_bound_by_each_version(count: int) -> None:
    bound = Guest(*replaced(f"_embind_register_class_function {'i' * count}>")).types()
    bound.register_class(200, "Class")
    bound(
        "_embind_register_class_function",
        200,
        "method",
        3,
        (INT, 201, INT),
        0,
        INDEX["sum"],
        *[0] * (count - 6),
    )
    made = bound.embind.Class()
    assert made.method(5) - 5 == int(repr(made).split()[-1].rstrip(">"), 16)


@pytest.mark.parametrize("count", [7, 8, 9])
def test_static_functions_are_bound_by_each_version(count: int) -> None:
    bound = Guest(*replaced(f"_embind_register_class_class_function {'i' * count}>")).types()
    bound.register_class(200, "Class")
    name, types = "_embind_register_class_class_function", (INT, INT)
    bound(name, 200, "f", 2, types, 0, INDEX["first"], *[0] * (count - 6))
    assert bound.embind.Class.f(4) == 4


def test_a_program_that_waits_is_asked_to_bind() -> None:
    waits = """(data (i32.const 1024) "void\\00")
        (func (export "_embind_initialize_bindings")
          (call $_embind_register_void (i32.const 100) (i32.const 1024)))"""
    program = emscripten.load(guest("_embind_register_void ii>", more=waits))
    assert program.registry.type_by_id(VOID) is not None


def test_a_program_that_has_bound_already_is_not_asked_again() -> None:
    binds = "(call $_embind_register_void (i32.const 100) (i32.const 1024))"
    more = f"""(data (i32.const 1024) "void\\00")
        (func (export "__wasm_call_ctors") {binds})
        (func (export "_embind_initialize_bindings") {binds})"""
    assert len(emscripten.load(guest("_embind_register_void ii>", more=more)).embind) == 0


def test_names_of_functions_may_have_parameters_behind_them(bound: Guest) -> None:
    bound.function("first(value)", (INT, INT))
    assert bound.embind.first(3) == 3


# ---- names ----


def test_names_that_python_cannot_write_are_items(bound: Guest) -> None:
    bound.function("operator+", (INT, INT, INT), "sum")
    bound.register_class(200, "vector<int>")
    assert bound.embind["operator+"](1, 2) == 3
    assert bound.embind["vector<int>"].__name__ == "vector<int>"
    with pytest.raises(KeyError):
        bound.embind["nothing"]


def test_constants_may_be_bound_before_their_types() -> None:
    bound = Guest()
    bound("_embind_register_constant", "ANSWER", INT, 42.0)
    bound("_embind_register_constant", "HALF", DOUBLE, 0.5)
    with pytest.raises(emscripten.UnboundTypeError, match="ANSWER needs types"):
        bound.embind.ANSWER  # noqa: B018
    bound.types()
    assert (bound.embind.ANSWER, bound.embind.HALF) == (42, 0.5)


def test_types_may_be_bound_after_functions() -> None:
    bound = Guest()
    bound.function("first", (INT, INT))
    with pytest.raises(emscripten.UnboundTypeError, match=hex(INT)):
        bound.embind.first(1)
    bound.types()
    assert bound.embind.first(1) == 1


def test_an_unbound_type_has_the_name_that_the_guest_has_for_it() -> None:
    more = """(data (i32.const 1024) "Missing\\00")
        (func (export "__getTypeName") (param i32) (result i32) (i32.const 1024))"""
    program = emscripten.load(guest(*OLD, more=more))
    with pytest.raises(emscripten.UnboundTypeError, match="Missing"):
        program.registry.converters((UNKNOWN,), "a test")


# ---- enumerations ----


def test_values_of_enumerations_have_the_size_of_their_type(bound: Guest) -> None:
    for id, name, size, signed in ((300, "Small", 1, 1), (301, "Large", 2, 0)):
        bound("_embind_register_enum", id, name, size, signed)
        bound("_embind_register_enum_value", id, "LAST", -1)
    assert (bound.embind.Small.LAST, bound.embind.Large.LAST) == (-1, 2**16 - 1)
    bound.function("first", (301, 301))
    assert bound.embind.first(bound.embind.Large.LAST) is bound.embind.Large.LAST
    assert bound.embind.first(5) == 5  # a number that has no name stays a number


def test_enumerations_of_texts() -> None:
    more = ("_embind_register_string_enum iiii>", "_embind_register_string_enum_value iii>")
    bound = Guest(*OLD, *more).types()
    bound("_embind_register_string_enum", 300, "Color", 4, 0)
    for name, value in (("red", 1), ("green", 2)):
        bound("_embind_register_string_enum_value", 300, name, value)
    bound.function("next", (300, 300, INT), "sum")
    assert bound.embind.next("red", 1) == "green"
    assert bound.embind.next(bound.embind.Color.red, 1) is bound.embind.Color.green
    with pytest.raises(TypeError, match="expected one of red, green, got str"):
        bound.embind.next("blue", 1)


# ---- optional parameters, and vals of user types ----


def test_optional_parameters_may_be_left_out() -> None:
    bound = Guest(*OLD, "_embind_register_optional ii>").types()
    bound("_embind_register_optional", 300, INT)
    bound("_embind_register_optional", 300, INT)
    bound.function("value", (300, 300))
    assert bound.embind.value() is None
    assert bound.embind.value(3) == 3
    with pytest.raises(TypeError, match=r"value\(\) takes 1 argument, but 2 were given"):
        bound.embind.value(1, 2)


def test_user_types_are_vals() -> None:
    bound = Guest(*OLD, "_embind_register_user_type ii>")
    bound("_embind_register_user_type", 300, "Options")
    bound.function("first", (300, 300))
    assert bound.embind.first([1]) == [1]


# ---- strings and views ----


def test_strings_are_utf_8(bound: Guest) -> None:
    bound.function("first", (TEXT, TEXT))
    assert bound.embind.first("ü") == "ü"


@pytest.mark.parametrize(("size", "text"), [(2, "a\ud800b"), (4, "a😀")])
def test_wide_strings_are_converted(bound: Guest, size: int, text: str) -> None:
    bound("_embind_register_std_wstring", 300, size, "std::u16string")
    bound.function("first", (300, 300))
    assert bound.embind.first(text) == text


@pytest.mark.parametrize(("number", "format"), list(enumerate("bBhHiIfdqQ")))
def test_views_have_the_format_of_their_elements(bound: Guest, number: int, format: str) -> None:
    bound("_embind_register_memory_view", 300, number, "view")
    bound("_embind_register_memory_view", 300, number, "view")  # aliases are bound again
    data = array.array(format, [1, 2, 3])
    size = struct.calcsize(format)
    bound.program.memory[2048 : 2048 + 3 * size] = data.tobytes()
    bound.program.memory[1024:1032] = struct.pack("<2I", 3, 2048)
    view = bound.program.registry.converters((300,), "a test")[0].from_wire(1024)
    assert (view.format, view.tolist()) == (format, [1, 2, 3])
    bound.program.memory[2048 : 2048 + size] = bytes(size)
    assert view[0] == 0


# ---- structures ----


def test_structures_are_read_and_written_by_the_functions_of_the_guest(bound: Guest) -> None:
    make, end = (0, INDEX["make0"]), (0, INDEX["destroy"])
    bound("_embind_register_value_object", 300, "Size", *make, *end)
    for name, offset in (("width", 0), ("height", 4)):
        access = [(INT, 0, INDEX[each], offset) for each in ("get", "set")]
        bound("_embind_register_value_object_field", 300, name, *access[0], *access[1])
    bound("_embind_finalize_value_object", 300)
    bound("_embind_register_value_array", 301, "Pair", *make, *end)
    for offset in (4, 0):
        access = [(UINT, 0, INDEX[each], offset) for each in ("get", "set")]
        bound("_embind_register_value_array_element", 301, *access[0], *access[1])
    bound("_embind_finalize_value_array", 301)
    bound.function("swap", (301, 300))
    bound.function("back", (300, 301))
    assert bound.embind.swap({"width": 1, "height": 2}) == (2, 1)
    assert bound.embind.back((2, 1)) == {"width": 1, "height": 2}
    assert bound.destroyed == 4


# ---- classes ----


def test_a_class_may_be_bound_before_its_base(bound: Guest) -> None:
    bound.register_class(210, "Derived", base=200)
    with pytest.raises(emscripten.UnboundTypeError, match="Derived needs a class"):
        bound.embind.Derived  # noqa: B018
    bound.register_class(200, "Base")
    assert issubclass(bound.embind.Derived, bound.embind.Base)


def test_pointers_are_converted_between_classes(bound: Guest) -> None:
    """The base of an object is 4 bytes behind the object."""
    bound.register_class(200, "Base")
    bound.register_class(210, "Derived", base=200)
    bound.function("as_base", (UINT, 201))
    bound.function("as_derived", (UINT, 211))
    bound.function("base", (201, UINT))
    made = bound.embind.Derived()
    assert bound.embind.as_base(made) == bound.embind.as_derived(made) + 4
    bound.program.exports.ACTUAL.value = 210
    found = bound.embind.base(1024)
    assert (type(found), bound.embind.as_derived(found)) == (bound.embind.Derived, 1020)
    assert found.is_alias_of(bound.embind.base(1024))


def test_members_may_be_bound_when_the_class_is_in_use(bound: Guest) -> None:
    bound.register_class(200, "Class")
    made = bound.embind.Class()
    get, set = ((INT, 0, INDEX[each], 0) for each in ("get", "set"))
    bound("_embind_register_class_property", 200, "value", *get, *set)
    made.value = 5
    assert made.value == 5


def test_static_properties(bound: Guest) -> None:
    bound.register_class(200, "Class")
    bound.program.memory.write_i32(1024, 7)
    getter, setter = (0, INDEX["static_get"]), (0, INDEX["static_set"])
    bound("_embind_register_class_class_property", 200, "value", INT, 1024, *getter, *setter)
    bound("_embind_register_class_class_property", 200, "fixed", INT, 1024, *getter, 0, 0)
    assert bound.embind.Class.value == 7
    bound.embind.Class.value = 8
    assert bound.embind.Class.fixed == 8
    with pytest.raises(AttributeError, match="read-only"):
        bound.embind.Class.fixed = 1
    bound.embind.Class.yours = 1  # other attributes are yours
    assert bound.embind.Class.yours == 1
    assert {"value", "fixed"} <= set(dir(bound.embind.Class))


def test_an_iterable_class_is_a_sequence() -> None:
    bound = Guest(*OLD, "_embind_register_iterable iiii>").types()
    bound.register_class(200, "Class")
    methods = {"count": ((UINT, 201), "static_get"), "item": ((UINT, 201, UINT), "sum")}
    for name, (types, function) in methods.items():
        invoker = INDEX["first" if function == "static_get" else function]
        bound("_embind_register_class_function", 200, name, len(types), types, 0, invoker, 0, 0)
    bound("_embind_register_iterable", 200, UINT, "count", "item")
    bound.function("at", (201, UINT))
    made = bound.embind.at(1024)  # whose count() is its address, as is the first item
    assert len(made) == 1024
    assert [made[0], made[-1]] == [1024, 2047]
    assert list(made)[:2] == [1024, 1025]
    with pytest.raises(IndexError):
        made[1024]


def test_ending_an_object_calls_the_destructor_once(bound: Guest) -> None:
    bound.register_class(200, "Class")
    with bound.embind.Class() as made:
        clone = made.clone()
    assert bound.destroyed == 0
    clone.close()
    clone.close()
    assert bound.destroyed == 1


# ---- what vals do, in each version ----

FIRST = (
    "_emval_new iiii>i",
    "_emval_call iiii>i",
    "_emval_get_method_caller ii>i",
    "_emval_call_method iiiii>d",
    "_emval_call_void_method iiii>",
    "_emval_as_int64 ii>i",
    "_emval_as_uint64 ii>l",
    "getTempRet0 >i",
)
SECOND = (
    "_emval_call iiii>d",
    "_emval_get_method_caller iii>i",
    "_emval_call_method iiiii>d",
)
THIRD = ("_emval_create_invoker iii>i", "_emval_invoke iiiii>d", "_emval_invoke_i64 iiiii>l")

ARGUMENTS, DESTRUCTORS = 1024, 1200  # addresses


class Vals(Guest):
    """A guest that uses vals of one of the versions."""

    def __init__(self, *imports: str) -> None:
        super().__init__(*OLD, *VALS, *imports)
        self.types()
        self.handles = self.program.registry.handles

    def do(self, name: str, *values: Any) -> Any:
        """Calls a function with handles of values, and returns the value of the handle."""
        given = [self.handles.add(value) for value in values]
        return self.handles.value(self(f"_emval_{name}", *given))

    def ask(self, name: str, *values: Any) -> int:
        """Calls a function with handles of values, and returns a number."""
        return int(self(f"_emval_{name}", *[self.handles.add(value) for value in values]))

    def arguments(self, *numbers: int) -> int:
        """Puts arguments of the type int where calls find them."""
        for position, number in enumerate(numbers):
            self.program.memory.write_i32(ARGUMENTS + 8 * position, number)
        return ARGUMENTS


@pytest.fixture
def vals() -> Vals:
    return Vals(*FIRST)


@pytest.mark.parametrize(
    ("imports", "reserved"),
    [
        (FIRST, (1, 2, 3, 4)),
        (THIRD, (2, 4, 6, 8)),
        ((*SECOND, "_embind_register_optional ii>"), (2, 4, 6, 8)),
    ],
)
def test_none_and_bools_have_the_handles_of_the_version(
    imports: tuple[str, ...], reserved: tuple[int, ...]
) -> None:
    handles = Vals(*imports).handles
    assert [handles.value(handle) for handle in reserved] == [None, None, True, False]
    given = [handles.add(value) for value in (None, True, False)]
    assert given == [reserved[0], *reserved[2:]]


def test_a_value_stays_as_long_as_the_guest_holds_it(vals: Vals) -> None:
    handle = vals.handles.add([1])
    vals("_emval_incref", handle)
    vals("_emval_decref", handle)
    assert vals.handles.value(handle) == [1]
    vals("_emval_decref", handle)
    assert len(vals.handles) == 0
    for fixed in (0, 1, 2, 3, 4):  # these are not counted
        vals("_emval_incref", fixed)
        vals("_emval_decref", fixed)
    assert vals.handles.add("next") == handle


def test_new_texts(vals: Vals) -> None:
    assert vals.handles.value(vals("_emval_new_cstring", "text ü")) == "text ü"
    assert vals.handles.value(vals("_emval_new_u8string", "text ü")) == "text ü"
    vals.program.memory[2048:2054] = "ü😀".encode("utf-16-le")
    assert vals.handles.value(vals("_emval_new_u16string", 2048)) == "ü😀"
    symbol = vals.program.new_text("symbol")
    vals("_emval_register_symbol", symbol)
    vals.program.memory[symbol : symbol + 1] = b"S"
    assert vals.handles.value(vals("_emval_new_cstring", symbol)) == "symbol"


def test_properties_of_dicts_and_lists(vals: Vals) -> None:
    value: dict[Any, Any] = {"key": 1, 5: "five"}
    assert [vals.do("get_property", value, key) for key in ("key", "other", 5.0, "5")] == [
        1,
        None,
        "five",
        "five",
    ]
    vals("_emval_set_property", *[vals.handles.add(each) for each in (value, "new", [2])])
    assert value["new"] == [2]
    assert [vals.ask("in", key, value) for key in ("new", "old")] == [1, 0]
    assert vals.ask("delete", value, "new") == 1
    assert "new" not in value
    assert [vals.do("get_property", "text", key) for key in ("length", 1, 9)] == [4, "e", None]


def test_lists_grow_at_their_end(vals: Vals) -> None:
    made = vals.handles.value(vals("_emval_new_array"))
    for position, item in enumerate("ab"):
        vals("_emval_set_property", *[vals.handles.add(each) for each in (made, position, item)])
    assert made == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "arguments", "result", "after"),
    [
        ("push", (4, 5), 5, [1, 2, 3, 4, 5]),
        ("pop", (), 3, [1, 2]),
        ("shift", (), 1, [2, 3]),
        ("unshift", (0,), 4, [0, 1, 2, 3]),
        ("slice", (1.0,), [2, 3], [1, 2, 3]),
        ("includes", (2,), True, [1, 2, 3]),
        ("indexOf", (9,), -1, [1, 2, 3]),
        ("join", ("-",), "1-2-3", [1, 2, 3]),
        ("toString", (), "1,2,3", [1, 2, 3]),
    ],
)
def test_methods_of_arrays(
    vals: Vals, name: str, arguments: tuple[Any, ...], result: Any, after: list[int]
) -> None:
    value = [1, 2, 3]
    script = vals.program.registry.script
    assert script.call_method(value, name, list(arguments)) == result
    assert value == after


def test_typed_arrays(vals: Vals) -> None:
    script = vals.program.registry.script
    made = script.call(script.globals["Float32Array"], [[1, 2.5]])
    assert (made.format, made.tolist()) == ("f", [1, 2.5])
    script.call_method(made, "set", [[4], 1.0])
    assert script.call_method(made, "subarray", [1]).tolist() == [4]
    assert script.call_method(made, "slice", [0, 1.0]).tolist() == [1]
    assert script.call(script.globals["Uint8Array"], [3]).tolist() == [0, 0, 0]


def test_typed_arrays_take_items_with_gaps_between_them(vals: Vals) -> None:
    script = vals.program.registry.script
    items = memoryview(numpy.arange(6.0)[::2])
    assert script.call(script.globals["Float64Array"], [items]).tolist() == [0, 2, 4]


@pytest.mark.buffers
def test_arrays_and_views_are_copied_to_each_other(vals: Vals) -> None:
    view = memoryview(vals.program.memory)[2048:2051]
    view[:] = b"abc"
    assert vals.do("new_array_from_memory_view", view) == [97, 98, 99]
    vals("_emval_array_to_memory_view", vals.handles.add(view), vals.handles.add([1, 2, 3]))
    assert bytes(view) == b"\1\2\3"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (1, 1.0, "equals strictly_equals"),
        (1, True, ""),
        ("a", "b", "less_than"),
        (2, 1, "greater_than"),
        ("1", 1, ""),
        ([], [], ""),
    ],
)
def test_comparisons(vals: Vals, first: Any, second: Any, expected: str) -> None:
    names = ("equals", "strictly_equals", "less_than", "greater_than")
    assert [name for name in names if vals.ask(name, first, second)] == expected.split()


def test_kinds_of_values(vals: Vals) -> None:
    values = [None, True, 1, 0.5, "", [], print, float("nan"), 0]
    kinds = ["undefined", "boolean", "number", "number", "string", "object", "function"]
    assert [vals.do("typeof", value) for value in values] == [*kinds, "number", "number"]
    assert [vals.ask("not", value) for value in values] == [1, 0, 0, 0, 1, 0, 0, 1, 1]
    assert [vals.ask("is_number", value) for value in (1, 0.5, True, "1")] == [1, 1, 0, 0]
    assert [vals.ask("is_string", value) for value in ("", 1)] == [1, 0]


def test_global_objects(vals: Vals) -> None:
    found = {
        name: vals.handles.value(vals("_emval_get_global", name))
        for name in ("Array", "Object", "Error", "nothing")
    }
    assert found["nothing"] is None
    assert vals.ask("instanceof", [1], found["Array"]) == 1
    assert vals.ask("instanceof", {}, found["Array"]) == 0
    assert vals.ask("instanceof", {}, dict) == 1
    prototype = vals.do("get_property", found["Object"], "prototype")
    assert callable(vals.do("get_property", prototype, "hasOwnProperty").make)
    assert vals.handles.value(vals("_emval_get_global", 0)) is vals.program.val_globals
    vals.program.val_globals["yours"] = 5
    assert vals.handles.value(vals("_emval_get_global", "yours")) == 5


def test_what_is_bound_is_a_property_of_the_module(vals: Vals) -> None:
    vals.function("first", (INT, INT))
    found = vals.handles.value(vals("_emval_get_module_property", "first"))
    assert found is vals.embind.first


def test_a_class_of_python_says_what_the_guest_may_use(vals: Vals) -> None:
    @emscripten.exposes("value", "double", writable=["value"])
    class Shown:
        def __init__(self) -> None:
            self.value, self.secret = 4, 5

        def double(self) -> int:
            return 2 * self.value

    shown, script = Shown(), vals.program.registry.script
    script.put(shown, "value", 6)
    assert script.call_method(shown, "double", []) == 12
    assert [script.get(shown, name) for name in ("value", "secret")] == [6, None]
    with pytest.raises(TypeError, match="opaque"):
        script.put(shown, "secret", 1)


def test_iteration(vals: Vals) -> None:
    iterator = vals("_emval_iter_begin", vals.handles.add(["a", "b"]))
    handles = [vals("_emval_iter_next", iterator) for _ in range(3)]
    assert [vals.handles.value(handle) for handle in handles[:2]] == ["a", "b"]
    assert handles[2] == 0


def test_values_are_taken_and_given_as_types(vals: Vals) -> None:
    vals.program.memory.write_i32(ARGUMENTS, -5)
    assert vals.handles.value(vals("_emval_take_value", INT, ARGUMENTS)) == -5
    assert vals("_emval_as", vals.handles.add(7), DOUBLE, DESTRUCTORS) == 7.0
    text = int(vals("_emval_as", vals.handles.add("text"), TEXT, DESTRUCTORS))
    assert vals.program.memory.read_str(text + 4, 4) == "text"
    vals("_emval_run_destructors", vals.program.memory.read_u32(DESTRUCTORS))


def test_large_integers_are_given_whole_or_as_halves(vals: Vals) -> None:
    handle = vals.handles.add(-2)
    assert vals("_emval_as_uint64", handle, LONG) == -2
    assert vals("_emval_as_int64", handle, LONG) & 0xFFFFFFFF == 2**32 - 2
    assert vals.program.second_result == 2**32 - 1


def test_calls_of_the_first_version(vals: Vals) -> None:
    handle = vals.handles.add(lambda a, b: (a, b))
    arguments = vals.arguments(3, -4)
    assert vals.handles.value(vals("_emval_call", handle, 2, (INT, INT), arguments)) == (3, -4)
    kind = vals.handles.add(complex)
    assert vals.handles.value(vals("_emval_new", kind, 2, (INT, INT), arguments)) == 3 - 4j
    caller = vals("_emval_get_method_caller", 3, (INT, INT, INT))
    given: list[int] = []
    owner = vals.handles.add({"add": lambda a, b: a + b, "note": lambda *both: given.extend(both)})
    assert vals("_emval_call_method", caller, owner, "add", DESTRUCTORS, arguments) == -1
    void = vals("_emval_get_method_caller", 3, (VOID, INT, INT))
    vals("_emval_call_void_method", void, owner, "note", arguments)
    assert given == [3, -4]


def test_the_first_version_deletes_objects_that_a_method_got(vals: Vals) -> None:
    vals.register_class(200, "Class")
    caller = vals("_emval_get_method_caller", 2, (VOID, 201))
    seen: list[Any] = []
    vals.arguments(2048)
    owner = vals.handles.add({"see": seen.append})
    vals("_emval_call_void_method", caller, owner, "see", ARGUMENTS)
    assert seen[0].is_closed
    assert vals.destroyed == 1


def test_calls_of_the_second_version() -> None:
    vals = Vals(*SECOND)
    arguments = vals.arguments(3, -4)
    function = vals("_emval_get_method_caller", 3, (INT, INT, INT), 0)
    handle = vals.handles.add(lambda a, b: a * b)
    assert vals("_emval_call", function, handle, DESTRUCTORS, arguments) == -12
    owner = vals.handles.add({"add": lambda a, b: a + b})
    assert vals("_emval_call_method", function, owner, "add", DESTRUCTORS, arguments) == -1
    make = vals("_emval_get_method_caller", 3, (VAL, INT, INT), 1)
    made = vals("_emval_call", make, vals.handles.add(complex), DESTRUCTORS, arguments)
    assert vals.handles.value(int(made)) == 3 - 4j


def test_calls_of_the_third_version() -> None:
    vals = Vals(*THIRD)
    arguments = vals.arguments(3, -4)
    handle = vals.handles.add(lambda a, b: a * b)
    owner = vals.handles.add({"add": lambda a, b: a + b})

    def invoker(result: int, kind: int, count: int = 2) -> int:
        types = (result, *[INT] * count)
        return int(vals("_emval_create_invoker", len(types), types, kind))

    function, method = invoker(INT, 0), invoker(INT, 1)
    assert vals("_emval_invoke", function, handle, 0, DESTRUCTORS, arguments) == -12
    assert vals("_emval_invoke", method, owner, "add", DESTRUCTORS, arguments) == -1
    assert vals("_emval_invoke_i64", invoker(LONG, 0), handle, 0, DESTRUCTORS, arguments) == -12
    kind = vals.handles.add(complex)
    made = vals("_emval_invoke", invoker(VAL, 2), kind, 0, DESTRUCTORS, arguments)
    assert vals.handles.value(int(made)) == 3 - 4j
    assert vals("_emval_invoke", invoker(DOUBLE, 3, 1), 0, 0, DESTRUCTORS, arguments) == 3.0


def test_exceptions_are_thrown(vals: Vals) -> None:
    with pytest.raises(KeyError):
        vals.ask("throw", KeyError("key"))
    with pytest.raises(emscripten.ThrownValue, match="text") as raised:
        vals.ask("throw", "text")
    assert raised.value.value == "text"
    script = vals.program.registry.script
    error = script.call(script.globals["Error"], ["message"])
    assert script.get(error, "message") == "message"
    with pytest.raises(emscripten.ThrownValue, match="message"):
        vals.ask("throw", error)


# ---- embind and the rest of the package ----


def test_your_functions_count_more_than_those_of_embind() -> None:
    given: list[int] = []
    imports = {"_embind_register_void": lambda id, _name: given.append(id)}
    program = emscripten.load(guest("_embind_register_void ii>"), imports)
    program.exports["_embind_register_void"](5, 0)
    assert given == [5]


def test_an_import_of_another_type_is_a_link_error() -> None:
    with pytest.raises(pywasm3.LinkError, match="_embind_register_void"):
        emscripten.load(guest("_embind_register_void i>"))


def test_a_program_without_bindings_has_no_names() -> None:
    program = emscripten.load(guest())
    assert list(program.embind) == []
    assert len(FUNCTIONS) + 1 == len(program.table)
