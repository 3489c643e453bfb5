# SPDX-License-Identifier: MIT
"""Each vector instruction computes what its definition says, at the edges of every lane's range.

The expected results come from `simd_model.py`, which computes the definitions of the specification
in plain Python. wasmtime must agree with the model, too, so that a mistake of the model shows.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import pytest
import wasmtime

import pywasm3
from helpers import wat
from pywasm3._ffi import lib
from simd_floats import fma
from simd_model import FORMATS, MODELS, Result, lanes, pack
from simd_ops import OPS, RELAXED, SAME
from simd_table import FORMS, Machine, expected, groups, mistakes

# The relaxed instructions for which wasmtime does not choose what the deterministic profile says:
# it rounds once, and its sums of two products do not saturate.
OTHERWISE_IN_WASMTIME = RELAXED - SAME.keys()


class Ours(Machine):
    """pywasm3 with an instance of a module."""

    def __init__(self, data: bytes) -> None:
        self.exports = pywasm3.Instance(pywasm3.Module(data)).exports

    def call(self, name: str, end: int) -> None:
        self.exports[name](end)

    def read(self, start: int, size: int) -> bytes:
        return bytes(self.exports.m.read(start, size))

    def write(self, start: int, data: bytes) -> None:
        self.exports.m.write(start, data)


@functools.cache
def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_relaxed_simd_deterministic = True
    return wasmtime.Engine(config)


class Wasmtime(Machine):
    """wasmtime with an instance of a module."""

    def __init__(self, data: bytes) -> None:
        self.store = wasmtime.Store(_engine())
        instance = wasmtime.Instance(self.store, wasmtime.Module(_engine(), data), [])
        self.exports = instance.exports(self.store)

    def call(self, name: str, end: int) -> None:
        self.exports[name](self.store, end)

    def read(self, start: int, size: int) -> bytes:
        return bytes(self.exports["m"].read(self.store, start, start + size))

    def write(self, start: int, data: bytes) -> None:
        self.exports["m"].write(self.store, data, start)


@pytest.fixture(params=["all", "baseline"])
def level(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets pywasm3 use all vector instructions of this processor, or those that each one has."""
    lib.pw_use_baseline_vectors(request.param == "baseline")
    yield
    lib.pw_use_baseline_vectors(False)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("name", OPS)
def test_an_instruction_computes_what_its_definition_says(name: str) -> None:
    assert mistakes(name, Ours)[:5] == []


@pytest.mark.parametrize("name", [name for name in OPS if name not in OTHERWISE_IN_WASMTIME])
def test_the_model_agrees_with_wasmtime(name: str) -> None:
    assert mistakes(name, Wasmtime)[:5] == []


@pytest.mark.parametrize(("name", "byte"), [("i8x16.add", 0), ("v128.store8_lane", 1)])
def test_a_wrong_bit_is_noticed_in_a_result_and_behind_it(name: str, byte: int) -> None:
    class FlipsOneBit(Wasmtime):
        def read(self, start: int, size: int) -> bytes:
            data = bytearray(super().read(start, size))
            data[-16 + byte] ^= 0x10
            return bytes(data)

    forms = len(FORMS) * len(groups(name))
    assert len(mistakes(name, FlipsOneBit)) == forms


# ---- the table itself ----------------------------------------------------------------------------


def test_every_instruction_has_a_model() -> None:
    assert len(OPS) == 236 + 20
    assert MODELS.keys() == OPS.keys()


def test_the_codes_are_those_of_the_text_format() -> None:
    """wasmtime's assembler gives each instruction the code that the table has."""
    for op in OPS.values():
        text = op.name + {
            "const": " i64x2 0 0",
            "shuffle": " 0" * 16,
            "lane": " 0",
            "memory lane": " 0",
        }.get(op.immediates, "")
        results = f"(result {op.result})" if op.result else ""
        gets = " ".join(f"local.get {i}" for i in range(len(op.params)))
        data = wat(
            f"(module (memory 1) (func (param {' '.join(op.params)}) {results} {gets} {text}))"
        )
        code = b"".join(b"\x20" + bytes([i]) for i in range(len(op.params))) + op.code
        assert code in data, op.name


def _differs(name: str, other: str) -> bool:
    """Tells whether the table of an instruction has a case in which another one is wrong."""
    for group, results in zip(groups(name), expected(name), strict=True):
        if any(map(Result.differs, results, group.results(other))):
            return True
    return False


def test_the_table_tells_every_instruction_from_every_other_one() -> None:
    """No instruction can stand for another one with the same types.

    So the suite notices if an operation has lanes of another width, of another sign or of another
    kind than its name says.
    """
    kinds: dict[object, list[str]] = {}
    for op in OPS.values():
        if op.name not in SAME:
            kinds.setdefault((op.immediates, op.params, op.result, op.lanes, op.size), []).append(
                op.name
            )
    alike = [
        (one, other)
        for names in kinds.values()
        for one, other in itertools.permutations(names, 2)
        if not _differs(one, other)
    ]
    assert alike == []


@pytest.mark.parametrize("name", SAME)
def test_a_relaxed_instruction_computes_what_another_one_does(name: str) -> None:
    assert not _differs(name, SAME[name])


@pytest.mark.parametrize("shape", ["f32x4", "f64x2"])
def test_the_table_tells_two_roundings_from_one(shape: str) -> None:
    """A relaxed_madd that does not round its product is wrong in some case."""
    form = FORMATS[shape]
    (group,), (results,) = groups(f"{shape}.relaxed_madd"), expected(f"{shape}.relaxed_madd")

    def is_once(case: tuple[bytes, ...], result: Result) -> bool:
        columns = zip(*[lanes(operand, form.width) for operand in case], strict=True)
        once = [fma(form, *column) for column in columns]
        return not result.differs(pack(once, form.width))

    assert not all(map(is_once, group.cases, results))
