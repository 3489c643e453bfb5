# SPDX-License-Identifier: MIT
"""Archives that pip downloads, each once. Without an index, tests are skipped."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from helpers import CACHE_FOLDER

CACHE = CACHE_FOLDER / "pip"


def download(requirement: str, file: str, sha256: str, *options: str) -> Path:
    """Returns an archive, which is downloaded if it is not there.

    Args:
        requirement: The package with its version, such as "six==1.16.0".
        file: The name of the archive.
        sha256: The SHA-256 of the archive.
        options: More options of pip, which say what kind of archive is wanted.
    """
    archive = CACHE / file
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "-q"]
        # Another process must not find a part of the archive.
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="part-") as part:
            command += ["--no-deps", *options, "-d", part, requirement]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"pip did not download {requirement}: {done.stderr.strip()[-300:]}")
            (Path(part) / file).replace(archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert digest == sha256, f"{archive} is not what it was: remove it"
    return archive


class Wheel(NamedTuple):
    """A package with its version, and the SHA-256 of its wheel, which fits every platform."""

    name: str
    version: str
    sha256: str

    def read(self, path: str) -> bytes:
        """Returns a file of the wheel."""
        file = f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"
        # The wheel is read and not installed, so it may be one for a newer Python.
        options = ("--ignore-requires-python", "--only-binary=:all:")
        wheel = download(f"{self.name}=={self.version}", file, self.sha256, *options)
        with zipfile.ZipFile(wheel) as opened:
            return opened.read(path)
