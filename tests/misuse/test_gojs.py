# SPDX-License-Identifier: MIT
"""Guests that lie to the host of Go's wasm_exec.js get a trap or an error, and nothing of the host.

No program that Go compiles does what these guests do.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest

from gojs_helpers import GLOBAL, GO, NAN, NULL, TRUE, UNDEFINED, Place, Script
from helpers import TESTS, child
from pywasm3 import Limits, Trap, TrapKind, WasmError
from pywasm3.guests import gojs
from pywasm3.guests.gojs.budget import Budget
from pywasm3.guests.gojs.values import JSArray, JSObject, delete, put, put_index
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

FAR = 0x7FFF_FFFF_FFFF_FFF0
BEYOND = [(FAR, 8), (-8, 8), (0, FAR), (0, -1), (8 * 65536 - 4, 8), (2**32, 1)]


@pytest.mark.parametrize(("address", "size"), BEYOND)
@pytest.mark.parametrize(
    "name",
    [
        "runtime.getRandomData",
        "syscall/js.stringVal",
        "syscall/js.valueGet",
        "syscall/js.valueCall",
        "syscall/js.valueInvoke",
        "syscall/js.copyBytesToGo",
        "syscall/js.copyBytesToJS",
    ],
)
def test_a_slice_beyond_the_memory_is_a_trap(name: str, address: int, size: int) -> None:
    script = Script()
    slots = [address, size, size]
    if name not in ("runtime.getRandomData", "syscall/js.stringVal", "syscall/js.copyBytesToGo"):
        slots.insert(0, GLOBAL)
    script.call(name, *slots)
    with pytest.raises(Trap) as caught:
        script.program().start()
    assert caught.value.kind is TrapKind.MEMORY_OUT_OF_BOUNDS


@pytest.mark.parametrize("sp", [-1, 0x7FFFFFFF, 8 * 65536 - 8])
def test_a_stack_pointer_beyond_the_memory_is_a_trap(sp: int) -> None:
    names = sorted(gojs.program.Imports(empty()).functions())
    for name in names:
        if name in ("debug", "runtime.resetMemoryDataView"):
            continue
        script = Script()
        script.call(name)
        script._code[-1] = script._code[-1].replace(str(0x20000), str(sp))
        with pytest.raises(Trap):
            script.program().start()


def empty() -> gojs.Program:
    return Script().program()


@pytest.mark.parametrize("size", [-1, 0x7FFFFFFF])
def test_a_write_beyond_the_memory_is_a_trap(size: int) -> None:
    script = Script()
    script.call("runtime.wasmWrite", 1, 0, size & 0xFFFFFFFF)
    with pytest.raises(Trap):
        script.program().start()


def test_writing_to_a_descriptor_that_is_not_there_is_ignored() -> None:
    script = Script()
    for fd in (3, -1, 2**40):
        script.call("runtime.wasmWrite", fd, *script.text("text"))
    script.program().start()


def test_references_that_nobody_gave_are_undefined() -> None:
    script = Script()
    script.tell(NAN | 1 << 32 | 5000, NAN | 0xFFFFFFFF, NAN | 7 << 32 | 5)
    undefined, also, by_index = script.told()
    assert (undefined, also) == (gojs.UNDEFINED, gojs.UNDEFINED)
    assert by_index is not gojs.UNDEFINED  # the index alone counts


def test_letting_go_too_often_is_ignored() -> None:
    script = Script()
    text = script.string("text")
    for _ in range(3):
        script.call("syscall/js.finalizeRef", text)
    for reference in (0, NULL, TRUE, GLOBAL, GO, NAN | 1 << 32 | 4000):
        script.call("syscall/js.finalizeRef", reference)
    other = script.string("other")
    script.tell(text, other, NULL, TRUE)
    # The index of the text has been given to the next one.
    assert script.told()[1:] == ["other", None, True]


@pytest.mark.parametrize("value", [UNDEFINED, NULL, TRUE, NAN])
def test_properties_of_what_is_no_object_are_errors(value: int) -> None:
    operations: list[Any] = [
        lambda script: script.get(value, "x"),
        lambda script: script.set(value, "x", TRUE),
        lambda script: script.call("syscall/js.valueIndex", value, 0),
        lambda script: script.call("syscall/js.valueSetIndex", value, 0, TRUE),
        lambda script: script.call("syscall/js.valueDelete", value, *script.text("x")),
        lambda script: script.call("syscall/js.valueLength", value),
        lambda script: script.call("syscall/js.valueInstanceOf", TRUE, value),
    ]
    for operate in operations:
        script = Script()
        operate(script)
        with pytest.raises(gojs.JSError) as caught:
            script.program().start()
        assert caught.value.name == "TypeError"


class Opaque:
    """A class that exposes nothing."""

    attribute = "secret"


def function() -> None:
    """A function that a guest is given."""


@pytest.mark.parametrize(
    "name",
    [
        "__class__",
        "__globals__",
        "__init__",
        "__self__",
        "attribute",
        "format",
        "gi_frame",
        "tb_frame",
        "args",
        "with_traceback",
        "mro",
        "clear",
        "obj",
        "_program",
    ],
)
def test_guests_reach_nothing_that_was_not_given_to_them(name: str) -> None:
    """They get undefined for what Python's objects have."""
    error = ValueError("text")
    given = {
        "object": Opaque(),
        "class": Opaque,
        "function": function,
        "module": gc,
        "error": error,
        "dict": {},
        "list": [],
        "bytes": b"",
        "generator": (number for number in range(3)),
        "exposing": gojs.JSError("text"),
    }
    script = Script(globals={"given": given})
    holder = script.get(GLOBAL, "given")
    for key in given:
        script.tell(script.get(script.get(holder, key), name))
    script.tell(script.get(GO, name), script.get(script.get(GLOBAL, "process"), name))
    assert script.told() == [gojs.UNDEFINED] * (len(given) + 2)


