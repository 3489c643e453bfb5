# SPDX-License-Identifier: MIT
"""The C sources keep the layers that native/README.md draws.

The test reads the `#include` lines and the `pw_*` functions and variables that files define and
use. What must hold is stated by hand: the order of the layers below, which is that of
native/README.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import pytest

from helpers import TESTS

NATIVE = TESTS.parent / "native"

# From the lowest to the highest; a file may use its own layer and those before it. Neither of
# `decode` and `validate` knows `runtime`, and `validate` stands on `decode`.
LAYERS = ("base", "decode", "validate", "runtime", "engine", "embed", "cpython")

COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
INCLUDE = re.compile(r'^#include "([\w./]+)"', re.M)
NAME = re.compile(r"\bpw_\w+")
# A function's head begins its line, and its body the next one; `static inline` only in headers.
FUNCTION = re.compile(r"^(?:[A-Za-z_][\w \t*]*?)\b(pw_\w+)\([^;{}]*\)\n\{", re.M)
VARIABLE = re.compile(
    r"^(?!extern|typedef|static|return)[A-Za-z_][\w \t*()]*?\b(pw_\w+)(?:\[[^\]\n]*\])*(?: =|;)",
    re.M,
)
DECLARATION = re.compile(r"^(?!typedef)[A-Za-z_][\w \t*]*?\b(pw_\w+)\([^{}]*?\)[^{};]*;", re.M)


EXTERN = re.compile(r"^extern [^;]*;", re.M)


def without_comments(text: str) -> str:
    """The text without comments and strings, but with the names of included files."""
    keep = {match.start(1) - 1 for match in INCLUDE.finditer(text)}
    return COMMENT.sub(lambda m: m[0] if m.start() in keep else " ", text)


SOURCES = {
    path.relative_to(NATIVE).as_posix(): without_comments(path.read_text(encoding="utf-8"))
    for path in sorted(NATIVE.rglob("*"))
    if path.suffix in (".c", ".h", ".def", ".inc")
}


def layer_of(file: str) -> str:
    return file.split("/")[0]


def definitions() -> dict[str, str]:
    """The file that defines each function and variable that other files can use."""
    return {
        name: file
        for file, text in SOURCES.items()
        for pattern in (FUNCTION, VARIABLE)
        for name in pattern.findall(text)
    }


DEFINED = definitions()


def units() -> dict[str, str]:
    """What each file is part of: a C file and the header of its functions are one unit.

    A header that declares the functions of several files is a unit of its own. The pieces of
    native/engine that unity.c includes are part of it.
    """
    found = {}
    for file, text in SOURCES.items():
        stem = file.rsplit(".", 1)[0]
        declared = {DEFINED.get(name) for name in DECLARATION.findall(text)} - {None, file}
        shared = file.endswith(".h") and declared - {f"{stem}.c"}
        found[file] = file if shared else stem
        if file.endswith(".inc"):
            found[file] = "engine/unity"
    return found


UNITS = units()


def uses() -> dict[str, set[str]]:
    """The files that each file includes, or whose functions and variables it uses."""
    found: dict[str, set[str]] = defaultdict(set)
    for file, text in SOURCES.items():
        included = {name for name in INCLUDE.findall(text) if name in SOURCES}
        used = {DEFINED[name] for name in NAME.findall(text) if name in DEFINED}
        if file.endswith(".h"):  # declaring a function is not using it
            body = EXTERN.sub("", DECLARATION.sub("", text))
            used = {DEFINED[name] for name in NAME.findall(body) if name in DEFINED}
        found[file] = (included | used) - {file}
    return found


USES = uses()


def test_every_file_is_on_a_layer() -> None:
    assert {layer_of(file) for file in SOURCES} == set(LAYERS)


def test_the_sources_are_understood() -> None:
    """Guards the patterns above: they find what every layer is known to define."""
    assert DEFINED["pw_fail"] == "base/error.c"
    assert DEFINED["pw_module_new"] == "validate/module.c"
    assert DEFINED["pw_memory_grow"] == "runtime/memory.c"
    assert DEFINED["pw_compile"].startswith("engine/")
    assert DEFINED["pw_instance_new"] == "embed/instance.c"
    assert DEFINED["pw_engine"].startswith("cpython/")
    assert "base/error.c" in USES["validate/body.c"]


def test_included_files_are_named_from_the_folder_of_all_layers() -> None:
    """`#include "decode/reader.h"` shows the layer; what is not ours belongs to wasm3."""
    foreign = {
        name for text in SOURCES.values() for name in INCLUDE.findall(text) if name not in SOURCES
    }
    assert all(name.startswith("m3_") for name in foreign), foreign


@pytest.mark.parametrize("layer", LAYERS)
def test_no_file_uses_a_layer_above_its_own(layer: str) -> None:
    height = LAYERS.index(layer)
    upward = {
        (file, used)
        for file, all_used in USES.items()
        for used in all_used
        if layer_of(file) == layer and LAYERS.index(layer_of(used)) > height
    }
    assert upward == set()


@pytest.mark.parametrize("layer", LAYERS)
def test_no_files_of_a_layer_use_each_other_in_a_circle(layer: str) -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for file, all_used in USES.items():
        if layer_of(file) == layer:
            inside = {UNITS[used] for used in all_used if layer_of(used) == layer}
            graph[UNITS[file]] |= inside - {UNITS[file]}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" uses ".join(reversed(error.args[1])))


def test_only_the_engine_and_the_store_know_the_headers_of_wasm3() -> None:
    """One header includes wasm3's, with its configuration, and nothing below `runtime` does."""
    direct = {file for file, text in SOURCES.items() if re.search(r'#include "m3_\w+\.h"', text)}
    assert direct - {"base/wasm3_config.h"} <= {
        file for file in SOURCES if layer_of(file) == "engine"
    }
    users = {layer_of(file) for file, used in USES.items() if "base/wasm3_config.h" in used}
    assert users <= {"runtime", "engine"}


def test_the_compiled_types_reach_the_engine_through_the_table_only() -> None:
    """native/cpython is linked apart: it calls no function that another layer defines."""
    calls = {
        (file, used)
        for file, all_used in USES.items()
        for used in all_used
        if layer_of(file) == "cpython" and layer_of(used) != "cpython" and used.endswith(".c")
    }
    assert calls == set()
