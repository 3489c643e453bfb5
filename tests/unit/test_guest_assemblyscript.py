# SPDX-License-Identifier: MIT
"""`pywasm3.guests.assemblyscript` reads and makes objects by their headers.

The guest is written by hand, with a runtime that can lie. The classes are numbered as the compiler
does it: 0 Object, 1 ArrayBuffer, 2 String; then 3 Array<i32>, 4 Float64Array, 5 StaticArray<u8>,
6 Array<String>, 7 a class of the guest's, 8 Array<v128>. tests/toolchains has programs of the
compiler's.
"""

from __future__ import annotations

import ctypes
import json
import math
import pickle
import shutil
import subprocess
from array import array
from typing import Any

import numpy
import pytest

import pywasm3
from helpers import load as load_text
from helpers import wat
from pywasm3.guests import assemblyscript
from pywasm3.guests.assemblyscript import (
    Abort,
    Array,
    Guest,
    ObjectError,
    Reference,
    StaticArray,
    TypedArray,
    host,
)
from pywasm3.guests.assemblyscript.imports import Environment, number_text
from pywasm3.guests.assemblyscript.mathematics import CONSTANTS, FUNCTIONS, OF_TWO
from pywasm3.wasi import CAPTURE, WasiConfig


def little(*numbers: int) -> str:
    return "".join(
        f"\\{byte:02x}" for n in numbers for byte in (n % (1 << 32)).to_bytes(4, "little")
    )


CLASSES = [32, 32, 32, 0x902, 0x1A01, 0x64, 0x4102, 0, 0x402]

GUEST = f"""
(module
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64)))
  (import "env" "console.log" (func $log (param i32)))
  (import "env" "console.time" (func $time (param i32)))
  (import "env" "crypto.getRandomValuesN" (func $chance (param i32) (result i32)))
  (import "env" "process.exit" (func $exit (param i32)))
  (import "env" "seed" (func $seed (result f64)))
  (import "env" "Math.PI" (global $pi f64))
  (import "env" "Math.pow" (func $pow (param f64 f64) (result f64)))
  (memory (export "memory") 1)
  (global (export "__rtti_base") i32 (i32.const 64))
  (data (i32.const 64) "{little(len(CLASSES), *CLASSES)}")
  (global $top (mut i32) (i32.const 1024))
  (global (export "lie") (mut i32) (i32.const 0))
  (global (export "pins") (mut i32) (i32.const 0))
  (func (export "__new") (param $size i32) (param $id i32) (result i32)
    (local $address i32)
    (if (i32.eq (global.get 3) (i32.const 1)) (then (return (i32.const 0))))
    (if (i32.eq (global.get 3) (i32.const 2)) (then (return (i32.const -8))))
    (local.set $address (i32.and (i32.add (global.get $top) (i32.const 35)) (i32.const -16)))
    (global.set $top (i32.add (local.get $address) (local.get $size)))
    (i32.store (i32.sub (local.get $address) (i32.const 8))
      (i32.add (local.get $id) (i32.eq (global.get 3) (i32.const 3))))
    (i32.store (i32.sub (local.get $address) (i32.const 4)) (local.get $size))
    (local.get $address))
  (func (export "__pin") (param i32) (result i32)
    (global.set 4 (i32.add (global.get 4) (i32.const 1))) (local.get 0))
  (func (export "__unpin") (param i32)
    (if (i32.eq (global.get 3) (i32.const 4)) (then unreachable))
    (global.set 4 (i32.sub (global.get 4) (i32.const 1))))
  (func (export "echo") (param i32) (result i32) (local.get 0))
  (func (export "floating") (param f64) (result f64) (local.get 0))
  (func (export "fail") (param i32) unreachable)
  (func (export "abort") (param i32 i32 i32 i32)
    (call $abort (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "trace") (param i32 i32)
    (call $trace (local.get 0) (local.get 1)
      (f64.const 1) (f64.const 2) (f64.const 3) (f64.const 4) (f64.const 5)))
  (func (export "log") (param i32) (call $log (local.get 0)))
  (func (export "time") (param i32) (call $time (local.get 0)))
  (func (export "chance") (param i32) (result i32) (call $chance (local.get 0)))
  (func (export "exit") (param i32) (call $exit (local.get 0)))
  (func (export "seed") (result f64) (call $seed))
  (func (export "pi") (result f64) (global.get $pi))
  (func (export "pow") (param f64 f64) (result f64) (call $pow (local.get 0) (local.get 1))))
"""


