# SPDX-License-Identifier: MIT
"""Lists the 256 vector instructions with their codes and types, for the tests.

The codes and types are those of the specification's sections 5.4 (binary format of instructions)
and 3.4 (validation). `simd_model.py` says what each instruction computes.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from binary import leb

# The names in the order of their codes, which follow the byte 0xfd. A dash is an unused code. The
# codes from 0x100 on are the relaxed instructions.
_NAMES = """
    v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s
    v128.load32x2_u v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat
    v128.store v128.const i8x16.shuffle i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat
    i64x2.splat f32x4.splat f64x2.splat i8x16.extract_lane_s i8x16.extract_lane_u
    i8x16.replace_lane i16x8.extract_lane_s i16x8.extract_lane_u i16x8.replace_lane
    i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane
    f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane i8x16.eq
    i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s
    i8x16.ge_u i16x8.eq i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s
    i16x8.le_u i16x8.ge_s i16x8.ge_u i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s
    i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u f32x4.eq f32x4.ne f32x4.lt f32x4.gt
    f32x4.le f32x4.ge f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge v128.not v128.and
    v128.andnot v128.or v128.xor v128.bitselect v128.any_true v128.load8_lane v128.load16_lane
    v128.load32_lane v128.load64_lane v128.store8_lane v128.store16_lane v128.store32_lane
    v128.store64_lane v128.load32_zero v128.load64_zero f32x4.demote_f64x2_zero
    f64x2.promote_low_f32x4 i8x16.abs i8x16.neg i8x16.popcnt i8x16.all_true i8x16.bitmask
    i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest
    i8x16.shl i8x16.shr_s i8x16.shr_u i8x16.add i8x16.add_sat_s i8x16.add_sat_u i8x16.sub
    i8x16.sub_sat_s i8x16.sub_sat_u f64x2.ceil f64x2.floor i8x16.min_s i8x16.min_u i8x16.max_s
    i8x16.max_u f64x2.trunc i8x16.avgr_u i16x8.extadd_pairwise_i8x16_s
    i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u
    i16x8.abs i16x8.neg i16x8.q15mulr_sat_s i16x8.all_true i16x8.bitmask i16x8.narrow_i32x4_s
    i16x8.narrow_i32x4_u i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s
    i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u i16x8.shl i16x8.shr_s i16x8.shr_u
    i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u
    f64x2.nearest i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u - i16x8.avgr_u
    i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u
    i16x8.extmul_high_i8x16_u i32x4.abs i32x4.neg - i32x4.all_true i32x4.bitmask - -
    i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u
    i32x4.extend_high_i16x8_u i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add - - i32x4.sub - - -
    i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s -
    i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u
    i32x4.extmul_high_i16x8_u i64x2.abs i64x2.neg - i64x2.all_true i64x2.bitmask - -
    i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u
    i64x2.extend_high_i32x4_u i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add - - i64x2.sub - - -
    i64x2.mul i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s
    i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u
    i64x2.extmul_high_i32x4_u f32x4.abs f32x4.neg - f32x4.sqrt f32x4.add f32x4.sub f32x4.mul
    f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax f64x2.abs f64x2.neg - f64x2.sqrt
    f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax
    i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u
    i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s
    f64x2.convert_low_i32x4_u i8x16.relaxed_swizzle i32x4.relaxed_trunc_f32x4_s
    i32x4.relaxed_trunc_f32x4_u i32x4.relaxed_trunc_f64x2_s_zero
    i32x4.relaxed_trunc_f64x2_u_zero f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd
    f64x2.relaxed_nmadd i8x16.relaxed_laneselect i16x8.relaxed_laneselect
    i32x4.relaxed_laneselect i64x2.relaxed_laneselect f32x4.relaxed_min f32x4.relaxed_max
    f64x2.relaxed_min f64x2.relaxed_max i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s
    i32x4.relaxed_dot_i8x16_i7x16_add_s
