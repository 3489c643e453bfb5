# SPDX-License-Identifier: MIT
"""Builds the package for 64-bit ARM, and runs tests of the engine there, emulated by QEMU.

    python tools/aarch64.py [ARGUMENTS]     the arguments are for pytest

It needs an x86-64 machine with Debian's apt-get, but neither root nor ARM: apt-get downloads
Debian's Python and C library for ARM, a cross compiler and QEMU (tools/debian.py).

The emulated Python runs setup.py as on a real machine. Only the compiler that it calls is a program
of this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from debian import ROOT, exit_code, extract, fill, pip, run, try_wheel

SYSTEM = ROOT / ".cache" / "aarch64"  # "arm" has the emulated system, "host" the other programs
WORK = ROOT / "build" / "aarch64"  # made anew each time

PACKAGES = [
    *["python3-minimal:arm64", "libpython3-dev:arm64", "libstdc++6:arm64"],
    *["gcc-aarch64-linux-gnu:amd64", "libc6-dev-arm64-cross:all", "qemu-user-static:amd64"],
]
QEMU = "usr/bin/qemu-aarch64-static"

# What the tests below import.
REQUIREMENTS = ["cffi", "hypothesis", "numpy", "pytest", "setuptools", "wasmtime"]
# Tests whose outcome depends on the processor, or on what C compilers make for it. No test is among
# them that asks for a certain speed.
TESTS = [
    *["test_atomics.py", "test_bind.py", "test_call.py", "test_computing.py"],
    *["test_engine_bugs.py", "test_host.py"],
]
# It needs a shared memory, which QEMU 7.2 cannot map a second time.
LEFT_OUT = "test_atomics.py::test_waiting_takes_no_native_stack"


def unpack(archive: Path, system: Path) -> None:
    """Unpacks a package: that of ARM into "arm", any other one into "host"."""
    folder = system / ("arm" if archive.stem.endswith("_arm64") else "host")
    if not archive.name.startswith("qemu-"):
        extract(archive, folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    # This package has a program of some megabytes for each processor.
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as tar:
        command = ["tar", "--extract", "--directory", folder, f"./{QEMU}"]
        subprocess.run(command, stdin=tar.stdout, check=True)


def write_script(path: Path, line: str) -> None:
    """Writes a shell script that runs a program with the script's arguments."""
    path.write_text(f'#!/bin/sh\n{line} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def make_environment(folder: Path) -> Path:
    """Makes a virtual environment of the emulated Python, and returns the path of its Python.

    That is a script, so that a test can start it as a process of its own.
    """
    arm, host = SYSTEM / "arm", SYSTEM / "host"
    (python,) = (arm / "usr" / "bin").glob("python3.*[0-9]")
    packages = folder / "lib" / python.name / "site-packages"
    for part in (folder / "bin", packages):
        part.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {python.parent}\n", encoding="utf-8")
    own_python = folder / "bin" / "python"
    # argv[0] tells Python which environment it is in.
    write_script(own_python, f'exec {host / QEMU} -L {arm} -0 "$0" {python}')
    # The cross compiler has headers of the C library, and must not mix them with those in "arm".
    headers = arm / "usr" / "include"
    write_script(
        folder / "bin" / "gcc",
        f"LD_LIBRARY_PATH={host}/usr/lib/x86_64-linux-gnu PATH={host}/usr/bin:$PATH"
        f" exec aarch64-linux-gnu-gcc --sysroot={host}"
        f" -I{headers / python.name} -idirafter {headers}",
    )
    # pip is for all processors, so this machine's pip can install it.
    run([sys.executable, *pip("install", "--target", packages, "pip")], ROOT)
    run([own_python, *pip("install", *REQUIREMENTS)], ROOT)
    return own_python


def build_wheel(python: Path) -> Path:
    """Builds the wheel, and returns its path."""
    # setuptools reads this file like setup.cfg.
    settings = WORK / "build.cfg"
    settings.write_text(f"[build]\nbuild_base = {WORK / 'temp'}\n", encoding="utf-8")
    program = f"from setuptools import build_meta; build_meta.build_wheel({str(WORK)!r})"
    with (WORK / "build.log").open("wb") as log:
        done = subprocess.run(
            [python, "-c", program],
            cwd=ROOT,
            env=os.environ | {"CC": str(python.parent / "gcc"), "DIST_EXTRA_CONFIG": str(settings)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        print((WORK / "build.log").read_text(encoding="utf-8", errors="replace")[-3000:])
    done.check_returncode()
    (wheel,) = WORK.glob("*.whl")
    return wheel


def build_and_test(arguments: list[str]) -> None:
    """Builds the package, and runs its tests."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    fill(SYSTEM, PACKAGES, unpack, architectures=["amd64", "arm64"])
    python = make_environment(WORK / "venv")
    tests = [ROOT / "tests" / "unit" / name for name in TESTS]
    left_out = ["--deselect", f"tests/unit/{LEFT_OUT}"]
    try_wheel(python, build_wheel(python), [*left_out, *tests, *arguments])


if __name__ == "__main__":
    sys.exit(exit_code(lambda: build_and_test(sys.argv[1:])))
