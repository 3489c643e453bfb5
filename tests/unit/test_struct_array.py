# SPDX-License-Identifier: MIT
"""Structures and arrays in Python: their types, their fields by index and name, and their making.

Each kind of value is written by Python and read by the guest, and the other way round, and compared
with a list of Python.
"""

from __future__ import annotations

import copy
import gc
import math
import pickle
import struct
import weakref
from array import array
from typing import Any

import pytest

import pywasm3
from binary import section
from helpers import let_pypy_free, load, wat
from pywasm3 import Array, ArrayType, FieldType, RefType, Struct, StructType, ValType

POINTS = """(module
  (type $Point (sub (struct (field $x (mut f64)) (field $y (mut f64)))))
  (type $Pixel (sub $Point
    (struct (field $x (mut f64)) (field $y (mut f64)) (field $color i8))))
  (type $bytes (array (mut i8)))
  (type $frozen (array i32))
  (type $Node (struct (field $value i32) (field $next (mut (ref null $Node)))))
  (type $Box (struct (field (ref $Point)) (field (mut externref)) (field (mut anyref))))
  (type $points (array (mut (ref $Point))))
  (func (export "point") (param f64 f64) (result (ref $Point))
    (struct.new $Point (local.get 0) (local.get 1)))
  (func (export "pixel") (result (ref $Point))
    (struct.new $Pixel (f64.const 1) (f64.const 2) (i32.const -1)))
  (func (export "sum") (param (ref $Point)) (result f64)
    (f64.add (struct.get $Point 0 (local.get 0)) (struct.get $Point 1 (local.get 0))))
  (func (export "bytes") (param i32) (result (ref $bytes))
    (array.new_default $bytes (local.get 0)))
  (func (export "same") (param anyref) (result anyref) (local.get 0))
  (func (export "third") (param (ref $bytes)) (result i32)
    (array.get_s $bytes (local.get 0) (i32.const 2))))"""


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(POINTS)


# ---- types ----


def test_the_types_of_a_module_are_those_of_its_text(instance: pywasm3.Instance) -> None:
    number = FieldType("f64", True)
    point = RefType(0)
    assert instance.module.types[:7] == (
        StructType([number, number], final=False),
        StructType([number, number, "i8"], 0, False),
        ArrayType(FieldType("i8", True)),
        ArrayType("i32"),
        StructType(["i32", FieldType(RefType(4, True), True)]),
        StructType([point, FieldType("externref", True), FieldType("anyref", True)]),
        ArrayType(FieldType(point, True)),
    )
    assert instance.module.types[7] == pywasm3.FuncType(["f64", "f64"], [point])
    assert instance.module.types is instance.module.types


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (FieldType("i8"), "i8"),
        (FieldType("i16", True), "(mut i16)"),
        (StructType(), "(struct)"),
        (StructType(["i32", FieldType("f32", True)]), "(struct (field i32) (field (mut f32)))"),
        (StructType(["v128"], 3, False), "(sub 3 (struct (field v128)))"),
        (StructType([], 3), "(sub final 3 (struct))"),
        (ArrayType("(ref null 2)"), "(array (ref null 2))"),
        (ArrayType("i8", final=False), "(sub (array i8))"),
    ],
)
def test_types_are_values(type: Any, text: str) -> None:
    assert str(type) == text
    assert pickle.loads(pickle.dumps(type)) == type == copy.copy(type)
    assert hash(type) == hash(copy.copy(type))
    with pytest.raises(AttributeError, match="is immutable"):
        type.final = True


@pytest.mark.parametrize("name", ["i4", "struct", "", None])
def test_a_field_has_a_type(name: Any) -> None:
    with pytest.raises(ValueError, match="is not a value type"):
        FieldType(name)


# ---- structures ----


def test_a_structure_has_its_fields_by_index_and_by_name(instance: pywasm3.Instance) -> None:
    point = instance.exports.pixel()
    assert (len(point), list(point), point.names) == (3, [1.0, 2.0, 255], ("x", "y", "color"))
    assert (point["y"], point[1], point["color"]) == (2.0, 2.0, 255)
    assert str(point.type) == "(sub 0 (struct (field (mut f64)) (field (mut f64)) (field i8)))"
    assert repr(point) == f"<pywasm3.Struct: {point.type}>"