"""

# The number of lanes and the bits of a lane, by the name of a shape.
LANES = {"i8x16": 16, "i16x8": 8, "i32x4": 4, "i64x2": 2, "f32x4": 4, "f64x2": 2}
# The type of the value that extract_lane takes out of a vector.
SCALARS = {
    **{"i8x16": "i32", "i16x8": "i32", "i32x4": "i32"},
    **{"i64x2": "i64", "f32x4": "f32", "f64x2": "f64"},
}
# How the names of the instructions with one operand begin, and with three operands.
_UNARY = (
    *("abs", "neg", "sqrt", "ceil", "floor", "trunc", "nearest", "popcnt", "not"),
    *("extadd", "extend", "convert", "demote", "promote", "relaxed_trunc"),
)
_TERNARY = ("bitselect", "relaxed_madd", "relaxed_nmadd", "relaxed_laneselect")


class Op(NamedTuple):
    """An instruction with the types of its operands and of its result.

    `immediates` says what follows the code:

        ""             nothing
        "const"        the 16 bytes of the result
        "shuffle"      16 numbers of lanes, from 0 to 31
        "lane"         the number of a lane
        "memory"       an alignment and an offset
        "memory lane"  an alignment, an offset and the number of a lane
    """

    name: str
    number: int
    immediates: str
    params: tuple[
        str, ...
    ]  # "i32", "i64", "f32", "f64" or "v128"; of an access, i32 is the address
    result: str | None
    lanes: int  # from which the immediate chooses one; 0 without such an immediate
    size: int  # in bytes, of what a load or a store accesses; 0 for other instructions

    @property
    def code(self) -> bytes:
        """The bytes of the instruction before its immediates."""
        return b"\xfd" + leb(self.number)

    @property
    def shape(self) -> str:
        """The part of the name before the dot: the shape of the lanes, or "v128"."""
        return self.name.split(".")[0]

    @property
    def verb(self) -> str:
        """The part of the name behind the dot."""
        return self.name.split(".")[1]


def _access(name: str, number: int, verb: str) -> Op:
    """Returns a load or a store. The numbers in its name say how many bits it accesses."""
    bits = math.prod(map(int, re.findall("[0-9]+", verb))) if verb not in ("load", "store") else 128
    one_lane = verb.endswith("_lane")
    stores = verb.startswith("store")
    return Op(
        name,
        number,
        "memory lane" if one_lane else "memory",
        ("i32", "v128") if one_lane or stores else ("i32",),
        None if stores else "v128",
        128 // bits if one_lane else 0,
        bits // 8,
    )


def _typed(name: str, number: int) -> Op:
    """Returns an instruction, whose types follow from its name."""
    shape, verb = name.split(".")
    if verb.startswith(("load", "store")):
        return _access(name, number, verb)
    scalar, lanes = SCALARS.get(shape, "i32"), LANES.get(shape, 0)
    immediates, result, marked = "", "v128", 0
    params: tuple[str, ...] = ("v128", "v128")
    if verb == "const":
        immediates, params = "const", ()
    elif verb == "shuffle":
        immediates = "shuffle"
    elif verb == "splat":
        params = (scalar,)
    elif verb.startswith("extract_lane"):
        immediates, marked, params, result = "lane", lanes, ("v128",), scalar
    elif verb == "replace_lane":
        immediates, marked, params = "lane", lanes, ("v128", scalar)
    elif verb in ("shl", "shr_s", "shr_u"):
        params = ("v128", "i32")
    elif verb in ("any_true", "all_true", "bitmask"):
        params, result = ("v128",), "i32"
    elif verb.startswith(_TERNARY) or verb.endswith("_add_s"):
        params = ("v128", "v128", "v128")
    elif verb.startswith(_UNARY):
        params = ("v128",)
    return Op(name, number, immediates, params, result, marked, 0)


OPS = {name: _typed(name, number) for number, name in enumerate(_NAMES.split()) if name != "-"}

RELAXED = frozenset(op.name for op in OPS.values() if op.number >= 0x100)
# The relaxed instructions that compute what another instruction does.
SAME = {
    "i8x16.relaxed_swizzle": "i8x16.swizzle",
    "i16x8.relaxed_q15mulr_s": "i16x8.q15mulr_sat_s",
    "i8x16.relaxed_laneselect": "v128.bitselect",
    "i16x8.relaxed_laneselect": "v128.bitselect",
    "i32x4.relaxed_laneselect": "v128.bitselect",
    "i64x2.relaxed_laneselect": "v128.bitselect",
    "i32x4.relaxed_trunc_f32x4_s": "i32x4.trunc_sat_f32x4_s",
    "i32x4.relaxed_trunc_f32x4_u": "i32x4.trunc_sat_f32x4_u",
    "i32x4.relaxed_trunc_f64x2_s_zero": "i32x4.trunc_sat_f64x2_s_zero",
    "i32x4.relaxed_trunc_f64x2_u_zero": "i32x4.trunc_sat_f64x2_u_zero",
    "f32x4.relaxed_min": "f32x4.min",
    "f32x4.relaxed_max": "f32x4.max",
    "f64x2.relaxed_min": "f64x2.min",
    "f64x2.relaxed_max": "f64x2.max",
}
