# SPDX-License-Identifier: MIT
"""``pywasm3 inspect``: shows what a module contains."""

from __future__ import annotations

import argparse
from dataclasses import fields

from .. import Module, UnsupportedError
from .._text import brief, brief_quoted, printable
from .listing import Listing
from .producers import read_producers
from .source import read_bytes, shown_name
from .terminal import Output, one_line
from .wat import extern_type, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .listing import Extern, Section, Sizes

    Description = dict[str, Any]

# The version of the JSON format. It grows when programs that read the format must change.
SCHEMA = 1


def add_parser(subparsers: Any) -> None:
    """Adds the parser of this command."""
    parser = subparsers.add_parser(
        "inspect",
        help="show a module's imports, exports, memories, tables, sections and producers",
        description="Shows what a module contains: imports, exports, memories, tables, sections\n"
        "and producers.",
        epilog="example: pywasm3 inspect --json plugin.wasm",
    )
    parser.add_argument(
        "--json", action="store_true", help="write JSON, whose keys docs/cli.md describes"
    )
    parser.add_argument("file", metavar="FILE", help="a module; - reads standard input")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    data = read_bytes(args.file)
    description = describe(shown_name(args.file), data)
    output = Output()
    if args.json:
        output.json(description)
    else:
        _show(output, description)
    return 0


# ---- the description as data ----


def describe(file: str, data: bytes) -> Description:
    """Returns what `inspect --json` writes."""
    listing = Listing(data)
    refusal = _refusal(data)
    return {
        "schema": SCHEMA,
        "file": file,
        "size": listing.size,
        "name": listing.name,
        "start": listing.start,
        "unsupported": None if refusal is None else str(refusal),
        "unsupported_features": [] if refusal is None else list(refusal.features),
        "imports": [
            {"module": entry.module, "name": entry.name, **_extern(entry.extern)}
            for entry in listing.imports()
        ],
        "exports": [{"name": entry.name, **_extern(entry.extern)} for entry in listing.exports()],
        "functions": listing.count("func"),
        "globals": listing.count("global"),
        "tags": listing.count("tag"),
        "memories": [_extern(memory) for memory in listing.externs("memory")],
        "tables": [_extern(table) for table in listing.externs("table")],
        "sections": [_fields(section) for section in listing.sections()],
        "producers": read_producers(listing.custom("producers")),
    }


def _refusal(data: bytes) -> UnsupportedError | None:
    """Returns why this version cannot run a valid module, or None if it can."""
    try:
        Module(data)
    except UnsupportedError as error:
        return error
    return None


def _fields(value: Section | Sizes) -> Description:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _extern(extern: Extern) -> Description:
    found: Description = {
        "kind": extern.kind,
        "index": extern.index,
        "type": extern_type(extern),
    }
    if extern.func is not None:
        found["params"] = [str(type_) for type_ in extern.func.params]
        found["results"] = [str(type_) for type_ in extern.func.results]
    if extern.sizes is not None:
        found.update(_fields(extern.sizes))
    if extern.value is not None:
        found["value"] = str(extern.value)
    if extern.mutable is not None:
        found["mutable"] = extern.mutable
    if extern.kind != "memory":
        found.pop("page_bytes", None)
    return found


# ---- the description as text ----


def _show(output: Output, description: Description) -> None:
    name = f", called {brief_quoted(description['name'])}" if description["name"] else ""
    file = output.paint("bold", printable(description["file"]))
    output.line(f"{file}: {description['size']:,} bytes{name}")
    if description["unsupported"]:
        reason = printable(one_line(description["unsupported"]))
        output.line(f"valid, but cannot be run: {reason}")
    output.line(
        f"functions: {description['functions']:,}, globals: {description['globals']:,}, "
        f"tags: {description['tags']:,}"
    )
    if description["start"] is not None:
        output.line(f"start function: {description['start']}")
    for title, line in (
        ("imports", _import_line),
        ("exports", _export_line),
        ("memories", _indexed_line),
        ("tables", _indexed_line),
        ("sections", _section_line),
    ):
        _show_list(output, title, len(description[title]), map(line, description[title]))
    producers = _producer_lines(description["producers"])
    _show_list(output, "producers", len(producers), producers)


def _show_list(output: Output, title: str, count: int, lines: Iterable[str]) -> None:
    if count:
        output.line(f"\n{output.paint('bold', title)} ({count:,})")
    for line in lines:
        output.line(f"  {line}")


def _import_line(entry: Description) -> str:
    return f"{brief_quoted(entry['module'])} {_export_line(entry)}"


def _export_line(entry: Description) -> str:
    return f"{brief_quoted(entry['name'])} {shortened(entry['type'])}"


def _indexed_line(entry: Description) -> str:
    return f"{entry['index']}: {entry['type']}"


def _section_line(section: Description) -> str:
    line = f"{section['offset']:#010x} {section['size']:>11,} bytes  {section['name']}"
    if section["custom_name"] is not None:
        line += f" {brief_quoted(section['custom_name'])}"
    if section["entries"] is not None:
        line += f" ({section['entries']:,})"
    return line


def _producer_lines(producers: dict[str, list[dict[str, str]]] | None) -> list[str]:
    return [
        f"{brief(field)}: {brief(entry['name'])} {brief(entry['version'])}".rstrip()
        for field, entries in (producers or {}).items()
        for entry in entries
    ]
