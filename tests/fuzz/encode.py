# SPDX-License-Identifier: MIT
"""Encodes a tree (tree.py) to the bytes of a module (specification, section 5, Binary Format)."""

from __future__ import annotations

from binary import leb, section, signed_leb, vector
from fuzz import gc_ops
from fuzz.heaptypes import Defined, heap_bytes, heap_of, type_bytes
from fuzz.ops import (
    ACCESSES,
    ATOMICS,
    FENCE,
    FUNCREF,
    NUMERIC,
    PLAIN,
    SHUFFLE,
    Types,
    is_reference,
)
from fuzz.tree import (
    MOST_ELEMENTS,
    SECOND_TABLE,
    Body,
    Function,
    Global,
    Instruction,
    Memory,
    Module,
    Signature,
    const,
    zero,
)

END = b"\x0b"
_COMPOSITES = {"func": b"\x60", "array": b"\x5e", "struct": b"\x5f"}


def signed(bits: int, width: int) -> int:
    """Returns a bit pattern of `width` bits as a signed number."""
    return bits - (1 << width) if bits >> (width - 1) else bits


_LANE = {op.name: op.code for op in NUMERIC.values() if op.lanes}
_PLAIN = {op.name: op.code for op in NUMERIC.values() if not op.lanes} | {
    "unreachable": b"\x00",
    "nop": b"\x01",
    "return": b"\x0f",
    "drop": b"\x1a",
    "select": b"\x1b",
    "throw_ref": b"\x0a",
    "ref.is_null": b"\xd1",
    FENCE: b"\xfe\x03\x00",
}
_INDEXED = {
    "throw": b"\x08",
    "rethrow": b"\x09",
    "ref.func": b"\xd2",
    "br": b"\x0c",
    "br_if": b"\x0d",
    "call": b"\x10",
    "return_call": b"\x12",
    "local.get": b"\x20",
    "local.set": b"\x21",
    "local.tee": b"\x22",
    "global.get": b"\x23",
    "global.set": b"\x24",
}
# The immediates of these are indices.
_ON_TABLES = {
    "table.get": b"\x25",
    "table.set": b"\x26",
    "table.init": b"\xfc\x0c",
    "elem.drop": b"\xfc\x0d",
    "table.copy": b"\xfc\x0e",
    "table.grow": b"\xfc\x0f",
    "table.size": b"\xfc\x10",
    "table.fill": b"\xfc\x11",
}
_INDIRECT = {"call_indirect": b"\x11", "return_call_indirect": b"\x13"}
_BLOCKS = {
    **{"block": b"\x02", "loop": b"\x03", "if": b"\x04"},
    **{"try": b"\x06", "try_delegate": b"\x06", "try_table": b"\x1f"},
}
# The segment of memory.init stands before the memory.
_ON_MEMORIES = {
    "memory.size": b"\x3f",
    "memory.grow": b"\x40",
    "memory.init": b"\xfc\x08\x00",
    "data.drop": b"\xfc\x09",
    "memory.copy": b"\xfc\x0a",
    "memory.fill": b"\xfc\x0b",
}
_ACCESS = {access.name: access.code for access in (*ACCESSES.values(), *ATOMICS.values())}


def const_bytes(name: str, bits: int) -> bytes:
    """Returns the bytes of a const instruction."""
    if name == "i32.const":
        return b"\x41" + signed_leb(signed(bits, 32))
    if name == "i64.const":
        return b"\x42" + signed_leb(signed(bits, 64))
    if name == "f32.const":
        return b"\x43" + bits.to_bytes(4, "little")
    if name == "v128.const":
        return b"\xfd\x0c" + bits.to_bytes(16, "little")
    return b"\x44" + bits.to_bytes(8, "little")


