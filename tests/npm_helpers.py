# SPDX-License-Identifier: MIT
"""Files of packages that npm downloads, each package once. Without npm, tests are skipped."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

from helpers import TESTS

CACHE = TESTS.parent / "build" / "npm"


class Package(NamedTuple):
    """A package with its version, and the SHA-256 of its archive."""

    name: str
    version: str
    sha256: str

    def read(self, path: str) -> bytes:
        """Returns a file of the package. Its path begins with "package/"."""
        with tarfile.open(self._archive()) as opened:
            content = opened.extractfile(path)
            assert content is not None, path
            return content.read()

    def unpack(self, folder: Path) -> None:
        """Writes all files of the package into a folder, which is there only when all are."""
        partial = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(partial, ignore_errors=True)
        with tarfile.open(self._archive()) as opened:
            for member in opened.getmembers():
                target = partial / Path(member.name).relative_to("package")
                content = opened.extractfile(member)
                if content is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
        partial.rename(folder)

    def _archive(self) -> Path:
        """Returns the archive, which is downloaded if it is not there."""
        # The name of a package may begin with "@", the name of its owner and "/".
        archive = CACHE / f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"
        if not archive.exists():
            self._download()
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        assert digest == self.sha256, f"{archive} is not what it was: remove it"
        return archive

    def _download(self) -> None:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"npm is not there to download {self.name}")
        CACHE.mkdir(parents=True, exist_ok=True)
        specification = f"{self.name}@{self.version}"
        command = [npm, "pack", "--silent", "--fetch-retries=1", specification]
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm did not download {self.name}: {done.stderr.strip()}")