def test_an_assigned_field_is_what_the_guest_reads(instance: pywasm3.Instance) -> None:
    point = instance.exports.point(1, 2)
    point["x"] = 40
    point[1] = 2.5
    assert instance.exports.sum(point) == 42.5


def test_an_immutable_field_cannot_be_assigned(instance: pywasm3.Instance) -> None:
    pixel = instance.exports.pixel()
    with pytest.raises(TypeError, match=r"field 2 of the struct is immutable"):
        pixel["color"] = 1
    assert pixel[2] == 255


@pytest.mark.parametrize("index", [3, -1, 1 << 70, -(1 << 70)])
def test_an_index_beyond_the_fields_is_refused(instance: pywasm3.Instance, index: int) -> None:
    pixel = instance.exports.pixel()
    with pytest.raises(IndexError, match="out of range: the length is 3"):
        pixel[index]
    with pytest.raises(IndexError, match="out of range: the length is 3"):
        pixel[index] = 1


def test_a_name_that_no_field_has_is_refused(instance: pywasm3.Instance) -> None:
    with pytest.raises(KeyError, match="no field named 'colour'; did you mean 'color'"):
        instance.exports.pixel()["colour"]


def test_two_objects_for_one_structure_are_equal(instance: pywasm3.Instance) -> None:
    point = instance.exports.point(1, 2)
    again = instance.exports.same(point)
    assert again == point
    assert hash(again) == hash(point)
    assert instance.exports.point(1, 2) != point
    assert point != 1
    assert {point: "it"}[again] == "it"


def test_a_structure_is_made_of_values_in_order_or_by_name(instance: pywasm3.Instance) -> None:
    assert list(Struct(instance, "Point", (1, 2))) == [1.0, 2.0]
    assert list(Struct(instance, "Point", [1])) == [1.0, 0.0]
    assert list(Struct(instance, 0)) == [0.0, 0.0]
    assert list(Struct(instance, "Pixel", {"color": 7, "y": 3})) == [0.0, 3.0, 7]


def test_a_structure_that_python_made_has_its_type(instance: pywasm3.Instance) -> None:
    pixel = Struct(instance, "Pixel", (1, 2, 3))
    assert instance.exports.sum(pixel) == 3
    assert pixel.type == instance.module.types[1]


def test_references_between_objects_keep_their_identity(instance: pywasm3.Instance) -> None:
    first = Struct(instance, "Node", [1])
    second = Struct(instance, "Node", [2, first])
    first["next"] = second
    assert second["next"]["next"] == second
    assert second["next"] == first
    first["next"] = None
    assert second[1][1] is None


