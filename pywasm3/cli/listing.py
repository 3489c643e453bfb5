# SPDX-License-Identifier: MIT
"""Lists what a module consists of, for the command line.

Every valid module can be listed, even if this version cannot run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .._ffi import FUNC, NO_INDEX, TAG, address, ffi, func_type, head, lib, new_error, text
from .._module import module_error
from .._text import brief
from .._types import BY_CODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._ffi import Pointer
    from .._types import FuncType, ValueType

# The names of the kinds of imports and exports in the text format.
KINDS = {
    FUNC: "func",
    lib.PW_EXTERN_TABLE: "table",
    lib.PW_EXTERN_MEMORY: "memory",
    lib.PW_EXTERN_GLOBAL: "global",
    TAG: "tag",
}
_CODES = {word: code for code, word in KINDS.items()}

# At most so many operands of one instruction are listed, because each takes one byte of the module,
# but many bytes as a Python object. The number is even, because a declaration of locals has pairs.
_MAX_OPERANDS = 1 << 16

# Maps each pw_operandkind to its name, like "label" or "local".
_OPERANDS = {
    number: name.removeprefix("PW_OPERAND_").lower()
    for number, name in ffi.typeof("pw_operandkind").elements.items()
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The limits of a memory in pages, or of a table in elements."""

    min: int
    max: int | None
    shared: bool
    is64: bool
    page_bytes: int  # the size of a page; for memories only


@dataclass(frozen=True, slots=True)
class Extern:
    """A function, table, memory, global or tag. Fields that its kind does not have are None."""

    kind: str
    index: int
    func: FuncType | None = None
    value: ValueType | None = None  # the type of a global's value, or of a table's elements
    mutable: bool | None = None
    sizes: Sizes | None = None
    type_index: int | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """An import, with its index among the functions, tables, memories, globals or tags."""

    module: str
    name: str
    extern: Extern


@dataclass(frozen=True, slots=True)
class Export:
    """An export, with its index among the functions, tables, memories, globals or tags."""

    name: str
    extern: Extern


