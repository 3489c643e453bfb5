# SPDX-License-Identifier: MIT
"""Makes, for each vector instruction, the table of its cases and a module that runs them.

A case has the operands that the instruction gets. The operands are pairs (or triples) of values at
the edges of their lane's range, in a random order that is always the same, and whole vectors.

The module of an instruction has the operands of all cases in its memory, and functions that run
through them in a loop and store the results. Each `FORMS` of a function gives the instruction its
operands in another way, because an engine may treat them differently.
"""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import helpers
from simd_edges import edges
from simd_model import WIDTHS, Result, compute, vector
from simd_ops import LANES, OPS, Op

STRIDE = 16  # bytes from one case to the next, in the areas of the operands and of the results
AREA = 1 << 16  # bytes of an area


class Group(NamedTuple):
    """Cases that have the same immediates. `names` are those of `simd_model.compute`."""

    names: dict[str, Any]
    cases: list[tuple[Any, ...]]

    def results(self, name: str) -> Iterator[Result]:
        """Yields what an instruction returns for each case."""
        for case in self.cases:
            yield compute(name, *case, **self.names)


# ---- operands -----------------------------------------------------------------------------------

# fmt: off
# Operands whose product with each other, plus a third of them, tells one rounding from two.
_FUSED = {
    "f32": [
        0, 0x80000000, 0x3F800000, 0xBF800000, 0x3F800001, 0xBF800001, 0x3F7FFFFF, 0x33800000,
        0xBF7FFFFF, 0x3F800002, 0x7F7FFFFF, 0x00800001, 0x7F800000, 0xFF800000, 0x7FC00000,
        0xFFC12345, 0x7F800001,
    ],
    "f64": [
        0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x3FF0000000000001,
        0xBFF0000000000001, 0x3FEFFFFFFFFFFFFF, 0xBFEFFFFFFFFFFFFF, 0x3FF0000000000002,
        0x3CA0000000000000, 0x7FEFFFFFFFFFFFFF, 0x0010000000000001, 0x7FF0000000000000,
        0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8123456789ABC, 0x7FF0000000000001,
    ],
}
# fmt: on
_COUNTS = sorted(
    {0, 1, 3, 100, 255, 256, 1 << 31, (1 << 32) - 8, (1 << 32) - 1}
    | {width + more for width in (8, 16, 32, 64, 128) for more in (-1, 0, 1)}
)


def _source(name: str) -> str:
    """Returns the shape of an instruction's operands: the last one that its name mentions."""
    found = [shape for shape in re.findall("[if][0-9]+x[0-9]+", name) if shape in LANES]
    return found[-1] if found else "i8x16"


def _lane(shape: str) -> str:
    return shape.split("x")[0]


# ---- vectors -------------------------------------------------------------------------------------


def _random_vectors(dice: random.Random, number: int) -> list[bytes]:
    return [dice.randbytes(16) for _ in range(number)]


@functools.cache
def _whole() -> tuple[bytes, ...]:
    """Returns vectors of zeros, of ones, and all those in which one byte differs from the rest."""
    found = [bytes(16), b"\xff" * 16, bytes(range(16)), bytes(range(240, 256)), b"\x80" * 16]
    found += [b"\x00\x80" * 8, b"\x00\x00\x00\x80" * 4, b"\x7f" * 16]
    for other, byte in ((0, 1), (0, 0x80), (0xFF, 0), (0xFF, 0x7F), (1, 0)):
        for place in range(16):
            found.append(bytes(byte if i == place else other for i in range(16)))
    for size in (2, 4, 8):
        for place in range(0, 16, size):
            found.append(bytes(0 if place <= i < place + size else 0x41 for i in range(16)))
    return tuple(found)


def _columns(
    dice: random.Random, rows: Sequence[tuple[int, ...]], width: int
) -> list[tuple[bytes, ...]]:
    """Packs rows of lanes to vectors, in a random order; the last vectors repeat some rows."""
    rows = dice.sample(rows, len(rows))
    lanes = 128 // width
    rows += rows[: -len(rows) % lanes]
    return [
        tuple(vector(column, width) for column in zip(*rows[i : i + lanes], strict=True))
        for i in range(0, len(rows), lanes)
    ]


