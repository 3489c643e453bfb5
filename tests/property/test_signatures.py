# SPDX-License-Identifier: MIT
"""Functions of any type get all their arguments and return all their results.

Hypothesis draws types with up to 20 parameters and results, for wasm functions and for host
functions. The expected results are chosen by the test (`chosen`) and, for wasm functions, also
computed by wasmtime.
"""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import pywasm3
from helpers import TYPES, Oracle, load, wat
from pywasm3 import FuncType

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i32": st.integers(-(1 << 31), (1 << 31) - 1),
    "i64": st.integers(-(1 << 63), (1 << 63) - 1),
    "f32": st.floats(width=32, allow_nan=False),
    "f64": st.floats(width=64, allow_nan=False),
}

type_lists = st.lists(st.sampled_from(TYPES), max_size=20)


@st.composite
def functions(draw: st.DrawFn) -> tuple[list[str], list[str], list[Any], list[int | Any]]:
    """Parameter types, result types, arguments, and the source of each result.

    A source is the index of a parameter, or a constant in a tuple of one.
    """
    params = draw(type_lists)
    results = draw(type_lists)
    arguments = [draw(VALUES[t]) for t in params]
    sources: list[Any] = []
    for t in results:
        indices = [i for i, p in enumerate(params) if p == t]
        if indices and draw(st.booleans()):
            sources.append(draw(st.sampled_from(indices)))
        else:
            sources.append((draw(VALUES[t]),))
    return params, results, arguments, sources


def constant(valtype: str, value: Any) -> str:
    if valtype[0] == "i":
        return f"{valtype}.const {value}"
    bits, code = ("i32", "<fi") if valtype == "f32" else ("i64", "<dq")
    pattern = struct.unpack(f"<{code[2]}", struct.pack(f"<{code[1]}", value))[0]
    return f"{bits}.const {pattern} {valtype}.reinterpret_{bits}"


def body(results: list[str], sources: list[Any]) -> str:
    return " ".join(
        constant(t, source[0]) if isinstance(source, tuple) else f"local.get {source}"
        for t, source in zip(results, sources, strict=True)
    )


def signature(params: list[str], results: list[str]) -> str:
    return f"(param {' '.join(params)}) (result {' '.join(results)})"


def packed(values: list[Any]) -> list[bytes | int]:
    """Values with the floats as bytes, so that -0.0 is not equal to 0.0."""
    return [struct.pack("<d", v) if isinstance(v, float) else v for v in values]


def as_list(result: Any) -> list[Any]:
    return [] if result is None else list(result) if isinstance(result, tuple) else [result]


def chosen(arguments: list[Any], sources: list[Any]) -> list[Any]:
    return [s[0] if isinstance(s, tuple) else arguments[s] for s in sources]


@given(functions())
def test_a_function_of_any_type_gives_its_results(function: Any) -> None:
    params, results, arguments, sources = function
    exports = load(
        f'(module (func (export "f") {signature(params, results)} {body(results, sources)}))'
    ).exports
    assert exports.f.type == FuncType(params, results)
    assert packed(as_list(exports.f(*arguments))) == packed(chosen(arguments, sources))


@given(functions())
def test_a_function_of_any_type_gives_what_wasmtime_gives(function: Any) -> None:
    params, results, arguments, sources = function
    data = wat(
        f"(module (func $f {signature(params, results)} {body(results, sources)})"
        f'(func (export "f") {signature(params, results)}'
        f"{' '.join(f'local.get {i}' for i in range(len(params)))} call $f))"
    )
    ours = as_list(pywasm3.load(data).exports.f(*arguments))
    theirs = as_list(Oracle(data).call("f", *arguments))
    assert packed(ours) == packed(theirs)


@given(functions())
def test_a_host_function_of_any_type_gets_all_and_gives_all(function: Any) -> None:
    params, results, arguments, sources = function
    seen: list[Any] = []

    def host(*values: Any) -> Any:
        seen.extend(values)
        answer = chosen(arguments, sources)
        return None if not answer else answer[0] if len(answer) == 1 else tuple(answer)

    gets = " ".join(f"local.get {i}" for i in range(len(params)))
    exports = load(
        f"""(module (import "env" "f" (func $f {signature(params, results)}))
        (func (export "g") {signature(params, results)} {gets} call $f))""",
        {"env": {"f": host}},
    ).exports
    assert packed(as_list(exports.g(*arguments))) == packed(chosen(arguments, sources))
    assert packed(seen) == packed(arguments)


@given(functions(), st.integers(1, 1000))
def test_any_other_number_of_arguments_is_refused(function: Any, more: int) -> None:
    params, results, arguments, sources = function
    f = load(
        f'(module (func (export "f") {signature(params, results)} {body(results, sources)}))'
    ).exports.f
    try:
        f(*arguments, *[0] * more)
    except TypeError as error:
        assert str(len(params)) in str(error)
        assert str(len(params) + more) in str(error)
    else:
        raise AssertionError("accepted")
