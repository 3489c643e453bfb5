# SPDX-License-Identifier: MIT
"""Importing the package is cheap and has no side effects.

The cost is counted in modules, because seconds would depend on the machine.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest

import pywasm3
from helpers import TESTS, child

HEAVY = [
    "argparse",
    "ast",
    "asyncio",
    "cffi",  # at run time, only its compiled half is needed
    "ctypes",
    "dataclasses",
    "inspect",
    "json",
    "logging",
    "numpy",
    "pathlib",
    "pickle",
    "pycparser",
    "re",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
    "wasm3",
    "wasmtime",
]

COMPILED = {"_engine", "_cpython"}


def imported(statement: str) -> set[str]:
    """The modules that a statement imports in a fresh process."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TESTS
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import pywasm3", "from pywasm3 import *"])
def test_the_import_brings_in_no_heavy_module(statement: str) -> None:
    assert imported(statement) & set(HEAVY) == set()


def test_the_import_brings_in_few_modules() -> None:
    """Fewer than 30 modules that are not ours are imported."""
    others = {name for name in imported("import pywasm3") if not name.startswith("pywasm3")}
    assert len(others) < 30


def test_a_call_brings_in_no_heavy_module(guests: object) -> None:
    statement = (
        "import pywasm3; "
        "pywasm3.load('guests/arith.wasm').exports.add_i32(1, 2); "
        "pywasm3.load('guests/strings.wasm').memory.write_str(0, 'text')"
    )
    assert imported(statement) & set(HEAVY) == set()


def documented_aliases(path: Path) -> set[str]:
    """The type aliases of a source file that are followed by a docstring."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        body = getattr(node, "body", [])
        for statement, after in pairwise(body) if isinstance(body, list) else ():
            match statement, after:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str())):
                    names.add(name)
    return names


ALIASES = ["Compile", "ExternType", "Imports", "Missing", "Source", "ValueType"]


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    """Classes and functions have a docstring; a type alias has one after its definition."""
    folder = TESTS.parent / "pywasm3"
    documented = documented_aliases(folder / "_aliases.py") | documented_aliases(
        folder / "_types.py"
    )
    constants = {"M3_VERSION", "__version__", *map(str, pywasm3.ValType)}
    for name in pywasm3.__all__:
        value = getattr(pywasm3, name)
        if name in ALIASES:
            assert name in documented, name
        elif name not in constants:
            assert value.__doc__, name
            assert value.__module__ == "pywasm3", name


@pytest.mark.parametrize("name", ALIASES)
def test_a_type_alias_is_imported_without_typing(name: str) -> None:
    assert imported(f"from pywasm3 import {name}") & set(HEAVY) == set()


class Importers(ast.NodeVisitor):
    """Notes whether a module imports one of the compiled modules at run time."""

    def __init__(self, tree: ast.AST) -> None:
        self.found = False
        self.visit(tree)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = [node.module or "", *[alias.name for alias in node.names]]
        self.found |= node.level > 0 and not COMPILED.isdisjoint(names)


def test_the_compiled_modules_are_imported_in_one_place() -> None:
    folder = TESTS.parent / "pywasm3"
    importers = [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*.py"))
        if Importers(ast.parse(path.read_text(encoding="utf-8"))).found
    ]
    assert importers == ["_ffi.py"]


def failed_import(folder: Path, stand_ins: set[str], pure: str) -> str:
    """What Python prints when it imports a copy of the package without its folders.

    The modules that are stand-ins are there, but have nothing: the import fails before their use.

    Args:
        folder: Where the copy is made.
        stand_ins: The names of compiled modules.
        pure: The value of PYWASM3_PURE_CFFI.
    """
    package = folder / "pywasm3"
    package.mkdir()
    for path in (TESTS.parent / "pywasm3").glob("*.py"):
        shutil.copy(path, package)
    for name in stand_ins:
        (package / f"{name}.py").write_text("def __getattr__(name): ...\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import pywasm3"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", "PYWASM3_PURE_CFFI": pure},
    )
    return done.stderr


@pytest.mark.c_types
@pytest.mark.parametrize("missing", [("_cpython", "_engine"), ("_engine",), ("_cpython",)])
def test_an_unbuilt_checkout_says_how_to_build(tmp_path: Path, missing: tuple[str, ...]) -> None:
    printed = failed_import(tmp_path, COMPILED - set(missing), pure="")
    cause, error = printed.split("direct cause of the following exception")
    assert "circular import" not in printed
    assert f"No module named 'pywasm3.{missing[0]}'" in cause
    assert error.strip().splitlines()[-1] == (
        f"ImportError: pywasm3 was imported from the source folder {tmp_path}, where its compiled "
        "modules are not built for this Python: run 'make demo' there, or run 'pip install .' "
        "there and start Python in another folder"
    )


def test_a_wheel_without_the_types_in_python_says_so(tmp_path: Path) -> None:
    printed = failed_import(tmp_path, COMPILED, pure="1")
    assert printed.strip().splitlines()[-1] == (
        "ImportError: the environment variable PYWASM3_PURE_CFFI is set, but this installation of "
        "pywasm3 lacks pywasm3._pure, which wheels for CPython leave out: unset the variable, or "
        "run 'pip install -e .' in the source folder"
    )


def test_the_import_prints_nothing_and_leaves_no_thread() -> None:
    done = child("import sys; assert 'threading' not in sys.modules")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_python_without_a_gil_stays_so() -> None:
    has_gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
    child(f"import sys; assert getattr(sys, '_is_gil_enabled', lambda: True)() is {has_gil}")
