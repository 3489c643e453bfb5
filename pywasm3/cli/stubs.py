# SPDX-License-Identifier: MIT
"""``pywasm3 stubs``: writes the types of a module's exports, for type checkers and readers."""

from __future__ import annotations

import argparse
import keyword
import os
import re

from .. import Exports, ValType
from .._text import is_attribute, printable
from .._types import heap_type, is_nullable, is_reference
from .listing import Listing
from .source import STDIN, read_bytes
from .terminal import Output
from .wat import extern_type, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .. import FuncType
    from .._types import ValueType
    from .listing import Export

_NUMBERS = {
    ValType.I32: "int",
    ValType.I64: "int",
    ValType.F32: "float",
    ValType.F64: "float",
    ValType.V128: "bytes",
}
_CLASSES = {"table": "Table", "memory": "Memory", "global": "Global", "tag": "Tag"}
# A method with one of these names would hide a name that other lines of the class use.
_WORDS = "Any Literal Protocol overload property pywasm3 bytes float int str tuple"
_USED = frozenset(_WORDS.split())
# What a line of a stub that is not part of a docstring begins with, and what it may import.
_CODE = ("class ", "def ", "@")
_TYPING = ("Any", "Literal", "Protocol", "overload")
# The name, followed by a number, of a class for a function that is not an attribute.
_CALLABLE = "_Function"
_MAX_SHOWN = 200


def add_parser(subparsers: Any) -> None:
    """Adds the parser of this command."""
    parser = subparsers.add_parser(
        "stubs",
        help="write the types of a module's exports as a .pyi file",
        description="Writes a stub file: a class with the exports of a module, their types and "
        "the skeleton\nof their documentation. A program annotates an instance with it, as\n"
        "pywasm3.Instance[PluginExports].",
        epilog="examples: pywasm3 stubs plugin.wasm > plugin_types.pyi\n"
        "          pywasm3 stubs --module plugin.wasm > plugin.pyi",
    )
    parser.add_argument(
        "--module",
        action="store_true",
        help="declare the exports as those of a module that pywasm3.hook imports: the file belongs "
        "beside the module, under its name",
    )
    parser.add_argument("file", metavar="FILE", help="a module; - reads standard input")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    listing = Listing(read_bytes(args.file))
    output = Output()
    body = [*(_module_body if args.module else _class_body)(listing, args.file)]
    output.line(
        f'"""Types of {_in_docstring(_shown_name(listing, args.file))}, '
        'written by "pywasm3 stubs"."""'
    )
    for line in [*_imports(body), *body]:
        output.line(line)
    return 0


def _imports(body: list[str]) -> Iterator[str]:
    """Yields the imports that the lines of a stub need, because editors complain about others."""
    code = "\n".join(
        line for line in body if line.lstrip().startswith(_CODE) or ": pywasm3" in line
    )
    names = [name for name in _TYPING if re.search(rf"\b{name}\b", code)]
    if names:
        yield ""
        yield f"from typing import {', '.join(names)}"
    if "pywasm3." in code:
        yield ""
        yield "import pywasm3"


def _shown_name(listing: Listing, file: str) -> str:
    return listing.name or ("module" if file == STDIN else os.path.basename(file))


def _class_body(listing: Listing, file: str) -> Iterator[str]:
    name = _shown_name(listing, file)
    stem = name.rpartition(".")[0] or name
    exports = listing.exports()
    named = [export for export in exports if _is_attribute(export.name)]
    others = [export for export in exports if not _is_attribute(export.name)]
    functions = {
        export.name: f"{_CALLABLE}{number}"
        for number, export in enumerate(others)
        if export.extern.func is not None and export.extern.kind == "func"
    }
    for export in others:
        if export.name in functions:
            yield from _callable(functions[export.name], export)
    yield ""
    yield f"class {_class_name(stem)}Exports(Protocol):"
    yield f'    """The exports of {_in_docstring(name)}."""'
    for export in named:
        yield ""
        yield from _attribute(export)
    yield from _items(others, functions)


