# SPDX-License-Identifier: MIT
"""Files of wheels that pip downloads, each wheel once. Without an index, tests are skipped."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from typing import NamedTuple

import pytest

from helpers import CACHE_FOLDER

CACHE = CACHE_FOLDER / "pip"


class Wheel(NamedTuple):
    """A package with its version, and the SHA-256 of its wheel, which fits every platform."""

    name: str
    version: str
    sha256: str

    def read(self, path: str) -> bytes:
        """Returns a file of the wheel."""
        name = f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"
        wheel = CACHE / name
        if not wheel.exists():
            self._download()
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        assert digest == self.sha256, f"{wheel} is not what it was: remove it"
        with zipfile.ZipFile(wheel) as opened:
            return opened.read(path)

    def _download(self) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "-q"]
        # The wheel is read and not installed, so it may be one for a newer Python.
        command += ["--no-deps", "--ignore-requires-python", "--only-binary=:all:"]
        command += ["-d", str(CACHE), f"{self.name}=={self.version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"pip did not download {self.name}: {done.stderr.strip()[-300:]}")
