# SPDX-License-Identifier: MIT
"""The interpreter of pywasm3.guests.bindgen gives what ECMA-262 says for the JavaScript of glue."""

from __future__ import annotations

from typing import Any

import pytest

from bindgen_helpers import run
from pywasm3.guests import bindgen

EXPRESSIONS: list[tuple[str, Any]] = [
    # numbers and operators
    ("1 + 2 * 3 ** 2 ** 0", 7),
    ("7 % -3", 1),
    ("-7 >>> 28", 15),
    ("1 << 31", -(2**31)),
    ("~5 & 0xff | 0b1000 ^ 0o7", 255),
    ("5 / 2", 2.5),
    ("1 / 0 > 1e308", True),
    ("0 / 0 === 0 / 0", False),
    ("String(1e21) + 0.000001 + 1e-7 + 123456789012 + -0", "1e+210.0000011e-71234567890120"),
    ("`${1.0} ${0.1 + 0.2} ${1e300}`", "1 0.30000000000000004 1e+300"),
    ("9007199254740993n + 1n", 9007199254740994),
    ("typeof 1n + typeof 1 + typeof '' + typeof undefined", "bigintnumberstringundefined"),
    ("[typeof null, typeof {}, typeof (() => 1), typeof nothing]",
     ["object", "object", "function", "undefined"]),
    ("BigInt.asUintN(64, -1n)", 2**64 - 1),
    ("String(123456789012345680000)", "123456789012345680000"),
    ("BigInt.asIntN(8, 255n)", -1),
    # equality
    ("1 == '1' && null == undefined && 1 !== true && 1n == 1", True),
    ("null == 0 || '' === 0 || undefined === null", False),
    ("'b' > 'a' && 2 > '10' === false", True),
    # texts, in units of UTF-16
    ("'🙂ü'.length", 3),
    ("'🙂'.charCodeAt(1)", 0xDE42),
    ("'a🙂b'.slice(1, 3) + 'abc'.slice(-1)", "🙂c"),
    ("'🙂'.codePointAt(0)", 0x1F642),
    ("[...'a🙂'].length", 2),
    ("String.fromCodePoint(0x1F642, 65)", "🙂A"),
    (r"'\x41\u0042\u{43}\n'", "ABC\n"),
    ("'a,b,c'.split(',').join('-')", "a-b-c"),
    # short circuits
    ("null ?? 0 ?? 1", 0),
    ("(undefined)?.a.b.c", None),
    ("({a: {b: 2}})?.a?.b", 2),
    ("0 || '' || null || 'x'", "x"),
    # objects, arrays, patterns
    ("(({a, b: {c = 5}}) => a + c)({a: 1, b: {}})", 6),
    ("(([a, , b = 3, ...rest]) => [a, b, rest])([1, 2, undefined, 4, 5])", [1, 3, [4, 5]]),
    ("((a, b = a, ...c) => [a, b, c])(1, undefined, 2, 3)", [1, 1, [2, 3]]),
    ("({...{a: 1, b: 2}, b: 3, ['c' + 1]: 4})", {"a": 1, "b": 3, "c1": 4}),
    ("Object.keys({b: 1, 2: 1, a: 1, 1: 1})", ["1", "2", "b", "a"]),
    ("Object.entries({a: 1})", [["a", 1]]),
    ("[1, 2, 3].map((x, i) => x * i).filter((x) => x)", [2, 6]),
    ("new Array(3).fill(7).length + [,1].length", 5),
    ("Array.from({length: 2}, (_, i) => i)", [0, 1]),
    ("'a' in {a: 1} && !('b' in {a: 1})", True),
    ("delete {a: 1}.a", True),
    # bytes
    ("new Uint8Array([1, 257, -1])", b"\x01\x01\xff"),
    ("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", b"\x02\x03"),
    ("new Uint16Array(new Uint8Array([1, 2, 3, 4]).buffer, 2, 1)[0]", 0x0403),
    ("new Float32Array([1.5])[0] + new BigUint64Array(1).length", 2.5),
    ("new TextDecoder().decode(new TextEncoder().encode('ü🙂'))", "ü🙂"),
    ("new TextEncoder().encode('\\ud83d')", "\ufffd".encode()),
    ("Array.isArray([]) && !Array.isArray(new Uint8Array(1))", True),
    ("ArrayBuffer.isView(new Int8Array(1)) && !ArrayBuffer.isView([])", True),
    # maps and sets
    ("new Map([['a', 1]]).set('b', 2)", {"a": 1, "b": 2}),
    ("new Set([1, '1', 1]).size", 2),
    ("[...new Map([[1, 2]]).entries()][0]", [1, 2]),
    # JSON
    ("JSON.stringify({a: [1, null, undefined, 'ü'], b: undefined, c: 1.0, d: () => 1})",
     '{"a":[1,null,null,"ü"],"c":1}'),
    ("JSON.parse('{\"a\": [1.5, true]}')", {"a": [1.5, True]}),
    ("Number.isSafeInteger(2 ** 53) || Number.isInteger('1')", False),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_an_expression_has_the_value_of_javascript(expression: str, expected: Any) -> None:
    result = run(f"return {expression};")
    assert result == expected
    assert type(result) is type(expected) or isinstance(expected, (int, float))


PROGRAMS: list[tuple[str, Any]] = [
    ("let s = 0; for (let i = 0; i < 5; i++) { if (i === 1) continue; if (i === 4) break; s += i; }"
     "return s;", 5),
    ("const found = []; for (const k of new Set([1, 2])) found.push(k);"
     "for (const k in {a: 1}) found.push(k); return found;", [1, 2, "a"]),
    ("let i = 3; while (i) i--; return i;", 0),
    ("try { null.x } catch (e) { return e instanceof TypeError && e.message }",
     "Cannot read properties of null (reading 'x')"),
    ("try { throw 'text' } catch (e) { return e } finally { }", "text"),
    ("const l = []; try { try { l.push(1); throw 2 } finally { l.push(3) } } catch { l.push(4) }"
     "return l;", [1, 3, 4]),
    ("return (() => { try { return 1 } finally { return 2 } })();", 2),
    ("return early(); function early() { return arguments.length }", 0),
    ("const x = 1; { const x = 2; } return x;", 1),
    ("var x = 1; { var x = 2; } return x;", 2),
    ("class A { #p = 1; static make() { return new A(5) } constructor(v) { this.v = v }"
     " get sum() { return this.v + this.#p } set sum(v) { this.v = v }"
     " twice() { return this.v * 2 } }"
     "const a = A.make(); a.sum = 7; return [a.sum, a.twice(), a instanceof A];", [8, 14, True]),
    ("class A { constructor(v) { this.v = v } m() { return this.v } }"
     "class B extends A { constructor() { super(3) } n() { return this.m() + 1 } }"
     "class C extends B {} return new C().n();", 4),
    ("class A {} A.prototype.extra = function () { return 9 }; return new A().extra();", 9),
    ("const a = Object.create((class X { m() { return 4 } }).prototype); return a.m();", 4),
    ("const f = function () { return this.v }; return [f.call({v: 1}), f.apply({v: 2}, []),"
     "f.bind({v: 3})()];", [1, 2, 3]),
    ("switch (2) { case 1: return 'a'; case 2: case 3: return 'b'; default: return 'c' }", "b"),
    ("const o = {}; Object.defineProperty(o, 'k', {get: () => 6}); return o.k;", 6),
    ("let [a, b] = [1, 2]; [a, b] = [b, a]; let c; ({c} = {c: 3}); return [a, b, c];", [2, 1, 3]),
    ("let x = null; x ??= 5; x &&= x + 1; x ||= 9; return x;", 6),
    ("const it = [7][Symbol.iterator](); return [it.next().value, it.next().done];", [7, True]),
    ("const d = new DataView(new ArrayBuffer(8)); d.setInt32(0, -2, true); d.setFloat32(4, 0.5);"
     "return [d.getUint32(0, true), d.getFloat32(4)];", [2**32 - 2, 0.5]),
]  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), PROGRAMS)
def test_a_program_does_what_it_does_in_javascript(program: str, expected: Any) -> None:
    assert run(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("return new Promise((resolve) => resolve(Promise.resolve(3))).then((v) => v + 1);", 4),
        ("return (async () => { const v = await Promise.resolve(2); return v * 2; })();", 4),
        ("return Promise.reject(1).catch((v) => v + 1).finally(() => 9);", 2),
        ("return new Promise((r) => queueMicrotask(() => r('later')));", "later"),
        ("return Promise.resolve({then(f) { f(8) }});", 8),
    ],
)
def test_a_promise_is_waited_for(program: str, expected: Any) -> None:
    assert run(program) == expected


