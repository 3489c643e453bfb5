# SPDX-License-Identifier: MIT
"""Links modules at run time: their data lies in one memory, and their functions in one table.

Modules find each other's symbols by name. A module imports the address of a symbol as a global of
the module "GOT.mem" or "GOT.func", whose value the host sets; GOT is the global offset table. The
tool conventions of WebAssembly describe this in DynamicLinking.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._errors import LinkError, Trap, TrapKind, WasmError, link_error
from ..._exports import Exports
from ..._ffi import Function
from ..._global import Global
from ..._instance import Instance
from ..._lookup import ABSENT, Typed
from ..._memory import Memory
from ..._module import Module
from ..._table import Table
from ..._tag import Tag
from ..._types import FuncType, GlobalType, ImportType, MemoryType, TableType, TagType, i32
from . import _imports
from ._dylink import INTERNAL, Dylink, dylink_of

if TYPE_CHECKING:
    from ._program import Emscripten

# Where the data of the main module begins, and its functions in the table: the first bytes and the
# first element stay free, because 0 is the null pointer.
_MEMORY_BASE, _TABLE_BASE = 1024, 1
_STACK_ALIGNMENT = 16
_PAGE = 1 << 16
_GOT = ("GOT.mem", "GOT.func")
_MOST_LIBRARIES = 1000
_MOST_SCANNED = 1 << 18  # elements of the table in which a function is looked for
_MASK = (1 << 32) - 1


class Library:
    """A module that was linked to a program.

    Attributes:
        instance: The instance.
        memory_base: Where its data begins in the program's memory.
        table_base: The index of its first function in the program's table.
    """

    instance: Instance

    def __init__(self, dylink: Dylink, memory_base: int, table_base: int) -> None:
        """Is called by ``Emscripten.link``."""
        self.dylink = dylink
        self.memory_base = memory_base
        self.table_base = table_base

    @property
    def exports(self) -> Exports:
        """The exports of the instance, by their names in C."""
        return self.instance.exports

    def address_of(self, name: str) -> int:
        """Returns the address of a variable that the library exports.

        Raises:
            KeyError: It exports no variable with that name.
        """
        value = self.exports[name]
        if not isinstance(value, Global):
            raise KeyError(name)
        return (int(value.value) + self.memory_base) & 0xFFFFFFFF

    def relocate(self) -> None:
        """Lets the library put the addresses that it now knows into its data."""
        self._call("__wasm_apply_data_relocs")

    def construct(self) -> None:
        """Calls the constructors of the library."""
        self._call("__wasm_call_ctors")

    def _call(self, name: str) -> None:
        function = self.exports.get(name, None)
        if isinstance(function, Function):
            function()


class Scope:
    """The symbols of a program and of all libraries that are linked to it.

    Attributes:
        table: The table, if the host has made it.
        memory: The memory, if the host has made it.
        stack_pointer: The stack pointer of C, if the host has made it.
        tags: The tags of exceptions that the host has made, by name.
        began: Whether the constructors of the program have run.
    """

    def __init__(
        self, program: Emscripten, dylink: Dylink | None, libraries: list[Module], stack_bytes: int
    ) -> None:
        self._program = program
        self._dylink = dylink
        self._got: dict[str, Global] = {}  # the global offset table, by the name of the symbol
        self._required: dict[str, str] = {}  # the module of the import, by the name of the symbol
        self._libraries: list[Library] = []
        self._promised = {export.name for library in libraries for export in library.exports}
        self._indices: dict[int, int] = {}  # by the address of the function
        self._scanned = 0  # so many elements of the table were looked at
        self.table: Table | None = None
        self.memory: Memory | None = None
        self.stack_pointer: Global | None = None
        self.tags: dict[str, Tag] = {}
        self.began = False
        self._low = self._high = 0  # where the stack of C ends and begins: it grows downwards
        if dylink is not None:
            self._lay_out(dylink, stack_bytes)

    def _lay_out(self, dylink: Dylink, stack_bytes: int) -> None:
        """Puts the stack behind the data of the main module, and the heap behind the stack."""
        end = _MEMORY_BASE + dylink.memory_bytes
        self._low = -(-end // _STACK_ALIGNMENT) * _STACK_ALIGNMENT
        self._high = self._low + -(-stack_bytes // _STACK_ALIGNMENT) * _STACK_ALIGNMENT
        if self._high >= 1 << 32:
            raise LinkError("the data and the stack of the module do not fit into 4 GiB")

    def _global(self, value: int, *, mutable: bool = False) -> Global:
        return Global("i32", value, mutable, store=self._program.store)

    # ---- what modules import that is no function ----

    def storage(self, wanted: ImportType) -> Any:
        """Returns the memory, table, tag or global for an import of the main module, or ABSENT."""
        type = wanted.type
        store = self._program.store
        if wanted.module in _GOT and isinstance(type, GlobalType):
            weak = self._dylink.weak if self._dylink is not None else frozenset()
            return self.entry(wanted, weak=wanted.name in weak)
        if wanted.module != "env":
            return ABSENT
        if isinstance(type, MemoryType) and not type.is64:
            self.memory = Memory(type.min, type.max, shared=type.shared, store=store)
            return self.memory
        if isinstance(type, TableType) and not type.is64:
            least = 0 if self._dylink is None else _TABLE_BASE + self._dylink.table_elements
            self.table = Table(type.type, max(type.min, least), type.max, store=store)
            return self.table
        if isinstance(type, TagType):
            return self.tags.setdefault(wanted.name, Tag(type.type, store=store))
        if self._dylink is None:
            return ABSENT
        if wanted.name == "__stack_pointer":
            self.stack_pointer = self._global(self._high, mutable=True)
            return self.stack_pointer
        return {"__memory_base": _MEMORY_BASE, "__table_base": _TABLE_BASE}.get(wanted.name, ABSENT)

    def entry(self, wanted: ImportType, *, weak: bool = False) -> Global:
        """Returns the entry of the global offset table for an import; a weak one may stay 0."""
        if not weak:
            self._required.setdefault(wanted.name, wanted.module)
        places = {"__stack_low": self._low, "__stack_high": self._high, "__heap_base": self._high}
        if wanted.name not in self._got:
            value = places.get(wanted.name, 0)
            self._got[wanted.name] = self._global(value, mutable=True)
        return self._got[wanted.name]

    def imported(self, wanted: ImportType, type: FuncType) -> Any:
        """Returns the value for a function that the main module imports from a library, or ABSENT.

        The libraries are linked later than the main module. So the function looks for the library's
        when it is called.
        """
        if wanted.module != "env" or wanted.name not in self._promised:
            return ABSENT
        return self._late(wanted.name, type)

    def _late(self, name: str, type: FuncType) -> Typed:
        """Returns a function that looks for the function of a library at its first call."""
        found: list[Function] = []

        def call(*arguments: Any) -> Any:
            if not found:
                value = self.symbol(name)
                if not isinstance(value, Function):
                    detail = f"env.{name} is called, but no library has it"
                    raise Trap(TrapKind.UNREACHABLE, detail=detail)
                found.append(value)
            return found[0](*arguments)

        return Typed(call, type)

    # ---- symbols ----

    def symbol(self, name: str) -> Function | int | None:
        """Returns a function, or the address of a variable; None if nothing exports the name."""
        exports = self._program.exports
        value = exports.get(name, None)
        if isinstance(value, Function):
            return value
        if isinstance(value, Global):
            base = 0 if self._dylink is None else _MEMORY_BASE
            return (int(value.value) + base) & _MASK
        for library in self._libraries:
            value = library.exports.get(name, None)
            if value is None or name in INTERNAL or name in library.dylink.thread_local:
                continue
            if isinstance(value, Function):
                return value
            if isinstance(value, Global):
                return library.address_of(name)
        return None

    def index_of(self, function: Function) -> int:
        """Returns the index of a function in the table, to which it is added if it is not there."""
        table = self._program.table
        for index in range(self._scanned, min(len(table), _MOST_SCANNED)):
            element = table[index]
            if element is not None:
                self._indices.setdefault(element._address, index)
        self._scanned = len(table)
        found = self._indices.get(function._address)
        if found is not None and table[found] == function:
            return found
        return table.grow(1, function)

    def fill(self) -> None:
        """Sets the entries of the global offset table whose symbols are known by now.

        Raises:
            LinkError: A symbol is missing that is not weak.
        """
        missing = []
        for name, entry in self._got.items():
            if entry.value != 0:
                continue
            value = self.symbol(name)
            if value is None:
                value = _imports.function_of_host(self._program, name)
            if isinstance(value, Function):
                value = self.index_of(value)
            if value is not None:
                entry.value = value
            elif name in self._required:
                missing.append(ImportType(self._required[name], name, GlobalType(i32, True)))
        if missing and self._program.missing == "error":
            raise link_error(missing, [])

    # ---- libraries ----

    def link(self, module: Module) -> Library:
        """Makes an instance of a library, whose addresses are not yet relocated.

        Raises:
            LinkError: The module is not made for linking, or its imports are missing.
            MemoryError: There is not enough memory for its data, or the limits do not allow it.
        """
        dylink = dylink_of(module)
        if dylink is None:
            raise LinkError(
                f"{module!r} has no section dylink.0: compile a library with -sSIDE_MODULE"
            )
        if len(self._libraries) >= _MOST_LIBRARIES:
            raise LinkError(f"{_MOST_LIBRARIES:,} libraries are linked, and there can be no more")
        memory_base, table_base = self._reserve(dylink), 0
        if dylink.table_elements:  # Without, the program may not have a table either.
            table_base = self._program.table.grow(dylink.table_elements)
        library = Library(dylink, memory_base, table_base)
        values = {}
        for item in module.imports:
            value = self._for_library(library, module, item)
            if value is not ABSENT:
                values[item.module, item.name] = value
        program = self._program
        library.instance = Instance(module, values, store=program.store, missing=program.missing)
        self._libraries.append(library)
        return library

    def _for_library(self, library: Library, module: Module, wanted: ImportType) -> Any:
        type, name, program = wanted.type, wanted.name, self._program
        if wanted.module in _GOT and isinstance(type, GlobalType):
            return self.entry(wanted, weak=name in library.dylink.weak)
        if isinstance(type, FuncType):
            return self._function_for_library(library, module, wanted, type)
        if wanted.module != "env":
            return ABSENT
        if isinstance(type, MemoryType):
            return program.memory
        if isinstance(type, TableType):
            return program.table
        if isinstance(type, TagType):
            exported = program.exports.get(name, None)
            known = self.tags.get(name) or (exported if isinstance(exported, Tag) else None)
            return self.tags.setdefault(name, known or Tag(type.type, store=program.store))
        if name == "__stack_pointer":
            return self.stack_pointer or program.exports.get(name, ABSENT)
        bases = {"__memory_base": library.memory_base, "__table_base": library.table_base}
        return bases.get(name, ABSENT)

    def _function_for_library(
        self, library: Library, module: Module, wanted: ImportType, type: FuncType
    ) -> Any:
        name, program = wanted.name, self._program
        if wanted.module == "env":
            if name in program.given:
                return program.given[name]
            found = self.symbol(name)
            if isinstance(found, Function):
                return found
        value = _imports.builtin(program, wanted, type)
        if value is not ABSENT or wanted.module != "env":
            return value
        own = any(export.name == name for export in module.exports)
        if own or name in self._promised or name in library.dylink.weak:
            return self._late(name, type)
        return ABSENT

    def _reserve(self, dylink: Dylink) -> int:
        """Returns the address of memory for the data of a library, which is all zeros."""
        if dylink.memory_bytes == 0:
            return 0
        size = dylink.memory_bytes + dylink.memory_alignment
        program = self._program
        if self.began or "__heap_base" not in self._got:
            start = program.allocate(size)
            span = program.wasi.memory.span(start, size)
            for begin in range(0, size, _PAGE):
                span[begin : begin + _PAGE] = bytes(min(_PAGE, size - begin))
        else:  # the program's allocator has not begun yet, and will begin behind the library
            heap = self._got["__heap_base"]
            start = int(heap.value) & _MASK
            end = start + -(-size // _STACK_ALIGNMENT) * _STACK_ALIGNMENT
            _grow(program.memory, end)
            heap.value = end
        return -(-start // dylink.memory_alignment) * dylink.memory_alignment


def _grow(memory: Memory, size: int) -> None:
    pages = -(-size // _PAGE) - len(memory) // _PAGE
    if pages > 0:
        try:
            memory.grow(pages)
        except WasmError as error:
            raise MemoryError(f"no memory for the data of a library: {error}") from None