class Encoder:
    """Encodes one module. A type gets its index when it is first used."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.types: dict[tuple[Types, Types, int], int] = {}

    def type_index(self, params: Types, results: Types, variant: int = 0) -> int:
        """Returns the index of a type. Each variant of a type is written as a type of its own."""
        if variant < 0:
            return -1 - variant
        key = (tuple(t & PLAIN for t in params), tuple(t & PLAIN for t in results), variant)
        return self.types.setdefault(key, len(self.module.types) + len(self.types))

    def block_type(self, params: Types, results: Types) -> bytes:
        """Returns the shortest encoding of a block type."""
        if not params and not results:
            return b"\x40"
        if not params and len(results) == 1:
            return type_bytes(results[0])
        return signed_leb(self.type_index(params, results))

    def body(self, body: Body, out: list[bytes]) -> None:
        """Appends the bytes of all instructions of a body."""
        for instruction in body:
            name = instruction[0]
            if name in _PLAIN:
                out.append(_PLAIN[name])
            elif name in _INDEXED:
                out.append(_INDEXED[name] + leb(instruction[1]))
            else:
                self.special(instruction, out)

    def special(self, instruction: Instruction, out: list[bytes]) -> None:
        """Appends an instruction whose immediates are more than one index."""
        name = instruction[0]
        if name in _BLOCKS:
            self.block(instruction, out)
        elif name in _ACCESS:
            align, offset, memory, *lane = instruction[1:]
            flags = leb(align | 0x40) + leb(memory) if memory else leb(align)
            out.append(_ACCESS[name] + flags + leb(offset) + bytes(lane))
        elif name in _ON_MEMORIES:
            out.append(_ON_MEMORIES[name] + b"".join(map(leb, instruction[1:])))
        elif name in _LANE:
            out.append(_LANE[name] + bytes(instruction[1:]))
        elif name == "i8x16.shuffle":
            out.append(SHUFFLE.code + bytes(instruction[1]))
        elif name == "ref.null":
            out.append(b"\xd0" + heap_bytes(heap_of(instruction[1])))
        elif name == "select_typed":
            out.append(b"\x1c\x01" + type_bytes(instruction[1]))
        elif name == "br_table":
            depths = [leb(depth) for depth in instruction[1]]
            out.append(b"\x0e" + vector(depths) + leb(instruction[2]))
        elif gc_ops.is_known(name):
            out.append(gc_ops.code(instruction, bool(self.module.items)))
        elif name in _ON_TABLES:
            out.append(_ON_TABLES[name] + b"".join(map(leb, instruction[1:])))
        elif name in _INDIRECT:
            out.append(_INDIRECT[name] + leb(self.type_index(*instruction[1:])) + b"\x00")
        else:
            out.append(const_bytes(name, instruction[1]))

    def block(self, instruction: Instruction, out: list[bytes]) -> None:
        """Appends a block with its bodies and clauses."""
        name = instruction[0]
        out.append(_BLOCKS[name] + self.block_type(instruction[1], instruction[2]))
        if name == "try_table":
            out.append(vector([_clause(*clause) for clause in instruction[4]]))
        self.body(instruction[3], out)
        if name == "if" and instruction[4] is not None:
            out.append(b"\x05")
            self.body(instruction[4], out)
        if name == "try":
            for (tag, _), body in zip(instruction[4], instruction[5:], strict=True):
                out.append(b"\x19" if tag is None else b"\x07" + leb(tag))
                self.body(body, out)
        out.append(b"\x18" + leb(instruction[4]) if name == "try_delegate" else END)

    def code(self, function: Function) -> bytes:
        """Returns a function's entry in the code section."""
        runs: list[list[int]] = []
        for type_ in function.locals:
            if runs and runs[-1][1] == type_ & PLAIN:
                runs[-1][0] += 1
            else:
                runs.append([1, type_ & PLAIN])
        out = [vector([leb(number) + type_bytes(type_) for number, type_ in runs])]
        self.body(function.body, out)
        content = b"".join(out) + END
        return leb(len(content)) + content

    def type_section(self) -> bytes:
        """Returns the content of the type section; call it when all else is encoded."""
        module, found, first = self.module, [], 0
        for size in module.groups:
            group = [_defined(type_) for type_ in module.types[first : first + size]]
            found.append(group[0] if size == 1 else b"\x4e" + vector(group))
            first += size
        found += [_function_type(params, results) for params, results, _ in self.types]
        return vector(found)

    def signature(self, type_: Signature) -> bytes:
        """Returns the bytes of the index of a function's type."""
        if type_.defined is not None:
            return leb(type_.defined)
        return leb(self.type_index(type_.params, type_.results))

    def expression(self, body: Body) -> bytes:
        """Returns the bytes of an expression."""
        out: list[bytes] = []
        self.body(body, out)
        return b"".join(out) + END

    def global_(self, entry: Global) -> bytes:
        """Returns the bytes of a global."""
        value = const(entry.type, entry.bits) if not is_reference(entry.type) else zero(entry.type)
        return (
            type_bytes(entry.type) + bytes([entry.mutable]) + self.expression(entry.init or [value])
        )

    def tables(self) -> bytes:
        """Returns the table section."""
        module = self.module
        if module.table is None and not module.tables:
            return b""
        sizes = (len(module.table or ()), SECOND_TABLE)
        tables = [
            bytes([FUNCREF, 5 if wide else 1]) + leb(size) + leb(MOST_ELEMENTS)
            for wide, size in zip(module.wide, sizes, strict=False)
        ]
        for table in module.tables:
            limits = b"\x01" + leb(table.size) + leb(MOST_ELEMENTS)
            value = self.expression(table.items[0])
            tables.append(b"\x40\x00" + type_bytes(table.type) + limits + value)
        return section(4, vector(tables))

    def elements(self) -> list[bytes]:
        """Returns the passive element segments of references."""
        return [
            b"\x05" + type_bytes(entry.type) + vector([self.expression(i) for i in entry.items])
            for entry in self.module.elements
        ]

    def encode(self) -> bytes:
        """Returns the bytes of the whole module."""
        module = self.module
        imports = [
            b"\x04host" + _name(entry.name) + b"\x00" + self.signature(entry.type)
            for entry in module.imports
        ]
        functions = [self.signature(function.type) for function in module.functions]
        tags = [b"\x00" + leb(self.type_index(types, ())) for types in module.tags]
        own_tags = tags[module.host_tags :]
        for index, tag in enumerate(tags[: module.host_tags]):
            imports.append(b"\x04host" + _name(f"t{index}") + b"\x04" + tag)
        for index, memory in enumerate(module.memories):
            if memory.is_imported:
                imports.append(b"\x04host" + _name(f"m{index}") + b"\x02" + _memory(memory))
        code = [self.code(function) for function in module.functions]
        globals_ = [self.global_(entry) for entry in module.globals]
        tables, elements = self.tables(), self.elements()
        parts = [
            b"\0asm\x01\0\0\0",
            section(1, self.type_section()),
            section(2, vector(imports)),
            section(3, vector(functions)),
            tables,
            _memories(module),
            section(13, vector(own_tags)) if own_tags else b"",
            section(6, vector(globals_)),
            section(7, vector(_exports(module))),
            b"" if module.start is None else section(8, leb(module.start)),
            _elements(module, elements),
            _data_count(module),
            section(10, vector(code)),
            _data(module),
        ]
        return b"".join(parts)


