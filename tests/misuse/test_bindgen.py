# SPDX-License-Identifier: MIT
"""Hostile guests of wasm-bindgen get errors of JavaScript or of their limits, and nothing more."""

from __future__ import annotations

import time

import pytest

import pywasm3
from bindgen_helpers import guest, run
from pywasm3 import Limits
from pywasm3.guests import bindgen


@pytest.mark.parametrize("index", [0, 500, 2**31 - 1, -1])
def test_an_index_that_no_object_has_is_undefined(index: int) -> None:
    package = guest()
    assert package.exports.at(package.exports.f("clone", index)) is None
    with pytest.raises(bindgen.JsError, match="is not a function"):
        package.exports.f("call", index, 0)


def test_an_object_that_is_dropped_twice_only_confuses_its_guest() -> None:
    package = guest()
    index = package.exports.put("text")
    for _ in range(3):
        package.exports.f("drop", index)
    for _ in range(100):
        package.exports.put("other")
    package.exports.f("drop", -5)
    with pytest.raises(bindgen.JsError, match="Invalid array index"):
        package.exports.f("drop", 2**31 - 1)
    assert package.exports.f("i64", 1) == 2


def test_indices_far_behind_the_table_are_refused() -> None:
    with pytest.raises(bindgen.JsError, match="RangeError: Invalid array index"):
        run("heap[2 ** 31] = 1;")
    with pytest.raises(bindgen.JsError, match="RangeError"):
        run("heap.length = 2 ** 40;")


def test_a_text_that_is_not_utf_8_is_a_type_error() -> None:
    with pytest.raises(bindgen.JsError, match="TypeError: The encoded data was not valid"):
        guest().exports.f("take_text", 16, 2)


@pytest.mark.parametrize(("pointer", "length"), [(65530, 7), (0, -1), (-8, 8), (2**31, 2**31)])
def test_a_text_beyond_the_memory_is_a_range_error(pointer: int, length: int) -> None:
    with pytest.raises(bindgen.JsError, match="RangeError"):
        guest().exports.f("take_text", pointer, length)


def test_an_allocator_that_points_beyond_the_memory_is_a_range_error() -> None:
    package = guest()
    index = package.exports.put("a text of some length")
    with pytest.raises(bindgen.JsError, match="RangeError"):
        package.exports.f("text_of", index, 1)


def test_a_closure_that_is_dropped_traps_in_its_guest() -> None:
    package = guest()
    index = package.exports.f("closure", 5, 6)
    closure = package.exports.at(index)
    package.exports.forget(index)
    with pytest.raises(pywasm3.Trap, match="unreachable"):
        closure(1)


@pytest.mark.parametrize("name", ["clone_without_end", "texts_without_end"])
def test_the_table_of_objects_is_bounded(name: str) -> None:
    package = guest(host_bytes=1 << 22)
    with pytest.raises(bindgen.HostMemoryExceeded, match="host_bytes allows 4,194,304"):
        package.exports.f(name, 0)
    assert package.host_bytes <= 1 << 22
    assert package.exports.f("i64", 1) == 2


@pytest.mark.parametrize("size", [1e9, 2.0**40])
def test_an_array_of_bytes_that_is_too_large_is_refused(size: float) -> None:
    with pytest.raises(bindgen.HostMemoryExceeded):
        guest().exports.f("make", size)


@pytest.mark.parametrize(
    "program",
    [
        "let s = 'x'; while (true) s += s;",
        "const l = []; while (true) l.push(1);",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, i);",
        "const o = {}; for (let i = 0; ; i++) o[i] = i;",
        "const l = []; while (true) l.push({});",
        "const l = []; while (true) l.push(() => 1);",
        "let l = [1]; while (true) l = [...l, ...l];",
        "let e = new Error(''); for (let i = 0; ; i++) e['k' + i] = i;",
        "const f = () => 1; for (let i = 0; ; i++) f['k' + i] = i;",
        "return new Array(16000000).fill(1);",
        "return Object.keys(new Uint8Array(500000));",
    ],
)
def test_everything_that_grows_is_bounded(program: str) -> None:
    with pytest.raises(bindgen.HostMemoryExceeded):
        run(program, host_bytes=1 << 20)


@pytest.mark.parametrize("program", ["new Array(2 ** 32)", "new Array(-1)", "new Array(1 << 30)"])
def test_an_array_cannot_be_made_too_long(program: str) -> None:
    with pytest.raises(bindgen.JsError, match="RangeError"):
        run(f"return {program};")


def test_the_guest_does_not_reach_attributes_of_python() -> None:
    package = guest("export function get(o, k) { return [o[k], Reflect.get(o, k), k in o]; }")

    def host() -> None:
        """Is a function of Python with dangerous attributes."""

    for owner in (host, object(), "text", [], {}, b"", ValueError("x")):
        for key in ("__class__", "__globals__", "__init__", "invoke", "properties", "items"):
            if owner != "text":
                assert package.exports["get"](owner, key) == [None, None, False]


def test_source_text_of_the_guest_does_not_run() -> None:
    with pytest.raises(bindgen.GlueError, match="makes a function of source text"):
        guest().exports.f("evaluate", 0, 7)


def test_a_guest_that_calls_itself_through_javascript_ends() -> None:
    package = guest("export function start() { heap[1] = () => wasm.call(1, 1); wasm.call(1, 1); }")
    with pytest.raises((RecursionError, pywasm3.StackExhausted)):
        package.exports.start()
    assert package.exports.f("i64", 1) == 2


