# SPDX-License-Identifier: MIT
"""Names of hostile modules: texts stay short and printable, and the whole names are attributes.

"Short" is arithmetic: a text shows at most 256 characters of a name, 20 entries of a list, and 64
frames of a trap.
"""

from __future__ import annotations

import copy
import gc
import inspect
import itertools
import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType
from typing import Any

import pytest

import pywasm3
from binary import HEADER, leb, section, text, vector
from hostile_names import (
    EVIL,
    LONG,
    NOTHING,
    TYPES,
    WIDEST,
    body,
    check,
    export,
    hostile,
    names,
)
from pywasm3 import FuncType, InstancePool, LinkError, Module, Trap
from pywasm3._text import (
    MAX_COMPARED,
    MAX_LIST,
    MAX_LISTED,
    MAX_NAME,
    MAX_SIMILAR,
    brief,
    brief_quoted,
    brief_repr,
    listed,
    meant,
)

HUGE = 20_000_000  # bytes of a name


@pytest.fixture(scope="module")
def module() -> Module:
    return Module(hostile(LONG))


@pytest.fixture
def instance(module: Module) -> pywasm3.Instance:
    return pywasm3.Instance(module, {LONG: {LONG: lambda: None}})


def message(
    action: Callable[[], Any], expected: type[BaseException] | tuple[type[BaseException], ...]
) -> str:
    """The text of the error that an action raises, with its notes."""
    with pytest.raises(expected) as caught:
        action()
    notes = getattr(caught.value, "__notes__", [])
    return "\n".join([str(caught.value), *notes])


@contextmanager
def few_bytes(most: int) -> Iterator[None]:
    """Asserts that Python allocates at most so many bytes more than before at any time."""
    gc.collect()
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] <= most
    finally:
        tracemalloc.stop()


# ---- every public text ----


def test_a_module_is_shown_briefly(module: Module) -> None:
    check(repr(module), 500)
    assert module.name == f"{LONG}module"


def test_an_instance_is_shown_briefly(instance: pywasm3.Instance) -> None:
    check(repr(instance), 500)


def test_a_pool_is_shown_briefly(module: Module) -> None:
    with InstancePool(module, {LONG: {LONG: lambda: None}}) as pool:
        check(repr(pool), 500)


def test_exports_are_shown_briefly(instance: pywasm3.Instance) -> None:
    check(repr(instance.exports))
    assert next(iter(instance.exports)) == f"{LONG}recurse"


def test_dir_lists_no_export_that_cannot_be_printed(instance: pywasm3.Instance) -> None:
    """Python shows names of this list when an attribute is misspelt."""
    assert [name for name in dir(instance.exports) if not name.isprintable()] == []


@pytest.mark.parametrize("shown", [str, repr])
def test_types_of_imports_and_exports_are_shown_briefly(
    module: Module, shown: Callable[[object], str]
) -> None:
    for entry in (*module.imports, *module.exports, *module.custom_sections):
        check(shown(entry), 2000)


def test_whole_names_of_imports_are_attributes(module: Module) -> None:
    assert [(entry.module, entry.name) for entry in module.imports] == [(LONG, LONG)]


@pytest.mark.parametrize("name", ["recurse", "call", "wide"])
def test_a_function_is_shown_briefly(instance: pywasm3.Instance, name: str) -> None:
    function = instance.exports[LONG + name]
    for made in (function, function.raw, function.aio, function.bind()):
        check(repr(made), 1000)
    check(function.__doc__ or "", 2000)
    assert function.name == function.__name__ == function.bind().name == LONG + name
    assert function.raw.name == LONG + name


def test_the_note_of_an_exception_keeps_no_long_name(module: Module) -> None:
    """A long name keeps its module alive, which may be large."""

    def long_names() -> int:
        gc.collect()
        return sum(
            isinstance(thing, BuiltinFunctionType) and type(thing.__self__).__name__ == "PyCapsule"
            for thing in gc.get_objects()
        )

    def fail() -> None:
        raise ZeroDivisionError

    before = long_names()
    instance = pywasm3.Instance(module, {LONG: {LONG: fail}})
    note = message(instance.exports[f"{LONG}call"], ZeroDivisionError)
    check(note, 1000)
    assert long_names() == before