def test_fields_hold_any_object_and_small_ints(instance: pywasm3.Instance) -> None:
    thing = object()
    box = Struct(instance, "Box", [Struct(instance, 0), thing, thing])
    assert box[1] is thing
    assert box[2] is thing
    box[2] = -5
    assert box[2] == -5
    box[2] = box
    assert box[2] == box


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([None, None], TypeError, "field 0 .*: None stands for null"),
        ([], TypeError, "field 0 .*: None stands for null"),
        ([3], TypeError, "field 0 .*: a pywasm3.Struct is expected, not int"),
        ([object()], TypeError, "a pywasm3.Struct is expected, not object"),
        ([1, 2, 3, 4], ValueError, "4 values for 3 fields"),
        ({"x": 1}, KeyError, "no field named 'x'"),
        ({1: 1}, KeyError, "no field named 1"),
        (5, TypeError, "not iterable"),
    ],
)
def test_wrong_values_make_no_structure(
    instance: pywasm3.Instance, values: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Struct(instance, "Box", values)


def test_an_object_of_another_type_is_refused(instance: pywasm3.Instance) -> None:
    node = Struct(instance, "Node", [1])
    with pytest.raises(TypeError, match="is not of the defined type that is expected"):
        node["next"] = Struct(instance, "Point")


def test_an_object_of_another_store_is_refused(instance: pywasm3.Instance) -> None:
    other = Struct(load(POINTS), "Node", [1])
    with pytest.raises(TypeError, match="belongs to another store"):
        Struct(instance, "Node", [1])["next"] = other
    assert other != Struct(instance, "Node", [1])


@pytest.mark.parametrize(
    ("type", "error", "message"),
    [
        (99, IndexError, "type 99 is out of range: the module has"),
        (-1, IndexError, "type -1 is out of range"),
        ("Pixl", KeyError, "no type named 'Pixl'; did you mean 'Pixel'"),
        (2, TypeError, r"type 2 of the module is not a StructType: \(array \(mut i8\)\)"),
        (7, TypeError, "type 7 of the module is not a StructType"),
        (1.5, TypeError, "cannot be interpreted as an integer"),
    ],
)
def test_a_structure_needs_a_structure_type(
    instance: pywasm3.Instance, type: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Struct(instance, type)


def test_only_an_instance_makes_objects(instance: pywasm3.Instance) -> None:
    for given in (instance.module, instance.store, None):
        with pytest.raises(TypeError, match=r"instance must be a pywasm3.Instance, not"):
            Struct(given, 0)  # type: ignore[arg-type]


# ---- arrays ----

ELEMENTS: list[tuple[str, Any, list[Any]]] = [
    ("i8", 1, [0, 1, 127, 128, 255]),
    ("i16", 2, [0, 1, 32767, 32768, 65535]),
    ("i32", 4, [0, -1, 2**31 - 1, -(2**31)]),
    ("i64", 8, [0, -1, 2**63 - 1, -(2**63)]),
    ("f32", 4, [0.0, -0.5, math.inf, 2.0**100]),
    ("f64", 8, [0.0, -0.1, -math.inf, 1e300]),
    ("v128", 16, [bytes(16), bytes(range(16)), b"\xff" * 16]),
]
FORMATS = {"i8": "B", "i16": "H", "i32": "i", "i64": "q", "f32": "f", "f64": "d"}


def module_of(type: str) -> pywasm3.Instance:
    return load(
        f"""(module (type $a (array (mut {type}))) (type $s (struct (field (mut {type}))))
        (func (export "copy") (param (ref $a)) (result (ref $a)) (local $new (ref null $a))
          (local.set $new (array.new_default $a (array.len (local.get 0))))
          (array.copy $a $a (local.get $new) (i32.const 0) (local.get 0) (i32.const 0)
            (array.len (local.get 0)))
          (ref.as_non_null (local.get $new))))"""
    )


@pytest.mark.parametrize(("type", "size", "values"), ELEMENTS)
def test_an_array_is_the_list_it_was_made_of(type: str, size: int, values: list[Any]) -> None:
    guest = module_of(type)
    made = guest.exports.copy(Array(guest, "a", values))
    assert list(made) == made[:] == [made[i] for i in range(len(made))] == values
    assert made[1:3] == values[1:3]
    assert made[::-2] == values[::-2]
    assert len(made.read()) == len(values) * size
    assert made.read(1, 2) == made.read()[size : 3 * size]


@pytest.mark.parametrize(("type", "size", "values"), ELEMENTS)
def test_bytes_go_in_as_they_come_out(type: str, size: int, values: list[Any]) -> None:
    guest = module_of(type)
    data = Array(guest, "a", values).read()
    other = Array(guest, "a", length=len(values) + 1)
    other.write(1, data)
    assert other[1:] == values
    assert other.read(0, 1) == bytes(size)


@pytest.mark.parametrize(("type", "size", "values"), ELEMENTS)
def test_a_field_holds_each_value_of_its_type(type: str, size: int, values: list[Any]) -> None:
    guest = module_of(type)
    box = Struct(guest, "s")
    for value in values:
        box[0] = value
        assert box[0] == value


@pytest.mark.parametrize(("type", "format"), FORMATS.items())
def test_an_array_of_python_is_copied_as_a_whole(type: str, format: str) -> None:
    guest = module_of(type)
    given = array(format, range(5))
    made = Array(guest, "a", given)
    assert made.read() == given.tobytes()
    made[1:4] = given[2:]
    assert list(made) == [0, 2, 3, 4, 4]


@pytest.mark.parametrize("type", FORMATS)
def test_items_of_another_type_are_converted(type: str) -> None:
    """The bytes of an array of ints are not the floats with these values, and so on."""
    guest = module_of(type)
    for given in (bytes(range(5)), array("i", range(5)), array("H", range(5)), range(5)):
        assert list(Array(guest, "a", given)) == [0, 1, 2, 3, 4]


def test_packed_elements_are_unsigned_and_take_both_ranges(instance: pywasm3.Instance) -> None:
    made = Array(instance, "bytes", [0, 0, -56])
    assert made[2] == 200
    assert instance.exports.third(made) == -56
    for value in (256, -129, 1 << 80):
        with pytest.raises(OverflowError, match="does not fit 8 bits"):
            made[0] = value
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        made[0] = 1.0


def test_an_array_keeps_its_length(instance: pywasm3.Instance) -> None:
    made = instance.exports.bytes(4)
    for values in (b"abc", [1, 2, 3], ()):
        with pytest.raises(ValueError, match="an array keeps its length"):
            made[:] = values
    with pytest.raises(AttributeError):
        del made[0]
    made[::2] = b"ab"
    assert made.read() == b"a\0b\0"


def test_the_length_counts_elements_without_a_value(instance: pywasm3.Instance) -> None:
    assert Array(instance, "bytes", b"ab", length=4).read() == b"ab\0\0"
    for length in (1, -1, 1 << 32):
        with pytest.raises(ValueError, match="the length of an array must be at least"):
            Array(instance, "bytes", b"ab", length=length)


def test_elements_that_exclude_null_need_values(instance: pywasm3.Instance) -> None:
    point = Struct(instance, "Point")
    assert list(Array(instance, "points", [point, point])) == [point, point]
    with pytest.raises(TypeError, match=r"elements of the type \(ref 0\) have no default value"):
        Array(instance, "points", [point], length=2)
    with pytest.raises(TypeError, match=r"element 1 .*None stands for null"):
        Array(instance, "points", [point, None])


def test_references_have_no_bytes(instance: pywasm3.Instance) -> None:
    points = Array(instance, "points", [Struct(instance, "Point")])
    with pytest.raises(TypeError, match="the elements are references, which have no bytes"):
        points.read()
    with pytest.raises(TypeError, match="the elements are references, which have no bytes"):
        points.write(0, bytes(8))


def test_immutable_elements_can_only_be_made(instance: pywasm3.Instance) -> None:
    frozen = Array(instance, "frozen", array("i", [1, 2]))
    for change in (
        lambda: frozen.__setitem__(0, 1),
        lambda: frozen.__setitem__(slice(0, 1), [1]),
        lambda: frozen.__setitem__(slice(0, 1), array("i", [1])),
        lambda: frozen.write(0, bytes(4)),
    ):
        with pytest.raises(TypeError, match="the elements of the array are immutable"):
            change()
    assert list(frozen) == [1, 2]


@pytest.mark.parametrize(("start", "count"), [(0, 5), (5, 0), (-1, 1), (0, -1), (1, 4), (5, None)])
def test_bytes_beyond_the_end_are_refused(
    instance: pywasm3.Instance, start: int, count: int | None
) -> None:
    made = instance.exports.bytes(4)
    with pytest.raises(IndexError, match=r"out of range: .* but the length is 4"):
        made.read(start, count)
    if count is not None and count >= 0:
        with pytest.raises(IndexError, match=r"out of range: .* but the length is 4"):
            made.write(start, bytes(count))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (bytes(3), ValueError),
        (array("d", [1]), TypeError),
        (memoryview(bytes(16)).cast("B")[::2], TypeError),
        ("text", TypeError),
        ([1], TypeError),
    ],
)
def test_what_is_written_are_whole_elements(data: Any, error: type[Exception]) -> None:
    guest = module_of("i32")
    with pytest.raises(error):
        Array(guest, "a", length=9).write(0, data)


