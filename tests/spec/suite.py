# SPDX-License-Identifier: MIT
"""Where the official suite is, and how its files are read."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

VARIABLE = "WASM_SPEC_TESTSUITE"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "spec" / "wasm-core-3.0.zip"
ABSENT = f"{VARIABLE} does not name the official test-suite"


def locate() -> Path | None:
    """The folder or zip of the suite, or None.

    Raises:
        FileNotFoundError: The variable names something that is not there.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return BESIDE if BESIDE.exists() else None
    path = Path(named)
    if not path.exists():
        raise FileNotFoundError(f"{VARIABLE} names {named}, which is not there")
    return path


class Suite:
    """Scripts (``i32``, ``simd/simd_const``) and their modules, as wast2json lays them out."""

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
        """The names of all scripts, sorted."""
        return sorted([name.removesuffix(".json") for name in self._names(".json")])

    def modules(self) -> list[str]:
        """The names of the files of all modules, sorted."""
        return self._names(".wasm")

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return (self.path / name).read_bytes() if self._zip is None else self._zip.read(name)

    def close(self) -> None:
        """Closes the zip."""
        if self._zip is not None:
            self._zip.close()