def test_a_function_of_a_table_is_shown_briefly(instance: pywasm3.Instance) -> None:
    function = instance.exports[f"{LONG}table"][0]
    check(repr(function), 500)
    assert function.name == f"{LONG}recursive"


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f(1),
        lambda f: f(keyword=1),
        lambda f: f.bind(*range(501)),
        lambda f: f.bind(1)(keyword=1),
        lambda f: f.bind(1)(1),
        lambda f: f("text", *range(499)),
        lambda f: f(1 << 70, *range(499)),
        lambda f: f.map(),
        lambda f: f.map(1),
        lambda f: f.map(*["text"] * 500),
        lambda f: f.call_argv(),
        lambda f: f.call_argv(*["text"] * 500),
    ],
)
def test_errors_about_arguments_are_short(instance: pywasm3.Instance, call: Any) -> None:
    errors = (TypeError, OverflowError, ValueError, pywasm3.WasmError)
    check(message(lambda: call(instance.exports[f"{LONG}wide"]), errors), 1000)


@pytest.mark.parametrize("result", [5, (1, 2), "text"])
def test_errors_about_results_of_host_functions_are_short(module: Module, result: object) -> None:
    instance = pywasm3.Instance(module, {LONG: {LONG: lambda: result}})
    check(message(instance.exports[f"{LONG}call"], TypeError), 2000)


def test_notes_of_host_functions_are_short(module: Module) -> None:
    def fail() -> None:
        raise KeyError("host")

    instance = pywasm3.Instance(module, {LONG: {LONG: fail}})
    shown = message(instance.exports[f"{LONG}call"], KeyError)
    assert "wasm frames" in shown
    check(shown, 1000)


def test_errors_about_missing_exports_are_short(instance: pywasm3.Instance) -> None:
    check(message(lambda: getattr(instance.exports, LONG), AttributeError), 500)
    check(message(lambda: setattr(instance.exports, LONG, 1), AttributeError), 500)


def test_errors_that_show_a_module_are_short(instance: pywasm3.Instance) -> None:
    check(message(instance.run, pywasm3.WasmError), 500)
    check(message(lambda: instance.wasi, pywasm3.WasmError), 500)


def test_an_error_about_a_namespace_is_short(module: Module) -> None:
    check(message(lambda: pywasm3.Instance(module, {LONG: 5}), TypeError), 500)


def test_the_wasm3_api_shows_names_briefly(module: Module) -> None:
    environment = pywasm3.Environment()
    runtime = environment.new_runtime(65536)
    for _ in range(30):
        runtime.load(environment.parse_module(hostile(EVIL)))
    runtime.load(environment.parse_module(module.bytes))
    check(repr(runtime))
    check(message(lambda: runtime.find_function(LONG), pywasm3.WasmError), 500)
    parsed = environment.parse_module(module.bytes)
    linking = message(
        lambda: parsed.link_function(LONG, LONG, "i(i)", lambda: None), pywasm3.WasmError
    )
    check(linking, 1000)
    runtime.load(parsed)
    check(message(lambda: parsed.get_global(LONG), pywasm3.WasmError), 500)
    check(message(lambda: parsed.set_global(f"{LONG}global", 1), pywasm3.WasmError), 500)
    not_linked = message(runtime.find_function(f"{LONG}call"), pywasm3.WasmError)
    assert "is not linked" in not_linked
    check(not_linked, 1000)


def test_an_error_of_the_decoder_is_printable() -> None:
    exports = section(7, vector([export(EVIL, 2, 0), export(EVIL, 2, 0)]))
    shown = message(
        lambda: Module(HEADER + section(5, vector([b"\0\1"])) + exports), pywasm3.InvalidError
    )
    assert "duplicate export name" in shown
    check(shown, 1000)


# ---- traps ----


def trap_of(data: bytes, name: str, imports: Any = None) -> Trap:
    instance = pywasm3.Instance(Module(data), imports)
    with pytest.raises(Trap) as caught:
        instance.exports[name]()
    return caught.value


@pytest.mark.parametrize("shown", [str, repr])
def test_a_trap_is_shown_briefly(module: Module, shown: Callable[[object], str]) -> None:
    trap = trap_of(module.bytes, f"{LONG}recurse", {LONG: {LONG: lambda: None}})
    assert len(trap.frames) == 64
    check(shown(trap), 64 * 350)