def _module_body(listing: Listing, file: str) -> Iterator[str]:
    """Declares the attributes of a module that pywasm3.hook makes."""
    exports = [export for export in listing.exports() if _is_module_attribute(export.name)]
    yield ""
    yield "__all__ = ["
    yield from (f'    "{export.name}",' for export in exports if not export.name.startswith("_"))
    yield "]"
    yield ""
    yield "__wasm__: pywasm3.Instance"
    for export in exports:
        yield ""
        if export.extern.kind == "func":
            assert export.extern.func is not None
            yield _signature(export.name, export.extern.func, bound=True)
            yield from _docstring(export)
        else:
            yield f"{export.name}: pywasm3.{_CLASSES[export.extern.kind]}"
            yield from (line[4:] for line in _docstring(export))


# ---- names ----


def _is_attribute(name: str) -> bool:
    """Returns whether an export can be used and declared as an attribute of a class."""
    return (
        name.isascii()  # Python normalizes some other letters, and would not find the export.
        and name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith(("__", _CALLABLE))
        and name not in _USED
        and not hasattr(Exports, name)
    )


def _is_module_attribute(name: str) -> bool:
    """Returns whether an export is an attribute of an imported module, and can be declared."""
    return (
        name.isascii() and is_attribute(name) and not keyword.iskeyword(name) and name not in _USED
    )


def _class_name(stem: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", stem)
    name = "".join([word[0].upper() + word[1:] for word in words])[:_MAX_SHOWN]
    return name if name[:1].isalpha() else f"Module{name}"


def _in_docstring(text: str) -> str:
    """Returns the text changed so that it neither ends a docstring nor is an escape in it."""
    shown = printable(text[:_MAX_SHOWN])
    return shown.replace("\\", "\\\\").replace('"', "'")


# ---- types ----


def _annotation(type_: ValueType) -> str:
    if not is_reference(type_):
        assert isinstance(type_, ValType)
        return _NUMBERS[type_]
    if heap_type(type_) in ("func", "nofunc"):
        return "pywasm3.Function | None" if is_nullable(type_) else "pywasm3.Function"
    return "Any"


def _results(type_: FuncType) -> str:
    results = [_annotation(result) for result in type_.results]
    if len(results) > 1:
        return f"tuple[{', '.join(results)}]"
    return results[0] if results else "None"


def _signature(name: str, type_: FuncType, *, bound: bool = False) -> str:
    params = [f"p{number}: {_annotation(param)}" for number, param in enumerate(type_.params)]
    if params:
        params.append("/")
    if not bound:
        params.insert(0, "self")
    return f"def {name}({', '.join(params)}) -> {_results(type_)}:"


# ---- declarations ----


def _docstring(export: Export) -> Iterator[str]:
    type_ = export.extern.func
    title = f'    """{_in_docstring(export.name)}: {shortened(extern_type(export.extern))}'
    if type_ is None or export.extern.kind != "func" or not (type_.params or type_.results):
        yield f'{title}."""'
        return
    yield f"{title}."
    if type_.params:
        yield ""
        yield "    Args:"
        for number, param in enumerate(type_.params):
            yield f"        p{number}: {param}."
    if type_.results:
        yield ""
        yield "    Returns:"
        yield f"        {', '.join(map(str, type_.results))}."
    yield '    """'


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)


def _attribute(export: Export) -> Iterator[str]:
    if export.extern.kind == "func":
        assert export.extern.func is not None
        yield f"    {_signature(export.name, export.extern.func)}"
    else:
        yield "    @property"
        yield f"    def {export.name}(self) -> pywasm3.{_CLASSES[export.extern.kind]}:"
    yield from _indented(_docstring(export))


def _callable(name: str, export: Export) -> Iterator[str]:
    assert export.extern.func is not None
    yield ""
    yield f"class {name}(Protocol):"
    yield f"    {_signature('__call__', export.extern.func)}"
    yield from _indented(_docstring(export))


def _items(others: list[Export], functions: dict[str, str]) -> Iterator[str]:
    """Declares item access for the exports whose names cannot be attributes."""
    for export in others:
        kind = export.extern.kind
        value = functions[export.name] if kind == "func" else f"pywasm3.{_CLASSES[kind]}"
        yield ""
        yield "    @overload"
        yield f"    def __getitem__(self, name: Literal[{export.name!a}], /) -> {value}: ..."
    yield ""
    if others:
        yield "    @overload"
    yield "    def __getitem__(self, name: str, /) -> Any: ..."