def test_a_deep_value_is_refused() -> None:
    deep = "let l = []; for (let i = 0; i < 5000; i++) l = [l];"
    for use in ("return l;", "return JSON.stringify(l);", "return String(l);"):
        with pytest.raises(RecursionError):
            run(deep + use)


def test_cyclic_values_come_out_cyclic_and_have_no_json() -> None:
    result = run("const o = {}; o.self = [o]; return o;")
    assert result["self"][0] is result
    with pytest.raises(bindgen.JsError, match="circular"):
        run("const o = {}; o.self = o; return JSON.stringify(o);")


def test_a_cyclic_argument_is_refused() -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    with pytest.raises(ValueError, match="contains itself"):
        guest().exports.put(cyclic)


def test_a_deadline_stops_a_guest_and_javascript_that_it_calls() -> None:
    package = guest("export function start() { heap[1] = forever; wasm.call(1, 1); }")
    for name in (["start"], ["f", "spin"]):
        begin = time.monotonic()
        with pytest.raises(pywasm3.DeadlineExceeded), package.instance.deadline(0.1):
            package.exports[name[0]](*name[1:])
        assert time.monotonic() - begin < 20


def test_javascript_does_not_catch_what_stops_a_guest() -> None:
    package = guest(
        "export function start() { try { wasm.spin(); } catch { return 'caught'; } }",
        limits=Limits(fuel=10_000),
    )
    with pytest.raises(pywasm3.OutOfFuel):
        package.exports.start()


def test_tasks_of_a_guest_are_bounded() -> None:
    assert guest().exports.again(1000) == 1000
    with pytest.raises(bindgen.JsError, match="tasks"):
        guest().exports.again(200_000)
    with pytest.raises(bindgen.JsError, match="too many tasks"):
        run("while (true) queueMicrotask(() => 1);")


def test_nested_source_is_refused() -> None:
    for source in ("(" * 9000 + ")" * 9000, "[" * 9000 + "]" * 9000, "!" * 9000 + "1", "{" * 9000):
        with pytest.raises(bindgen.GlueError):
            bindgen.load(b"\0asm\1\0\0\0", glue=source)


def test_a_method_does_not_reach_an_object_of_python() -> None:
    class Trap:
        """Records what is read of it."""

        def __getattribute__(self, name: str) -> object:
            if not name.startswith("__"):
                raise AssertionError(f"{name} was read")
            return object.__getattribute__(self, name)

        def __eq__(self, other: object) -> bool:
            raise AssertionError("it was compared")

        def __hash__(self) -> int:
            raise AssertionError("it was hashed")

    program = """
        const seen = [];
        const kinds = [[], new Uint8Array(1), new DataView(new ArrayBuffer(1)),
            new ArrayBuffer(1),
            'x', new Map(), Promise.resolve(1), () => 1, {}, new Error('x')];
        const names = ['push', 'pop', 'fill', 'slice', 'map', 'filter', 'forEach', 'indexOf',
            'join', 'concat', 'values', 'entries', 'set', 'subarray', 'getInt8', 'setInt8',
            'charCodeAt',
            'split', 'get', 'has', 'delete', 'clear', 'keys', 'then', 'finally', 'call', 'apply',
            'bind', 'toString', 'valueOf', 'hasOwnProperty'];
        for (const kind of kinds) for (const name of names) {
            try { seen.push(typeof kind[name].call(held, 1)); } catch (error) { }
        }
        const uses = [() => Object.keys(held), () => Object.entries(held), () => held == 1,
            () => held === null, () => `${held}`, () => held + 1, () => JSON.stringify([held]),
            () => ({...held}), () => Object.is(held, 1), () => Object(held),
            () => new Map([[held, 1]]),
            () => held instanceof Map, () => [...held], () => { throw held; }, () => held.x = 1,
            () => Object.assign({}, held), () => Object.getPrototypeOf(held), () => delete held.x,
            () => Array.from(held), () => new Uint8Array(held), () => Promise.resolve(held),
            () => [held].indexOf(1), () => new Set([held]).has(held), () => held ? 1 : 2];
        for (const use of uses) { try { use(); } catch (error) { } }
        return seen.length;"""
    package = guest(f"export function main(held) {{ {program} }}")
    assert package.exports.main(Trap()) > 0


@pytest.mark.parametrize(
    "program",
    [
        "let l = ['x']; for (let i = 0; i < 64; i++) l = [l, l];return String(l);",
        "let l = [1]; for (let i = 0; i < 64; i++) l = [l, l]; return JSON.stringify(l);",
        "let l = {}; for (let i = 0; i < 64; i++) l = {a: l, b: l}; return JSON.stringify(l);",
        "let s = 'xxxxxxxx'; for (let i = 0; i < 15; i++) s += s;"
        "return new Array(1000).fill(s).join('');",
    ],
)
def test_what_contains_a_part_many_times_does_not_become_long(program: str) -> None:
    with pytest.raises(bindgen.JsError, match="RangeError: Invalid string length"):
        run(program)


def test_errors_that_the_guest_keeps_are_charged() -> None:
    program = """
        const kept = [];
        while (true) { try { null.x; } catch (error) { kept.push(error); } }"""
    with pytest.raises(bindgen.HostMemoryExceeded):
        run(program, host_bytes=1 << 22)
