# SPDX-License-Identifier: MIT
"""Computes every vector instruction in plain Python, one lane after the other.

The definitions are those of the specification's section 4.3 (numerics). A vector is 16 bytes, a
scalar is a bit pattern as an unsigned int, and floats are computed with fractions, so that nothing
here depends on the floats of Python or of the machine.

    compute("i8x16.add", a, b)                   a Result of 128 bits
    compute("i8x16.extract_lane_s", a, lane=3)   a Result of 32 bits
    compute("v128.load8x8_s", data)              a load takes the bytes that it reads
    compute("v128.load8_lane", data, a, lane=3)
    compute("v128.store8_lane", a, lane=3)       the Result is what the store writes

Where the specification allows several NaNs, a `Result` says which bits are fixed.

A relaxed instruction has one result, the same on every platform: that of the specification's
deterministic profile. Most of them compute what the instruction does whose name they have, such as
f32x4.min. A relaxed_madd rounds the product and the sum, and the relaxed dot products multiply
signed numbers and saturate each sum of two products.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import simd_floats as floats
from simd_floats import F32, F64, Choice, Format, Lane
from simd_ops import LANES, OPS


class Result(NamedTuple):
    """The values that an instruction may return: those with the bits `bits` where `mask` is 1."""

    bits: int
    mask: int
    size: int  # in bytes

    def accepts(self, given: int) -> bool:
        """Tells whether a value is one of those that the specification allows."""
        return given & self.mask == self.bits & self.mask

    def differs(self, other: Result) -> bool:
        """Tells whether no value is allowed by both results."""
        return self.size != other.size or bool((self.bits ^ other.bits) & self.mask & other.mask)


# ---- vectors -------------------------------------------------------------------------------------


def lanes(vector: bytes, width: int) -> list[int]:
    """Returns the lanes of some bytes as unsigned numbers of `width` bits."""
    step = width // 8
    return [int.from_bytes(vector[i : i + step], "little") for i in range(0, len(vector), step)]


def signed(number: int, width: int) -> int:
    """Returns an unsigned number of `width` bits as the signed number with the same bits."""
    return number - (1 << width) if number >> (width - 1) else number


def vector(numbers: Iterable[int], width: int) -> bytes:
    """Returns the bytes of lanes of `width` bits, of which only the lowest bits count."""
    return b"".join((n & (1 << width) - 1).to_bytes(width // 8, "little") for n in numbers)


def pack(found: Sequence[Lane], width: int) -> Result:
    """Returns the result with these lanes."""
    ones = (1 << width) - 1
    bits = mask = 0
    for lane in reversed(found):
        own, fixed = lane if isinstance(lane, Choice) else (lane & ones, ones)
        bits, mask = bits << width | own, mask << width | fixed
    return Result(bits, mask, len(found) * width // 8)


def _saturated(number: int, width: int, sign: str) -> int:
    """Returns the number that is nearest, of those that fit into a lane."""
    if sign == "s":
        return min(max(number, -(1 << (width - 1))), (1 << (width - 1)) - 1)
    return min(max(number, 0), (1 << width) - 1)


def _read(data: bytes, width: int, sign: str) -> list[int]:
    """Returns the lanes of some bytes as numbers, signed ones if `sign` is "s"."""
    found = lanes(data, width)
    return [signed(number, width) for number in found] if sign == "s" else found


Model: TypeAlias = Callable[..., Result]
MODELS: dict[str, Model] = {}


def _add(name: str, model: Model) -> None:
    MODELS[name] = model


def _each(name: str, lane: Callable[..., Lane], width: int, sign: str = "u") -> None:
    """Adds an instruction that computes each lane of its result from the same lanes of operands."""

    def model(*operands: bytes) -> Result:
        columns = zip(*[_read(operand, width, sign) for operand in operands], strict=True)
        return pack([lane(*column) for column in columns], width)

    _add(name, model)


# ---- integers ------------------------------------------------------------------------------------

INTEGERS = ("i8x16", "i16x8", "i32x4", "i64x2")
WIDTHS = {shape: 128 // number for shape, number in LANES.items()}
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
}
_ARITHMETIC: dict[str, Callable[..., int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "avgr_u": lambda a, b: (a + b + 1) // 2,
    "popcnt": int.bit_count,
}
_EITHER: dict[str, Callable[[int, int], int]] = {"min": min, "max": max}
_SATURATING: dict[str, Callable[[int, int], int]] = {
    "add_sat": lambda a, b: a + b,
    "sub_sat": lambda a, b: a - b,
}


def _test(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], int]:
    """Returns a comparison whose result is a lane of ones or of zeros."""
    return lambda a, b: -1 if test(a, b) else 0


def _add_integers(shape: str) -> None:
    width = WIDTHS[shape]
    for verb, test in _TESTS.items():
        _each(f"{shape}.{verb}", _test(test), width)
        for sign in "su":
            _each(f"{shape}.{verb}_{sign}", _test(test), width, sign)
    for verb, compute_lane in _ARITHMETIC.items():
        _each(f"{shape}.{verb}", compute_lane, width)
    _each(f"{shape}.abs", abs, width, "s")
    for sign in "su":
        for verb, either in _EITHER.items():
            _each(f"{shape}.{verb}_{sign}", either, width, sign)
        for verb, exact in _SATURATING.items():
            _each(f"{shape}.{verb}_{sign}", _saturating(exact, width, sign), width, sign)
    _add_shifts(shape, width)
    _add_summaries(shape, width)
    _add_lane_accesses(shape, width)


def _saturating(exact: Callable[[int, int], int], width: int, sign: str) -> Callable[..., int]:
    return lambda a, b: _saturated(exact(a, b), width, sign)


def _add_shifts(shape: str, width: int) -> None:
    def left(a: bytes, count: int) -> Result:
        return pack([n << count % width for n in lanes(a, width)], width)

    def right(sign: str) -> Model:
        return lambda a, count: pack([n >> count % width for n in _read(a, width, sign)], width)

    _add(f"{shape}.shl", left)
    _add(f"{shape}.shr_s", right("s"))
    _add(f"{shape}.shr_u", right("u"))


def _boolean(value: bool) -> Result:
    return pack([int(value)], 32)


def _add_summaries(shape: str, width: int) -> None:
    def bitmask(a: bytes) -> Result:
        return pack([sum((n >> (width - 1)) << i for i, n in enumerate(lanes(a, width)))], 32)

    _add(f"{shape}.all_true", lambda a: _boolean(all(lanes(a, width))))
    _add(f"{shape}.bitmask", bitmask)


def _add_lane_accesses(shape: str, width: int) -> None:
    """Adds splat, extract_lane and replace_lane, which only move bits."""
    scalar = max(width, 32)

    def extract(sign: str) -> Model:
        return lambda a, lane: pack([_read(a, width, sign)[lane]], scalar)

    def replace(a: bytes, value: int, lane: int) -> Result:
        found = lanes(a, width)
        found[lane] = value
        return pack(found, width)

    _add(f"{shape}.splat", lambda value: pack([value] * (128 // width), width))
    for suffix, sign in (("", "u"), ("_s", "s"), ("_u", "u")):
        _add(f"{shape}.extract_lane{suffix}", extract(sign))
    _add(f"{shape}.replace_lane", replace)


# ---- from one shape to another -------------------------------------------------------------------


def _halves(data: bytes) -> dict[str, bytes]:
    return {"low": data[:8], "high": data[8:]}


def _extend(part: str, width: int, sign: str) -> Model:
    return lambda a: pack(_read(_halves(a)[part], width, sign), 2 * width)


def _products(part: str, width: int, sign: str) -> Model:
    def model(a: bytes, b: bytes) -> Result:
        left, right = (_read(_halves(operand)[part], width, sign) for operand in (a, b))
        return pack([x * y for x, y in zip(left, right, strict=True)], 2 * width)

    return model


def _pairs(numbers: Sequence[int]) -> list[int]:
    """Returns the sum of the first two numbers, of the next two, and so on."""
    return [a + b for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


def _pairwise(width: int, sign: str) -> Model:
    return lambda a: pack(_pairs(_read(a, width, sign)), 2 * width)


def _narrow(width: int, sign: str) -> Model:
    """Returns the model of a narrowing of lanes of `width` bits, which are always signed."""

    def model(a: bytes, b: bytes) -> Result:
        found = _read(a, width, "s") + _read(b, width, "s")
        return pack([_saturated(n, width // 2, sign) for n in found], width // 2)

    return model


def _add_neighbours(narrow: str, wide: str) -> None:
    """Adds the instructions between two shapes, of which one has lanes of double width."""
    width = WIDTHS[narrow]
    for sign in "su":
        for part in ("low", "high"):
            _add(f"{wide}.extend_{part}_{narrow}_{sign}", _extend(part, width, sign))
            _add(f"{wide}.extmul_{part}_{narrow}_{sign}", _products(part, width, sign))
        _add(f"{wide}.extadd_pairwise_{narrow}_{sign}", _pairwise(width, sign))
        _add(f"{narrow}.narrow_{wide}_{sign}", _narrow(2 * width, sign))


def _dot(a: bytes, b: bytes, width: int) -> list[int]:
    left, right = _read(a, width, "s"), _read(b, width, "s")
    return _pairs([x * y for x, y in zip(left, right, strict=True)])


def _q15(a: int, b: int) -> int:
    """Multiplies two numbers that count 1 / 32768, and rounds the product."""
    return _saturated((a * b + (1 << 14)) >> 15, 16, "s")


def _relaxed_dot(a: bytes, b: bytes) -> list[int]:
    return [_saturated(total, 16, "s") for total in _dot(a, b, 8)]


def _relaxed_dot_add(a: bytes, b: bytes, c: bytes) -> Result:
    sums = _pairs(_relaxed_dot(a, b))
    return pack([x + y for x, y in zip(sums, lanes(c, 32), strict=True)], 32)


# ---- floats in lanes -----------------------------------------------------------------------------

FORMATS = {"f32x4": F32, "f64x2": F64}


def _madd(form: Format, a: int, b: int, c: int) -> Lane:
    """Returns a * b + c, of which the product and the sum are rounded."""
    product = floats.mul(form, a, b)
    if not isinstance(product, Choice):
        return floats.add(form, product, c)
    # If the product can be several NaNs, one that is not canonical allows the most sums.
    open_bits = product == form.arithmetic
    return floats.add(form, product.bits | open_bits, c)


_FLOAT_VERBS: dict[str, Callable[..., Lane]] = {
    "add": floats.add,
    "sub": floats.sub,
    "mul": floats.mul,
    "div": floats.div,
    "sqrt": floats.sqrt,
    "min": floats.min_,
    "max": floats.max_,
    "abs": lambda form, a: a & ~form.sign,
    "neg": lambda form, a: a ^ form.sign,
    "pmin": lambda form, a, b: b if floats.less(form, b, a) else a,
    "pmax": lambda form, a, b: b if floats.less(form, a, b) else a,
    "eq": lambda form, a, b: -floats.equal(form, a, b),
    "ne": lambda form, a, b: -(not floats.equal(form, a, b)),
    "lt": lambda form, a, b: -floats.less(form, a, b),
    "gt": lambda form, a, b: -floats.less(form, b, a),
    "le": lambda form, a, b: -(floats.less(form, a, b) or floats.equal(form, a, b)),
    "ge": lambda form, a, b: -(floats.less(form, b, a) or floats.equal(form, a, b)),
    "ceil": lambda form, a: floats.to_integral(form, a, math.ceil),
    "floor": lambda form, a: floats.to_integral(form, a, math.floor),
    "trunc": lambda form, a: floats.to_integral(form, a, math.trunc),
    "nearest": lambda form, a: floats.to_integral(form, a, round),
    "relaxed_madd": _madd,
    "relaxed_nmadd": lambda form, a, b, c: _madd(form, a ^ form.sign, b, c),
    "relaxed_min": floats.min_,
    "relaxed_max": floats.max_,
}


def _add_floats(shape: str) -> None:
    form = FORMATS[shape]
    for verb, lane in _FLOAT_VERBS.items():
        remembered = functools.lru_cache(1 << 14)(functools.partial(lane, form))
        _each(f"{shape}.{verb}", remembered, form.width)
    _add_lane_accesses(shape, form.width)


def _truncations(form: Format, sign: str, zeros: int) -> Model:
    least, most = (-(1 << 31), (1 << 31) - 1) if sign == "s" else (0, (1 << 32) - 1)

    def model(a: bytes) -> Result:
        found = [floats.truncate(form, bits, least, most) for bits in lanes(a, form.width)]
        return pack([*found, *[0] * zeros], 32)

    return model


def _conversions(form: Format, sign: str, number: int) -> Model:
    def model(a: bytes) -> Result:
        found = _read(a, 32, sign)[:number]
        return pack([form.round(Fraction(n)) for n in found], form.width)

    return model


def _add_conversions() -> None:
    for sign in "su":
        for relaxed in ("trunc_sat", "relaxed_trunc"):
            _add(f"i32x4.{relaxed}_f32x4_{sign}", _truncations(F32, sign, 0))
            _add(f"i32x4.{relaxed}_f64x2_{sign}_zero", _truncations(F64, sign, 2))
        _add(f"f32x4.convert_i32x4_{sign}", _conversions(F32, sign, 4))
        _add(f"f64x2.convert_low_i32x4_{sign}", _conversions(F64, sign, 2))

    def demote(a: bytes) -> Result:
        return pack([*[floats.converted(F64, F32, bits) for bits in lanes(a, 64)], 0, 0], 32)

    def promote(a: bytes) -> Result:
        return pack([floats.converted(F32, F64, bits) for bits in lanes(a, 32)[:2]], 64)

    _add("f32x4.demote_f64x2_zero", demote)
    _add("f64x2.promote_low_f32x4", promote)


# ---- vectors as a whole, and memory --------------------------------------------------------------


def _chosen(a: bytes, b: bytes, c: bytes) -> Result:
    """Takes each bit from `a` where `c` is 1, and from `b` where it is 0."""
    return pack([x & z | y & ~z for x, y, z in zip(a, b, c, strict=True)], 8)


def _shuffle(a: bytes, b: bytes, lanes: Sequence[int]) -> Result:
    both = a + b
    return pack([both[lane] for lane in lanes], 8)


def _swizzle(a: bytes, b: bytes) -> Result:
    return pack([a[index] if index < 16 else 0 for index in b], 8)


def _add_whole() -> None:
    _add("v128.const", lambda bytes: pack(list(bytes), 8))
    _add("i8x16.shuffle", _shuffle)
    _add("v128.any_true", lambda a: _boolean(any(a)))
    _each("v128.not", lambda a: ~a, 8)
    _each("v128.and", lambda a, b: a & b, 8)
    _each("v128.andnot", lambda a, b: a & ~b, 8)
    _each("v128.or", lambda a, b: a | b, 8)
    _each("v128.xor", lambda a, b: a ^ b, 8)
    for name in ("v128.bitselect", *(f"{shape}.relaxed_laneselect" for shape in INTEGERS)):
        _add(name, _chosen)
    for name in ("i8x16.swizzle", "i8x16.relaxed_swizzle"):
        _add(name, _swizzle)


def _add_memory() -> None:
    for verb in ("load", "store"):
        _add(f"v128.{verb}", lambda data: pack(list(data), 8))
    for width in (8, 16, 32):
        for sign in "su":
            _add(f"v128.load{width}x{64 // width}_{sign}", _load_wider(width, sign))
    for width in (8, 16, 32, 64):
        _add(f"v128.load{width}_splat", lambda data: pack(list(data) * (16 // len(data)), 8))
        _add(f"v128.load{width}_lane", _load_lane)
        _add(f"v128.store{width}_lane", _store_lane(width))
    for width in (32, 64):
        _add(f"v128.load{width}_zero", lambda data: pack([*data, *bytes(16 - len(data))], 8))


def _load_wider(width: int, sign: str) -> Model:
    return lambda data: pack(_read(data, width, sign), 2 * width)


def _load_lane(data: bytes, a: bytes, lane: int) -> Result:
    start = lane * len(data)
    return pack([*a[:start], *data, *a[start + len(data) :]], 8)


def _store_lane(width: int) -> Model:
    return lambda a, lane: pack([lanes(a, width)[lane]], width)


def _add_all() -> None:
    for shape in INTEGERS:
        _add_integers(shape)
    for narrow, wide in itertools.pairwise(INTEGERS):
        _add_neighbours(narrow, wide)
    for shape in FORMATS:
        _add_floats(shape)
    _add_conversions()
    _add_whole()
    _add_memory()
    for verb in ("q15mulr_sat_s", "relaxed_q15mulr_s"):
        _each(f"i16x8.{verb}", _q15, 16, "s")
    _add("i32x4.dot_i16x8_s", lambda a, b: pack(_dot(a, b, 16), 32))
    _add("i16x8.relaxed_dot_i8x16_i7x16_s", lambda a, b: pack(_relaxed_dot(a, b), 16))
    _add("i32x4.relaxed_dot_i8x16_i7x16_add_s", _relaxed_dot_add)


_add_all()
for _name in MODELS.keys() - OPS.keys():  # such as i8x16.mul, which does not exist
    del MODELS[_name]


def compute(name: str, *operands: Any, **immediates: Any) -> Result:
    """Returns what an instruction computes.

    Args:
        name: The name in the text format.
        operands: The operands; a load takes the bytes that it reads in the place of an address.
        immediates: `lane` is the number of a lane, `lanes` are those of a shuffle, and `bytes`
            those of a constant.
    """
    return MODELS[name](*operands, **immediates)
