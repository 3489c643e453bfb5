# SPDX-License-Identifier: MIT
"""Shows a tree (tree.py) to people, in the text format (specification, section 6)."""

from __future__ import annotations

import math
import struct

from fuzz import gc_ops
from fuzz.encode import signed
from fuzz.heaptypes import Defined, heap_name, heap_of, type_name
from fuzz.ops import BITS, F32, FLOATS, NAMES, PLAIN, V128, Types, is_nan, is_reference
from fuzz.tree import (
    BLOCKS,
    MOST_ELEMENTS,
    SECOND_TABLE,
    Body,
    Function,
    Instruction,
    Module,
    const,
    zero,
)


def number(type_: int, bits: int) -> str:
    """Returns a bit pattern as the text format writes a number of this type."""
    type_ &= PLAIN
    if is_reference(type_):
        return "a reference" if bits else "null"
    if type_ == V128:
        return "i32x4 " + " ".join(
            f"{bits >> place & 0xFFFFFFFF:#010x}" for place in range(0, 128, 32)
        )
    if type_ not in FLOATS:
        return str(signed(bits, BITS[type_]))
    width = BITS[type_]
    sign = "-" if bits >> (width - 1) else ""
    if is_nan(bits, type_):
        return f"{sign}nan:{bits & (1 << (23 if type_ == F32 else 52)) - 1:#x}"
    value = struct.unpack("<f" if type_ == F32 else "<d", bits.to_bytes(width // 8, "little"))[0]
    if math.isinf(value):
        return f"{sign}inf"
    return repr(value) if value == int(value) and abs(value) < 1e6 else float.hex(value)


def _list(keyword: str, types: Types) -> str:
    return f" ({keyword} {' '.join(type_name(t) for t in types)})" if types else ""


def signature(params: Types, results: Types) -> str:
    """Returns the text of a function type or a block type."""
    return _list("param", params) + _list("result", results)


def plain(instruction: Instruction) -> str:
    """Returns the text of an instruction that is not a block."""
    name: str = instruction[0]
    if name.endswith(".const"):
        type_ = next(t for t, text in NAMES.items() if name.startswith(text))
        return f"{name} {number(type_, instruction[1])}"
    if name == "br_table":
        return " ".join(["br_table", *map(str, instruction[1]), str(instruction[2])])
    if name == "i8x16.shuffle":
        return " ".join([name, *map(str, instruction[1])])
    if name == "ref.null":
        return f"ref.null {heap_name(heap_of(instruction[1]))}"
    if gc_ops.is_known(name):
        return gc_ops.text(instruction)
    if name == "select_typed":
        return "select" + _list("result", instruction[1:])
    if name in ("call_indirect", "return_call_indirect"):
        variant = instruction[3]
        type_ = f" (type {-1 - variant})" if variant < 0 else ""
        return name + type_ + signature(instruction[1], instruction[2])
    if name == "table.init":
        return f"table.init {instruction[2]} {instruction[1]}"
    if ".load" in name or ".store" in name or ".atomic." in name:
        offset = f" offset={instruction[2]}" if instruction[2] else ""
        memory = f" {instruction[3]}" if instruction[3] else ""
        lane = "".join(f" {lane}" for lane in instruction[4:])
        return f"{name}{memory}{offset} align={1 << instruction[1]}{lane}"
    if name == "memory.init":
        return f"{name} {instruction[1]} 0"
    return " ".join(map(str, instruction))


def lines(body: Body, indent: str) -> list[str]:
    """Returns the lines of a body, one for each instruction."""
    found = []
    for instruction in body:
        if instruction[0] not in BLOCKS:
            found.append(indent + plain(instruction))
            continue
        found += _block(instruction, indent)
    return found


def _block(instruction: Instruction, indent: str) -> list[str]:
    name = instruction[0]
    head = name.removesuffix("_delegate") + signature(instruction[1], instruction[2])
    if name == "try_table":
        head += "".join(f" ({_clause(*clause)})" for clause in instruction[4])
    found = [indent + head, *lines(instruction[3], indent + "  ")]
    if name == "if" and instruction[4] is not None:
        found += [indent + "else", *lines(instruction[4], indent + "  ")]
    if name == "try":
        for (tag, _), body in zip(instruction[4], instruction[5:], strict=True):
            found.append(indent + ("catch_all" if tag is None else f"catch {tag}"))
            found += lines(body, indent + "  ")
    return [*found, indent + (f"delegate {instruction[4]}" if name == "try_delegate" else "end")]


def _clause(tag: int | None, reference: bool, depth: int) -> str:
    word = "catch_all" if tag is None else "catch"
    numbers = [str(number) for number in (tag, depth) if number is not None]
    return " ".join([f"{word}_ref" if reference else word, *numbers])


def _function(index: int, function: Function) -> list[str]:
    type_ = function.type
    defined = "" if type_.defined is None else f" (type {type_.defined})"
    head = f'  (func (export "f{index}"){defined}{signature(type_.params, type_.results)}'
    extra = (
        [f"    (local {' '.join(type_name(t) for t in function.locals)})"]
        if function.locals
        else []
    )
    return [head, *extra, *lines(function.body, "    "), "  )"]


def _memories(module: Module) -> list[str]:
    found = [f'  (data "{_escaped(module.passive)}")'] if module.passive else []
    for index, memory in enumerate(module.memories):
        limits = f"{'i64 ' if memory.is64 else ''}{memory.min} {memory.max}"
        limits += " shared" if memory.is_shared else ""
        place = f'(import "host" "m{index}") ' if memory.is_imported else ""
        found.append(f'  (memory (export "m{index}") {place}{limits})')
        for offset, data in memory.data:
            place = f"(memory {index}) ({'i64' if memory.is64 else 'i32'}.const {offset})"
            found.append(f'  (data {place} "{_escaped(data)}")')
    return found


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)


def _expression(body: Body) -> str:
    """Returns the text of a constant expression, whose instructions need no parentheses."""
    return f"({plain(body[0])})" if len(body) == 1 else " ".join(map(plain, body))


def _types(module: Module) -> list[str]:
    found, first = [], 0
    for size in module.groups:
        numbers = range(first, first + size)
        lines = [f"(type (;{i};) {_defined(module.types[i])})" for i in numbers]
        found += (
            ["  (rec", *(f"    {line}" for line in lines), "  )"] if size > 1 else [f"  {lines[0]}"]
        )
        first += size
    return found


def _defined(type_: Defined) -> str:
    if type_.kind == "func":
        content = f"(func{signature(type_.params, type_.results)})"
    else:
        word = "field " if type_.kind == "struct" else ""
        shown = []
        for field in type_.fields:
            name = type_name(field.storage)
            name = f"(mut {name})" if field.mutable else name
            shown.append(f"(field {name})" if word else name)
        content = f"({type_.kind} {' '.join(shown)})"
    above = "" if type_.supertype is None else f" {type_.supertype}"
    return f"(sub{' final' if type_.is_final else ''}{above} {content})"


def _tables_of_references(module: Module) -> list[str]:
    found = []
    for table in module.tables:
        value = _expression(table.items[0])
        found.append(f"  (table {table.size} {MOST_ELEMENTS} {type_name(table.type)} {value})")
    return found


def _segments_of_references(module: Module) -> list[str]:
    found = []
    for index, segment in enumerate(module.elements):
        items = " ".join(f"(item {' '.join(map(plain, item))})" for item in segment.items)
        name = gc_ops.segment_name(index)
        found.append(f"  (elem {name} {type_name(segment.type)} {items})")
    return found


def _table(module: Module) -> list[str]:
    if module.table is None and not module.tables:
        return []
    sizes = (len(module.table or ()), SECOND_TABLE)
    found = [
        f"  (table {'i64 ' if wide else ''}{size} {MOST_ELEMENTS} funcref)"
        for wide, size in zip(module.wide, sizes, strict=False)
    ]
    if module.items:
        found.append(f"  (elem func {' '.join(map(str, module.items))})")
    found += _tables_of_references(module)
    for position, function in enumerate(module.table or ()):
        if function is not None:
            offset = f"{'i64' if module.wide[0] else 'i32'}.const {position}"
            found.append(f"  (elem ({offset}) func {function})")
    return found


def _globals(module: Module) -> list[str]:
    found = []
    for index, entry in enumerate(module.globals):
        name = type_name(entry.type)
        type_ = f"(mut {name})" if entry.mutable else name
        reference = is_reference(entry.type)
        value = zero(entry.type) if reference else const(entry.type, entry.bits)
        found.append(f'  (global (export "g{index}") {type_} {_expression(entry.init or [value])})')
    return found


def text(module: Module) -> str:
    """Returns the text of a module, with the calls as comments at its end.

    Variants of a type (see `Encoder.type_index`) are not told apart here.
    """
    found = ["(module", *_types(module)]
    for entry in module.imports:
        type_ = signature(entry.type.params, entry.type.results)
        found.append(f'  (import "host" "{entry.name}" (func{type_}))')
    for index, types in enumerate(module.tags):
        host = f' (import "host" "t{index}")' if index < module.host_tags else ""
        found.append(f'  (tag (export "t{index}"){host}{_list("param", types)})')
    found += _memories(module) + _table(module) + _segments_of_references(module)
    found += _globals(module)
    for index, function in enumerate(module.functions):
        found += _function(index, function)
    if module.start is not None:
        found.append(f"  (start {module.start})")
    found.append(")")
    if module.is_linked:
        found.append(";; two instances: the second one imports f0 of the first one as 'again'")
    for call in module.calls:
        params = module.functions[call.function].type.params
        args = ", ".join(number(t, bits) for t, bits in zip(params, call.args, strict=True))
        found.append(f";; f{call.function}({args})")
    return "\n".join(found)
