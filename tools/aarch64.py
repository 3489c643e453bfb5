# SPDX-License-Identifier: MIT
"""Builds the package for 64-bit ARM, and runs tests of the engine there, emulated by QEMU.

    python tools/aarch64.py [ARGUMENTS]     the arguments are for pytest

It needs an x86-64 machine with Debian's apt-get, but neither root nor ARM: apt-get downloads
Debian's Python and C library for ARM, a cross compiler and QEMU into a folder of the checkout, with
lists of packages that are that folder's own. Nothing is installed. Versions are not pinned, because
a mirror keeps no version for long; apt-get verifies the signatures of Debian.

The emulated Python runs setup.py as on a real machine. Only the compiler that it calls is a program
of this machine.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SYSTEM = ROOT / ".cache" / "aarch64"  # "arm" has the emulated system, "host" the other programs
WORK = ROOT / "build" / "aarch64"  # made anew each time
CONSTRAINTS = ROOT / "tools" / "constraints.txt"

PACKAGES = [
    *["python3-minimal:arm64", "libpython3-dev:arm64", "libstdc++6:arm64"],
    *["gcc-aarch64-linux-gnu:amd64", "libc6-dev-arm64-cross:all", "qemu-user-static:amd64"],
]
# {0}: the folder of what apt-get keeps. dpkg's list of installed packages is empty there, so that
# apt-get downloads all that the packages need.
APT_CONFIGURATION = """
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; "arm64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{0}/state";
Dir::State::status "{0}/status";
Dir::Cache "{0}/cache";
"""
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


class AptError(Exception):
    """apt-get did not give what is needed. The text says why."""


def fill_system() -> None:
    """Downloads and unpacks the packages into SYSTEM, unless they are there.

    Raises:
        AptError: This is not a machine with apt-get and x86-64, or apt-get failed.
    """
    if SYSTEM.exists():
        return
    if not shutil.which("apt-get") or platform.machine() != "x86_64":
        raise AptError("tools/aarch64.py needs apt-get, on an x86-64 machine")
    SYSTEM.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SYSTEM.parent, prefix="aarch64-") as folder:
        new = Path(folder, "system")
        for archive in download(Path(folder, "apt")):
            unpack(archive, new)
        new.rename(SYSTEM)


def download(folder: Path) -> list[Path]:
    """Lets apt-get download the packages and what they need, and returns the archives."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    configuration = folder / "apt.conf"
    configuration.write_text(APT_CONFIGURATION.format(folder), encoding="utf-8")
    environment = os.environ | {"APT_CONFIG": str(configuration)}
    # A source that has nothing for ARM is not an error as long as another source has it.
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
    command = ["apt-get", "install", "-qq", "--yes", "--download-only", *PACKAGES]
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise AptError("apt-get did not download " + " ".join(PACKAGES))
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def unpack(archive: Path, system: Path) -> None:
    """Unpacks a package: that of ARM into "arm", any other one into "host"."""
    folder = system / ("arm" if archive.stem.endswith("_arm64") else "host")
    folder.mkdir(parents=True, exist_ok=True)
    if not archive.name.startswith("qemu-"):
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
        return
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


def pip(command: str, *arguments: str | Path) -> list[str | Path]:
    """Returns the arguments of Python that let pip do something, without bytecode."""
    quiet = ["-q", "--disable-pip-version-check", "--no-compile", "--only-binary=:all:"]
    return ["-m", "pip", command, *quiet, "-c", CONSTRAINTS, *arguments]


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> None:
    """Runs a command in a folder, with additional variables of the environment."""
    subprocess.run(command, cwd=folder, env=os.environ | variables, check=True)


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


def main(arguments: list[str]) -> int:
    """Builds and tests; returns the exit code of the first step that fails, or 0."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    try:
        fill_system()
        python = make_environment(WORK / "venv")
        wheel = build_wheel(python)
        run([sys.executable, ROOT / "tools" / "check_wheel.py", wheel], ROOT)
        run([python, *pip("install", "--no-deps", wheel)], ROOT)
        # The tests run in a folder without pywasm3/, so that they import the installed package.
        run([python, ROOT / "tests" / "smoke.py"], python.parent)
        tests = [ROOT / "tests" / "unit" / name for name in TESTS]
        options = ["-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml"]
        options += ["--deselect", f"tests/unit/{LEFT_OUT}"]
        command = [python, "-m", "pytest", *options, "--rootdir", ROOT, *tests, *arguments]
        run(command, python.parent)
    except AptError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
