# SPDX-License-Identifier: MIT
"""Lists the value types and the instructions whose types do not depend on the module.

The codes and types are those of the specification's section 5.4 (binary format of instructions).
A value type is represented by its byte; heaptypes.py says how references to other types are. A
float type with DIRTY added is the same type for
WebAssembly, but its value may be a NaN whose bits the specification leaves open (section 4.3.3,
NaN propagation). The two engines may choose different bits, so the generator never makes the bits
of such a value visible.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import simd_ops

I32, I64, F32, F64, V128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
DIRTY = 0x100
PLAIN = ~DIRTY  # selects the type itself
F32D, F64D = F32 | DIRTY, F64 | DIRTY
SCALARS = (I32, I64, F32, F64)
TYPES = (*SCALARS, V128)
FLOATS = (F32, F64)
FUNCREF, EXNREF = 0x70, 0x69
REFERENCES = (FUNCREF, EXNREF)
NAMES = {I32: "i32", I64: "i64", F32: "f32", F64: "f64", V128: "v128"}
NAMES |= {F32D: "f32", F64D: "f64", FUNCREF: "funcref", EXNREF: "exnref"}
CODES = {"i32": I32, "i64": I64, "f32": F32, "f64": F64, "v128": V128}
BITS = {I32: 32, I64: 64, F32: 32, F64: 64, V128: 128}
CANONICAL_NAN = {F32: 0x7FC00000, F64: 0x7FF8000000000000}

Types: TypeAlias = tuple[int, ...]


class Op(NamedTuple):
    """A numeric instruction with the types of its operands and its result."""

    name: str
    code: bytes
    params: Types
    result: int
    lanes: int = 0  # from which an immediate chooses one; 0 without such an immediate


class Access(NamedTuple):
    """A load or a store, for values of one type."""

    name: str
    code: bytes
    type: int
    align: int  # the largest alignment that is valid, as an exponent of two
    is_store: bool
    lanes: int = 0  # of a vector, of which one is loaded or stored; 0 if it is the whole value

    def params(self, address: int) -> Types:
        """Returns the types of the operands, in a memory whose addresses have this type."""
        return (address, self.type) if self.is_store or self.lanes else (address,)

    @property
    def results(self) -> Types:
        """The types of the results."""
        return () if self.is_store else (self.type,)


def is_reference(type_: int) -> bool:
    """Tells whether a value type is a type of references. Their bytes are below all others."""
    return type_ & 0xFF <= 0x74


def is_nan(bits: int, type_: int) -> bool:
    """Tells whether a bit pattern of a float type is a NaN."""
    if type_ & 0xFF == F32:
        return bits & 0x7FFFFFFF > 0x7F800000
    return bits & (2**63 - 1) > 0x7FF0000000000000


def _row(first: int, prefix: str, names: str, params: Types, result: int) -> list[Op]:
    """Returns instructions that have the same types and consecutive codes."""
    return [
        Op(f"{prefix}.{name}", bytes([first + i]), params, result)
        for i, name in enumerate(names.split())
    ]


_INT_TESTS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
_INT_BINARY = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
_FLOAT_TESTS = "eq ne lt gt le ge"
_FLOAT_UNARY = "abs neg ceil floor trunc nearest sqrt"
_FLOAT_BINARY = "add sub mul div min max copysign"


def _numeric() -> list[Op]:
    ops: list[Op] = []
    for name, t, eqz, count, binary in (
        ("i32", I32, 0x45, 0x67, 0x6A),
        ("i64", I64, 0x50, 0x79, 0x7C),
    ):
        ops += _row(eqz, name, "eqz", (t,), I32)
        ops += _row(eqz + 1, name, _INT_TESTS, (t, t), I32)
        ops += _row(count, name, "clz ctz popcnt", (t,), t)
        ops += _row(binary, name, _INT_BINARY, (t, t), t)
    for name, t, tests, unary in (("f32", F32, 0x5B, 0x8B), ("f64", F64, 0x61, 0x99)):
        ops += _row(tests, name, _FLOAT_TESTS, (t, t), I32)
        ops += _row(unary, name, _FLOAT_UNARY, (t,), t)
        ops += _row(unary + 7, name, _FLOAT_BINARY, (t, t), t)
    ops += _row(0xC0, "i32", "extend8_s extend16_s", (I32,), I32)
    ops += _row(0xC2, "i64", "extend8_s extend16_s extend32_s", (I64,), I64)
    return ops + _conversions()


_CONVERSIONS = """
    i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u
    i64.extend_i32_s i64.extend_i32_u
    i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u
    f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64
    f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32
    i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64
"""  # the codes are 0xA7, 0xA8, ...
_SATURATING = """
    i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u
    i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u
