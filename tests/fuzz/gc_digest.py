# SPDX-License-Identifier: MIT
"""Adds functions that compute numbers from references, so that both engines can be compared.

A digest is a number made of a bounded part of what a reference leads to: of the types of the
objects, of their fields and elements, and of which references are null.
"""

from __future__ import annotations

from fuzz.heaptypes import (
    ANY,
    EXTERN,
    I8,
    I16,
    I31,
    Defined,
    Field,
    heap_of,
    reference,
    to,
    top_of,
)
from fuzz.ops import F32, F64, I32, I64, V128, is_reference
from fuzz.tree import Body, Call, Function, Signature
from fuzz.world import World

MOST_DEPTH = 3
_ELEMENTS = 4  # of an array that count
# The locals: the parameters, the digest so far, the index of an element, a vector.
_VALUE, _DEPTH, _SUM, _INDEX, _VECTOR = 0, 1, 2, 3, 4
_MIX: Body = [("i64.const", 0x100000001B3), ("i64.mul",), ("i64.xor",)]


def add_digest(world: World) -> None:
    """Adds the function that computes digests: (anyref, i32) -> i64. The i32 is the depth."""
    module = world.module
    world.digest = len(module.imports) + len(module.functions)
    function = Function(Signature((ANY, I32), (I64,)), [I64, I32, V128])
    module.functions.append(function)
    function.body = [
        *(("local.get", _VALUE), ("ref.is_null",)),
        ("if", (), (), [("i64.const", 1), ("return",)], None),
        *(("local.get", _DEPTH), ("i32.const", MOST_DEPTH), ("i32.gt_u",)),
        ("if", (), (), [("i64.const", 2), ("return",)], None),
    ]
    # A type stands behind its supertypes, so the first one that fits is the most precise one.
    for index in reversed(range(len(module.types))):
        type_ = module.types[index]
        if type_.kind != "func":
            function.locals.append(to(index, nullable=True))
            local = len(function.type.params) + len(function.locals) - 1
            function.body += _if_is(world, index, type_, local)
    number: Body = [
        *(("local.get", _VALUE), ("ref.cast", reference(I31, nullable=False))),
        *(("i31.get_s",), ("i64.extend_i32_s",), ("return",)),
    ]
    function.body += [("local.get", _VALUE), ("ref.test", I31), ("if", (), (), number, None)]
    function.body.append(("i64.const", 3))


def _if_is(world: World, index: int, type_: Defined, local: int) -> Body:
    """Returns code that returns the digest of an object of a type, which a local holds then."""
    body: Body = [("i64.const", 100 + index), ("local.set", _SUM)]
    if type_.kind == "struct":
        for place, field in enumerate(type_.fields):
            name = "struct.get_s" if field.is_packed else "struct.get"
            read: Body = [("local.get", local), (name, index, place)]
            body += [("local.get", _SUM), *read, *_number(world, field), *_MIX]
            body.append(("local.set", _SUM))
    else:
        body += _elements(world, index, type_.fields[0], local)
    body += [("local.get", _SUM), ("return",)]
    test: Body = [("local.get", _VALUE), ("br_on_cast_fail", 0, ANY, to(index))]
    return [("block", (), (ANY,), [*test, ("local.set", local), *body]), ("drop",)]


def _elements(world: World, index: int, field: Field, local: int) -> Body:
    """Returns code that adds the length and the first elements of an array to the digest."""
    name = "array.get_u" if field.is_packed else "array.get"
    length: Body = [("local.get", local), ("array.len",)]
    body: Body = [("local.get", _SUM), *length, ("i64.extend_i32_u",), *_MIX, ("local.set", _SUM)]
    read: Body = [("local.get", local), ("local.get", _INDEX), (name, index)]
    count: Body = [("local.get", _INDEX), ("i32.const", 1), ("i32.add",), ("local.set", _INDEX)]
    mix: Body = [("local.get", _SUM), *read, *_number(world, field), *_MIX, ("local.set", _SUM)]
    test: Body = [
        *(("local.get", _INDEX), *length, ("i32.lt_u",)),
        *(("local.get", _INDEX), ("i32.const", _ELEMENTS), ("i32.lt_u",), ("i32.and",)),
    ]
    return [*body, ("loop", (), (), [*test, ("if", (), (), [*mix, *count, ("br", 1)], None)])]


_NUMBERS: dict[int, Body] = {
    I8: [("i64.extend_i32_s",)],
    I16: [("i64.extend_i32_s",)],
    I32: [("i64.extend_i32_s",)],
    I64: [],
    F32: [("i32.reinterpret_f32",), ("i64.extend_i32_u",)],
    F64: [("i64.reinterpret_f64",)],
    V128: [
        *(("local.tee", _VECTOR), ("i64x2.extract_lane", 0)),
        *(("local.get", _VECTOR), ("i64x2.extract_lane", 1), *_MIX),
    ],
}


def _number(world: World, field: Field) -> Body:
    """Returns code that makes an i64 of the value of a field."""
    if not is_reference(field.storage):
        return _NUMBERS[field.storage]
    return _digest_of(world, field.storage, [("local.get", _DEPTH), ("i32.const", 1), ("i32.add",)])


def _digest_of(world: World, type_: int, depth: Body) -> Body:
    """Returns code that makes an i64 of the reference on top of the stack."""
    top = top_of(heap_of(type_), world.module.types)
    if top in (ANY, EXTERN):
        convert: Body = [("any.convert_extern",)] * (top == EXTERN)
        return [*convert, *depth, ("call", world.digest)]
    return [("ref.is_null",), ("i64.extend_i32_u",)]


def add_observer(world: World) -> None:
    """Adds a function, and a call of it, that returns the digests of globals and of elements."""
    module = world.module
    body: Body = []
    depth: Body = [("i32.const", 0)]
    count = 0
    for index, entry in enumerate(module.globals):
        if is_reference(entry.type):
            body += [("global.get", index), *_digest_of(world, entry.type, depth)]
            count += 1
    for place, table in enumerate(module.tables):
        number = len(module.wide) + place
        body.append(("i64.const", 7))
        for element in range(table.size):
            read: Body = [("i32.const", element), ("table.get", number)]
            body += [*read, *_digest_of(world, table.type, depth), *_MIX]
        count += 1
    module.functions.append(Function(Signature((), (I64,) * count), [], body))
    module.calls.append(Call(len(module.functions) - 1))