def load(text: str = GUEST, **options: Any) -> Guest:
    config = WasiConfig(stdout=CAPTURE, stderr=CAPTURE, max_capture_bytes=1000)
    return assemblyscript.load(wat(text), wasi=config, **options)


@pytest.fixture
def guest() -> Guest:
    return load()


def pins(guest: Guest) -> int:
    found: int = guest.instance.exports.pins.value
    return found


def place(guest: Guest, class_id: int, data: bytes, size: int | None = None) -> int:
    """Writes an object that the guest's runtime did not make, and returns its address."""
    address = 32768
    length = len(data) if size is None else size
    guest.memory.pack("<II", address - 8, class_id, length % (1 << 32))
    guest.memory.write(address, data)
    return address


# ---- in and out ----

VALUES: list[Any] = [
    ("", ""),
    ("grüße 🦀\0", "grüße 🦀\0"),
    ("\ud800", "\ud800"),
    (b"", b""),
    (bytearray(b"ab"), b"ab"),
    (None, None),
    (Array("i32", [1, -2]), [1, -2]),
    (Array("i32", array("i", [3])), [3]),
    (Array("i32", array("b", [4])), [4]),
    (array("d", [0.5, -1]), array("d", [0.5, -1])),
    pytest.param(memoryview(array("d", [2.5])), array("d", [2.5]), id="memoryview"),
    (TypedArray("f64", [1, 2]), array("d", [1, 2])),
    (StaticArray("u8", b"ab"), [97, 98]),
    (Array("object", ["a", None, "b"]), ["a", None, "b"]),
    (Array("object", [b"x", Array("i32", [1])]), [b"x", [1]]),
]


@pytest.mark.parametrize(("given", "expected"), VALUES, ids=repr)
def test_a_value_comes_back(guest: Guest, given: Any, expected: Any) -> None:
    echo = guest.wrap("echo", returns=object)
    found = echo(given)
    assert found == expected
    assert type(found) is type(expected)
    assert pins(guest) == 0


def test_numbers_are_passed_as_they_are(guest: Guest) -> None:
    assert guest.wrap("echo")(5) == 5
    assert guest.wrap("echo", returns=bool)(5) is True
    assert guest.wrap("floating")(0.5) == 0.5


def test_numbers_of_numpy_are_numbers_and_its_arrays_are_arrays(guest: Guest) -> None:
    assert guest.wrap("echo")(numpy.int32(5)) == 5
    echo = guest.wrap("echo", returns=array)
    assert echo(numpy.array([0.5, 2])) == array("d", [0.5, 2])
    assert echo(numpy.arange(4.0)[::2]) == array("d", [0, 2])
    with pytest.raises(TypeError, match="no typed array has items of the format"):
        echo(numpy.array([True]))


def test_items_of_ctypes_go_in(guest: Guest) -> None:
    assert guest.wrap("echo", returns=array)((ctypes.c_double * 2)(1, 2)) == array("d", [1, 2])


def test_an_object_for_a_float_is_refused(guest: Guest) -> None:
    with pytest.raises(TypeError):
        guest.wrap("floating")("text")


def test_items_of_sixteen_bytes_are_bytes(guest: Guest) -> None:
    start = 40000
    address = place(guest, 8, b"".join(n.to_bytes(4, "little") for n in (start, start, 32, 2)))
    guest.memory.write(start, bytes(range(32)))
    assert guest.read(address) == [bytes(range(16)), bytes(range(16, 32))]


def test_a_view_shows_the_part_of_its_buffer(guest: Guest) -> None:
    address = place(guest, 4, b"".join(n.to_bytes(4, "little") for n in (40000, 40008, 8)))
    guest.memory.write_f64(40008, 2.5)
    assert guest.read(address) == array("d", [2.5])


def test_values_that_do_not_fit_are_refused(guest: Guest) -> None:
    with pytest.raises(OverflowError):
        guest.new(Array("i32", [1 << 31]))
    with pytest.raises(TypeError):
        guest.new(Array("i32", ["text"]))
    with pytest.raises(TypeError, match="no counterpart"):
        guest.new(object())
    with pytest.raises(ValueError, match="not a type of items"):
        Array("i33", [])
    with pytest.raises(ValueError, match="not a type of items"):
        TypedArray("object", [])


def test_arguments_are_unpinned_when_the_call_fails(guest: Guest) -> None:
    with pytest.raises(pywasm3.Trap):
        guest.wrap("fail")("text")
    assert pins(guest) == 0


