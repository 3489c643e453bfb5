# SPDX-License-Identifier: MIT
"""Reads the section dylink.0, in which a module says what it needs to be linked at run time.

The tool conventions of WebAssembly describe it in DynamicLinking.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..._binary import Reader
from ..._errors import MalformedError
from ..._module import Module

SECTION = "dylink.0"

_MEMORY, _NEEDED, _EXPORTS, _IMPORTS = 1, 2, 3, 4  # ids of parts of the section
_BINDING_MASK, _WEAK = 3, 1
_THREAD_LOCAL = 0x100
_LARGEST_ALIGNMENT = 16  # as a power of two: no compiler asks for more than a page

# Exports that belong to the module alone: other modules may have some with the same names.
INTERNAL = frozenset(
    (
        "__wasm_apply_data_relocs",
        "__wasm_call_ctors",
        "__wasm_init_tls",
        "__dso_handle",
        "__tls_size",
        "__tls_align",
        "__set_stack_limits",
        "_emscripten_tls_init",
        "__cpp_exception",
        "__c_longjmp",
        "__start_em_asm",
        "__stop_em_asm",
        "__start_em_js",
        "__stop_em_js",
    )
)


@dataclass(frozen=True)
class Dylink:
    """The contents of the section.

    Attributes:
        memory_bytes: How much memory the module needs for its data.
        memory_alignment: The alignment of that memory, in bytes.
        table_elements: How many elements of the table the module needs.
        needed: The names of the modules that must be linked before.
        weak: The names of imports that may be missing.
        thread_local: The names of exports that are not addresses, but offsets in a thread's data.
    """

    memory_bytes: int = 0
    memory_alignment: int = 1
    table_elements: int = 0
    needed: tuple[str, ...] = ()
    weak: frozenset[str] = frozenset()
    thread_local: frozenset[str] = frozenset()


def dylink_of(module: Module) -> Dylink | None:
    """Returns what the module's section says, or None if it has none.

    Raises:
        MalformedError: The section is not as the tool conventions say.
    """
    data = next((each.data for each in module.custom_sections if each.name == SECTION), None)
    return None if data is None else _parse(data)


def _parse(data: bytes) -> Dylink:
    reader = Reader(data, f"the section {SECTION}")
    memory_bytes = table_elements = alignment = 0
    needed: tuple[str, ...] = ()
    weak, thread_local = set(), set()
    while not reader.at_end:
        id = reader.byte()
        part = Reader(reader.take(reader.u32()), f"the section {SECTION}")
        if id == _MEMORY:
            memory_bytes, alignment, table_elements = part.u32(), part.u32(), part.u32()
        elif id == _NEEDED:
            needed = part.names()
        elif id == _EXPORTS:
            thread_local |= {
                name
                for name, flags in [(part.name(), part.u32()) for _ in part.items()]
                if flags & _THREAD_LOCAL
            }
        elif id == _IMPORTS:
            weak |= {
                name
                for _, name, flags in [(part.name(), part.name(), part.u32()) for _ in part.items()]
                if flags & _BINDING_MASK == _WEAK
            }
    if alignment > _LARGEST_ALIGNMENT:
        raise MalformedError(f"the section {SECTION} asks for an alignment of 2 ** {alignment}")
    return Dylink(
        memory_bytes,
        1 << alignment,
        table_elements,
        needed,
        frozenset(weak),
        frozenset(thread_local),
    )
