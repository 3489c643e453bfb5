# SPDX-License-Identifier: MIT
"""Replaces vector instructions by calls of functions that compute the same lanes with scalar code.

A function takes the lanes out of its operands, computes each lane of the result with instructions
on i32, i64, f32 or f64, and puts them together. An engine must compute the same for the changed
module, so this is a check of vector instructions that needs no second engine. The instructions
that move lanes (extract_lane, replace_lane, loads and stores) stay.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Container, Iterable
from dataclasses import replace

from fuzz.ops import NUMERIC, V128
from fuzz.shrink import map_body
from fuzz.tree import Body, Function, Instruction, Module, Signature, walk
from simd_ops import LANES, RELAXED, SAME, SCALARS

INTEGERS = ("i8x16", "i16x8", "i32x4", "i64x2")
FLOATS = ("f32x4", "f64x2")


# ---- pieces of code ------------------------------------------------------------------------------


def _lane(operand: int, shape: str, number: int, sign: str = "s") -> Body:
    """Returns code that pushes a lane of an operand."""
    suffix = f"_{sign}" if shape in ("i8x16", "i16x8") else ""
    return [("local.get", operand), (f"{shape}.extract_lane{suffix}", number)]


def _do(name: str, *operands: Body) -> Body:
    """Returns code that computes the operands and then an instruction on them."""
    return [*(instruction for operand in operands for instruction in operand), (name,)]


def _number(type_: str, value: int) -> Body:
    return [(f"{type_}.const", value & (1 << int(type_[1:])) - 1)]


def _select(yes: Body, no: Body, condition: Body) -> Body:
    return _do("select", yes, no, condition)


def _clamp(value: Body, low: int, high: int) -> Body:
    """Returns code that pushes the number from `low` to `high` that is nearest to an i32."""
    least, most = _number("i32", low), _number("i32", high)
    value = _select(value, most, _do("i32.lt_s", value, most))
    return _select(value, least, _do("i32.gt_s", value, least))


def _sign(verb: str) -> str:
    return "u" if verb.endswith("_u") else "s"


def _limits(width: int, sign: str) -> tuple[int, int]:
    if sign == "s":
        return -(1 << (width - 1)), (1 << (width - 1)) - 1
    return 0, (1 << width) - 1


def _mask(type_: str, condition: Body) -> Body:
    """Returns code that pushes ones if an i32 is 1, and zeros if it is 0."""
    if type_ == "i64":
        condition = _do("i64.extend_i32_u", condition)
    return _do(f"{type_}.sub", _number(type_, 0), condition)


def _vector(shape: str, lanes: Iterable[Body]) -> Body:
    """Returns code that pushes a vector with these lanes."""
    body: Body = [("v128.const", 0)]
    for number, lane in enumerate(lanes):
        body += [*lane, (f"{shape}.replace_lane", number)]
    return body


# ---- one instruction -----------------------------------------------------------------------------

# Returns the code for an instruction, whose operands are the first locals.
Code = Callable[[Instruction], Body]
CODE: dict[str, Code] = {}


def _add(name: str, body: Body) -> None:
    if name in NUMERIC:
        CODE[name] = lambda instruction: body


def _each(name: str, shape: str, sign: str, lane: Callable[..., Body], result: str = "") -> None:
    """Adds an instruction that computes each lane from the same lanes of its operands."""
    if name in NUMERIC:
        count = sum(1 for type_ in NUMERIC[name].params if type_ == V128)
        lanes = [
            lane(*[_lane(operand, shape, number, sign) for operand in range(count)])
            for number in range(LANES[shape])
        ]
        _add(name, _vector(result or shape, lanes))


def _binary(name: str) -> Callable[..., Body]:
    return functools.partial(_do, name)


def _add_integers(shape: str) -> None:
    t, width = SCALARS[shape], 128 // LANES[shape]
    zero, one = _number(t, 0), _number(t, 1)
    for verb in ("add", "sub", "mul"):
        _each(f"{shape}.{verb}", shape, "s", _binary(f"{t}.{verb}"))
    _each(f"{shape}.neg", shape, "s", lambda x: _do(f"{t}.sub", zero, x))
    _each(
        f"{shape}.abs",
        shape,
        "s",
        lambda x: _select(_do(f"{t}.sub", zero, x), x, _do(f"{t}.lt_s", x, zero)),
    )
    _each(f"{shape}.popcnt", shape, "u", _binary(f"{t}.popcnt"))
    _each(
        f"{shape}.avgr_u",
        shape,
        "u",
        lambda x, y: _do(f"{t}.shr_u", _do(f"{t}.add", _do(f"{t}.add", x, y), one), one),
    )
    for verb in ("eq", "ne", *(f"{v}_{s}" for v in ("lt", "gt", "le", "ge") for s in "su")):
        _each(f"{shape}.{verb}", shape, _sign(verb), _compare(f"{t}.{verb}", t))
    for sign in "su":
        _each(f"{shape}.min_{sign}", shape, sign, _choose(f"{t}.lt_{sign}"))
        _each(f"{shape}.max_{sign}", shape, sign, _choose(f"{t}.gt_{sign}"))
        if t == "i32":
            _add_saturating(shape, width, sign)
    _add_shifts(shape, width)
    _add(f"{shape}.splat", _vector(shape, [[("local.get", 0)]] * LANES[shape]))
    lanes = [_lane(0, shape, number) for number in range(LANES[shape])]
    tests = [_do(f"{t}.ne", lane, zero) for lane in lanes]
    _add(f"{shape}.all_true", _reduced("i32.and", tests))
    signs = [_do(f"{t}.lt_s", lane, zero) for lane in lanes]
    bits = [_do("i32.shl", sign, _number("i32", i)) for i, sign in enumerate(signs)]
    _add(f"{shape}.bitmask", _reduced("i32.or", bits))


def _compare(test: str, type_: str) -> Callable[..., Body]:
    return lambda x, y: _mask(type_, _do(test, x, y))


def _choose(test: str) -> Callable[..., Body]:
    return lambda x, y: _select(x, y, _do(test, x, y))


def _reduced(name: str, values: list[Body]) -> Body:
    return functools.reduce(lambda one, other: _do(name, one, other), values)


def _add_saturating(shape: str, width: int, sign: str) -> None:
    low, high = _limits(width, sign)
    for verb in ("add", "sub"):
        _each(
            f"{shape}.{verb}_sat_{sign}",
            shape,
            sign,
            lambda x, y, verb=verb: _clamp(_do(f"i32.{verb}", x, y), low, high),
        )


def _add_shifts(shape: str, width: int) -> None:
    t = SCALARS[shape]
    count = _do("i32.and", [("local.get", 1)], _number("i32", width - 1))
    if t == "i64":
        count = _do("i64.extend_i32_u", count)
    for verb in ("shl", "shr_s", "shr_u"):
        _each(
            f"{shape}.{verb}",
            shape,
            _sign(verb),
            lambda x, verb=verb: _do(f"{t}.{verb}", x, count),
        )


def _add_neighbours(narrow: str, wide: str) -> None:
    """Adds the instructions between two shapes, of which one has lanes of double width."""
    t, half = SCALARS[wide], LANES[wide]
    for sign in "su":

        def wider(operand: int, number: int, sign: str = sign) -> Body:
            lane = _lane(operand, narrow, number, sign)
            return _do(f"i64.extend_i32_{sign}", lane) if t == "i64" else lane

        for part, first in (("low", 0), ("high", half)):
            numbers = range(first, first + half)
            _add(
                f"{wide}.extend_{part}_{narrow}_{sign}",
                _vector(wide, [wider(0, n) for n in numbers]),
            )
            products = [_do(f"{t}.mul", wider(0, n), wider(1, n)) for n in numbers]
            _add(f"{wide}.extmul_{part}_{narrow}_{sign}", _vector(wide, products))
        sums = [_do(f"{t}.add", wider(0, n), wider(0, n + 1)) for n in range(0, 2 * half, 2)]
        _add(f"{wide}.extadd_pairwise_{narrow}_{sign}", _vector(wide, sums))
        low, high = _limits(64 // half, sign)
        if t == "i32":
            lanes = [_lane(operand, wide, number) for operand in (0, 1) for number in range(half)]
            clamped = [_clamp(lane, low, high) for lane in lanes]
            _add(f"{narrow}.narrow_{wide}_{sign}", _vector(narrow, clamped))


def _dots(narrow: str, together: int) -> list[Body]:
    """Returns code for sums of products, each of as many neighbours as `together` says."""
    products = [
        _do("i32.mul", _lane(0, narrow, number), _lane(1, narrow, number))
        for number in range(LANES[narrow])
    ]
    return [
        _reduced("i32.add", products[first : first + together])
        for first in range(0, len(products), together)
    ]


def _add_products() -> None:
    _add("i32x4.dot_i16x8_s", _vector("i32x4", _dots("i16x8", 2)))
    pairs = [_clamp(total, *_limits(16, "s")) for total in _dots("i8x16", 2)]
    _add("i16x8.relaxed_dot_i8x16_i7x16_s", _vector("i16x8", pairs))
    sums = [
        _do("i32.add", _do("i32.add", one, other), _lane(2, "i32x4", number))
        for number, (one, other) in enumerate(zip(pairs[::2], pairs[1::2], strict=True))
    ]
    _add("i32x4.relaxed_dot_i8x16_i7x16_add_s", _vector("i32x4", sums))

    def rounded(x: Body, y: Body) -> Body:
        total = _do("i32.add", _do("i32.mul", x, y), _number("i32", 1 << 14))
        return _clamp(_do("i32.shr_s", total, _number("i32", 15)), *_limits(16, "s"))

    for verb in ("q15mulr_sat_s", "relaxed_q15mulr_s"):
        _each(f"i16x8.{verb}", "i16x8", "s", rounded)


def _add_floats(shape: str) -> None:
    t = SCALARS[shape]
    whole = {"f32x4": "i32x4", "f64x2": "i64x2"}[shape]
    verbs = "add sub mul div min max sqrt abs neg ceil floor trunc nearest"
    for verb in verbs.split():
        _each(f"{shape}.{verb}", shape, "", _binary(f"{t}.{verb}"))
        _each(f"{shape}.relaxed_{verb}", shape, "", _binary(f"{t}.{verb}"))
    _each(
        f"{shape}.relaxed_madd",
        shape,
        "",
        lambda x, y, z: _do(f"{t}.add", _do(f"{t}.mul", x, y), z),
    )
    _each(
        f"{shape}.relaxed_nmadd",
        shape,
        "",
        lambda x, y, z: _do(f"{t}.add", _do(f"{t}.mul", _do(f"{t}.neg", x), y), z),
    )
    _each(f"{shape}.pmin", shape, "", lambda x, y: _select(y, x, _do(f"{t}.lt", y, x)))
    _each(f"{shape}.pmax", shape, "", lambda x, y: _select(y, x, _do(f"{t}.lt", x, y)))
    for verb in ("eq", "ne", "lt", "gt", "le", "ge"):
        _each(f"{shape}.{verb}", shape, "", _compare(f"{t}.{verb}", SCALARS[whole]), whole)
    _add(f"{shape}.splat", _vector(shape, [[("local.get", 0)]] * LANES[shape]))
    zero = "" if shape == "f32x4" else "_zero"
    low = "" if shape == "f32x4" else "low_"
    for sign in "su":
        for verb in ("trunc_sat", "relaxed_trunc"):
            _each(
                f"i32x4.{verb}_{shape}_{sign}{zero}",
                shape,
                "",
                _binary(f"i32.trunc_sat_{t}_{sign}"),
                "i32x4",
            )
        numbers = [
            _do(f"{t}.convert_i32_{sign}", _lane(0, "i32x4", number))
            for number in range(LANES[shape])
        ]
        _add(f"{shape}.convert_{low}i32x4_{sign}", _vector(shape, numbers))


def _add_rest() -> None:
    _each("f32x4.demote_f64x2_zero", "f64x2", "", _binary("f32.demote_f64"), "f32x4")
    promoted = [_do("f64.promote_f32", _lane(0, "f32x4", number)) for number in range(2)]
    _add("f64x2.promote_low_f32x4", _vector("f64x2", promoted))
    ones = _number("i64", -1)

    def flipped(x: Body) -> Body:
        return _do("i64.xor", x, ones)

    def chosen(x: Body, y: Body, z: Body) -> Body:
        return _do("i64.or", _do("i64.and", x, z), _do("i64.and", y, flipped(z)))

    _each("v128.not", "i64x2", "", flipped)
    for verb in ("and", "or", "xor"):
        _each(f"v128.{verb}", "i64x2", "", _binary(f"i64.{verb}"))
    _each("v128.andnot", "i64x2", "", lambda x, y: _do("i64.and", x, flipped(y)))
    for name in ("v128.bitselect", *(f"{shape}.relaxed_laneselect" for shape in INTEGERS)):
        _each(name, "i64x2", "", chosen)
    both = _do("i64.or", _lane(0, "i64x2", 0), _lane(0, "i64x2", 1))
    _add("v128.any_true", _do("i64.ne", both, _number("i64", 0)))

    def shuffle(instruction: Instruction) -> Body:
        return _vector("i8x16", [_lane(n // 16, "i8x16", n % 16) for n in instruction[1]])

    CODE["i8x16.shuffle"] = shuffle

    def swizzled(index: Body) -> Body:
        lanes = [
            _select(
                _lane(0, "i8x16", n), _number("i32", 0), _do("i32.eq", index, _number("i32", n))
            )
            for n in range(16)
        ]
        return _reduced("i32.or", lanes)

    for name in ("i8x16.swizzle", "i8x16.relaxed_swizzle"):
        indices = [_lane(1, "i8x16", number, "u") for number in range(16)]
        _add(name, _vector("i8x16", map(swizzled, indices)))


def _add_all() -> None:
    for shape in INTEGERS:
        _add_integers(shape)
    for narrow, wide in itertools.pairwise(INTEGERS):
        _add_neighbours(narrow, wide)
    for shape in FLOATS:
        _add_floats(shape)
    _add_products()
    _add_rest()


_add_all()


# ---- modules -------------------------------------------------------------------------------------


def _signature(name: str) -> Signature:
    if name == "i8x16.shuffle":
        return Signature((V128, V128), (V128,))
    return Signature(NUMERIC[name].params, (NUMERIC[name].result,))


def lane_by_lane(module: Module, names: Container[str] = CODE) -> Module:
    """Returns a module in which functions compute what instructions with these names computed."""
    found: dict[Instruction, int] = {}
    first = len(module.imports) + len(module.functions)

    def change(instruction: Instruction) -> Instruction:
        if instruction[0] not in CODE or instruction[0] not in names:
            return instruction
        return ("call", first + found.setdefault(instruction, len(found)))

    functions = [replace(f, body=map_body(f.body, change)) for f in module.functions]
    helpers = [Function(_signature(i[0]), [], CODE[i[0]](i)) for i in found]
    return replace(module, functions=functions + helpers)


def has_vectors(module: Module) -> bool:
    """Tells whether `lane_by_lane` changes a module."""
    return any(i[0] in CODE for f in module.functions for i in walk(f.body))


def strict(module: Module) -> Module:
    """Returns a module without relaxed instructions, which computes what pywasm3 has to compute.

    In wasmtime, some of them have results that are not those of the deterministic profile.
    """
    if not any(i[0] in RELAXED for f in module.functions for i in walk(f.body)):
        return module

    def change(instruction: Instruction) -> Instruction:
        return (SAME.get(instruction[0], instruction[0]), *instruction[1:])

    functions = [replace(f, body=map_body(f.body, change)) for f in module.functions]
    return lane_by_lane(replace(module, functions=functions), RELAXED)
