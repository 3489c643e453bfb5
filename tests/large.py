# SPDX-License-Identifier: MIT
"""Modules that take an engine too long if it looks at the same thing again and again.

Each function below returns a module that grows with `size` in one direction. The answers follow
from how the modules are built, and tests compare small ones with wasmtime.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from binary import leb, section, text, vector

I32, FUNC = b"\x7f", b"\x60"
BLOCK, LOOP, IF, ELSE, END = b"\x02\x40", b"\x03\x40", b"\x04\x40", b"\x05", b"\x0b"
DROP, ADD = b"\x1a", b"\x6a"

# A little less than the number of operands that one function can have.
DEEP = 13_000


def const(number: int) -> bytes:
    """An i32.const of a number that is not negative."""
    return b"\x41" + (leb(number) if number < 64 else leb(number | 1 << 28)[:4] + b"\x00")


def get(index: int) -> bytes:
    """A local.get."""
    return b"\x20" + leb(index)


def put(index: int) -> bytes:
    """A local.set."""
    return b"\x21" + leb(index)


def br_if(depth: int) -> bytes:
    """A br_if."""
    return b"\x0d" + leb(depth)


def call(index: int) -> bytes:
    """A call."""
    return b"\x10" + leb(index)


def br_table(targets: Sequence[int], default: int) -> bytes:
    """A br_table."""
    return b"\x0e" + leb(len(targets)) + b"".join(map(leb, [*targets, default]))


def functype(params: int, results: int) -> bytes:
    """A function type whose parameters and results are all i32."""
    return FUNC + vector([I32] * params) + vector([I32] * results)


# Type 0 is the type of f, which is function 0.
F = functype(1, 1)


def body(code: bytes, locals_: int = 0) -> bytes:
    """The body of a function with its size, its i32 locals and its code."""
    declared = vector([leb(locals_) + I32] if locals_ else [])
    return leb(len(declared) + len(code) + 1) + declared + code + END


def module(
    bodies: Sequence[bytes],
    function_types: Sequence[int] = (0,),
    types: Sequence[bytes] = (),
    exports: Sequence[bytes] = (),
    globals_: int = 0,
) -> bytes:
    """A module whose function 0 is exported as f."""
    sections = [
        section(1, vector([F, *types])),
        section(3, vector(map(leb, function_types))),
        section(6, vector([I32 + b"\x01" + const(1) + END] * globals_)) if globals_ else b"",
        section(7, vector([text("f") + b"\x00\x00", *exports])),
        section(10, vector(bodies)),
    ]
    return b"\x00asm\x01\x00\x00\x00" + b"".join(sections)


def one(code: bytes, locals_: int = 0, types: Sequence[bytes] = (), globals_: int = 0) -> bytes:
    """A module with one function of type i32 -> i32."""
    return module([body(code, locals_)], types=types, globals_=globals_)


def over_deep_stack(code: bytes, operand: bytes | None = None) -> bytes:
    """Puts DEEP operands on the stack, runs the code above them, then adds the operands up."""
    operand = const(1) if operand is None else operand
    return operand * DEEP + code + ADD * (DEEP - 1)


# ---- the cases ----


def locals_operands_blocks(size: int) -> bytes:
    operands = b"".join(get(i % 4000) for i in range(3000))
    return one(operands + (BLOCK + END) * size + ADD * 2999, locals_=4000)


def types(size: int) -> bytes:
    """All types differ: each counts in binary with its 17 parameters, where i64 is a 1."""
    bits = (f"{i:017b}" for i in range(size))
    made = [FUNC + vector(b"\x7f" if b == "0" else b"\x7e" for b in row) + b"\x00" for row in bits]
    return one(get(0), types=made)


def types_that_collide(size: int) -> bytes:
    """The numbers of funcref and (ref func) differ in their two highest bits only."""
    names = {"0": b"\x70", "1": b"\x64\x70"}
    rows = (vector(names[bit] for bit in f"{i:016b}") for i in range(size))
    return one(get(0), types=[FUNC + row + b"\x00" for row in rows])


def exports(size: int) -> bytes:
    return module([body(get(0))], exports=[text(f"e{i}") + b"\x00\x00" for i in range(size)])


def functions_called(size: int) -> bytes:
    first = body(get(0) + b"".join(call(i) for i in range(1, size + 1)))
    return module([first, *[body(get(0))] * size], [0] * (size + 1))


def functions_with_many_locals(size: int) -> bytes:
    first = body(get(0) + b"".join(call(i) for i in range(1, size + 1)))
    return module([first, *[body(get(0), locals_=DEEP)] * size], [0] * (size + 1))


def globals_(size: int) -> bytes:
    return one(b"\x23" + leb(size - 1), globals_=size)


def constants(size: int) -> bytes:
    return one(get(0) + b"".join(const(i % 100_000) + DROP for i in range(size)))


def br_table_of_near_targets(size: int) -> bytes:
    table = br_table([i % 3 for i in range(size)], 0)
    return one(BLOCK * 3 + get(0) + table + END * 3 + get(0))


def br_table_of_far_targets(size: int) -> bytes:
    depth = 2000
    table = br_table([i % depth for i in range(size)], 0)
    return one(BLOCK * depth + get(0) + table + END * depth + get(0))


def br_table_with_results(size: int) -> bytes:
    """The targets are blocks with 1000 results."""
    blocks = b"\x02\x01" * 6
    table = const(1) * 1000 + get(0) + br_table([i % 6 for i in range(size)], 0)
    code = blocks + table + END * 6 + DROP * 999
    return one(code, types=[functype(0, 1000)])


def br_tables(size: int) -> bytes:
    table = BLOCK + get(0) + br_table([0] * 400, 0) + END
    return one(table * size + get(0))


def br_if_to_far_targets(size: int) -> bytes:
    depth = 2000
    return one(BLOCK * depth + (const(0) + br_if(depth - 1)) * size + END * depth + get(0))


def br_if_with_eight_values(size: int) -> bytes:
    code = b"\x02\x01" + const(1) * 8 + (const(0) + br_if(0)) * size + END + ADD * 7
    return one(code, types=[functype(0, 8)])


def br_if_with_a_thousand_values(size: int) -> bytes:
    code = b"\x02\x01" + const(1) * 1000 + (const(0) + br_if(0)) * size + END + ADD * 999
    return one(code, types=[functype(0, 1000)])


def return_if_with_a_thousand_values(size: int) -> bytes:
    values = const(1) * 1000
    second = body(values + (const(0) + br_if(0)) * size)
    return module([body(call(1) + ADD * 999), second], [0, 1], types=[functype(0, 1000)])


def blocks_of_a_thousand_values(size: int) -> bytes:
    code = const(1) * 500 + (b"\x02\x01" + END) * size + ADD * 499
    return one(code, types=[functype(500, 500)])


def calls_of_a_thousand_values(size: int) -> bytes:
    code = const(1) * 500 + call(1) * size + ADD * 499
    second = body(b"".join(get(i) for i in range(500)))
    return module([body(code), second], [0, 1], types=[functype(500, 500)])


def blocks_over_a_deep_stack(size: int) -> bytes:
    return one(over_deep_stack((BLOCK + END) * size))


def blocks_over_deep_locals(size: int) -> bytes:
    return one(over_deep_stack((BLOCK + END) * size, get(0)))


def ifs_over_a_deep_stack(size: int) -> bytes:
    return one(over_deep_stack((get(0) + IF + ELSE + END) * size, get(0)))


def ifs_with_results_over_a_deep_stack(size: int) -> bytes:
    code = get(0) + b"\x04\x7f" + const(1) + ELSE + const(2) + END + DROP
    return one(over_deep_stack(code * size))


def calls_over_a_deep_stack(size: int) -> bytes:
    code = over_deep_stack((get(0) + call(1) + DROP) * size)
    return module([body(code), body(get(0))], [0, 0])


def global_gets_over_a_deep_stack(size: int) -> bytes:
    code = b"\x23\x00" + b"\x23\x00" + DROP + DROP
    return one(over_deep_stack(code * size), globals_=1)


def sets_over_a_deep_stack(size: int) -> bytes:
    return one(over_deep_stack((get(1) + put(1)) * size, get(0)), locals_=1)


def sets_of_operands_over_a_deep_stack(size: int) -> bytes:
    """Each local.set changes a local that is also an operand, above many other operands."""
    code = get(1) + const(5) + put(1) + DROP
    return one(over_deep_stack(code * size, get(0)), locals_=1)


def holes_in_a_deep_stack(size: int) -> bytes:
    """Two values are pushed at a time, and the second finds a free slot only above all others."""
    pair = b"\x23\x00\x23\x00" + DROP + DROP
    code = const(1) + call(1) + pair * size + ADD * 900
    second = body(const(1) * 900)
    return module(
        [body(b"\x23\x00" + DROP + code), second],
        [0, 1],
        types=[functype(0, 900)],
        globals_=1,
    )


def unreachable_code(size: int) -> bytes:
    return one(get(0) + b"\x0f" + (BLOCK + END + const(1) + DROP) * size)


def ring_of_calls(size: int) -> bytes:
    """Each function calls the next one and the last calls the first, so no call ever returns."""
    return module([body(get(0) + call((i + 1) % size)) for i in range(size)], [0] * size)


# ---- modules that cannot be called ----


def br_table_of_subtypes(size: int) -> bytes:
    """The targets have two lists of types, in turn, and each operand is of a proper subtype.

    The module is valid. It is refused at its full size, because it needs too many comparisons.
    """
    funcrefs, operands = [b"\x70"] * 1000, [b"\x73"] * 1000
    lists = [operands, funcrefs, [*funcrefs[1:], b"\x73"]]
    table = br_table([i % 2 for i in range(size)], 0)
    code = b"\x02\x02\x02\x03" + call(1) + const(0) + table + (END + b"\x00") * 2
    return module(
        [body(code), body(b"\xd0\x73" * 1000)],
        [4, 1],
        types=[*[FUNC + b"\x00" + vector(types) for types in lists], functype(0, 0)],
    )


def functions_of_many_locals(size: int) -> bytes:
    """Functions of 8 bytes, each with the most locals that a function can have."""
    return module([body(get(0)), *[body(b"", 50_000)] * size], [0, *[1] * size], [functype(0, 0)])


@dataclasses.dataclass(frozen=True)
class Case:
    """How large a module is built, and what its f(1) returns.

    An answer of None says that the module is refused at its full size.
    """

    build: Callable[[int], bytes]
    size: int
    answer: int | None = 1

    @property
    def name(self) -> str:
        return self.build.__name__.strip("_").replace("_", " ")


CASES = [
    Case(locals_operands_blocks, 1000),
    Case(types, 60_000),
    Case(types_that_collide, 65_536),
    Case(exports, 100_000),
    Case(functions_called, 20_000),
    Case(functions_with_many_locals, 1000),
    Case(globals_, 100_000),
    Case(constants, 100_000),
    Case(br_table_of_near_targets, 1_000_000),
    Case(br_table_of_far_targets, 1_000_000),
    Case(br_table_with_results, 1_000_000),
    Case(br_tables, 2000),
    Case(br_if_to_far_targets, 100_000),
    Case(br_if_with_eight_values, 100_000, 8),
    Case(br_if_with_a_thousand_values, 100_000, None),
    Case(return_if_with_a_thousand_values, 100_000, None),
    Case(blocks_of_a_thousand_values, 100_000, None),
    Case(calls_of_a_thousand_values, 100_000, None),
    Case(blocks_over_a_deep_stack, 100_000, DEEP),
    Case(blocks_over_deep_locals, 100_000, DEEP),
    Case(ifs_over_a_deep_stack, 50_000, DEEP),
    Case(ifs_with_results_over_a_deep_stack, 50_000, DEEP),
    Case(calls_over_a_deep_stack, 50_000, DEEP),
    Case(global_gets_over_a_deep_stack, 100_000, DEEP),
    Case(sets_over_a_deep_stack, 100_000, DEEP),
    Case(sets_of_operands_over_a_deep_stack, 100_000, DEEP),
    Case(holes_in_a_deep_stack, 100_000, 901),
    Case(unreachable_code, 100_000),
]