def _vector_cases(op: Op, dice: random.Random) -> list[tuple[Any, ...]]:
    """Returns the cases of an instruction that has only vectors as operands."""
    shape = _source(op.name)
    width, lane, number = WIDTHS[shape], _lane(shape), len(op.params)
    values = edges(lane)
    if number == 3:
        values = _FUSED.get(lane) or [0, 1, 0x7F, 0x80, 0x55, 0xAA, 0xFF]
    rows = list(itertools.product(values, repeat=number))
    found: list[tuple[Any, ...]] = _columns(dice, rows, width)
    found += [tuple(_random_vectors(dice, number)) for _ in range(40)]
    if number == 1:
        return found + [(one,) for one in _whole()]
    found += [tuple(dice.choices(_whole(), k=number)) for _ in range(20)]
    # Equal operands tell a comparison, and lanes of the least number overflow a sum of products.
    same = [b"\x80" * 16, b"\x00\x80" * 8, b"\xff" * 16, *_random_vectors(dice, 4)]
    return found + [(one,) * number for one in same]


def _some_vectors(op: Op, dice: random.Random) -> list[bytes]:
    """Returns vectors that have all edges of the instruction's lanes in them."""
    shape = _source(op.name)
    rows = [(value,) for value in edges(_lane(shape))]
    return [one for (one,) in _columns(dice, rows, WIDTHS[shape])] + _random_vectors(dice, 6)


def _shuffles(dice: random.Random) -> list[list[int]]:
    """Returns the lanes of shuffles: what machines have an instruction for, edges and others."""
    found = [list(range(first, first + 16)) for first in (0, 1, 3, 4, 8, 12, 15, 16)]
    found += [[place] * 16 for place in (0, 1, 15, 16, 31)]
    found.append(list(range(15, -1, -1)))
    found.append(list(range(31, 15, -1)))
    for size in (1, 2, 4, 8):  # one piece of each operand in turn, and the order in it reversed
        low = [i for first in range(0, 8, size) for i in range(first, first + size)]
        for start in (0, 8):
            pieces = [low[i : i + size] for i in range(0, 8, size)]
            turns = [[start + i + side for i in piece] for piece in pieces for side in (0, 16)]
            found.append([i for piece in turns for i in piece])
        found.append([first + size - 1 - i for first in range(0, 16, size) for i in range(size)])
        found.append([i + size & 15 for i in range(16)])
    return found + [[dice.randrange(32) for _ in range(16)] for _ in range(10)]


@functools.cache
def groups(name: str) -> list[Group]:
    """Returns all cases of an instruction."""
    op, dice = OPS[name], random.Random(name)
    if op.immediates == "const":
        values = [*_whole()[:20], *_random_vectors(dice, 10)]
        return [Group({"bytes": value}, [()]) for value in values]
    if op.immediates == "shuffle":
        cases = [tuple(_random_vectors(dice, 2)) for _ in range(4)]
        cases.append((bytes(range(16)), bytes(range(16, 32))))
        return [Group({"lanes": lanes}, list(cases)) for lanes in _shuffles(dice)]
    found = _cases(op, dice)
    if op.lanes:
        return [Group({"lane": lane}, found) for lane in range(op.lanes)]
    return [Group({}, found)]


@functools.cache
def expected(name: str) -> list[list[Result]]:
    """Returns the results of all cases of an instruction, a list for each group."""
    return [list(group.results(name)) for group in groups(name)]