@dataclass(frozen=True, slots=True)
class Section:
    """A section. `offset` and `size` are those of its contents, after the section's id and size."""

    name: str
    custom_name: str | None
    start: int
    offset: int
    size: int
    entries: int | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction, or the declarations of locals. Each operand is a kind and a value."""

    offset: int
    end: int
    text: str
    operands: list[tuple[str, int]]
    omitted: int  # the number of operands that are not listed, because there are too many


class Listing:
    """A valid module that can be looked at, but not instantiated.

    Raises:
        MalformedError: The bytes are not a module.
        InvalidError: The module breaks a rule of validation.
        UnsupportedError: The module exceeds a limit of this package, for example on sizes.
    """

    def __init__(self, data: bytes) -> None:
        error = new_error()
        pointer = lib.pw_module_list(data, len(data), error)
        if not pointer:
            raise module_error(error, data)
        self._pointer = ffi.gc(pointer, lib.pw_module_release)
        self._info = lib.pw_module_get_info(pointer)
        self._func_types: dict[int, FuncType] = {}
        self._instruction = ffi.new("pw_instruction *")
        self._reserve(64)

    @property
    def name(self) -> str | None:
        """The module's name in the name section, or None."""
        return text(self._info.name) or None

    @property
    def size(self) -> int:
        """The size of the module in bytes."""
        return int(self._info.size)

    @property
    def start(self) -> int | None:
        """The index of the start function, or None."""
        start: int = self._info.start
        return None if start == NO_INDEX else start

    def count(self, kind: str) -> int:
        """Returns how many functions, tables, ... there are, including imported ones."""
        return int(lib.pw_module_count(self._pointer, _CODES[kind]))

    def externs(self, kind: str) -> list[Extern]:
        """Returns all functions, tables, ...; the imported ones come first."""
        return [self.extern(kind, index) for index in range(self.count(kind))]

    def extern(self, kind: str, index: int) -> Extern:
        """Returns the function, table, ... with an index, which must be in range."""
        return self._extern(lib.pw_module_extern(self._pointer, _CODES[kind], index), index)

    def imports(self) -> list[Import]:
        """Returns the imports in the module's order."""
        counts = dict.fromkeys(KINDS, 0)
        result = []
        for i in range(self._info.nimports):
            entry = self._info.imports[i]
            kind = entry.type.kind
            extern = self._extern(entry.type, counts[kind])
            counts[kind] += 1
            result.append(Import(text(entry.module), text(entry.name), extern))
        return result

    def exports(self) -> list[Export]:
        """Returns the exports in the module's order."""
        result = []
        for i in range(self._info.nexports):
            entry = self._info.exports[i]
            result.append(Export(text(entry.name), self._extern(entry.type, entry.index)))
        return result

    def _extern(self, type_: Pointer, index: int) -> Extern:
        kind = KINDS[type_.kind]
        if type_.kind in (FUNC, TAG):
            number = type_.type_index
            return Extern(kind, index, func=self._func_type(number), type_index=number)
        if kind == "global":
            return Extern(kind, index, value=BY_CODE[type_.valtype], mutable=type_.is_mutable)
        value = BY_CODE[type_.valtype] if kind == "table" else None
        return Extern(kind, index, value=value, sizes=_sizes(type_.limits))

    def _func_type(self, number: int) -> FuncType:
        if number not in self._func_types:
            self._func_types[number] = func_type(address(self._pointer), number)
        return self._func_types[number]

    def sections(self) -> Iterator[Section]:
        """Yields the sections in the module's order."""
        section = ffi.new("pw_section *")
        ncustoms = 0
        while lib.pw_module_next_section(self._pointer, section):
            custom_name = None
            if section.is_custom:
                custom_name = text(self._info.customs[ncustoms].name)
                ncustoms += 1
            yield Section(
                ffi.string(section.name).decode().removesuffix(" section"),
                custom_name,
                section.start,
                section.offset,
                section.size,
                section.entries if section.is_list else None,
            )

    def custom(self, name: str) -> bytes | None:
        """Returns the contents, after the name, of the first custom section with a name."""
        for i in range(self._info.ncustoms):
            custom = self._info.customs[i]
            if text(custom.name) == name:
                return bytes(ffi.buffer(custom.data, custom.size))
        return None

    def function_name(self, index: int) -> str | None:
        """Returns a function's name in the name section, or else of an export, or of its import."""
        return text(lib.pw_module_function_name(self._pointer, index)) or None

    def function_label(self, index: int) -> str:
        """Returns a function's name as a line of output shows it; "" if it has none.

        Any number of instructions may refer to a long name, so only the beginning is decoded.
        """
        return brief(head(lib.pw_module_function_name(self._pointer, index)))

    def instructions(self, function: int) -> Iterator[Instruction]:
        """Yields the declarations of locals, and then the instructions up to the last ``end``.

        An imported function has none of both.
        """
        body = lib.pw_module_body(self._pointer, function)
        if not body.end:
            return
        declarations = self._read(lib.pw_list_locals, body.body)
        yield declarations
        offset, end = declarations.end, body.end
        while offset < end:
            instruction = self._read(lib.pw_list_instruction, offset)
            yield instruction
            offset = instruction.end

    def _reserve(self, needed: int) -> None:
        capacity = min(needed, _MAX_OPERANDS)
        self._capacity = capacity
        self._operands = ffi.new("pw_operand[]", capacity)

    def _read(self, read: Pointer, offset: int) -> Instruction:
        found = self._instruction
        read(self._pointer, offset, self._operands, self._capacity, found)
        count = found.noperands
        if self._capacity < min(count, _MAX_OPERANDS):
            self._reserve(count)
            read(self._pointer, offset, self._operands, self._capacity, found)
        listed = min(count, self._capacity)
        operands = [(_OPERANDS[o.kind], o.value) for o in self._operands[0:listed]]
        text = ffi.string(found.text).decode()
        return Instruction(offset, found.end, text, operands, count - listed)


def _sizes(limits: Pointer) -> Sizes:
    return Sizes(
        limits.min,
        limits.max if limits.has_max else None,
        limits.shared,
        limits.is64,
        1 if limits.byte_pages else lib.PW_PAGE,
    )