def test_an_array_of_numpy_goes_in_and_out() -> None:
    numpy = pytest.importorskip("numpy")
    guest = module_of("f32")
    given = numpy.arange(1000, dtype="float32")
    made = Array(guest, "a", given)
    assert (numpy.frombuffer(made.read(), "<f4") == given).all()
    objects = numpy.array([object()] * 4, dtype=object)
    with pytest.raises(TypeError, match="the bytes must be contiguous"):
        Array(module_of("i64"), "a", length=4).write(0, objects)


# ---- names ----


def name_section(*subsections: tuple[int, bytes]) -> bytes:
    contents = b"".join([bytes([number, len(data)]) + data for number, data in subsections])
    return section(0, b"\x04name" + contents)


PLAIN = wat(
    '(module (type (struct (field i32))) (func (export "s") (result (ref 0)) '
    "(struct.new 0 (i32.const 7))))"
)


@pytest.mark.parametrize(
    "names",
    [
        b"",
        name_section((10, b"")),
        name_section((10, b"\x01")),
        name_section((10, b"\xff\xff\xff\xff\x0f\x00")),
        name_section((10, b"\x01\x00\x01\x00\x05ab")),
        name_section((10, b"\x01\x00\x01\x09\x01a")),
        name_section((10, b"\x01\x63\x01\x00\x01a")),
        section(0, b"\x04name\x0a\x7f\x01"),
        section(0, b"\x05names\x0a\x06\x01\x00\x01\x00\x01a"),
    ],
)
def test_a_broken_name_section_has_no_names_of_fields(names: bytes) -> None:
    guest = pywasm3.Instance(pywasm3.Module(PLAIN + names))
    made = guest.exports.s()
    assert made.names == (None,)
    assert made[0] == 7
    with pytest.raises(KeyError):
        made["a"]