def test_the_error_of_the_call_is_not_replaced(guest: Guest) -> None:
    guest.instance.exports.lie.value = 4
    with pytest.raises(pywasm3.Trap) as caught:
        guest.wrap("fail")("text")
    assert caught.value.frames[0].name == "fail"
    with pytest.raises(pywasm3.Trap) as caught:
        guest.wrap("echo")("text")
    assert caught.value.frames[0].name == "__unpin"


def test_a_reference_keeps_an_object(guest: Guest) -> None:
    address = place(guest, 7, b"1234")
    reference = guest.wrap("echo", returns=object)(address)
    assert isinstance(reference, Reference)
    assert (reference.address, reference.class_id, pins(guest)) == (address, 7, 1)
    assert guest.wrap("echo")(reference) == address
    reference.release()
    reference.release()
    assert pins(guest) == 0


def test_an_object_of_another_class_is_not_kept(guest: Guest) -> None:
    with pytest.raises(ObjectError, match="as Reference, not as str"):
        guest.wrap("echo", returns=str)(place(guest, 7, b"1234"))
    assert pins(guest) == 0


def test_there_must_be_such_an_export(guest: Guest) -> None:
    for name in ("absent", "memory"):
        with pytest.raises(pywasm3.WasmError, match="does not export a function named"):
            guest.wrap(name)


# ---- what a hostile guest names ----


@pytest.mark.parametrize("lie", [1, 2, 3])
def test_a_runtime_that_lies_is_an_error(guest: Guest, lie: int) -> None:
    guest.instance.exports.lie.value = lie
    for value in ("text", b"data", Array("i32", [1])):
        with pytest.raises(ObjectError):
            guest.new(value)
    assert pins(guest) == 0


@pytest.mark.parametrize("address", [1, 19, 65545, -1, -4, 1 << 31, (1 << 32) - 1])
def test_an_address_where_no_object_can_be_is_an_error(guest: Guest, address: int) -> None:
    with pytest.raises(ObjectError):
        guest.read(address)
    with pytest.raises(ObjectError):
        guest.read_string(address)


@pytest.mark.parametrize("size", [32769, 1 << 30, (1 << 32) - 1, (1 << 31) + 4])
@pytest.mark.parametrize("class_id", [1, 2, 5])
def test_a_size_beyond_the_memory_is_an_error(guest: Guest, class_id: int, size: int) -> None:
    with pytest.raises(ObjectError):
        guest.read(place(guest, class_id, b"", size))


def test_a_class_that_does_not_exist_is_an_error(guest: Guest) -> None:
    with pytest.raises(ObjectError, match="no class 9"):
        guest.read(place(guest, 9, b""))


@pytest.mark.parametrize(
    "fields", [(0, 65000, 4000, 1000), (0, 0, 0, (1 << 32) - 1), (0, -4, 8, 2)]
)
def test_items_beyond_the_memory_are_an_error(guest: Guest, fields: tuple[int, ...]) -> None:
    data = b"".join((n % (1 << 32)).to_bytes(4, "little") for n in fields)
    with pytest.raises(ObjectError):
        guest.read(place(guest, 3, data))
    if fields[2]:
        with pytest.raises(ObjectError):
            guest.read(place(guest, 4, data))


def test_an_array_that_contains_itself_is_an_error(guest: Guest) -> None:
    address = place(guest, 6, b"".join(n.to_bytes(4, "little") for n in (0, 40000, 4, 1)))
    guest.memory.write_u32(40000, address)
    with pytest.raises(ObjectError, match="nested more than"):
        guest.read(address)


def test_an_array_that_contains_itself_often_is_read_in_bounded_memory(guest: Guest) -> None:
    """Each level has a thousand times the one above."""
    address = place(guest, 6, b"".join(n.to_bytes(4, "little") for n in (0, 40000, 4000, 1000)))
    guest.memory.write(40000, address.to_bytes(4, "little") * 1000)
    with pytest.raises(ObjectError, match="nested more than"):
        guest.read(address)


def test_what_is_read_for_one_object_is_bounded() -> None:
    guest = load(max_bytes=1000)
    assert len(guest.read(guest.new(b"x" * 900))) == 900
    with pytest.raises(ObjectError, match="more than the 1,000 bytes"):
        guest.read(guest.new(b"x" * 1001))
    with pytest.raises(ObjectError, match="more than the 1,000 bytes"):
        guest.read_string(guest.new("x" * 501))
    text = guest.new("x" * 100)
    address = place(guest, 6, b"".join(n.to_bytes(4, "little") for n in (0, 40000, 40, 10)))
    guest.memory.write(40000, text.to_bytes(4, "little") * 10)
    with pytest.raises(ObjectError, match="more than the 1,000 bytes"):
        guest.read(address)