def _cases(op: Op, dice: random.Random) -> list[tuple[Any, ...]]:
    """Returns the cases of an instruction, to which each number of a lane is added."""
    if op.size:
        pieces = [one[: op.size] for one in (*_random_vectors(dice, 60), *_whole())]
        if op.params == ("i32",):
            return [(piece,) for piece in pieces]
        vectors = [*_random_vectors(dice, 20), *_whole()[:8]]
        if op.result is None:
            return [(one,) for one in vectors]
        return [(dice.choice(pieces), one) for one in vectors]
    if all(param == "v128" for param in op.params):
        return _vector_cases(op, dice)
    scalar = op.params[-1]
    if op.verb == "splat":
        return [(value,) for value in edges(scalar)]
    if op.verb == "replace_lane":
        values = edges(scalar)
        return [(one, dice.choice(values)) for one in _some_vectors(op, dice)] + [
            (dice.randbytes(16), value) for value in values
        ]
    return [(one, count) for one in _some_vectors(op, dice) for count in _COUNTS]


# ---- modules -------------------------------------------------------------------------------------

# How the instruction gets its operands, and where its result goes.
FORMS = (
    "from memory to memory",
    "from locals to a local",
    "from locals to the local of the first operand",
    "from locals to the local of the last operand",
)
_RESULTS = 3  # number of the first area of results, behind those of the operands


def base(area: int) -> int:
    """Returns where an area begins: not at a multiple of anything, as addresses may be."""
    return area * AREA + 3 * area + 1


def _text(op: Op, names: dict[str, Any]) -> str:
    """Returns the instruction with its immediates, but without an offset."""
    immediates = names.get("lanes", [names["lane"]] if "lane" in names else [])
    if op.immediates == "const":
        immediates = ["i8x16", *names["bytes"]]
    return " ".join([op.name, *map(str, immediates)])


def _load(type_: str, area: int, address: str = "(local.get $p)") -> str:
    return f"({type_}.load offset={base(area)} align=1 {address})"


_COMPUTED = "(i32.sub (local.get $p) (i32.const 0))"


def _access(op: Op, names: dict[str, Any], form: int) -> str:
    """Returns the code of a load or a store."""
    _, *rest = _text(op, names).split()
    area = _RESULTS + form if op.result is None else 0
    address = "(local.get $p)" if form % 2 == 0 else _COMPUTED
    code = f"{op.name} offset={base(area)} align=1 {' '.join(rest)} {address}"
    if len(op.params) == 1:
        return f"({code})"
    source = 0 if op.result is None else 1
    if form == 0:
        return f"({code} {_load('v128', source)})"
    return f"(local.set $1 {_load('v128', source)}) ({code} (local.get $1))"


def _operation(op: Op, names: dict[str, Any], form: int) -> str:
    """Returns the code of an instruction that does not access the memory."""
    if form == 0:
        operands = [_load(type_, area) for area, type_ in enumerate(op.params)]
        return f"({_text(op, names)} {' '.join(operands)})"
    sets = [f"(local.set ${i} {_load(type_, i)})" for i, type_ in enumerate(op.params)]
    gets = [f"(local.get ${i})" for i in range(len(op.params))]
    return f"{' '.join(sets)} ({_text(op, names)} {' '.join(gets)})"


def _stored(op: Op, code: str, form: int) -> str:
    """Returns code that computes a result and stores it."""
    if op.result is None:
        return code
    target = "$result"
    if form == 2 and op.params[:1] == (op.result,) and not op.size:
        target = "$0"
    if form == 3 and op.params[-1:] == (op.result,):
        target = f"${len(op.params) - 1}"
    store = f"{op.result}.store offset={base(_RESULTS + form)} align=1"
    if form == 0:
        return f"({store} (local.get $p) {code})"
    return f"{code} (local.set {target}) ({store} (local.get $p) (local.get {target}))"


def _function(op: Op, names: dict[str, Any], number: int, form: int) -> str:
    code = (_access if op.size else _operation)(op, names, form)
    locals_ = "".join(f" (local ${i} {type_})" for i, type_ in enumerate(op.params))
    return f"""(func (export "{number} {form}") (param $end i32) (local $p i32){locals_}
        (local $result {op.result or "v128"})
        (loop $next {_stored(op, code, form)}
            (local.set $p (i32.add (local.get $p) (i32.const {STRIDE})))
            (br_if $next (i32.lt_u (local.get $p) (local.get $end)))))"""


