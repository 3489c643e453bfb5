# SPDX-License-Identifier: MIT
"""Importing the package is cheap and has no side effects.

The cost is counted in modules, because seconds would depend on the machine.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest

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


def test_the_compiled_modules_are_imported_in_one_place() -> None:
    import pywasm3

    folder = TESTS.parent / "pywasm3"
    importers = [
        path.name
        for path in sorted(folder.glob("*.py"))
        if any(
            f"import {name}" in line or f"from .{name}" in line
            for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith("    ")  # indented: under TYPE_CHECKING
            for name in ("_engine", "_fastcall")
        )
    ]
    assert importers == ["_ffi.py"]
    assert pywasm3.__name__ == "pywasm3"


def test_the_import_prints_nothing_and_leaves_no_thread() -> None:
    done = child("import sys; assert 'threading' not in sys.modules")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_python_without_a_gil_stays_so() -> None:
    has_gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
    child(f"import sys; assert getattr(sys, '_is_gil_enabled', lambda: True)() is {has_gil}")
