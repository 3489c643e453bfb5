# SPDX-License-Identifier: MIT
"""A pool of JavaScript engines serves requests, and no script harms the next one.

The program is examples/gallery/javascript, and the engine is QuickJS in a module that Emscripten
compiled. What scripts give is what JavaScript's standard says.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pywasm3
from gallery_helpers import GALLERY, file_of, outputs_of, run_example, run_first_lines
from helpers import import_file
from npm_helpers import Package

FOLDER = GALLERY / "javascript"
QUICKJS = Package(
    "@jitl/quickjs-wasmfile-release-sync",
    "0.32.0",
    "8459053841d6b053207b70287b5a6d762fd5608a3908b40956c5aa3178dcf9c8",
)
FILES = ("emscripten-module.wasm", "emscripten-module.mjs")
CHANGE = (FOLDER / "scripts" / "change.js").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `dist` of the package, with the files that the example reads."""
    folder = tmp_path_factory.mktemp("dist")
    for name in FILES:
        (folder / name).symlink_to(file_of(QUICKJS, f"package/dist/{name}"))
    return folder


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(FOLDER / "sandbox.py")


@pytest.fixture(scope="module")
def module(example: ModuleType, folder: Path) -> Any:
    return example.load_module(folder)


@pytest.fixture(scope="module")
def failures() -> list[BaseException]:
    """What the function `fail` of the host raises: the last one."""
    return []


@pytest.fixture(scope="module")
def engines(
    example: ModuleType, module: pywasm3.Module, failures: list[BaseException]
) -> Iterator[Any]:
    def double(number: Any) -> Any:
        if not isinstance(number, (int, float)):
            raise example.HostError("not a number")
        return number * 2

    def fail() -> None:
        raise failures[-1]

    functions = {"double": double, "echo": lambda *values: list(values), "fail": fail}
    pool = example.Pool(module, functions, prelude="const three = 3", size=2)
    yield pool
    pool.close()


def begins_as_always(engines: Any) -> bool:
    """Whether two requests, each in another engine, find what every request finds."""
    script = "[typeof left, [3, 1, 2].sort(), double(three), JSON.stringify(input), String([])]"
    expected = ["undefined", [1, 2, 3], 6, '{"a":1}', ""]
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: engines.run(script, {"a": 1}), range(2)))
    return results == [expected, expected]


def test_the_first_lines_of_the_page_work(example: ModuleType, folder: Path) -> None:
    prices = {"pen": 1.5, "ink": 8}
    found = run_first_lines(
        "javascript.md", folder, **vars(example), folder=folder, price=prices.get
    )
    found["engines"].close()
    assert found[""] == [1.5, 8]


def test_the_page_shows_what_the_example_prints(folder: Path) -> None:
    assert outputs_of("javascript.md") == [run_example(FOLDER / "demo.py", folder)]


@pytest.mark.parametrize(
    ("script", "data", "expected"),
    [
        ("input.a.concat(input.b)", {"a": ["ä"], "b": ["𝄞\0", None]}, ["ä", "𝄞\0", None]),
        ("Object.keys(input)", {"__proto__": 1, "b": 2}, ["__proto__", "b"]),
        ("const { a } = input; a + 1", {"a": 0.5}, 1.5),
        ("undefined", None, None),
        ("() => 1", None, None),
        ("'undefined'", None, "undefined"),
        ("[NaN, undefined, 'a\0b'.length]", None, [None, None, 3]),
        ("(async () => { await null; return 'late' })()", None, "late"),
        ("", None, None),
    ],
)
def test_values_are_those_of_json(engines: Any, script: str, data: Any, expected: Any) -> None:
    assert engines.run(script, data) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[1, 2, 3].map((x) => x * x)", [1, 4, 9]),
        ("'ä𝄞'.length", 3),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("'2024-05-06'.match(/(\\d+)-(\\d+)/).slice(1).map(Number)", [2024, 5]),
        ("[...(function* () { yield* [1, 2] })()]", [1, 2]),
        ("new Date(86400000).toISOString()", "1970-01-02T00:00:00.000Z"),
        ("new Date(0).getTimezoneOffset()", 0),
        ("String(2n ** 100n)", str(2**100)),
        ("[3, 1, 2].sort()", [1, 2, 3]),
        ("[1, 2].map(double)", [2, 4]),  # map gives a function three arguments
        ("Object.entries({a: 1})", [["a", 1]]),
    ],
)
def test_expressions_have_the_values_of_the_standard(
    engines: Any, expression: str, expected: object
) -> None:
    assert engines.run(expression) == expected


@pytest.mark.parametrize(
    ("script", "name", "message"),
    [
        ("null.x", "TypeError", "null"),
        ("1 +", "SyntaxError", ""),
        ("throw 42", "thrown", "42"),
        ("throw { toJSON() { throw 1 }, toString() { throw 2 } }", "InternalError", "no text"),
        ("throw null", "thrown", "null"),
        ("throw 'x'.repeat(1 << 20)", "InternalError", "longer than 1,048,576 bytes"),
        ("'x'.repeat(2 << 20)", "InternalError", "longer than 1,048,576 bytes"),
        ("10n", "TypeError", "BigInt"),
        ("({ toJSON() { throw RangeError('r') } })", "RangeError", "r"),
        ("Promise.reject(RangeError('r'))", "RangeError", "r"),
        ("new Promise(() => 1)", "thrown", "nothing is left"),
        ("(function f() { return f() + 1 })()", "InternalError", "stack overflow"),
        ("const all = []; for (;;) all.push(new Uint8Array(1 << 20))", "InternalError", "memory"),
        ("double('2')", "Error", "not a number"),
        ("double()", "Error", "missing a required argument"),
        ("import('fs')", "ReferenceError", "fs"),
    ],
)
def test_what_a_script_throws_is_an_error_of_its_request(
    engines: Any, example: ModuleType, script: str, name: str, message: str
) -> None:
    with pytest.raises(example.ScriptError) as caught:
        engines.run(script)
    assert (caught.value.name, message in caught.value.message) == (name, True), caught.value
    assert begins_as_always(engines)


