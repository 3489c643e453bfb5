# SPDX-License-Identifier: MIT
"""Modules of wasm-bindgen: values on their way in and out, exports, errors, and closures."""

from __future__ import annotations

from array import array
from typing import Any

import numpy
import pytest

import pywasm3
from bindgen_helpers import GLUE, GUEST, guest, run
from helpers import wat
from pywasm3.guests import bindgen

IDENTITY = "export function same(value) { return value; }"
KIND = """
export function kind(value) {
    return typeof value + ':' + (value === null ? 'null' : value?.constructor?.name ?? '');
}"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (-5, -5),
        (2**70, 2**70),
        (1.5, 1.5),
        ("ü🙂", "ü🙂"),
        (b"\x00\xff", b"\x00\xff"),
        (memoryview(b"ab"), b"ab"),
        (array("d", [0.5]), array("d", [0.5])),
        (array("H", [7]), array("H", [7])),
        (memoryview(bytes(8)).cast("l"), array("q", [0])),
        (numpy.arange(6.0)[::2], array("d", [0, 2, 4])),
        (numpy.arange(4.0).reshape(2, 2).T, array("d", [0, 2, 1, 3])),
        (memoryview(b"abcd")[::2], b"ac"),
        ([1, [None, "x"]], [1, [None, "x"]]),
        ((1, 2), [1, 2]),
        ({"a": {"b": [1.5]}}, {"a": {"b": [1.5]}}),
        ({7}, [7]),
    ],
)
def test_a_value_comes_back(value: Any, expected: Any) -> None:
    result = guest(IDENTITY).exports.same(value)
    assert result == expected
    assert type(result) is type(expected)


def test_whole_numbers_are_int() -> None:
    result = run("return [1.0, 2.5, -0, 2 ** 60];")
    assert [type(v) for v in result] == [int, float, int, float]


def test_an_object_of_python_can_only_be_held() -> None:
    held = object()
    package = guest(IDENTITY + "export function peek(v) { return [v.__class__, typeof v]; }")
    assert package.exports.same(held) is held
    assert package.exports.peek(held) == [None, "object"]


def test_a_function_of_python_is_called() -> None:
    package = guest("export function twice(f) { return f(f({n: 1})); }")
    assert package.exports.twice(lambda value: {"n": value["n"] + 1}) == {"n": 3}


def test_a_function_of_javascript_is_called() -> None:
    add = run("return (a, b) => a + b;")
    assert add(1, 2) == 3
    assert add("a", "b") == "ab"


def test_an_exception_of_python_passes_through_javascript() -> None:
    raised = KeyError("key")

    def host() -> None:
        raise raised

    package = guest("export function run(f) { try { return f(); } finally { wasm.store(1); } }")
    with pytest.raises(KeyError) as caught:
        package.exports.run(host)
    assert caught.value is raised
    assert package.instance.exports.stored.value == 1


def test_javascript_catches_an_exception_of_python() -> None:
    package = guest("export function run(f) { try { f(); } catch (e) { return e; } }")
    raised = ValueError("message")

    def host() -> None:
        raise raised

    assert package.exports.run(host) is raised


def test_an_error_of_the_guest_is_an_error_of_javascript() -> None:
    with pytest.raises(bindgen.JsError, match=r"^text ü") as caught:
        guest().exports.f("fail", 0, 7)
    assert (caught.value.name, caught.value.message) == ("Error", "text ü")


def test_what_is_thrown_and_no_error_has_a_value() -> None:
    with pytest.raises(bindgen.Thrown, match="code 5") as caught:
        run("throw {message: 'code 5', code: 5};")
    assert caught.value.value == {"message": "code 5", "code": 5}


def test_numbers_become_those_of_wasm() -> None:
    call = guest().exports.f
    assert call("i64", 2**63 - 1) == -(2**63)
    assert call("two") == [-1, 0.5]
    assert call("clone", "9") == 12  # a text of digits is a number, as in JavaScript


def test_a_text_goes_to_the_memory() -> None:
    package = guest()
    index = package.exports.put("text ü🙂")
    package.exports.f("text_of", index, 0)
    assert package.instance.memory.read_str(1024, 11) == "text ü🙂"


def test_a_buffer_that_the_guest_writes_is_written() -> None:
    package = guest("export function fill(target) { target.fill(7, 1); }")
    data, numbers = bytearray(3), array("i", [1, 2])
    package.exports.fill(data)
    package.exports.fill(numbers)
    package.exports.fill(b"ab")
    assert (data, numbers) == (b"\x00\x07\x07", array("i", [1, 7]))


def test_a_class_makes_objects_with_attributes() -> None:
    package = guest("""
        export class Point {
            constructor(x) { this.x = x; }
            static origin() { return new Point(0); }
            get double() { return this.x * 2; }
            move(by) { this.x += by; return this; }
            free() { this.x = undefined; }
        }""")
    point = package.exports.Point(4)
    assert point.move(3).double == 14
    point.x = 1
    assert (point.x, package.exports.Point.origin().x) == (1, 0)
    with point as same:
        assert same is point
    assert point.x is None
    with pytest.raises(AttributeError, match="no property 'missing'"):
        point.missing  # noqa: B018
    assert repr(point) == "<JsObject Point>"


def test_the_exports_are_a_mapping() -> None:
    exports = guest(IDENTITY).exports
    assert "same" in exports and "__wbg_set_wasm" not in exports
    assert {"f", "put", "same"} <= set(exports)
    with pytest.raises(KeyError):
        exports["missing"]
    with pytest.raises(AttributeError, match="the guest exports nothing named 'missing'"):
        exports.missing  # noqa: B018


def test_a_closure_of_the_guest_is_called() -> None:
    package = guest()
    closure = package.exports.at(package.exports.f("closure", 5, 6))
    assert closure(42) == 42


def test_globals_are_seen_by_the_glue() -> None:
    package = guest(
        "export function ask() { return [fetch('x'), typeof window]; }",
        globals={"fetch": lambda name: f"<{name}>"},
    )
    assert package.exports.ask() == ["<x>", "undefined"]


def test_a_memory_that_grows_has_a_new_buffer() -> None:
    program = """
        const before = wasm.memory.buffer, bytes = new Uint8Array(before, 0, 4);
        host();
        const after = wasm.memory.buffer;
        return [before.byteLength, bytes.length, before === after, after.byteLength,
            wasm.memory.buffer === after];"""
    text = GUEST.replace('(memory (export "memory") 1)', '(memory (export "memory") 1)'
                         '(func (export "grow") (drop (memory.grow (i32.const 1))))')  # fmt: skip
    glue = GLUE + f"export function main(host) {{ host = () => wasm.grow(); {program} }}"
    package = bindgen.load(wat(text), glue=glue)
    assert package.exports.main() == [0, 0, False, 131072, True]


def test_missing_imports_are_named() -> None:
    glue = GLUE.replace("export function fail(", "function fail(")
    with pytest.raises(pywasm3.LinkError, match="fail"):
        bindgen.load(wat(GUEST), glue=glue)


def test_javascript_that_is_no_glue_is_refused() -> None:
    with pytest.raises(bindgen.GlueError, match="not the JavaScript that wasm-bindgen generates"):
        bindgen.load(wat("(module)"), glue="const x = 1;")


def test_an_object_of_another_guest_is_refused() -> None:
    function = run("return () => 1;")
    with pytest.raises(ValueError, match="one guest cannot be given to another"):
        guest(IDENTITY).exports.same(function)


def test_a_closed_package_is_refused() -> None:
    with guest() as package:
        pass
    with pytest.raises(pywasm3.WasmError, match="closed"):
        package.exports.f("i64", 1)