@functools.cache
def module(name: str) -> bytes:
    """Returns a module that runs the cases of an instruction.

    The function "NUMBER FORM" runs a group, whose operands are in the memory "m", up to the case
    at `end`.
    """
    op, found = OPS[name], groups(name)
    functions = [
        _function(op, group.names, number, form)
        for number, group in enumerate(found)
        for form in range(len(FORMS))
    ]
    pages = _RESULTS + len(FORMS) + 1
    return helpers.wat(f'(module (memory (export "m") {pages}) {" ".join(functions)})')


def operands(group: Group) -> list[bytes]:
    """Returns the contents of the areas of operands."""
    areas = []
    for column in zip(*group.cases, strict=True):
        found = bytearray()
        for operand in column:
            data = operand if isinstance(operand, bytes) else operand.to_bytes(8, "little")
            found += data.ljust(STRIDE, b"\xa5")
        areas.append(bytes(found))
    return areas


class Machine(Protocol):
    """An engine with an instance of a module."""

    def __init__(self, data: bytes) -> None:
        """Makes the instance."""

    def call(self, name: str, end: int) -> None:
        """Calls an export with the parameter `end`."""

    def read(self, start: int, size: int) -> bytes:
        """Reads the memory."""
        ...

    def write(self, start: int, data: bytes) -> None:
        """Writes the memory."""


def mistakes(name: str, engine: type[Machine]) -> list[str]:
    """Runs all cases of an instruction and returns a line for each result that is wrong."""
    found = []
    machine = engine(module(name))
    for number, group in enumerate(groups(name)):
        for area, data in enumerate(operands(group)):
            machine.write(base(area), data)
        mask, bits = _areas(name)[number]
        for form in range(len(FORMS)):
            given = _run(machine, number, form, len(group.cases))
            if int.from_bytes(given, "little") & mask != bits:
                found += _mistakes(name, number, form, given)
    return found


def _run(machine: Machine, number: int, form: int, cases: int) -> bytes:
    """Runs a group and returns the area of its results."""
    size, start = cases * STRIDE, base(_RESULTS + form)
    assert size <= AREA - STRIDE
    machine.write(start, _UNTOUCHED * size)
    machine.call(f"{number} {form}", size)
    return machine.read(start, size)


_UNTOUCHED = b"\x5a"


@functools.cache
def _areas(name: str) -> list[tuple[int, int]]:
    """Returns, for each group, which bits of the area of its results are fixed, and these bits."""
    found = []
    for results in expected(name):
        mask, bits = bytearray(), bytearray()
        for result in results:
            rest = STRIDE - result.size  # nothing may be stored behind the result
            mask += result.mask.to_bytes(result.size, "little") + b"\xff" * rest
            bits += (result.bits & result.mask).to_bytes(result.size, "little") + _UNTOUCHED * rest
        found.append((int.from_bytes(mask, "little"), int.from_bytes(bits, "little")))
    return found


def _mistakes(name: str, number: int, form: int, given: bytes) -> Iterator[str]:
    """Yields a line for each result of a group that is wrong."""
    group, results = groups(name)[number], expected(name)[number]
    for place, (case, result) in enumerate(zip(group.cases, results, strict=True)):
        piece = given[place * STRIDE :][:STRIDE]
        right = result.accepts(int.from_bytes(piece[: result.size], "little"))
        if right and piece[result.size :] == _UNTOUCHED * (STRIDE - result.size):
            continue
        shown = " ".join(one.hex() if isinstance(one, bytes) else hex(one) for one in case)
        bits, mask = (value.to_bytes(result.size, "little").hex() for value in result[:2])
        yield (
            f"{_text(OPS[name], group.names)} {FORMS[form]}: {shown} gives {piece.hex()}, "
            f"expected {bits} in the bits {mask}"
        )
