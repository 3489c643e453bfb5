# SPDX-License-Identifier: MIT
"""QuickJS, a JavaScript engine in a module of quickjs-emscripten, runs scripts of strangers.

The module has short names. Its JavaScript says those of the exports. The names of the imports were
found by reading that JavaScript: it says what each of them does. Expected values are those of
JavaScript's standard.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pywasm3
from npm_helpers import Package
from pywasm3.guests import emscripten

QUICKJS = Package(
    "@jitl/quickjs-wasmfile-release-sync",
    "0.32.0",
    "8459053841d6b053207b70287b5a6d762fd5608a3908b40956c5aa3178dcf9c8",
)
IMPORTS = {
    "a": "memory",
    "b": "__assert_fail",
    "c": "fd_write",
    "d": "fd_close",
    "e": "environ_get",
    "f": "environ_sizes_get",
    "g": "qts_host_normalize_module",
    "h": "qts_host_load_module_source",
    "i": "qts_host_interrupt_handler",
    "j": "_setitimer_js",
    "k": "emscripten_resize_heap",
    "l": "_emscripten_runtime_keepalive_clear",
    "m": "_localtime_js",
    "n": "_tzset_js",
    "o": "fd_seek",
    "p": "emscripten_date_now",
    "q": "_abort_js",
    "r": "proc_exit",
    "s": "qts_host_call_function",
    "t": "qts_host_free_host_ref",
}


@functools.cache
def module() -> pywasm3.Module:
    """Returns the module, with its true names."""
    module = pywasm3.Module(QUICKJS.read("package/dist/emscripten-module.wasm"))
    script = QUICKJS.read("package/dist/emscripten-module.mjs").decode()
    return emscripten.Names.from_js(script, module, imports=IMPORTS).apply(module)


class ScriptError(Exception):
    """A script threw an exception, which is given as QuickJS describes it."""


class Engine:
    """A JavaScript engine that evaluates scripts, whose results are given as JSON.

    Attributes:
        program: The module.
        functions: The functions of the host that scripts can call, by number.
    """

    def __init__(self, **options: Any) -> None:
        self.functions: list[Callable[[Any], Any]] = []
        imports = {
            "qts_host_call_function": self._call,
            "qts_host_free_host_ref": lambda _context, _function: None,
            "qts_host_interrupt_handler": lambda _runtime: 0,
            "qts_host_load_module_source": lambda _runtime, _context, _name: 0,
            "qts_host_normalize_module": lambda _runtime, _context, _base, _name: 0,
        }
        self.program = emscripten.load(module(), imports, **options)
        self.exports = self.program.exports
        self.runtime = self.exports.QTS_NewRuntime()
        self.context = self.exports.QTS_NewContext(self.runtime, 0)

    def _take(self, value: int) -> str:
        """Returns the text of a string value, and frees the value."""
        address = self.exports.QTS_GetString(self.context, value)
        text = self.program.memory.read_str(address)
        self.exports.QTS_FreeCString(self.context, address)
        self.exports.QTS_FreeValuePointer(self.context, value)
        return text

    def eval(self, script: str) -> str:
        """Returns what a script evaluates to, as a text."""
        size = len(script.encode())
        code, name = self.program.new_text(script), self.program.new_text("script.js")
        value = self.exports.QTS_Eval(self.context, code, size, name, 0, 0)
        for text in (code, name):
            self.exports.free(text)
        error = self.exports.QTS_ResolveException(self.context, value)
        if error:
            address = self.exports.QTS_Dump(self.context, error)
            shown = self.program.memory.read_str(address)
            self.exports.QTS_FreeCString(self.context, address)
            self.exports.QTS_FreeValuePointer(self.context, error)
            self.exports.QTS_FreeValuePointer(self.context, value)
            raise ScriptError(shown)
        return self._take(value)

    def json(self, expression: str, **variables: object) -> Any:
        """Returns the value of an expression, in which variables of the host can be used."""
        given = ", ".join(variables)
        values = ", ".join(json.dumps(value) for value in variables.values())
        text = self.eval(f"JSON.stringify((({given}) => ({expression}))({values}))")
        return json.loads(text)

    def define(self, name: str, function: Callable[[Any], Any]) -> None:
        """Gives scripts a function of the host. Its argument and its result pass as JSON."""
        self.functions.append(function)
        label = self.program.new_text(f"host_{name}")
        number = len(self.functions) - 1
        made = self.exports.QTS_NewFunction(self.context, label, 1, 0, number)
        key = self.exports.QTS_NewString(self.context, label)
        scope = self.exports.QTS_GetGlobalObject(self.context)
        self.exports.QTS_SetProp(self.context, scope, key, made)
        for value in (made, key, scope):
            self.exports.QTS_FreeValuePointer(self.context, value)
        self.exports.free(label)
        self.eval(f"{name} = (x) => JSON.parse(host_{name}(JSON.stringify(x))); ''")

    def _call(self, context: int, _this: int, _count: int, arguments: int, number: int) -> int:
        value = self.exports.QTS_ArgvGetJSValueConstPointer(arguments, 0)
        address = self.exports.QTS_GetString(context, value)
        argument = json.loads(self.program.memory.read_str(address))
        self.exports.QTS_FreeCString(context, address)
        text = self.program.new_text(json.dumps(self.functions[number](argument)))
        result = int(self.exports.QTS_NewString(context, text))
        self.exports.free(text)
        return result


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(limits=pywasm3.Limits(memory=64 << 20, fuel=1 << 40))
    with engine.program:
        yield engine


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 1", 2),
        ("[1, 2, 3].map((x) => x * x)", [1, 4, 9]),
        ("'ä𝄞'.length", 3),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("'2024-05-06'.match(/(\\d+)-(\\d+)/).slice(1).map(Number)", [2024, 5]),
        ("[...(function* () { yield* [1, 2] })()]", [1, 2]),
        ("new Date(86400000).toISOString()", "1970-01-02T00:00:00.000Z"),
        ("new Date(0).getTimezoneOffset()", 0),
        ("String(2n ** 100n)", str(2**100)),
        ("[3, 1, 2].sort()", [1, 2, 3]),
        ("Object.entries({a: 1})", [["a", 1]]),
    ],
)
def test_expressions_have_the_values_of_the_standard(
    engine: Engine, expression: str, expected: object
) -> None:
    assert engine.json(expression) == expected


def test_json_goes_in_and_comes_out(engine: Engine) -> None:
    given = {"names": ["ä", "b"], "number": 1.5, "nothing": None, "truth": True}
    assert engine.json("x", x=given) == given
    assert engine.json("x.names.concat(y)", x=given, y=["c"]) == ["ä", "b", "c"]


def test_scripts_call_functions_of_the_host(engine: Engine) -> None:
    received = []

    def host(argument: Any) -> Any:
        received.append(argument)
        return {"sum": sum(argument)}

    engine.define("add", host)
    assert engine.json("add([1, 2, 3]).sum + add([4]).sum") == 10
    assert received == [[1, 2, 3], [4]]


def test_an_exception_of_the_host_passes_as_it_is(engine: Engine) -> None:
    raised = KeyError("key")

    def fail(_argument: Any) -> None:
        raise raised

    engine.define("fail", fail)
    with pytest.raises(KeyError) as caught:
        engine.eval("try { fail(1) } catch { 'caught' }")
    assert caught.value is raised


def test_an_exception_of_a_script_has_its_name_and_line(engine: Engine) -> None:
    with pytest.raises(ScriptError, match="TypeError") as caught:
        engine.eval("\n\nnull.x")
    assert "script.js:3" in str(caught.value)
    with pytest.raises(ScriptError, match="SyntaxError"):
        engine.eval("1 +")
    assert engine.json("1") == 1


def test_fuel_stops_an_endless_script(engine: Engine) -> None:
    engine.program.instance.fuel = 1_000_000
    with pytest.raises(pywasm3.OutOfFuel):
        engine.eval("for (;;);")


def test_a_deadline_stops_an_endless_script(engine: Engine) -> None:
    with pytest.raises(pywasm3.DeadlineExceeded), engine.program.instance.deadline(0.2):
        engine.eval("for (;;);")


def test_the_limit_on_memory_is_an_exception_of_javascript(engine: Engine) -> None:
    """The heap cannot grow, malloc fails, and QuickJS says so to the script."""
    with pytest.raises(ScriptError, match="out of memory"):
        engine.eval("let all = []; for (;;) all.push('x'.repeat(1 << 20) + all.length)")
    assert len(engine.program.memory) <= 64 << 20
    assert engine.json("1 + 1") == 2


def test_a_deep_recursion_is_an_exception_of_javascript(engine: Engine) -> None:
    engine.exports.QTS_RuntimeSetMaxStackSize(engine.runtime, 256 << 10)
    with pytest.raises(ScriptError, match=r"stack overflow|InternalError|RangeError"):
        engine.eval("(function f() { return f() + 1 })()")
    assert engine.json("1 + 1") == 2


def test_engines_know_nothing_of_each_other(engine: Engine) -> None:
    other = Engine()
    engine.eval("var secret = 1; ''")
    assert other.json("typeof secret") == "undefined"


def test_what_is_freed_is_used_again(engine: Engine) -> None:
    engine.json("[...Array(1000).keys()]")
    size = len(engine.program.memory)
    for _ in range(200):
        engine.json("[...Array(1000).keys()].map(String)")
    assert len(engine.program.memory) == size
