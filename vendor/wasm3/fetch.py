"""Puts wasm3's sources into vendor/wasm3/source/.

python vendor/wasm3/fetch.py            lets pip download the pinned sdist
python vendor/wasm3/fetch.py FILE       takes an sdist that is already here
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
PIN = HERE / "requirements.txt"
BY_HAND = "python vendor/wasm3/fetch.py"

# The files to unpack, as paths below the sdist's top folder.
FILES = (
    "LICENSE",
    "wasm3/m3_bind.c",
    "wasm3/m3_bind.h",
    "wasm3/m3_code.c",
    "wasm3/m3_code.h",
    "wasm3/m3_compile.c",
    "wasm3/m3_compile.h",
    "wasm3/m3_config.h",
    "wasm3/m3_config_platforms.h",
    "wasm3/m3_core.c",
    "wasm3/m3_core.h",
    "wasm3/m3_emit.c",
    "wasm3/m3_emit.h",
    "wasm3/m3_env.c",
    "wasm3/m3_env.h",
    "wasm3/m3_exception.h",
    "wasm3/m3_exec.c",
    "wasm3/m3_exec.h",
    "wasm3/m3_exec_defs.h",
    "wasm3/m3_function.c",
    "wasm3/m3_function.h",
    "wasm3/m3_info.c",
    "wasm3/m3_info.h",
    "wasm3/m3_math_utils.h",
    "wasm3/m3_module.c",
    "wasm3/m3_parse.c",
    "wasm3/wasm3.h",
    "wasm3/wasm3_defs.h",
)
STAMP = "sdist.sha256"  # This file in source/ has the hash of the sdist that it came from.


class FetchError(Exception):
    """wasm3's sources are not available. The text is one sentence that says what to do."""


def ensure() -> None:
    """Fills vendor/wasm3/source/ unless it has the pinned sources already.

    Raises:
        FetchError: The sources are not available; the text has the command to run.
    """
    if not is_complete():
        with _scratch() as folder:
            unpack(_download(Path(folder)))


def is_complete() -> bool:
    """Returns whether all files are there. Files that were put there by hand have no stamp."""
    stamp = SOURCE / STAMP
    if stamp.exists() and stamp.read_text().strip() != pinned_hash():
        return False
    return all((SOURCE / Path(name).name).is_file() for name in FILES)


def pinned_hash() -> str:
    """Returns the SHA-256 in requirements.txt, as hexadecimal digits."""
    found = re.search(r"--hash=sha256:([0-9a-f]{64})", PIN.read_text())
    if not found:
        raise FetchError(f"{PIN} does not pin a SHA-256: restore it with 'git checkout {PIN}'.")
    return found[1]


def unpack(sdist: Path) -> None:
    """Unpacks the sdist into source/. If that fails, source/ stays as it was."""
    try:
        digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    except OSError as error:
        raise FetchError(
            f"{sdist} cannot be read ({error.strerror}):"
            f" run '{BY_HAND} SDIST' with the sdist of pywasm3 0.5.0."
        ) from None
    if digest != pinned_hash():
        raise FetchError(_wrong_hash(f"{sdist} has {digest}"))
    with _scratch() as folder:
        filled = Path(folder) / "source"
        filled.mkdir()
        with tarfile.open(sdist) as archive:
            top = archive.getnames()[0].partition("/")[0]
            for name in FILES:
                content = archive.extractfile(f"{top}/{name}")
                assert content is not None  # The right hash means that the files are there.
                (filled / Path(name).name).write_bytes(content.read())
        (filled / STAMP).write_text(digest + "\n")
        _move(filled)


def _move(filled: Path) -> None:
    shutil.rmtree(SOURCE, ignore_errors=True)
    try:
        filled.rename(SOURCE)
    except OSError:
        if not is_complete():  # If it is complete, another build was faster.
            raise


def _download(folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"{sys.executable} has no pip, which is needed to download wasm3's sources:"
            f" run 'python -m ensurepip', then '{BY_HAND}'."
        )
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-binary", "pywasm3", "--require-hashes", "-r", str(PIN)]
    command += ["--dest", str(folder)]
    if _has_setuptools():
        command.append("--no-build-isolation")
    pip = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if pip.returncode:
        raise FetchError(_reason(pip.stderr))
    return next(folder.glob("*.tar.gz"))


def _has_setuptools() -> bool:
    # pip runs the sdist's setup.py to get its metadata. If the installed setuptools can do that
    # without further packages, pip need not download setuptools.
    try:
        version = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        return False
    return int(version.partition(".")[0]) >= 71


def _reason(stderr: str) -> str:
    if "DO NOT MATCH THE HASHES" in stderr:
        got = re.search(r"Got\s+([0-9a-f]{64})", stderr)
        return _wrong_hash(f"pip got {got[1] if got else 'another file'}")
    errors = [line for line in stderr.splitlines() if line.lower().startswith("error:")]
    said = errors[-1][6:].strip() if errors else "it gave no reason"
    return (
        f"wasm3's sources could not be downloaded (pip: {said}):"
        " check the network and 'pip config list',"
        f" then run '{BY_HAND}', or '{BY_HAND} SDIST' with the sdist of pywasm3 0.5.0."
    )


def _wrong_hash(what: str) -> str:
    return (
        f"wasm3's sources are not those pinned in vendor/wasm3/requirements.txt ({what}):"
        f" check the index in 'pip config list', then run '{BY_HAND}'."
    )


def _scratch() -> tempfile.TemporaryDirectory[str]:
    # The folder is beside source/, because a rename is atomic only within one file system.
    if not os.access(HERE, os.W_OK):
        raise FetchError(f"{HERE} is not writable: change its permissions, then run '{BY_HAND}'.")
    return tempfile.TemporaryDirectory(prefix=".fetch-", dir=HERE)


if __name__ == "__main__":
    try:
        if len(sys.argv) > 1:
            unpack(Path(sys.argv[1]))
        else:
            ensure()
    except FetchError as error:
        sys.exit(str(error))