def encode(module: Module) -> bytes:
    """Returns the bytes of a module."""
    return Encoder(module).encode()


def _function_type(params: Types, results: Types) -> bytes:
    lists = [vector([type_bytes(t) for t in types]) for types in (params, results)]
    return _COMPOSITES["func"] + lists[0] + lists[1]


def _defined(type_: Defined) -> bytes:
    """Returns the bytes of a type of Module.types."""
    if type_.kind == "func":
        content = _function_type(type_.params, type_.results)
    else:
        fields = [type_bytes(f.storage) + bytes([f.mutable]) for f in type_.fields]
        content = _COMPOSITES[type_.kind]
        content += vector(fields) if type_.kind == "struct" else fields[0]
    if type_.supertype is None and type_.is_final:
        return content
    above = [] if type_.supertype is None else [leb(type_.supertype)]
    return (b"\x4f" if type_.is_final else b"\x50") + vector(above) + content


def _clause(tag: int | None, reference: bool, depth: int) -> bytes:
    """Returns the bytes of a clause of a try_table."""
    kind = (2 if tag is None else 0) + reference
    return bytes([kind]) + (b"" if tag is None else leb(tag)) + leb(depth)


def _name(text: str) -> bytes:
    data = text.encode()
    return leb(len(data)) + data


def _memory(memory: Memory) -> bytes:
    flags = 1 | memory.is_shared << 1 | memory.is64 << 2
    return bytes([flags]) + leb(memory.min) + leb(memory.max)


def _memories(module: Module) -> bytes:
    found = [_memory(memory) for memory in module.memories if not memory.is_imported]
    return section(5, vector(found)) if found else b""


def _exports(module: Module) -> list[bytes]:
    first = len(module.imports)
    found = [_name(f"f{i}") + b"\x00" + leb(first + i) for i in range(len(module.functions))]
    found += [_name(f"g{i}") + b"\x03" + leb(i) for i in range(len(module.globals))]
    found += [_name(f"m{i}") + b"\x02" + leb(i) for i in range(len(module.memories))]
    return found + [_name(f"t{i}") + b"\x04" + leb(i) for i in range(len(module.tags))]


def _elements(module: Module, others: list[bytes]) -> bytes:
    """Returns an element section: the passive segments, and one for each run without a null."""
    runs: list[tuple[int, list[bytes]]] = []
    for position, function in enumerate(module.table or ()):
        if function is None:
            continue
        if not runs or runs[-1][0] + len(runs[-1][1]) != position:
            runs.append((position, []))
        runs[-1][1].append(leb(function))
    segments = [b"\x01\x00" + vector([leb(item) for item in module.items])] * bool(module.items)
    segments += others
    const = b"\x00\x42" if module.wide[0] else b"\x00\x41"
    segments += [const + signed_leb(offset) + END + vector(items) for offset, items in runs]
    return section(9, vector(segments)) if segments else b""


def _data(module: Module) -> bytes:
    segments = [b"\x01" + leb(len(module.passive)) + module.passive] * bool(module.passive)
    for index, memory in enumerate(module.memories):
        place = b"\x02" + leb(index) if index else b"\x00"
        const = b"\x42" if memory.is64 else b"\x41"
        segments += [
            place + const + signed_leb(offset) + END + leb(len(data)) + data
            for offset, data in memory.data
        ]
    return section(11, vector(segments)) if segments else b""


def _data_count(module: Module) -> bytes:
    """Returns the section that modules need whose code names a data segment."""
    if not module.passive:
        return b""
    return section(12, leb(1 + sum(len(memory.data) for memory in module.memories)))
