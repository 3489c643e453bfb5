# SPDX-License-Identifier: MIT
"""`pywasm3 stubs` writes a stub that type checkers accept and use.

Python itself and mypy --strict judge the stubs; other expected values are written by hand.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_helpers import LIBRARY, UNRUNNABLE, run
from fuzz import seeds
from helpers import wat

Write = Callable[..., Path]

AWKWARD = """(module
    (func (export "") (result i32) (i32.const 1)) (func (export "class")) (func (export "items"))
    (func (export "int") (param i32)) (func (export "pywasm3")) (func (export "property"))
    (func (export "__private")) (func (export "__init__")) (func (export "_Function0"))
    (func (export "a b") (param f64 v128) (result f32 i64) unreachable)
    (func (export "\\ef\\ac\\81"))
    (func (export "caf\\c3\\a9")) (func (export "quote\\"\\"\\"\\\\")) (func (export "self"))
    (func (export "name")) (func (export "type"))
    (func (export "refs") (param funcref externref (ref func)) (result funcref)
        (ref.null func))
    (memory (export "odd memory") 1) (table (export "table") 1 funcref)
    (global (export "global") (mut i64) (i64.const 1)) (tag (export "tag") (param i32))
    (memory (export "memory") 1))"""


def stub_of(path: Path) -> str:
    done = run("stubs", path)
    assert (done.code, done.err) == (0, "")
    return done.out


def checked(text: str, use: str, folder: Path) -> str:
    """The output of mypy --strict for a stub and for a module that uses it."""
    (folder / "guest_types.pyi").write_text(text, encoding="utf-8")
    (folder / "use.py").write_text(use)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    command += ["--cache-dir", str(folder / "cache"), "guest_types.pyi", "use.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


@pytest.mark.parametrize("source", [LIBRARY, AWKWARD, UNRUNNABLE, "(module)"])
def test_a_stub_is_python(source: str, module: Write) -> None:
    compile(stub_of(module(source)), "stub.pyi", "exec")


@pytest.mark.parametrize("name", sorted(seeds.TEXTS))
def test_modules_of_every_feature_have_stubs(name: str, module: Write) -> None:
    ast.parse(stub_of(module(wat(seeds.TEXTS[name]))))


def test_a_stub_passes_mypy_strict(module: Write, tmp_path: Path) -> None:
    use = """
from typing import cast
import pywasm3
from guest_types import GuestExports

exports = cast(GuestExports, pywasm3.load("guest.wasm").exports)
reveal_type(exports.refs)
reveal_type(exports["a b"](1.0, b""))
reveal_type(exports[""]())
reveal_type(exports.table)
reveal_type(exports["odd memory"])
reveal_type(exports["caf"])
"""
    said = checked(stub_of(module(AWKWARD)), use, tmp_path)
    revealed = [line.partition("Revealed type is ")[2] for line in said.splitlines()]
    function = "pywasm3._cpython.Function"
    assert [re.sub(r"builtins\.|p\d: |\"", "", line) for line in revealed] == [
        f"def ({function} | None, Any, {function}) -> {function} | None",
        "tuple[float, int]",
        "int",
        "pywasm3._table.Table",
        "pywasm3._memory.Memory",
        "Any",
    ], said


def test_a_call_of_other_types_is_an_error(module: Write, tmp_path: Path) -> None:
    use = """
from guest_types import LibExports

def call(exports: LibExports) -> None:
    exports.add(1, 2)
    exports.add("1", 2)
    exports.add(1)
    exports.substract(1, 2)
"""
    said = checked(stub_of(module(LIBRARY)), use, tmp_path)
    lines = [line.split(":")[1] for line in said.splitlines() if "error" in line]
    assert lines == ["6", "7", "8"], said


def test_what_a_function_has_besides_a_call_is_reached_by_item(
    module: Write, tmp_path: Path
) -> None:
    use = """
from array import array
from guest_types import LibExports

async def call(exports: LibExports) -> None:
    print(await exports["add"].aio(1, 2), exports["add"].map(array("i", [1]), 2))
"""
    assert checked(stub_of(module(LIBRARY)), use, tmp_path) == ""


def unused_imports(text: str) -> set[str]:
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return {alias.name for node in imports for alias in node.names} - used


@pytest.mark.parametrize("source", [LIBRARY, AWKWARD, UNRUNNABLE, "(module)"])
def test_a_stub_imports_only_what_it_uses(source: str, module: Write) -> None:
    path = module(source)
    assert unused_imports(stub_of(path)) == unused_imports(module_stub_of(path)) == set()


def test_the_class_is_named_after_the_module_or_the_file(module: Write) -> None:
    assert "class LibExports(Protocol):" in stub_of(module(LIBRARY))
    assert "class MyPlugin2Exports(Protocol):" in stub_of(module("(module)", "my-plugin.2.wasm"))
    assert "class Module7Exports(Protocol):" in stub_of(module("(module)", "7.wasm"))


def test_functions_have_the_skeleton_of_a_docstring(module: Write) -> None:
    tree = ast.parse(stub_of(module(LIBRARY)))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert ast.get_docstring(functions["add"]) == (
        "add: (func (param i32 i32) (result i32)).\n\n"
        "Args:\n    p0: i32.\n    p1: i32.\n\nReturns:\n    i32."
    )


def test_the_stub_declares_what_the_instance_has(module: Write) -> None:
    import pywasm3

    path = module(LIBRARY)
    tree = ast.parse(stub_of(path))
    methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    exports = pywasm3.load(path).exports
    assert set(exports) - methods == {"size of"}


# ---- stubs of modules that pywasm3.hook imports ----


def module_stub_of(path: Path) -> str:
    done = run("stubs", "--module", path)
    assert (done.code, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize("source", [LIBRARY, AWKWARD, UNRUNNABLE, "(module)"])
def test_a_stub_of_a_module_is_python(source: str, module: Write) -> None:
    compile(module_stub_of(module(source)), "stub.pyi", "exec")


def test_a_stub_of_a_module_passes_mypy_strict(module: Write, tmp_path: Path) -> None:
    use = """
import guest_types as guest

reveal_type(guest.refs)
reveal_type(guest.table)
reveal_type(guest.__private)
reveal_type(guest.items())
reveal_type(guest.__wasm__)
guest.absent
"""
    said = checked(module_stub_of(module(AWKWARD)), use, tmp_path)
    revealed = [line.partition("Revealed type is ")[2] for line in said.splitlines()]
    function = "pywasm3._cpython.Function"
    assert [re.sub(r"builtins\.|p\d: |\"", "", line) for line in revealed] == [
        f"def ({function} | None, Any, {function}) -> {function} | None",
        "pywasm3._table.Table",
        "def ()",
        "None",
        "pywasm3._instance.Instance[pywasm3._exports.Exports]",
        "",
    ], said
    assert 'has no attribute "absent"' in said