def test_fields_have_no_names_when_no_instance_knows_them() -> None:
    """A structure does not keep the instance that made it, and its type is known without names."""
    made = load(POINTS).exports.pixel()
    gc.collect()
    let_pypy_free()
    assert (made.names, made[2]) == ((None, None, None), 255)
    assert str(made.type).endswith("(struct (field (mut f64)) (field (mut f64)) (field i8)))")


def test_names_that_are_not_text_are_shown_as_such() -> None:
    names = name_section((10, b"\x01\x00\x01\x00\x02a\xff"))
    guest = pywasm3.Instance(pywasm3.Module(PLAIN + names))
    made = guest.exports.s()
    assert made.names == ("a\N{REPLACEMENT CHARACTER}",)


# ---- lifetime ----


def test_objects_can_be_referred_to_weakly(instance: pywasm3.Instance) -> None:
    point = instance.exports.point(1, 2)
    weak = weakref.ref(point)
    assert weak() is point
    del point
    gc.collect()
    assert weak() is None


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, pickle.dumps])
def test_objects_cannot_be_copied(instance: pywasm3.Instance, copier: Any) -> None:
    for made in (instance.exports.pixel(), instance.exports.bytes(1)):
        with pytest.raises(TypeError, match="which live in a store"):
            copier(made)


def test_a_closed_store_has_no_objects(instance: pywasm3.Instance) -> None:
    pixel, made = instance.exports.pixel(), instance.exports.bytes(3)
    instance.store.close()
    uses: list[Any] = [
        lambda: pixel[0],
        lambda: pixel["x"],
        lambda: pixel.__setitem__(0, 1),
        lambda: list(pixel),
        lambda: len(pixel),
        lambda: pixel.names,
        lambda: pixel.type,
        lambda: made[0],
        lambda: made[:],
        lambda: made.read(),
        lambda: made.write(0, b"a"),
        lambda: Struct(instance, "Point"),
    ]
    for use in uses:
        with pytest.raises(pywasm3.WasmError, match="closed"):
            use()
    assert repr(pixel) == "<pywasm3.Struct: closed>"


def test_a_limit_of_the_heap_holds_for_what_python_makes() -> None:
    store = pywasm3.Store(limits=pywasm3.Limits(heap=1 << 20))
    instance = pywasm3.Instance(pywasm3.Module(wat(POINTS)), store=store)
    with pytest.raises(MemoryError, match="no memory for an array of this length"):
        Array(instance, "bytes", length=2 << 20)
    for _ in range(10):
        assert len(Array(instance, "bytes", length=500_000)) == 500_000


def test_a_global_takes_and_gives_objects(instance: pywasm3.Instance) -> None:
    pixel = instance.exports.pixel()
    held = pywasm3.Global("structref", pixel, True)
    assert held.store is instance.store
    assert held.value == pixel
    held.value = None
    assert held.value is None
    assert ValType.STRUCTREF is held.type.type


def test_the_layout_is_little_endian() -> None:
    assert Array(module_of("i32"), "a", [1, -2]).read() == struct.pack("<2i", 1, -2)
