# SPDX-License-Identifier: MIT
"""Each numeric instruction computes in pywasm3 what it computes in wasmtime, bit by bit.

The expected values are wasmtime's. Floats enter and leave as integers with the same bits and are
reinterpreted in the guest, so that no conversion can change them. Where wasmtime returns a NaN, any
NaN is right (specification, section 4.3.3), except for the instructions in `EXACT`.
"""

from __future__ import annotations

import functools
import struct
from typing import Any

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

import pywasm3
from helpers import Oracle, wat
from pywasm3 import Trap

CARRIER = {"i32": "i32", "i64": "i64", "f32": "i32", "f64": "i64"}

# The types of the parameters and the type of the result, by the name of the instruction.
INSTRUCTIONS: dict[str, tuple[list[str], str]] = {}

# The specification says every bit of these instructions' results, even if an operand is a NaN.
EXACT = {"abs", "neg", "copysign", "reinterpret"}


def _add(names: str, types: list[str], params: int, result: str | None = None) -> None:
    for t in types:
        for name in names.split():
            INSTRUCTIONS[f"{t}.{name}"] = ([t] * params, result or t)


INTEGERS, FLOATS = ["i32", "i64"], ["f32", "f64"]
_add("add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr", INTEGERS, 2)
_add("eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u", INTEGERS, 2, "i32")
_add("clz ctz popcnt extend8_s extend16_s", INTEGERS, 1)
_add("eqz", INTEGERS, 1, "i32")
_add("extend32_s", ["i64"], 1)
_add("add sub mul div min max copysign", FLOATS, 2)
_add("eq ne lt gt le ge", FLOATS, 2, "i32")
_add("abs neg ceil floor trunc nearest sqrt", FLOATS, 1)
for _i in INTEGERS:
    for _f in FLOATS:
        for _s in "su":
            INSTRUCTIONS[f"{_i}.trunc_{_f}_{_s}"] = ([_f], _i)
            INSTRUCTIONS[f"{_i}.trunc_sat_{_f}_{_s}"] = ([_f], _i)
            INSTRUCTIONS[f"{_f}.convert_{_i}_{_s}"] = ([_i], _f)
INSTRUCTIONS |= {
    "i32.wrap_i64": (["i64"], "i32"),
    "i64.extend_i32_s": (["i32"], "i64"),
    "i64.extend_i32_u": (["i32"], "i64"),
    "f32.demote_f64": (["f64"], "f32"),
    "f64.promote_f32": (["f32"], "f64"),
    "i32.reinterpret_f32": (["f32"], "i32"),
    "i64.reinterpret_f64": (["f64"], "i64"),
    "f32.reinterpret_i32": (["i32"], "f32"),
    "f64.reinterpret_i64": (["i64"], "f64"),
}


def _function(name: str) -> str:
    params, result = INSTRUCTIONS[name]
    gets = []
    for i, t in enumerate(params):
        gets.append(f"local.get {i}")
        if t[0] == "f":
            gets.append(f"{t}.reinterpret_{CARRIER[t]}")
    back = f"{CARRIER[result]}.reinterpret_{result}" if result[0] == "f" else ""
    carriers = " ".join(CARRIER[t] for t in params)
    return (
        f'(func (export "{name}") (param {carriers}) (result {CARRIER[result]}) '
        f"{' '.join(gets)} {name} {back})"
    )


@functools.cache
def machines() -> tuple[Oracle, pywasm3.Exports]:
    data = wat(f"(module {' '.join(map(_function, INSTRUCTIONS))})")
    return Oracle(data), pywasm3.load(data).exports


def patterns(valtype: str) -> st.SearchStrategy[int]:
    """Bit patterns as signed integers, often values that are special for integers or floats."""
    width = 32 if valtype.endswith("32") else 64
    every = st.integers(-(1 << (width - 1)), (1 << (width - 1)) - 1)
    small = st.integers(-70, 70)
    if valtype[0] == "i":
        powers = st.integers(0, width - 1).map(lambda n: (1 << n) - ((n == width - 1) << width))
        return st.one_of(every, small, powers)
    code, form = ("<i", "<f") if width == 32 else ("<q", "<d")
    floats = st.one_of(
        st.floats(width=32 if width == 32 else 64),
        st.integers(-70, 70).map(lambda n: n / 2),
        st.sampled_from([2.0**31, -(2.0**31), 2.0**32, 2.0**63, -(2.0**63), 2.0**64]),
    ).map(lambda value: struct.unpack(code, struct.pack(form, value))[0])
    nans = [0x7FA00001, -0x5FFFFF] if width == 32 else [0x7FF4000000000001, -0xBFFFFFFFFFFFF]
    return st.one_of(every, floats, st.sampled_from(nans))


def is_nan(bits: int, valtype: str) -> bool:
    if valtype == "f32":
        return bits & 0x7FFFFFFF > 0x7F800000
    return bits & (1 << 63) - 1 > 0x7FF0000000000000


def outcome(call: Any, *arguments: int) -> int | str:
    """The result of a call, or the official test-suite's phrase for its trap."""
    try:
        result: int = call(*arguments)
    except (Trap, wasmtime.Trap, wasmtime.WasmtimeError) as error:
        text = str(error)
        for phrase in (
            "integer divide by zero",
            "integer overflow",
            "invalid conversion to integer",
        ):
            if phrase in text:
                return phrase
        raise
    return result


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_an_instruction_computes_what_wasmtime_computes(name: str) -> None:
    params, result = INSTRUCTIONS[name]
    oracle, exports = machines()
    ours = exports[name]
    theirs = functools.partial(oracle.call, name)
    exact = result[0] == "i" or name.split(".")[1].split("_")[0] in EXACT

    @given(st.tuples(*map(patterns, params)))
    def check(arguments: tuple[int, ...]) -> None:
        expected, given_ = outcome(theirs, *arguments), outcome(ours, *arguments)
        if not exact and isinstance(expected, int) and is_nan(expected, result):
            assert isinstance(given_, int)
            assert is_nan(given_, result)
        else:
            assert given_ == expected

    check()