def test_a_trap_with_many_long_names_is_short() -> None:
    """Sixty functions, each with a name of its own, call each other in a row."""
    count = 60
    functions = [body(b"\x10" + leb(index + 1)) for index in range(count - 1)] + [body(b"\0")]
    data = b"".join(
        [
            HEADER,
            TYPES,
            section(3, vector([leb(NOTHING)] * count)),
            section(7, vector([export("run", 0, 0)])),
            section(10, vector(functions)),
            names("m", {i: f"{EVIL}{i}{'ü' * 5000}" for i in range(count)}),
        ]
    )
    trap = trap_of(data, "run")
    check(str(trap))
    assert str(trap).count("\n") == count
    assert [frame.name for frame in trap.frames] == [
        f"{EVIL}{i}{'ü' * 5000}" for i in reversed(range(count))
    ]


def huge(fill: str) -> bytes:
    """A module with a function that calls itself, whose name has 20 MB."""
    name = fill * (HUGE // len(fill.encode()))
    return b"".join(
        [
            HEADER,
            TYPES,
            section(3, vector([leb(NOTHING)])),
            section(7, vector([export("run", 0, 0)])),
            section(10, vector([body(b"\x10\0")])),
            names("m", {0: name}),
        ]
    )


@pytest.mark.parametrize("fill", ["n", "\n", "\U0001f600"])
def test_a_trap_does_not_decode_names_of_megabytes(fill: str) -> None:
    instance = pywasm3.Instance(Module(huge(fill)))
    function = instance.exports.run
    with few_bytes(1 << 20):
        with pytest.raises(Trap) as caught:
            function()
        check(str(caught.value))
        check(repr(caught.value), 64 * 350)
        check(str(pickle.loads(pickle.dumps(caught.value))))
    frame = caught.value.frames[0]
    with few_bytes(6 * HUGE):  # Python's decoder reserves up to five bytes for one of these letters
        assert len(frame.name or "") == HUGE // len(fill.encode())


def test_a_frame_knows_its_long_name_when_the_instance_is_gone() -> None:
    trap = trap_of(huge("n"), "run")
    gc.collect()
    assert trap.frames[0].name == "n" * HUGE
    assert trap.frames[0] == trap.frames[0] == copy.deepcopy(trap.frames[0])


def test_a_pickled_frame_has_the_beginning_of_a_long_name() -> None:
    frame = trap_of(huge("n"), "run").frames[0]
    twin = pickle.loads(pickle.dumps(frame))
    assert twin.name == "n" * MAX_NAME + "..."
    assert (twin.function, twin.offset) == (frame.function, frame.offset)


@pytest.mark.parametrize("size", [1, 64, 65, 256, 257, 1027, 1028, 1029, 1030])
@pytest.mark.parametrize("letter", ["n", "é", "語", "\U0001f600"])
def test_names_around_the_limits_are_whole(size: int, letter: str) -> None:
    """Some of these names are decoded with the trap, and others when they are looked at."""
    name = letter * (size // len(letter.encode())) or letter
    data = b"".join(
        [
            HEADER,
            TYPES,
            section(3, vector([leb(NOTHING)])),
            section(7, vector([export(name, 0, 0)])),
            section(10, vector([body(b"\0")])),
        ]
    )
    trap = trap_of(data, name)
    assert trap.frames[0].name == name
    shown = name if len(name) <= 256 else name[:256] + "..."
    assert f"  at {shown} (function 0" in str(trap)
    assert repr(name)[:257] in repr(trap.frames[0])


# ---- many imports ----


def wide_imports(count: int) -> Module:
    """A module with many imported functions of a thousand parameters."""
    imports = [text("m") + text(f"f{i}") + b"\0" + leb(WIDEST) for i in range(count)]
    return Module(HEADER + TYPES + section(2, vector(imports)))


@pytest.fixture(scope="module")
def many() -> Module:
    return wide_imports(100_000)


def link_error(module: Module, imports: Any) -> LinkError:
    with pytest.raises(LinkError) as caught:
        pywasm3.Instance(module, imports)
    return caught.value


@pytest.mark.parametrize("given", [{}, {"m": dict.fromkeys([f"f{i}" for i in range(100_000)], 5)}])
def test_a_link_error_lists_the_first_imports(many: Module, given: dict[str, object]) -> None:
    error = link_error(many, given)
    check(str(error), MAX_LIST + 200)
    check(repr(error), MAX_LIST + 300)
    first, *lines, last = str(error).split("\n")
    assert first == "100,000 imports do not fit:"
    assert 10 <= len(lines) <= MAX_LISTED
    assert last == f"  ... and {100_000 - len(lines):,} more"
    every = error.missing or error.mismatched
    assert [entry.name for entry in every] == [f"f{i}" for i in range(100_000)]


def test_a_link_error_takes_little_memory(many: Module) -> None:
    """The list of what is missing has a pointer for each import, of which the types exist."""
    assert len(many.imports) == 100_000
    with few_bytes(8 * 4 * 100_000):
        link_error(many, {})


def test_a_link_error_shows_names_briefly(module: Module) -> None:
    for given in ({}, {LONG: {LONG: 5}}):
        error = link_error(module, given)
        check(str(error), 2000)
        check(repr(error), 2500)
        check(repr(error.missing or error.mismatched), 2500)


def test_a_function_type_lists_twenty_types() -> None:
    wide = FuncType(["i32"] * 1000, ["i32"] * 1000)
    twenty = ", ".join(["i32"] * 20)
    assert str(wide) == f"({twenty}, ... and 980 more) -> ({twenty}, ... and 980 more)"
    check(repr(wide), 300)


def test_exports_list_the_first_twenty() -> None:
    count = 100_000
    exports = section(7, vector([export(f"e{i}", 2, 0) for i in range(count)]))
    instance = pywasm3.Instance(Module(HEADER + section(5, vector([b"\0\1"])) + exports))
    check(repr(instance.exports), MAX_LIST)
    assert repr(instance.exports).endswith(f"... and {count - 20:,} more}}>")


# ---- the functions behind ----

UNPRINTABLE = [chr(c) for c in range(0x110000) if not chr(c).isprintable()]


def test_every_dangerous_character_is_escaped() -> None:
    """C0, DEL, C1, the separators, the marks for directions, and surrogates are unprintable."""
    ranges = [(0, 31), (127, 159), (0x2028, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF)]
    dangerous = {chr(c) for first, last in ranges for c in range(first, last + 1)}
    assert {*dangerous, "\u061c", "\u200e", "\u200f", "\ufeff"} <= set(UNPRINTABLE)
    for character in (*dangerous, *UNPRINTABLE[::1009]):
        for shown in (brief, brief_repr, brief_quoted):
            assert shown(character).isprintable()


@pytest.mark.parametrize("name", ["n" * 1000, "\n" * 1000, "\U000e0001" * 1000, "'\"\\" * 1000])
def test_a_name_takes_at_most_256_characters(name: str) -> None:
    assert 240 <= len(brief(name)) <= MAX_NAME + 3
    assert 240 <= len(brief_repr(name)) <= MAX_NAME + 5 + name[:MAX_NAME].count("'")
    assert 240 <= len(brief_quoted(name)) <= MAX_NAME + 5


@pytest.mark.parametrize("name", ["", "add", "odd name!", "été", "語", "a\\b", "std::vector<int>"])
def test_ordinary_names_are_shown_as_they_are(name: str) -> None:
    assert brief(name) == name
    assert brief_repr(name) == repr(name)


def test_a_list_is_cut_after_4096_characters() -> None:
    assert listed(["x" * 3000] * 3) == ["x" * 3000, "... and 2 more"]
    assert listed(["x" * 5000]) == ["x" * 5000]
    assert listed(list(range(20))) == list(map(str, range(20)))
    assert listed(list(range(1021)))[-1] == "... and 1,001 more"
    assert listed([]) == []


def test_the_signature_has_all_parameters(instance: pywasm3.Instance) -> None:
    assert len(inspect.signature(instance.exports[f"{LONG}wide"]).parameters) == 500


# ---- names that may be misspelt ----


def test_a_similar_name_is_suggested_as_messages_show_names() -> None:
    assert meant("lines", ["line\n", "other"]) == "; did you mean 'line\\n'?"
    assert meant("lines", ["x", "other"]) == ""


def test_long_names_are_not_compared() -> None:
    long = "n" * (MAX_SIMILAR + 1)
    assert meant(long, [long[:-1]]) == meant(long[:-1], [long]) == ""


def test_names_without_end_are_not_compared_for_ever() -> None:
    names = (f"name{i}" for i in itertools.count())
    assert meant("nome0", names) == "; did you mean 'name0'?"
    assert next(names) == f"name{MAX_COMPARED}"