@pytest.mark.parametrize(
    ("table", "message"), [(65533, "do not lie within"), (0, "classes"), (-1, "do not lie within")]
)
def test_a_table_of_classes_that_cannot_be_right_is_an_error(table: int, message: str) -> None:
    instance = load_text(f"""
    (module (memory (export "memory") 1) (data (i32.const 0) "\\ff\\ff\\ff\\7f")
      (global (export "__rtti_base") i32 (i32.const {table})))
    """)
    guest = Guest(instance)
    with pytest.raises(ObjectError, match=message):
        guest.read(place(guest, 3, b"1234567890123456"))


def test_a_module_without_a_runtime_says_how_to_compile() -> None:
    guest = Guest(load_text('(module (memory (export "memory") 1))'))
    for value in ("text", Array("i32", [])):
        with pytest.raises(pywasm3.WasmError, match="--exportRuntime"):
            guest.new(value)
    guest.collect()


# ---- imports ----


def test_an_error_has_its_message_and_its_place(guest: Guest) -> None:
    message, file = guest.new("bad"), guest.new("a.ts")
    with pytest.raises(Abort) as caught:
        guest.instance.exports.abort(message, file, 3, 7)
    error = caught.value
    assert (error.message, error.file, error.line, error.column) == ("bad", "a.ts", 3, 7)
    assert str(error) == "bad (a.ts:3:7)"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args) == (Abort, error.args)


def test_an_error_shows_the_beginning_of_its_message(guest: Guest) -> None:
    with pytest.raises(Abort) as caught:
        guest.instance.exports.abort(guest.new("a\n" + "x" * 5000), guest.new("b\n"), 1, 2)
    assert len(caught.value.message or "") == 5002
    assert str(caught.value).startswith("a\\u{a}xxx")
    assert str(caught.value).endswith("xxx... (b\\u{a}:1:2)")
    assert len(str(caught.value)) < 300


def test_an_error_without_a_message_or_with_a_wild_one_is_one_too(guest: Guest) -> None:
    with pytest.raises(Abort) as caught:
        guest.instance.exports.abort(0, 0, 0, 0)
    assert str(caught.value) == "abort"
    with pytest.raises(Abort, match="no object can be at address 5"):
        guest.instance.exports.abort(5, -1, -1, -1)


def test_an_error_of_the_start_function_is_raised_by_load() -> None:
    text = """
    (module (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 24) "\\02\\00\\00\\00\\04\\00\\00\\00h\\00i\\00")
      (func $start (call $abort (i32.const 32) (i32.const 0) (i32.const 1) (i32.const 2)))
      (start $start))
    """
    with pytest.raises(Abort) as caught:
        load(text)
    assert caught.value.message == "hi"


@pytest.mark.parametrize(("count", "numbers"), [(0, ""), (2, " 1 2"), (9, " 1 2 3 4 5"), (-1, "")])
def test_trace_writes_as_many_numbers_as_it_says(guest: Guest, count: int, numbers: str) -> None:
    guest.instance.exports.trace(guest.new("text"), count)
    assert guest.instance.wasi.stdout.decode() == f"text{numbers}\n"


def test_output_that_is_full_drops_what_follows(guest: Guest) -> None:
    log = guest.wrap("log")
    for _ in range(20):
        log("x" * 99)
    assert len(guest.instance.wasi.stdout) == 1000


def test_the_console_does_not_read_beyond_the_memory(guest: Guest) -> None:
    with pytest.raises(ObjectError):
        guest.instance.exports.log(65535)


def test_half_a_surrogate_pair_can_be_written(guest: Guest) -> None:
    guest.wrap("log")("a\ud800b")
    assert guest.instance.wasi.stdout == b"a?b\n"


def test_timers_are_bounded(guest: Guest) -> None:
    environment = Environment(guest)
    for number in range(1200):
        environment.time(guest.new(f"{number}"))
    environment.time(guest.new("x" * 2000))
    assert len(environment.timers) == 1000
    environment.time_end(guest.new("5"))
    environment.time_end(guest.new("1100"))
    assert len(environment.timers) == 999
    assert guest.instance.wasi.stdout.startswith(b"5: ")


def test_random_bytes_are_bounded_as_in_javascript(guest: Guest) -> None:
    with pytest.raises(ObjectError, match="65,536 bytes at most"):
        guest.instance.exports.chance(65537)
    with pytest.raises(ObjectError, match="65,536 bytes at most"):
        guest.instance.exports.chance(-1)