def test_a_string_is_not_something_to_call_methods_of() -> None:
    script = Script(globals={"given": "{0.__class__}"})
    script.tell(script.method(script.get(GLOBAL, "given"), "format", GO))
    (error,) = script.told()
    assert isinstance(error, gojs.JSError)


# ---- what the host keeps ----


def flood(code: str, **options: Any) -> None:
    """Runs a guest that repeats a call until the host has enough."""
    script = Script()
    exec(code, {"script": script, "GLOBAL": GLOBAL, "TRUE": TRUE, "NULL": NULL})
    body = script._code
    script._code = ["(loop $again", *body, "br $again)"]
    with pytest.raises(WasmError, match="more than 1000000 bytes"):
        script.program(max_kept_bytes=1_000_000, limits=Limits(timeout=120), **options).run()


@pytest.mark.parametrize(
    "code",
    [
        "script.new(script.get(GLOBAL, 'Object'))",
        "script.new(script.get(GLOBAL, 'Array'), 0x4076800000000000)",
        "script.new(script.get(GLOBAL, 'Uint8Array'), 0x4076800000000000)",
        "script.new(script.get(GLOBAL, 'Uint8Array'), 0x41DFFFFFFFC00000)",
        "script.new(script.get(GLOBAL, 'Array'), 0x41DFFFFFFFC00000)",
        "script.method(GLOBAL, 'setTimeout', script.get(script.get(GLOBAL, 'console'), 'log'))",
        "script.method(GLOBAL, 'queueMicrotask', script.get(script.get(GLOBAL, 'console'), 'log'))",
        "script.call('runtime.scheduleTimeoutEvent', 1000)",
        "script.method(script.get(GLOBAL, 'fs'), 'stat', script.string('/'), "
        "script.get(script.get(GLOBAL, 'console'), 'log'))",
        "script.call('syscall/js.valueSetIndex', script.new(script.get(GLOBAL, 'Array')), "
        "1 << 30, TRUE)",
    ],
)
def test_what_the_host_keeps_for_a_guest_is_bounded(code: str) -> None:
    flood(code)


def test_strings_of_a_guest_are_bounded() -> None:
    """Each string differs from those before it."""
    script = Script()
    address, size = script.text(bytes(1000))
    counter = f"(i32.const {address})"
    script.call("syscall/js.stringVal", address, size)
    step = f"(i32.store {counter} (i32.add (i32.load {counter}) (i32.const 1)))"
    script._code = ["(loop $again", *script._code, step, "br $again)"]
    with pytest.raises(WasmError, match="more than 1000000 bytes"):
        script.program(max_kept_bytes=1_000_000).start()


