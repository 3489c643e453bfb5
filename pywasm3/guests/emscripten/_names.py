# SPDX-License-Identifier: MIT
"""Modules whose imports and exports have got short names, and the declaration of the true names.

With -O3 and -Os, Emscripten calls the imports of a module a.a, a.b, a.c and so on, and gives the
exports such names, too. Only the JavaScript that belongs to the module knows which is which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..._binary import Reader, leb, section, sized
from ..._module import Module
from ..._text import meant
from ..._types import FuncType, GlobalType, MemoryType, TableType, TagType
from ...wasi.preview1 import FUNCTIONS as WASI_FUNCTIONS
from ...wasi.preview1 import SNAPSHOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self

    from ..._types import ExternType

_PREAMBLE = 8  # bytes: the magic number and the version
_CUSTOM, _IMPORTS, _EXPORTS = 0, 2, 7  # ids of sections
_NO_VALUES = FuncType((), ())

# In JavaScript: `Module["_malloc"] = _malloc = wasmExports["v"]`, `d._malloc=b.v`,
# `_setThrew=wasmExports.Ra`, or `(_main=Module["_main"]=Module["asm"]["P"])`. The groups are: what
# is assigned to as a property, or as a variable; the object of the exports; and the name of the
# export.
_ASSIGNED = re.compile(
    r"""(?:[\w$]\._(?P<dotted>[\w$]+)
          | \[(?P<q1>["'])_(?P<quoted>[\w$]+)(?P=q1)\]
          | \b_(?P<plain>\w{3,}))
        \s*=\s* (?:[\w$]+\s*=\s*)?
        (?P<object>[\w$]+ (?:\.asm | \[(?P<q2>["'])asm(?P=q2)\])?)
        (?:\.(?P<export>[\w$]+) | \[(?P<q3>["'])(?P<item>[\w$]+)(?P=q3)\])
        (?![\w$]|\s*=[^=])""",
    re.VERBOSE,
)
# Exports that have no underscore before their names in JavaScript.
_PLAIN = re.compile(r"\b(stackSave|stackRestore|stackAlloc|dynCall_\w+)\b")
# One member of an object in JavaScript, whose value is a name.
_MEMBER = re.compile(r"""\s*(["']?)([\w$]+)\1\s*:\s*([\w$]+)\s*(,|\})""")


@dataclass(frozen=True)
class Names:
    """The true names of a module's imports and exports, by the short names that it has for them.

    Attributes:
        imports: The names of imports, without the name of the module: ``{"q": "_abort_js"}``. All
            imports must be named.
        exports: The names of exports: ``{"M": "free"}``. An export that is not named here keeps the
            name that it has, except that the only memory is called ``memory``, and the only table
            ``__indirect_function_table``.
    """

    imports: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_js(
        cls, script: str, module: Module, *, imports: Mapping[str, str] | None = None
    ) -> Self:
        """Reads the names from the JavaScript that belongs to a module.

        The names of exports can always be read, because the script offers them by these names. The
        names of imports can be read unless the Closure compiler has shortened the script: then the
        functions in it have no names, and `imports` must name them.

        Args:
            script: The text of the file that Emscripten wrote beside the module.
            module: The module.
            imports: Names that are known, which count more than those of the script.

        Raises:
            ValueError: The script does not assign exports of the module, or it does not say the
                names of imports that `imports` does not name either; the message lists them.
        """
        exports = _exports_of(script, module)
        if not exports:
            raise ValueError(
                "the script assigns no exports of the module: give the JavaScript that Emscripten "
                "wrote together with this module"
            )
        found = {**_imports_of(script, module), **(imports or {})}
        unknown = [item.name for item in module.imports if item.name not in found]
        if unknown:
            raise ValueError(
                f"the script does not say what these imports are called: {', '.join(unknown)}; "
                "name them with imports={...}"
            )
        return cls(found, exports)

    def apply(self, module: Module) -> Module:
        """Returns a module that is the same but for the names of its imports and exports.

        Raises:
            ValueError: A name is declared for an import or export that the module does not have, or
                two exports get the same name.
        """
        _check("import", self.imports, {item.name for item in module.imports})
        _check("export", self.exports, {item.name for item in module.exports})
        exports = {item.name: self.exports.get(item.name, item.name) for item in module.exports}
        taken = set(exports.values())
        for kind, name in ((MemoryType, "memory"), (TableType, "__indirect_function_table")):
            only = [item.name for item in module.exports if isinstance(item.type, kind)]
            if len(only) == 1 and only[0] not in self.exports and name not in taken:
                exports[only[0]] = name
        if len(set(exports.values())) < len(exports):
            raise ValueError("two exports of the module are declared to have the same name")
        imports = {(item.module, item.name): self._import(item.name) for item in module.imports}
        return Module(_renamed(module.bytes, imports, exports))

    def _import(self, name: str) -> tuple[str, str]:
        true = self.imports.get(name, name)
        return SNAPSHOT if true in WASI_FUNCTIONS else "env", true


def _check(kind: str, declared: Mapping[str, str], there: set[str]) -> None:
    unknown = [name for name in declared if name not in there]
    if unknown:
        hint = meant(unknown[0], sorted(there))
        raise ValueError(f"the module has no {kind} named {', '.join(map(repr, unknown))}{hint}")


def _renamed(
    data: bytes, imports: Mapping[tuple[str, str], tuple[str, str]], exports: Mapping[str, str]
) -> bytes:
    """Returns the bytes of a valid module with other names."""
    reader = Reader(data, "the module", _PREAMBLE)
    pieces = [data[:_PREAMBLE]]
    while not reader.at_end:
        id = reader.byte()
        body = reader.take(reader.u32())
        if id == _IMPORTS:
            body = _renamed_imports(body, imports)
        elif id == _EXPORTS:
            body = _renamed_exports(body, exports)
        pieces.append(section(id, body))
    return b"".join(pieces)


def _renamed_imports(body: bytes, names: Mapping[tuple[str, str], tuple[str, str]]) -> bytes:
    reader = Reader(body, "the import section")
    pieces = []
    for _ in reader.items():
        for name in names[reader.name(), reader.name()]:
            pieces.append(sized(name.encode()))
        start = reader.offset
        _skip_import_type(reader)
        pieces.append(body[start : reader.offset])
    return leb(len(pieces) // 3) + b"".join(pieces)


def _skip_import_type(reader: Reader) -> None:
    kind = reader.byte()
    if kind == 0:  # a function, with the index of its type
        reader.u32()
    elif kind == 1:  # a table
        _skip_value_type(reader)
        _skip_limits(reader)
    elif kind == 2:  # a memory
        _skip_limits(reader)
    elif kind == 3:  # a global, and whether it is mutable
        _skip_value_type(reader)
        reader.byte()
    else:  # a tag, with a zero byte and the index of its type
        reader.byte()
        reader.u32()


def _skip_value_type(reader: Reader) -> None:
    if reader.byte() in (0x63, 0x64):  # a reference with a heap type of several bytes
        while reader.byte() >= 0x80:
            pass


def _skip_limits(reader: Reader) -> None:
    flags = reader.byte()
    for _ in range(1 + (flags & 1)):
        while reader.byte() >= 0x80:  # the number has 64 bits if the addresses have
            pass


def _renamed_exports(body: bytes, names: Mapping[str, str]) -> bytes:
    reader = Reader(body, "the export section")
    pieces = []
    for _ in reader.items():
        pieces.append(sized(names[reader.name()].encode()) + reader.take(1) + leb(reader.u32()))
    return leb(len(pieces)) + b"".join(pieces)


# ---- what the JavaScript says ----


def _exports_of(script: str, module: Module) -> dict[str, str]:
    types = {item.name: item.type for item in module.exports}
    script = _PLAIN.sub(r"_\1", script)
    by_object: dict[str, dict[str, str]] = {}
    for match in _ASSIGNED.finditer(script):
        short = match["export"] or match["item"]
        if isinstance(types.get(short), (FuncType, GlobalType, TagType)):
            true = match["dotted"] or match["quoted"] or match["plain"]
            by_object.setdefault(match["object"], {}).setdefault(short, true)
    if not by_object:
        return {}
    # Other objects have properties by these short names, too: the exports are assigned from one.
    names = max(by_object.values(), key=len)
    constructors = _constructors(script, types, names)
    if constructors is not None and "__wasm_call_ctors" not in names.values():
        names[constructors] = "__wasm_call_ctors"
    return names


def _constructors(
    script: str, types: Mapping[str, ExternType], named: Mapping[str, str]
) -> str | None:
    """Returns the export that calls constructors: the script uses it only by its short name."""
    found = [name for name, type in types.items() if type == _NO_VALUES and name not in named]
    if len(found) > 1:
        call = r"""[\w$](?:\.([\w$]+)|\[(["'])([\w$]+)\2\])\(\)"""
        called = {match[1] or match[3] for match in re.finditer(call, script)}
        found = [name for name in found if name in called]
    return found[0] if len(found) == 1 else None


def _imports_of(script: str, module: Module) -> dict[str, str]:
    wanted = {item.name for item in module.imports}
    for members in _objects(_without_comments(script)):
        # A script of the Closure compiler calls functions by names of one or two letters.
        if wanted <= members.keys() and max(map(len, members.values()), default=0) > 3:
            return {short: _symbol(members[short]) for short in wanted}
    return {}


def _objects(script: str) -> Iterator[dict[str, str]]:
    """Yields the objects in a script whose members all have names as their values."""
    begin = script.find("{")
    while begin >= 0:
        members, at = {}, begin + 1
        while (match := _MEMBER.match(script, at)) is not None:
            members[match[2]] = match[3]
            at = match.end()
            if match[4] == "}":
                break
        if members and script[at - 1] in "},":
            yield members
        begin = script.find("{", begin + 1)


def _without_comments(script: str) -> str:
    pieces, begin = [], 0
    while (start := script.find("/*", begin)) >= 0:
        end = script.find("*/", start + 2)
        if end < 0:
            break
        pieces.append(script[begin:start])
        begin = end + 2
    return "".join([*pieces, script[begin:]])


def _symbol(name: str) -> str:
    """Returns the name of a symbol of C; JavaScript has an underscore before it."""
    return {"wasmMemory": "memory", "wasmTable": "__indirect_function_table"}.get(
        name, name.removeprefix("_")
    )
