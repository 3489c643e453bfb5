# SPDX-License-Identifier: MIT
"""The compiled modules have the linker's protections, and tools/check_wheel.py notices if not.

It also notices if a wheel has the types of another Python. What a shared object without a
protection looks like is what the linker makes of its own options.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import SANITIZED, TESTS, import_file
from pywasm3 import _cpython, _engine

if sys.platform != "linux":
    pytest.skip("the protections are those of ELF", allow_module_level=True)

HARD = ["-fstack-protector-strong", "-Wl,-z,relro,-z,now,-z,noexecstack"]
PROBE = "int use(char *); int probe(void); int probe(void) { char a[64]; return use(a); }"


check_wheel = import_file(TESTS.parent / "tools" / "check_wheel.py")


@pytest.mark.skipif(SANITIZED, reason="a sanitized build has the sanitizers' checks instead")
def test_the_compiled_modules_are_hardened() -> None:
    for module in (_cpython, _engine):
        assert check_wheel.soft_spots(Path(module.__file__).read_bytes()) == []


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ([], None),
        (["-Wl,-z,lazy"], "BIND_NOW"),
        (["-Wl,-z,norelro"], "RELRO"),
        (["-Wl,-z,execstack"], "executable stack"),
        (["-fno-stack-protector"], "stack-protector"),
    ],
)
def test_a_missing_protection_is_noticed(
    flags: list[str], fault: str | None, tmp_path: Path
) -> None:
    source, module = tmp_path / "probe.c", tmp_path / "probe.so"
    source.write_text(PROBE)
    compiler = os.environ.get("CC", "cc").split()
    command = [*compiler, "-O2", "-fPIC", "-shared", *HARD, *flags, "-o", str(module), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    found = check_wheel.soft_spots(module.read_bytes())
    assert len(found) == (fault is not None)
    assert all(str(fault) in sentence for sentence in found)


@pytest.mark.parametrize("compiler", ["clang version 22", "GCC: (Debian) 12.2.0"])
def test_a_module_of_clang_is_told_from_one_of_gcc(compiler: str, tmp_path: Path) -> None:
    source, module = tmp_path / "probe.c", tmp_path / "probe.so"
    source.write_text(f'__asm__(".ident \\"{compiler}\\"");')
    compiler_here = os.environ.get("CC", "cc").split()
    options = ["-shared", "-nostdlib", "-fno-ident"]
    subprocess.run([*compiler_here, *options, "-o", module, source], check=True)
    assert check_wheel.is_made_by_clang(module.read_bytes()) == compiler.startswith("clang")


IN_C, IN_PYTHON = "pywasm3/_cpython.cpython-311-x86_64-linux-gnu.so", "pywasm3/_pure/__init__.py"


@pytest.mark.parametrize(
    ("python", "names", "faults"),
    [
        ("cp311-cp311", [IN_C], []),
        ("cp311-cp311", [IN_C, IN_PYTHON], ["pywasm3/_pure/ must not be in the wheel for cp311"]),
        ("cp311-cp311", [], ["the wheel for cp311 lacks pywasm3/_cpython."]),
        ("pp311-pypy311_pp73", [IN_PYTHON], []),
        ("pp311-pypy311_pp73", [], ["the wheel for pp311 lacks pywasm3/_pure/"]),
        (
            "pp311-pypy311_pp73",
            [IN_PYTHON, IN_C],
            ["pywasm3/_cpython. must not be in the wheel for pp311"],
        ),
    ],
)
def test_a_wheel_has_the_types_of_its_python_alone(
    python: str, names: list[str], faults: list[str]
) -> None:
    wheel = f"pywasm3_cffi-1.0-{python}-manylinux_2_17_x86_64.whl"
    others = ["pywasm3/_ffi.py", "pywasm3/_cpython.pyi"]
    assert check_wheel.wrong_types(wheel, [*names, *others]) == faults
