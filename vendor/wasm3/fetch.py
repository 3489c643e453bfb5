"""Puts wasm3's sources into vendor/wasm3/source/, and verifies them by manifest.txt.

python vendor/wasm3/fetch.py            verifies the sources; if there are none, lets pip download
                                        the pinned sdist
python vendor/wasm3/fetch.py --again    the same, but replaces the sources that are there
python vendor/wasm3/fetch.py SDIST      replaces the sources by those of an sdist that is here
python vendor/wasm3/fetch.py --manifest [SDIST]
                                        writes manifest.txt anew from the pinned sdist; for those
                                        who move the pin in requirements.txt
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
PIN = HERE / "requirements.txt"
MANIFEST = HERE / "manifest.txt"
BY_HAND = "python vendor/wasm3/fetch.py"
AGAIN = f"{BY_HAND} --again"

# The paths in the sdist, below its top folder, of the files that are unpacked.
WANTED = re.compile(r"LICENSE|wasm3/\w[\w.-]*\.[ch]")
STAMP = "sdist.sha256"  # This file in source/ has the hash of the sdist that it came from.


class FetchError(Exception):
    """wasm3's sources are not available. The text is one sentence that says what to do."""


def ensure() -> None:
    """Fills vendor/wasm3/source/ if it is not there or of another sdist, and verifies its files.

    Raises:
        FetchError: The sources are not available, or they are not those of manifest.txt. The text
            names the file and the command to run.
    """
    if not os.path.lexists(SOURCE) or _is_outdated():
        fetch()
    elif wrong := complaint(SOURCE):
        raise FetchError(wrong)


def fetch() -> None:
    """Downloads the pinned sdist and replaces source/ by what it contains."""
    with _scratch() as folder:
        unpack(_download(Path(folder)))


def complaint(folder: Path) -> str | None:
    """Returns a sentence about a file in which the folder differs from manifest.txt, or None.

    The folder may be a symbolic link, since several checkouts may share one folder. A symbolic link
    in it is refused, because the file that it names can be changed without a trace in the folder.
    """
    wanted = manifest()
    try:
        found = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(folder)}
        for name in sorted(wanted.keys() | found.keys()):
            if name not in found:
                return _refusal(folder / name, "is missing")
            if name not in wanted and name != STAMP:
                # The compiler would take a math.h from here instead of the system's.
                return _refusal(folder / name, "is not part of wasm3's sources")
            if not stat.S_ISREG(found[name].st_mode):
                return _refusal(folder / name, "is not a regular file")
            if name != STAMP and sha256(folder / name) != wanted[name]:
                return _refusal(folder / name, "was changed")
    except OSError as error:
        return _refusal(Path(error.filename), f"cannot be read ({error.strerror})")
    return None


def manifest() -> dict[str, str]:
    """Returns the SHA-256 of each file of source/, by the file's name, from manifest.txt."""
    try:
        lines = MANIFEST.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        lines = []
    rows = [re.fullmatch(r"([0-9a-f]{64})  (\w[\w.-]*)", line) for line in lines]
    if not rows or None in rows:
        raise FetchError(
            f"{MANIFEST} is not a list of SHA-256 hashes and names of files:"
            f" restore it with 'git checkout {MANIFEST}'."
        )
    return {row[2]: row[1] for row in rows if row}


def write_manifest(sdist: Path) -> None:
    """Writes manifest.txt from the sdist, which has to be the pinned one."""
    files = _read(sdist)
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    MANIFEST.write_text("".join(lines), encoding="ascii", newline="\n")


def sha256(file: Path) -> str:
    """Returns the SHA-256 of the file's content, as hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def pinned_hash() -> str:
    """Returns the SHA-256 in requirements.txt, as hexadecimal digits."""
    found = re.search(r"--hash=sha256:([0-9a-f]{64})", PIN.read_text())
    if not found:
        raise FetchError(f"{PIN} does not pin a SHA-256: restore it with 'git checkout {PIN}'.")
    return found[1]


def unpack(sdist: Path) -> None:
    """Unpacks the pinned sdist into source/. If that fails, source/ stays as it was."""
    files = _read(sdist)
    with _scratch() as folder:
        filled = Path(folder) / "source"
        filled.mkdir()
        for name, content in files.items():
            (filled / name).write_bytes(content)
        if complaint(filled):
            raise FetchError(
                f"{MANIFEST} does not describe the sdist that is pinned in {PIN}:"
                f" restore both with 'git checkout {HERE}', or, if you moved the pin,"
                f" run '{BY_HAND} --manifest'."
            )
        (filled / STAMP).write_text(pinned_hash() + "\n")
        _move(filled)


def _read(sdist: Path) -> dict[str, bytes]:
    """Returns the contents of the wanted files by their names, if the sdist is the pinned one."""
    try:
        digest = sha256(sdist)
    except OSError as error:
        raise FetchError(
            f"{sdist} cannot be read ({error.strerror}):"
            f" run '{BY_HAND} SDIST' with the sdist of pywasm3 0.5.0."
        ) from None
    if digest != pinned_hash():
        raise FetchError(_wrong_hash(f"{sdist} has {digest}"))
    files = {}
    with tarfile.open(sdist) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            content = archive.extractfile(member) if WANTED.fullmatch(path) else None
            if content is not None:
                files[Path(path).name] = content.read()
    return files


def _is_outdated() -> bool:
    """Returns whether source/ says that it comes from another sdist than the pinned one.

    Files that were put there by hand have no stamp.
    """
    stamp = SOURCE / STAMP
    if stamp.is_symlink() or not stamp.is_file():
        return False
    return stamp.read_bytes().strip() != pinned_hash().encode()


def _move(filled: Path) -> None:
    # A symbolic link is moved aside itself, so nothing is written through it.
    with contextlib.suppress(FileNotFoundError):
        SOURCE.rename(filled.with_name("replaced"))
    try:
        filled.rename(SOURCE)
    except OSError:
        if complaint(SOURCE):  # If there is none, another build was faster.
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


def _refusal(file: Path, what: str) -> str:
    return (
        f"{file} {what}, so wasm3's sources are not those listed in {MANIFEST}:"
        f" run '{AGAIN}', which replaces them."
    )


def _scratch() -> tempfile.TemporaryDirectory[str]:
    # The folder is beside source/, because a rename is atomic only within one file system.
    if not os.access(HERE, os.W_OK):
        raise FetchError(f"{HERE} is not writable: change its permissions, then run '{BY_HAND}'.")
    return tempfile.TemporaryDirectory(prefix=".fetch-", dir=HERE)


def main(arguments: list[str]) -> None:
    """Does what the command line says; the docstring of this file lists the forms."""
    options = {argument for argument in arguments if argument.startswith("-")}
    sdists = [Path(argument) for argument in arguments if argument not in options]
    if options - {"--again", "--manifest"} or len(options) > 1 or len(sdists) > 1:
        raise FetchError(str(__doc__))
    if "--manifest" in options:
        with _scratch() as folder:
            write_manifest(sdists[0] if sdists else _download(Path(folder)))
    elif sdists:
        unpack(sdists[0])
    elif options:
        fetch()
    else:
        ensure()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FetchError as error:
        sys.exit(str(error))