def test_a_rejected_promise_raises() -> None:
    with pytest.raises(bindgen.JsError, match="RangeError: no") as caught:
        run("return Promise.reject(new RangeError('no'));")
    assert (caught.value.name, caught.value.message) == ("RangeError", "no")


def test_a_promise_that_nothing_settles_raises() -> None:
    with pytest.raises(bindgen.JsError, match="the promise has no value"):
        run("return new Promise(() => {});")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("return /x/.test('x');", "regular expressions are not known"),
        ("return function* () {};", "generators are not known"),
        ("outer: for (;;) { break outer; }", "labels are not known"),
        ("return tag`x`;", "templates behind functions are not known"),
        ("return new Date();", "objects of the class Date are not known"),
        ("return a b;", "expected ';', but there is 'b'"),
    ],
)
def test_what_is_not_known_is_named(program: str, message: str) -> None:
    with pytest.raises(bindgen.GlueError, match=message):
        run(program)


def test_an_error_of_the_glue_names_the_line() -> None:
    with pytest.raises(bindgen.GlueError) as caught:
        run("\n\n return function* () {};")
    assert caught.value.line > 3


def test_the_clock_and_the_random_bytes_are_those_that_are_given() -> None:
    program = """
        const bytes = new Uint8Array(4);
        crypto.getRandomValues(bytes);
        return [Date.now(), bytes];"""
    result = run(program, clock=5_000_000_000, random=lambda size: b"\x07" * size)
    assert result == [5000, b"\x07\x07\x07\x07"]


def test_what_is_written_to_the_console_arrives() -> None:
    lines: list[tuple[str, str]] = []
    run("console.log('a', 1); console.error(null);", console=lambda *line: lines.append(line))
    assert lines == [("log", "a 1"), ("error", "null")]