def test_the_guest_can_end_itself(guest: Guest) -> None:
    with pytest.raises(pywasm3.WasiExit) as caught:
        guest.instance.exports.exit(3)
    assert caught.value.code == 3


def test_seeds_are_whole_numbers_that_differ(guest: Guest) -> None:
    seeds = {guest.instance.exports.seed() for _ in range(10)}
    assert len(seeds) == 10
    assert all(seed == int(seed) for seed in seeds)


def test_the_user_comes_first() -> None:
    log: list[int] = []
    guest = load(imports={"env": {"console.log": log.append, "Math.PI": 3.0}})
    guest.instance.exports.log(5)
    assert (log, guest.instance.exports.pi()) == ([5], 3.0)
    guest = load(imports={("env", "console.log"): host(str)(log.append)})
    guest.wrap("log")("text")
    assert log == [5, "text"]


@pytest.mark.parametrize("name", ["abort", "console.log", "seed", "Math.pow", "Math.sin"])
def test_an_import_of_another_type_does_not_fit(name: str) -> None:
    with pytest.raises(pywasm3.LinkError, match="expected function"):
        load(f'(module (import "env" "{name}" (func (param i64 i64))))')


def test_an_unknown_import_is_missing() -> None:
    with pytest.raises(pywasm3.LinkError, match=r"env\.document"):
        load('(module (import "env" "document" (func)))')


@pytest.mark.parametrize("imports", [5, {"env": 5}])
def test_imports_of_other_types_are_refused(imports: Any) -> None:
    with pytest.raises(TypeError):
        load(imports=imports)


def test_what_host_returns_is_still_callable() -> None:
    assert host(str)(str.upper)("text") == "TEXT"


# ---- numbers as in JavaScript ----

EDGES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 3.0, -3.0, 27.0, 710.0, -710.0, 800.0]
EDGES += [math.inf, -math.inf, math.nan, 1e300, 5e-324, 4294967296.5, -2147483649.0, 1e-8, 1e22]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_written_as_in_javascript(number: float, text: str) -> None:
    """The rule is Number::toString of ECMAScript; only consoles show the sign of zero."""
    assert number_text(number) == text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_of_math_raises(name: str) -> None:
    for x in EDGES:
        for y in EDGES if name in OF_TWO else [0.0]:
            result = FUNCTIONS[name](x, y) if name in OF_TWO else FUNCTIONS[name](x)
            assert isinstance(result, float)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not there to compare with")
def test_math_is_what_it_is_in_javascript() -> None:
    two = [name.rpartition(".")[2] for name in OF_TWO]
    program = """
    const [names, two, edges] = JSON.parse(require("fs").readFileSync(0));
    const show = v => Object.is(v, -0) ? "-0" : String(v);
    const result = {};
    for (const name of names) {
      const f = Math[name], xs = edges.map(Number);
      result[name] = two.includes(name)
        ? xs.flatMap(x => xs.map(y => show(f(x, y)))) : xs.map(x => show(f(x)));
    }
    console.log(JSON.stringify(result));
    """
    names = [name.rpartition(".")[2] for name in FUNCTIONS]
    given = json.dumps([names, two, [number_text(edge) for edge in EDGES]])
    done = subprocess.run(
        ["node", "-e", program], input=given, capture_output=True, text=True, check=True
    )
    expected = json.loads(done.stdout)
    for name in names:
        function = FUNCTIONS[f"Math.{name}"]
        found = [
            function(x, y) if name in two else function(x)
            for x in EDGES
            for y in (EDGES if name in two else [0.0])
        ]
        for ours, theirs in zip(found, map(float, expected[name]), strict=True):
            if math.isnan(theirs):
                assert math.isnan(ours), name
            else:
                assert math.isclose(ours, theirs, rel_tol=1e-14), name
                assert math.copysign(1, ours) == math.copysign(1, theirs), name


def test_the_constants_of_math_are_those_of_javascript() -> None:
    """ECMAScript, "Value Properties of the Math Object"."""
    assert CONSTANTS == {
        "Math.E": 2.718281828459045,
        "Math.LN2": 0.6931471805599453,
        "Math.LN10": 2.302585092994046,
        "Math.LOG2E": 1.4426950408889634,
        "Math.LOG10E": 0.4342944819032518,
        "Math.PI": 3.141592653589793,
        "Math.SQRT1_2": 0.7071067811865476,
        "Math.SQRT2": 1.4142135623730951,
    }
