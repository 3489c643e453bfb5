# SPDX-License-Identifier: MIT
"""What a C++ program binds by embind is there in Python, for each kind of binding.

The program is compiled by Emscripten, and the tests are skipped without it. Expected values follow
from the source, which is bound.cpp.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator
from typing import Any

import pytest

from emcc_helpers import compiled
from pywasm3.guests import emscripten

FLAGS = (
    "--bind",
    "--no-entry",
    "-std=c++17",
    "-fexceptions",
    "-sALLOW_MEMORY_GROWTH=1",
    "-sEXPORTED_FUNCTIONS=_malloc,_free",
)


@pytest.fixture(params=["-O0", "-O2"])
def program(request: pytest.FixtureRequest) -> Iterator[emscripten.Emscripten]:
    with emscripten.load(compiled("bound.cpp", *FLAGS, request.param)) as program:
        yield program


@pytest.fixture
def bound(program: emscripten.Emscripten) -> Any:
    return program.embind


# ---- simple types ----

SAME = {
    "bool": [True, False],
    "char": [-128, 127],
    "signed_char": [-128, 127],
    "unsigned_char": [0, 255],
    "short": [-(2**15), 2**15 - 1],
    "unsigned_short": [0, 2**16 - 1],
    "int": [-(2**31), 2**31 - 1],
    "unsigned": [0, 2**32 - 1],
    "long": [-(2**31), 2**31 - 1],
    "int64": [-(2**63), 2**63 - 1],
    "uint64": [0, 2**64 - 1],
    "float": [1.5, math.inf],
    "double": [0.1, -math.inf],
    "string": ["", "text\0é😀", "\udcff"],
    "wstring": ["", "text\0é😀"],
    "u16string": ["", "text\0é😀", "\ud800"],
    "val": [None, True, False, 1, 0.5, "text", (1, 2), {"key": [3]}, print],
}


@pytest.mark.parametrize("name", SAME)
def test_a_value_passes_both_ways(bound: Any, name: str) -> None:
    function = getattr(bound, f"same_{name}")
    assert [function(value) for value in SAME[name]] == SAME[name]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bool", "yes", "expected a bool"),
        ("char", 200, "-128 to 127 for char, got int 200"),
        ("unsigned", -1, "0 to 4294967295"),
        ("int", 1.5, "expected an int for int, got float 1.5"),
        ("uint64", 2**64, "0 to 18446744073709551615"),
        ("double", "1", "expected a float for double, got str"),
        ("string", 5, "expected a str or bytes for std::string, got int 5"),
        ("string", "\ud800", "no UTF-8"),
        ("wstring", b"bytes", "expected a str"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    bound: Any, name: str, value: Any, message: str
) -> None:
    with pytest.raises(emscripten.BindingError, match=f"argument 1 of same_{name}.*{message}"):
        getattr(bound, f"same_{name}")(value)


def test_strings_of_bytes_are_bytes(bound: Any) -> None:
    assert bound.reversed(b"\1\xff") == b"\xff\1"
    assert bound.same_string(b"bytes") == "bytes"
    assert bound.joined("a", "b") == "a-b"


def test_functions_are_chosen_by_the_number_of_arguments(bound: Any) -> None:
    assert bound.nothing() is None
    assert (bound.add(1, 2), bound.add(1, 2, 3)) == (3, 6)
    with pytest.raises(TypeError, match=r"add\(\) takes 2 or 3 arguments, but 1 was given"):
        bound.add(1)


def test_constants_are_attributes(bound: Any) -> None:
    assert (bound.ANSWER, bound.HALF, bound.TITLE, bound.TITLE) == (42, 0.5, "title", "title")


def test_an_exception_of_cpp_arrives(program: emscripten.Emscripten) -> None:
    with pytest.raises(emscripten.CppException):
        program.embind.throws(-1)
    assert program.embind.throws(1) == 1


def test_a_type_that_is_not_bound_is_named(bound: Any) -> None:
    with pytest.raises(emscripten.UnboundTypeError, match="Unbound"):
        bound.unbound(1)


def test_the_names_are_listed(bound: Any) -> None:
    assert {"add", "Counter", "Color", "ANSWER"} <= set(bound) == set(bound) & set(dir(bound))
    assert "add" in bound
    assert bound["add"] is bound.add
    with pytest.raises(AttributeError, match="nothing"):
        bound.something  # noqa: B018


# ---- enumerations and structures ----


def test_enumerations_are_those_of_python(bound: Any) -> None:
    assert [(each.name, each.value) for each in bound.Color] == [
        ("RED", 1),
        ("GREEN", 2),
        ("BLUE", 200),
    ]
    assert bound.after(bound.Color.RED) is bound.Color.GREEN
    assert bound.after(2) is bound.Color.BLUE
    assert bound.other(bound.Old.SECOND) is bound.Old.FIRST
    with pytest.raises(TypeError, match="expected a member of Color"):
        bound.after(bound.Old.FIRST)


def test_structures_are_dicts_and_tuples(bound: Any) -> None:
    segment = {"from": {"x": 1, "y": 2}, "to": {"x": 0.5, "y": 4}, "name": "n"}
    turned = {"from": {"x": 0.5, "y": 4}, "to": {"x": 1, "y": 2}, "name": "n!"}
    assert bound.turned(segment) == turned
    assert bound.next((1, "a")) == (2, "a+")
    with pytest.raises(TypeError, match=r"Segment.to: expected a dict with 'y' for Point"):
        bound.turned({**segment, "to": {"x": 1}})
    with pytest.raises(TypeError, match="expected 2 values for Pair, got 1"):
        bound.next((1,))


def test_an_object_with_attributes_is_a_structure(bound: Any) -> None:
    class Point:
        x, y = 7, 8

    assert bound.getter(Point()) == 7


# ---- classes ----


def test_constructors_are_chosen_by_the_number_of_arguments(bound: Any) -> None:
    assert [bound.Counter(*given).next() for given in ((), (5,), (1, 10))] == [1, 6, 11]
    with pytest.raises(TypeError, match=r"Counter\(\) takes 0 or 1 or 2 arguments"):
        bound.Counter(1, 2, 3)


def test_methods_and_properties(bound: Any) -> None:
    counter = bound.Counter(3, 4)
    assert (counter.next(), counter.next(1), counter.kind(), counter.added(5)) == (
        7,
        8,
        "counter",
        13,
    )
    counter.value, counter.step = 50, 7
    assert (counter.next(), counter.seen, counter.copy().value) == (57, 57, 57)
    with pytest.raises(AttributeError, match=r"Counter.seen is read-only"):
        counter.seen = 1
    with pytest.raises(TypeError, match=r"Counter.value: expected an int"):
        counter.value = "text"
    with pytest.raises(AttributeError):
        counter.misspelt = 1


def test_static_functions_and_properties(bound: Any) -> None:
    assert bound.Counter.twice(bound.Counter(4)).value == 8
    assert (bound.Counter.shared, bound.Counter.fixed) == (5, 6)
    bound.Counter.shared = 9
    assert (bound.Counter.shared, bound.Named.shared) == (9, 9)
    with pytest.raises(AttributeError, match="read-only"):
        bound.Counter.fixed = 1


def test_a_derived_class_inherits(bound: Any) -> None:
    named = bound.Named("a name")
    assert isinstance(named, bound.Counter)
    assert (named.name, named.kind(), bound.kind_of(named)) == ("a name", "named", "named")
    assert (named.next(), named.next(2), named.next(2, 100), named.value) == (1, 3, 105, 5)
    assert bound.add_to(named, 3) == 8
    assert bound.doubled(named) == 16


def test_a_pointer_becomes_an_object_of_the_class_that_it_really_has(bound: Any) -> None:
    made = bound.made(True)
    assert (type(made), made.name) == (bound.Named, "made")
    assert type(bound.made(False)) is bound.Counter
    assert bound.made(False).is_alias_of(made) is False
    assert made.self().is_alias_of(made)


def test_null_pointers_are_none(bound: Any) -> None:
    assert bound.add_to(None, 1) == -1
    with pytest.raises(TypeError, match="None is not a Counter"):
        bound.doubled(None)


def test_constant_pointers_call_no_methods_that_change(bound: Any) -> None:
    constant = bound.Counter(5).constant()
    assert constant.seen == 5
    with pytest.raises(TypeError, match=r"expected a Counter\*, got a constant"):
        constant.next()


def test_objects_of_another_class_are_refused(bound: Any) -> None:
    for value in (1, "text", bound.Numbers(), object()):
        with pytest.raises(TypeError, match="expected a Counter, got"):
            bound.doubled(value)


def test_with_ends_an_object(bound: Any) -> None:
    before = bound.living()
    with bound.Counter() as counter:
        assert bound.living() == before + 1
    assert bound.living() == before
    assert counter.is_closed
    counter.close()
    for act in (counter.delete, counter.next, lambda: counter.value, counter.clone):
        with pytest.raises(TypeError, match="was deleted"):
            act()


def test_a_clone_keeps_the_object(bound: Any) -> None:
    counter = bound.Counter(4)
    clone = counter.clone()
    counter.delete()
    assert clone.value == 4
    before = bound.living()
    clone.delete()
    assert bound.living() == before - 1


def test_a_forgotten_raw_pointer_stays(bound: Any) -> None:
    before = bound.living()
    bound.Counter()
    gc.collect()
    assert bound.living() == before + 1


# ---- smart pointers ----


def test_smart_pointers_are_shared(bound: Any) -> None:
    node = bound.new_node(5)
    assert (type(node), node.value) == (bound.Node, 5)
    assert bound.keep(node) >= 2
    node.close()
    again = bound.give_back()
    assert again.value == 5
    assert bound.keep(None) == 0
    assert bound.give_back() is None


def test_a_constructor_that_makes_a_smart_pointer(bound: Any) -> None:
    node = bound.Node(6)
    assert bound.keep(node) >= 2
    assert bound.give_back().is_alias_of(node)


def test_a_forgotten_smart_pointer_is_released(bound: Any) -> None:
    before = bound.living()
    for value in range(5):
        bound.Node(value)
    gc.collect()
    assert bound.living() == before


def test_what_a_unique_pointer_owned_is_no_smart_pointer(bound: Any) -> None:
    node = bound.unique_node(8)
    assert node.value == 8
    with pytest.raises(TypeError, match="a raw pointer owns the object"):
        bound.keep(node)
    node.close()


# ---- classes that are derived in Python ----


def test_cpp_calls_methods_of_a_class_of_python(bound: Any) -> None:
    class Square(bound.Shape):  # type: ignore[misc]
        def __init__(self, side: float) -> None:
            super().__init__()
            self.side = side

        def area(self, scale: float) -> float:
            return self.side**2 * scale

    class Named(Square):
        def name(self) -> str:
            return f"square {super().name()}"

    assert bound.described(Square(3)) == "shape 18"
    assert bound.described(Named(3)) == "square shape 18"


def test_an_object_of_a_class_of_python_keeps_its_identity(bound: Any) -> None:
    class Unit(bound.Shape):  # type: ignore[misc]
        def area(self, scale: float) -> float:
            return scale

    shape = Unit()
    bound.own(shape)
    assert bound.owned_shape() is shape
    bound.own(None)
    assert bound.owned_shape() is None
    assert shape.is_closed


def test_a_pure_virtual_method_must_be_there(bound: Any) -> None:
    class Shapeless(bound.Shape):  # type: ignore[misc]
        pass

    with pytest.raises(TypeError, match=r"Shapeless must define area\(\)"):
        Shapeless()


def test_a_class_without_wrapper_cannot_be_derived_from(bound: Any) -> None:
    class Mine(bound.Counter):  # type: ignore[misc]
        pass

    with pytest.raises(TypeError, match=r"lacks allow_subclass\(\)"):
        Mine()


def test_a_class_is_implemented_by_a_dict(bound: Any) -> None:
    members = {"area": lambda scale: scale * 10, "name": lambda: "dict"}
    with bound.Shape.implement(members) as shape:
        assert bound.described(shape) == "dict 20"


def test_a_class_is_extended_by_a_dict(bound: Any) -> None:
    members = {"area": lambda _self, scale: scale * 5}
    extended = bound.Shape.extend("Extended", members)
    assert issubclass(extended, bound.Shape)
    assert bound.described(extended()) == "shape 10"


# ---- containers ----


def test_vectors_and_maps(bound: Any) -> None:
    numbers = bound.to_vector([1, 2, 3])
    numbers.push_back(4)
    assert (numbers.size(), numbers.get(3), numbers.get(4)) == (4, 4, None)
    assert (list(numbers), len(numbers), numbers[-1]) == ([1, 2, 3, 4], 4, 4)
    with pytest.raises(IndexError, match="there are 4 elements, and none at 4"):
        numbers[4]
    texts = bound.Texts()
    texts.push_back("text")
    assert texts.get(0) == "text"
    sizes = bound.Sizes()
    sizes.set("a", 3)
    assert (sizes.get("a"), sizes.get("b"), sizes.keys().get(0)) == (3, None, "a")


def test_a_view_shows_the_memory(bound: Any) -> None:
    view = bound.view()
    assert (view.format, view.tolist()) == ("H", [1, 2, 3, 40000])


# ---- vals ----


def test_cpp_calls_functions_of_python(bound: Any) -> None:
    assert bound.call_with(lambda *given: given, 3) == (3, "text", 2.5)
    assert bound.point_of({"point": lambda point: {"x": point["y"], "y": point["x"]}}) == {
        "x": 2,
        "y": 1,
    }
    given: list[Any] = []
    assert bound.call_methods({"start": lambda *arguments: given.extend(arguments)})
    assert given == ["a", 1]


def test_exceptions_of_python_pass_cpp(bound: Any) -> None:
    error = KeyError("key")

    def fail(*_: Any) -> None:
        raise error

    with pytest.raises(KeyError) as raised:
        bound.call_with(fail, 1)
    assert raised.value is error


def test_a_result_that_does_not_fit_is_refused(bound: Any) -> None:
    with pytest.raises(TypeError, match="the result of a function that the guest called"):
        bound.point_of({"point": lambda _point: 3})


def test_cpp_reads_and_makes_lists_and_dicts(bound: Any) -> None:
    assert bound.sum_of([1, True, 3]) == bound.sum_of((1, 1, 3)) == 5
    assert bound.new_object("text") == {
        "text": "text",
        "flag": True,
        "nothing": None,
        "list": [0, 1.5, 3],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "undefined nothing"),
        (True, "boolean true"),
        (False, "boolean false"),
        (1, "number number"),
        (0.5, "number number"),
        ("text", "string string"),
        ([1], "object array"),
        ({}, "object"),
        (print, "function"),
    ],
)
def test_cpp_sees_what_kind_a_value_has(bound: Any, value: Any, expected: str) -> None:
    assert bound.kinds(value) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(1, 2, "<"), ("b", "a", ">"), (0, 0, "===!"), ("a", "a", "==="), ("", "a", "<!")],
)
def test_cpp_compares(bound: Any, first: Any, second: Any, expected: str) -> None:
    assert bound.compared(first, second) == expected


def test_cpp_makes_objects_of_classes(bound: Any) -> None:
    assert bound.make(complex) == 1 + 2j
    assert bound.make(bound.Counter).next() == 3
    assert bound.bound_of_module("add") is bound.add
    assert bound.bound_of_module("nothing at all") is None


def test_cpp_takes_objects_and_large_integers_out_of_vals(bound: Any) -> None:
    assert bound.take_counter(bound.Counter(8)) == 8
    assert bound.large_of(2**40) == 2**40 + 1


def test_cpp_throws_vals(bound: Any) -> None:
    with pytest.raises(KeyError):
        bound.throw_val(KeyError("key"))
    with pytest.raises(emscripten.ThrownValue, match="text") as raised:
        bound.throw_val("text")
    assert raised.value.value == "text"


def test_objects_of_python_are_opaque_for_cpp(bound: Any) -> None:
    with pytest.raises(TypeError, match="an object of the type Opaque, which is opaque"):
        bound.sum_of(type("Opaque", (), {"length": 1})())


def test_vals_leave_no_handles(program: emscripten.Emscripten) -> None:
    bound = program.embind
    before = len(program.registry.handles)
    for _ in range(10):
        bound.new_object("text")
        bound.sum_of([1, 2])
        bound.call_with(lambda *given: given, 3)
        bound.kinds({})
    assert len(program.registry.handles) == before