def test_properties_of_an_object_are_bounded() -> None:
    script = Script()
    made = script.new(script.get(GLOBAL, "Object"))
    before = script._code
    script._code = []
    address, size = script.text(bytes(8))
    script.call("syscall/js.valueSet", made, address, size, TRUE)
    counter = f"(i32.const {address})"
    step = f"(i32.store {counter} (i32.add (i32.load {counter}) (i32.const 1)))"
    script._code = [*before, "(loop $again", *script._code, step, "br $again)"]
    with pytest.raises(WasmError, match="more than 1000000 bytes"):
        script.program(max_kept_bytes=1_000_000).start()


def test_what_a_guest_lets_go_of_counts_no_more() -> None:
    script = Script()
    made = script.new(script.get(GLOBAL, "Uint8Array"), 0x40F86A0000000000)  # 100,000
    script.call("syscall/js.finalizeRef", made)
    rounds = Place(0x100)
    body = script._code
    counter = f"(i32.load (i32.const {rounds.address}))"
    script._code = [
        "(loop $again",
        *body,
        f"(i32.store (i32.const {rounds.address}) (i32.add {counter} (i32.const 1)))",
        f"(br_if $again (i32.lt_u {counter} (i32.const 100))))",
    ]
    # "Uint8Array" itself stays in the table.
    script.program(max_kept_bytes=1_000_000).start()


def test_endless_recursion_between_guest_and_host_ends() -> None:
    child(
        """
        import sys
        sys.path.insert(0, tests)
        from gojs_helpers import GLOBAL, GO, Script
        script = Script()
        function = script.method(GO, "_makeFuncWrapper", 0x3FF0000000000000)
        script.set(GLOBAL, "again", function)
        resume = Script()
        resume._data, resume._places = script._data, script._places
        resume._names = script._names
        resume.method(GLOBAL, "again")
        script.resume = " ".join(resume._code)
        program = script.program()
        program.start()
        try:
            program.globals["again"]()
        except RecursionError:  # The guest may also get it as an error, and end well.
            pass
        """.replace("tests)", f"{str(TESTS)!r})")
    )


# ---- the functions of the global object ----

_SENSELESS = [None, gojs.UNDEFINED, True, -1, 0, 1 << 70, 1e308, float("nan"), "", "x" * 5000, "\0"]
_SENSELESS += [b"", [], {}, print, object(), float("inf"), "\ud800"]


def test_senseless_arguments_are_errors() -> None:
    """Every function of the global object gets them, in every place."""
    config = WasiConfig(preopens={"/": VirtualDir({"a": b"x"})}, stdout=CAPTURE, clock=0)
    program = Script().program(config)
    functions: dict[str, Any] = {}

    def collect(name: str, value: Any) -> None:
        if isinstance(value, dict) and name != "globalThis":
            for key, inner in value.items():
                collect(f"{name}.{key}", inner)
        elif callable(value) and not name.endswith("exit"):
            functions[name] = value

    for name, value in list(program.globals.items()):
        collect(name, value)
    process = program.globals["process"]
    functions |= {name: getattr(process, name) for name in ("chdir", "umask", "hrtime")}
    assert len(functions) > 75
    for function in functions.values():
        for first in _SENSELESS:
            for rest in ((), (first,), (print, print), (first, first, first, print)):
                try:
                    function(first, *rest)
                except (gojs.JSError, WasmError, TypeError, OverflowError):
                    continue


def test_setting_elements_again_and_again_gives_the_guest_no_credit() -> None:
    budget = Budget(1 << 20)
    values = [gojs.UNDEFINED, 1, None, True, "text", b"bytes", {}, ValueError("x")]
    array, made = JSArray(budget, 3), JSObject(budget)
    for _ in range(100):
        for value in values:
            put_index(array, 5, value, budget)
            put(array, "length", 2, budget)
            put(made, "key", value, budget)
            delete(made, "key", budget)
    del array, made
    budget.take(0)
    assert budget.used == 0
