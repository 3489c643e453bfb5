# SPDX-License-Identifier: MIT
"""Finds the official WebAssembly test-suite and reads its files.

The suite is not part of this repository. This module is the only place that knows where to look
for it; everything else, `.ci/run` and the tools included, calls `locate` or runs this file:

    python tests/spec/suite.py      prints the path of the suite

The suite is the folder or the zip that the environment variable WASM_SPEC_TESTSUITE names. Without
the variable it is ../shared/spec/wasm-core-3.0.zip, seen from the root of the checkout, if that
file exists. Otherwise there is no suite: the tests that need it are skipped with the reason
`ABSENT`.

The suite has no tests of the legacy exception instructions and of threads. They are the scripts in
some folders of proposals.zip (`BESIDE_IT`), which is beside the suite, in the same folder.
`scripts` returns the scripts of both. Without proposals.zip, the tests that need it are skipped,
too.

The exit code is 0 if there is a suite, 1 if there is none (then nothing is printed on the standard
output, and the reason stands on the standard error), and 2 if the variable names a path that does
not exist.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from zipfile import ZipFile

VARIABLE = "WASM_SPEC_TESTSUITE"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "spec" / "wasm-core-3.0.zip"
ABSENT = (
    "needs the official WebAssembly test-suite: set the environment variable "
    f"{VARIABLE} to its folder or zip (tests/spec/suite.py says more)"
)

PROPOSALS = "proposals.zip"
# The folders of proposals.zip that are run.
BESIDE_IT = ("legacy/", "proposals/threads/")
NO_PROPOSALS = f"needs {PROPOSALS} beside the official test-suite (tests/spec/suite.py says more)"


def locate() -> Path | None:
    """Returns the path of the suite's folder or zip, or None if there is no suite.

    Raises:
        FileNotFoundError: WASM_SPEC_TESTSUITE names a path that does not exist.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return BESIDE if BESIDE.exists() else None
    path = Path(named)
    if not path.exists():
        raise FileNotFoundError(
            f"{VARIABLE} is set to {named}, which does not exist: "
            "set it to the folder or zip of the official test-suite, or unset it"
        )
    return path


class Suite:
    """The files of the suite: scripts (`i32`, `simd/simd_const`) and the modules they use.

    The layout is the one that wast2json writes: `NAME.json` holds the commands of a script, and
    `NAME.N.wasm` holds its modules.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = None if path.is_dir() else ZipFile(path)

    def _names(self, suffix: str) -> list[str]:
        if self._zip is None:
            names = [file.relative_to(self.path).as_posix() for file in self.path.rglob("*")]
        else:
            names = self._zip.namelist()
        return sorted([name for name in names if name.endswith(suffix)])

    def scripts(self) -> list[str]:
        """Returns the names of all scripts, sorted."""
        return sorted([name.removesuffix(".json") for name in self._names(".json")])

    def modules(self) -> list[str]:
        """Returns the file names of all modules, sorted."""
        return self._names(".wasm")

    def read(self, name: str) -> bytes:
        """Returns the bytes of one file of the suite."""
        return (self.path / name).read_bytes() if self._zip is None else self._zip.read(name)

    def close(self) -> None:
        """Closes the zip file, if the suite is one."""
        if self._zip is not None:
            self._zip.close()


def scripts(path: Path) -> dict[str, Suite]:
    """Returns the names of all scripts, each with the suite that has its files.

    Args:
        path: The path of the official suite. Those of BESIDE_IT are beside it, if they are there.
    """
    suite = Suite(path)
    found = dict.fromkeys(suite.scripts(), suite)
    proposals = path.resolve().with_name(PROPOSALS)
    if proposals.exists():
        beside = Suite(proposals)
        found |= {name: beside for name in beside.scripts() if name.startswith(BESIDE_IT)}
    return found


def main() -> int:
    """Prints the path of the suite; returns the exit code that the module's docstring explains."""
    try:
        path = locate()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    if path is None:
        print(ABSENT, file=sys.stderr)
        return 1
    print(path.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