def test_an_error_says_in_which_line_it_was_thrown(engines: Any, example: ModuleType) -> None:
    with pytest.raises(example.ScriptError) as caught:
        engines.run("\n\nnull.x")
    assert "script.js:3" in caught.value.stack


@pytest.mark.parametrize("script", ["for (;;);", "/^(a+)+$/.test('a'.repeat(40) + 'b')"])
def test_fuel_stops_a_script_that_runs_too_long(engines: Any, script: str) -> None:
    with pytest.raises(pywasm3.OutOfFuel):
        engines.run(script, seconds=60)
    assert begins_as_always(engines)


def test_a_deadline_stops_a_script_that_runs_too_long(engines: Any) -> None:
    with pytest.raises(pywasm3.DeadlineExceeded):
        engines.run("for (;;);", seconds=0.01)
    assert begins_as_always(engines)


def test_what_a_script_changes_is_gone_in_the_next_request(engines: Any) -> None:
    assert engines.run(CHANGE) == "a secret"
    assert begins_as_always(engines)


def test_a_script_can_catch_an_error_that_the_host_throws(engines: Any) -> None:
    script = "try { double({}) } catch (error) { [error instanceof Error, error.message] }"
    assert engines.run(script) == [True, "not a number"]


@pytest.mark.parametrize("raised", [KeyError("key"), KeyboardInterrupt()])
def test_other_exceptions_of_the_host_pass_as_they_are(
    engines: Any, failures: list[BaseException], raised: BaseException
) -> None:
    failures.append(raised)
    with pytest.raises(type(raised)) as caught:
        engines.run("try { fail() } catch { 'caught' }")
    assert caught.value is raised
    assert begins_as_always(engines)


def test_arguments_with_too_many_levels_are_an_error_of_the_script(
    engines: Any, example: ModuleType
) -> None:
    """Python reads JSON recursively, and stops where its own stack might end."""
    deep = "let a = []; for (let i = 0; i < 2000; i++) a = [a]; echo(a)"
    with pytest.raises(example.ScriptError):
        engines.run(f"{deep}; {deep.replace('let ', '').replace('echo(a)', 'a')}")
    assert begins_as_always(engines)


def test_calls_of_the_host_leave_no_memory_behind(
    example: ModuleType, module: pywasm3.Module
) -> None:
    """1,500 calls with twice ten kilobytes each are more than the engine's memory."""
    limits = pywasm3.Limits(memory=17 << 20)
    engine = example.Engine(module, {"echo": lambda value: value}, limits=limits)
    script = """
        const text = 'x'.repeat(10000); let sum = 0
        for (let i = 0; i < 1500; i++) sum += echo(text).length
        sum
    """
    assert engine.run(script, seconds=60) == 15_000_000
    engine.close()


@pytest.mark.parametrize("number", [-1, 3, 1 << 30])
def test_an_engine_that_calls_no_function_of_the_host_is_stopped(
    example: ModuleType, module: pywasm3.Module, number: int
) -> None:
    engine = example.Engine(module, {name: lambda value: value for name in "abc"})
    with pytest.raises(pywasm3.Trap, match="no function"):
        engine._call_host(0, 0, 0, 0, number)
    with pytest.raises(pywasm3.Trap):
        engine._call_host(0, 0, 0, -8, 0)
    engine.close()


def test_a_request_waits_for_an_engine_as_long_as_it_may(
    example: ModuleType, module: pywasm3.Module
) -> None:
    found: list[object] = []

    def nested() -> None:
        with pytest.raises(TimeoutError, match="no engine"):
            pool.run("1", wait=0.01)
        found.append(None)

    pool = example.Pool(module, {"nested": nested}, size=1)
    pool.run("nested()")
    assert found == [None]
    assert pool.run("1", wait=0.01) == 1
    with pytest.raises(ValueError, match="at least 1"):
        example.Pool(module, size=0)
    pool.close()


def test_threads_get_their_own_results_among_hostile_scripts(engines: Any) -> None:
    hostile = ["for (;;);", "throw 1", CHANGE, "const all = []; for (;;) all.push('x' + all)"]

    def serve(number: int) -> bool:
        if number % 3 == 0:
            try:
                engines.run(hostile[number // 3 % 4], seconds=0.02)
            except Exception:
                return True
        return bool(engines.run("[input, double(input)]", number) == [number, 2 * number])

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(serve, range(90)))
    assert begins_as_always(engines)


def test_requests_are_measured_beside_wasmtime(folder: Path) -> None:
    output = run_example(FOLDER / "measure.py", folder, "--seconds", "0")
    lines = [line for line in output.splitlines() if line.endswith("/s")]
    assert len([line for line in lines if "pywasm3" in line]) == 6
    assert len([line for line in lines if "wasmtime" in line]) == 6
