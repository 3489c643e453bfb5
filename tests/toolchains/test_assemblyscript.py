# SPDX-License-Identifier: MIT
"""Objects go in and out of a program that AssemblyScript compiles, as they do from JavaScript.

The expected values come from the JavaScript that the compiler writes for the module, which Node.js
runs.
"""

from __future__ import annotations

import json
import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from assemblyscript_helpers import asc, node
from helpers import TESTS
from pywasm3.guests.assemblyscript import (
    Abort,
    Array,
    Guest,
    ObjectError,
    Reference,
    StaticArray,
    TypedArray,
    host,
    load,
)
from pywasm3.wasi import CAPTURE, WasiConfig

SOURCES = TESTS / "toolchains" / "assemblyscript"
FLAGS = ["--exportRuntime", "--bindings", "raw"]
RUNTIMES = ["incremental", "minimal", "stub"]


@pytest.fixture(scope="module", params=RUNTIMES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module of objects.ts, with each of the runtimes; beside it lies its JavaScript."""
    target = tmp_path_factory.mktemp("assemblyscript") / "objects.wasm"
    asc(SOURCES / "objects.ts", target, *FLAGS, "--runtime", request.param)
    target.with_suffix(".js").rename(target.with_suffix(".mjs"))
    return target


def guest_of(built: Path, **config: Any) -> Guest:
    config = {"stdout": CAPTURE, "stderr": CAPTURE, **config}
    said: list[str] = []
    imports = {
        "objects": {
            "say": host(str)(said.append),
            "ask": host(str, returns=str)(lambda question: f"answer to {question}"),
        }
    }
    return load(built, imports, wasi=WasiConfig(**config))


@pytest.fixture
def guest(built: Path) -> Guest:
    return guest_of(built)


@pytest.fixture
def wrap(guest: Guest) -> Callable[..., Callable[..., Any]]:
    return guest.wrap


def typed(letter: str, *values: float) -> tuple[array[Any], dict[str, Any]]:
    """A typed array for both sides."""
    names = {"f": "Float32Array", "h": "Int16Array"}
    return array(letter, values), {"class": names[letter], "values": values}


# The function, the class of its result, and its arguments here and in JavaScript.
Case = tuple[str, Any, tuple[Any, ...], tuple[Any, ...]]
CASES: list[Case] = [
    ("greet", str, ("World",), ("World",)),
    ("greet", str, ("",), ("",)),
    ("greet", str, ("grüße 日本語 🦀\0!",), ("grüße 日本語 🦀\0!",)),
    ("length", None, ("🦀",), ("🦀",)),
    ("length", None, (None,), (None,)),
    ("nothing", str, (), ()),
    (
        "reversed",
        bytes,
        (b"abc",),
        ({"class": "Uint8Array", "values": [97, 98, 99], "buffer": True},),
    ),
    ("total", None, (Array("i32", [1, -2, 30]),), ([1, -2, 30],)),
    ("total", None, (Array("i32", []),), ([],)),
    ("squares", list, (5,), (5,)),
    ("squares", list, (0,), (0,)),
    ("bytes", list, (), ()),
    ("words", list, ("one two  three",), ("one two  three",)),
    ("nested", list, (), ()),
    ("unsigned", None, (StaticArray("u16", [65535, 1]),), ([65535, 1],)),
    ("withDefault", None, (2,), (2,)),
    ("answer", str, ("why?",), ("why?",)),
    (
        "lists",
        None,
        (Array("i8", [-3]), Array("u16", [65535]), Array("u64", [1 << 40]), Array("f32", [0.5])),
        ([-3], [65535], [1 << 40], [0.5]),
    ),
]
CASES += [
    (name, kind, (here,), (there,))
    for name, kind, (here, there) in [
        ("doubled", list, typed("f", 1.5, -2.25)),
        ("tail", array, typed("h", -1, 2, -3)),
    ]
]


def plain(value: Any) -> Any:
    """A result as JSON shows it."""
    return list(value) if isinstance(value, (bytes, array)) else value


def test_objects_are_what_they_are_in_javascript(built: Path, guest: Guest) -> None:
    found = []
    for name, kind, arguments, _ in CASES:
        found.append(plain(guest.wrap(name, returns=kind)(*arguments)))
    calls = [(name, given) for name, _, _, given in CASES]
    # JSON of a u64 is a number, but a function that takes an Array<u64> wants bigints.
    calls = [call for call in calls if call[0] != "lists"]
    found = [one for one, case in zip(found, CASES, strict=True) if case[0] != "lists"]
    command = [node(), str(SOURCES / "oracle.mjs"), str(built.with_suffix(".mjs")), str(built)]
    done = subprocess.run(
        [*command, json.dumps(calls)], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert found == json.loads(done.stdout.splitlines()[-1])["results"]


def test_items_of_every_size_go_in(wrap: Callable[..., Callable[..., Any]]) -> None:
    case = next(case for case in CASES if case[0] == "lists")
    assert wrap("lists")(*case[2]) == -3 + 65535 + (1 << 40) + 0.5


def test_a_parameter_with_a_default_can_be_left_out(guest: Guest) -> None:
    """The compiler's JavaScript takes the default of such a function always."""
    with_default = guest.wrap("withDefault")
    assert (with_default(2), with_default(2, 3), with_default(2)) == (42, 5, 42)
    with pytest.raises(TypeError):
        with_default(1, 2, 3)


def test_longs_and_truth_values_come_out(wrap: Callable[..., Callable[..., Any]]) -> None:
    assert wrap("longs", returns=list)() == [1, -2, (1 << 63) - 1]
    assert wrap("truths", returns=list)() == [1, 0]


def test_half_a_surrogate_pair_is_kept(wrap: Callable[..., Callable[..., Any]]) -> None:
    assert wrap("half", returns=str)() == "\ud83e"
    assert wrap("length")("\ud83e") == 1


def test_arrays_of_objects_go_in(guest: Guest) -> None:
    strings = guest.instance.exports.STRINGS.value
    numbers = guest.instance.exports.NUMBERS.value
    joined = guest.wrap("joined", returns=str)
    assert joined(Array("object", ["one", "", "three"], class_id=strings)) == "one--three"
    flat = guest.wrap("flat", returns=list)
    rows = [Array("i32", [1, 2]), Array("i32", []), Array("i32", [3])]
    assert flat(Array("object", rows, class_id=numbers)) == [1, 2, 3]


def test_the_class_of_an_array_of_objects_must_be_given(guest: Guest) -> None:
    with pytest.raises(ObjectError, match="give the number of one as class_id"):
        guest.wrap("joined")(Array("object", ["one"]))


def test_a_class_that_the_module_does_not_have_is_an_error(guest: Guest) -> None:
    with pytest.raises(ObjectError, match="has no class for"):
        guest.new(TypedArray("f64", [1.0]))


def test_objects_of_other_classes_are_references(guest: Guest) -> None:
    increment = guest.wrap("increment")
    with guest.wrap("counter", returns=object)(5) as counter:
        assert isinstance(counter, Reference)
        guest.wrap("garbage")(1000)
        guest.collect()
        assert (increment(counter), increment(counter)) == (6, 7)
    with pytest.raises(ValueError, match="was released"):
        increment(counter)


def test_a_result_of_another_class_is_an_error(guest: Guest) -> None:
    with pytest.raises(ObjectError, match="is read as list, not as str"):
        guest.wrap("words", returns=str)("a b")


def test_many_calls_leave_nothing_in_the_guest(built: Path) -> None:
    guest = guest_of(built)
    greet, total = guest.wrap("greet", returns=str), guest.wrap("total")
    text, numbers = "x" * 10000, Array("i32", range(10000))

    def calls(count: int) -> int:
        for _ in range(count):
            assert len(greet(text)) == 10008
            assert total(numbers) == 49995000
        guest.collect()
        return guest.memory.pages

    before = calls(100)
    after = calls(300)
    # The runtime "stub" never frees.
    assert after == before or after - before > 300 * 30000 // 65536


def test_objects_that_are_pinned_stay(guest: Guest) -> None:
    with guest.pinned("kept") as address:
        guest.wrap("garbage")(2000)
        guest.collect()
        assert guest.read(address) == "kept"
        with guest.pinned(address):
            pass
        guest.collect()
        assert guest.read_string(address) == "kept"
    with pytest.raises(ValueError, match="not pinned"):
        guest.unpin(address)


# ---- what the host is asked for ----


def test_an_error_carries_its_place(guest: Guest) -> None:
    lines = (SOURCES / "objects.ts").read_text(encoding="utf-8").splitlines()
    with pytest.raises(Abort, match=r"grüße \(objects\.ts:") as caught:
        guest.wrap("fail")("grüße")
    error = caught.value
    assert (error.message, error.file) == ("grüße", "objects.ts")
    assert lines[error.line - 1][error.column - 1 :].startswith("throw") or (
        lines[error.line - 1][error.column - 1 :].startswith("new Error")
    )


def test_a_failed_assertion_is_an_error(guest: Guest) -> None:
    guest.wrap("check")(1)
    with pytest.raises(Abort) as caught:
        guest.wrap("check")(0)
    assert caught.value.message == "value must be positive"


def test_traces_are_what_node_prints(built: Path, guest: Guest) -> None:
    guest.wrap("traced")()
    command = [node(), str(SOURCES / "oracle.mjs"), str(built.with_suffix(".mjs")), str(built)]
    done = subprocess.run([*command, '[["traced", []]]'], capture_output=True, check=True)
    assert guest.instance.wasi.stdout == done.stdout.rpartition(b"\n")[0]


def test_the_console_writes_to_two_streams(built: Path, guest: Guest) -> None:
    guest.wrap("printed")()
    command = [node(), str(SOURCES / "oracle.mjs"), str(built.with_suffix(".mjs")), str(built)]
    done = subprocess.run([*command, '[["printed", []]]'], capture_output=True, check=True)
    assert guest.instance.wasi.stdout == done.stdout.rpartition(b"\n")[0]
    assert guest.instance.wasi.stderr == done.stderr


def test_time_and_chance_are_those_of_the_configuration(built: Path) -> None:
    def run() -> tuple[Any, ...]:
        guest = guest_of(built, clock=1_700_000_000_000_000_000, random=5)
        chance = guest.wrap("bytesOfChance", returns=array)(8)
        guest.wrap("timed")()
        return (
            guest.wrap("now")(),
            guest.wrap("random")(),
            guest.wrap("elapsed")(),
            chance.tobytes(),
            guest.instance.wasi.stdout,
        )

    first = run()
    assert first == run()
    assert first[0] == 1_700_000_000_000
    assert 0 <= first[1] < 1
    assert first[4].count(b"timer: 0.000ms\n") == 2


def test_host_functions_get_strings(built: Path) -> None:
    said: list[str] = []
    imports = {"objects": {"say": host(str)(said.append), "ask": host(str, returns=str)(str.title)}}
    guest = load(built, imports)
    guest.wrap("tell")("grüße")
    assert said == ["grüße?"]
    assert guest.wrap("answer", returns=str)("one two") == "ONE TWO"


def test_exceptions_of_host_functions_pass(built: Path) -> None:
    def say(text: str) -> None:
        raise KeyError(text)

    guest = load(built, {"objects": {"say": host(str)(say), "ask": lambda address: address}})
    with pytest.raises(KeyError, match="text"):
        guest.wrap("tell")("text")


def test_a_module_without_its_runtime_has_strings_out_only(tmp_path: Path) -> None:
    target = tmp_path / "objects.wasm"
    asc(SOURCES / "objects.ts", target)
    guest = load(target, missing="trap")
    assert guest.read_string(guest.instance.exports.half()) == "\ud83e"
    assert guest.wrap("half", returns=str)() == "\ud83e"
    with pytest.raises(pywasm3.WasmError, match="--exportRuntime"):
        guest.wrap("greet")("World")
    with pytest.raises(ObjectError, match="--exportRuntime"):
        guest.wrap("bytes", returns=list)()


def test_a_module_that_imports_its_memory_is_given_one(tmp_path: Path) -> None:
    target = tmp_path / "objects.wasm"
    asc(SOURCES / "objects.ts", target, "--exportRuntime", "--importMemory")
    memory = pywasm3.Memory(1)
    guest = load(target, {"env": {"memory": memory}}, missing="trap")
    assert guest.wrap("greet", returns=str)("World") == "Hello, World!"
    assert "Hello, World!".encode("utf-16-le") in bytes(memory)