"""  # the codes are 0xFC 0x00, 0xFC 0x01, ...


def _conversion(name: str, code: bytes) -> Op:
    """Returns a conversion whose types are read from its name."""
    result, rest = name.split(".")
    source = next(part for part in rest.split("_") if part in CODES)
    return Op(name, code, (CODES[source],), CODES[result])


def _conversions() -> list[Op]:
    plain = [_conversion(n, bytes([0xA7 + i])) for i, n in enumerate(_CONVERSIONS.split())]
    return plain + [_conversion(n, bytes([0xFC, i])) for i, n in enumerate(_SATURATING.split())]


def _vector() -> list[Op]:
    """Returns the vector instructions that have no immediates but the number of a lane."""
    return [
        Op(
            op.name,
            op.code,
            tuple([CODES[name] for name in op.params]),
            CODES[op.result or ""],
            op.lanes,
        )
        for op in simd_ops.OPS.values()
        if op.immediates in ("", "lane")
    ]


NUMERIC = {op.name: op for op in (*_numeric(), *_vector())}
SHUFFLE = simd_ops.OPS["i8x16.shuffle"]
# The results of these instructions for a NaN in a lane do not depend on its sign and its payload,
# but those of the first line give a NaN back.
_KEEP_NANS = ("abs", "neg", "pmin", "pmax")
_MAKE_NANS = (
    *("add", "sub", "mul", "div", "min", "max", "sqrt", "ceil", "floor", "trunc", "nearest"),
    *("relaxed_madd", "relaxed_nmadd", "relaxed_min", "relaxed_max"),
)
_TEST_NANS = ("eq", "ne", "lt", "gt", "le", "ge")
HIDES_BITS = {
    shape: [NUMERIC[f"{shape}.{verb}"] for verb in (*_KEEP_NANS, *_MAKE_NANS, *_TEST_NANS)]
    for shape in ("f32x4", "f64x2")
}
# Vector instructions of which a lane may be a NaN with any sign and payload, and the shape of the
# lanes.
MAKES_NANS = {f"{shape}.{verb}": shape for shape in HIDES_BITS for verb in _MAKE_NANS}
MAKES_NANS |= {"f32x4.demote_f64x2_zero": "f32x4", "f64x2.promote_low_f32x4": "f64x2"}
TESTS_NANS = frozenset(f"{shape}.{verb}" for shape in HIDES_BITS for verb in _TEST_NANS)

# Instructions that may return a NaN with any sign and payload.
MAKES_NAN = frozenset(
    name
    for name, op in NUMERIC.items()
    if op.result in FLOATS
    and all(t in FLOATS for t in op.params)
    and name.split(".")[1] not in ("abs", "neg", "copysign")
)
# Instructions that make bits of their last operand visible: all bits, or the sign.
SHOWS_BITS = frozenset(
    ("i32.reinterpret_f32", "i64.reinterpret_f64", "f32.copysign", "f64.copysign")
) | {name for name, op in NUMERIC.items() if V128 in (op.result, *op.params)}
CAN_DIVIDE_BY_ZERO = frozenset(
    f"{t}.{name}" for t in ("i32", "i64") for name in ("div_s", "div_u", "rem_s", "rem_u")
)
CAN_TRAP = CAN_DIVIDE_BY_ZERO | {n for n in NUMERIC if ".trunc_f" in n}


def _accesses() -> list[Access]:
    loads = """i32.load:2 i64.load:3 f32.load:2 f64.load:3
        i32.load8_s:0 i32.load8_u:0 i32.load16_s:1 i32.load16_u:1
        i64.load8_s:0 i64.load8_u:0 i64.load16_s:1 i64.load16_u:1 i64.load32_s:2 i64.load32_u:2"""
    stores = """i32.store:2 i64.store:3 f32.store:2 f64.store:3
        i32.store8:0 i32.store16:1 i64.store8:0 i64.store16:1 i64.store32:2"""
    found = []
    for code, item in enumerate((loads + " " + stores).split(), start=0x28):
        name, align = item.split(":")
        found.append(Access(name, bytes([code]), CODES[name[:3]], int(align), ".store" in name))
    return found + [
        Access(
            op.name,
            op.code,
            V128,
            op.size.bit_length() - 1,
            op.result is None,
            op.lanes,
        )
        for op in simd_ops.OPS.values()
        if op.size
    ]


ACCESSES = {access.name: access for access in _accesses()}


class Atomic(NamedTuple):
    """An atomic access, a wait or a notify."""

    name: str
    code: bytes
    align: int  # the only alignment that is valid, as an exponent of two
    operands: Types  # after the address
    results: Types

    def params(self, address: int) -> Types:
        """Returns the types of the operands, in a memory whose addresses have this type."""
        return (address, *self.operands)


def _atomic_accesses() -> list[Atomic]:
    # The instructions of a kind, in the order of their codes: the type, and the number's bits.
    sizes = [(I32, 32), (I64, 64), (I32, 8), (I32, 16), (I64, 8), (I64, 16), (I64, 32)]
    kinds = [("load", 0), ("store", 1)]
    kinds += [(kind, 1) for kind in ("add", "sub", "and", "or", "xor", "xchg")]
    kinds += [("cmpxchg", 2)]
    found = []
    for kind, operands in kinds:
        for type_, bits in sizes:
            part = "" if bits == BITS[type_] else str(bits)
            ending = "_u" if part and kind != "store" else ""
            middle = f"{kind}{part}" if kind in ("load", "store") else f"rmw{part}.{kind}"
            name = f"{NAMES[type_]}.atomic.{middle}{ending}"
            code = bytes([0xFE, 0x10 + len(found)])
            align = (bits // 8).bit_length() - 1
            results = () if kind == "store" else (type_,)
            found.append(Atomic(name, code, align, (type_,) * operands, results))
    return found


ATOMIC_ACCESSES = tuple(_atomic_accesses())
NOTIFY = Atomic("memory.atomic.notify", b"\xfe\x00", 2, (I32,), (I32,))
# The operands of a wait behind the address are the expected number and the timeout.
WAITS = (
    Atomic("memory.atomic.wait32", b"\xfe\x01", 2, (I32, I64), (I32,)),
    Atomic("memory.atomic.wait64", b"\xfe\x02", 3, (I64, I64), (I32,)),
)
ATOMICS = {atomic.name: atomic for atomic in (*ATOMIC_ACCESSES, NOTIFY, *WAITS)}
FENCE = "atomic.fence"
